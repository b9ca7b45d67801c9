//! CLIENT REPLY, PAUSE, KILL; MONITOR; SHUTDOWN; DEBUG.

use super::*;

#[test]
fn replies_can_be_left_out() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let mut line = |line: &str| harness.line(id, line);
    assert_eq!(line("CLIENT REPLY SKIP"), "");
    assert_eq!(line("SET k 1"), "");
    assert_eq!(line("GET k"), "$1\r\n1\r\n");
    assert_eq!(line("CLIENT REPLY OFF"), "");
    assert_eq!(line("SET k 2") + &line("NOSUCH") + &line("GET") + &line("CLIENT REPLY SKIP"), "");
    assert_eq!(line("CLIENT REPLY ON") + &line("GET k"), "+OK\r\n$1\r\n2\r\n");
    assert_eq!(line("CLIENT REPLY foo"), "-ERR syntax error\r\n");
}

#[test]
fn a_pause_holds_requests_back_until_it_ends() {
    let mut harness = Harness::new();
    let (one, two) = (harness.connect(), harness.connect());
    assert_eq!(harness.line(one, "CLIENT PAUSE 1000"), "+OK\r\n");
    assert_eq!(harness.line(two, "PING"), "");
    harness.wait(999);
    harness.go_on();
    assert_eq!(harness.take(two), b"");
    harness.wait(1);
    harness.go_on();
    assert_eq!(harness.take(two), b"+PONG\r\n");
    assert_eq!(harness.line(one, "CLIENT PAUSE 1000 WRITE"), "+OK\r\n");
    assert_eq!(harness.line(two, "GET k") + &harness.line(two, "SET k 1"), "$-1\r\n");
    assert_eq!(harness.line(one, "CLIENT UNPAUSE"), "+OK\r\n");
    harness.go_on();
    assert_eq!(harness.take(two), b"+OK\r\n");
    assert_eq!(harness.server.poll_timeout(), None);
}

#[test]
fn clients_are_killed() {
    let mut harness = Harness::new();
    let ids: Vec<ConnId> = (0..4).map(|_| harness.connect()).collect();
    assert_eq!(harness.line(ids[0], "CLIENT KILL 127.0.0.1:40001"), "+OK\r\n");
    assert_eq!(harness.line(ids[0], "CLIENT KILL ID 3"), ":1\r\n");
    assert_eq!(harness.line(ids[0], "CLIENT KILL ID 3"), ":0\r\n");
    assert_eq!(harness.line(ids[0], "CLIENT KILL TYPE pubsub"), ":0\r\n");
    assert_eq!(harness.line(ids[0], "CLIENT KILL TYPE normal"), ":1\r\n", "not who asks");
    let mut requests = vec![];
    harness.net.take_requests(&mut requests);
    assert_eq!(requests, ids[1..].iter().map(|&id| NetRequest::Abort(id)).collect::<Vec<_>>());
    assert_eq!(harness.line(ids[0], "CLIENT KILL TYPE normal SKIPME no"), ":1\r\n");
    assert!(harness.is_closed(ids[0]));
    assert_eq!(harness.server.sessions.len(), 0);
}

#[test]
fn a_monitor_sees_requests_and_no_secrets() {
    let mut harness = Harness::new();
    let (one, two) = (harness.connect(), harness.connect());
    assert_eq!(harness.line(two, "MONITOR"), "+OK\r\n");
    harness.array(one, &[b"SET", b"k", b"a\"\n\xff"]);
    harness.line(one, "HELLO 3 AUTH default secret");
    harness.line(one, "CONFIG GET save");
    let seen = String::from_utf8(harness.take(two)).expect("text");
    let expected = "+1700000000.000000 [0 127.0.0.1:40000] \"SET\" \"k\" \"a\\\"\\n\\xff\"\r\n";
    assert!(seen.starts_with(expected), "{seen}");
    assert!(!seen.contains("secret") && seen.contains("(redacted)") && !seen.contains("CONFIG"), "{seen}");
    assert!(harness.line(two, "CLIENT INFO").contains(" flags=O "));
    harness.take(two);
    harness.lose(two);
    harness.line(one, "PING");
    assert!(harness.server.monitors.is_empty());
}

#[test]
fn shutdown_stops() {
    let mut harness = Harness::new();
    let id = harness.connect();
    assert_eq!(harness.line(id, "SHUTDOWN foo"), "-ERR syntax error\r\n");
    assert_eq!(harness.line(id, "SHUTDOWN ABORT"), "-ERR No shutdown in progress.\r\n");
    assert_eq!(harness.net.stopping(), None);
    assert_eq!(harness.line(id, "SHUTDOWN NOSAVE"), "");
    assert_eq!(harness.net.stopping(), Some(0));
}

#[test]
fn debug_is_for_those_who_allowed_it() {
    let mut harness = Harness::new();
    let id = harness.connect();
    assert!(harness.line(id, "DEBUG SLEEP 0").starts_with("-ERR DEBUG command not allowed."));
    let mut harness = Harness::with(ServerConfig { debug_sleep: Some(|_| {}), ..ServerConfig::new(1) });
    let id = harness.connect();
    assert_eq!(harness.line(id, "DEBUG SLEEP 0.5"), "+OK\r\n");
    harness.line(id, "SET k 1");
    assert!(harness.line(id, "DEBUG OBJECT k").contains("encoding:int "));
    assert_eq!(harness.line(id, "DEBUG OBJECT nosuch"), "-ERR no such key\r\n");
    assert_eq!(harness.line(id, "DEBUG JMAP"), "-ERR unknown subcommand 'JMAP'. Try DEBUG HELP.\r\n");
    assert_eq!(
        harness.line(id, "CONFIG GET enable-debug-command"),
        "*2\r\n$20\r\nenable-debug-command\r\n$3\r\nyes\r\n"
    );
}
