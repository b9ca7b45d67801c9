//! Changing a part of a document. In a large one the rest stays where it is; a small one is written anew.

use super::arena::{Exhausted, Ref};
use super::document::{BLOCK_SPANS, Builder, Built, Change, Changing, Payload, Target, first_cell};
use super::record::Body;
use super::{Meta, PutError, Trie, TrieError, Value, names, spans_for_record};
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
        self.edit(key, path, version, false, build)
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
        self.edit(key, path, version, true, build)
    }

    /// Removes one field or array element of a document and gives the record `version`; whether it was there. If not,
    /// nothing changes.
    pub fn remove_at(&mut self, key: &[u8], path: &[Segment<'_>], version: Version) -> bool {
        let Some(record) = self.get(key) else { return false };
        let meta = Meta { version, ..record.meta() };
        let root = match record.body() {
            Body::Packed(_) => {
                if path.is_empty() || record.at(path).is_none() {
                    return false;
                }
                let built = self.change(key, path, false, None).expect("less than before fits");
                self.put_built(key, meta, built);
                return true;
            }
            Body::Document(root) => root,
            _ => return false,
        };
        let Some(root) = self.store.remove_at(root, path) else { return false };
        self.rewrite(key, meta, Some(root));
        self.demote(key, meta, root);
        true
    }

    fn edit<E>(
        &mut self,
        key: &[u8],
        path: &[Segment<'_>],
        version: Version,
        insert: bool,
        build: impl FnOnce(&mut dyn ValueSink) -> Result<(), E>,
    ) -> Result<Edited, PutError<E>> {
        let Some(record) = self.get(key) else { return Ok(Edited::Nowhere) };
        let meta = Meta { version, ..record.meta() };
        match record.body() {
            Body::Packed(_) => self.edit_packed(key, path, meta, insert, build),
            Body::Document(root) => self.edit_blocks(key, path, meta, root, insert, build),
            _ => Ok(Edited::Nowhere),
        }
    }

    fn edit_packed<E>(
        &mut self,
        key: &[u8],
        path: &[Segment<'_>],
        meta: Meta,
        insert: bool,
        build: impl FnOnce(&mut dyn ValueSink) -> Result<(), E>,
    ) -> Result<Edited, PutError<E>> {
        let Some((last, parents)) = path.split_last() else { return Ok(Edited::Nowhere) };
        let document = self.get(key).map(|record| record.document()).expect("it was just there");
        let edited = match (document.at(parents), last) {
            (Some(parent), _) if !accepts(parent, *last, insert) => Edited::Nowhere,
            (None, _) => Edited::Nowhere,
            (Some(parent), _) if !insert && parent.at(&[*last]).is_some() => Edited::Replaced,
            _ => Edited::Added,
        };
        if edited == Edited::Nowhere {
            return Ok(edited);
        }
        let mut value = std::mem::take(&mut self.scratch.value);
        value.restart(path.len());
        let told = build(&mut value);
        assert!(told.is_err() || value.is_done(), "a value is told to its end");
        self.scratch.value = value;
        told.map_err(PutError::Build)?;
        let full = |_: SinkError| PutError::Trie(TrieError::Full);
        let built = self.change(key, path, insert, Some(())).map_err(full)?;
        if let Err(Exhausted) = self.store.arena.reserve(spans_for_record(key, meta)) {
            self.store.free_built(&self.scratch, built);
            return Err(PutError::Trie(TrieError::Full));
        }
        self.put_built(key, meta, built);
        Ok(edited)
    }

    /// Builds a document anew with one change: without what is at `path`, or with the value that was logged.
    fn change(
        &mut self,
        key: &[u8],
        path: &[Segment<'_>],
        insert: bool,
        value: Option<()>,
    ) -> Result<Built, SinkError> {
        let mut log = std::mem::take(&mut self.scratch.log);
        let new = std::mem::take(&mut self.scratch.value);
        log.restart(0);
        let change = match value {
            None => Change::Remove,
            Some(()) if insert => Change::Insert(&new),
            Some(()) => Change::Put(&new),
        };
        let mut changing = Changing::new(&mut log, path, change);
        let told = self.get(key).map(|record| record.document().emit(&mut changing));
        assert!(changing.is_changed, "the path was looked at before");
        self.scratch.log = log;
        self.scratch.value = new;
        told.expect("it was just there")?;
        self.store.pack(&mut self.scratch)
    }

    fn edit_blocks<E>(
        &mut self,
        key: &[u8],
        path: &[Segment<'_>],
        meta: Meta,
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
        let spans = BLOCK_SPANS + name_spans + spans_for_record(key, meta);
        if let Err(Exhausted) = self.store.arena.reserve(spans) {
            self.store.free_payload(Payload::Set(carrier));
            return Err(PutError::Trie(TrieError::Full));
        }
        let cell = first_cell(&self.store.arena, carrier);
        let root = self.store.place_cell(root, path, target, cell);
        self.store.free_carrier(carrier);
        self.rewrite(key, meta, Some(root));
        let is_replaced = matches!(target, Target::Replace { .. });
        if is_replaced {
            self.demote(key, meta, root);
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

/// Whether `segment` may name a place in a set or array: of what is there, or of what comes.
fn accepts(parent: Value<'_>, segment: Segment<'_>, insert: bool) -> bool {
    match (parent.kind(), segment) {
        (super::ValueKind::Set, Segment::Field(_)) => !insert,
        (super::ValueKind::Array, Segment::Index(index)) => index < parent.len() + usize::from(insert),
        _ => false,
    }
}
