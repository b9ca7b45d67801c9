//! Changing a part of a document and leaving the rest where it is.

use super::arena::Exhausted;
use super::document::{BLOCK_SPANS, Builder, Payload, Target, first_cell};
use super::radix::Spot;
use super::record::Body;
use super::{Meta, PutError, Record, Trie, TrieError, names};
use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::record::Version;
use crate::value::{Event, Segment, SinkError, ValueSink};

/// What became of a change inside a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edited {
    /// The path leads nowhere: there is no document, or nothing on the way that could hold the value. Nothing was
    /// changed, and nobody was asked for the value.
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

    fn edit<E>(
        &mut self,
        key: &[u8],
        path: &[Segment<'_>],
        version: Version,
        insert: bool,
        build: impl FnOnce(&mut dyn ValueSink) -> Result<(), E>,
    ) -> Result<Edited, PutError<E>> {
        let Spot::Found(found) = self.records.locate(&self.store.arena, key) else {
            return Ok(Edited::Nowhere);
        };
        let record = Record::new(&self.store, found.leaf);
        let (Body::Document(root), meta) = (record.body(), record.meta()) else {
            return Ok(Edited::Nowhere);
        };
        let Some(target) = self.store.target(root, path, insert) else { return Ok(Edited::Nowhere) };
        // The value is told as the only field of a set, which is taken apart again.
        let mut builder = Builder::below(&mut self.store, &mut self.scratch, path.len() - 1);
        let full = |_: SinkError| PutError::Trie(TrieError::Full);
        builder.event(Event::BeginSet).map_err(full)?;
        builder.event(Event::Field("")).map_err(full)?;
        build(&mut builder).map_err(PutError::Build)?;
        builder.event(Event::EndSet).map_err(full)?;
        let carrier = builder.finish();
        let name_spans = match path.last() {
            Some(Segment::Field(name)) => names::spans_for(name.len()),
            _ => 0,
        };
        if let Err(Exhausted) = self.store.arena.reserve(BLOCK_SPANS + name_spans) {
            self.store.free_payload(Payload::Set(carrier));
            return Err(PutError::Trie(TrieError::Full));
        }
        let cell = first_cell(&self.store.arena, carrier);
        let root = self.store.place_cell(root, path, target, cell);
        self.store.free_carrier(carrier);
        self.rewrite(found, key, Meta { version, ..meta }, Body::Document(root));
        Ok(if matches!(target, Target::Replace { .. }) { Edited::Replaced } else { Edited::Added })
    }
}

const _: () = assert!(DOCUMENT_DEPTH_MAX > 1, "a value stands in a set");
