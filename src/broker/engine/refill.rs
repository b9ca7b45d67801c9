//! Filling a learner (rules 13 and 14): every slot that it is to hold is copied from a member, while writes go on.
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
use crate::proto::cluster::{Copied, Request, Role, Seat};
use crate::record::{Ballot, SLOT_COUNT, Slot};
use crate::time::Now;
use std::collections::VecDeque;

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
            self.refills.push(Refill { server, seat, waiting, states, under_way: 0, filled: 0, slots });
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

    /// Asks for as many slots as may be under way.
    fn pump_refill(&mut self, index: usize, now: Now, net: &mut Net) {
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
        let is_source = |&&server: &&u16| {
            let server = usize::from(server);
            self.view.seats[server].role == Role::Member && self.links[server].is_well()
        };
        let Some(&source) = self.placement.replicas(slot).iter().find(is_source) else { return false };
        let request = Request::Sync { since, slot, bytes: SLICE_BYTES, after };
        self.send(source.into(), &request, Expect::Sync { learner, since, slot }, now, net)
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
            refill.states[slot.index()] = Copying::Filled;
            refill.under_way -= 1;
            refill.filled += 1;
        }
        if self.refills[index].is_complete() {
            return self.wake_at(now.time);
        }
        self.pump_refill(index, now, net);
    }

    /// The source or the learner would not.
    pub(super) fn copy_refused(&mut self, server: usize, expect: Expect, now: Now) {
        match expect {
            Expect::Sync { learner, slot, .. } => self.slot_again(learner, slot),
            Expect::Fill { slot, .. } => self.slot_again(server, slot),
            _ => {}
        }
        self.wake_soon(now);
    }

    /// The slot's copy begins anew, at the next tick.
    pub(super) fn slot_again(&mut self, learner: usize, slot: Slot) {
        if let Some(index) = self.refills.iter().position(|refill| refill.server == learner) {
            self.again(index, slot);
        }
    }

    fn again(&mut self, index: usize, slot: Slot) {
        let refill = &mut self.refills[index];
        if refill.states[slot.index()] == Copying::UnderWay {
            refill.states[slot.index()] = Copying::Waiting;
            refill.under_way -= 1;
            refill.waiting.push_back(slot);
        }
    }
}
