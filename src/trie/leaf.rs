//! What a radix tree's leaves have in common: a tag that no node has, and a whole key.
//!
//! ```text
//! name     11000000 [0][id: u16] [uses: u32] [len: u32] [name bytes, or first piece if longer than 1 KiB]
//! field    11000001 [3] [name: Ref, its 4 bytes are the key] [block: Ref]
//! ```
//! A node's first byte is below 0x80 (its capacity).

use super::arena::{Arena, Ref, ref_at, u32_at};
use super::text::Bytes;

/// Set in the first byte of every leaf.
pub(super) const LEAF: u8 = 0x80;
/// First byte of a field name.
pub(super) const NAME: u8 = 0xC0;
/// First byte of an entry of a large set's index.
pub(super) const FIELD: u8 = 0xC1;
/// A key up to this length lies inside its leaf; a longer one has its own slots.
pub(super) const KEY_INSIDE_MAX: usize = 1024;

/// Where a name's bytes begin.
pub(super) const NAME_HEAD_BYTES: usize = 12;
/// Bytes of a [`FIELD`] leaf.
pub(super) const FIELD_BYTES: usize = 12;

/// The whole key of the leaf at `at`.
#[inline]
pub(super) fn key_of(arena: &Arena, at: Ref) -> Bytes<'_> {
    let bytes = arena.tail(at);
    match bytes[0] {
        NAME => stored_key(arena, bytes, NAME_HEAD_BYTES, u32_at(bytes, 8) as usize),
        FIELD => Bytes::whole(&bytes[4..8]),
        other => panic!("{other} is no leaf"),
    }
}

#[inline]
fn stored_key<'t>(arena: &'t Arena, bytes: &'t [u8], offset: usize, len: usize) -> Bytes<'t> {
    if len <= KEY_INSIDE_MAX {
        Bytes::whole(&bytes[offset..offset + len])
    } else {
        Bytes::stored(arena, ref_at(bytes, offset).expect("a long key has its own slots"), len)
    }
}
