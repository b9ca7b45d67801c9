//! The whole structure, compared with itself.

use std::collections::BTreeMap;

use super::arena::{Owned, Ref};
use super::slots::digest_of;
use super::{Body, Kind, Record, Trie};
use crate::record::Slot;

impl Trie {
    /// Walks everything and panics, saying what is wrong, if any invariant does not hold: form and order of all
    /// nodes, keys on their paths, documents and their indexes, uses of names, slot lists and counts, and that every
    /// slot of the arena has exactly one owner or is free. Takes time and memory in proportion to the content.
    pub fn check(&self) {
        let arena = &self.store.arena;
        let mut owned = Owned::new(arena);
        let mut uses = Vec::new();
        let mut threaded: Vec<(Slot, Ref, bool)> = Vec::new();
        let (mut live, mut tombstones, mut expiring) = (0, 0, 0);
        let mut digests = BTreeMap::new();
        self.records.check(arena, &mut owned, |owned, at| {
            let record = Record::new(&self.store, at);
            assert!(!record.key().is_empty(), "a record has no key");
            let is_live = record.kind() != Kind::Tombstone;
            live += usize::from(is_live);
            tombstones += usize::from(!is_live);
            expiring += usize::from(record.expires_at_ms().is_some());
            if let Some(slot) = record.slot() {
                let digest: &mut u128 = digests.entry(slot).or_default();
                let key = record.key().to_vec();
                *digest = digest.wrapping_add(digest_of(&key, record.version(), record.kind()));
            }
            threaded.extend(record.slot().map(|slot| (slot, at, is_live)));
            record.own(owned);
            if let Body::Document(root) = record.body() {
                self.store.check_document(root, owned, &mut uses);
            }
        });
        assert_eq!((live, tombstones), (self.live, self.tombstones), "records are miscounted");
        self.check_names(&mut owned, uses);
        self.check_expiries(&mut owned, expiring);
        for slot in Slot::all() {
            let digest = digests.get(&slot).copied().unwrap_or_default();
            assert_eq!(digest, self.slot_digest(slot), "the digest of slot {} is wrong", slot.index());
        }
        self.check_slots(threaded);
        owned.check();
    }

    /// Panics unless each name is used as often as it says; `uses` has every use.
    fn check_names(&self, owned: &mut Owned<'_>, mut uses: Vec<Ref>) {
        uses.sort_unstable();
        let mut found = 0;
        self.store.names.check(&self.store.arena, owned, |owned, name| {
            let from = uses.partition_point(|&other| other < name);
            let to = uses.partition_point(|&other| other <= name);
            assert_eq!(self.store.check_name(name, owned), to - from, "a name's uses are miscounted");
            assert!(to > from, "a name is kept that nobody uses");
            found += to - from;
        });
        assert_eq!(found, uses.len(), "a field has a name that is not in the dictionary");
    }

    /// Panics unless the lists of all slots hold exactly the threaded records, each in both directions.
    fn check_slots(&self, mut threaded: Vec<(Slot, Ref, bool)>) {
        threaded.sort_unstable();
        let mut rest = &threaded[..];
        for slot in Slot::all() {
            let (of_slot, after) = rest.split_at(rest.partition_point(|(other, ..)| *other == slot));
            rest = after;
            let live = of_slot.iter().filter(|(.., is_live)| *is_live).count();
            assert_eq!(live, self.slots.live(slot), "slot {} is miscounted", slot.index());
            let mut listed = Vec::new();
            let (mut next, mut previous) = (self.slots.first(slot), None);
            while let Some(at) = next {
                let thread = Record::new(&self.store, at).thread().expect("a listed record has a thread");
                assert_eq!((thread.slot, thread.previous), (slot, previous), "a list does not lead back");
                listed.push(at);
                assert!(listed.len() <= of_slot.len(), "slot {} lists too much", slot.index());
                (next, previous) = (thread.next, Some(at));
            }
            listed.sort_unstable();
            assert!(of_slot.iter().map(|(_, at, _)| at).eq(&listed), "slot {} misses a record", slot.index());
        }
    }
}
