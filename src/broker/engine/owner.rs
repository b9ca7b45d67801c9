//! Who may write: one broker, the owner of all slots, until a higher ballot is promised (rules 5 to 7).
//!
//! ```text
//!            others own, or nobody does                 all of W(slot) granted, in one view
//!   Idle ───────────── claim ─────────────► Claiming ──────────────────────────────► owns the slot
//!    ▲                                         │                                         │
//!    └────────────── refused by a higher ballot (FENCED) ────────────────────────────────┘
//! ```

use super::op::{OpId, Phase};
use super::steps::bits;
use super::{Bug, Engine};
use crate::conn::Net;
use crate::proto::cluster::{Request, ServerSet, SlotSet};
use crate::record::{Ballot, Slot};
use crate::time::{Now, Span, Time};

/// After losing the ownership a broker does not claim it back for this long: two brokers must not fence each other
/// for ever.
const HOLD: Span = Span::from_millis(200);

#[derive(Default)]
pub(super) struct Ownership {
    /// The ballot under which this broker owns or claims; NONE: neither.
    ballot: Ballot,
    /// Who granted it in the present view.
    grants: ServerSet,
    /// Every slot is owned.
    owns_all: bool,
    /// Slots owned while not all are.
    owned: SlotSet,
    /// The highest promise heard of, its holder, and when that broker was last heard.
    promised: Ballot,
    pub(super) heard_owner_at: Time,
    lost_at: Option<Time>,
}

impl Ownership {
    pub(super) fn ballot(&self) -> Ballot {
        self.ballot
    }

    /// Owns or claims.
    pub(super) fn is_ours(&self) -> bool {
        self.ballot != Ballot::NONE
    }

    /// Every slot is owned.
    pub(super) fn owns_all(&self) -> bool {
        self.owns_all
    }

    /// The highest promise known; NONE: nobody's.
    pub(super) fn process_ballot(&self) -> Ballot {
        self.promised.max(self.ballot)
    }

    /// The broker process of the highest promise; 0: nobody's.
    pub(super) fn process(&self) -> u32 {
        self.process_ballot().process()
    }
}

impl Engine {
    /// This broker may write the slot.
    pub(super) fn owns(&self, slot: Slot) -> bool {
        self.owner.is_ours() && (self.owner.owns_all || self.owner.owned.contains(slot))
    }

    /// A broker that has a use for the ownership of all slots: it owns them, or is about to.
    pub(super) fn may_change_views(&self) -> bool {
        self.owner.is_ours()
    }

    /// Ballots are never used twice: they hold this process' number, and rounds only grow. `None`: a server has seen
    /// the last round there is. A cluster does not get there by itself: somebody said a ballot that no broker draws.
    pub(super) fn new_ballot(&mut self) -> Option<Ballot> {
        let Some(round) = self.round_max.checked_add(1) else {
            if !std::mem::replace(&mut self.rounds_told, true) {
                self.note(
                    "no ballot is left above those that the servers promised: nobody can write; restart all servers \
                     empty and all brokers"
                        .to_owned(),
                );
            }
            return None;
        };
        self.round_max = round;
        let process = if self.has_bug(Bug::ReusedBallot) { 1 } else { self.config.process };
        Some(Ballot::new(round, process))
    }

    /// Takes note of a promise that some server gave.
    pub(super) fn saw_promise(&mut self, promised: Ballot) {
        self.round_max = self.round_max.max(promised.round());
        if promised > self.owner.promised {
            self.owner.promised = promised;
        }
    }

    /// Another broker owns, and some server is connected to it.
    pub(super) fn owner_is_reachable(&self) -> bool {
        self.relay_server().is_some()
    }

    /// A server through which the owner can be asked.
    pub(super) fn relay_server(&self) -> Option<usize> {
        let (process, promised) = (self.owner.promised.process(), self.owner.promised);
        let other = promised != Ballot::NONE && process != self.config.process;
        let knows = |server: &usize| {
            let link = &self.links[*server];
            link.is_well() && link.owner_here == Some(true) && link.promised == promised
        };
        other.then(|| (0..self.links.len()).find(knows)).flatten()
    }

    /// An operation needs an owner: claims, asks the owner, or waits.
    pub(super) fn route(&mut self, id: OpId, now: Now, net: &mut Net) {
        if self.view.is_blank() {
            return;
        }
        if !self.owner.is_ours() {
            if self.owner_is_reachable() {
                return self.forward(id, now, net);
            }
            if self.owner_is_gone(now) {
                self.claim(now, net);
            }
        }
    }

    /// Nobody owns, or no server that knows of the owner's promise is connected to it. Where none of them answers,
    /// the takeover time decides.
    pub(super) fn owner_is_gone(&self, now: Now) -> bool {
        let promised = self.owner.process_ballot();
        if promised == Ballot::NONE || promised.process() == self.config.process {
            return true;
        }
        let holds = |link: &&super::link::Link| link.is_well() && link.promised == promised;
        let mut holders = self.links.iter().filter(holds).peekable();
        match holders.peek() {
            Some(_) => holders.all(|link| link.owner_here == Some(false)),
            None => now.time >= self.owner.heard_owner_at + self.config.takeover,
        }
    }

    /// Asks all servers in view for the ownership of all slots.
    pub(super) fn claim(&mut self, now: Now, net: &mut Net) {
        let held_off = self.owner.lost_at.is_some_and(|lost| now.time.since(lost) < HOLD);
        if self.owner.is_ours() || held_off || self.view.is_blank() {
            return;
        }
        let Some(ballot) = self.new_ballot() else { return };
        self.owner.ballot = ballot;
        self.owner.grants.clear();
        self.owner.owns_all = false;
        self.owner.owned = SlotSet::default();
        log::info!("claiming all slots with ballot {:?} in view {}", self.owner.ballot, self.view.id);
        self.prepare_all(now, net);
        self.release_asked(now, net);
        self.wake_soon(now);
    }

    fn prepare_all(&mut self, now: Now, net: &mut Net) {
        for server in self.view.serving().iter() {
            self.prepare(server, now, net);
        }
    }

    /// Asks one server for its promise, if it is still needed.
    pub(super) fn prepare(&mut self, server: usize, now: Now, net: &mut Net) {
        let needed = self.owner.is_ours() && !self.owner.owns_all && !self.owner.grants.contains(server);
        if needed && self.view.serving().contains(server) {
            let request = Request::Prepare { view: self.view.id, ballot: self.owner.ballot };
            self.send(server, &request, super::link::Expect::Prepare, now, net);
        }
    }

    /// A view is adopted: grants count only in one and the same view; what is owned stays owned.
    pub(super) fn view_changed_for_owner(&mut self, now: Now, net: &mut Net) {
        self.owner.grants.clear();
        self.prepare_all(now, net);
    }

    pub(super) fn granted(&mut self, server: usize, ballot: Ballot, now: Now, net: &mut Net) {
        if !self.owner.is_ours() || ballot != self.owner.ballot || self.owner.owns_all {
            return;
        }
        self.owner.grants.insert(server);
        let enough = self.has_bug(Bug::OneGrant);
        let all = enough || self.view.serving().iter().all(|server| self.owner.grants.contains(server));
        if all {
            self.owner.owns_all = true;
            self.counters.takeovers += 1;
            self.owner.promised = self.owner.promised.max(ballot);
            log::info!("owner of all slots with ballot {ballot:?}");
        } else {
            self.own_complete_slots();
        }
        for id in self.ops.ids() {
            if self.ops.get(id).is_some_and(|op| op.phase == Phase::Own) {
                self.advance(id, now, net);
            }
        }
    }

    /// While some server does not answer, the slots whose W granted are owned already.
    fn own_complete_slots(&mut self) {
        for slot in Slot::all() {
            let wanted = self.serving_places(slot);
            let complete = bits(wanted).all(|place| self.owner.grants.contains(self.server_at(slot, place)));
            if wanted != 0 && complete {
                self.owner.owned.insert(slot);
            }
        }
    }

    /// A server promised somebody else more than this broker's ballot.
    pub(super) fn fenced(&mut self, ballot: Ballot, promised: Ballot, now: Now, net: &mut Net) {
        self.saw_promise(promised);
        if !self.owner.is_ours() || ballot != self.owner.ballot {
            return;
        }
        log::info!("ballot {ballot:?} is refused: {promised:?} is promised");
        self.owner.ballot = Ballot::NONE;
        self.owner.owns_all = false;
        self.owner.lost_at = Some(now.time);
        self.owner.heard_owner_at = now.time;
        self.refills.clear();
        self.change.abandon();
        for id in self.ops.ids() {
            self.lost_ownership(id, now, net);
        }
    }
}
