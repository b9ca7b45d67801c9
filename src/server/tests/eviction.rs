//! What happens when the memory is used up.

use super::Harness;
use crate::conn::ConnId;
use crate::server::Settings;
use crate::server::{Policy, ServerConfig};
use crate::time::Span;

const BYTES_MAX: usize = 1 << 20;
const OOM: &str = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

fn harness(policy: Policy) -> (Harness, ConnId) {
    let settings = Settings { memory_max: BYTES_MAX, policy, ..Settings::default() };
    let config = ServerConfig { settings, ..ServerConfig::new(1) };
    let mut harness = Harness::with(config);
    let id = harness.connect();
    (harness, id)
}

/// Sets keys until the memory is used up about twice; how many.
fn fill(harness: &mut Harness, id: ConnId, more: &str) -> usize {
    let mut count = 0;
    while harness.server.room.evicted < 1_000 {
        let line = format!("SET key:{count} {} {more}", "v".repeat(100));
        assert_eq!(harness.line(id, &line), "+OK\r\n", "{count}");
        count += 1;
        assert!(count < 100_000, "nothing is evicted");
        // One command may add what it adds; the next makes room for it.
        assert!(harness.server.trie().used_bytes() < BYTES_MAX + 4_096);
    }
    count
}

fn there(harness: &mut Harness, id: ConnId, key: &str) -> bool {
    // Not by GET, which is a use.
    harness.server.trie().get(key.as_bytes()).is_some() && harness.net.is_live(id)
}

#[test]
fn without_eviction_writes_are_refused_and_nothing_else() {
    let (mut harness, id) = harness(Policy::NoEviction);
    let mut count = 0;
    let told = loop {
        let told = harness.line(id, &format!("SET key:{count} {}", "v".repeat(100)));
        if told != "+OK\r\n" {
            break told;
        }
        count += 1;
    };
    assert_eq!(told, OOM);
    assert!(count > 1_000, "{count} records in a MiB");
    assert_eq!(harness.line(id, "APPEND key:0 v"), OOM);
    assert_eq!(harness.line(id, "PUT p:{\"a\":1}"), OOM);
    assert_eq!(harness.line(id, "EXISTS key:0 key:1"), ":2\r\n");
    assert_eq!(harness.line(id, "EXPIRE key:5 100"), ":1\r\n", "what needs no more is done");
    assert_eq!(harness.line(id, "DBSIZE"), format!(":{count}\r\n"));
    for key in 0..100 {
        assert_eq!(harness.line(id, &format!("DEL key:{key}")), ":1\r\n");
    }
    assert_eq!(harness.line(id, "SET again 1"), "+OK\r\n");
    assert_eq!(harness.line(id, "CONFIG SET maxmemory 0"), "+OK\r\n");
    (0..2_000).for_each(|key| assert_eq!(harness.line(id, &format!("SET more:{key} 1")), "+OK\r\n"));
}

#[test]
fn what_was_removed_goes_before_what_is_there() {
    for policy in [Policy::NoEviction, Policy::AllKeysLru, Policy::VolatileTtl] {
        let (mut harness, id) = harness(policy);
        let other = harness.connect();
        let value = "v".repeat(30);
        for key in 0..8_000 {
            let told = harness.line(id, &format!("SET dead:{key} {value} PX 5000"));
            assert_eq!(told, "+OK\r\n", "{key}");
        }
        assert_eq!(harness.line(other, "DELPREFIX dead:"), "");
        let waiting = harness.server.trie().len();
        let (mut key, mut freed) = (0, false);
        // The loop that would free it is not run: all comes from what a command needs.
        while harness.server.trie().has_unlinked() {
            let told = harness.line(id, &format!("SET live:{key} {value}"));
            assert_eq!(told, "+OK\r\n", "{key}");
            freed |= harness.server.trie().len() < waiting + key;
            key += 1;
        }
        assert!(freed && harness.server.room.evicted == 0, "{} were given up", harness.server.room.evicted);
        assert_eq!(harness.line(id, "COUNT live:"), format!(":{key}\r\n"));
        harness.wait(0);
        assert_eq!(harness.take(other), b":8000\r\n");
    }
}

#[test]
fn any_record_may_go() {
    let (mut harness, id) = harness(Policy::AllKeysRandom);
    let count = fill(&mut harness, id, "");
    let left = harness.server.trie().len();
    let evicted = harness.server.room.evicted as usize;
    assert_eq!(left, count - evicted);
    assert!(harness.line(id, "INFO stats").contains(&format!("evicted_keys:{evicted}\r\n")));
    let old = (0..count / 2).filter(|key| there(&mut harness, id, &format!("key:{key}"))).count();
    assert!(old > 0 && old < count / 2, "{old} of the older half are left");
}

#[test]
fn those_used_lately_stay() {
    let (mut harness, id) = harness(Policy::AllKeysLru);
    let mut count = 0;
    while harness.server.room.evicted < 2_000 {
        harness.now.time = harness.now.time + Span::from_millis(200);
        assert_eq!(harness.line(id, &format!("SET key:{count} {}", "v".repeat(100))), "+OK\r\n");
        if count % 10 == 0 {
            (0..10).for_each(|key| assert!(harness.line(id, &format!("GET key:{key}")).starts_with('$')));
        }
        count += 1;
    }
    let hot = (0..10).filter(|key| there(&mut harness, id, &format!("key:{key}"))).count();
    assert_eq!(hot, 10, "those that are used");
    harness.now.time = harness.now.time + Span::from_secs(100);
    assert_eq!(harness.line(id, "GET key:1").len(), 108);
    harness.now.time = harness.now.time + Span::from_secs(7);
    assert_eq!(harness.line(id, "OBJECT IDLETIME key:1"), ":7\r\n");
    let (third, last) = (count / 3, count - count / 3);
    let left = |harness: &mut Harness, keys: std::ops::Range<usize>| {
        keys.filter(|key| there(harness, id, &format!("key:{key}"))).count()
    };
    let (old, new) = (left(&mut harness, 10..third), left(&mut harness, last..count));
    assert!(old * 2 < new, "{old} old and {new} new ones are left");
}

#[test]
fn those_used_often_stay() {
    let (mut harness, id) = harness(Policy::AllKeysLfu);
    for _ in 0..300 {
        (0..10).for_each(|key| {
            harness.line(id, &format!("SETNX key:{key} v"));
        });
    }
    let mut count = 10;
    while harness.server.room.evicted < 2_000 {
        assert_eq!(harness.line(id, &format!("SET key:{count} {}", "v".repeat(100))), "+OK\r\n");
        count += 1;
    }
    let hot = (0..10).filter(|key| there(&mut harness, id, &format!("key:{key}"))).count();
    assert!(hot >= 9, "{hot} of 10 that were used often");
}

#[test]
fn only_records_with_an_expiry_go_where_that_is_asked() {
    for policy in [Policy::VolatileLru, Policy::VolatileLfu, Policy::VolatileRandom, Policy::VolatileTtl] {
        let (mut harness, id) = harness(policy);
        (0..1_000).for_each(|key| {
            assert_eq!(harness.line(id, &format!("SET keep:{key} {}", "v".repeat(100))), "+OK\r\n");
        });
        fill(&mut harness, id, "EX 1000");
        let kept = (0..1_000).filter(|key| there(&mut harness, id, &format!("keep:{key}"))).count();
        assert_eq!(kept, 1_000, "{policy:?}");
        // None of those left: then nothing goes.
        let mut told = String::new();
        for key in 0..20_000 {
            told = harness.line(id, &format!("SET last:{key} {}", "v".repeat(100)));
            if told != "+OK\r\n" {
                break;
            }
        }
        assert_eq!(told, OOM, "{policy:?}");
    }
}

#[test]
fn those_that_expire_next_go_first() {
    let (mut harness, id) = harness(Policy::VolatileTtl);
    let mut count = 0;
    while harness.server.room.evicted < 500 {
        let secs = 100_000 - count;
        assert_eq!(harness.line(id, &format!("SET key:{count} {} EX {secs}", "v".repeat(100))), "+OK\r\n");
        count += 1;
    }
    assert!(
        there(&mut harness, id, "key:0") && there(&mut harness, id, "key:1000"),
        "they have the longest time"
    );
    assert!(!there(&mut harness, id, &format!("key:{}", count - 2)));
}

#[test]
fn the_settings_are_checked() {
    let (mut harness, id) = harness(Policy::NoEviction);
    assert_eq!(harness.line(id, "CONFIG SET maxmemory 100mb maxmemory-policy allkeys-lru"), "+OK\r\n");
    assert_eq!(harness.line(id, "CONFIG GET maxmemory"), "*2\r\n$9\r\nmaxmemory\r\n$9\r\n104857600\r\n");
    assert!(harness.line(id, "INFO memory").contains("maxmemory_policy:allkeys-lru\r\n"));
    let told = harness.line(id, "CONFIG SET maxmemory lots");
    assert!(told.contains("argument must be a memory value"), "{told}");
    let told = harness.line(id, "CONFIG SET maxmemory 1 maxmemory-policy some");
    assert!(told.contains("one of the following: volatile-lru, "), "{told}");
    assert!(harness.line(id, "CONFIG GET maxmemory").contains("104857600"), "all or nothing");
}
