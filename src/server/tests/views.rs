//! Views, votes, joining and leaving.

use super::Harness;
use super::broker::*;
use crate::proto::cluster::{Reply, Request, Role, SlotSet, View};
use crate::record::{Ballot, Kind, Slot, Version};
use crate::server::ServerBugs;

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
fn a_second_broker_disturbs_nothing() {
    let (mut harness, first) = Harness::clustered(ServerBugs::None);
    let view = harness.server.view().clone();
    harness.broker(first).expect(store(1, b"k", version(5, 1), Kind::Text, b"v"), stored(1, version(5, 1)));
    let second = harness.connect();
    assert_eq!(harness.broker(second).hello(2), view);
    harness.broker(second).view(&view);
    harness.broker(second).expect(get(1, b"k"), got(1, version(5, 1), Kind::Text, b"v"));
    harness.broker(first).expect(store(1, b"k", version(5, 2), Kind::Text, b"w"), stored(1, version(5, 2)));
    harness.lose(second);
    harness.broker(first).expect(get(1, b"k"), got(1, version(5, 2), Kind::Text, b"w"));
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
