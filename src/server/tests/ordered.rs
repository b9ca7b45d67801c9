//! RANGE, PREFIX, COUNT, DELPREFIX.

use super::Harness;
use crate::server::Machine as _;

/// The bulks of a flat reply.
fn bulks(reply: &str) -> Vec<String> {
    reply
        .split("\r\n")
        .filter(|line| !line.is_empty() && !line.starts_with(['*', '$']))
        .map(str::to_owned)
        .collect()
}

#[test]
fn ranges_and_prefixes() {
    let mut harness = Harness::new();
    let id = harness.connect();
    harness.line(id, "MSET a 1 ab 2 abc 3 b 4 c 5");
    harness.put(id, "abd:{x:1}");
    let mut line = |line: &str| bulks(&harness.line(id, line));
    assert_eq!(line("RANGE ab b"), ["ab", "2", "abc", "3", "abd", "{\"x\":1}"]);
    assert_eq!(line("RANGE ab b REV LIMIT 2"), ["abd", "{\"x\":1}", "abc", "3"]);
    assert_eq!(line("RANGE b \"\""), ["b", "4", "c", "5"]);
    assert_eq!(line("RANGE \"\" \"\" LIMIT 1"), ["a", "1"]);
    assert_eq!(line("RANGE \"\" \"\" LIMIT 1 REV"), ["c", "5"]);
    assert_eq!(line("RANGE b a").len() + line("RANGE a b LIMIT 0").len() + line("RANGE x y REV").len(), 0);
    assert_eq!(line("PREFIX ab"), ["ab", "2", "abc", "3", "abd", "{\"x\":1}"]);
    assert_eq!(line("PREFIX ab AFTER ab LIMIT 1"), ["abc", "3"]);
    assert_eq!(line("PREFIX ab AFTER b").len() + line("PREFIX x").len(), 0);
    assert_eq!(line("COUNT ab"), [":3"]);
    assert_eq!(line("COUNT \"\""), [":6"]);
    assert_eq!(line("DELPREFIX ab"), [":3"]);
    assert_eq!(line("KEYS *"), ["a", "b", "c"]);
    for wrong in ["RANGE a b LIMIT", "RANGE a b foo", "PREFIX a LIMIT", "PREFIX a foo 1"] {
        assert_eq!(line(wrong), ["-ERR syntax error"], "{wrong}");
    }
    assert_eq!(line("RANGE a b LIMIT -1"), ["-ERR value is not an integer or out of range"]);
    harness.server.trie().check();
}

#[test]
fn a_large_removal_lets_others_in_between() {
    let mut harness = Harness::new();
    let (one, two) = (harness.connect(), harness.connect());
    for number in 0..10_000 {
        harness.line(one, &format!("SET k{number} v"));
    }
    harness.line(one, "SET other v");
    let both = harness.line(one, "DELPREFIX k\r\nPING");
    assert_eq!(both, "", "the first slice is not all, and the answers stay in order");
    assert_eq!(harness.line(two, "PING"), "+PONG\r\n");
    assert!(harness.server.trie().len() > 1);
    harness.wait(0);
    harness.go_on();
    assert_eq!(harness.take(one), b":10000\r\n+PONG\r\n");
    assert_eq!(harness.line(one, "DBSIZE"), ":1\r\n");
    assert_eq!(harness.server.poll_timeout(), None);
    for number in 0..10_000 {
        harness.line(one, &format!("SET k{number} v"));
    }
    harness.line(one, "MULTI");
    harness.line(one, "DELPREFIX k");
    assert_eq!(harness.line(one, "EXEC"), "*1\r\n:10000\r\n", "a transaction is one piece");
    harness.server.trie().check();
}

#[test]
fn nobody_sees_half_of_a_removal() {
    let mut harness = Harness::new();
    let (one, two) = (harness.connect(), harness.connect());
    for number in 0..10_000 {
        harness.line(one, &format!("SET k{number} v PX {}", 20_000 + number));
    }
    harness.line(one, "SET other v");
    harness.line(two, "WATCH k7");
    assert_eq!(harness.line(one, "DELPREFIX k"), "", "it is not at its end");
    let waits = |harness: &Harness| assert!(harness.server.trie().has_unlinked());
    let line = |harness: &mut Harness, line: &str| {
        waits(harness);
        harness.line(two, line)
    };
    let (none, nil) = (":0\r\n", "$-1\r\n");
    for (asked, told) in [
        ("COUNT k", none),
        ("COUNT \"\"", ":1\r\n"),
        ("GET k9999", nil),
        ("EXISTS k0 k5000 k9999", none),
        ("PREFIX k", "*0\r\n"),
        ("RANGE k l REV", "*0\r\n"),
        ("MGET k1 k9998", "*2\r\n$-1\r\n$-1\r\n"),
        ("RANDOMKEY", "$5\r\nother\r\n"),
        ("KEYS *", "*1\r\n$5\r\nother\r\n"),
        // What is written now stays, whatever stood there.
        ("SETNX k9999 new", ":1\r\n"),
        ("SET k9998 new PX 60000", "+OK\r\n"),
        ("COUNT k", ":2\r\n"),
        ("MULTI", "+OK\r\n"),
        ("GET k9998", "+QUEUED\r\n"),
        ("EXEC", "*-1\r\n"),
    ] {
        assert_eq!(line(&mut harness, asked), told, "{asked}");
    }
    // Dead records are no longer there to expire.
    harness.now.unix_ms += 40_000;
    assert_eq!(line(&mut harness, "COUNT k"), ":2\r\n");
    harness.wait(0);
    assert_eq!(harness.take(one), b":10000\r\n");
    let stats = harness.line(two, "INFO stats");
    assert!(stats.contains("expired_keys:0\r\n"), "{stats}");
    assert_eq!(bulks(&harness.line(two, "PREFIX k")), ["k9998", "new", "k9999", "new"]);
    assert_eq!(harness.line(two, "DBSIZE"), ":3\r\n");
    harness.server.trie().check();
}

#[test]
fn removals_take_turns() {
    let mut harness = Harness::new();
    let ids = [(); 3].map(|()| harness.connect());
    for number in 0..30_000 {
        harness.line(ids[0], &format!("SET k{number} v"));
    }
    assert_eq!(harness.line(ids[0], "DELPREFIX k1"), "");
    assert_eq!(harness.line(ids[1], "DELPREFIX k"), "");
    assert_eq!(harness.line(ids[2], "DELPREFIX k2"), ":0\r\n", "all are gone, if not freed");
    // One of them goes, and the other goes on.
    harness.lose(ids[0]);
    harness.wait(0);
    let of_it = (0..30_000).filter(|number| number.to_string().starts_with('1')).count();
    assert_eq!(harness.take(ids[1]), format!(":{}\r\n", 30_000 - of_it).as_bytes());
    assert_eq!(harness.server.poll_timeout(), None);
    assert_eq!(harness.server.trie().used_bytes(), 0);
    // Everything goes while it goes on.
    (0..10_000).for_each(|number| drop(harness.line(ids[1], &format!("SET k{number} v"))));
    assert_eq!(harness.line(ids[1], "DELPREFIX \"\""), "");
    assert_eq!(harness.line(ids[2], "FLUSHALL"), "+OK\r\n");
    assert_eq!(harness.line(ids[2], "DBSIZE"), ":0\r\n");
    harness.wait(0);
    let told = String::from_utf8(harness.take(ids[1])).expect("text");
    let freed: usize = told.trim_matches([':', '\r', '\n']).parse().expect("a number");
    assert!((4_096..10_000).contains(&freed), "{freed}");
}

#[test]
fn every_key_may_be_drawn() {
    let mut harness = Harness::new();
    let id = harness.connect();
    assert_eq!(harness.line(id, "RANDOMKEY"), "$-1\r\n");
    let keys = ["a", "ab", "abc", "abcd", "person1", "person10", "person2", "z"];
    keys.iter().for_each(|key| drop(harness.line(id, &format!("SET {key} v"))));
    let mut seen: Vec<String> = (0..2_000).flat_map(|_| bulks(&harness.line(id, "RANDOMKEY"))).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, keys);
}
