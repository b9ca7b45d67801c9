use super::*;

const ME: u64 = 77;
const LIFE: u32 = 9;

fn id(number: u32) -> ViewId {
    ViewId { life: LIFE, number }
}

fn seat(incarnation: u64, role: Role, since: u32) -> Seat {
    Seat { incarnation, role, since }
}

/// A view of three servers, the first of which has this seat.
fn view(number: u32, first: Seat) -> View {
    View { id: id(number), seats: vec![first, seat(2, Role::Member, 1), seat(3, Role::Member, 1)] }
}

fn member(number: u32) -> View {
    view(number, seat(ME, Role::Member, 1))
}

fn ballot(round: u32) -> Ballot {
    Ballot::new(round, 5)
}

fn version(round: u32, seq: u64) -> Version {
    Version::new(ballot(round), seq)
}

fn replica(bugs: ServerBugs) -> Replica {
    Replica::new(ME, bugs)
}

fn installed(bugs: ServerBugs, views: &[View]) -> Replica {
    let mut replica = replica(bugs);
    for view in views {
        let _ = replica.install(view).unwrap();
    }
    replica
}

#[test]
fn a_blank_server_installs_any_chosen_view_and_hides_what_it_held() {
    let mut blank = replica(ServerBugs::None);
    assert_eq!(blank.install(&member(4)), Ok(Installed::Hide));
    assert_eq!((blank.view().id, blank.since()), (id(4), 1));
    assert!(blank.is_clustered());
    let mut unnamed = replica(ServerBugs::None);
    assert_eq!(unnamed.install(&view(4, seat(ME + 1, Role::Member, 1))), Ok(Installed::Keep));
    assert_eq!((unnamed.seat(), unnamed.since()), (None, 0));
}

#[test]
fn only_a_newer_view_of_the_same_life_is_installed() {
    let mut server = installed(ServerBugs::None, &[member(3)]);
    assert_eq!(server.install(&member(2)), Ok(Installed::Keep));
    assert_eq!(server.view().id, id(3));
    let mut other_life = member(8);
    other_life.id.life = LIFE + 1;
    assert_eq!(server.install(&other_life), Ok(Installed::Keep));
    assert_eq!(server.view().id, id(3));
    assert_eq!(server.install(&View::default()), Ok(Installed::Keep));
    assert_eq!(server.install(&member(4)), Ok(Installed::Keep));
    assert_eq!(server.view().id, id(4));
}

#[test]
fn one_name_has_one_value() {
    let mut server = installed(ServerBugs::None, &[member(3)]);
    assert_eq!(server.install(&member(3)), Ok(Installed::Keep));
    let other = view(3, seat(ME, Role::Out, 1));
    assert_eq!(server.install(&other), Err(TwoValues(id(3))));
    assert_eq!(server.view(), &member(3));
}

#[test]
fn another_since_hides_records_and_promises() {
    let mut server = installed(ServerBugs::None, &[member(1)]);
    server.stored(ballot(5));
    assert_eq!(server.install(&view(2, seat(ME, Role::Out, 1))), Ok(Installed::Keep));
    assert_eq!(server.promised(), ballot(5), "out, but nothing is forgotten");
    assert_eq!(server.install(&view(3, seat(ME, Role::Learner, 3))), Ok(Installed::Hide));
    assert_eq!((server.promised(), server.since()), (Ballot::NONE, 3));
    assert_eq!(server.install(&view(4, seat(ME, Role::Member, 3))), Ok(Installed::Keep));

    let mut keeps = installed(ServerBugs::LearnerKeepsOld, &[member(1)]);
    assert_eq!(keeps.install(&view(3, seat(ME, Role::Learner, 3))), Ok(Installed::Keep));
}

#[test]
fn who_serves() {
    let of_older = Reply::WrongView { view: member(3) };
    let server = installed(ServerBugs::None, &[member(3)]);
    assert_eq!(server.admit_read(id(3)), Ok(()));
    assert_eq!(server.admit_read(id(2)), Err(of_older.clone()));
    assert_eq!(server.admit_read(id(4)), Err(of_older.clone()));
    let foreign = ViewId { life: LIFE + 1, number: 3 };
    assert_eq!(server.admit_read(foreign), Err(of_older));

    let learner = installed(ServerBugs::None, &[view(3, seat(ME, Role::Learner, 3))]);
    assert_eq!(learner.admit_read(id(3)), Ok(()));
    let out = installed(ServerBugs::None, &[view(3, seat(ME, Role::Out, 1))]);
    assert_eq!(out.admit_read(id(3)), Err(Reply::NoSeat));
    let unnamed = installed(ServerBugs::None, &[view(3, seat(ME + 1, Role::Member, 1))]);
    assert_eq!(unnamed.admit_read(id(3)), Err(Reply::NoSeat));
    let blank = replica(ServerBugs::None);
    assert_eq!(blank.admit_read(id(1)), Err(Reply::WrongView { view: View::default() }));
    assert_eq!(blank.admit_read(ViewId::BLANK), Err(Reply::NoSeat));

    let amnesiac = installed(ServerBugs::AmnesiacServes, &[view(3, seat(ME + 1, Role::Member, 1))]);
    assert_eq!(amnesiac.admit_read(id(3)), Ok(()));
    let careless = installed(ServerBugs::GetAnyView, &[member(3)]);
    assert_eq!(careless.admit_read(id(2)), Ok(()));
}

#[test]
fn prepare_promises_and_fences() {
    let mut server = installed(ServerBugs::None, &[member(1)]);
    assert_eq!(server.prepare(id(1), ballot(2)), Reply::Granted { view: id(1), ballot: ballot(2) });
    assert_eq!(server.prepare(id(1), ballot(2)), Reply::Granted { view: id(1), ballot: ballot(2) });
    let fenced = Reply::Fenced { ballot: ballot(1), promised: ballot(2) };
    assert_eq!(server.prepare(id(1), ballot(1)), fenced);
    assert_eq!(server.prepare(id(2), ballot(9)), Reply::WrongView { view: member(1) });
    assert_eq!(server.promised(), ballot(2));

    let mut careless = installed(ServerBugs::PrepareAnyView, &[member(1)]);
    assert_eq!(careless.prepare(id(2), ballot(9)), Reply::Granted { view: id(2), ballot: ballot(9) });
}

#[test]
fn store_is_fenced_and_ordered_by_version() {
    let mut server = installed(ServerBugs::None, &[member(1)]);
    let verdict = |server: &Replica, round, new, held| server.admit_store(id(1), ballot(round), new, held);
    let answer = StoreVerdict::Answer;
    assert_eq!(verdict(&server, 2, version(2, 1), Version::ZERO), StoreVerdict::Write);
    assert_eq!(server.promised(), Ballot::NONE, "nothing is promised before it is written");
    server.stored(ballot(2));
    assert_eq!(server.promised(), ballot(2));
    let (one, two) = (version(2, 1), version(2, 2));
    assert_eq!(verdict(&server, 2, one, one), answer(Reply::Stored { view: id(1), version: one }));
    assert_eq!(verdict(&server, 2, one, two), answer(Reply::Stale { version: two }));
    assert_eq!(verdict(&server, 2, two, one), StoreVerdict::Write);
    let fenced = Reply::Fenced { ballot: ballot(1), promised: ballot(2) };
    assert_eq!(verdict(&server, 1, two, two), answer(fenced), "not even what is held is acknowledged");
    let wrong = answer(Reply::WrongView { view: member(1) });
    assert_eq!(server.admit_store(id(2), ballot(9), two, one), wrong);

    let mut unfenced = installed(ServerBugs::NoFence, &[member(1)]);
    unfenced.stored(ballot(2));
    assert_eq!(verdict(&unfenced, 1, two, one), StoreVerdict::Write);
    unfenced.stored(ballot(1));
    assert_eq!(unfenced.promised(), ballot(2));
    let careless = installed(ServerBugs::StoreAnyView, &[member(1)]);
    assert_eq!(careless.admit_store(id(2), ballot(9), two, one), StoreVerdict::Write);
}

#[test]
fn who_is_copied_from() {
    let server = installed(ServerBugs::None, &[member(3)]);
    assert!(server.may_be_copied(3) && server.may_be_copied(2));
    assert!(!server.may_be_copied(4), "it has not seen the join");
    assert!(!installed(ServerBugs::None, &[view(3, seat(ME, Role::Learner, 3))]).may_be_copied(3));
    assert!(!installed(ServerBugs::None, &[view(3, seat(ME, Role::Out, 1))]).may_be_copied(3));
    assert!(!installed(ServerBugs::None, &[view(3, seat(ME + 1, Role::Member, 1))]).may_be_copied(3));
    assert!(!replica(ServerBugs::None).may_be_copied(0));
    assert!(installed(ServerBugs::SyncAnyView, &[member(3)]).may_be_copied(4));
}

#[test]
fn who_takes_a_copy() {
    let learner = view(3, seat(ME, Role::Learner, 3));
    let mut server = installed(ServerBugs::None, std::slice::from_ref(&learner));
    assert!(server.takes_fill(3) && !server.takes_fill(2));
    server.filled(ballot(4));
    assert_eq!(server.promised(), ballot(4), "a copy carries the promise");
    server.filled(ballot(3));
    assert_eq!(server.promised(), ballot(4));
    assert!(!installed(ServerBugs::None, &[member(3)]).takes_fill(1));
    assert!(installed(ServerBugs::SinceIgnored, std::slice::from_ref(&learner)).takes_fill(2));
    let mut careless = installed(ServerBugs::SyncNoPromise, &[learner]);
    careless.filled(ballot(4));
    assert_eq!(careless.promised(), Ballot::NONE);
}

fn promised(round: u32, accepted: Option<(Ballot, View)>) -> Reply<'static> {
    Reply::Promised { ballot: ballot(round), incarnation: ME, accepted }
}

fn refused(round: u32, by: Ballot) -> Reply<'static> {
    Reply::Refused { ballot: ballot(round), promised: by }
}

#[test]
fn votes_are_kept_until_the_next_view() {
    let mut server = installed(ServerBugs::None, &[member(1)]);
    let next = view(2, seat(ME, Role::Out, 1));
    assert_eq!(server.vote_prepare(id(1), ballot(3)), promised(3, None));
    assert_eq!(server.vote_prepare(id(1), ballot(2)), refused(2, ballot(3)));
    let accept =
        |server: &mut Replica, round, value: &View| server.vote_accept(id(1), ballot(round), ME, value);
    assert_eq!(accept(&mut server, 2, &next), Ok(refused(2, ballot(3))));
    assert_eq!(accept(&mut server, 3, &next), Ok(Reply::Accepted { ballot: ballot(3) }));
    assert_eq!(accept(&mut server, 3, &next), Ok(Reply::Accepted { ballot: ballot(3) }));
    assert_eq!(accept(&mut server, 3, &member(2)), Err(TwoValues(id(2))));
    assert_eq!(server.vote_prepare(id(1), ballot(4)), promised(4, Some((ballot(3), next.clone()))));
    assert_eq!(server.install(&next), Ok(Installed::Keep));
    assert_eq!(server.vote_prepare(id(1), ballot(9)), Reply::View { view: next });
    assert_eq!(server.vote_prepare(id(2), ballot(1)), promised(1, None), "another instance, no promises");
}

#[test]
fn who_forgot_has_no_vote_until_it_is_named() {
    let unnamed = view(4, seat(ME + 1, Role::Member, 1));
    let mut server = installed(ServerBugs::None, std::slice::from_ref(&unnamed));
    assert_eq!(server.vote_prepare(id(4), ballot(1)), refused(1, Ballot::NONE));
    let accepted = server.vote_accept(id(4), ballot(1), ME, &member(5));
    assert_eq!(accepted, Ok(refused(1, Ballot::NONE)));
    assert_eq!(server.install(&view(5, seat(ME, Role::Learner, 5))), Ok(Installed::Hide));
    assert_eq!(server.vote_prepare(id(5), ballot(1)), promised(1, None));
    for bugs in [ServerBugs::AmnesiacVotes, ServerBugs::VoteUnnamed] {
        let mut careless = installed(bugs, std::slice::from_ref(&unnamed));
        assert_eq!(careless.vote_prepare(id(4), ballot(1)), promised(1, None));
    }
}

#[test]
fn a_promise_of_a_former_memory_accepts_nothing() {
    let mut server = installed(ServerBugs::None, &[member(1)]);
    let accepted = server.vote_accept(id(1), ballot(3), ME + 1, &member(2));
    assert_eq!(accepted, Ok(refused(3, Ballot::NONE)));
    assert_eq!(server.vote_prepare(id(1), ballot(1)), promised(1, None), "and leaves no trace");
}

#[test]
fn blank_servers_choose_the_first_view() {
    let mut server = replica(ServerBugs::None);
    assert_eq!(server.vote_prepare(ViewId::BLANK, ballot(1)), promised(1, None));
    let accepted = server.vote_accept(ViewId::BLANK, ballot(1), ME, &member(1));
    assert_eq!(accepted, Ok(Reply::Accepted { ballot: ballot(1) }));
    assert_eq!(server.install(&member(1)), Ok(Installed::Hide));
    assert_eq!(server.vote_prepare(ViewId::BLANK, ballot(9)), Reply::View { view: member(1) });
}
