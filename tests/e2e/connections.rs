//! Clients that mean no good, and many of them: what a server holds for them has a bound, told by INFO or the system.

use super::harness::{Server, wait_until};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
#[cfg(target_os = "linux")]
use std::time::Duration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
/// Long enough for a loop that does not wait to be seen.
#[cfg(target_os = "linux")]
const SILENCE: Duration = Duration::from_millis(200);

/// Sends `bytes`; some may not be read any more.
fn push(mut stream: &TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

fn line(stream: &TcpStream) -> String {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("it answers");
    line.trim_end().to_owned()
}

/// What it says before it closes.
fn last_words(mut stream: &TcpStream) -> String {
    let mut said = vec![];
    if let Err(error) = stream.read_to_end(&mut said) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn crowd(server: &Server, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| server.connect()).collect()
}

#[test]
fn slow_senders_hold_what_they_have_sent_and_little_more() {
    const COUNT: usize = 100;
    let server = Server::start();
    let value = "v".repeat(50);
    let request = format!("*3\r\n$3\r\nSET\r\n$4\r\nslow\r\n$50\r\n{value}\r\n");
    let crowd = crowd(&server, COUNT);
    let (last, bytes) = request.as_bytes().split_last().expect("not empty");
    for byte in bytes {
        crowd.iter().for_each(|stream| push(stream, &[*byte]));
        if bytes.len().is_multiple_of(7) {
            assert_eq!(server.ask("PING"), "+PONG", "others are served");
        }
    }
    let sent = (COUNT * bytes.len()) as u64;
    wait_until("all has arrived", || server.info("client_incomplete_bytes") >= sent);
    let held = server.info("client_incomplete_bytes");
    assert!(held <= sent + COUNT as u64 * KIB, "{held} bytes for {sent}");
    crowd.iter().for_each(|stream| push(stream, &[*last]));
    assert!(crowd.iter().all(|stream| line(stream) == "+OK"));
    assert_eq!(server.info("client_incomplete_bytes"), 0);
}

#[test]
fn announced_sizes_cost_nothing_before_they_come() {
    const COUNT: usize = 200;
    let server = Server::start();
    for beyond in ["*2\r\n$3\r\nGET\r\n$1073741824\r\n", "*1048577\r\n", "*2\r\n$3\r\nGET\r\n$-5\r\n"] {
        let stream = server.connect();
        push(&stream, beyond.as_bytes());
        let told = last_words(&stream);
        assert!(told.starts_with("-ERR Protocol error: invalid "), "{beyond:?}: {told}");
    }
    let before = server.info("used_memory_rss");
    let mut crowds = vec![];
    for most in ["*1048576\r\n", "*2\r\n$3\r\nSET\r\n$536870912\r\nx"] {
        let crowd = crowd(&server, COUNT);
        crowd.iter().for_each(|stream| push(stream, most.as_bytes()));
        crowds.push(crowd);
    }
    let sent = (COUNT * ("*1048576\r\n".len() + "*2\r\n$3\r\nSET\r\n$536870912\r\nx".len())) as u64;
    wait_until("all has arrived", || server.info("client_incomplete_bytes") >= sent);
    let (held, after) = (server.info("client_incomplete_bytes"), server.info("used_memory_rss"));
    assert!(held <= sent + 2 * COUNT as u64 * KIB, "{held} bytes for {sent}");
    // The system may have taken pages back meanwhile.
    assert!(after < before + 16 * MIB, "from {before} to {after} bytes");
    assert_eq!(server.ask("PING"), "+PONG");
}

#[test]
fn what_is_kept_for_elements_counts_as_they_do() {
    let server = Server::start_with(0, &["--max-incomplete", "4mb"]);
    let stream = server.connect();
    // Six bytes each, and eight more of what must be remembered.
    push(&stream, b"*1048576\r\n");
    push(&stream, &b"$0\r\n\r\n".repeat(500_000));
    let told = last_words(&stream);
    assert!(told.is_empty() || told.starts_with("-OOM incomplete requests"), "{told}");
    wait_until("it is gone", || server.info("client_incomplete_bytes") == 0);
    assert_eq!(server.info("rejected_connections"), 1);
}

#[test]
fn who_does_not_read_is_not_read_from() {
    let server = Server::start_with(0, &["--pause-queued", "64kb"]);
    let value = 100 * KIB;
    assert_eq!(server.ask(&format!("SETRANGE k {} x", value - 1)), format!(":{value}"));
    let stream = server.connect();
    push(&stream, b"CLIENT SETNAME greedy\r\n");
    stream.set_nonblocking(true).expect("a socket");
    // As many requests as go in: neither the system's buffers nor the server take all of them, however large those are.
    let requests = b"GET k\r\n".repeat(1_000);
    let mut sent = 0;
    wait_until("it takes no more", || {
        match (&stream).write(&requests) {
            Ok(count) => sent += count,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
        let list = server.ask_all("CLIENT LIST");
        let own = list.lines().find(|line| line.contains("name=greedy"));
        let queued = own.and_then(|own| own.split_once(" omem=")?.1.split_once(' ')?.0.parse::<u64>().ok());
        // One answer may begin below the bound.
        assert!(queued.is_none_or(|queued| queued <= 64 * KIB + value + KIB), "{queued:?} bytes are queued");
        queued.is_some_and(|queued| queued >= 64 * KIB)
    });
    assert!(sent > 0);
    assert_eq!(server.ask("PING"), "+PONG", "others are served");
}

#[test]
#[cfg(target_os = "linux")]
fn who_went_away_without_a_word_is_asked_for() {
    let server = Server::start();
    let of = |stream: &TcpStream| {
        let port = stream.local_addr().expect("connected").port();
        assert_eq!(line_of(stream, b"PING\r\n"), "+PONG");
        // Of the server's end: its port, the client's, and the timer that runs (proc(5)); 02 is the keepalive's.
        let ends = (format!(":{:04X}", server.port), format!(":{port:04X}"));
        let mut timer = (String::new(), 0);
        // 01 and 04: what was answered is not yet acknowledged, or has found no room.
        wait_until("all is acknowledged", || {
            let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux has it");
            let fields = table.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
            let mut own =
                fields.filter(|fields| fields[1].ends_with(&ends.0) && fields[2].ends_with(&ends.1));
            let (kind, ticks) = own.next().expect("it is connected")[5].split_once(':').expect("proc(5)");
            timer = (kind.to_owned(), u64::from_str_radix(ticks, 16).expect("proc(5)"));
            !matches!(kind, "01" | "04")
        });
        (timer.0 == "02", timer.1)
    };
    let (asked, ticks) = of(&server.connect());
    assert!(asked && ticks <= 300 * 100, "{ticks}");
    assert_eq!(server.ask("CONFIG SET tcp-keepalive 20"), "+OK");
    let (asked, ticks) = of(&server.connect());
    assert!(asked && ticks <= 20 * 100, "{ticks}");
    assert_eq!(server.ask("CONFIG SET tcp-keepalive 0"), "+OK");
    assert!(!of(&server.connect()).0);
}

fn line_of(stream: &TcpStream, request: &[u8]) -> String {
    push(stream, request);
    line(stream)
}

#[test]
fn depth_bombs_are_refused() {
    let server = Server::start();
    let deep = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let stream = server.connect();
    for bomb in [deep(129), "[".repeat(1_000_000), deep(100_000)] {
        for request in [vec!["PUT", "p"], vec!["JSON.SET", "p", "$"]] {
            let words = [request, vec![bomb.as_str()]].concat();
            let told = line_of(&stream, &array(&words));
            assert!(told.starts_with("-ERR"), "{told}");
        }
    }
    assert_eq!(
        line_of(&stream, &array(&["EXISTS", "p"])),
        ":0",
        "nothing came of it, and the connection stays"
    );
    // A document at its deepest, and what would make it deeper.
    assert_eq!(line_of(&stream, &array(&["JSON.SET", "p", "$", &deep(128)])), "+OK");
    let place = format!("${}", ".a".repeat(127));
    for (words, is_refused) in [
        (vec!["JSON.SET", "p", &place, "{\"b\":1}"], false),
        (vec!["JSON.SET", "p", &place, "{\"b\":{}}"], true),
        (vec!["JSON.MERGE", "p", &place, "{\"c\":{\"d\":1}}"], true),
    ] {
        let told = line_of(&stream, &array(&words));
        assert_eq!(told.starts_with("-ERR"), is_refused, "{words:?}: {told}");
    }
    let nested = b"*1\r\n".repeat(100_000);
    push(&stream, &nested);
    assert_eq!(last_words(&stream), "-ERR Protocol error: expected '$', got '*'\r\n");
}

#[test]
fn a_narrower_depth_holds_for_parts_too() {
    let server = Server::start_with(0, &["--max-depth", "3"]);
    let stream = server.connect();
    assert_eq!(line_of(&stream, &array(&["JSON.SET", "p", "$", "{\"a\":{\"l\":[]}}"])), "+OK");
    for (words, is_refused) in [
        (["JSON.SET", "p", "$.a.b", "{\"c\":1}"], false),
        (["JSON.SET", "p", "$.a.b", "{\"c\":{}}"], true),
        (["JSON.ARRAPPEND", "p", ".a.l", "1"], false),
        (["JSON.ARRAPPEND", "p", ".a.l", "[]"], true),
        (["JSON.MERGE", "p", "$.a", "{\"m\":1,\"d\":{\"e\":{}}}"], true),
        (["JSON.MERGE", "p", "$.a", "{\"d\":{\"e\":1}}"], false),
    ] {
        let told = line_of(&stream, &array(&words));
        assert_eq!(told.contains("nested"), is_refused, "{words:?}: {told}");
    }
    push(&stream, &array(&["JSON.GET", "p"]));
    let mut reader = BufReader::new(&stream);
    let mut text = String::new();
    reader.read_line(&mut text).and_then(|_| reader.read_line(&mut text)).expect("it answers");
    assert!(
        text.ends_with("{\"a\":{\"l\":[1],\"b\":{\"c\":1},\"d\":{\"e\":1}}}\r\n"),
        "nothing by halves: {text}"
    );
}

fn array(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    words.iter().for_each(|word| bytes.extend(format!("${}\r\n{word}\r\n", word.len()).bytes()));
    bytes
}

#[test]
#[cfg(target_os = "linux")]
fn a_server_without_descriptors_tells_so_and_goes_on() {
    let server = Server::start();
    let inside = server.connect();
    assert_eq!(line_of(&inside, b"PING\r\n"), "+PONG");
    let pid = Pid::from_raw(server.pid() as i32);
    let limit = |files: u64, maximum| Rlimit { current: Some(files), maximum };
    let maximum = getrlimit(Resource::Nofile).maximum;
    // Room for four: who started this test may have left it open files with numbers far from the others.
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("our own process");
    let open: Vec<u64> = open.filter_map(|file| file.ok()?.file_name().to_str()?.parse().ok()).collect();
    let few = (0..).filter(|number| !open.contains(number)).nth(4).expect("numbers have no end");
    let before = prlimit(pid, Resource::Nofile, limit(few, maximum)).expect("our own process");
    let crowd = crowd(&server, 30);
    let told: Vec<String> = crowd.iter().map(|stream| line_of(stream, b"PING\r\n")).collect();
    let refused = told.iter().filter(|told| *told == "-ERR max number of clients reached").count();
    assert!(refused >= 14, "{told:?}");
    assert_eq!(line_of(&inside, b"PING\r\n"), "+PONG", "who is inside is served");
    // It waits for events, and does not try again and again: turns of the loop are counted while nobody says a word.
    let before_silence = server_turns(&inside);
    inside.set_read_timeout(Some(SILENCE)).expect("a socket");
    let nothing = || (&inside).read(&mut [0]).expect_err("nothing was asked").kind();
    // A process that was stopped meanwhile hears of it.
    let silence = std::iter::repeat_with(nothing).find(|kind| *kind != ErrorKind::Interrupted);
    assert!(matches!(silence, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "{silence:?}");
    inside.set_read_timeout(None).expect("a socket");
    let turns = server_turns(&inside) - before_silence;
    assert!(turns < 100, "{turns} turns while nobody spoke");
    prlimit(pid, Resource::Nofile, before).expect("our own process");
    drop(crowd);
    wait_until("there is place again", || line_of(&server.connect(), b"PING\r\n") == "+PONG");
}

/// How often the server's loop has gone round.
#[cfg(target_os = "linux")]
fn server_turns(stream: &TcpStream) -> u64 {
    push(stream, &array(&["INFO", "hedgerow"]));
    let mut reader = BufReader::new(stream);
    let mut length = String::new();
    reader.read_line(&mut length).expect("it answers");
    let length: usize = length.trim().trim_start_matches('$').parse().expect("a bulk string");
    let mut text = vec![0; length + 2];
    reader.read_exact(&mut text).expect("it answers");
    let text = String::from_utf8(text).expect("INFO is text");
    let turns = text.lines().find_map(|line| line.strip_prefix("loop_polls:"));
    turns.and_then(|turns| turns.parse().ok()).expect("it is told")
}

#[test]
fn a_storm_of_connections_is_let_in() {
    const COUNT: u64 = 1_500;
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    // Tests beside this one need some too.
    if files < COUNT + 1_000 {
        eprintln!("SKIPPED: {files} open files are allowed, {} needed", COUNT + 1_000);
        return;
    }
    let server = Server::start();
    let before = server.info("used_memory_rss");
    let crowd = crowd(&server, COUNT as usize);
    crowd.iter().for_each(|stream| push(stream, b"PING\r\n"));
    assert!(crowd.iter().all(|stream| line(stream) == "+PONG"));
    assert_eq!(server.info("connected_clients"), COUNT + 1);
    assert_eq!(server.info("rejected_connections"), 0);
    let after = server.info("used_memory_rss");
    // 256 bytes each, and what the crowd's answers left in the pool of buffers.
    assert!(
        after < before + COUNT * 256 + 2 * MIB,
        "from {before} to {after} bytes for {COUNT} idle clients"
    );
}
