use super::Harness;
use crate::conn::{Machine, deliver};
use crate::limits;
use crate::proto::resp::write_request;

#[test]
fn every_cut_of_a_stream_gives_the_same_replies() {
    let stream: &[u8] = b"PING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nab\r\nc\r\nPUT p:{\"a\":[1;2]}\r\nQUERY p.a\r\n\
        HELLO 3\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nQUERY p\r\nnosuch x\r\nSET k\r\nPUT p:{\r\n*0\r\n\r\nGET 'k'\r\nRESET\r\nDEL k p\r\n\
        QUIT\r\nPING\r\n";
    let mut harness = Harness::new();
    let id = harness.connect();
    // Connections are numbered, and HELLO tells: a new server for each cut.
    let whole = harness.send(id, stream);
    assert!(whole.ends_with(b":2\r\n+OK\r\n"), "{}", String::from_utf8_lossy(&whole));
    for cut in 1..stream.len() {
        let mut harness = Harness::new();
        let id = harness.connect();
        let mut reply = harness.send(id, &stream[..cut]);
        reply.extend(harness.send(id, &stream[cut..]));
        assert_eq!(reply, whole, "cut at {cut}");
        assert!(harness.is_closed(id));
    }
    let mut harness = Harness::new();
    let id = harness.connect();
    let reply: Vec<u8> = stream.iter().flat_map(|byte| harness.send(id, &[*byte])).collect();
    assert_eq!(reply, whole, "byte by byte");
}

#[test]
fn a_turn_has_a_budget() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let count = 3 * limits::REQUESTS_PER_TURN_MAX;
    deliver(&mut harness.server, &mut harness.net, id, &b"PING\r\n".repeat(count), harness.now);
    let first = harness.take(id);
    assert_eq!(first.len(), limits::REQUESTS_PER_TURN_MAX * 7);
    assert!(harness.net.has_ready());
    let rest = harness.send(id, b"");
    assert_eq!(first.len() + rest.len(), count * 7);
}

#[test]
fn who_asks_for_much_waits_until_he_has_read() {
    let mut harness = Harness::new();
    let id = harness.connect();
    harness.array(id, &[b"SET", b"k", &vec![b'x'; limits::QUEUED_BYTES_PAUSE / 2]]);
    deliver(&mut harness.server, &mut harness.net, id, &b"GET k\r\n".repeat(50), harness.now);
    assert!(harness.net.queued(id) < 2 * limits::QUEUED_BYTES_PAUSE);
    assert!(!harness.net.wants_input(id));
}

#[test]
fn quit_answers_what_came_before() {
    let mut harness = Harness::new();
    let id = harness.connect();
    assert_eq!(harness.send(id, b"PING\r\nQUIT\r\nPING\r\n"), b"+PONG\r\n+OK\r\n");
    assert!(harness.is_closed(id));
    assert_eq!(harness.server.sessions.len(), 0);
}

#[test]
fn the_end_of_input_answers_what_came_whole() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let many = b"PING\r\n".repeat(200);
    deliver(&mut harness.server, &mut harness.net, id, &many[..], harness.now);
    let unread = many[limits::REQUESTS_PER_TURN_MAX * 6..].to_vec();
    let unread = [&unread[..], b"GET unfini"].concat();
    harness.server.handle_eof(id, &unread, harness.now, &mut harness.net);
    assert_eq!(harness.take(id).len(), 200 * 7);
    assert!(harness.is_closed(id));
    assert_eq!(harness.server.sessions.len(), 0);
}

#[test]
fn a_large_value_may_come_in_small_pieces() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let mut request = vec![];
    let value: Vec<u8> = (0..150_000u32).map(|at| at as u8).collect();
    write_request(&mut request, &[b"SET", b"k", &value]);
    request.extend_from_slice(b"GET k\r\n");
    let replies: Vec<u8> = request.chunks(97).flat_map(|piece| harness.send(id, piece)).collect();
    let expected = [&b"+OK\r\n$150000\r\n"[..], &value, b"\r\n"].concat();
    assert!(replies == expected, "{} bytes for {}", replies.len(), expected.len());
}

#[test]
fn a_failed_put_answers_once() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let stream = b"PUT p:{\"a\":}\r\nPUT p:{\"a\":{\r\nPUT p:{}}\r\nPING\r\nGET p\r\n";
    let reply = String::from_utf8(harness.send(id, stream)).unwrap();
    let kinds: Vec<u8> = reply.lines().map(|line| line.as_bytes()[0]).collect();
    assert_eq!(kinds, *b"---+$", "{reply}");
}

#[test]
fn a_broken_stream_is_told_why_and_closed() {
    for (stream, words) in [
        (&b"PING\r\n*1\r\nPING\r\n"[..], "expected '$', got 'P'"),
        (b"PING\r\n*x\r\n", "invalid multibulk length"),
        (b"PING\r\nSET k \"unbal\r\n", "unbalanced quotes in request"),
    ] {
        let mut harness = Harness::new();
        let id = harness.connect();
        let reply = String::from_utf8(harness.send(id, stream)).unwrap();
        assert_eq!(reply, format!("+PONG\r\n-ERR Protocol error: {words}\r\n"));
        assert!(harness.is_closed(id));
        assert_eq!(harness.send(id, b"PING\r\n"), b"");
    }
}

#[test]
fn a_new_connection_disturbs_nothing() {
    let mut harness = Harness::new();
    let first = harness.connect();
    harness.line(first, "SET k v");
    let second = harness.connect();
    assert_eq!(harness.line(second, "GET k"), "$1\r\nv\r\n");
    harness.lose(first);
    assert_eq!(harness.line(second, "GET k"), "$1\r\nv\r\n");
    assert_eq!(harness.server.sessions.len(), 1);
}

#[test]
fn an_id_used_again_is_another_client() {
    let mut harness = Harness::new();
    let first = harness.connect();
    harness.line(first, "CLIENT SETNAME me");
    harness.line(first, "HELLO 3");
    harness.lose(first);
    let second = harness.connect();
    assert_eq!(first.index(), second.index());
    assert_eq!(harness.line(second, "CLIENT GETNAME"), "$-1\r\n");
    assert_eq!(harness.line(second, "CLIENT ID"), ":2\r\n");
    assert_eq!(harness.send(first, b"PING\r\n"), b"");
}

#[test]
fn hello_in_both_dialects() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let module =
        "$4\r\nname\r\n$6\r\nReJSON\r\n$3\r\nver\r\n:20800\r\n$4\r\npath\r\n$0\r\n\r\n$4\r\nargs\r\n*0\r\n";
    let body = |protocol| {
        format!(
            "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.4.0\r\n$5\r\nproto\r\n:{protocol}\r\n$2\r\nid\r\n:1\r\n\
             $4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*1\r\n"
        )
    };
    assert_eq!(harness.line(id, "HELLO"), format!("*14\r\n{}*8\r\n{module}", body(2)));
    assert_eq!(harness.line(id, "hello 3 SETNAME me"), format!("%7\r\n{}%4\r\n{module}", body(3)));
    assert_eq!(harness.line(id, "CLIENT GETNAME"), "$2\r\nme\r\n");
    let mut line = |line: &str| harness.line(id, line);
    assert_eq!(line("HELLO 4"), "-NOPROTO unsupported protocol version\r\n");
    assert_eq!(line("HELLO x"), "-ERR Protocol version is not an integer or out of range\r\n");
    assert_eq!(
        line("HELLO 2 AUTH other x"),
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
    );
    assert_eq!(line("HELLO 2 FOO"), "-ERR Syntax error in HELLO option 'FOO'\r\n");
    assert_eq!(line("HELLO 2 AUTH default"), "-ERR Syntax error in HELLO option 'AUTH'\r\n");
    assert_eq!(
        line("HELLO 2 SETNAME \"a b\""),
        "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"
    );
    assert_eq!(line("GET nosuch"), "_\r\n", "what failed changed nothing");
    assert!(line("HELLO 2 AUTH default anything").starts_with("*14\r\n"));
}

#[test]
fn sessions_remember_and_reset() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let mut line = |line: &str| harness.line(id, line);
    assert_eq!(line("PING") + &line("PING x"), "+PONG\r\n$1\r\nx\r\n");
    assert_eq!(line("PING x y"), "-ERR wrong number of arguments for 'ping' command\r\n");
    assert_eq!(line("ECHO hi"), "$2\r\nhi\r\n");
    assert_eq!(line("SELECT 0"), "+OK\r\n");
    assert_eq!(line("SELECT 1"), "-ERR DB index is out of range\r\n");
    assert_eq!(line("SELECT x"), "-ERR value is not an integer or out of range\r\n");
    assert_eq!(line("CLIENT SETNAME me") + &line("CLIENT GETNAME"), "+OK\r\n$2\r\nme\r\n");
    assert_eq!(line("CLIENT SETNAME \"\"") + &line("CLIENT GETNAME"), "+OK\r\n$-1\r\n");
    assert_eq!(line("CLIENT SETINFO LIB-NAME redis-py"), "+OK\r\n");
    assert_eq!(line("CLIENT SETINFO lib-ver 8.1.0"), "+OK\r\n");
    assert_eq!(line("CLIENT SETINFO LIB-X 1"), "-ERR Unrecognized option 'LIB-X'\r\n");
    assert_eq!(
        line("CLIENT SETINFO LIB-NAME 'a b'"),
        "-ERR lib-name cannot contain spaces, newlines or special characters.\r\n"
    );
    for warnings in ["on", "ERROR", "off"] {
        assert_eq!(line(&format!("CLIENT WARNINGS {warnings}")), "+OK\r\n");
    }
    assert_eq!(line("CLIENT WARNINGS maybe"), "-ERR syntax error\r\n");
    line("HELLO 3 SETNAME you");
    assert_eq!(line("RESET") + &line("CLIENT GETNAME"), "+RESET\r\n$-1\r\n");
}

#[test]
fn client_list_shows_everybody() {
    let mut harness = Harness::new();
    let (first, second) = (harness.connect(), harness.connect());
    harness.line(first, "HELLO 3 SETNAME me");
    harness.line(first, "CLIENT SETINFO LIB-NAME lib");
    let list = harness.line(second, "CLIENT LIST");
    let lines: Vec<&str> = list.lines().filter(|line| line.starts_with("id=")).collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0]
            .starts_with("id=1 addr=127.0.0.1:40000 laddr=127.0.0.1:9000 fd=0 name=me age=0 idle=0 flags=N")
    );
    assert!(lines[0].ends_with("cmd=client|setinfo user=default redir=-1 resp=3 lib-name=lib lib-ver="));
    assert!(lines[1].contains(" cmd=client|list "));
    let own = harness.line(first, "CLIENT INFO");
    assert!(own.starts_with('=') && own.contains("txt:id=1 "), "{own}");
    assert_eq!(harness.line(second, "CLIENT LIST ID 2").matches("id=").count(), 1);
    assert_eq!(harness.line(second, "CLIENT LIST TYPE replica"), "$0\r\n\r\n");
    assert_eq!(harness.line(second, "CLIENT LIST TYPE x"), "-ERR Unknown client type 'x'\r\n");
    assert_eq!(harness.line(second, "CLIENT LIST ID x"), "-ERR Invalid client ID\r\n");
}
