//! The store's only data structure.
//!
//! ```text
//! Trie     records: radix tree by key ── leaf = record: version, slot thread, key, text or document
//!          slots:   heads[16,384] ─────── lists through the records
//!          names:   radix tree by name ── leaf = field name, counted uses
//!          arena:   all of the above but the heads, by u32 references
//!
//! record   text in place, or as pieces            text.rs
//!          document ── block of cells ── blocks   document/
//! ```
//! Files: `arena` (chunks, spans, slots), `radix` (nodes), `leaf` and `record` (layouts), `text` (long texts),
//! `document` (blocks of fields; building, reading, removing), `names`, `slots`, `cursor`.
//!
//! The interface shows no node: keys, texts and values only, so that the inside may change. Nothing moves on growth,
//! nothing recurses, and `Trie::check` finds every slot that has no owner or two.

mod arena;
mod check;
mod cursor;
mod document;
mod edit;
mod expiry;
mod leaf;
mod names;
mod ordered;
mod radix;
mod record;
mod slots;
mod text;
mod tree;
mod usage;

pub use cursor::Cursor;
pub use document::{Value, ValueKind};
pub use edit::Edited;
pub use ordered::Removed;
pub use record::Record;
pub use text::{Bytes, Chunks};

use std::fmt;

use crate::limits::{BULK_BYTES_MAX, KEY_BYTES_MAX};
use crate::record::{Kind, Slot, Version};
use crate::value::{Segment, ValueSink};
use arena::{Arena, Exhausted};
use document::{Builder, Payload, Scratch};
use leaf::KEY_INSIDE_MAX;
use radix::{Found, Gap, Radix, Spot};
use record::{Body, Key, Parts};
use slots::Slots;

/// How a record is to be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Meta {
    /// Its version.
    pub version: Version,
    /// The slot in whose list it stands; `None` if no cluster wrote it: then it is in no list.
    pub slot: Option<Slot>,
    /// When it expires, in milliseconds of the wall clock since 1970; `None`: never.
    pub expires_at_ms: Option<u64>,
}

/// Why the trie did not take a record. Nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrieError {
    /// The key is empty.
    KeyEmpty,
    /// The key is longer than [`KEY_BYTES_MAX`].
    KeyTooLong,
    /// The text is longer than [`BULK_BYTES_MAX`].
    TextTooLong,
    /// The trie's limit of memory is reached.
    Full,
}

impl fmt::Display for TrieError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrieError::KeyEmpty => f.write_str("a key has at least one byte"),
            TrieError::KeyTooLong => write!(f, "a key has at most {KEY_BYTES_MAX} bytes"),
            TrieError::TextTooLong => write!(f, "a text has at most {BULK_BYTES_MAX} bytes"),
            TrieError::Full => f.write_str("the limit of memory is reached"),
        }
    }
}

impl std::error::Error for TrieError {}

impl From<Exhausted> for TrieError {
    fn from(Exhausted: Exhausted) -> TrieError {
        TrieError::Full
    }
}

/// Why a document was not stored: the trie's reason, or that of whoever told it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PutError<E> {
    /// The trie does not take it.
    Trie(TrieError),
    /// The telling ended in this error.
    Build(E),
}

/// What documents need to be read: the arena and the names in it.
pub(in crate::trie) struct Store {
    arena: Arena,
    names: Radix,
}

/// All records of one server, in key order.
pub struct Trie {
    store: Store,
    records: Radix,
    /// The records that expire, by time and key.
    expiries: Radix,
    expiring: usize,
    /// The sum of all times at which records expire.
    expiry_sum_ms: u128,
    slots: Slots,
    scratch: Scratch,
    live: usize,
    tombstones: usize,
    bytes_max: usize,
    /// Counts the changes after which a cursor's path no longer holds.
    generation: u64,
}

impl Default for Trie {
    fn default() -> Trie {
        Trie::new()
    }
}

impl fmt::Debug for Trie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trie of {} records in {} bytes", self.live, self.used_bytes())
    }
}

impl Trie {
    /// A trie without records; it takes no memory yet and at most what its references reach (32 GiB).
    pub fn new() -> Trie {
        Trie::with_limit(usize::MAX)
    }

    /// A trie that takes no record that would need more than `bytes_max` of memory. Deleting works at the limit too,
    /// so it may pass it by a few KiB.
    pub fn with_limit(bytes_max: usize) -> Trie {
        Trie {
            store: Store { arena: Arena::new(bytes_max), names: Radix::default() },
            records: Radix::default(),
            expiries: Radix::default(),
            expiring: 0,
            expiry_sum_ms: 0,
            slots: Slots::default(),
            scratch: Scratch::default(),
            live: 0,
            tombstones: 0,
            bytes_max,
            generation: 0,
        }
    }

    /// Records, those that were deleted not counted.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there is no record but tombstones.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Tombstones.
    pub fn tombstones(&self) -> usize {
        self.tombstones
    }

    /// Live records of `slot`.
    pub fn slot_len(&self, slot: Slot) -> usize {
        self.slots.live(slot)
    }

    /// What all records of `slot` add up to: the sum, modulo 2^128, of a hash of each one's key, version and kind,
    /// tombstones too. Two servers whose sums agree hold the same versions of the same records. Kept with every write.
    pub fn slot_digest(&self, slot: Slot) -> u128 {
        self.slots.digest(slot)
    }

    /// Bytes in use: every slot of the arena that has an owner, rounding included, and the table of slots.
    pub fn used_bytes(&self) -> usize {
        self.store.arena.used_bytes() + self.slots.used_bytes()
    }

    /// Bytes taken from the system, what is free in them included.
    pub fn reserved_bytes(&self) -> usize {
        self.store.arena.reserved_bytes() + self.slots.used_bytes()
    }

    /// Removes everything and gives the memory back.
    pub fn clear(&mut self) {
        *self = Trie { generation: self.generation + 1, ..Trie::with_limit(self.bytes_max) };
    }

    /// The record with this key; a tombstone too.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<Record<'_>> {
        let leaf = self.records.get(&self.store.arena, key)?;
        Some(Record::new(&self.store, leaf))
    }

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
        let root = builder.finish();
        if let Err(Exhausted) = self.store.arena.reserve(spans_for_record(key, meta)) {
            self.store.free_payload(Payload::Set(root));
            return Err(PutError::Trie(TrieError::Full));
        }
        Ok(self.put(key, meta, Body::Document(root)))
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
        let Spot::Found(found) = self.records.locate(&self.store.arena, key) else { return None };
        let record = Record::new(&self.store, found.leaf);
        let (kind, meta) = (record.kind(), record.meta());
        let (thread, body, key_outside) = (record.thread(), stored(record), record.key_outside());
        self.store.free_body(body);
        if let Some((first, len)) = key_outside {
            text::free(&mut self.store.arena, first, len);
        }
        if let Some(thread) = thread {
            self.slots.unlink(&mut self.store.arena, thread);
        }
        self.forget(key, kind, meta);
        self.records.detach(&mut self.store.arena, found);
        self.store.arena.free(found.leaf);
        self.generation += 1;
        Some(kind)
    }

    /// Removes one field or array element of a document and gives the record `version`; whether it was there. If not,
    /// nothing changes.
    pub fn remove_at(&mut self, key: &[u8], path: &[Segment<'_>], version: Version) -> bool {
        let Spot::Found(found) = self.records.locate(&self.store.arena, key) else { return false };
        let record = Record::new(&self.store, found.leaf);
        let (Body::Document(root), meta) = (record.body(), record.meta()) else { return false };
        let Some(root) = self.store.remove_at(root, path) else { return false };
        self.rewrite(found, key, Meta { version, ..meta }, Body::Document(root));
        true
    }

    /// Walks the records of one slot, tombstones too, without walking the others: the one that follows `after`, or
    /// the first if `after` is `None` or (no longer) in the slot. Its key replaces the content of `out`.
    ///
    /// The order is that of the list, the newest key first; replacing a record keeps its place. So a walk meets every
    /// record that stands throughout, and none twice unless the record it stood at was removed.
    pub fn slot_next(&self, slot: Slot, after: Option<&[u8]>, out: &mut Vec<u8>) -> Option<Record<'_>> {
        let at = after.and_then(|key| self.get(key)).and_then(|record| record.thread());
        let next = match at.filter(|thread| thread.slot == slot) {
            Some(thread) => thread.next,
            None => self.slots.first(slot),
        };
        self.record_and_key(next?, out)
    }
}

/// How records are written, whatever they hold.
impl Trie {
    fn put(&mut self, key: &[u8], meta: Meta, body: Body<'_>) -> Option<Kind> {
        match self.records.locate(&self.store.arena, key) {
            Spot::Found(found) => {
                let record = Record::new(&self.store, found.leaf);
                let (kind, old) = (record.kind(), stored(record));
                self.store.free_body(old);
                self.rewrite(found, key, meta, body);
                Some(kind)
            }
            Spot::Missing(gap) => {
                self.insert(gap, key, meta, body);
                None
            }
        }
    }

    fn insert(&mut self, gap: Gap, key: &[u8], meta: Meta, body: Body<'_>) {
        let arena = &mut self.store.arena;
        let key_part = if key.len() <= KEY_INSIDE_MAX {
            Key::Inside(key)
        } else {
            Key::Outside { first: text::store(arena, key), len: key.len() }
        };
        let mut parts = Parts {
            thread: None,
            version: meta.version,
            expires_at_ms: meta.expires_at_ms,
            key: key_part,
            body,
        };
        // The thread's room is needed before its neighbours are known.
        parts.thread = meta.slot.map(|slot| record::Thread { slot, next: None, previous: None });
        parts.settle(arena);
        let at = arena.alloc(parts.len());
        parts.thread = meta.slot.map(|slot| self.slots.link(arena, slot, at));
        parts.write(arena, at);
        self.records.attach(arena, gap, key, at);
        self.note(key, parts.body.kind(), meta);
        self.generation += 1;
    }

    /// Writes the record that was found anew; what its old body held is freed or taken over already.
    fn rewrite(&mut self, found: Found, key: &[u8], meta: Meta, body: Body<'_>) {
        let record = Record::new(&self.store, found.leaf);
        let (old_kind, old_meta, old_thread) = (record.kind(), record.meta(), record.thread());
        let key_part = match record.key_outside() {
            None => Key::Inside(key),
            Some((first, len)) => Key::Outside { first, len },
        };
        let arena = &mut self.store.arena;
        let kept = old_thread.filter(|thread| Some(thread.slot) == meta.slot);
        if let Some(thread) = old_thread.filter(|_| kept.is_none()) {
            self.slots.unlink(arena, thread);
        }
        let place = meta.slot.map(|slot| record::Thread { slot, next: None, previous: None });
        let mut parts = Parts {
            thread: kept.or(place),
            version: meta.version,
            expires_at_ms: meta.expires_at_ms,
            key: key_part,
            body,
        };
        parts.settle(arena);
        let stays = Arena::rounded(parts.len()) == arena.slot_bytes(found.leaf);
        let at = if stays { found.leaf } else { arena.alloc(parts.len()) };
        match kept {
            None => parts.thread = meta.slot.map(|slot| self.slots.link(arena, slot, at)),
            Some(thread) if !stays => self.slots.moved(arena, thread, at),
            Some(_) => {}
        }
        parts.write(arena, at);
        if !stays {
            self.records.replace(arena, found, at);
            arena.free(found.leaf);
            self.generation += 1;
        }
        self.forget(key, old_kind, old_meta);
        self.note(key, parts.body.kind(), meta);
    }

    /// Books a record that is there now.
    fn note(&mut self, key: &[u8], kind: Kind, meta: Meta) {
        self.count(key, kind, meta, 1);
        if let Some(at_ms) = meta.expires_at_ms {
            self.add_expiry(at_ms, key);
        }
    }

    /// Takes a record that was there out of the books.
    fn forget(&mut self, key: &[u8], kind: Kind, meta: Meta) {
        self.count(key, kind, meta, -1);
        if let Some(at_ms) = meta.expires_at_ms {
            self.remove_expiry(at_ms, key);
        }
    }

    /// Counts a record of this kind more or less.
    fn count(&mut self, key: &[u8], kind: Kind, meta: Meta, by: i32) {
        let count = if kind == Kind::Tombstone { &mut self.tombstones } else { &mut self.live };
        *count = count.checked_add_signed(by as isize).expect("never less than no records");
        let Some(slot) = meta.slot else { return };
        self.slots.digest_add(slot, slots::digest_of(key, meta.version, kind), by);
        if kind != Kind::Tombstone {
            self.slots.count(slot, by);
        }
    }
}

/// A body that no longer borrows from the arena: a text inside of its record goes with it.
fn stored(record: Record<'_>) -> Body<'static> {
    match record.body() {
        Body::Text(_) | Body::Tombstone => Body::Tombstone,
        Body::TextOutside { first, len } => Body::TextOutside { first, len },
        Body::Document(root) => Body::Document(root),
    }
}

impl Store {
    fn free_body(&mut self, body: Body<'_>) {
        match body {
            Body::Text(_) | Body::Tombstone => {}
            Body::TextOutside { first, len } => text::free(&mut self.arena, first, len),
            Body::Document(root) => self.free_payload(Payload::Set(root)),
        }
    }
}

fn check_key(key: &[u8]) -> Result<(), TrieError> {
    match key.len() {
        0 => Err(TrieError::KeyEmpty),
        1..=KEY_BYTES_MAX => Ok(()),
        _ => Err(TrieError::KeyTooLong),
    }
}

/// How many spans a record may fill at most beside its text: itself, its key, and the nodes to it.
fn spans_for_record(key: &[u8], meta: Meta) -> usize {
    let nodes = if key.len() <= KEY_INSIDE_MAX { 8 } else { 8 + 2 * text::spans_for(key.len()) };
    // The index of expiries has the key again.
    if meta.expires_at_ms.is_some() { 2 * nodes + 1 } else { nodes }
}

#[cfg(test)]
mod tests;
