//! The whole structure, compared with itself.

use super::arena::{Owned, Ref};
use super::record::Body;
use super::tree::Entry;
use super::{Record, Trie};
use crate::record::Kind;

impl Trie {
    /// Walks everything, what is unlinked included, and panics, saying what is wrong, if any invariant does not hold:
    /// form and order of all nodes and runs, documents and their indexes, uses of names and epochs, lists, counts and
    /// digests of slots, the index of expiries, that no key has two records, and that every slot of the arena has
    /// exactly one owner or is free. Takes time and memory in proportion to the content.
    pub fn check(&self) {
        let arena = &self.store.arena;
        let mut owned = Owned::new(arena);
        let (mut uses, mut epochs, mut of_slots) = (Vec::new(), Vec::new(), Vec::new());
        let (mut live, mut tombstones, mut expiring) = (0, 0, 0);
        let mut visit = |owned: &mut Owned<'_>, key: &[u8], entry: Entry<'_>| {
            let record = Record::new(&self.store, entry);
            assert!(!key.is_empty(), "a record has no key");
            let is_live = record.kind() != Kind::Tombstone;
            live += usize::from(is_live);
            tombstones += usize::from(!is_live);
            expiring += usize::from(record.expires_at_ms().is_some());
            epochs.extend(record.epoch());
            let (version, kind) = (record.version(), record.kind());
            of_slots.extend(record.slot(key).map(|slot| (slot, key.to_vec(), version, kind)));
            record.own(owned);
            match record.body() {
                Body::Document(root) => self.store.check_document(root, owned, &mut uses),
                Body::Packed(bytes) => self.store.check_packed(bytes, &mut uses),
                _ => {}
            }
        };
        self.records.check(arena, &mut owned, &mut visit);
        let mut dead = Vec::new();
        for (above, tree) in self.unlinked.trees() {
            tree.check(arena, &mut owned, |owned, rest, entry| {
                let key = [above, rest].concat();
                assert!(self.get(&key).is_none(), "a record is there and unlinked");
                assert!(!Record::new(&self.store, entry).has_slot(), "a record of a slot is unlinked");
                visit(owned, &key, entry);
                dead.push(key);
            });
        }
        dead.sort_unstable();
        assert!(dead.windows(2).all(|pair| pair[0] != pair[1]), "two unlinked records have one key");
        assert_eq!((live, tombstones), (self.live, self.tombstones), "records are miscounted");
        self.check_names(&mut owned, uses);
        self.check_expiries(&mut owned, expiring);
        self.check_slots(&mut owned, of_slots);
        self.store.versions.check(epochs);
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
}
