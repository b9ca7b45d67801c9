//! MULTI, EXEC, WATCH.

use super::Harness;
use crate::conn::ConnId;
use crate::limits::Limits;
use crate::server::{ServerConfig, Settings};

#[test]
fn what_is_queued_is_done_at_once() {
    let mut harness = Harness::new();
    let (one, two) = (harness.connect(), harness.connect());
    assert_eq!(harness.line(one, "MULTI"), "+OK\r\n");
    for line in ["SET k 1", "INCR k", "GET k", "PUT d:  {a:1}", "LPUSH", "QUERY d.a"] {
        let reply = harness.line(one, line);
        let known = line != "LPUSH";
        assert_eq!(reply == "+QUEUED\r\n", known, "{line}: {reply}");
        assert_eq!(harness.line(two, "DBSIZE"), ":0\r\n");
    }
    assert_eq!(harness.line(one, "EXEC"), "-EXECABORT Transaction discarded because of previous errors.\r\n");
    harness.line(one, "MULTI");
    for line in ["SET k 1", "INCR k", "GET k", "PUT d:  {a:1}", "QUERY d.a", "INCR d", "HELLO 3", "QUERY d.a"]
    {
        assert_eq!(harness.line(one, line), "+QUEUED\r\n", "{line}");
    }
    let reply = harness.line(one, "EXEC");
    assert!(reply.starts_with("*8\r\n+OK\r\n:2\r\n$1\r\n2\r\n+CREATED\r\n$1\r\n1\r\n-WRONGTYPE "), "{reply}");
    assert!(reply.ends_with(":1\r\n"), "RESP3 from HELLO on: {reply}");
    assert_eq!(harness.line(two, "GET k"), "$1\r\n2\r\n", "an error undoes nothing");
}

#[test]
fn the_order_of_words_is_kept() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let mut line = |line: &str| harness.line(id, line);
    assert_eq!(line("EXEC") + &line("DISCARD"), "-ERR EXEC without MULTI\r\n-ERR DISCARD without MULTI\r\n");
    line("MULTI");
    assert_eq!(line("MULTI"), "-ERR MULTI calls can not be nested\r\n");
    assert_eq!(line("WATCH k"), "-ERR WATCH inside MULTI is not allowed\r\n");
    assert_eq!(line("SHUTDOWN"), "-ERR Command not allowed inside a transaction\r\n");
    assert_eq!(line("DISCARD") + &line("EXEC"), "+OK\r\n-ERR EXEC without MULTI\r\n");
    line("MULTI");
    assert!(line("EXEC x").starts_with("-EXECABORT Transaction discarded because of: wrong number"));
    assert_eq!(line("EXEC"), "-ERR EXEC without MULTI\r\n");
    line("MULTI");
    assert_eq!(line("RESET") + &line("EXEC"), "+RESET\r\n-ERR EXEC without MULTI\r\n");
    line("MULTI");
    assert_eq!(line("EXEC"), "*0\r\n");
}

/// A line of a verb keeps its blanks, by which its errors tell the place.
#[test]
fn errors_of_queued_lines_name_the_same_place() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let plain = harness.line(id, "PUT    k:{\"a\":}");
    harness.line(id, "MULTI");
    harness.line(id, "PUT    k:{\"a\":}");
    assert_eq!(harness.line(id, "EXEC"), format!("*1\r\n{plain}"));
}

#[test]
fn a_watched_key_that_changes_voids_the_transaction() {
    let mut harness = Harness::new();
    let (one, two) = (harness.connect(), harness.connect());
    harness.put(two, "d:{n:1}");
    for change in [
        "SET k 2",
        "APPEND k x",
        "DEL k",
        "EXPIRE k 100",
        "RENAME k l",
        "RENAME l k",
        "FLUSHALL",
        "GETDEL k",
        "COPY d k",
        "PUT k:{a:1}",
        "JSON.SET k $.a 5",
        "DELPREFIX k",
    ] {
        harness.line(two, "DEL l");
        harness.line(two, if change.starts_with("JSON") { "PUT k:{a:2}" } else { "SET k 1" });
        if change.starts_with("RENAME l") {
            harness.line(two, "SET l 1");
        }
        harness.put(two, "d:{n:1}");
        if change.starts_with("COPY") {
            harness.line(two, "DEL k");
        }
        assert_eq!(harness.line(one, "WATCH k other"), "+OK\r\n");
        harness.line(two, change);
        harness.line(one, "MULTI");
        harness.line(one, "SET mine 1");
        assert_eq!(harness.line(one, "EXEC"), "*-1\r\n", "{change}");
        assert_eq!(harness.line(one, "EXISTS mine"), ":0\r\n", "{change}");
    }
    assert!(harness.server.watches.is_empty());
}

#[test]
fn what_leaves_a_watched_key_alone_does_no_harm() {
    let mut harness = Harness::new();
    let (one, two) = (harness.connect(), harness.connect());
    for other in
        ["GET k", "SET other 1", "DEL nosuch", "SETNX k 5", "SET k 5 NX", "DELPREFIX kk", "EXPIRE nosuch 5"]
    {
        harness.line(two, "SET k 1");
        harness.line(one, "WATCH k nosuch");
        harness.line(two, other);
        harness.line(one, "MULTI");
        assert_eq!(
            harness.line(one, "PING") + &harness.line(one, "EXEC"),
            "+QUEUED\r\n*1\r\n+PONG\r\n",
            "{other}"
        );
    }
    harness.line(one, "WATCH k");
    harness.line(two, "SET k 2");
    assert_eq!(harness.line(one, "UNWATCH"), "+OK\r\n");
    harness.line(one, "MULTI");
    assert_eq!(harness.line(one, "EXEC"), "*0\r\n");
    harness.line(one, "WATCH k");
    harness.lose(one);
    assert!(harness.server.watches.is_empty(), "who is gone watches nothing");
}

#[test]
fn expiry_is_a_change() {
    let mut harness = Harness::new();
    let id = harness.connect();
    harness.line(id, "SET k v PX 100");
    harness.line(id, "WATCH k");
    harness.wait(200);
    harness.line(id, "MULTI");
    assert_eq!(harness.line(id, "EXEC"), "*-1\r\n");
    harness.line(id, "WATCH k");
    harness.line(id, "MULTI");
    assert_eq!(harness.line(id, "EXEC"), "*0\r\n", "it was gone already");
}

#[test]
fn all_that_waits_for_exec_has_a_bound() {
    let limits = Limits { incomplete_bytes: 1_000, ..Limits::FULL };
    let settings = Settings { limits, ..Settings::default() };
    let mut harness = Harness::with(ServerConfig { settings, ..ServerConfig::new(1) });
    let (one, other) = (harness.connect(), harness.connect());
    let value = vec![b'v'; 600];
    harness.line(one, "MULTI");
    assert_eq!(harness.array(one, &[b"SET", b"k", &value]), "+QUEUED\r\n");
    let held = |harness: &mut Harness, id: ConnId| {
        let told = harness.line(id, "INFO clients");
        let line = told.lines().find_map(|line| line.strip_prefix("client_incomplete_bytes:"));
        line.and_then(|bytes| bytes.parse::<usize>().ok()).expect("it is told")
    };
    assert!(held(&mut harness, other) >= 600);
    harness.line(other, "MULTI");
    assert!(harness.array(other, &[b"SET", b"k", &value]).contains("too much memory"));
    assert!(harness.line(other, "EXEC").starts_with("-EXECABORT"));
    assert!(harness.line(one, "EXEC").ends_with("+OK\r\n"));
    assert_eq!(held(&mut harness, other), 0);
    // Watched keys count too, and whoever leaves takes with him what he had.
    assert_eq!(harness.line(one, "WATCH a b c d e f g"), "+OK\r\n");
    assert!(harness.line(other, "WATCH x y z").contains("too much memory"));
    harness.line(one, "UNWATCH");
    assert_eq!(harness.line(other, "WATCH x y z"), "+OK\r\n");
    harness.line(one, "MULTI");
    harness.line(one, "SET a 1");
    harness.lose(one);
    harness.lose(other);
    let last = harness.connect();
    assert_eq!(held(&mut harness, last), 0);
}
