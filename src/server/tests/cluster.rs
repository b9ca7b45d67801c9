use super::Harness;
use crate::conn::ConnId;
use crate::proto::cluster::{Copied, Reply, Request, Role, Seat, SlotSet, View, ViewId, parse_push};
use crate::proto::resp::{Progress, ReplyParser, Token, Tokens};
use crate::record::{Ballot, Kind, Slot, Version};
use crate::server::ServerBugs;

const CLUSTER: u64 = 0xc1;
const LIFE: u32 = 7;

fn view_id(number: u32) -> ViewId {
    ViewId { life: LIFE, number }
}

fn ballot(round: u32) -> Ballot {
    Ballot::new(round, 1)
}

fn version(round: u32, seq: u64) -> Version {
    Version::new(ballot(round), seq)
}

/// The items of a reply that is an array of bulks.
fn items(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut tokens = Tokens::new();
    let Ok(Progress::Done { value, consumed }) = ReplyParser::default().parse(bytes, &mut tokens) else {
        panic!("no whole reply: {}", String::from_utf8_lossy(bytes))
    };
    assert_eq!(consumed, bytes.len(), "one reply");
    value
        .tokens()
        .filter_map(|token| match token {
            Token::Bulk(text) => Some(text.to_vec()),
            Token::Error(text) => panic!("{}", String::from_utf8_lossy(text)),
            _ => None,
        })
        .collect()
}

struct Broker<'h> {
    harness: &'h mut Harness,
    id: ConnId,
}

impl Broker<'_> {
    fn raw(&mut self, request: &Request<'_>) -> Vec<u8> {
        let mut bytes = vec![];
        request.write(&mut bytes);
        self.harness.send(self.id, &bytes)
    }

    fn error(&mut self, request: &Request<'_>) -> String {
        let reply = String::from_utf8(self.raw(request)).expect("text");
        assert!(reply.starts_with('-'), "{reply}");
        reply.trim_end().to_owned()
    }

    #[track_caller]
    fn expect(&mut self, request: Request<'_>, reply: Reply<'_>) {
        let items = items(&self.raw(&request));
        let parsed = Reply::parse(items.len(), |index| &items[index]).expect("a reply");
        assert_eq!(parsed, reply, "to {request:?}");
    }

    fn hello(&mut self, process: u32) -> View {
        let items = items(&self.raw(&Request::Hello { cluster: CLUSTER, process }));
        match Reply::parse(items.len(), |index| &items[index]) {
            Ok(Reply::Hello { view, incarnation, .. }) => {
                assert_eq!(incarnation, self.harness.server.incarnation());
                view
            }
            other => panic!("{other:?}"),
        }
    }

    fn view(&mut self, view: &View) {
        self.expect(Request::View { view: view.clone() }, Reply::View { view: view.clone() });
    }
}

impl Harness {
    fn broker(&mut self, id: ConnId) -> Broker<'_> {
        Broker { harness: self, id }
    }

    /// A view in which this server has the first of three seats.
    pub(super) fn seated(&self, number: u32, role: Role, since: u32) -> View {
        let seat = |incarnation, role, since| Seat { incarnation, role, since };
        let seats = vec![
            seat(self.server.incarnation(), role, since),
            seat(22, Role::Member, 1),
            seat(33, Role::Member, 1),
        ];
        View { id: view_id(number), seats }
    }

    /// Connects a broker that has brought view 1, in which the server is a member.
    pub(super) fn clustered(bugs: ServerBugs) -> (Harness, ConnId) {
        let mut harness = Harness::with_bugs(bugs);
        let id = harness.connect();
        let view = harness.seated(1, Role::Member, 1);
        let mut broker = harness.broker(id);
        assert!(broker.hello(1).is_blank());
        broker.view(&view);
        (harness, id)
    }
}

fn store<'b>(view: u32, key: &'b [u8], at: Version, kind: Kind, body: &'b [u8]) -> Request<'b> {
    let (ballot, slot) = (at.ballot(), Slot::of(key));
    Request::Store { view: view_id(view), ballot, slot, version: at, key, kind, body }
}

fn get(view: u32, key: &[u8]) -> Request<'_> {
    Request::Get { view: view_id(view), slot: Slot::of(key), key, version_only: false }
}

fn stored(view: u32, version: Version) -> Reply<'static> {
    Reply::Stored { view: view_id(view), version }
}

fn got(view: u32, version: Version, kind: Kind, body: &[u8]) -> Reply<'_> {
    Reply::Got { view: view_id(view), version, kind, body }
}

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
fn messages_of_another_view_are_answered_by_the_known_one() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let known = harness.server.view().clone();
    let wrong = || Reply::WrongView { view: known.clone() };
    let mut broker = harness.broker(id);
    broker.expect(get(2, b"k"), wrong());
    broker.expect(store(2, b"k", version(1, 1), Kind::Text, b""), wrong());
    broker.expect(Request::Prepare { view: view_id(0), ballot: ballot(1) }, wrong());
    broker.expect(Request::Count { view: view_id(2), slots: SlotSet::default() }, wrong());
    let keys = Request::Keys { view: view_id(2), slots: SlotSet::default(), limit: 1, after: None };
    broker.expect(keys, wrong());
    let pong = Reply::Pong {
        view: view_id(9),
        incarnation: broker.harness.server.incarnation(),
        promised: Ballot::NONE,
        owner_here: false,
    };
    broker.expect(Request::Ping { view: view_id(9) }, pong);
}

#[test]
fn the_first_view_hides_what_a_lone_server_held() {
    let mut harness = Harness::new();
    let id = harness.connect();
    harness.line(id, "SET old value");
    let view = harness.seated(1, Role::Member, 1);
    let mut broker = harness.broker(id);
    broker.hello(1);
    broker.view(&view);
    assert_eq!(harness.line(id, "GET old") + &harness.line(id, "DBSIZE"), "$-1\r\n:0\r\n");
}

#[test]
fn views_of_other_lives_and_older_ones_are_not_installed() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let known = harness.server.view().clone();
    let mut other = harness.seated(5, Role::Member, 1);
    other.id.life += 1;
    let twin = harness.seated(1, Role::Out, 1);
    let newer = harness.seated(3, Role::Member, 1);
    let mut broker = harness.broker(id);
    broker.expect(Request::View { view: other.clone() }, Reply::View { view: known.clone() });
    broker
        .expect(Request::ViewPrepare { base: other, ballot: ballot(9) }, Reply::View { view: known.clone() });
    assert_eq!(broker.error(&Request::View { view: twin }), "-ERR another view is known by the name 7.1");
    broker.view(&newer);
    broker.expect(Request::View { view: known }, Reply::View { view: newer });
    assert_eq!(harness.server.view_conflicts(), 1);
}

#[test]
fn views_that_cannot_be_are_refused() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let known = harness.server.view().clone();
    let incarnation = harness.server.incarnation();
    let with = |change: fn(&mut View)| {
        let mut view = known.clone();
        view.id.number += 1;
        change(&mut view);
        view
    };
    let mut broker = harness.broker(id);
    for wrong in
        [with(|view| view.seats.clear()), with(|view| view.seats[0].since = 9), with(|view| view.id.life = 0)]
    {
        assert_eq!(broker.error(&Request::View { view: wrong }), "-ERR no such view can be");
    }
    for wrong in [
        with(|view| view.id.number += 1),
        with(|view| view.id.life += 1),
        with(|view| view.seats.truncate(1)),
    ] {
        let accept = Request::ViewAccept { base: known.clone(), ballot: ballot(1), incarnation, view: wrong };
        assert_eq!(broker.error(&accept), "-ERR no such view can be");
    }
}

#[test]
fn a_cluster_is_founded_by_votes() {
    let mut harness = Harness::new();
    let id = harness.connect();
    let first = harness.seated(1, Role::Member, 1);
    let incarnation = harness.server.incarnation();
    let mut broker = harness.broker(id);
    broker.hello(1);
    let base = View::default();
    let prepare = Request::ViewPrepare { base: base.clone(), ballot: ballot(4) };
    broker.expect(prepare.clone(), Reply::Promised { ballot: ballot(4), incarnation, accepted: None });
    let accept = |incarnation| Request::ViewAccept {
        base: base.clone(),
        ballot: ballot(4),
        incarnation,
        view: first.clone(),
    };
    broker.expect(accept(incarnation + 1), Reply::Refused { ballot: ballot(4), promised: Ballot::NONE });
    broker.expect(accept(incarnation), Reply::Accepted { ballot: ballot(4) });
    let accepted = Some((ballot(4), first.clone()));
    broker.expect(prepare, Reply::Promised { ballot: ballot(4), incarnation, accepted });
    broker.view(&first);
    let late = Request::ViewPrepare { base, ballot: ballot(9) };
    broker.expect(late, Reply::View { view: first });
}

#[test]
fn a_vote_installs_its_base() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let incarnation = harness.server.incarnation();
    let base = harness.seated(4, Role::Member, 1);
    let mut broker = harness.broker(id);
    let prepare = Request::ViewPrepare { base: base.clone(), ballot: ballot(2) };
    broker.expect(prepare, Reply::Promised { ballot: ballot(2), incarnation, accepted: None });
    assert_eq!(*harness.server.view(), base);
}

#[test]
fn who_restarts_has_no_seat_until_it_is_named() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let view = harness.server.view().clone();
    let mut broker = harness.broker(id);
    broker.expect(store(1, b"k", version(1, 1), Kind::Text, b"v"), stored(1, version(1, 1)));
    harness.restart();
    let id = harness.connect();
    let mut broker = harness.broker(id);
    assert!(broker.hello(1).is_blank());
    broker.view(&view);
    broker.expect(get(1, b"k"), Reply::NoSeat);
    broker.expect(store(1, b"k", version(1, 1), Kind::Text, b"v"), Reply::NoSeat);
    let prepare = Request::ViewPrepare { base: view, ballot: ballot(3) };
    broker.expect(prepare, Reply::Refused { ballot: ballot(3), promised: Ballot::NONE });
    let joined = broker.harness.seated(2, Role::Learner, 2);
    broker.view(&joined);
    broker.expect(get(2, b"k"), got(2, Version::ZERO, Kind::Tombstone, b""));
}

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

    let mut learner = Harness::with(super::ServerConfig::new(2));
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

#[test]
fn joining_again_hides_everything() {
    let (mut harness, id) = Harness::clustered(ServerBugs::None);
    let mut broker = harness.broker(id);
    broker.expect(store(1, b"k", version(5, 1), Kind::Text, b"v"), stored(1, version(5, 1)));
    let out = broker.harness.seated(2, Role::Out, 1);
    broker.view(&out);
    broker.expect(get(2, b"k"), Reply::NoSeat);
    let sync = |since| Request::Sync { since, slot: Slot::of(b"k"), bytes: 10, after: None };
    broker.expect(sync(2), Reply::NotNow);
    let joined = broker.harness.seated(3, Role::Learner, 3);
    broker.view(&joined);
    broker.expect(get(3, b"k"), got(3, Version::ZERO, Kind::Tombstone, b""));
    broker.expect(store(3, b"k", version(1, 1), Kind::Text, b"v"), stored(3, version(1, 1)));
    broker.expect(sync(3), Reply::NotNow);
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
fn another_cluster_is_refused() {
    let (mut harness, _) = Harness::clustered(ServerBugs::None);
    let other = harness.connect();
    let hello = Request::Hello { cluster: CLUSTER + 1, process: 3 };
    let error = harness.broker(other).error(&hello);
    assert!(error.starts_with("-ERR this server belongs to cluster c1, not to c2"), "{error}");
    assert_eq!(harness.broker(other).error(&get(1, b"k")), "-ERR say H.HELLO first");

    // Two that meet a blank server: the one that brings a view has it.
    let mut harness = Harness::new();
    let (first, second) = (harness.connect(), harness.connect());
    harness.broker(first).hello(1);
    harness.broker(second).raw(&hello);
    let view = harness.seated(1, Role::Member, 1);
    harness.broker(first).view(&view);
    assert!(
        harness.broker(second).error(&get(1, b"k")).starts_with("-ERR this server belongs to cluster c1")
    );
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

/// Each rule that can be taken away makes the one difference that it should.
#[test]
fn without_its_rules_a_server_does_damage() {
    let (mut harness, id) = Harness::clustered(ServerBugs::NoFence);
    let mut broker = harness.broker(id);
    broker.expect(
        Request::Prepare { view: view_id(1), ballot: ballot(5) },
        Reply::Granted { view: view_id(1), ballot: ballot(5) },
    );
    broker.expect(store(1, b"k", version(2, 1), Kind::Text, b""), stored(1, version(2, 1)));

    let (mut harness, id) = Harness::clustered(ServerBugs::StoreAnyView);
    harness.broker(id).expect(store(9, b"k", version(2, 1), Kind::Text, b""), stored(9, version(2, 1)));

    let (mut harness, id) = Harness::clustered(ServerBugs::LearnerKeepsOld);
    let mut broker = harness.broker(id);
    broker.expect(store(1, b"k", version(2, 1), Kind::Text, b"old"), stored(1, version(2, 1)));
    let joined = broker.harness.seated(3, Role::Learner, 3);
    broker.view(&joined);
    broker.expect(get(3, b"k"), got(3, version(2, 1), Kind::Text, b"old"));

    let (mut harness, id) = Harness::clustered(ServerBugs::AmnesiacServes);
    let view = harness.server.view().clone();
    harness.broker(id).expect(store(1, b"k", version(2, 1), Kind::Text, b"v"), stored(1, version(2, 1)));
    harness.restart();
    let id = harness.connect();
    harness.broker(id).hello(1);
    harness.broker(id).view(&view);
    harness.broker(id).expect(get(1, b"k"), got(1, Version::ZERO, Kind::Tombstone, b""));
}
