//! Every limit of a server, as a flag, met by a client that goes beyond it.

use super::harness::{Server, run, text, wait_until};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

fn server(flags: &[&str]) -> Server {
    Server::start_with(0, flags)
}

/// Sends `bytes` and reads until the server closes the connection.
fn last_words(server: &Server, bytes: &[u8]) -> String {
    let mut stream = server.connect();
    // It may be closed before all is sent.
    let _ = stream.write_all(bytes);
    words_until_closed(&mut stream)
}

fn words_until_closed(stream: &mut TcpStream) -> String {
    let mut said = vec![];
    match stream.read_to_end(&mut said) {
        Ok(_) => {}
        // What we sent and it never read makes the close a reset.
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn array(arguments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        bytes.extend(format!("${}\r\n", argument.len()).bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

#[test]
fn requests_beyond_their_bounds_close_the_connection_after_the_reason() {
    let server = server(&["--max-bulk", "1kb", "--max-arguments", "10", "--max-inline", "100"]);
    let fits = [b'x'; 1_024];
    let larger = [b'x'; 1_025];
    assert_eq!(server.ask("PING"), "+PONG");
    let both = [array(&[b"SET", b"k", &fits]), array(&[b"SET", b"k", &larger])].concat();
    assert_eq!(last_words(&server, &both), "+OK\r\n-ERR Protocol error: invalid bulk length\r\n");
    let words: [&[u8]; 11] = [b"DEL", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9", b"10"];
    let both = [array(&words[..10]), array(&words)].concat();
    assert_eq!(last_words(&server, &both), ":0\r\n-ERR Protocol error: invalid multibulk length\r\n");
    let line = |len: usize| format!("ECHO {}\n", "y".repeat(len - 5));
    let both = [line(100), line(101)].concat();
    let echoed = format!("$95\r\n{}\r\n", "y".repeat(95));
    let told = format!("{echoed}-ERR Protocol error: too big inline request\r\n");
    assert_eq!(last_words(&server, both.as_bytes()), told);
    // The four verbs' lines may be as long as an argument.
    assert_eq!(server.ask(&format!("PUT p:{{\"a\":\"{}\"}}", "z".repeat(500))), "+CREATED");
    assert_eq!(
        last_words(&server, format!("PUT p:{{\"a\":\"{}\"}}\r\n", "z".repeat(1_100)).as_bytes()),
        "-ERR Protocol error: too big inline request\r\n"
    );
}

#[test]
fn documents_and_expressions_have_bounds_and_the_connection_stays() {
    let flags = ["--max-document", "30", "--max-depth", "3", "--max-compute-tokens", "5"];
    let server = server(&flags);
    assert_eq!(server.ask(r#"PUT p:{"a":{"b":[1]}}"#), "+CREATED");
    let deep = server.ask(r#"PUT p:{"a":{"b":[[1]]}}"#);
    assert!(deep.starts_with("-ERR") && deep.contains("at most 3 nested"), "{deep}");
    let long = server.ask(r#"PUT p:{"a":"01234567890123456789012"}"#);
    assert_eq!(server.ask(r#"PUT q:{"a":"0123456789012345678901"}"#), "+CREATED");
    assert!(long.starts_with("-ERR") && long.contains("limit"), "{long}");
    assert_eq!(server.ask("QUERY p.a.b[0]"), "$1", "nothing was changed");
    assert_eq!(server.ask("COMPUTE 1+2+3"), "$1");
    let many = server.ask("COMPUTE 1+2+3+4");
    assert!(many.starts_with("-ERR") && many.contains("at most 5 tokens"), "{many}");
}

#[test]
fn a_reply_beyond_its_bound_is_an_error_in_its_place() {
    const REFUSED: &str = "-ERR the reply is larger than a reply may be (max-reply): ask for less at once";
    let server = server(&["--max-reply", "1mb"]);
    let mut stream = server.connect();
    let mut ask = |words: &[&str]| {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        stream.write_all(&array(&words)).expect("it reads");
        let (mut line, mut byte) = (vec![], [0]);
        while !line.ends_with(b"\r\n") {
            stream.read_exact(&mut byte).expect("it is answered");
            line.push(byte[0]);
        }
        text(&line).trim_end().to_owned()
    };
    let value = "v".repeat(300_000);
    for key in ["k", "l", "m", "n"] {
        assert_eq!(ask(&["SET", key, &value]), "+OK");
    }
    let numbers: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let document = format!("{{\"a\":[[[{}]]]}}", numbers.join(","));
    assert_eq!(ask(&["JSON.SET", "d", "$", &document]), "+OK");
    let indent = " ".repeat(60_000);
    // Some of these would be gigabytes.
    for request in [
        [vec!["MGET"], vec!["k"; 100_000]].concat(),
        vec!["RANGE", "k", ""],
        vec!["RANGE", "k", "o", "REV"],
        vec!["PREFIX", ""],
        vec!["JSON.GET", "d", "INDENT", &indent],
        [vec!["JSON.GET", "d"], vec!["$"; 4_000]].concat(),
        [vec!["JSON.MGET"], vec!["d"; 10_000], vec!["$..*"]].concat(),
    ] {
        assert_eq!(ask(&request), REFUSED, "{}", request[0]);
    }
    assert_eq!(ask(&["MULTI"]), "+OK");
    assert_eq!(ask(&["INCR", "c"]), "+QUEUED");
    (0..10).for_each(|_| assert_eq!(ask(&["GET", "k"]), "+QUEUED"));
    assert_eq!(ask(&["INCR", "c"]), "+QUEUED");
    assert_eq!(ask(&["EXEC"]), REFUSED);
    assert_eq!(ask(&["INCR", "c"]), ":3", "the transaction was done");
    // What fits comes whole, and the stream is in step.
    assert_eq!(ask(&["MGET", "k", "l", "m"]), "*3");
    for _ in 0..3 {
        let mut told = vec![0; "$300000\r\n\r\n".len() + value.len()];
        stream.read_exact(&mut told).expect("it is answered");
        assert!(told == format!("$300000\r\n{value}\r\n").as_bytes());
    }
    assert_eq!(server.ask("PING"), "+PONG");
}

#[test]
fn an_incomplete_request_is_closed_when_nothing_more_comes() {
    let server = server(&["--incomplete-timeout", "1"]);
    let idle = server.connect();
    assert_eq!(last_words(&server, b"*2\r\n$4\r\nECHO\r\n$5\r\nhel"), "");
    // Who has asked for nothing may be silent.
    let mut idle = idle;
    idle.write_all(b"PING\r\n").expect("it is open");
    let mut answer = [0; 7];
    idle.read_exact(&mut answer).expect("it is answered");
    assert_eq!(&answer, b"+PONG\r\n");
}

#[test]
fn all_incomplete_requests_together_have_a_bound() {
    let server = server(&["--max-incomplete", "1mb"]);
    let part = [b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$900000\r\n".as_slice(), &[b'v'; 600_000]].concat();
    let mut first = server.connect();
    first.write_all(&part).expect("it reads");
    // The first is surely kept once INFO counts it.
    wait_until("the first is kept", || {
        let mut asks = server.connect();
        asks.write_all(b"INFO clients\r\nQUIT\r\n").expect("it reads");
        words_until_closed(&mut asks)
            .lines()
            .find_map(|line| line.strip_prefix("client_incomplete_bytes:")?.parse::<usize>().ok())
            .is_some_and(|bytes| bytes >= 600_000)
    });
    let told = last_words(&server, &part);
    assert!(told.starts_with("-OOM") || told.is_empty(), "{told}");
    first.write_all(&[b'v'; 300_000]).expect("it reads");
    first.write_all(b"\r\n").expect("it reads");
    let mut answer = [0; 5];
    first.read_exact(&mut answer).expect("it is answered");
    assert_eq!(&answer, b"+OK\r\n", "who came first is served");
}

#[test]
fn who_does_not_read_is_closed() {
    // Four values that the system's buffers do not hold.
    let value = vec![b'v'; 8 << 20];
    for flags in [
        ["--pause-queued", "64kb", "--max-queued", "1mb", "--read-timeout", "3600"],
        ["--pause-queued", "64kb", "--max-queued", "64mb", "--read-timeout", "1"],
    ] {
        let server = server(&flags);
        let mut stream = server.connect();
        stream.write_all(&array(&[b"SET", b"k", &value])).expect("it reads");
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).expect("it is answered");
        stream.write_all(&b"GET k\r\n".repeat(4)).expect("it reads");
        wait_until("it is closed", || clients(&server) == 1);
        assert!(words_until_closed(&mut stream).len() < 4 * value.len(), "not all was sent");
    }
}

/// How many are connected, the one that asks included.
fn clients(server: &Server) -> usize {
    let mut asks = server.connect();
    asks.write_all(b"INFO clients\r\nQUIT\r\n").expect("it reads");
    let told = words_until_closed(&mut asks);
    let count = told.lines().find_map(|line| line.strip_prefix("connected_clients:")?.parse().ok());
    count.unwrap_or_else(|| panic!("no count of clients in {told}"))
}

#[test]
fn bounds_that_cannot_be_are_refused_in_one_line() {
    let program = env!("CARGO_BIN_EXE_kv-server");
    let folder = tempfile::tempdir().expect("a folder");
    for (flag, value, words) in [
        ("--max-bulk", "513mb", "536870912"),
        ("--max-bulk", "lots", "expected a number, with k, kb"),
        ("--max-depth", "129", "expected 1 to 128"),
        ("--max-inline", "10", "expected 64 to 65536"),
        ("--incomplete-timeout", "0", "1..="),
        ("--max-clients", "0", "1.."),
    ] {
        let output = run(program, &["-p", "0", flag, value], folder.path(), "");
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flag} {value}: {told}");
        assert!(told.contains(flag) && told.contains(words), "{flag} {value}: {told}");
    }
}
