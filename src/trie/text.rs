//! Texts of any length: in one slot, or as a chain of pieces.
//!
//! ```text
//! up to 4,096 B    [bytes]
//! longer           [next: u32][16,380 B] -> [next: u32][4,092 B] -> ... -> [up to 4,096 B]
//! ```
//!
//! How long each piece is follows from how many bytes are left, so nothing but the total length is stored anywhere.

use std::fmt;

use super::arena::{Arena, Owned, Ref, SMALL_BYTES_MAX, SPAN_BYTES, ref_at, set_u32};
use super::radix::common_len;

/// Bytes of the link at the front of every piece but the last.
const LINK_BYTES: usize = 4;

/// Of `rest` bytes, how many the next piece holds, and whether another follows.
fn piece(rest: usize) -> (usize, bool) {
    if rest > SPAN_BYTES - LINK_BYTES {
        (SPAN_BYTES - LINK_BYTES, true)
    } else if rest > SMALL_BYTES_MAX {
        (SMALL_BYTES_MAX - LINK_BYTES, true)
    } else {
        (rest, false)
    }
}

/// How many spans a text of `len` bytes may fill at most.
pub(super) fn spans_for(len: usize) -> usize {
    len / (SPAN_BYTES - LINK_BYTES) + 3
}

/// Stores `text`, which must not be empty, and whose [`spans_for`] are reserved.
pub(super) fn store(arena: &mut Arena, mut text: &[u8]) -> Ref {
    assert!(!text.is_empty(), "an empty text needs no slot");
    let mut first = None;
    let mut previous: Option<Ref> = None;
    loop {
        let (len, more) = piece(text.len());
        let link = if more { LINK_BYTES } else { 0 };
        let at = arena.alloc(link + len);
        arena.tail_mut(at)[link..link + len].copy_from_slice(&text[..len]);
        match previous {
            None => first = Some(at),
            Some(previous) => set_u32(arena.tail_mut(previous), 0, at.raw()),
        }
        if !more {
            return first.expect("set in the first turn");
        }
        previous = Some(at);
        text = &text[len..];
    }
}

/// Frees the text of `len` bytes that begins at `first`.
pub(super) fn free(arena: &mut Arena, first: Ref, len: usize) {
    for_each_piece(first, len, |at, _, more| {
        let next = more.then(|| ref_at(arena.tail(at), 0));
        arena.free(at);
        next.flatten()
    });
}

/// Notes who owns the pieces of the text of `len` bytes that begins at `first`.
pub(super) fn own(owned: &mut Owned<'_>, arena: &Arena, first: Ref, len: usize) {
    for_each_piece(first, len, |at, bytes, more| {
        owned.own(at, bytes);
        more.then(|| ref_at(arena.tail(at), 0)).flatten()
    });
}

/// Bytes of the slots of the text of `len` bytes that begins at `first`.
pub(super) fn slot_bytes(arena: &Arena, first: Ref, len: usize) -> usize {
    let mut total = 0;
    for_each_piece(first, len, |at, _, more| {
        total += arena.slot_bytes(at);
        more.then(|| ref_at(arena.tail(at), 0)).flatten()
    });
    total
}

/// Calls `visit` with each piece, its slot's bytes and whether another follows; `visit` answers where.
fn for_each_piece(first: Ref, mut rest: usize, mut visit: impl FnMut(Ref, usize, bool) -> Option<Ref>) {
    let mut at = first;
    loop {
        let (len, more) = piece(rest);
        let next = visit(at, len + if more { LINK_BYTES } else { 0 }, more);
        match (more, next) {
            (false, _) => return,
            (true, next) => at = next.expect("a text's chain is as long as its length says"),
        }
        rest -= len;
    }
}

/// A text as it is stored: in one piece mostly, in several if it is long.
#[derive(Clone, Copy)]
pub struct Bytes<'t>(Form<'t>);

#[derive(Clone, Copy)]
enum Form<'t> {
    Whole(&'t [u8]),
    Chain { arena: &'t Arena, first: Ref, len: usize },
}

impl<'t> Bytes<'t> {
    /// A text in one piece.
    #[inline]
    pub(super) fn whole(bytes: &'t [u8]) -> Bytes<'t> {
        Bytes(Form::Whole(bytes))
    }

    /// The text of `len` bytes that begins at `first`.
    pub(super) fn stored(arena: &'t Arena, first: Ref, len: usize) -> Bytes<'t> {
        match piece(len) {
            (len, false) => Bytes(Form::Whole(&arena.tail(first)[..len])),
            (_, true) => Bytes(Form::Chain { arena, first, len }),
        }
    }

    /// Bytes in all.
    #[inline]
    pub fn len(&self) -> usize {
        match self.0 {
            Form::Whole(bytes) => bytes.len(),
            Form::Chain { len, .. } => len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text, if it lies in one piece (always so up to 4,096 bytes).
    #[inline]
    pub fn as_slice(&self) -> Option<&'t [u8]> {
        match self.0 {
            Form::Whole(bytes) => Some(bytes),
            Form::Chain { .. } => None,
        }
    }

    /// Its pieces in order; none of them is empty.
    pub fn chunks(&self) -> Chunks<'t> {
        Chunks { form: self.0 }
    }

    /// Appends it to `out`.
    #[inline]
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self.0 {
            Form::Whole(bytes) => out.extend_from_slice(bytes),
            Form::Chain { len, .. } => {
                out.reserve(len);
                self.chunks().for_each(|chunk| out.extend_from_slice(chunk));
            }
        }
    }

    /// A copy in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        self.write_to(&mut out);
        out
    }

    /// How many bytes, from byte `from` on, are those of `other` from there on.
    pub(super) fn common(&self, other: &[u8], from: usize) -> usize {
        let (mut start, mut common) = (0, 0);
        for chunk in self.chunks() {
            let end = start + chunk.len();
            if end > from {
                let (skip, at) = (from.max(start), from + common);
                debug_assert_eq!(skip, at);
                let (mine, theirs) = (&chunk[skip - start..], other.get(at..).unwrap_or_default());
                let same = common_len(mine, theirs);
                common += same;
                if same < mine.len() {
                    return common;
                }
            }
            start = end;
        }
        common
    }

    /// The byte at `index`.
    pub(super) fn byte(&self, mut index: usize) -> Option<u8> {
        for chunk in self.chunks() {
            match chunk.get(index) {
                Some(&byte) => return Some(byte),
                None => index -= chunk.len(),
            }
        }
        None
    }
}

impl PartialEq<[u8]> for Bytes<'_> {
    #[inline]
    fn eq(&self, other: &[u8]) -> bool {
        match self.0 {
            Form::Whole(bytes) => bytes == other,
            Form::Chain { len, .. } => len == other.len() && self.common(other, 0) == len,
        }
    }
}

impl PartialEq<&[u8]> for Bytes<'_> {
    fn eq(&self, other: &&[u8]) -> bool {
        *self == **other
    }
}

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chunks().try_for_each(|chunk| write!(f, "{}", chunk.escape_ascii()))
    }
}

/// The pieces of a [`Bytes`].
#[derive(Clone)]
pub struct Chunks<'t> {
    form: Form<'t>,
}

impl<'t> Iterator for Chunks<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        match self.form {
            Form::Whole([]) => None,
            Form::Whole(bytes) => {
                self.form = Form::Whole(&[]);
                Some(bytes)
            }
            Form::Chain { arena, first, len } => {
                let (here, more) = piece(len);
                let bytes = arena.tail(first);
                if !more {
                    self.form = Form::Whole(&[]);
                    return Some(&bytes[..here]);
                }
                let next = ref_at(bytes, 0).expect("a text's chain is as long as its length says");
                self.form = Form::Chain { arena, first: next, len: len - here };
                Some(&bytes[LINK_BYTES..LINK_BYTES + here])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_kind_of_length_come_back() {
        let mut arena = Arena::new(usize::MAX);
        let edges =
            [1, 2, 15, 16, 17, 4_091, 4_092, 4_096, 4_097, 8_187, 8_188, 8_189, 16_379, 16_380, 16_381];
        for len in edges.into_iter().chain([32_760, 32_761, 40_000, 100_003]) {
            let text: Vec<u8> = (0..len).map(|index| (index * 7 % 251) as u8).collect();
            let at = store(&mut arena, &text);
            let stored = Bytes::stored(&arena, at, len);
            assert_eq!(stored.len(), len);
            assert!(stored == text[..] && stored.to_vec() == text);
            assert!(stored.chunks().all(|chunk| !chunk.is_empty()));
            assert_eq!(stored.as_slice().is_some(), len <= SMALL_BYTES_MAX);
            assert_eq!(stored.byte(len - 1), text.last().copied());
            assert_eq!(stored.byte(len), None);
            assert_eq!(stored.common(&text[..len / 2], len / 3), len / 2 - len / 3);
            let mut other = text.clone();
            other[len - 1] ^= 1;
            assert!(stored != other[..] && stored.common(&other, 0) == len - 1);
            let mut owned = Owned::new(&arena);
            own(&mut owned, &arena, at, len);
            owned.check();
            free(&mut arena, at, len);
            assert_eq!(arena.used_bytes(), 0);
        }
    }

    #[test]
    fn reserved_spans_suffice() {
        for len in (1..200_000).step_by(977) {
            let mut arena = Arena::new(usize::MAX);
            store(&mut arena, &vec![1; len]);
            let spans = arena.reserved_bytes() / SPAN_BYTES;
            assert!(spans_for(len) * 2 + 8 >= spans, "chunks double, so at most twice what is needed");
        }
    }
}
