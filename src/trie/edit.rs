//! Changing a part of a document: in a large one the rest stays where it is, in a small one its bytes move aside.

use super::arena::{Exhausted, Ref};
use super::document::{BLOCK_SPANS, Builder, Built, Change, Payload, Scratch, Target, first_cell};
use super::record::Body;
use super::tree::{Found, Tree};
use super::write::Old;
use super::{Meta, PutError, Record, Trie, TrieError, Value, names, spans_for_record};
use crate::record::Version;
use crate::value::{Event, Segment, SinkError, ValueSink};

/// A large document whose root has at most as many fields is looked at, whether it can be packed.
const FIELDS_PACKED_MAX: usize = 32;

/// What became of a change inside a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edited {
    /// The path leads nowhere: there is no document, or nothing on the way that could hold the value. Nothing was
    /// changed.
    Nowhere,
    /// Something stood there and was replaced.
    Replaced,
    /// A new field or element.
    Added,
}

/// A record that was found, what the books have of it, and how it is to be written.
#[derive(Clone, Copy)]
struct Standing<'k> {
    key: &'k [u8],
    found: Found,
    old: Old,
    meta: Meta,
}

/// A document that is to be changed.
enum Document<'k> {
    /// It is packed; the scratch has its bytes and the place.
    Packed(Standing<'k>),
    /// It stands in blocks, from here on.
    Blocks(Standing<'k>, Option<Ref>),
    /// There is none, or no place for the change.
    Nowhere,
}

impl Trie {
    /// Stores the value that `build` tells at `path` of a document and gives the record `version`. All but the last
    /// segment must lead to a set or an array; a field is replaced or added, an element only replaced.
    ///
    /// # Errors
    /// Those of `build`, too deep a document, no memory left; nothing is changed then.
    ///
    /// # Panics
    /// If `build` returns `Ok` and did not tell one whole value.
    pub fn put_at<E>(
        &mut self,
        key: &[u8],
        path: &[Segment<'_>],
        version: Version,
        build: impl FnOnce(&mut dyn ValueSink) -> Result<(), E>,
    ) -> Result<Edited, PutError<E>> {
        self.edit(key, path, version, Change::Put, build)
    }

    /// As [`Trie::put_at`] with a path that ends in an index of an array, but what stands there and behind it moves
    /// one further. The index behind the last appends.
    pub fn insert_at<E>(
        &mut self,
        key: &[u8],
        path: &[Segment<'_>],
        version: Version,
        build: impl FnOnce(&mut dyn ValueSink) -> Result<(), E>,
    ) -> Result<Edited, PutError<E>> {
        self.edit(key, path, version, Change::Insert, build)
    }

    /// Removes one field or array element of a document and gives the record `version`; whether it was there. If not,
    /// nothing changes.
    pub fn remove_at(&mut self, key: &[u8], path: &[Segment<'_>], version: Version) -> bool {
        match self.look_up(key, path, version, Change::Remove) {
            Document::Packed(record) => {
                let Scratch { before, place, changed, .. } = &mut self.scratch;
                assert!(place.splice(before, &[], changed), "less than before fits");
                self.settle(record);
            }
            Document::Blocks(record, root) => {
                let Some(root) = self.store.remove_at(root, path) else { return false };
                self.write(record, Body::Document(root));
                self.demote(key, record.meta, root);
            }
            Document::Nowhere => return false,
        }
        true
    }

    fn edit<E>(
        &mut self,
        key: &[u8],
        path: &[Segment<'_>],
        version: Version,
        change: Change,
        build: impl FnOnce(&mut dyn ValueSink) -> Result<(), E>,
    ) -> Result<Edited, PutError<E>> {
        self.make_room();
        let record = match self.look_up(key, path, version, change) {
            Document::Packed(record) => record,
            Document::Blocks(record, root) => {
                return self.edit_blocks(record, path, root, change == Change::Insert, build);
            }
            Document::Nowhere => return Ok(Edited::Nowhere),
        };
        let value = &mut self.scratch.value;
        value.restart(path.len());
        let told = build(value);
        assert!(told.is_err() || value.is_done(), "a value is told to its end");
        told.map_err(PutError::Build)?;
        let full = |_| PutError::Trie(TrieError::Full);
        let is_taken = self.scratch.place.is_taken();
        let name = match path.last() {
            Some(Segment::Field(name)) if self.scratch.place.is_new_field => Some(*name),
            _ => None,
        };
        if self.pack_at(name) {
            if let Err(Exhausted) = self.store.arena.reserve(spans_for_record(key, record.meta)) {
                self.store.unpack(&self.scratch.piece);
                return Err(PutError::Trie(TrieError::Full));
            }
            self.settle(record);
        } else {
            let built = self.outgrow(name).map_err(full)?;
            if let Err(Exhausted) = self.store.arena.reserve(spans_for_record(key, record.meta)) {
                self.store.free_built(&self.scratch, built);
                return Err(PutError::Trie(TrieError::Full));
            }
            self.put_built(key, record.meta, built);
        }
        Ok(if is_taken { Edited::Replaced } else { Edited::Added })
    }

    /// Finds a document, and if it is packed the place of a change in it; its bytes are copied to the scratch.
    fn look_up<'k>(
        &mut self,
        key: &'k [u8],
        path: &[Segment<'_>],
        version: Version,
        change: Change,
    ) -> Document<'k> {
        let Some(found) = self.find(key) else { return Document::Nowhere };
        let record = Record::new(&self.store, Tree::entry(&self.store.arena, found));
        let old = Old::of(&record, key);
        let standing = Standing { key, found, old, meta: Meta { version, ..old.meta } };
        match record.body() {
            Body::Packed(bytes) => {
                let Scratch { before, place, .. } = &mut self.scratch;
                if !self.store.find_place(bytes, path, change, place) {
                    return Document::Nowhere;
                }
                before.clear();
                before.extend_from_slice(bytes);
                Document::Packed(standing)
            }
            Body::Document(root) => Document::Blocks(standing, root),
            _ => Document::Nowhere,
        }
    }

    /// Packs the value that was logged and puts it into its document; whether it fits. If not, nothing stays.
    fn pack_at(&mut self, name: Option<&str>) -> bool {
        let Scratch { value, piece, before, place, changed, .. } = &mut self.scratch;
        if !self.store.pack_value(value, name, piece) {
            return false;
        }
        let fits = place.splice(before, &piece.bytes, changed);
        if !fits {
            self.store.unpack(piece);
        }
        fits
    }

    /// Stores a packed document that was changed, and releases the names of what is no longer in it.
    fn settle(&mut self, record: Standing<'_>) {
        let Scratch { before, place, .. } = &self.scratch;
        place.each_cut_id(before, |id| self.store.release(self.store.leaf_of(id)));
        let changed = std::mem::take(&mut self.scratch.changed);
        self.write(record, Body::Packed(&changed));
        self.scratch.changed = changed;
    }

    fn write(&mut self, record: Standing<'_>, body: Body<'_>) {
        let Standing { key, found, old, meta } = record;
        self.overwrite(found, key, old, meta, body);
    }

    /// Builds a document anew with the value that was logged, as it is too large to be packed, or was before its names
    /// got ids.
    fn outgrow(&mut self, name: Option<&str>) -> Result<Built, SinkError> {
        let Scratch { log, value, before, place, .. } = &mut self.scratch;
        log.restart(0);
        self.store.tell_changed(before, place, name, value, log)?;
        self.store.pack(&mut self.scratch)
    }

    fn edit_blocks<E>(
        &mut self,
        record: Standing<'_>,
        path: &[Segment<'_>],
        root: Option<Ref>,
        insert: bool,
        build: impl FnOnce(&mut dyn ValueSink) -> Result<(), E>,
    ) -> Result<Edited, PutError<E>> {
        let Some(target) = self.store.target(root, path, insert) else { return Ok(Edited::Nowhere) };
        // The value is told as the only field of a set, which is taken apart again.
        let mut builder = Builder::below(&mut self.store, &mut self.scratch, path.len() - 1);
        let full = |_: SinkError| PutError::Trie(TrieError::Full);
        builder.event(Event::BeginSet).map_err(full)?;
        builder.event(Event::Field("")).map_err(full)?;
        build(&mut builder).map_err(PutError::Build)?;
        builder.event(Event::EndSet).map_err(full)?;
        let Built::Blocks(carrier) = builder.finish() else { unreachable!("it was told in blocks") };
        let name_spans = match path.last() {
            Some(Segment::Field(name)) => names::spans_for(name.len()),
            _ => 0,
        };
        let spans = BLOCK_SPANS + name_spans + spans_for_record(record.key, record.meta);
        if let Err(Exhausted) = self.store.arena.reserve(spans) {
            self.store.free_payload(Payload::Set(carrier));
            return Err(PutError::Trie(TrieError::Full));
        }
        let cell = first_cell(&self.store.arena, carrier);
        let root = self.store.place_cell(root, path, target, cell);
        self.store.free_carrier(carrier);
        self.write(record, Body::Document(root));
        let is_replaced = matches!(target, Target::Replace { .. });
        if is_replaced {
            self.demote(record.key, record.meta, root);
        }
        Ok(if is_replaced { Edited::Replaced } else { Edited::Added })
    }

    /// Packs a document in blocks if it has become small enough.
    fn demote(&mut self, key: &[u8], meta: Meta, root: Option<Ref>) {
        /// Stops as soon as the log is too large.
        struct Small<'a>(&'a mut super::document::Log);
        impl ValueSink for Small<'_> {
            fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
                self.0.event(event)?;
                if self.0.is_large() { Err(SinkError::TooLarge) } else { Ok(()) }
            }
        }
        let mut log = std::mem::take(&mut self.scratch.log);
        log.restart(0);
        let document = Value::new(&self.store, Payload::Set(root));
        let is_small = document.len() <= FIELDS_PACKED_MAX && document.emit(&mut Small(&mut log)).is_ok();
        self.scratch.log = log;
        if !is_small {
            return;
        }
        match self.store.pack(&mut self.scratch) {
            Ok(Built::Packed) => {
                self.put_built(key, meta, Built::Packed);
            }
            // Small, but its names take too much.
            Ok(built @ Built::Blocks(_)) => self.store.free_built(&self.scratch, built),
            Err(_) => {}
        }
    }
}
