//! One client operation on one key, and the order of operations on a key.
//!
//! ```text
//!                    ┌── the key is busy ──┐
//!  submit ──► Queued ┘                     ▼
//!     read:    Read ── all of W equal ──────────────────────────────────► answer
//!                └──── unequal ──► Own ─► Read ─► Store (re-stamp) ──────► answer
//!     write:   Own ── owner ──► Read (the base) ──► Store ── all of W ──► answer
//!                └─── another broker owns ──► Forwarded ── its answer ──► answer
//! ```

use super::Ticket;
use crate::record::{Ballot, Kind, Slot, Version};
use crate::time::Time;
use slab::Slab;
use std::collections::{BTreeMap, VecDeque};
use xxhash_rust::xxh3::xxh3_64;

/// What is asked of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    /// The record.
    Get,
    /// Replace the record; `blind`: without looking at what stood there.
    Put {
        /// `Text` or `Document`.
        kind: Kind,
        /// The string, or the document's compact JSON.
        body: Vec<u8>,
        /// Do not report what stood there.
        blind: bool,
    },
    /// Store a plain string if the key's presence is `exists`.
    PutIf {
        /// The string.
        body: Vec<u8>,
        /// SET XX (true) or SET NX (false).
        exists: bool,
    },
    /// Delete the record.
    Delete,
    /// Delete one field or element of a document.
    RemoveField {
        /// The path inside the document, as JSON.DEL takes it.
        path: Vec<u8>,
    },
}

/// What became of an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// To `Get`; a tombstone means that there is no such record.
    Value {
        /// What it holds.
        kind: Kind,
        /// The string, or the document's compact JSON.
        body: Vec<u8>,
        /// Not all servers that count could be asked: the answer may be old.
        doubtful: bool,
    },
    /// A write is stored on every server that counts, or was not needed.
    Done {
        /// What stood there; `None` if nobody looked or nothing did.
        before: Option<(Kind, Vec<u8>)>,
        /// Something was written that the asker wanted written.
        changed: bool,
    },
    /// It was not done, or nobody knows.
    Failed(EngineError),
}

/// Why an operation failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EngineError {
    /// Not executed: too few servers answer.
    Unavailable,
    /// The outcome is unknown; the next read settles it.
    Uncertain,
    /// The record is a plain string where a document is needed.
    NotADocument,
    /// The path, or the document, is refused, with the reason.
    Refused(String),
}

/// Who wants the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    Front(Ticket),
    /// Another broker, by its process, and its number for the operation.
    Relay {
        process: u32,
        id: u64,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Others use the key.
    Queued,
    /// Waits until this broker owns the slot.
    Own,
    /// Waits for the records of all of W.
    Read,
    /// Waits for the acknowledgements of all of W.
    Store,
    /// Waits for the owner's answer.
    Forwarded,
}

/// One replica's answer to GET.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) version: Version,
    pub(super) kind: Kind,
    /// `None`: only the version was asked for.
    pub(super) body: Option<Vec<u8>>,
}

impl Answer {
    pub(super) fn is_live(&self) -> bool {
        self.kind != Kind::Tombstone
    }
}

pub(super) struct Op {
    pub(super) source: Source,
    pub(super) key: Box<[u8]>,
    pub(super) slot: Slot,
    pub(super) ask: Ask,
    pub(super) phase: Phase,
    pub(super) begun: Time,
    /// Holds its key alone: a write, or a read that must re-stamp.
    pub(super) exclusive: bool,
    /// The ballot under which the base is read; NONE = not as owner.
    pub(super) read_ballot: Ballot,
    /// Tells this phase's answers from those of an earlier attempt.
    pub(super) round: u32,
    /// By place among the slot's replicas: asked in this phase, and not lost since.
    pub(super) sent: u64,
    /// By place: answered in this phase.
    pub(super) answered: u64,
    pub(super) answers: Vec<Option<Answer>>,
    /// By place: asked for the body, not for the version alone.
    pub(super) body_asked: u64,
    /// Every replica is asked for the body, not one alone.
    pub(super) whole: bool,
    /// What is stored, once that is known.
    pub(super) store: Option<(Kind, Vec<u8>)>,
    pub(super) version: Version,
    /// STOREs have left under the present ballot.
    pub(super) stored: bool,
    pub(super) before: Option<(Kind, Vec<u8>)>,
    pub(super) changed: bool,
    /// A re-stamp: the store is of what was read, and changes nothing.
    pub(super) restamp: bool,
    /// The asker was told that the outcome is uncertain; the write goes on until it is settled.
    pub(super) given_up: bool,
    /// While forwarded: the operation is on its way, so it may be executed.
    pub(super) relayed: bool,
}

/// An operation's name: its place and how often that place was used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct OpId {
    index: u32,
    use_count: u32,
}

impl OpId {
    /// It was taken up before `other`; both are under way.
    fn is_older_than(self, other: OpId) -> bool {
        other.use_count.wrapping_sub(self.use_count) as i32 > 0
    }
}

/// All operations under way, and who waits for which key.
#[derive(Default)]
pub(super) struct Ops {
    slab: Slab<(u32, Op)>,
    use_count: u32,
    /// By hash of the key: two keys of one hash wait for each other, which is rare and does no harm.
    queues: BTreeMap<u64, Queue>,
    round: u32,
}

/// Oldest first, both.
#[derive(Default)]
struct Queue {
    readers: Vec<OpId>,
    writer: bool,
    waiting: VecDeque<OpId>,
}

impl Queue {
    fn admits(&self, exclusive: bool) -> bool {
        !self.writer && (!exclusive || self.readers.is_empty())
    }

    fn enter(&mut self, id: OpId, exclusive: bool) {
        match exclusive {
            true => self.writer = true,
            false => self.readers.push(id),
        }
    }

    fn leave(&mut self, id: OpId, exclusive: bool) {
        match exclusive {
            true => self.writer = false,
            false => self.readers.retain(|&reader| reader != id),
        }
    }
}

impl Op {
    pub(super) fn new(source: Source, key: &[u8], ask: Ask, now: Time) -> Op {
        Op {
            source,
            key: key.into(),
            slot: Slot::of(key),
            exclusive: ask != Ask::Get,
            ask,
            phase: Phase::Queued,
            begun: now,
            read_ballot: Ballot::NONE,
            round: 0,
            sent: 0,
            answered: 0,
            answers: Vec::new(),
            body_asked: 0,
            whole: false,
            store: None,
            version: Version::ZERO,
            stored: false,
            before: None,
            changed: false,
            restamp: false,
            given_up: false,
            relayed: false,
        }
    }

    /// A write whose STOREs have left: it may be executed, whatever happens now.
    pub(super) fn may_be_executed(&self) -> bool {
        (self.stored && !self.restamp) || (self.relayed && self.ask != Ask::Get)
    }
}

impl Ops {
    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slab.is_empty()
    }

    pub(super) fn get(&self, id: OpId) -> Option<&Op> {
        self.slab.get(id.index as usize).filter(|(count, _)| *count == id.use_count).map(|(_, op)| op)
    }

    pub(super) fn get_mut(&mut self, id: OpId) -> Option<&mut Op> {
        self.slab.get_mut(id.index as usize).filter(|(count, _)| *count == id.use_count).map(|(_, op)| op)
    }

    /// All operations, in the order of their places.
    pub(super) fn ids(&self) -> Vec<OpId> {
        self.slab
            .iter()
            .map(|(index, (use_count, _))| OpId { index: index as u32, use_count: *use_count })
            .collect()
    }

    pub(super) fn next_round(&mut self) -> u32 {
        self.round = self.round.wrapping_add(1);
        self.round
    }

    /// Takes up an operation. True: it may begin; false: it waits for its key.
    pub(super) fn insert(&mut self, op: Op) -> (OpId, bool) {
        self.use_count = self.use_count.wrapping_add(1);
        let (exclusive, hash) = (op.exclusive, xxh3_64(&op.key));
        let id = OpId { index: self.slab.insert((self.use_count, op)) as u32, use_count: self.use_count };
        let queue = self.queues.entry(hash).or_default();
        let free = queue.waiting.is_empty() && queue.admits(exclusive);
        match free {
            true => queue.enter(id, exclusive),
            false => queue.waiting.push_back(id),
        }
        (id, free)
    }

    /// The reads of the same key that were taken up before this one and are not answered, oldest first: those that run
    /// beside it, and those that wait for the key alone.
    pub(super) fn reads_before(&self, id: OpId) -> Vec<OpId> {
        let key = &self.get(id).expect("an operation under way").key;
        let Some(queue) = self.queues.get(&xxh3_64(key)) else { return Vec::new() };
        if queue.waiting.is_empty() && queue.readers.first() == Some(&id) {
            return Vec::new();
        }
        let is_read = |other: &OpId| {
            self.get(*other).is_some_and(|op| other.is_older_than(id) && op.ask == Ask::Get && op.key == *key)
        };
        let mut reads: Vec<OpId> =
            queue.readers.iter().chain(&queue.waiting).copied().filter(is_read).collect();
        reads.sort_unstable_by_key(|read| std::cmp::Reverse(id.use_count.wrapping_sub(read.use_count)));
        reads
    }

    /// A read found that it must write: it gives its shared place back and waits for the key alone, before all that
    /// came after it. Says who may begin now.
    pub(super) fn make_exclusive(&mut self, id: OpId) -> Vec<OpId> {
        let op = self.get_mut(id).expect("an operation under way");
        assert!(!op.exclusive, "asked twice for the key");
        op.exclusive = true;
        op.phase = Phase::Queued;
        let hash = xxh3_64(&op.key);
        let queue = self.queues.get_mut(&hash).expect("it holds its key");
        queue.leave(id, false);
        let place = queue.waiting.partition_point(|waiting| waiting.is_older_than(id));
        queue.waiting.insert(place, id);
        self.admit(hash)
    }

    /// Takes an operation out. Says who may begin now.
    pub(super) fn remove(&mut self, id: OpId) -> (Op, Vec<OpId>) {
        let (use_count, op) = self.slab.remove(id.index as usize);
        assert_eq!(use_count, id.use_count, "removed twice");
        let hash = xxh3_64(&op.key);
        let queue = self.queues.get_mut(&hash).expect("it has a place with its key");
        match op.phase {
            Phase::Queued => queue.waiting.retain(|&waiting| waiting != id),
            _ => queue.leave(id, op.exclusive),
        }
        let next = self.admit(hash);
        (op, next)
    }

    fn admit(&mut self, hash: u64) -> Vec<OpId> {
        let mut next = Vec::new();
        let Some(queue) = self.queues.get_mut(&hash) else { return next };
        while let Some(&id) = queue.waiting.front() {
            let exclusive = self.slab[id.index as usize].1.exclusive;
            if !queue.admits(exclusive) {
                return next;
            }
            queue.enter(id, exclusive);
            queue.waiting.pop_front();
            next.push(id);
        }
        if queue.readers.is_empty() && !queue.writer {
            self.queues.remove(&hash);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(ask: Ask) -> Op {
        Op::new(Source::Front(Ticket(0)), b"k", ask, Time::ZERO)
    }

    fn begin(ops: &mut Ops, ids: &[OpId]) {
        ids.iter().for_each(|&id| ops.get_mut(id).expect("under way").phase = Phase::Read);
    }

    #[test]
    fn reads_share_a_key_and_writes_have_it_alone_in_order() {
        let mut ops = Ops::default();
        let (first, began) = ops.insert(op(Ask::Get));
        assert!(began);
        let (second, began) = ops.insert(op(Ask::Get));
        assert!(began);
        begin(&mut ops, &[first, second]);
        let (write, began) = ops.insert(op(Ask::Delete));
        assert!(!began);
        let (late, began) = ops.insert(op(Ask::Get));
        assert!(!began, "a read does not overtake a write");
        assert!(ops.remove(first).1.is_empty());
        assert_eq!(ops.remove(second).1, [write]);
        begin(&mut ops, &[write]);
        assert_eq!(ops.remove(write).1, [late]);
        begin(&mut ops, &[late]);
        assert!(ops.remove(late).1.is_empty());
        assert!(ops.is_empty() && ops.queues.is_empty());
        assert!(ops.get(late).is_none());
    }

    #[test]
    fn a_read_that_must_write_waits_for_the_other_readers_and_keeps_its_place() {
        let mut ops = Ops::default();
        let (a, _) = ops.insert(op(Ask::Get));
        let (b, _) = ops.insert(op(Ask::Get));
        begin(&mut ops, &[a, b]);
        let (write, _) = ops.insert(op(Ask::Delete));
        assert!(ops.make_exclusive(b).is_empty());
        assert_eq!(ops.make_exclusive(a), [a], "the older one goes first");
        begin(&mut ops, &[a]);
        assert_eq!(ops.remove(a).1, [b]);
        begin(&mut ops, &[b]);
        assert_eq!(ops.remove(b).1, [write]);
    }

    #[test]
    fn the_reads_before_a_read_are_known() {
        let mut ops = Ops::default();
        let ids: Vec<OpId> = (0..4).map(|_| ops.insert(op(Ask::Get)).0).collect();
        begin(&mut ops, &ids);
        assert!(ops.reads_before(ids[0]).is_empty());
        assert_eq!(ops.reads_before(ids[2]), [ids[0], ids[1]]);
        ops.make_exclusive(ids[0]);
        assert_eq!(ops.reads_before(ids[2]), [ids[0], ids[1]], "also one that waits for the key");
        ops.remove(ids[1]);
        assert_eq!(ops.reads_before(ids[3]), [ids[0], ids[2]]);
    }

    #[test]
    fn a_waiting_operation_can_be_taken_out() {
        let mut ops = Ops::default();
        let (write, _) = ops.insert(op(Ask::Delete));
        begin(&mut ops, &[write]);
        let (waiting, began) = ops.insert(op(Ask::Get));
        assert!(!began);
        assert!(ops.remove(waiting).1.is_empty());
        assert!(ops.remove(write).1.is_empty());
        assert!(ops.queues.is_empty());
    }
}
