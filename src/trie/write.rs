//! Writing records, whatever they hold: the tree first, then the books.

use super::arena::Exhausted;
use super::document::{Builder, Built, Payload};
use super::record::Body;
use super::tree::{Found, Gap, Spot, Tree};
use super::{Meta, PutError, Record, Removed, Store, Trie, TrieError, check_key, spans_for_record, text};
use crate::limits::BULK_BYTES_MAX;
use crate::record::Kind;
use crate::value::ValueSink;

/// What the books have of a record that is to be another.
#[derive(Clone, Copy)]
pub(super) struct Old {
    kind: Kind,
    pub(super) meta: Meta,
    epoch: Option<u16>,
}

impl Old {
    pub(super) fn of(record: &Record<'_>, key: &[u8]) -> Old {
        Old { kind: record.kind(), meta: record.meta(key), epoch: record.epoch() }
    }
}

impl Trie {
    /// Stores a text under `key`, in the place of what stood there; says what that was.
    pub fn put_text(&mut self, key: &[u8], meta: Meta, text: &[u8]) -> Result<Option<Kind>, TrieError> {
        check_key(key)?;
        if text.len() > BULK_BYTES_MAX {
            return Err(TrieError::TextTooLong);
        }
        self.reserve(spans_for_record(key, meta) + text::spans_for(text.len()))?;
        Ok(self.put(key, meta, Body::Text(text)))
    }

    /// Stores the document that `build` tells, in the place of what stood there; says what that was.
    ///
    /// It is built beside the trie: until `build` returned `Ok`, nothing changes, and if it never does, nothing stays.
    ///
    /// # Panics
    /// If `build` returns `Ok` before it told one whole set.
    pub fn put_document<E>(
        &mut self,
        key: &[u8],
        meta: Meta,
        build: impl FnOnce(&mut dyn ValueSink) -> Result<(), E>,
    ) -> Result<Option<Kind>, PutError<E>> {
        check_key(key).map_err(PutError::Trie)?;
        self.make_room();
        let mut builder = Builder::new(&mut self.store, &mut self.scratch);
        build(&mut builder).map_err(PutError::Build)?;
        let built = builder.finish();
        if let Err(Exhausted) = self.reserve(spans_for_record(key, meta)) {
            self.store.free_built(&self.scratch, built);
            return Err(PutError::Trie(TrieError::Full));
        }
        Ok(self.put_built(key, meta, built))
    }

    /// Notes that `key` was deleted: only the version stays. Says what stood there.
    pub fn put_tombstone(&mut self, key: &[u8], meta: Meta) -> Result<Option<Kind>, TrieError> {
        check_key(key)?;
        if meta.expires_at_ms.is_some() || self.get(key).is_none() {
            self.reserve(spans_for_record(key, meta))?;
        }
        Ok(self.put(key, meta, Body::Tombstone))
    }

    /// Removes all of the record with this key, leaving no tombstone; says what it was.
    pub fn remove(&mut self, key: &[u8]) -> Option<Kind> {
        let Spot::Found(found) = self.records.locate(&self.store.arena, &mut self.workshop, key) else {
            return None;
        };
        let old = self.take_out(key, found);
        self.prefetch_slot(old.1.slot);
        self.records.detach(&mut self.store.arena, &mut self.workshop, found, key);
        self.generation += 1;
        self.forget(key, old.0, old.1);
        Some(old.0)
    }

    /// Removes all records of the run in which `first` is, at once, if their keys begin with `prefix`, they are at most
    /// `most`, and none is of a slot: its region looks for its records as long as they are booked.
    pub(super) fn remove_run(&mut self, first: &[u8], prefix: &[u8], most: usize) -> Option<Removed> {
        let arena = &self.store.arena;
        let Spot::Found(found) = self.records.locate(arena, &mut self.workshop, first) else { return None };
        let keys = self.records.run_keys(arena, found, first);
        let is_plain =
            |key: &Vec<u8>, index: usize| key.starts_with(prefix) && !self.record(found.at(index)).has_slot();
        if keys.len() > most || !keys.iter().enumerate().all(|(index, key)| is_plain(key, index)) {
            return None;
        }
        let mut removed = Removed::default();
        let mut gone = Vec::with_capacity(keys.len());
        for (index, key) in keys.into_iter().enumerate() {
            let (kind, meta) = self.take_out(&key, found.at(index));
            removed.count(kind);
            gone.push((key, kind, meta));
        }
        self.records.detach_run(&mut self.store.arena, &mut self.workshop, found);
        self.generation += 1;
        gone.iter().for_each(|(key, kind, meta)| self.forget(key, *kind, *meta));
        Some(removed)
    }

    /// Before `key` is located to be written: the books are never to have two records of it.
    #[inline]
    fn free_if_unlinked(&mut self, key: &[u8]) {
        if !self.unlinked.is_empty() {
            self.free_twin(key);
        }
    }

    /// Stores a record in the place of what stood there.
    fn put(&mut self, key: &[u8], meta: Meta, body: Body<'_>) -> Option<Kind> {
        self.free_if_unlinked(key);
        let spot = self.records.locate(&self.store.arena, &mut self.workshop, key);
        self.put_at_spot(spot, key, meta, body)
    }

    /// The same where its key was located.
    fn put_at_spot(&mut self, spot: Spot, key: &[u8], meta: Meta, body: Body<'_>) -> Option<Kind> {
        match spot {
            Spot::Found(found) => Some(self.replace(found, key, meta, body)),
            Spot::Missing(gap) => {
                self.insert(gap, key, meta, body);
                None
            }
        }
    }

    /// Stores a document that was built, in the place of what stood there.
    pub(super) fn put_built(&mut self, key: &[u8], meta: Meta, built: Built) -> Option<Kind> {
        self.free_if_unlinked(key);
        let spot = self.locate_again(key);
        match built {
            Built::Blocks(root) => self.put_at_spot(spot, key, meta, Body::Document(root)),
            Built::Packed => {
                let packed = std::mem::take(&mut self.scratch.packed);
                let before = self.put_at_spot(spot, key, meta, Body::Packed(&packed.bytes));
                self.scratch.packed = packed;
                before
            }
        }
    }

    /// Writes a record that stands anew with the same content.
    pub(super) fn rewrite(&mut self, key: &[u8], meta: Meta) {
        let found = self.find(key).expect("a record that is written anew is there");
        let mut copy = Vec::new();
        let record = self.record(found);
        let (old, body) = (Old::of(&record, key), record.body().held_in(&mut copy));
        self.overwrite(found, key, old, meta, body);
    }

    /// The entry of this key, if it is there; until another is looked for or any is changed.
    pub(super) fn find(&mut self, key: &[u8]) -> Option<Found> {
        match self.locate_again(key) {
            Spot::Found(found) => Some(found),
            Spot::Missing(_) => None,
        }
    }

    fn record(&self, found: Found) -> Record<'_> {
        Record::new(&self.store, Tree::entry(&self.store.arena, found))
    }

    fn insert(&mut self, gap: Gap, key: &[u8], meta: Meta, body: Body<'_>) {
        let encoded = self.store.encode(key, meta, body);
        self.prefetch_slot(meta.slot);
        self.records.attach(&mut self.store.arena, &mut self.workshop, gap, key, encoded.entry());
        self.generation += 1;
        self.note(key, body.kind(), meta);
    }

    /// Writes the record that was found anew, and frees what its old body held.
    fn replace(&mut self, found: Found, key: &[u8], meta: Meta, body: Body<'_>) -> Kind {
        let old = self.free_found(key, found);
        self.overwrite(found, key, old, meta, body);
        old.kind
    }

    /// Writes the record that was found anew; what its old body held is somebody else's business.
    pub(super) fn overwrite(&mut self, found: Found, key: &[u8], old: Old, meta: Meta, body: Body<'_>) {
        let encoded = self.store.encode(key, meta, body);
        if let Some(epoch) = old.epoch {
            self.store.versions.release(epoch);
        }
        let (arena, workshop) = (&mut self.store.arena, &mut self.workshop);
        let found = self.records.replace(arena, workshop, found, key, encoded.entry());
        self.count_change(found);
        if (old.kind, old.meta) != (body.kind(), meta) {
            self.renote(key, (old.kind, old.meta), (body.kind(), meta));
        }
    }

    /// Frees all that the entry that was found holds outside.
    pub(super) fn take_out(&mut self, key: &[u8], found: Found) -> (Kind, Meta) {
        let old = self.free_found(key, found);
        if let Some(epoch) = old.epoch {
            self.store.versions.release(epoch);
        }
        (old.kind, old.meta)
    }

    /// Frees what the body of the entry that was found holds outside.
    fn free_found(&mut self, key: &[u8], found: Found) -> Old {
        let record = self.record(found);
        let old = Old::of(&record, key);
        if !matches!(record.body(), Body::Text(_) | Body::Tombstone) {
            let mut copy = Vec::new();
            let body = record.body().held_in(&mut copy);
            self.store.free_body(body);
        }
        old
    }

    /// Books a record that is there now.
    fn note(&mut self, key: &[u8], kind: Kind, meta: Meta) {
        self.count(key, kind, meta, 1);
        if let Some(slot) = meta.slot {
            self.add_to_slot(slot, key);
        }
        if let Some(at_ms) = meta.expires_at_ms {
            self.add_expiry(at_ms, key);
        }
    }

    /// Takes a record that was there out of the books.
    pub(super) fn forget(&mut self, key: &[u8], kind: Kind, meta: Meta) {
        self.count(key, kind, meta, -1);
        if let Some(slot) = meta.slot {
            self.remove_from_slot(slot, key);
        }
        if let Some(at_ms) = meta.expires_at_ms {
            self.remove_expiry(at_ms, key);
        }
    }

    /// Books that a record became another.
    fn renote(&mut self, key: &[u8], old: (Kind, Meta), new: (Kind, Meta)) {
        self.count(key, old.0, old.1, -1);
        self.count(key, new.0, new.1, 1);
        let (old, new) = (old.1, new.1);
        if old.slot != new.slot {
            match (old.slot, new.slot) {
                (Some(old), Some(new)) => self.change_slot(old, new, key),
                (old, new) => {
                    old.into_iter().for_each(|slot| self.remove_from_slot(slot, key));
                    new.into_iter().for_each(|slot| self.add_to_slot(slot, key));
                }
            }
        }
        if old.expires_at_ms != new.expires_at_ms {
            old.expires_at_ms.into_iter().for_each(|at_ms| self.remove_expiry(at_ms, key));
            new.expires_at_ms.into_iter().for_each(|at_ms| self.add_expiry(at_ms, key));
        }
    }

    /// Counts a record of this kind more or less.
    fn count(&mut self, key: &[u8], kind: Kind, meta: Meta, by: i32) {
        let count = if kind == Kind::Tombstone { &mut self.tombstones } else { &mut self.live };
        *count = count.checked_add_signed(by as isize).expect("never less than no records");
        if let Some(slot) = meta.slot {
            self.slots.count(slot, key, meta.version, kind, by);
        }
    }
}

impl Store {
    fn free_body(&mut self, body: Body<'_>) {
        match body {
            Body::Text(_) | Body::Tombstone => {}
            Body::Packed(bytes) => self.free_packed(bytes),
            Body::TextOutside { first, len } => text::free(&mut self.arena, first, len),
            Body::Document(root) => self.free_payload(Payload::Set(root)),
        }
    }
}
