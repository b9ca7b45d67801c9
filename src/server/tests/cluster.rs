//! What brokers say of records, and to each other.

use super::Harness;
use super::broker::*;
use crate::proto::cluster::{Reply, Request, SlotSet, View, parse_push};
use crate::record::{Ballot, Kind, Slot, Version};
use crate::server::ServerBugs;

#[test]
fn a_broker_says_hello_first() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let mut broker = harness.broker(id);
    assert_eq!(broker.error(&get(1, b"k")), "-ERR say H.HELLO first");
    assert!(broker.hello(1).is_blank());
    broker.expect(get(1, b"k"), Reply::WrongView { view: View::default() });
    assert!(harness.line(id, "H.GET x 1 k").starts_with("-ERR malformed cluster message at argument 1"));
    assert!(harness.line(id, "H.NOSUCH").starts_with("-ERR unknown command 'H.NOSUCH'"));
    assert!(!harness.is_closed(id));
}

#[test]
fn stores_are_read_back() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let mut broker = harness.broker(id);
    let json = br#"{"a":1,"b":"x"}"#;
    broker.expect(store(1, b"t", version(2, 1), Kind::Text, b"text"), stored(1, version(2, 1)));
    broker.expect(store(1, b"d", version(2, 2), Kind::Document, json), stored(1, version(2, 2)));
    broker.expect(store(1, b"x", version(2, 3), Kind::Tombstone, b""), stored(1, version(2, 3)));
    broker.expect(get(1, b"t"), got(1, version(2, 1), Kind::Text, b"text"));
    broker.expect(get(1, b"d"), got(1, version(2, 2), Kind::Document, json));
    broker.expect(get(1, b"x"), got(1, version(2, 3), Kind::Tombstone, b""));
    broker.expect(get(1, b"n"), got(1, Version::ZERO, Kind::Tombstone, b""));
    let only = Request::Get { view: view_id(1), slot: Slot::of(b"d"), key: b"d", version_only: true };
    broker.expect(only, got(1, version(2, 2), Kind::Document, b""));
    let long = vec![b'x'; 100_000];
    broker.expect(store(1, b"long", version(2, 4), Kind::Text, &long), stored(1, version(2, 4)));
    broker.expect(get(1, b"long"), got(1, version(2, 4), Kind::Text, &long));
    harness.server.trie().check();
}

#[test]
fn what_is_not_newer_is_not_stored() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let mut broker = harness.broker(id);
    broker.expect(store(1, b"k", version(2, 2), Kind::Text, b"two"), stored(1, version(2, 2)));
    broker.expect(store(1, b"k", version(2, 2), Kind::Text, b"two"), stored(1, version(2, 2)));
    broker.expect(store(1, b"k", version(2, 1), Kind::Text, b"one"), Reply::Stale { version: version(2, 2) });
    let fenced = Reply::Fenced { ballot: ballot(1), promised: ballot(2) };
    broker.expect(store(1, b"k", version(1, 9), Kind::Text, b"late"), fenced);
    broker.expect(get(1, b"k"), got(1, version(2, 2), Kind::Text, b"two"));
    broker.expect(store(1, b"k", version(3, 1), Kind::Tombstone, b""), stored(1, version(3, 1)));
    assert_eq!(harness.server.promised(), ballot(3));
    assert_eq!(harness.line(id, "GET k") + &harness.line(id, "DBSIZE"), "$-1\r\n:0\r\n");
}

#[test]
fn a_store_that_makes_no_sense_changes_nothing() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let mut broker = harness.broker(id);
    broker.expect(store(1, b"k", version(2, 2), Kind::Text, b"two"), stored(1, version(2, 2)));
    for body in [&b"{\"a\":"[..], b"5", b"", b"{\"a\":\"\xff\"}"] {
        assert!(
            broker.error(&store(1, b"k", version(3, 1), Kind::Document, body)).starts_with("-ERR expected")
        );
    }
    assert!(broker.error(&store(1, b"", version(3, 1), Kind::Text, b"")).starts_with("-ERR a key"));
    assert!(broker.error(&store(1, b"k", Version::ZERO, Kind::Text, b"")).ends_with("at argument 4"));
    let other_slot = Request::Store {
        view: view_id(1),
        ballot: ballot(3),
        slot: Slot::of(b"other"),
        version: version(3, 1),
        key: b"k",
        kind: Kind::Text,
        body: b"",
    };
    assert_eq!(broker.error(&other_slot), "-ERR the slot is not the key's");
    broker.expect(get(1, b"k"), got(1, version(2, 2), Kind::Text, b"two"));
    assert_eq!(harness.server.promised(), ballot(2));
    harness.server.trie().check();
}

#[test]
fn prepare_fences_every_slot() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let mut broker = harness.broker(id);
    let prepare = |round| Request::Prepare { view: view_id(1), ballot: ballot(round) };
    broker.expect(prepare(3), Reply::Granted { view: view_id(1), ballot: ballot(3) });
    let fenced = || Reply::Fenced { ballot: ballot(2), promised: ballot(3) };
    broker.expect(prepare(2), fenced());
    broker.expect(store(1, b"a", version(2, 1), Kind::Text, b""), fenced());
    broker.expect(store(1, b"b", version(2, 1), Kind::Text, b""), fenced());
}

#[test]
fn counts_and_keys_of_slots() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let mut broker = harness.broker(id);
    let keys = ["a", "b", "c", "d", "gone"];
    for (seq, key) in (1..).zip(keys) {
        let kind = if key == "gone" { Kind::Tombstone } else { Kind::Text };
        broker.expect(store(1, key.as_bytes(), version(1, seq), kind, b""), stored(1, version(1, seq)));
    }
    let mut slots = SlotSet::default();
    keys.iter().filter(|key| **key != "b").for_each(|key| slots.insert(Slot::of(key.as_bytes())));
    let view = view_id(1);
    broker.expect(Request::Count { view, slots: slots.clone() }, Reply::Counted { view, count: 3 });
    let ask = |limit, after| Request::Keys { view, slots: slots.clone(), limit, after };
    broker.expect(ask(2, None), Reply::Keys { view, last: false, keys: vec![b"a", b"c"] });
    broker.expect(ask(2, Some(b"c")), Reply::Keys { view, last: true, keys: vec![b"d"] });
    broker.expect(ask(9, Some(b"d")), Reply::Keys { view, last: true, keys: vec![] });
}

#[test]
fn relays_reach_the_latest_connection_of_a_process() {
    let (mut harness, first) = Harness::clustered(ServerBugs::None);
    let (old, new) = (harness.connect(), harness.connect());
    harness.broker(old).hello(2);
    harness.broker(new).hello(2);
    let relay = || Request::Relay { process: 2, payload: b"words\r\n" };
    harness.broker(first).expect(relay(), Reply::Relayed);
    assert_eq!(harness.take(old), b"");
    let push = harness.take(new);
    assert!(push.starts_with(b">3\r\n"));
    let words = items(&push);
    let words: Vec<&[u8]> = words.iter().map(|word| &word[..]).collect();
    assert_eq!(parse_push(&words), Some((1, &b"words\r\n"[..])));
    harness.lose(new);
    harness.broker(first).expect(relay(), Reply::Relayed);
    assert!(!harness.take(old).is_empty());
    harness.lose(old);
    harness.broker(first).expect(relay(), Reply::NoRoute);
    // To oneself too: the push stands before the answer.
    let own = harness.broker(first).raw(&Request::Relay { process: 1, payload: b"x" });
    assert!(own.starts_with(b">3\r\n") && own.ends_with(b"RELAYED\r\n"));
}

#[test]
fn a_ping_tells_whether_the_owner_is_here() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let other = harness.connect();
    harness.broker(other).hello(2);
    let incarnation = harness.server.incarnation();
    let view = view_id(1);
    let pong = |promised, owner_here| Reply::Pong { view, incarnation, promised, owner_here };
    let mut broker = harness.broker(id);
    broker.expect(Request::Ping { view }, pong(Ballot::NONE, false));
    let ballot = Ballot::new(3, 2);
    broker.expect(Request::Prepare { view, ballot }, Reply::Granted { view, ballot });
    broker.expect(Request::Ping { view }, pong(ballot, true));
    harness.lose(other);
    harness.broker(id).expect(Request::Ping { view }, pong(ballot, false));
}

#[test]
fn beside_the_broker_there_is_only_reading() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    harness
        .broker(id)
        .expect(store(1, b"d", version(1, 1), Kind::Document, br#"{"a":1}"#), stored(1, version(1, 1)));
    let client = harness.connect();
    let refused = "-READONLY this server belongs to a cluster: write through its broker\r\n";
    for write in [
        "SET k v",
        "MSET k v",
        "DEL d",
        "UNLINK d",
        "FLUSHALL",
        "FLUSHDB",
        "JSON.DEL d",
        "JSON.FORGET d",
        "PUT d:{}",
        "DELETE d",
    ] {
        assert_eq!(harness.line(client, write), refused, "{write}");
        assert_eq!(harness.line(id, write), refused, "{write}");
    }
    assert_eq!(harness.line(client, "SET k"), "-ERR wrong number of arguments for 'set' command\r\n");
    assert_eq!(harness.line(client, "QUERY d.a"), "$1\r\n1\r\n");
    assert_eq!(harness.line(client, "GET d"), "$7\r\n{\"a\":1}\r\n");
    assert_eq!(harness.line(client, "DBSIZE"), ":1\r\n");
    assert!(harness.line(client, "INFO hedgerow").contains("\r\nview:7.1\r\n"));
}
