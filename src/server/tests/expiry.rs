//! Times to live, on a clock that the test moves.

use super::Harness;
use crate::server::Machine as _;

fn with_connection() -> (Harness, crate::conn::ConnId) {
    let mut harness = Harness::new();
    let id = harness.connect();
    (harness, id)
}

#[test]
fn a_record_is_gone_when_its_time_is_over() {
    let (mut harness, id) = with_connection();
    assert_eq!(harness.line(id, "SET k v EX 10") + &harness.line(id, "TTL k"), "+OK\r\n:10\r\n");
    harness.wait(9_999);
    assert_eq!(harness.line(id, "PTTL k") + &harness.line(id, "GET k"), ":1\r\n$1\r\nv\r\n");
    harness.wait(1);
    assert_eq!(harness.server.trie().len(), 0, "the sweep needs nobody to ask");
    assert_eq!(harness.line(id, "GET k") + &harness.line(id, "TTL k"), "$-1\r\n:-2\r\n");
    assert!(harness.line(id, "INFO stats").contains("expired_keys:1\r\n"));
    assert_eq!(harness.server.poll_timeout(), None, "and nothing is waited for any more");
}

#[test]
fn every_way_to_set_an_expiry_sets_it() {
    let (mut harness, id) = with_connection();
    let at = harness.now.unix_ms + 60_000;
    for line in [
        "SET k v EX 60".to_owned(),
        "SET k v PX 60000".to_owned(),
        format!("SET k v EXAT {}", at / 1_000),
        format!("SET k v PXAT {at}"),
        "SETEX k 60 v".to_owned(),
        "PSETEX k 60000 v".to_owned(),
        "EXPIRE k 60".to_owned(),
        "PEXPIRE k 60000".to_owned(),
        format!("EXPIREAT k {}", at / 1_000),
        format!("PEXPIREAT k {at}"),
        "GETEX k EX 60".to_owned(),
        format!("GETEX k PXAT {at}"),
    ] {
        harness.line(id, "SET k v");
        harness.line(id, &line);
        assert_eq!(harness.line(id, "PEXPIRETIME k"), format!(":{at}\r\n"), "{line}");
    }
    assert_eq!(harness.line(id, "EXPIRETIME k"), format!(":{}\r\n", at / 1_000));
    for line in ["GETEX k PERSIST", "PERSIST k", "SET k v", "GETSET k v", "MSET k v"] {
        harness.line(id, "SET k v EX 60");
        harness.line(id, line);
        assert_eq!(harness.line(id, "TTL k"), ":-1\r\n", "{line}");
    }
    for line in
        ["SET k v KEEPTTL", "INCR k", "APPEND k 1", "SETRANGE k 0 1", "INCRBYFLOAT k 1", "SETBIT k 7 1"]
    {
        harness.line(id, "SET k 1 EX 60");
        harness.line(id, line);
        assert_eq!(harness.line(id, "TTL k"), ":60\r\n", "{line} leaves it");
    }
    harness.put(id, "d:{n:1}");
    harness.line(id, "EXPIRE d 60");
    harness.line(id, "JSON.NUMINCRBY d $.n 1");
    assert_eq!(harness.line(id, "TTL d"), ":60\r\n");
    harness.line(id, "RENAME d e");
    assert_eq!(harness.line(id, "TTL e"), ":60\r\n");
    harness.line(id, "COPY e f");
    assert_eq!(harness.line(id, "TTL f"), ":60\r\n");
    harness.server.trie().check();
}

#[test]
fn a_time_in_the_past_deletes() {
    let (mut harness, id) = with_connection();
    for line in ["EXPIRE k 0", "EXPIRE k -5", "EXPIREAT k 1", "PEXPIREAT k 1"] {
        harness.line(id, "SET k v");
        assert_eq!(harness.line(id, line) + &harness.line(id, "EXISTS k"), ":1\r\n:0\r\n", "{line}");
    }
    assert_eq!(harness.line(id, "SET k v PXAT 1") + &harness.line(id, "DBSIZE"), "+OK\r\n:0\r\n");
}

#[test]
fn conditions_are_those_of_redis() {
    let (mut harness, id) = with_connection();
    harness.line(id, "SET k v");
    let mut line = |line: &str| harness.line(id, line);
    assert_eq!(line("EXPIRE k 10 XX") + &line("EXPIRE k 10 GT"), ":0\r\n:0\r\n");
    assert_eq!(line("EXPIRE k 10 LT") + &line("EXPIRE k 20 NX"), ":1\r\n:0\r\n");
    assert_eq!(line("EXPIRE k 5 GT") + &line("EXPIRE k 20 GT") + &line("TTL k"), ":0\r\n:1\r\n:20\r\n");
    assert_eq!(line("EXPIRE k 30 LT") + &line("EXPIRE k 10 XX LT") + &line("TTL k"), ":0\r\n:1\r\n:10\r\n");
    assert_eq!(line("EXPIRE k 1 foo"), "-ERR Unsupported option foo\r\n");
    assert_eq!(line("EXPIRE k 1 GT LT"), "-ERR GT and LT options at the same time are not compatible\r\n");
}

#[test]
fn a_large_sweep_goes_in_slices_and_hides_the_rest() {
    let (mut harness, id) = with_connection();
    for number in 0..10_000 {
        harness.line(id, &format!("SET k{number} v PX 100"));
    }
    harness.line(id, "SET stays v");
    harness.now.unix_ms += 200;
    harness.now.time = harness.now.time + crate::time::Span::from_millis(200);
    assert_eq!(harness.line(id, "EXISTS k9999 k5 stays"), ":1\r\n");
    assert!(harness.server.trie().len() > 1, "one turn does not remove all of them");
    assert_eq!(harness.line(id, "COUNT k") + &harness.line(id, "DEL k9998"), ":0\r\n:0\r\n");
    assert_eq!(harness.line(id, "KEYS *"), "*1\r\n$5\r\nstays\r\n");
    assert_eq!(harness.line(id, "SETNX k9999 new"), ":1\r\n");
    assert_eq!(harness.line(id, "PUT k9997:{}"), "+CREATED\r\n");
    harness.wait(0);
    assert_eq!(harness.server.trie().len(), 3);
    harness.server.trie().check();
}

#[test]
fn info_tells_of_expiries() {
    let (mut harness, id) = with_connection();
    harness.line(id, "MSET a 1 b 2 c 3");
    harness.line(id, "EXPIRE a 10");
    harness.line(id, "EXPIRE b 20");
    assert!(harness.line(id, "INFO keyspace").contains("db0:keys=3,expires=2,avg_ttl=15000\r\n"));
    harness.line(id, "FLUSHALL");
    assert!(!harness.line(id, "INFO keyspace").contains("db0"));
    assert_eq!(harness.server.poll_timeout(), None);
}
