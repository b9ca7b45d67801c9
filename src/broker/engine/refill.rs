//! Filling a learner (rules 13 and 14): every slot that it is to hold is copied from a member, while writes go on.
//!
//! Each member is asked first which of its slots hold anything: the empty ones are filled at one stroke, with its promise.
//!
//! ```text
//!   waiting: slot, after ─► SYNC to a member ─► its records ─► FILL to the learner ─► more of the slot, or done
//!              ▲                                                    │
//!              └───────────── a link broke, or NOTNOW ◄─────────────┘
//! ```
//! What is copied carries its version, so it never replaces something newer, and the owner's STOREs reach the learner
//! meanwhile. When every slot is filled, a view change makes the learner a member.

use super::link::Expect;
use super::{Bug, Engine};
use crate::conn::Net;
use crate::proto::cluster::{Copied, Request, Role, Seat, ServerSet, SlotSet};
use crate::record::{Ballot, SLOT_COUNT, Slot};
use crate::time::Now;
use std::collections::{BTreeMap, VecDeque};

/// Slots of one learner under way at once.
const SLOTS_AT_ONCE: usize = 32;
/// Bytes of records asked for at once.
const SLICE_BYTES: usize = 64 << 10;

pub(super) struct Refill {
    pub(super) server: usize,
    pub(super) seat: Seat,
    /// Slots not yet asked for, or to be asked for again from their start.
    waiting: VecDeque<Slot>,
    /// By slot.
    states: Vec<Copying>,
    /// By slot: tells what belongs to the present attempt from what an earlier one left under way.
    attempts: Vec<u32>,
    /// By slot: the member that it is copied from. The order of a slot's records is that member's own.
    sources: Vec<u16>,
    /// Members that were asked which of their slots hold anything.
    asked: ServerSet,
    /// Empty slots that are filled together with the first of them.
    together: BTreeMap<Slot, Vec<Slot>>,
    under_way: usize,
    filled: usize,
    slots: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Copying {
    Waiting,
    UnderWay,
    /// Empty at its source: it waits for the learner alone, together with others.
    Together,
    Filled,
}

/// One attempt to copy one slot.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    pub(super) since: u32,
    pub(super) slot: Slot,
    pub(super) attempt: u32,
}

impl Refill {
    /// A slot's copy begins: its attempt.
    fn begin(&mut self, slot: Slot, source: usize) -> u32 {
        self.states[slot.index()] = Copying::UnderWay;
        self.sources[slot.index()] = source as u16;
        self.attempts[slot.index()] += 1;
        self.attempts[slot.index()]
    }

    fn is_present(&self, piece: Piece) -> bool {
        let index = piece.slot.index();
        let begun = matches!(self.states[index], Copying::UnderWay | Copying::Together);
        begun && self.attempts[index] == piece.attempt
    }

    /// The slot is being copied from that member.
    fn is_copying(&self, slot: Slot, source: usize) -> bool {
        let index = slot.index();
        self.states[index] == Copying::UnderWay && usize::from(self.sources[index]) == source
    }

    fn is_complete(&self) -> bool {
        self.filled == self.slots
    }

    /// Slots filled, of how many.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.filled, self.slots)
    }
}

impl Engine {
    /// Begins a refill for every learner that has none.
    pub(super) fn begin_refills(&mut self, now: Now, net: &mut Net) {
        for server in 0..self.links.len() {
            let seat = self.view.seats[server];
            let begun = self.refills.iter().any(|refill| refill.server == server);
            if seat.role != Role::Learner || begun || self.links[server].incarnation != Some(seat.incarnation)
            {
                continue;
            }
            let holds =
                |slot: &Slot| self.placement.replicas(*slot).iter().any(|&s| usize::from(s) == server);
            let waiting: VecDeque<Slot> = Slot::all().filter(holds).collect();
            log::info!("refilling {}: {} slots", self.links[server].peer, waiting.len());
            let slots = waiting.len();
            let states = vec![Copying::Waiting; SLOT_COUNT];
            let (attempts, sources) = (vec![0; SLOT_COUNT], vec![0; SLOT_COUNT]);
            let (asked, together) = (ServerSet::default(), BTreeMap::new());
            let (under_way, filled) = (0, 0);
            let refill = Refill {
                server,
                seat,
                waiting,
                states,
                attempts,
                sources,
                asked,
                together,
                under_way,
                filled,
                slots,
            };
            self.refills.push(refill);
            self.ask_for_slots(self.refills.len() - 1, now, net);
        }
        for index in 0..self.refills.len() {
            self.pump_refill(index, now, net);
        }
    }

    /// A learner whose copy is complete, with the seat that was filled.
    pub(super) fn filled_learner(&self) -> Option<(usize, Seat)> {
        let hasty = self.has_bug(Bug::PromoteUnfilled);
        let done = |refill: &&Refill| refill.is_complete() || (hasty && refill.filled * 2 > refill.slots);
        self.refills.iter().find(done).map(|refill| (refill.server, refill.seat))
    }

    /// Asks every member which of its slots hold anything.
    fn ask_for_slots(&mut self, index: usize, now: Now, net: &mut Net) {
        let (learner, since) = (self.refills[index].server, self.refills[index].seat.since);
        for source in self.view.members().iter() {
            let expect = Expect::Slots { learner, since };
            if self.links[source].is_well() && self.send(source, &Request::Slots { since }, expect, now, net)
            {
                self.refills[index].asked.insert(source);
            }
        }
    }

    /// A member said which of its slots hold anything: those that it is the source of and that are empty need no copy,
    /// only its promise.
    #[expect(clippy::too_many_arguments, reason = "they are the message's fields")]
    pub(super) fn slots_known(
        &mut self,
        learner: usize,
        since: u32,
        source: usize,
        promised: Ballot,
        held: &SlotSet,
        now: Now,
        net: &mut Net,
    ) {
        let Some(index) = self.refill_of(learner, since) else { return };
        self.refills[index].asked.remove(source);
        let is_empty = |slot: &Slot| !held.contains(*slot) && self.source_of(*slot) == Some(source);
        let empty: Vec<Slot> = self.refills[index].waiting.iter().copied().filter(is_empty).collect();
        if let Some(&first) = empty.first()
            && self.links[learner].is_well()
        {
            let refill = &mut self.refills[index];
            let attempts: Vec<u32> = empty.iter().map(|&slot| refill.begin(slot, source)).collect();
            empty.iter().for_each(|slot| refill.states[slot.index()] = Copying::Together);
            let states = &refill.states;
            refill.waiting.retain(|slot| states[slot.index()] == Copying::Waiting);
            refill.under_way += 1;
            refill.together.insert(first, empty);
            let request = Request::Fill { since, slot: first, promised, last: true, records: vec![] };
            let expect = Expect::Fill { since, slot: first, attempt: attempts[0] };
            self.send(learner, &request, expect, now, net);
        }
        self.pump_refill(index, now, net);
    }

    /// A member will not say: its slots are copied one by one.
    fn slots_unknown(&mut self, learner: usize, since: u32, source: usize) {
        if let Some(index) = self.refill_of(learner, since) {
            self.refills[index].asked.remove(source);
        }
    }

    /// The member that a slot is copied from; `None`: no member answers now.
    fn source_of(&self, slot: Slot) -> Option<usize> {
        let is_source =
            |server: &usize| self.view.seats[*server].role == Role::Member && self.links[*server].is_well();
        self.placement.replicas(slot).iter().map(|&server| usize::from(server)).find(is_source)
    }

    /// Asks for as many slots as may be under way.
    fn pump_refill(&mut self, index: usize, now: Now, net: &mut Net) {
        if !self.refills[index].asked.is_empty() {
            return;
        }
        while self.refills[index].under_way < SLOTS_AT_ONCE {
            let (learner, since) = (self.refills[index].server, self.refills[index].seat.since);
            let slot = self.refills[index].waiting.front().copied();
            let Some((slot, source)) = slot.and_then(|slot| Some((slot, self.source_of(slot)?))) else {
                return;
            };
            if !self.links[learner].is_well() {
                return;
            }
            let refill = &mut self.refills[index];
            refill.waiting.pop_front();
            refill.under_way += 1;
            let attempt = refill.begin(slot, source);
            self.sync(source, learner, Piece { since, slot, attempt }, None, now, net);
        }
    }

    /// Asks a member for the slot's records behind `after`. False: there is no link to it.
    fn sync(
        &mut self,
        source: usize,
        learner: usize,
        piece: Piece,
        after: Option<&[u8]>,
        now: Now,
        net: &mut Net,
    ) -> bool {
        let Piece { since, slot, attempt } = piece;
        let request = Request::Sync { since, slot, bytes: SLICE_BYTES, after };
        self.send(source, &request, Expect::Sync { learner, since, slot, attempt }, now, net)
    }

    fn refill_of(&mut self, learner: usize, since: u32) -> Option<usize> {
        let any = self.has_bug(Bug::SinceIgnored);
        self.refills.iter().position(|refill| refill.server == learner && (refill.seat.since == since || any))
    }

    /// A member's records: on to the learner with them. The next slice comes from the same member, behind the same key:
    /// another one's list has another order.
    #[expect(clippy::too_many_arguments, reason = "they are the message's fields")]
    pub(super) fn copied(
        &mut self,
        source: usize,
        learner: usize,
        piece: Piece,
        promised: Ballot,
        last: bool,
        records: Vec<Copied<'_>>,
        now: Now,
        net: &mut Net,
    ) {
        let Some(index) = self.refill_of(learner, piece.since) else { return };
        if !self.refills[index].is_present(piece) {
            return;
        }
        let Piece { since, slot, attempt } = piece;
        let after = records.last().map(|record| record.key.to_vec()).filter(|_| !last);
        let request = Request::Fill { since, slot, promised, last, records };
        let sent = self.send(learner, &request, Expect::Fill { since, slot, attempt }, now, net);
        let goes_on = match after {
            Some(after) => {
                self.counters.slices += 1;
                sent && self.sync(source, learner, piece, Some(&after), now, net)
            }
            None => sent,
        };
        if !goes_on {
            self.again(index, piece);
        }
    }

    /// The learner stored them.
    pub(super) fn filled(&mut self, learner: usize, piece: Piece, last: bool, now: Now, net: &mut Net) {
        let Some(index) = self.refill_of(learner, piece.since) else { return };
        let refill = &mut self.refills[index];
        if last && refill.is_present(piece) {
            let slots = refill.together.remove(&piece.slot).unwrap_or_else(|| vec![piece.slot]);
            slots.iter().for_each(|slot| refill.states[slot.index()] = Copying::Filled);
            refill.under_way -= 1;
            refill.filled += slots.len();
        }
        if self.refills[index].is_complete() {
            return self.wake_at(now.time);
        }
        self.pump_refill(index, now, net);
    }

    /// The source or the learner would not, or the link to it broke.
    pub(super) fn copy_refused(&mut self, server: usize, expect: Expect, now: Now) {
        match expect {
            Expect::Sync { learner, since, slot, attempt } => {
                self.slot_again(learner, Piece { since, slot, attempt });
            }
            Expect::Fill { since, slot, attempt } => {
                self.slot_again(server, Piece { since, slot, attempt });
            }
            Expect::Slots { learner, since } => self.slots_unknown(learner, since, server),
            _ => {}
        }
        self.wake_soon(now);
    }

    /// The slot's copy begins anew, at the next tick.
    fn slot_again(&mut self, learner: usize, piece: Piece) {
        if let Some(index) = self.refill_of(learner, piece.since) {
            self.again(index, piece);
        }
    }

    fn again(&mut self, index: usize, piece: Piece) {
        let refill = &mut self.refills[index];
        if refill.is_present(piece) {
            let slots = refill.together.remove(&piece.slot).unwrap_or_else(|| vec![piece.slot]);
            slots.iter().for_each(|slot| refill.states[slot.index()] = Copying::Waiting);
            refill.under_way -= 1;
            refill.waiting.extend(slots);
        }
    }

    /// A server that does not answer, or is no member any more, is the source of nothing: what it was to give is copied
    /// from another, from its start.
    pub(super) fn source_lost(&mut self, server: usize) {
        for index in 0..self.refills.len() {
            let refill = &mut self.refills[index];
            refill.asked.remove(server);
            let since = refill.seat.since;
            let alone: Vec<Slot> = Slot::all().filter(|slot| refill.is_copying(*slot, server)).collect();
            for slot in alone {
                let attempt = self.refills[index].attempts[slot.index()];
                self.again(index, Piece { since, slot, attempt });
            }
        }
    }
}
