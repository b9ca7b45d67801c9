//! maxmemory: before a command that may need more memory, records are given up until there is room, or it is refused.
//!
//! ```text
//!   a command that may grow ──► used > maxmemory? ──► look at some records ──► the stalest of them goes ──► again
//!                                     │ no                   └── none may go: -OOM
//!                                     ▼
//!                                   done
//! ```
//! What DELPREFIX has unlinked is freed before any record is given up. What goes is the stalest of a few, as in Redis:
//! nothing is sorted, and nothing is kept beside the records but `recency`'s table. The few are one of each of ten hands,
//! which go round over the keys from places far from each other: neighbours in the order of keys are often of one age.
//! Only plain clients' writes are bound: in a cluster the replicas of a record decide together what stands, so a server
//! that belongs to one evicts nothing and takes what its cluster stores.

use super::Server;
use super::policy::Policy;
use super::recency::Recency;
use crate::proto::command::{CommandId, Flags};
use crate::server::dispatch::Call;
use crate::server::sessions::Mode;
use crate::trie::{Cursor, Trie};
use std::ops::Bound;

/// Records looked at for each that goes: one a hand.
const HANDS: usize = 10;
/// Steps of a hand to one with an expiry; if all hands find none, the one that expires next goes.
const VOLATILE_STEPS: usize = 16;
/// Records given up for one command, or runs of unlinked ones freed, at most: the others wait meanwhile.
const EVICTED_MAX: usize = 10_000;

/// How much memory the records may take, and what happens beyond.
#[derive(Default, Debug)]
pub(super) struct Room {
    /// 0: no bound.
    pub(super) bytes_max: usize,
    pub(super) policy: Policy,
    pub(super) recency: Option<Recency>,
    hands: Vec<Hand>,
    pub(super) evicted: u64,
}

impl Server {
    /// Sets the bound and the policy. Who was used when is counted from now on, unless it was before and still is.
    pub(super) fn set_room(&mut self, bytes_max: usize, policy: Policy) {
        let same = self.room.policy == policy && self.room.bytes_max == bytes_max;
        (self.room.bytes_max, self.room.policy) = (bytes_max, policy);
        if !same {
            let asked = bytes_max > 0;
            let recency = || Recency::new(policy, bytes_max, self.clock.time, &mut self.rng);
            self.room.recency = asked.then(recency).flatten();
        }
    }

    /// Bytes that count against the bound.
    fn counted_bytes(&self) -> usize {
        self.trie.used_bytes() + self.room.recency.as_ref().map_or(0, Recency::bytes)
    }

    /// Before a command: notes which records it uses, and sees that there is room for what it may add. False: there is
    /// none.
    #[cold]
    pub(super) fn make_room(&mut self, call: &Call<'_>) -> bool {
        if self.room.recency.is_some()
            && !only_looks(call.command.id)
            && !self.mode(call.id).has(Mode::NO_TOUCH)
        {
            for index in call.command.keys.indices(call.len()) {
                self.use_record(call.arg(index));
            }
        }
        let grows = call.command.flags.contains(Flags::DENYOOM);
        !grows || self.replica.is_clustered() || self.evict()
    }

    fn use_record(&mut self, key: &[u8]) {
        if let Some(recency) = &mut self.room.recency {
            recency.touch(key, self.clock.time, &mut self.rng);
        }
    }

    /// Gives up records until the others fit.
    fn evict(&mut self) -> bool {
        let mut key = Vec::new();
        for _ in 0..EVICTED_MAX {
            if self.counted_bytes() <= self.room.bytes_max {
                return true;
            }
            if self.trie.has_unlinked() {
                // Nobody misses it.
                self.trie.free_some_unlinked(1);
                continue;
            }
            if self.room.policy == Policy::NoEviction || !self.choose(&mut key) {
                return false;
            }
            if self.delete_record(&key) {
                self.room.evicted += 1;
            }
        }
        // Still too much, but less than before: the next command goes on.
        true
    }

    /// The record that is to go next; false if none may.
    fn choose(&mut self, chosen: &mut Vec<u8>) -> bool {
        let policy = self.room.policy;
        if policy == Policy::VolatileTtl {
            return self.trie.next_expired(u64::MAX, chosen).is_some();
        }
        if self.room.hands.is_empty() {
            self.place_hands();
        }
        let mut stalest = None;
        for hand in 0..self.room.hands.len() {
            let Some(key) = self.room.hands[hand].step(&self.trie, policy) else { continue };
            let recency = self.room.recency.as_ref();
            let staleness = recency.map_or(0, |recency| recency.staleness(key, self.clock.time));
            if stalest.is_none_or(|stalest| staleness > stalest) {
                stalest = Some(staleness);
                chosen.clear();
                chosen.extend_from_slice(key);
            }
            if !policy.needs_recency() {
                // Any will do: the next time that of another hand.
                self.room.hands.rotate_left(1);
                break;
            }
        }
        stalest.is_some() || policy.only_volatile() && self.trie.next_expired(u64::MAX, chosen).is_some()
    }

    #[cold]
    fn place_hands(&mut self) {
        let mut key = Vec::new();
        for _ in 0..HANDS {
            if self.draw_key(&mut key) {
                self.room.hands.push(Hand(self.trie.cursor(Bound::Included(&key))));
            }
        }
    }
}

/// It asks about a record, and is no use of it.
fn only_looks(command: CommandId) -> bool {
    use CommandId::{
        Expiretime, MemoryUsage, ObjectEncoding, ObjectFreq, ObjectIdletime, ObjectRefcount, Pexpiretime,
        Pttl, Ttl, Type,
    };
    matches!(
        command,
        ObjectEncoding
            | ObjectFreq
            | ObjectIdletime
            | ObjectRefcount
            | MemoryUsage
            | Type
            | Ttl
            | Pttl
            | Expiretime
            | Pexpiretime
    )
}

/// Goes over all records, in the order of their keys, round and round: every record is looked at as often as any other,
/// however unevenly keys are spread, which no drawing of keys does.
#[derive(Debug)]
struct Hand(Cursor);

impl Hand {
    /// The next record that may go, if there is one near.
    fn step<'c>(&'c mut self, trie: &Trie, policy: Policy) -> Option<&'c [u8]> {
        let steps = if policy.only_volatile() { VOLATILE_STEPS } else { 1 };
        let mut found = false;
        for _ in 0..steps {
            let mut record = self.0.next(trie).map(|(_, record)| record);
            if record.is_none() {
                self.0 = trie.cursor(Bound::Unbounded);
                record = self.0.next(trie).map(|(_, record)| record);
            }
            found = record.is_some_and(|record| !policy.only_volatile() || record.expires_at_ms().is_some());
            if found {
                break;
            }
        }
        found.then(|| self.0.key())
    }
}
