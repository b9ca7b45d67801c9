//! The records of each slot: how many there are, what they add up to, and where they are.
//!
//! ```text
//! books     live, digest            one of each a slot; nothing is allocated until a record is written to a slot
//! regions   the key space in pieces of about a hundred records                          regions.rs
//! lists     for each slot the regions that its records are in, once for each            lists.rs
//! ```
//! No key is stored again: a list tells in about one and a half bytes a record where to look, and a walk goes through
//! those regions and passes over what is of other slots (walk.rs). It goes in the order of keys, which stays the same
//! whatever regions are cut or joined meanwhile, so it meets every record that stands throughout exactly once.

mod lists;
mod regions;
mod walk;

pub use walk::SlotCursor;

pub(super) use regions::RECORDS_MAX;

use lists::Lists;
use regions::Regions;

use std::collections::BTreeMap;

use super::arena::Owned;
use super::radix::common_len;
use super::tree::Path;
use super::{Record, Trie};
use crate::record::{Kind, SLOT_COUNT, Slot, Version};
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// Books of all slots, and where their records are.
#[derive(Default)]
pub(super) struct Slots {
    live: Box<[u32]>,
    digests: Box<[u128]>,
    pub(super) regions: Regions,
    pub(super) lists: Lists,
}

impl Slots {
    /// Bytes of the tables.
    pub(super) fn used_bytes(&self) -> usize {
        let books = size_of_val(&*self.live) + size_of_val(&*self.digests);
        books + self.regions.used_bytes() + self.lists.used_bytes()
    }

    /// Live records of a slot, and its digest.
    fn book(&self, slot: Slot) -> (u32, u128) {
        let index = slot.index();
        self.live.get(index).map_or((0, 0), |&live| (live, self.digests[index]))
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
        self.slots.book(slot).0 as usize
    }

    /// Whether `slot` has neither a record nor a tombstone.
    pub fn slot_is_empty(&self, slot: Slot) -> bool {
        self.slots.lists.is_empty(slot)
    }

    /// What all records of `slot` add up to: the sum, modulo 2^128, of a hash of each one's key, version and kind,
    /// tombstones too. Two servers whose sums agree hold the same versions of the same records. Kept with every write.
    pub fn slot_digest(&self, slot: Slot) -> u128 {
        self.slots.book(slot).1
    }

    /// Brings near what is about to change of `slot`.
    pub(super) fn prefetch_slot(&self, slot: Option<Slot>) {
        slot.into_iter().for_each(|slot| self.slots.lists.prefetch(&self.store.arena, slot));
    }

    /// Notes where the record is that was just written to `slot`.
    pub(super) fn add_to_slot(&mut self, slot: Slot, key: &[u8]) {
        let (arena, Slots { regions, lists, .. }) = (&mut self.store.arena, &mut self.slots);
        let region = match regions.of(arena, key) {
            Some(region) => region,
            None => regions.open(arena, &mut self.workshop, &[]),
        };
        lists.add(arena, &mut self.workshop, slot, region);
        if regions.count(region, 1) > regions.records_max {
            self.cut_region(region);
        }
    }

    /// Forgets where the record was that is no longer there.
    pub(super) fn remove_from_slot(&mut self, slot: Slot, key: &[u8]) {
        let (arena, Slots { regions, lists, .. }) = (&mut self.store.arena, &mut self.slots);
        let region = regions.of(arena, key).expect("a record of a slot is in a region");
        lists.remove(arena, &mut self.workshop, slot, region);
        let left = regions.count(region, -1);
        // Looking at the neighbour costs about what a removal does, so it is not done at each.
        if left == 0 || left == regions.records_max / 4 {
            self.join_region(region);
        }
    }

    /// Notes that a record is another slot's.
    pub(super) fn change_slot(&mut self, old: Slot, new: Slot, key: &[u8]) {
        let (arena, Slots { regions, lists, .. }) = (&mut self.store.arena, &mut self.slots);
        let region = regions.of(arena, key).expect("a record of a slot is in a region");
        lists.remove(arena, &mut self.workshop, old, region);
        lists.add(arena, &mut self.workshop, new, region);
    }

    /// Gives the upper half of a region's records to a new one.
    fn cut_region(&mut self, region: u32) {
        let first = self.slots.regions.first(&self.store.arena, region).to_vec();
        let all = self.slots.regions.records(region);
        let (mut before, mut cut) = (Vec::new(), Vec::new());
        let mut moving = Vec::with_capacity(all);
        let mut seen = 0;
        self.for_each_of_slots(&first, all, |key, slot| {
            if seen == all / 2 {
                // The shortest key between the two.
                cut.extend_from_slice(&key[..=common_len(&before, key)]);
            }
            if seen >= all / 2 {
                moving.push(slot);
            }
            seen += 1;
            before.clear();
            before.extend_from_slice(key);
        });
        assert_eq!(seen, all, "a region misses records");
        let arena = &mut self.store.arena;
        let upper = self.slots.regions.open(arena, &mut self.workshop, &cut);
        self.move_records(&moving, region, upper);
    }

    /// Joins a region that has few records with the one below, or with the one above if it is the first.
    fn join_region(&mut self, region: u32) {
        let (arena, Slots { regions, .. }) = (&mut self.store.arena, &mut self.slots);
        let mut first = regions.first(arena, region).to_vec();
        let (lower, upper) = match regions.below(arena, &first) {
            Some(below) => (below, region),
            None => match regions.above(arena, &first) {
                Some((key, above)) => {
                    first = key;
                    (region, above)
                }
                None if regions.records(region) == 0 => {
                    return regions.close(arena, &mut self.workshop, region);
                }
                None => return,
            },
        };
        let moved = regions.records(upper);
        if moved > 0 && regions.records(lower) + moved > regions.records_max / 2 {
            return;
        }
        let mut moving = Vec::with_capacity(moved);
        self.for_each_of_slots(&first, moved, |_, slot| moving.push(slot));
        self.move_records(&moving, upper, lower);
        self.slots.regions.close(&mut self.store.arena, &mut self.workshop, upper);
    }

    /// Notes that records of these slots are in another region now.
    fn move_records(&mut self, slots: &[Slot], from: u32, to: u32) {
        let (arena, Slots { regions, lists, .. }) = (&mut self.store.arena, &mut self.slots);
        slots.iter().for_each(|&slot| lists.prefetch(arena, slot));
        for &slot in slots {
            lists.change(arena, &mut self.workshop, slot, from, to);
        }
        regions.count(from, -(slots.len() as i32));
        regions.count(to, slots.len() as i32);
    }

    /// Tells key and slot of the first `count` records of slots from the key `first` on.
    fn for_each_of_slots(&self, first: &[u8], count: usize, mut visit: impl FnMut(&[u8], Slot)) {
        let arena = &self.store.arena;
        let mut path = Path::default();
        path.seek(self.records, arena, first, false);
        let mut left = count;
        while left > 0 {
            let entry = path.next(arena).expect("a region has as many records as it counts");
            if let Some(slot) = Record::new(&self.store, entry).slot(path.key()) {
                visit(path.key(), slot);
                left -= 1;
            }
        }
    }

    /// Panics unless books, regions and lists of all slots say that there are exactly these records.
    pub(super) fn check_slots(&self, owned: &mut Owned<'_>, records: Vec<(Slot, Vec<u8>, Version, Kind)>) {
        let (arena, Slots { regions, lists, .. }) = (&self.store.arena, &self.slots);
        let mut books: BTreeMap<Slot, (u32, u128)> = BTreeMap::new();
        let mut listed = Vec::new();
        for (slot, key, version, kind) in &records {
            let (live, digest) = books.entry(*slot).or_default();
            *live += u32::from(*kind != Kind::Tombstone);
            *digest = digest.wrapping_add(digest_of(key, *version, *kind));
            listed.push((*slot, regions.of(arena, key).expect("a record of a slot is in a region")));
        }
        for (index, live) in self.slots.live.iter().enumerate() {
            if *live != 0 || self.slots.digests[index] != 0 {
                let slot = Slot::new(index as u16);
                assert_eq!(
                    books.remove(&slot),
                    Some(self.slots.book(slot)),
                    "the book of slot {index} is wrong"
                );
            }
        }
        assert!(books.values().all(|book| *book == (0, 0)), "a slot is not booked");
        let mut by_region: Vec<u32> = listed.iter().map(|&(_, region)| region).collect();
        by_region.sort_unstable();
        let below = |region: u32| by_region.partition_point(|&other| other < region);
        regions.check(arena, owned, |region| below(region + 1) - below(region));
        listed.sort_unstable();
        lists.check(arena, owned, &listed);
    }
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
