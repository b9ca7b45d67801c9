//! What an operation does next: the heart of the engine.

use super::link::Expect;
use super::op::{Answer as ReplicaAnswer, Ask, EngineError, Op, OpId, Outcome, Phase, Source};
use super::{Bug, Engine};
use crate::conn::Net;
use crate::proto::cluster::Request;
use crate::proto::{path, text};
use crate::record::{Ballot, Kind, Version};
use crate::time::Now;

/// What an operation makes of the record that it read.
enum Effect {
    Store(Kind, Vec<u8>),
    /// There is nothing to do, or it cannot be done.
    Nothing(Outcome),
}

impl Engine {
    pub(super) fn accept(&mut self, source: Source, key: &[u8], ask: Ask, now: Now, net: &mut Net) {
        let (id, free) = self.ops.insert(Op::new(source, key, ask, now.time));
        if free {
            self.begin(id, now, net);
        } else {
            self.wake_soon(now);
        }
    }

    /// The operation has its key.
    pub(super) fn begin(&mut self, id: OpId, now: Now, net: &mut Net) {
        let op = self.ops.get(id).expect("an operation under way");
        match op.exclusive {
            false => self.enter_read(id, now, net),
            true => self.enter_own(id, now, net),
        }
    }

    /// Waits until this broker may write the slot, or asks the broker that may.
    pub(super) fn enter_own(&mut self, id: OpId, now: Now, net: &mut Net) {
        let op = self.ops.get_mut(id).expect("an operation under way");
        op.phase = Phase::Own;
        let (slot, blind) = (op.slot, matches!(op.ask, Ask::Put { blind: true, .. }));
        // Where somebody of W does not answer, the base is read first: so a write that cannot be done is refused whole.
        let blind =
            blind && bits(self.serving_places(slot)).all(|place| self.is_whole(self.server_at(slot, place)));
        let based = op_has_base(self.ops.get(id)) && self.has_bug(Bug::RestampUnfenced);
        self.wake_soon(now);
        if !self.owns(slot) {
            self.route(id, now, net);
        } else if based {
            self.enter_store(id, now, net);
        } else if blind {
            self.store_ask(id, now, net);
        } else {
            self.enter_read(id, now, net);
        }
    }

    /// Asks all of W(slot) for the record (rule 8).
    pub(super) fn enter_read(&mut self, id: OpId, now: Now, net: &mut Net) {
        let round = self.ops.next_round();
        let replicas = self.placement.replica_count();
        let ballot = self.owner.ballot();
        let op = self.ops.get_mut(id).expect("an operation under way");
        let slot = op.slot;
        op.phase = Phase::Read;
        op.round = round;
        (op.sent, op.answered, op.body_asked) = (0, 0, 0);
        op.answers.clear();
        op.answers.resize(replicas, None);
        let as_owner = op.exclusive;
        let owned = as_owner && self.owns(slot);
        self.ops.get_mut(id).expect("just used").read_ballot = if owned { ballot } else { Ballot::NONE };
        self.transmit(id, now, net);
        self.wake_soon(now);
    }

    /// Sends the version to all of W(slot) (rule 4).
    fn enter_store(&mut self, id: OpId, now: Now, net: &mut Net) {
        let (round, version) = (self.ops.next_round(), self.next_version(now));
        let op = self.ops.get_mut(id).expect("an operation under way");
        assert!(op.store.is_some() && op.exclusive, "only who has the key alone stores");
        op.phase = Phase::Store;
        op.round = round;
        (op.sent, op.answered) = (0, 0);
        if op.version == Version::ZERO {
            op.version = version;
        }
        op.stored = true;
        self.transmit(id, now, net);
        self.wake_soon(now);
    }

    /// The present phase anew, in the present view.
    pub(super) fn reenter(&mut self, id: OpId, now: Now, net: &mut Net) {
        let Some(op) = self.ops.get_mut(id) else { return };
        match op.phase {
            Phase::Queued | Phase::Forwarded => {}
            Phase::Own => self.enter_own(id, now, net),
            Phase::Read => self.enter_read(id, now, net),
            Phase::Store => {
                (op.sent, op.answered) = (0, 0);
                let round = self.ops.next_round();
                self.ops.get_mut(id).expect("just seen").round = round;
                self.transmit(id, now, net);
                self.advance(id, now, net);
            }
        }
    }

    /// Which places must answer in this phase.
    fn wanted_places(&self, op: &Op) -> u64 {
        let skips = match op.phase {
            Phase::Read => self.has_bug(Bug::GetSkipsLearners),
            _ => self.has_bug(Bug::StoreSkipsLearners),
        };
        if skips { self.member_places(op.slot) } else { self.serving_places(op.slot) }
    }

    /// Sends what the present phase still waits for to those whose link stands.
    pub(super) fn transmit(&mut self, id: OpId, now: Now, net: &mut Net) {
        let Some(op) = self.ops.get(id) else { return };
        if !matches!(op.phase, Phase::Read | Phase::Store) {
            return;
        }
        let due = self.wanted_places(op) & !op.sent & !op.answered;
        let body_from = self.body_place(op);
        let (view, ballot) = (self.view.id, self.owner.ballot());
        let op = self.ops.get_mut(id).expect("just seen");
        for place in bits(due) {
            let server = self.placement.replicas(op.slot)[place] as usize;
            let link = &mut self.links[server];
            let Some(conn) = link.up() else { continue };
            let (round, place) = (op.round, place as u8);
            let (request, expect) = match op.phase {
                Phase::Read => {
                    let version_only = !op.whole && body_from != Some(place.into());
                    op.body_asked = op.body_asked & !(1 << place) | u64::from(!version_only) << place;
                    let request = Request::Get { view, slot: op.slot, key: &op.key, version_only };
                    (request, Expect::Get { op: id, round, place })
                }
                _ => {
                    let (kind, body) = op.store.as_ref().expect("a store has a body");
                    let (slot, version) = (op.slot, op.version);
                    let request =
                        Request::Store { view, ballot, slot, version, key: &op.key, kind: *kind, body };
                    (request, Expect::Store { op: id, round, place })
                }
            };
            link.send(net.out(conn), &request, expect, now.time);
            op.sent |= 1 << place;
        }
    }

    /// The place that is asked for the body: the first member that answers, if any does.
    fn body_place(&self, op: &Op) -> Option<usize> {
        let members = bits(self.member_places(op.slot));
        members.min_by_key(|&place| !self.links[self.server_at(op.slot, place)].is_well())
    }

    /// Moves the operation on if its phase is complete.
    pub(super) fn advance(&mut self, id: OpId, now: Now, net: &mut Net) {
        let Some(op) = self.ops.get(id) else { return };
        let wanted = self.wanted_places(op);
        let complete = wanted != 0 && op.answered & wanted == wanted;
        match op.phase {
            Phase::Read => {
                let members = self.member_places(op.slot);
                let one = self.has_bug(Bug::ReadOne) && op.answered & members != 0;
                if complete || one {
                    self.read_complete(id, now, net);
                }
            }
            Phase::Store if complete => self.store_complete(id, now, net),
            Phase::Own if self.owns(op.slot) => self.enter_own(id, now, net),
            _ => {}
        }
    }

    /// All of W answered (rules 8 and 9). The value is the members'; a learner may hold strays, but must hold the
    /// members' value too.
    fn read_complete(&mut self, id: OpId, now: Now, net: &mut Net) {
        let op = self.ops.get(id).expect("an operation under way");
        let members = self.member_places(op.slot);
        let compared =
            if self.has_bug(Bug::LearnerUncompared) { members } else { self.serving_places(op.slot) };
        let source = if self.has_bug(Bug::LearnerValue) { compared } else { members };
        let heard = |set: u64| bits(set).filter_map(|place| op.answers[place].as_ref());
        let Some(best) = heard(source).max_by_key(|answer| answer.version) else { return };
        let equal = heard(compared).all(|answer| answer.version == best.version)
            || heard(compared).all(|answer| !answer.is_live());
        let with_body = heard(source).find(|answer| answer.version == best.version && answer.body.is_some());
        let Some(best) = with_body.cloned() else {
            // The one asked for the body does not hold the highest version: ask all for theirs.
            self.ops.get_mut(id).expect("just seen").whole = true;
            return match op_exclusive(self.ops.get(id)) {
                true => self.enter_read(id, now, net),
                false => self.must_write(id, now, net),
            };
        };
        let op = self.ops.get(id).expect("just seen");
        let ready = if op.ask == Ask::Get { equal || self.has_bug(Bug::NoRestamp) } else { false };
        let fenced =
            op.read_ballot != Ballot::NONE && op.read_ballot == self.owner.ballot() && self.owns(op.slot);
        if ready {
            let body = best.body.expect("picked for its body");
            let outcome = Outcome::Value { kind: best.kind, body, doubtful: false };
            // The older reads of the key are answered too: what held while this one ran held while they did, and who
            // asked twice must not hear first the newer value and then the older one.
            for older in self.ops.reads_before(id) {
                self.finish(older, outcome.clone(), now, net);
            }
            return self.finish(id, outcome, now, net);
        }
        if !op.exclusive {
            if self.has_bug(Bug::RestampUnfenced) {
                self.keep_base(id, &best);
            }
            return self.must_write(id, now, net);
        }
        if !fenced {
            return self.enter_own(id, now, net);
        }
        self.apply(id, best, equal, now, net);
    }

    /// Test only: remembers a base that was read without owning the slot.
    fn keep_base(&mut self, id: OpId, best: &ReplicaAnswer) {
        let op = self.ops.get_mut(id).expect("an operation under way");
        op.store = Some((best.kind, best.body.clone().unwrap_or_default()));
        op.before = op.store.clone().filter(|_| best.is_live());
        op.restamp = true;
    }

    /// A read that found unequal versions: only the owner, having the key alone, may settle them.
    pub(super) fn must_write(&mut self, id: OpId, now: Now, net: &mut Net) {
        for next in self.ops.make_exclusive(id) {
            self.begin(next, now, net);
        }
    }

    /// The base is read under ownership: computes what is stored.
    fn apply(&mut self, id: OpId, base: ReplicaAnswer, equal: bool, now: Now, net: &mut Net) {
        let op = self.ops.get_mut(id).expect("an operation under way");
        let live = base.is_live();
        let body = base.body.expect("picked for its body");
        let effect = effect(&op.ask, base.kind, &body);
        op.before = live.then(|| (base.kind, body.clone()));
        match effect {
            Effect::Store(kind, new) => {
                op.store = Some((kind, new));
                op.changed = true;
            }
            Effect::Nothing(outcome) if equal => return self.finish(id, outcome, now, net),
            Effect::Nothing(_) => {
                op.store = Some((base.kind, body));
                op.restamp = true;
                self.counters.restamps += 1;
            }
        }
        self.enter_store(id, now, net);
    }

    /// A write that needs no base.
    fn store_ask(&mut self, id: OpId, now: Now, net: &mut Net) {
        let op = self.ops.get_mut(id).expect("an operation under way");
        let Ask::Put { kind, body, .. } = &mut op.ask else { unreachable!("only PUT is blind") };
        op.store = Some((*kind, std::mem::take(body)));
        op.changed = true;
        self.enter_store(id, now, net);
    }

    /// All of W have it, in one view: it is done.
    fn store_complete(&mut self, id: OpId, now: Now, net: &mut Net) {
        let op = self.ops.get_mut(id).expect("an operation under way");
        let (before, changed) = (op.before.take(), op.changed);
        let outcome = match (op.restamp, &op.ask) {
            (true, ask) => {
                let (kind, body) = op.store.take().expect("it was stored");
                match effect(ask, kind, &body) {
                    Effect::Nothing(outcome) => outcome,
                    Effect::Store(..) => Outcome::Value { kind, body, doubtful: false },
                }
            }
            (false, _) => Outcome::Done { before, changed },
        };
        self.finish(id, outcome, now, net);
    }

    /// A server holds a higher version: the same write goes on under its next version (rule 10).
    pub(super) fn stale(&mut self, id: OpId, now: Now, net: &mut Net) {
        let op = self.ops.get_mut(id).expect("an operation under way");
        op.version = Version::ZERO;
        self.enter_store(id, now, net);
    }

    /// The slot's ownership is lost: what was sent may have happened; what was not may be asked of the new owner
    /// (rule 7).
    pub(super) fn lost_ownership(&mut self, id: OpId, now: Now, net: &mut Net) {
        let reissue = self.has_bug(Bug::ReissueAfterFence);
        let Some(op) = self.ops.get_mut(id) else { return };
        if op.phase == Phase::Queued || op.phase == Phase::Forwarded || !op.exclusive {
            return;
        }
        if op.may_be_executed() && !reissue {
            return self.finish(id, Outcome::Failed(EngineError::Uncertain), now, net);
        }
        if op.given_up {
            // A read that was to settle what it found: nobody waits for it any more.
            return self.finish(id, Outcome::Failed(EngineError::Unavailable), now, net);
        }
        if let (Ask::Put { blind: true, body, .. }, Some((_, stored))) = (&mut op.ask, op.store.take()) {
            *body = stored;
        }
        op.stored = false;
        op.version = Version::ZERO;
        op.restamp = false;
        (op.store, op.before, op.changed) = (None, None, false);
        self.enter_own(id, now, net);
    }

    /// The asker has waited long enough, or waiting is of no use.
    pub(super) fn give_up(&mut self, id: OpId, now: Now, net: &mut Net) {
        let drops = self.has_bug(Bug::DropLateOp);
        let Some(op) = self.ops.get_mut(id) else { return };
        if op.stored {
            // The key stays busy until the write is settled (rule 10); only the asker stops waiting.
            if !op.given_up {
                let error = match op.restamp {
                    true => EngineError::Unavailable,
                    false => EngineError::Uncertain,
                };
                if drops {
                    return self.finish(id, Outcome::Failed(error), now, net);
                }
                self.tell_given_up(id, error, now, net);
            }
            return;
        }
        if op.phase == Phase::Forwarded && op.may_be_executed() {
            return self.finish(id, Outcome::Failed(EngineError::Uncertain), now, net);
        }
        let outcome = self.doubtful_value(id).unwrap_or(Outcome::Failed(EngineError::Unavailable));
        self.finish(id, outcome, now, net);
    }

    fn tell_given_up(&mut self, id: OpId, error: EngineError, now: Now, net: &mut Net) {
        let Some(op) = self.ops.get_mut(id) else { return };
        op.given_up = true;
        let source = op.source;
        self.counters.uncertain += u64::from(error == EngineError::Uncertain);
        let outcome = Outcome::Failed(error);
        match source {
            Source::Front(ticket) => self.answers.push_back((ticket, super::Answer::Op(outcome))),
            Source::Relay { process, id } => self.answer_relayed(process, id, &outcome, now, net),
        }
    }

    /// What those members that did answer hold: for a person, behind a warning.
    fn doubtful_value(&self, id: OpId) -> Option<Outcome> {
        let op = self.ops.get(id)?;
        if op.ask != Ask::Get || op.phase != Phase::Read {
            return None;
        }
        let members = bits(self.member_places(op.slot) & op.answered);
        let best =
            members.filter_map(|place| op.answers[place].as_ref()).max_by_key(|answer| answer.version)?;
        let body = best.body.clone()?;
        Some(Outcome::Value { kind: best.kind, body, doubtful: true })
    }
}

/// Test only: see `keep_base`.
fn op_has_base(op: Option<&Op>) -> bool {
    op.is_some_and(|op| op.restamp && op.store.is_some())
}

fn op_exclusive(op: Option<&Op>) -> bool {
    op.is_some_and(|op| op.exclusive)
}

/// What `ask` makes of a record of this kind and body.
fn effect(ask: &Ask, kind: Kind, body: &[u8]) -> Effect {
    let live = kind != Kind::Tombstone;
    let unchanged = || {
        let before = live.then(|| (kind, body.to_vec()));
        Effect::Nothing(Outcome::Done { before, changed: false })
    };
    match ask {
        Ask::Get => Effect::Nothing(Outcome::Value { kind, body: body.to_vec(), doubtful: false }),
        Ask::Put { kind, body, .. } => Effect::Store(*kind, body.clone()),
        Ask::PutIf { body: new, exists } => match live == *exists {
            true => Effect::Store(Kind::Text, new.clone()),
            false => unchanged(),
        },
        Ask::Delete => match live {
            true => Effect::Store(Kind::Tombstone, Vec::new()),
            false => unchanged(),
        },
        Ask::RemoveField { path } => match kind {
            Kind::Tombstone => unchanged(),
            Kind::Text => Effect::Nothing(Outcome::Failed(EngineError::NotADocument)),
            Kind::Document => remove_field(body, path).unwrap_or_else(unchanged),
        },
    }
}

fn remove_field(body: &[u8], path: &[u8]) -> Option<Effect> {
    let mut parsed = path::Path::default();
    if let Err(error) = parsed.parse_json(path) {
        return Some(Effect::Nothing(Outcome::Failed(EngineError::Refused(error.to_string()))));
    }
    if parsed.is_empty() {
        return Some(Effect::Store(Kind::Tombstone, Vec::new()));
    }
    let mut new = Vec::with_capacity(body.len());
    text::remove(body, &parsed.segments(), &mut new).then_some(Effect::Store(Kind::Document, new))
}

/// The places in a set, lowest first.
pub(super) fn bits(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(place)
    })
}
