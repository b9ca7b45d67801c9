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
    Filled,
}

impl Refill {
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
            let (asked, together) = (ServerSet::default(), BTreeMap::new());
            let refill =
                Refill { server, seat, waiting, states, asked, together, under_way: 0, filled: 0, slots };
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
        if let Some(&first) = empty.first() {
            let request = Request::Fill { since, slot: first, promised, last: true, records: vec![] };
            if self.send(learner, &request, Expect::Fill { since, slot: first }, now, net) {
                let refill = &mut self.refills[index];
                empty.iter().for_each(|slot| refill.states[slot.index()] = Copying::UnderWay);
                let states = &refill.states;
                refill.waiting.retain(|slot| states[slot.index()] == Copying::Waiting);
                refill.under_way += 1;
                refill.together.insert(first, empty);
            }
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
            let Some(slot) = self.refills[index].waiting.pop_front() else { return };
            if !self.sync(learner, since, slot, None, now, net) {
                self.refills[index].waiting.push_front(slot);
                return;
            }
            self.refills[index].under_way += 1;
            self.refills[index].states[slot.index()] = Copying::UnderWay;
        }
    }

    /// Asks a member for the slot's records behind `after`. False: no member answers now.
    fn sync(
        &mut self,
        learner: usize,
        since: u32,
        slot: Slot,
        after: Option<&[u8]>,
        now: Now,
        net: &mut Net,
    ) -> bool {
        let Some(source) = self.source_of(slot) else { return false };
        let request = Request::Sync { since, slot, bytes: SLICE_BYTES, after };
        self.send(source, &request, Expect::Sync { learner, since, slot }, now, net)
    }

    fn refill_of(&mut self, learner: usize, since: u32) -> Option<usize> {
        let any = self.has_bug(Bug::SinceIgnored);
        self.refills.iter().position(|refill| refill.server == learner && (refill.seat.since == since || any))
    }

    /// A member's records: on to the learner with them.
    #[expect(clippy::too_many_arguments, reason = "they are the message's fields")]
    pub(super) fn copied(
        &mut self,
        learner: usize,
        since: u32,
        slot: Slot,
        promised: Ballot,
        last: bool,
        records: Vec<Copied<'_>>,
        now: Now,
        net: &mut Net,
    ) {
        let Some(index) = self.refill_of(learner, since) else { return };
        let after = records.last().map(|record| record.key.to_vec()).filter(|_| !last);
        let request = Request::Fill { since, slot, promised, last, records };
        if !self.send(learner, &request, Expect::Fill { since, slot }, now, net) {
            return self.again(index, slot);
        }
        if let Some(after) = after
            && !self.sync(learner, since, slot, Some(&after), now, net)
        {
            self.again(index, slot);
        }
    }

    /// The learner stored them.
    pub(super) fn filled(
        &mut self,
        learner: usize,
        since: u32,
        slot: Slot,
        last: bool,
        now: Now,
        net: &mut Net,
    ) {
        let Some(index) = self.refill_of(learner, since) else { return };
        let refill = &mut self.refills[index];
        if last && refill.states[slot.index()] == Copying::UnderWay {
            let slots = refill.together.remove(&slot).unwrap_or_else(|| vec![slot]);
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
            Expect::Sync { learner, since, slot } => self.slot_again(learner, since, slot),
            Expect::Fill { since, slot } => self.slot_again(server, since, slot),
            Expect::Slots { learner, since } => self.slots_unknown(learner, since, server),
            _ => {}
        }
        self.wake_soon(now);
    }

    /// The slot's copy begins anew, at the next tick.
    fn slot_again(&mut self, learner: usize, since: u32, slot: Slot) {
        if let Some(index) = self.refill_of(learner, since) {
            self.again(index, slot);
        }
    }

    fn again(&mut self, index: usize, slot: Slot) {
        let refill = &mut self.refills[index];
        if refill.states[slot.index()] == Copying::UnderWay {
            let slots = refill.together.remove(&slot).unwrap_or_else(|| vec![slot]);
            slots.iter().for_each(|slot| refill.states[slot.index()] = Copying::Waiting);
            refill.under_way -= 1;
            refill.waiting.extend(slots);
        }
    }
}
