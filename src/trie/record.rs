//! Records: the leaves of the trie.
//!
//! ```text
//! [tag: u8][0][key_len: u16][amount: u32]                                        always
//! [next: Ref][previous: Ref][slot: u16]                                          if threaded
//! [version: u128]                                                                if not zero
//! [expires_at_ms: u64]                                                           if it expires
//! [key bytes, or the first piece: Ref if longer than 1 KiB]
//! [text bytes, or the first piece: Ref if the whole would not fit 4 KiB]         if a text
//!
//! tag      1 0 expiring | outside | versioned | threaded | kind:2   amount   a text's length, a document's root
//! ```

use super::arena::{Arena, Owned, Ref, SMALL_BYTES_MAX, raw_of, ref_at, set_u32, u32_at};
use super::document::{Payload, Value};
use super::leaf::{self, KEY_INSIDE_MAX, LEAF};
use super::text::{self, Bytes};
use super::{Meta, Store};
use crate::record::{Kind, Slot, Version};
use crate::value::Segment;

const KIND_BITS: u8 = 0b11;
const THREADED: u8 = 1 << 2;
const VERSIONED: u8 = 1 << 3;
const OUTSIDE: u8 = 1 << 4;
const EXPIRING: u8 = 1 << 5;

const HEAD_BYTES: usize = 8;
const THREAD_BYTES: usize = 10;
const VERSION_BYTES: usize = 16;
const EXPIRY_BYTES: usize = 8;
const AMOUNT_OFFSET: usize = 4;
const SLOT_OFFSET: usize = 16;
/// Where the next record of the same slot is.
pub(super) const NEXT_OFFSET: usize = 8;
/// Where the previous record of the same slot is.
pub(super) const PREVIOUS_OFFSET: usize = 12;

/// A record's place in the list of its slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Thread {
    pub(super) slot: Slot,
    pub(super) next: Option<Ref>,
    pub(super) previous: Option<Ref>,
}

/// What a record holds, and where.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'a> {
    Text(&'a [u8]),
    TextOutside { first: Ref, len: usize },
    Document(Option<Ref>),
    Tombstone,
}

impl Body<'_> {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Body::Text(_) | Body::TextOutside { .. } => Kind::Text,
            Body::Document(_) => Kind::Document,
            Body::Tombstone => Kind::Tombstone,
        }
    }
}

impl<'a> Body<'a> {
    /// The same, with a text inside of the record copied to `copy`.
    pub(super) fn held_in(self, copy: &mut Vec<u8>) -> Body<'_> {
        match self {
            Body::Text(text) => {
                copy.extend_from_slice(text);
                Body::Text(copy)
            }
            Body::TextOutside { first, len } => Body::TextOutside { first, len },
            Body::Document(root) => Body::Document(root),
            Body::Tombstone => Body::Tombstone,
        }
    }
}

/// A key as it lies in a record.
#[derive(Clone, Copy, Debug)]
pub(super) enum Key<'a> {
    Inside(&'a [u8]),
    Outside { first: Ref, len: usize },
}

/// All of a record, to write it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    pub(super) thread: Option<Thread>,
    pub(super) version: Version,
    pub(super) expires_at_ms: Option<u64>,
    pub(super) key: Key<'a>,
    pub(super) body: Body<'a>,
}

impl Parts<'_> {
    fn version_offset(&self) -> usize {
        HEAD_BYTES + if self.thread.is_some() { THREAD_BYTES } else { 0 }
    }

    fn key_offset(&self) -> usize {
        let version = if self.version == Version::ZERO { 0 } else { VERSION_BYTES };
        let expiry = if self.expires_at_ms.is_some() { EXPIRY_BYTES } else { 0 };
        self.version_offset() + version + expiry
    }

    fn body_offset(&self) -> usize {
        self.key_offset()
            + match self.key {
                Key::Inside(key) => key.len(),
                Key::Outside { .. } => size_of::<u32>(),
            }
    }

    /// Bytes of the slot it needs.
    pub(super) fn len(&self) -> usize {
        self.body_offset()
            + match self.body {
                Body::Text(text) => text.len(),
                Body::TextOutside { .. } => size_of::<u32>(),
                Body::Document(_) | Body::Tombstone => 0,
            }
    }

    /// Stores a text outside if it does not fit the record's slot.
    pub(super) fn settle(&mut self, arena: &mut Arena) {
        if let Body::Text(text) = self.body
            && self.len() > SMALL_BYTES_MAX
        {
            self.body = Body::TextOutside { first: text::store(arena, text), len: text.len() };
        }
    }

    /// Writes it to the slot at `at`, which has at least [`Parts::len`] bytes.
    pub(super) fn write(&self, arena: &mut Arena, at: Ref) {
        let (key_offset, body_offset, len) = (self.key_offset(), self.body_offset(), self.len());
        let bytes = &mut arena.tail_mut(at)[..len];
        let (kind, amount, outside) = match self.body {
            Body::Text(text) => (0, text.len() as u32, 0),
            Body::TextOutside { len, .. } => (0, len as u32, OUTSIDE),
            Body::Document(root) => (1, raw_of(root), 0),
            Body::Tombstone => (2, 0, 0),
        };
        let mut tag = LEAF | kind | outside;
        if let Some(thread) = self.thread {
            tag |= THREADED;
            set_u32(bytes, NEXT_OFFSET, raw_of(thread.next));
            set_u32(bytes, PREVIOUS_OFFSET, raw_of(thread.previous));
            bytes[SLOT_OFFSET..SLOT_OFFSET + 2].copy_from_slice(&(thread.slot.index() as u16).to_le_bytes());
        }
        if self.version != Version::ZERO {
            tag |= VERSIONED;
            let start = self.version_offset();
            bytes[start..start + VERSION_BYTES].copy_from_slice(&self.version.0.to_le_bytes());
        }
        if let Some(expires_at_ms) = self.expires_at_ms {
            tag |= EXPIRING;
            bytes[key_offset - EXPIRY_BYTES..key_offset].copy_from_slice(&expires_at_ms.to_le_bytes());
        }
        let key_len = match self.key {
            Key::Inside(key) => {
                bytes[key_offset..body_offset].copy_from_slice(key);
                key.len()
            }
            Key::Outside { first, len } => {
                set_u32(bytes, key_offset, first.raw());
                len
            }
        };
        match self.body {
            Body::Text(text) => bytes[body_offset..].copy_from_slice(text),
            Body::TextOutside { first, .. } => set_u32(bytes, body_offset, first.raw()),
            Body::Document(_) | Body::Tombstone => {}
        }
        bytes[..2].copy_from_slice(&[tag, 0]);
        bytes[2..4].copy_from_slice(&(key_len as u16).to_le_bytes());
        set_u32(bytes, AMOUNT_OFFSET, amount);
    }
}

/// Where the key of the record that begins `bytes` is, and how long it is.
#[inline]
pub(super) fn key_place(bytes: &[u8]) -> (usize, usize) {
    let tag = bytes[0];
    let version = if tag & VERSIONED == 0 { 0 } else { VERSION_BYTES };
    let expiry = if tag & EXPIRING == 0 { 0 } else { EXPIRY_BYTES };
    (version_place(tag) + version + expiry, u16::from_le_bytes([bytes[2], bytes[3]]) as usize)
}

/// Where the version of a record with this tag is, if it has one.
#[inline]
fn version_place(tag: u8) -> usize {
    HEAD_BYTES + if tag & THREADED == 0 { 0 } else { THREAD_BYTES }
}

/// A record as it stands in the trie.
#[derive(Clone, Copy)]
pub struct Record<'t> {
    store: &'t Store,
    at: Ref,
    bytes: &'t [u8],
}

impl<'t> Record<'t> {
    #[inline]
    pub(super) fn new(store: &'t Store, at: Ref) -> Record<'t> {
        Record { store, at, bytes: store.arena.tail(at) }
    }

    #[inline]
    fn has(&self, flag: u8) -> bool {
        self.bytes[0] & flag != 0
    }

    /// Text, document or tombstone.
    #[inline]
    pub fn kind(&self) -> Kind {
        match self.bytes[0] & KIND_BITS {
            0 => Kind::Text,
            1 => Kind::Document,
            _ => Kind::Tombstone,
        }
    }

    /// The version it was written with.
    pub fn version(&self) -> Version {
        if !self.has(VERSIONED) {
            return Version::ZERO;
        }
        let start = version_place(self.bytes[0]);
        Version(u128::from_le_bytes(*self.bytes[start..].first_chunk().expect("16 bytes of version")))
    }

    /// When it expires, in milliseconds of the wall clock since 1970; `None`: never. Nothing happens by itself then:
    /// see [`Trie::next_expired`](super::Trie::next_expired).
    #[inline]
    pub fn expires_at_ms(&self) -> Option<u64> {
        if !self.has(EXPIRING) {
            return None;
        }
        let start = key_place(self.bytes).0 - EXPIRY_BYTES;
        Some(u64::from_le_bytes(*self.bytes[start..].first_chunk().expect("8 bytes of a time")))
    }

    /// How it was written.
    pub fn meta(&self) -> Meta {
        Meta { version: self.version(), slot: self.slot(), expires_at_ms: self.expires_at_ms() }
    }

    /// The slot it was written to, if a cluster wrote it.
    pub fn slot(&self) -> Option<Slot> {
        self.thread().map(|thread| thread.slot)
    }

    /// Its key.
    pub fn key(&self) -> Bytes<'t> {
        leaf::key_of(&self.store.arena, self.at)
    }

    /// Its text.
    ///
    /// # Panics
    /// If the kind is not [`Kind::Text`].
    #[inline]
    pub fn text(&self) -> Bytes<'t> {
        match self.body() {
            Body::Text(text) => Bytes::whole(text),
            Body::TextOutside { first, len } => Bytes::stored(&self.store.arena, first, len),
            other => panic!("the text of a {:?} is asked for", other.kind()),
        }
    }

    /// Its document, a set.
    ///
    /// # Panics
    /// If the kind is not [`Kind::Document`].
    pub fn document(&self) -> Value<'t> {
        match self.body() {
            Body::Document(root) => Value::new(self.store, Payload::Set(root)),
            other => panic!("the document of a {:?} is asked for", other.kind()),
        }
    }

    /// What stands at `path` in the document; nothing if this is no document. The empty path is the document.
    pub fn at(&self, path: &[Segment<'_>]) -> Option<Value<'t>> {
        if self.kind() == Kind::Document { self.document().at(path) } else { None }
    }

    pub(super) fn thread(&self) -> Option<Thread> {
        self.has(THREADED).then(|| Thread {
            slot: Slot::new(u16::from_le_bytes([self.bytes[SLOT_OFFSET], self.bytes[SLOT_OFFSET + 1]])),
            next: ref_at(self.bytes, NEXT_OFFSET),
            previous: ref_at(self.bytes, PREVIOUS_OFFSET),
        })
    }

    #[inline]
    pub(super) fn body(&self) -> Body<'t> {
        match self.kind() {
            Kind::Text => {
                let (key_offset, key_len) = key_place(self.bytes);
                let offset = key_offset + if key_len <= KEY_INSIDE_MAX { key_len } else { size_of::<u32>() };
                let len = u32_at(self.bytes, AMOUNT_OFFSET) as usize;
                if self.has(OUTSIDE) {
                    let first = ref_at(self.bytes, offset).expect("a long text has its own slots");
                    Body::TextOutside { first, len }
                } else {
                    Body::Text(&self.bytes[offset..offset + len])
                }
            }
            Kind::Document => Body::Document(ref_at(self.bytes, AMOUNT_OFFSET)),
            Kind::Tombstone => Body::Tombstone,
        }
    }

    /// The slots of a key that lies outside.
    pub(super) fn key_outside(&self) -> Option<(Ref, usize)> {
        let (offset, len) = key_place(self.bytes);
        let first = ref_at(self.bytes, offset).filter(|_| len > KEY_INSIDE_MAX)?;
        Some((first, len))
    }

    /// Notes who owns the record's slots, but those of a document.
    pub(super) fn own(&self, owned: &mut Owned<'_>) {
        let (key_offset, key_len) = key_place(self.bytes);
        let key = match self.key_outside() {
            None => Key::Inside(&self.bytes[key_offset..key_offset + key_len]),
            Some((first, len)) => {
                text::own(owned, &self.store.arena, first, len);
                Key::Outside { first, len }
            }
        };
        let body = self.body();
        if let Body::TextOutside { first, len } = body {
            text::own(owned, &self.store.arena, first, len);
        }
        let (thread, version, expires_at_ms) = (self.thread(), self.version(), self.expires_at_ms());
        let parts = Parts { thread, version, expires_at_ms, key, body };
        assert_eq!(self.has(OUTSIDE), matches!(body, Body::TextOutside { .. }));
        owned.own(self.at, parts.len());
    }
}
