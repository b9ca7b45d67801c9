//! Records: what the entries of the tree hold.
//!
//! ```text
//! tag      [kind:2][outside][expiring][slot own][slot given][version:2]     one byte
//! body     [slot: u16]               if given: another than that of its key, which is not stored
//!          [epoch: u16][low: u24 or u32]    short or long version, see versions.rs;  or  [version: u128]  if whole;
//!                                           nothing if zero
//!          [expires_at_ms: u64]      if it expires
//!          text                      its bytes, or outside  [first piece: Ref][len: u32]
//!          document                  packed, see document/packed.rs, or outside  [root: Ref]
//! ```

use arrayvec::ArrayVec;

use super::arena::{Arena, Owned, Ref, SMALL_BYTES_MAX, raw_of, ref_at, set_u32, u32_at};
use super::document::{Payload, Value};
use super::tally;
use super::text::{self, Bytes};
use super::tree::{Entry, PART_BYTES_MAX, Run};
use super::{Meta, Store, versions};
use crate::record::{Kind, Slot, Version};
use crate::value::Segment;

const KIND_BITS: u8 = 0b11;
const OUTSIDE: u8 = 1 << 2;
const EXPIRING: u8 = 1 << 3;
const SLOT_OWN: u8 = 1 << 4;
const SLOT_GIVEN: u8 = 1 << 5;
const VERSION_BITS: u8 = 0b11 << 6;
const VERSION_SHORT: u8 = 1 << 6;
const VERSION_LONG: u8 = 2 << 6;
const VERSION_WHOLE: u8 = 3 << 6;

const SLOT_BYTES: usize = 2;
const SHORT_BYTES: usize = 5;
const LONG_BYTES: usize = 6;
const WHOLE_BYTES: usize = 16;
const EXPIRY_BYTES: usize = 8;
/// The longest text that lies in its entry.
pub(super) const TEXT_INSIDE_MAX: usize = 64;
/// The longest packed document that lies in its entry.
pub(super) const PACKED_INSIDE_MAX: usize = PART_BYTES_MAX - SLOT_BYTES - WHOLE_BYTES - EXPIRY_BYTES;

const _: () = assert!(TEXT_INSIDE_MAX <= PACKED_INSIDE_MAX);

/// What a record holds, and where.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'a> {
    Text(&'a [u8]),
    TextOutside { first: Ref, len: usize },
    Packed(&'a [u8]),
    Document(Option<Ref>),
    Tombstone,
}

impl<'a> Body<'a> {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Body::Text(_) | Body::TextOutside { .. } => Kind::Text,
            Body::Packed(_) | Body::Document(_) => Kind::Document,
            Body::Tombstone => Kind::Tombstone,
        }
    }

    /// The same, with what lies in the entry copied to `copy`.
    pub(super) fn held_in(self, copy: &mut Vec<u8>) -> Body<'_> {
        if let Body::Text(bytes) | Body::Packed(bytes) = self {
            copy.clear();
            copy.extend_from_slice(bytes);
        }
        match self {
            Body::Text(_) => Body::Text(copy),
            Body::Packed(_) => Body::Packed(copy),
            Body::TextOutside { first, len } => Body::TextOutside { first, len },
            Body::Document(root) => Body::Document(root),
            Body::Tombstone => Body::Tombstone,
        }
    }
}

/// A record as an entry of the tree, to be stored.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives for one write, and never in the heap")]
pub(super) enum Encoded<'t> {
    /// A text or packed document with no books about it: most records of a server without a cluster.
    Plain {
        tag: u8,
        body: &'t [u8],
    },
    Built {
        tag: u8,
        body: ArrayVec<u8, PART_BYTES_MAX>,
    },
}

impl Encoded<'_> {
    pub(super) fn entry(&self) -> Entry<'_> {
        match self {
            Encoded::Plain { tag, body } => Entry { tag: *tag, body },
            Encoded::Built { tag, body } => Entry { tag: *tag, body },
        }
    }
}

impl Store {
    /// The entry of a record. A text that is too long for it is stored outside, and its version is noted.
    pub(super) fn encode<'t>(&mut self, key: &[u8], meta: Meta, mut body: Body<'t>) -> Encoded<'t> {
        match body {
            Body::Text(text) if text.len() > TEXT_INSIDE_MAX => {
                body = Body::TextOutside { first: text::store(&mut self.arena, text), len: text.len() };
            }
            Body::Text(bytes) | Body::Packed(bytes) if meta == Meta::default() => {
                return Encoded::Plain { tag: kind_bits(body.kind()), body: bytes };
            }
            _ => {}
        }
        let (mut tag, mut out) = (kind_bits(body.kind()), ArrayVec::<u8, PART_BYTES_MAX>::new());
        let mut push = |bytes: &[u8]| out.try_extend_from_slice(bytes).expect("a record fits its entry");
        match meta.slot {
            Some(slot) if slot == Slot::of(key) => tag |= SLOT_OWN,
            Some(slot) => {
                tag |= SLOT_GIVEN;
                push(&(slot.index() as u16).to_le_bytes());
            }
            None => {}
        }
        if meta.version != Version::ZERO {
            match self.versions.note(meta.version) {
                Some((epoch, low)) => {
                    push(&epoch.to_le_bytes());
                    match versions::shortened(low) {
                        Some(short) => {
                            tag |= VERSION_SHORT;
                            push(&short);
                        }
                        None => {
                            tag |= VERSION_LONG;
                            push(&low.to_le_bytes());
                        }
                    }
                }
                None => {
                    tag |= VERSION_WHOLE;
                    push(&meta.version.0.to_le_bytes());
                }
            }
        }
        if let Some(expires_at_ms) = meta.expires_at_ms {
            tag |= EXPIRING;
            push(&expires_at_ms.to_le_bytes());
        }
        match body {
            Body::Text(bytes) | Body::Packed(bytes) => push(bytes),
            Body::TextOutside { first, len } => {
                tag |= OUTSIDE;
                push(&first.raw().to_le_bytes());
                push(&(len as u32).to_le_bytes());
            }
            Body::Document(root) => {
                tag |= OUTSIDE;
                push(&raw_of(root).to_le_bytes());
            }
            Body::Tombstone => {}
        }
        Encoded::Built { tag, body: out }
    }
}

const fn kind_bits(kind: Kind) -> u8 {
    match kind {
        Kind::Text => 0,
        Kind::Document => 1,
        Kind::Tombstone => 2,
    }
}

/// What a record with this tag is.
#[inline]
pub(super) fn kind_of(tag: u8) -> Kind {
    match tag & KIND_BITS {
        0 => Kind::Text,
        1 => Kind::Document,
        _ => Kind::Tombstone,
    }
}

/// Where the version of a record with this tag is, if it has one.
#[inline]
fn version_place(tag: u8) -> usize {
    if tag & SLOT_GIVEN == 0 { 0 } else { SLOT_BYTES }
}

/// Where the expiry of a record with this tag is, if it has one.
#[inline]
fn expiry_place(tag: u8) -> usize {
    let version = match tag & VERSION_BITS {
        0 => 0,
        VERSION_SHORT => SHORT_BYTES,
        VERSION_LONG => LONG_BYTES,
        _ => WHOLE_BYTES,
    };
    version_place(tag) + version
}

/// Where what a record with this tag holds is.
#[inline]
fn body_place(tag: u8) -> usize {
    expiry_place(tag) + if tag & EXPIRING == 0 { 0 } else { EXPIRY_BYTES }
}

/// Moves the texts of one piece that the records of a run have outside, if their spans are being emptied.
pub(super) fn move_outside(arena: &mut Arena, run: Ref) {
    for index in 0..Run::at(arena, run).count() {
        let (tag, body) = Run::at(arena, run).place_at(index);
        if tag & (OUTSIDE | KIND_BITS) != OUTSIDE | kind_bits(Kind::Text) {
            continue;
        }
        let start = body + body_place(tag);
        let bytes = arena.tail(run);
        let (first, len) = (ref_at(bytes, start), u32_at(bytes, start + 4) as usize);
        let first = first.expect("a long text has its own slots");
        if len <= SMALL_BYTES_MAX && arena.is_sparse(first) {
            tally::note(tally::Event::TextMoved);
            let moved = arena.copy(first);
            set_u32(arena.tail_mut(run), start, moved.raw());
            arena.free(first);
        }
    }
}

/// The text of any record that has one. It is given in parts, which stay in registers.
#[inline(never)]
fn any_text<'t>(store: &'t Store, tag: u8, body: &'t [u8]) -> Bytes<'t> {
    match body_of(tag, body) {
        Body::Text(text) => Bytes::whole(text),
        Body::TextOutside { first, len } => Bytes::stored(&store.arena, first, len),
        other => panic!("the text of a {:?} is asked for", other.kind()),
    }
}

/// What an entry holds.
#[inline]
fn body_of(tag: u8, bytes: &[u8]) -> Body<'_> {
    let bytes = &bytes[body_place(tag)..];
    match (kind_of(tag), tag & OUTSIDE != 0) {
        (Kind::Text, false) => Body::Text(bytes),
        (Kind::Text, true) => {
            let first = ref_at(bytes, 0).expect("a long text has its own slots");
            Body::TextOutside { first, len: u32_at(bytes, 4) as usize }
        }
        (Kind::Document, false) => Body::Packed(bytes),
        (Kind::Document, true) => Body::Document(ref_at(bytes, 0)),
        (Kind::Tombstone, _) => Body::Tombstone,
    }
}

/// A record as it stands in the trie.
#[derive(Clone, Copy)]
pub struct Record<'t> {
    store: &'t Store,
    bytes: &'t [u8],
    tag: u8,
}

impl<'t> Record<'t> {
    #[inline]
    pub(super) fn new(store: &'t Store, entry: Entry<'t>) -> Record<'t> {
        Record { store, bytes: entry.body, tag: entry.tag }
    }

    #[inline]
    fn has(&self, flag: u8) -> bool {
        self.tag & flag != 0
    }

    /// Text, document or tombstone.
    #[inline]
    pub fn kind(&self) -> Kind {
        kind_of(self.tag)
    }

    /// The version it was written with.
    pub fn version(&self) -> Version {
        let bytes = &self.bytes[version_place(self.tag)..];
        let low = match self.tag & VERSION_BITS {
            0 => return Version::ZERO,
            VERSION_SHORT => versions::lengthened([bytes[2], bytes[3], bytes[4]]),
            VERSION_LONG => u32_at(bytes, 2),
            _ => return Version(u128::from_le_bytes(*bytes.first_chunk().expect("16 bytes of version"))),
        };
        self.store.versions.version(u16::from_le_bytes([bytes[0], bytes[1]]), low)
    }

    /// The slot it was written to, if a cluster wrote it. `key` must be the record's own: mostly the slot is not stored
    /// but computed from that, which takes longer than to find the record in a walk.
    pub fn slot(&self, key: &[u8]) -> Option<Slot> {
        self.slot_or(|| Slot::of(key))
    }

    /// As [`Record::slot`], for who has a shorter way to the slot of the record's key.
    #[inline]
    pub(super) fn slot_or(&self, of_key: impl FnOnce() -> Slot) -> Option<Slot> {
        match self.tag & (SLOT_OWN | SLOT_GIVEN) {
            0 => None,
            SLOT_OWN => Some(of_key()),
            _ => Some(Slot::new(u16::from_le_bytes([self.bytes[0], self.bytes[1]]))),
        }
    }

    /// Whether it was written to a slot, whichever that is.
    pub(super) fn has_slot(&self) -> bool {
        self.has(SLOT_OWN | SLOT_GIVEN)
    }

    /// When it expires, in milliseconds of the wall clock since 1970; `None`: never. Nothing happens by itself then:
    /// see [`Trie::next_expired`](super::Trie::next_expired).
    #[inline]
    pub fn expires_at_ms(&self) -> Option<u64> {
        if !self.has(EXPIRING) {
            return None;
        }
        let start = expiry_place(self.tag);
        Some(u64::from_le_bytes(*self.bytes[start..].first_chunk().expect("8 bytes of a time")))
    }

    /// How it was written. `key` must be the record's own, see [`Record::slot`].
    #[inline]
    pub fn meta(&self, key: &[u8]) -> Meta {
        if self.tag & !(KIND_BITS | OUTSIDE) == 0 {
            return Meta::default();
        }
        Meta { version: self.version(), slot: self.slot(key), expires_at_ms: self.expires_at_ms() }
    }

    /// Its text.
    ///
    /// # Panics
    /// If the kind is not [`Kind::Text`].
    #[inline]
    pub fn text(&self) -> Bytes<'t> {
        // The tag of a short text without a version and an expiry: nothing is before it.
        if self.tag & !SLOT_OWN == kind_bits(Kind::Text) {
            Bytes::whole(self.bytes)
        } else {
            any_text(self.store, self.tag, self.bytes)
        }
    }

    /// Its document, a set.
    ///
    /// # Panics
    /// If the kind is not [`Kind::Document`].
    pub fn document(&self) -> Value<'t> {
        match self.body() {
            Body::Document(root) => Value::new(self.store, Payload::Set(root)),
            Body::Packed(bytes) => Value::new(self.store, Payload::PackedSet(bytes)),
            other => panic!("the document of a {:?} is asked for", other.kind()),
        }
    }

    /// What stands at `path` in the document; nothing if this is no document. The empty path is the document.
    pub fn at(&self, path: &[Segment<'_>]) -> Option<Value<'t>> {
        if self.kind() == Kind::Document { self.document().at(path) } else { None }
    }

    #[inline]
    pub(super) fn body(&self) -> Body<'t> {
        body_of(self.tag, self.bytes)
    }

    /// Notes who owns what the record has outside, but those of a document.
    pub(super) fn own(&self, owned: &mut Owned<'_>) {
        if let Body::TextOutside { first, len } = self.body() {
            assert!(len > TEXT_INSIDE_MAX, "a short text lies outside");
            text::own(owned, &self.store.arena, first, len);
        }
    }

    /// Which epoch its version is noted in.
    pub(super) fn epoch(&self) -> Option<u16> {
        let bytes = &self.bytes[version_place(self.tag)..];
        let is_noted = matches!(self.tag & VERSION_BITS, VERSION_SHORT | VERSION_LONG);
        is_noted.then(|| u16::from_le_bytes([bytes[0], bytes[1]]))
    }
}
