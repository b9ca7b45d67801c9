//! Filling a learner.

use super::Harness;
use super::broker::*;
use crate::conn::ConnId;
use crate::proto::cluster::{Copied, Reply, Request, Role};
use crate::record::{Kind, Slot};
use crate::server::{ServerBugs, ServerConfig};

/// All slices of a slot, as a member gives them.
fn slices(harness: &mut Harness, id: ConnId, since: u32, slot: Slot, bytes: usize) -> Vec<Vec<Vec<u8>>> {
    let (mut after, mut slices): (Option<Vec<u8>>, Vec<Vec<Vec<u8>>>) = (None, vec![]);
    loop {
        let sync = Request::Sync { since, slot, bytes, after: after.as_deref() };
        let slice = items(&harness.broker(id).raw(&sync));
        let Ok(Reply::Copied { last, records, .. }) = Reply::parse(slice.len(), |index| &slice[index]) else {
            panic!("{slice:?}")
        };
        after = records.last().map(|record| record.key.to_vec()).or(after);
        slices.push(slice.clone());
        if last {
            return slices;
        }
    }
}

#[test]
fn a_learner_is_filled_in_slices() {
    let (mut member, id) = Harness::clustered(ServerBugs::None);
    let keys: Vec<String> = (0..40).map(|number| format!("{{tag}}{number}")).collect();
    let slot = Slot::of(b"{tag}");
    for (seq, key) in (1..).zip(&keys) {
        let (kind, body) = match seq % 3 {
            0 => (Kind::Tombstone, &b""[..]),
            1 => (Kind::Text, &b"text"[..]),
            _ => (Kind::Document, &br#"{"a":[1,2]}"#[..]),
        };
        member
            .broker(id)
            .expect(store(1, key.as_bytes(), version(5, seq), kind, body), stored(1, version(5, seq)));
    }
    let next = member.seated(2, Role::Member, 1);
    member.broker(id).view(&next);

    let mut learner = Harness::with(ServerConfig::new(2));
    let to = learner.connect();
    let joined = learner.seated(2, Role::Learner, 2);
    learner.broker(to).hello(1);
    learner.broker(to).view(&joined);
    // A write that came before the copy stays.
    let newest = version(6, 1);
    let late = store(2, keys[3].as_bytes(), newest, Kind::Text, b"late");
    learner.broker(to).expect(late, stored(2, newest));

    let slices = slices(&mut member, id, 2, slot, 100);
    assert!(slices.len() >= 5, "{}", slices.len());
    for slice in &slices {
        let Ok(Reply::Copied { since, slot, promised, last, records }) =
            Reply::parse(slice.len(), |index| &slice[index])
        else {
            panic!()
        };
        assert_eq!(promised, ballot(5));
        let fill = |since| Request::Fill { since, slot, promised, last, records: records.clone() };
        learner.broker(to).expect(fill(1), Reply::NotNow);
        learner.broker(to).expect(fill(since), Reply::Filled { since, slot, last });
    }
    for (seq, key) in (1..).zip(&keys) {
        let key = key.as_bytes();
        let reply = member.broker(id).raw(&get(2, key));
        let copy = learner.broker(to).raw(&get(2, key));
        if key == keys[3].as_bytes() {
            learner.broker(to).expect(get(2, key), got(2, newest, Kind::Text, b"late"));
        } else {
            assert_eq!(copy, reply, "{seq}");
        }
    }
    assert_eq!(learner.server.promised(), ballot(6));
    learner.server.trie().check();
    let member_now = learner.seated(3, Role::Member, 2);
    learner.broker(to).view(&member_now);
    let empty = Request::Fill { since: 2, slot, promised: ballot(9), last: true, records: vec![] };
    learner.broker(to).expect(empty, Reply::NotNow);
}

#[test]
fn a_copy_carries_the_promise() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let joined = harness.seated(2, Role::Learner, 2);
    let slot = Slot::of(b"k");
    let record = Copied { key: b"k", version: version(4, 1), kind: Kind::Text, body: b"v" };
    let mut broker = harness.broker(id);
    broker.view(&joined);
    let fill = Request::Fill { since: 2, slot, promised: ballot(8), last: true, records: vec![record] };
    broker.expect(fill, Reply::Filled { since: 2, slot, last: true });
    let fenced = Reply::Fenced { ballot: ballot(7), promised: ballot(8) };
    broker.expect(store(2, b"k", version(7, 1), Kind::Text, b"w"), fenced);
    let bad = Copied { key: b"k", version: version(9, 1), kind: Kind::Document, body: b"{" };
    let fill = Request::Fill { since: 2, slot, promised: ballot(9), last: true, records: vec![bad] };
    assert!(broker.error(&fill).starts_with("-ERR expected"));
    assert_eq!(harness.server.promised(), ballot(8));
}
