//! The records of each slot: a doubly linked list through the records, its head, and how many of them live.
//!
//! ```text
//! heads[slot] -> record <-> record <-> record          newest first; a replaced record keeps its place
//! ```
//! Beside the heads: live records and the digest of each slot.
//! So a slot is copied or counted without walking the others. A walk meets every record that stays, once.

use super::arena::{Arena, Ref, raw_of, set_u32};
use super::record::{NEXT_OFFSET, PREVIOUS_OFFSET, Thread};
use crate::record::{Kind, SLOT_COUNT, Slot, Version};
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// Heads and counts of all slots; nothing is allocated until a record is written to a slot.
#[derive(Default)]
pub(super) struct Slots {
    heads: Box<[u32]>,
    live: Box<[u32]>,
    digests: Box<[u128]>,
}

impl Slots {
    /// Bytes of the tables.
    pub(super) fn used_bytes(&self) -> usize {
        size_of_val(&*self.heads) + size_of_val(&*self.live) + size_of_val(&*self.digests)
    }

    /// The first record of `slot`.
    pub(super) fn first(&self, slot: Slot) -> Option<Ref> {
        self.heads.get(slot.index()).copied().and_then(Ref::from_raw)
    }

    /// Live records of `slot`.
    pub(super) fn live(&self, slot: Slot) -> usize {
        self.live.get(slot.index()).copied().unwrap_or(0) as usize
    }

    /// Counts one live record more or less.
    pub(super) fn count(&mut self, slot: Slot, by: i32) {
        let live = &mut self.live[slot.index()];
        *live = live.checked_add_signed(by).expect("a slot never has less than no records");
    }

    /// What all records of `slot`, tombstones too, add up to; 0 if there are none.
    pub(super) fn digest(&self, slot: Slot) -> u128 {
        self.digests.get(slot.index()).copied().unwrap_or(0)
    }

    /// Adds a record's digest to its slot's, or takes it out.
    pub(super) fn digest_add(&mut self, slot: Slot, of_record: u128, by: i32) {
        let digest = &mut self.digests[slot.index()];
        *digest = if by > 0 { digest.wrapping_add(of_record) } else { digest.wrapping_sub(of_record) };
    }

    /// Puts the record at `at` first; the caller writes the returned thread into it.
    pub(super) fn link(&mut self, arena: &mut Arena, slot: Slot, at: Ref) -> Thread {
        if self.heads.is_empty() {
            // Zeroed by the system page by page, as they are touched.
            self.heads = vec![0; SLOT_COUNT].into_boxed_slice();
            self.live = vec![0; SLOT_COUNT].into_boxed_slice();
            self.digests = vec![0; SLOT_COUNT].into_boxed_slice();
        }
        let next = Ref::from_raw(std::mem::replace(&mut self.heads[slot.index()], at.raw()));
        if let Some(next) = next {
            set_u32(arena.tail_mut(next), PREVIOUS_OFFSET, at.raw());
        }
        Thread { slot, next, previous: None }
    }

    /// Takes the record with this thread out.
    pub(super) fn unlink(&mut self, arena: &mut Arena, thread: Thread) {
        self.set_next(arena, thread, thread.next);
        if let Some(next) = thread.next {
            set_u32(arena.tail_mut(next), PREVIOUS_OFFSET, raw_of(thread.previous));
        }
    }

    /// Tells the neighbours of the record with this thread that it is at `to` now.
    pub(super) fn moved(&mut self, arena: &mut Arena, thread: Thread, to: Ref) {
        self.set_next(arena, thread, Some(to));
        if let Some(next) = thread.next {
            set_u32(arena.tail_mut(next), PREVIOUS_OFFSET, to.raw());
        }
    }

    /// Sets what follows whoever stands before the record with this thread.
    fn set_next(&mut self, arena: &mut Arena, thread: Thread, next: Option<Ref>) {
        match thread.previous {
            None => self.heads[thread.slot.index()] = raw_of(next),
            Some(previous) => set_u32(arena.tail_mut(previous), NEXT_OFFSET, raw_of(next)),
        }
    }
}

/// One seed for all servers: digests are compared between them.
const DIGEST_SEED: u64 = 0x6865_6467_6572_6f77;

/// What a record adds to its slot's digest: a hash of its key, version and kind.
pub(super) fn digest_of(key: &[u8], version: Version, kind: Kind) -> u128 {
    let mut bytes = [0; 33];
    bytes[..16].copy_from_slice(&xxh3_128_with_seed(key, DIGEST_SEED).to_le_bytes());
    bytes[16..32].copy_from_slice(&version.0.to_le_bytes());
    bytes[32] = match kind {
        Kind::Text => 0,
        Kind::Document => 1,
        Kind::Tombstone => 2,
    };
    xxh3_128_with_seed(&bytes, DIGEST_SEED)
}
