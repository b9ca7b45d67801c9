//! Writing records, whatever they hold: the tree first, then the books.

use super::arena::Exhausted;
use super::document::{Built, Builder, Payload};
use super::record::Body;
use super::tree::{Found, Gap, Spot, Tree};
use super::{Meta, PutError, Record, Store, Trie, TrieError, check_key, spans_for_record, text};
use crate::limits::BULK_BYTES_MAX;
use crate::record::{Kind, Version};
use crate::value::{Segment, ValueSink};

impl Trie {
    /// Stores a text under `key`, in the place of what stood there; says what that was.
    pub fn put_text(&mut self, key: &[u8], meta: Meta, text: &[u8]) -> Result<Option<Kind>, TrieError> {
        check_key(key)?;
        if text.len() > BULK_BYTES_MAX {
            return Err(TrieError::TextTooLong);
        }
        self.store.arena.reserve(spans_for_record(key, meta) + text::spans_for(text.len()))?;
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
        let mut builder = Builder::new(&mut self.store, &mut self.scratch);
        build(&mut builder).map_err(PutError::Build)?;
        let built = builder.finish();
        if let Err(Exhausted) = self.store.arena.reserve(spans_for_record(key, meta)) {
            self.free_built(built);
            return Err(PutError::Trie(TrieError::Full));
        }
        Ok(self.put_built(key, meta, built))
    }

    /// Notes that `key` was deleted: only the version stays. Says what stood there.
    pub fn put_tombstone(&mut self, key: &[u8], meta: Meta) -> Result<Option<Kind>, TrieError> {
        check_key(key)?;
        if meta.expires_at_ms.is_some() || self.get(key).is_none() {
            self.store.arena.reserve(spans_for_record(key, meta))?;
        }
        Ok(self.put(key, meta, Body::Tombstone))
    }

    /// Removes all of the record with this key, leaving no tombstone; says what it was.
    pub fn remove(&mut self, key: &[u8]) -> Option<Kind> {
        let Spot::Found(found) = self.records.locate(&self.store.arena, &mut self.workshop, key) else {
            return None;
        };
        let old = Old::of(&mut self.store, key, found);
        self.store.free_old(&old, true);
        self.records.detach(&mut self.store.arena, &mut self.workshop, found, key);
        self.generation += 1;
        self.forget(key, &old);
        Some(old.kind)
    }

    /// Removes one field or array element of a document and gives the record `version`; whether it was there. If not,
    /// nothing changes.
    pub fn remove_at(&mut self, key: &[u8], path: &[Segment<'_>], version: Version) -> bool {
        let Some(record) = self.get(key) else { return false };
        let meta = Meta { version, ..record.meta() };
        match record.body() {
            Body::Packed(_) => {
                let Some(log) = self.scratch.without(record, path) else { return false };
                let built = self.store.pack(log);
                self.rewrite(key, meta, Some(built));
                true
            }
            Body::Document(root) => {
                let Some(root) = self.store.remove_at(root, path) else { return false };
                self.rewrite_document(key, meta, root);
                true
            }
            _ => false,
        }
    }

    fn put(&mut self, key: &[u8], meta: Meta, body: Body<'_>) -> Option<Kind> {
        match self.records.locate(&self.store.arena, &mut self.workshop, key) {
            Spot::Found(found) => Some(self.replace(found, key, meta, body, true)),
            Spot::Missing(gap) => {
                self.insert(gap, key, meta, body);
                None
            }
        }
    }

    fn insert(&mut self, gap: Gap, key: &[u8], meta: Meta, body: Body<'_>) {
        let encoded = self.store.encode(key, meta, body);
        self.records.attach(&mut self.store.arena, &mut self.workshop, gap, key, encoded.entry());
        self.generation += 1;
        self.note(key, body.kind(), meta, None);
    }

    /// Writes the record that was found anew, and frees what its old body held if that is asked for.
    fn replace(&mut self, found: Found, key: &[u8], meta: Meta, body: Body<'_>, free_body: bool) -> Kind {
        let old = Old::of(&mut self.store, key, found);
        let encoded = self.store.encode(key, meta, body);
        self.store.free_old(&old, free_body);
        self.records.replace(&mut self.store.arena, &mut self.workshop, found, key, encoded.entry());
        self.generation += 1;
        if old.kind != body.kind() || old.meta != meta {
            self.forget_but_place(key, &old, meta);
            self.note(key, body.kind(), meta, Some(old.meta));
        }
        old.kind
    }
}
