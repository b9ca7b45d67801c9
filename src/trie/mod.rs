//! The store's only data structure.
//!
//! ```text
//! Trie     records    tree by key ── nodes ── runs ── entry = tag, body: a record        tree/, record.rs
//!          unlinked   trees of records that nobody reads any more, until they are freed       unlinked.rs
//!          slots      counts and digests; trees of regions of keys, and of their lists   slots.rs, slots/
//!          expiries   tree by time and key, entries without bodies                       expiry.rs
//!          names      radix tree by name ── leaf = field name, counted uses, id          names.rs, radix/
//!          versions   upper parts of versions, counted uses                              versions.rs
//!          arena      all of the above but the last, by u32 references                   arena.rs
//!
//! record   short text, or packed document, in the entry
//!          longer text in pieces                                                         text.rs
//!          large document ── block of cells ── blocks                                    document/
//! ```
//!
//! # What a key takes
//! For 1 M keys `person0` .. with a text of 8 bytes, in a run of ten to fifty: 8 the text, 1 to 2 the suffix, 1 its
//! mark (none if all suffixes have one byte), its share of 8 bytes of head, of the nodes above, and of the slot's
//! rounding. Lengths, tags and body sizes take nothing where all of a run are the same. docs/trie.md has the figures.
//!
//! The interface shows no node: keys, texts and values only, so that the inside may change. Nothing moves on growth,
//! and `Trie::check` finds every slot that has no owner or two.

mod arena;
mod check;
mod cursor;
mod document;
mod edit;
mod expiry;
mod finger;
mod leaf;
mod names;
mod ordered;
mod radix;
mod record;
mod slots;
mod tally;
mod text;
mod tree;
mod unlinked;
mod usage;
mod versions;
mod words;
mod work;
mod write;

pub use cursor::Cursor;
pub use document::{Child, Children, FieldName, Value, ValueKind};
pub use edit::Edited;
pub use ordered::Removed;
pub use record::Record;
pub use slots::SlotCursor;
pub use text::{Bytes, Chunks};
pub use unlinked::Unlinking;

use std::fmt;

use crate::limits::{BULK_BYTES_MAX, KEY_BYTES_MAX};
use crate::record::{Slot, Version};
use arena::{Arena, Exhausted, SPAN_BYTES, SPAN_BYTES_MIN};
use document::Scratch;
use names::Ids;
use radix::Radix;
use slots::Slots;
use tree::{RunLimits, Tree, Workshop};
use unlinked::Unlinked;
use versions::Versions;

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

/// How large the pieces become that a trie is built of. See [`Trie::with_pieces`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pieces {
    /// Entries of a run, 2 to 64.
    pub run_entries: usize,
    /// Bytes of a run, 60 to 1,536.
    pub run_bytes: usize,
    /// Records of a region, 4 to 144.
    pub region_records: usize,
    /// Bytes of a span that are cut into slots, 512 to 16,384, a multiple of 8. A span has 16,384 always; but if some
    /// stay unused, few records fill many spans, and the memory of those is moved together and given back by the KiB,
    /// where it usually takes MiB.
    pub span_bytes: usize,
}

impl Default for Pieces {
    fn default() -> Pieces {
        let RunLimits { entries, bytes } = RunLimits::default();
        Pieces {
            run_entries: entries,
            run_bytes: bytes,
            region_records: slots::RECORDS_MAX,
            span_bytes: SPAN_BYTES,
        }
    }
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
    ids: Ids,
    versions: Versions,
}

/// All records of one server, in key order.
pub struct Trie {
    store: Store,
    records: Tree,
    /// The records that expire, by time and key.
    expiries: Tree,
    expiring: usize,
    /// The sum of all times at which records expire.
    expiry_sum_ms: u128,
    slots: Slots,
    unlinked: Unlinked,
    scratch: Scratch,
    workshop: Workshop,
    finger: finger::Finger,
    work: work::Work,
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
            store: Store {
                arena: Arena::new(bytes_max),
                names: Radix::default(),
                ids: Ids::default(),
                versions: Versions::default(),
            },
            records: Tree::default(),
            expiries: Tree::default(),
            expiring: 0,
            expiry_sum_ms: 0,
            slots: Slots::default(),
            unlinked: Unlinked::default(),
            scratch: Scratch::default(),
            workshop: Workshop::default(),
            finger: finger::Finger::default(),
            work: work::Work::default(),
            live: 0,
            tombstones: 0,
            bytes_max,
            generation: 0,
        }
    }

    /// A trie of smaller pieces than usual, for tests: with few records everything happens to them that else happens
    /// to many.
    ///
    /// # Panics
    /// If a piece is smaller or larger than it may be.
    pub fn with_pieces(pieces: Pieces) -> Trie {
        let most = Pieces::default();
        assert!((2..=most.run_entries).contains(&pieces.run_entries), "{pieces:?}");
        assert!((60..=most.run_bytes).contains(&pieces.run_bytes), "{pieces:?}");
        assert!((4..=most.region_records).contains(&pieces.region_records), "{pieces:?}");
        assert!((SPAN_BYTES_MIN..=most.span_bytes).contains(&pieces.span_bytes), "{pieces:?}");
        assert!(pieces.span_bytes.is_multiple_of(8), "{pieces:?}");
        let mut trie = Trie::new();
        trie.set_pieces(pieces);
        trie
    }

    fn set_pieces(&mut self, pieces: Pieces) {
        self.workshop.limits = RunLimits { entries: pieces.run_entries, bytes: pieces.run_bytes };
        self.slots.regions.records_max = pieces.region_records;
        self.store.arena.cut_spans(pieces.span_bytes);
    }

    fn pieces(&self) -> Pieces {
        let RunLimits { entries, bytes } = self.workshop.limits;
        Pieces {
            run_entries: entries,
            run_bytes: bytes,
            region_records: self.slots.regions.records_max,
            span_bytes: self.store.arena.span_bytes(),
        }
    }

    /// Records, those that were deleted not counted; those that were unlinked are, until they are freed: nothing says
    /// at once how many they are.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there is no record but tombstones; if there are tombstones, as [`Trie::len`] counts.
    pub fn is_empty(&self) -> bool {
        self.live == 0 || self.records.is_empty()
    }

    /// Tombstones, as [`Trie::len`] counts.
    pub fn tombstones(&self) -> usize {
        self.tombstones
    }

    /// Bytes in use: every slot of the arena that has an owner, rounding included, and the table of slots.
    pub fn used_bytes(&self) -> usize {
        self.store.arena.used_bytes() + self.slots.used_bytes() + self.store.versions.used_bytes()
    }

    /// Bytes taken from the system and not given back, what is free in them included.
    pub fn reserved_bytes(&self) -> usize {
        self.store.arena.reserved_bytes() + self.slots.used_bytes() + self.store.versions.used_bytes()
    }

    /// Removes everything and gives the memory back.
    pub fn clear(&mut self) {
        let unlinked = std::mem::take(&mut self.unlinked).cleared();
        let generation = self.generation + 1;
        let mut empty = Trie { generation, unlinked, ..Trie::with_limit(self.bytes_max) };
        empty.set_pieces(self.pieces());
        *self = empty;
    }

    /// The record with this key; a tombstone too.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<Record<'_>> {
        let entry = self.records.get(&self.store.arena, key)?;
        Some(Record::new(&self.store, entry))
    }
}

fn check_key(key: &[u8]) -> Result<(), TrieError> {
    match key.len() {
        0 => Err(TrieError::KeyEmpty),
        1..=KEY_BYTES_MAX => Ok(()),
        _ => Err(TrieError::KeyTooLong),
    }
}

/// How many spans a record may fill at most beside its text: its run and what that bursts into, and the nodes of a long
/// key; the same again in each index that has the key too.
fn spans_for_record(key: &[u8], meta: Meta) -> usize {
    let once = 8 + 2 * text::spans_for(key.len());
    once * (1 + usize::from(meta.expires_at_ms.is_some()) + usize::from(meta.slot.is_some()))
}

#[cfg(test)]
mod tests;
