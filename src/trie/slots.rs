//! The records of each slot: how many live, what they add up to, and which they are.
//!
//! ```text
//! live, digests    one number each a slot; nothing is allocated until a record is written to a slot
//! by slot          a tree of [slot: u16 big-endian][key], an entry without a body for each record of a slot
//! ```
//! So a slot is copied or counted without walking the others, in the order of its keys: a walk meets every record that
//! stands throughout exactly once, whatever comes and goes around it.

use super::tree::Entry;
use super::tree::{Path, Spot};
use super::{Record, Trie};
use crate::record::{Kind, SLOT_COUNT, Slot, Version};
use xxhash_rust::xxh3::xxh3_128_with_seed;

const SLOT_BYTES: usize = 2;

/// Counts and digests of all slots.
#[derive(Default)]
pub(super) struct Slots {
    live: Box<[u32]>,
    digests: Box<[u128]>,
}

impl Slots {
    /// Bytes of the tables.
    pub(super) fn used_bytes(&self) -> usize {
        size_of_val(&*self.live) + size_of_val(&*self.digests)
    }

    /// Live records of `slot`.
    pub(super) fn live(&self, slot: Slot) -> usize {
        self.live.get(slot.index()).copied().unwrap_or(0) as usize
    }

    /// What all records of `slot`, tombstones too, add up to; 0 if there are none.
    pub(super) fn digest(&self, slot: Slot) -> u128 {
        self.digests.get(slot.index()).copied().unwrap_or(0)
    }

    /// Counts a record more or less.
    pub(super) fn count(&mut self, slot: Slot, key: &[u8], version: Version, kind: Kind, by: i32) {
        if self.live.is_empty() {
            // Zeroed by the system page by page, as they are touched.
            self.live = vec![0; SLOT_COUNT].into_boxed_slice();
            self.digests = vec![0; SLOT_COUNT].into_boxed_slice();
        }
        let of_record = digest_of(key, version, kind);
        let digest = &mut self.digests[slot.index()];
        *digest = if by > 0 { digest.wrapping_add(of_record) } else { digest.wrapping_sub(of_record) };
        if kind != Kind::Tombstone {
            let live = &mut self.live[slot.index()];
            *live = live.checked_add_signed(by).expect("a slot never has less than no records");
        }
    }
}

impl Trie {
    /// Live records of `slot`.
    pub fn slot_len(&self, slot: Slot) -> usize {
        self.slots.live(slot)
    }

    /// What all records of `slot` add up to: the sum, modulo 2^128, of a hash of each one's key, version and kind,
    /// tombstones too. Two servers whose sums agree hold the same versions of the same records. Kept with every write.
    pub fn slot_digest(&self, slot: Slot) -> u128 {
        self.slots.digest(slot)
    }

    /// Walks the records of one slot, tombstones too, without walking the others: the one with the next key above
    /// `after`, which need not be there, or the first if that is `None`. Its key replaces the content of `out`.
    ///
    /// So a walk meets every record that stands throughout exactly once.
    pub fn slot_next(&self, slot: Slot, after: Option<&[u8]>, out: &mut Vec<u8>) -> Option<Record<'_>> {
        let mut path = Path::default();
        let from = entry_key(slot, after.unwrap_or_default());
        path.seek(self.by_slot, &self.store.arena, &from, true);
        path.next(&self.store.arena)?;
        let key = path.key().strip_prefix(&from[..SLOT_BYTES])?;
        out.clear();
        out.extend_from_slice(key);
        let record = self.get(key);
        assert!(record.is_some(), "a slot lists a record that is not there");
        record
    }

    pub(super) fn add_to_slot(&mut self, slot: Slot, key: &[u8]) {
        let (arena, key) = (&mut self.store.arena, entry_key(slot, key));
        let Spot::Missing(gap) = self.by_slot.locate(arena, &mut self.workshop, &key) else {
            panic!("a record is in its slot's list before it is written");
        };
        self.by_slot.attach(arena, &mut self.workshop, gap, &key, Entry { tag: 0, body: &[] });
    }

    pub(super) fn remove_from_slot(&mut self, slot: Slot, key: &[u8]) {
        let (arena, key) = (&mut self.store.arena, entry_key(slot, key));
        let Spot::Found(found) = self.by_slot.locate(arena, &mut self.workshop, &key) else {
            panic!("a record is not in its slot's list");
        };
        self.by_slot.detach(arena, &mut self.workshop, found, &key);
    }

    /// Panics unless the lists of all slots hold exactly these records, in order of slot and key.
    pub(super) fn check_slots(
        &self,
        owned: &mut super::arena::Owned<'_>,
        mut expected: Vec<(Slot, Vec<u8>, Version, Kind)>,
    ) {
        expected.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut listed = expected.iter();
        self.by_slot.check(&self.store.arena, owned, |_, key, entry| {
            let (slot, expected, ..) = listed.next().expect("a slot lists too much");
            assert_eq!(key, entry_key(*slot, expected), "a slot lists something else");
            assert!(entry.tag == 0 && entry.body.is_empty());
        });
        assert!(listed.next().is_none(), "a slot's list misses a record");
        let mut books = Slots::default();
        expected.iter().for_each(|(slot, key, version, kind)| books.count(*slot, key, *version, *kind, 1));
        for slot in Slot::all() {
            assert_eq!(books.live(slot), self.slots.live(slot), "slot {} is miscounted", slot.index());
            assert_eq!(
                books.digest(slot),
                self.slots.digest(slot),
                "slot {} has another digest",
                slot.index()
            );
        }
    }
}

fn entry_key(slot: Slot, key: &[u8]) -> Vec<u8> {
    [&(slot.index() as u16).to_be_bytes()[..], key].concat()
}

/// One seed for all servers: digests are compared between them.
const DIGEST_SEED: u64 = 0x6865_6467_6572_6f77;

/// What a record adds to its slot's digest: a hash of its key, version and kind.
fn digest_of(key: &[u8], version: Version, kind: Kind) -> u128 {
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
