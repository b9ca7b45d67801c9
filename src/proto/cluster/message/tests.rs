use super::*;
use crate::proto::cluster::{Role, Seat};

/// The items of one RESP array of bulk strings that is the whole of `bytes`.
fn items(mut bytes: &[u8]) -> Vec<&[u8]> {
    fn line(bytes: &mut &[u8], sign: u8) -> usize {
        let end = bytes.iter().position(|&b| b == b'\r').expect("a line");
        assert_eq!(bytes[0], sign);
        let number = parse_number(&bytes[1..end]).expect("a length") as usize;
        *bytes = &bytes[end + 2..];
        number
    }
    let count = line(&mut bytes, b'*');
    let items = (0..count)
        .map(|_| {
            let len = line(&mut bytes, b'$');
            let item = &bytes[..len];
            bytes = &bytes[len + 2..];
            item
        })
        .collect();
    assert!(bytes.is_empty());
    items
}

fn view() -> View {
    let seats = vec![Seat { incarnation: 5, role: Role::Member, since: 1 }; 3];
    View { id: ViewId { life: 7, number: 2 }, seats }
}

fn copied() -> Vec<Copied<'static>> {
    vec![
        Copied { key: b"k", version: Version(u128::MAX), kind: Kind::Document, body: b"{}" },
        Copied { key: b"\r\n", version: Version(1), kind: Kind::Tombstone, body: b"" },
    ]
}

#[test]
fn every_request_survives_the_wire() {
    let (view_id, slot, ballot) = (view().id, Slot::of(b"k"), Ballot::new(3, 4));
    let mut slots = SlotSet::default();
    slots.insert(slot);
    let (version, records) = (Version::new(ballot, 9), copied());
    let requests = [
        Request::Hello { cluster: u64::MAX, process: 7 },
        Request::Ping { view: view_id },
        Request::Prepare { view: view_id, ballot },
        Request::Get { view: view_id, slot, key: b"k", version_only: false },
        Request::Get { view: view_id, slot, key: b"k", version_only: true },
        Request::Store { view: view_id, ballot, slot, version, key: b"k", kind: Kind::Text, body: b"\0" },
        Request::Sync { since: 1, slot, bytes: 9, after: None },
        Request::Sync { since: 1, slot, bytes: 9, after: Some(b"k") },
        Request::Fill { since: 1, slot, promised: ballot, last: true, records },
        Request::Fill { since: 1, slot, promised: ballot, last: false, records: vec![] },
        Request::Slots { since: 4 },
        Request::View { view: view() },
        Request::ViewPrepare { base: View::default(), ballot },
        Request::ViewAccept { base: view(), ballot, incarnation: 8, view: view() },
        Request::Count { view: view_id, slots: slots.clone() },
        Request::Keys { view: view_id, slots: slots.clone(), limit: 3, after: Some(b"k") },
        Request::Keys { view: view_id, slots, limit: 3, after: None },
        Request::Relay { process: 1, payload: b"anything" },
    ];
    for request in requests {
        let mut out = vec![];
        request.write(&mut out);
        let items = items(&out);
        assert_eq!(Request::parse(items.len(), |i| items[i]), Ok(request.clone()));
        if !matches!(request, Request::Get { version_only: true, .. }) {
            let short = Request::parse(items.len() - 1, |i| items[i]);
            assert_ne!(short, Ok(request), "an argument less is noticed");
        }
    }
}

#[test]
fn every_reply_survives_the_wire() {
    let (view_id, slot, ballot) = (view().id, Slot::of(b"k"), Ballot::new(3, 4));
    let (version, records) = (Version::new(ballot, 9), copied());
    let mut slots = SlotSet::default();
    slots.insert(slot);
    let replies = [
        Reply::Slots { since: 2, promised: ballot, slots },
        Reply::Hello { incarnation: 1, view: view(), promised: ballot, records: 3, unix_ms: 4 },
        Reply::Pong { view: view_id, incarnation: 5, promised: ballot, owner_here: true },
        Reply::WrongView { view: view() },
        Reply::NoSeat,
        Reply::Granted { view: view_id, ballot },
        Reply::Fenced { ballot, promised: Ballot::new(9, 9) },
        Reply::Got { view: view_id, version, kind: Kind::Document, body: b"{\"a\":1}" },
        Reply::Stored { view: view_id, version },
        Reply::Stale { version },
        Reply::Copied { since: 2, slot, promised: ballot, last: false, records },
        Reply::NotNow,
        Reply::Filled { since: 2, slot, last: true },
        Reply::View { view: View::default() },
        Reply::Promised { ballot, incarnation: 5, accepted: None },
        Reply::Promised { ballot, incarnation: 5, accepted: Some((ballot, view())) },
        Reply::Accepted { ballot },
        Reply::Refused { ballot, promised: Ballot::NONE },
        Reply::Counted { view: view_id, count: 12 },
        Reply::Keys { view: view_id, last: true, keys: vec![b"a", b"b"] },
        Reply::Relayed,
        Reply::NoRoute,
    ];
    for reply in replies {
        let mut out = vec![];
        reply.write(&mut out);
        let items = items(&out);
        assert_eq!(Reply::parse(items.len(), |i| items[i]), Ok(reply));
    }
}

#[test]
fn nonsense_is_refused_with_its_place() {
    let parse = |words: &[&'static str]| Request::parse(words.len(), |i| words[i].as_bytes());
    assert_eq!(parse(&["H.NOPE"]), Err(MessageError { argument: 0 }));
    assert_eq!(parse(&["h.ping", "x"]), Err(MessageError { argument: 1 }));
    assert_eq!(parse(&["H.GET", "1", "16384", "k"]), Err(MessageError { argument: 2 }));
    assert_eq!(parse(&["H.STORE", "1", "1"]), Err(MessageError { argument: 3 }));
    assert_eq!(parse(&["H.FILL", "1", "1", "1", "1", "key"]), Err(MessageError { argument: 6 }));
    assert_eq!(parse(&["H.PING", "99999999999999999999999"]), Err(MessageError { argument: 1 }));
}
