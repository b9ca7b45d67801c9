use super::*;
use crate::history::{Answer, Call};
use hedgerow::rng::Rng;

/// Each by another client.
fn event(call: Call, begin: u64, end: u64, outcome: Outcome) -> Event {
    let client = (begin * 1_000 + end.min(999)) as usize * 100 + call.line("", 0).len();
    Event { key: 0, call, begin, end, outcome, flagged: false, client }
}

fn answered(call: Call, begin: u64, end: u64, answer: Answer) -> Event {
    event(call, begin, end, Outcome::Answered(answer))
}

fn put(id: u32, begin: u64, end: u64, answer: Answer) -> Event {
    answered(Call::Put(id), begin, end, answer)
}

fn get(begin: u64, end: u64, id: u32) -> Event {
    answered(Call::Get, begin, end, Answer::Holds(document(id)))
}

fn miss(begin: u64, end: u64) -> Event {
    answered(Call::Get, begin, end, Answer::Holds(State::Absent))
}

fn document(id: u32) -> State {
    State::Absent.after(Call::Put(id), None).expect("a PUT always works")
}

fn is_fine(events: &[Event]) -> bool {
    let verdict = linearizable(events);
    assert_ne!(verdict, Verdict::Undecided);
    verdict == Verdict::Fine
}

#[test]
fn one_after_the_other() {
    use Answer::{Created, Deleted, NotFound, Replaced};
    let delete = |begin, end, answer| answered(Call::Delete, begin, end, answer);
    let fine = [put(1, 0, 1, Created), get(2, 3, 1), put(2, 4, 5, Replaced), get(6, 7, 2)];
    assert!(is_fine(&fine));
    let stale = [fine[0], fine[2], get(6, 7, 1)];
    assert_eq!(linearizable(&stale), Verdict::Violated { call: 2, before: vec![document(2)] });
    assert!(!is_fine(&[put(1, 0, 1, Created), miss(2, 3)]), "a lost write");
    assert!(is_fine(&[put(1, 0, 1, Created), delete(2, 3, Deleted), miss(4, 5), delete(6, 7, NotFound)]));
    assert!(!is_fine(&[put(1, 0, 1, Created), delete(2, 3, Deleted), get(4, 5, 1)]), "back from the dead");
    assert!(!is_fine(&[put(1, 0, 1, Created), put(2, 2, 3, Created)]), "an answer about the past counts");
    assert!(!is_fine(&[put(1, 0, 1, Created), delete(2, 3, NotFound)]));
}

#[test]
fn side_by_side_any_order_will_do() {
    use Answer::{Created, Replaced};
    assert!(is_fine(&[put(1, 0, 10, Created), put(2, 1, 9, Replaced), get(11, 12, 2)]));
    assert!(is_fine(&[put(1, 0, 10, Replaced), put(2, 1, 9, Created), get(11, 12, 1)]));
    assert!(!is_fine(&[put(1, 0, 10, Created), put(2, 1, 9, Replaced), get(11, 12, 1)]));
    let writes = [put(1, 0, 10, Created), put(2, 0, 10, Replaced)];
    assert!(is_fine(&[writes[0], writes[1], get(2, 3, 1), get(4, 5, 2)]));
    assert!(
        !is_fine(&[writes[0], writes[1], get(2, 3, 2), get(4, 5, 1)]),
        "reads that disagree on the order"
    );
    assert!(!is_fine(&[writes[0], writes[1], get(2, 3, 1), miss(4, 5)]));
}

#[test]
fn a_client_that_does_not_wait_is_served_in_order() {
    let by = |client, event| Event { client, ..event };
    let created = by(0, put(1, 0, 10, Answer::Created));
    assert!(is_fine(&[created, by(0, get(1, 11, 1))]));
    assert!(is_fine(&[created, by(1, miss(1, 11))]));
    assert!(!is_fine(&[created, by(0, miss(1, 11))]), "its own write is not there");
    let twice = [created, by(0, put(2, 1, 10, Answer::Replaced)), by(0, get(2, 10, 1))];
    assert!(!is_fine(&twice));
    let unknown = by(0, event(Call::Put(1), 0, u64::MAX, Outcome::Open));
    assert!(is_fine(&[unknown, by(0, miss(1, 11))]));
}

#[test]
fn a_lost_update_of_a_field() {
    let drop = |field, begin, end| answered(Call::DropField(field), begin, end, Answer::Dropped(true));
    let holds = |fields| answered(Call::Get, 20, 21, Answer::Holds(State::Document { id: 1, fields }));
    let created = put(1, 0, 1, Answer::Created);
    assert!(is_fine(&[created, drop(0, 2, 9), drop(1, 3, 8), holds(4)]));
    assert!(!is_fine(&[created, drop(0, 2, 9), drop(1, 3, 8), holds(5)]), "one of two deletions is lost");
    assert!(!is_fine(&[created, drop(0, 2, 4), drop(0, 5, 8)]), "deleted twice");
}

#[test]
fn an_unknown_outcome_may_come_late_or_never_but_only_once() {
    let open = |call, begin| event(call, begin, u64::MAX, Outcome::Open);
    let created = put(1, 0, 1, Answer::Created);
    assert!(is_fine(&[created, open(Call::Put(2), 2), get(5, 6, 1), get(7, 8, 2)]));
    assert!(is_fine(&[created, open(Call::Put(2), 2), get(5, 6, 1)]));
    assert!(!is_fine(&[created, open(Call::Put(2), 2), get(5, 6, 2), get(7, 8, 1)]), "undone");
    assert!(!is_fine(&[created, open(Call::Put(2), 9), get(5, 6, 2)]), "read before it was asked for");
    let again = [created, open(Call::Delete, 2), miss(3, 4), put(3, 5, 6, Answer::Created), miss(7, 8)];
    assert!(!is_fine(&again), "one deletion cannot hit twice");
}

#[test]
fn void_and_flagged_answers_prove_nothing() {
    let created = put(1, 0, 1, Answer::Created);
    let void = event(Call::Put(2), 2, 3, Outcome::Void);
    assert!(is_fine(&[created, void, get(4, 5, 1)]));
    assert!(!is_fine(&[created, void, get(4, 5, 2)]), "refused and done all the same");
    let flagged = Event { flagged: true, ..miss(2, 3) };
    assert!(is_fine(&[created, flagged, get(4, 5, 1)]));
}

#[test]
fn many_open_calls_are_no_burden() {
    let mut events = vec![put(1, 0, 1, Answer::Created)];
    events.extend((0..40).map(|i| event(Call::Put(100 + i), 2 + u64::from(i), u64::MAX, Outcome::Open)));
    events.extend((0..40).map(|i| get(100 + u64::from(2 * i), 101 + u64::from(2 * i), 100 + i)));
    assert!(is_fine(&events));
    events.push(get(300, 301, 100));
    assert!(!is_fine(&events));
}

#[test]
fn a_stand_in_explains_what_its_equal_would() {
    let open = |call, begin| event(call, begin, u64::MAX, Outcome::Open);
    let mut events = vec![put(1, 0, 1, Answer::Created)];
    for i in 0..20 {
        events.extend([open(Call::Delete, 2 + i), open(Call::Put(50 + i as u32), 2 + i)]);
        events.extend([open(Call::DropField(0), 2 + i), open(Call::DropField(1), 2 + i)]);
    }
    for i in 0..10 {
        let at = 1_000 + 10 * i;
        events.push(miss(at, at + 1));
        events.push(answered(Call::DropField(2), at + 2, at + 3, Answer::Dropped(true)));
    }
    assert!(is_fine(&events));
    events.extend((0..12).map(|i| answered(Call::Delete, 2_000 + 2 * i, 2_001 + 2 * i, Answer::Deleted)));
    assert!(!is_fine(&events), "more deletions than there were writes");
}

/// The slow twin: every order that respects time, tried one by one.
fn slow(events: &[Event], done: u32, state: State) -> bool {
    let left = |i: &usize| done >> i & 1 == 0;
    let first_end = (0..events.len())
        .filter(|i| left(i) && events[*i].outcome != Outcome::Open)
        .map(|i| events[i].end)
        .min();
    let Some(first_end) = first_end else { return true };
    (0..events.len()).filter(left).filter(|&i| events[i].begin <= first_end).any(|i| {
        let answer = match events[i].outcome {
            Outcome::Answered(answer) => Some(answer),
            _ => None,
        };
        let earlier =
            |j: &usize| events[*j].client == events[i].client && events[*j].outcome != Outcome::Open;
        if (0..i).filter(earlier).any(|j| left(&j)) {
            return false;
        }
        let next = state.after(events[i].call, answer);
        next.is_some_and(|next| slow(events, done | 1 << i, next))
    })
}

/// A history of a single copy with calls side by side; then, often, one answer is changed.
fn random_history(rng: &mut Rng) -> Vec<Event> {
    let (mut events, mut state, count) = (Vec::new(), State::Absent, 3 + rng.index(5));
    for id in 1..=count as u32 {
        let call =
            [Call::Get, Call::Query(0), Call::Put(id), Call::Set(id), Call::Delete, Call::DropField(0)];
        let call = call[rng.index(6)];
        let at = u64::from(id) * 10 + 40;
        let answer = own_answer(state, call);
        let open = call.is_write() && rng.percent(25);
        if !open || rng.percent(50) {
            state = state.after(call, None).expect("any answer will do");
        }
        let outcome = if open { Outcome::Open } else { Outcome::Answered(answer) };
        let client = rng.index(4);
        events.push(Event { client, ..event(call, at - rng.below(40), at + rng.below(40), outcome) });
    }
    in_order_of_sending(&mut events);
    if rng.percent(70) {
        let changed = rng.index(count);
        if let Outcome::Answered(_) = events[changed].outcome {
            let other =
                [State::Absent, State::Text(1 + rng.below(4) as u32), document(1 + rng.below(4) as u32)];
            let other = other[rng.index(3)];
            events[changed].outcome = Outcome::Answered(own_answer(other, events[changed].call));
        }
    }
    events
}

/// A client's calls begin in the order in which they took effect.
fn in_order_of_sending(events: &mut [Event]) {
    for later in 1..events.len() {
        let earlier = (0..later).rev().find(|&earlier| events[earlier].client == events[later].client);
        if let Some(earlier) = earlier {
            events[later].begin = events[later].begin.max(events[earlier].begin);
            events[later].end = events[later].end.max(events[later].begin);
        }
    }
}

fn own_answer(state: State, call: Call) -> Answer {
    let all = [Answer::Created, Answer::Replaced, Answer::Done, Answer::Deleted, Answer::NotFound];
    let more = [Answer::Dropped(true), Answer::Dropped(false), Answer::WrongKind, Answer::Field(None)];
    let numbers = (1..100).map(|id| Answer::Field(Some(id)));
    let mut candidates = all.into_iter().chain(more).chain(numbers).chain([Answer::Holds(state)]);
    candidates.find(|&answer| state.after(call, Some(answer)).is_some()).expect("every call is answered")
}

#[test]
fn agrees_with_the_slow_twin() {
    let mut rng = Rng::from_seed(1);
    let mut counts = [0; 2];
    for round in 0..20_000 {
        let events = random_history(&mut rng);
        let fine = is_fine(&events);
        counts[usize::from(fine)] += 1;
        assert_eq!(fine, slow(&events, 0, State::Absent), "round {round}: {events:#?}");
    }
    assert!(counts.iter().all(|&count| count > 2_000), "both verdicts are frequent: {counts:?}");
}
