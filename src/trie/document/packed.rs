//! Small documents: all of one in a piece, so that it lies in its record.
//!
//! ```text
//! document   [name][value] [name][value] ...          fields in the order in which they were first set
//! name       0..=238                the id of a name that several documents have
//!            239..=254 [low: u8]    a higher one, up to 4,334
//!            255 [len: u8][bytes]   one that has no id
//! value      0 1 2                  null, false, true
//!            3..=11 [0 to 8 bytes]  an integer in as many bytes as it needs, little-endian
//!            12 [8 bytes]           a float;  13 [4 bytes] one that a short float holds
//!            14 [len: u8][..]       a set: fields as above;  15 [len: u8][..] an array: values
//!            16..=255 [bytes]       a text of up to 239 bytes
//! ```
//! `{"a": 1; "b": {"c": "xyz"}}` takes 11 bytes. A path is found by walking over the values before it, all in one or
//! two cache lines.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::super::Store;
use super::super::arena::Ref;
use super::super::names::Wanted;
use super::super::record::PACKED_INSIDE_MAX;
use super::{Payload, utf8};
use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::value::Segment;

pub(super) const NULL: u8 = 0;
pub(super) const FALSE: u8 = 1;
pub(super) const TRUE: u8 = 2;
pub(super) const INT: u8 = 3;
pub(super) const FLOAT: u8 = 12;
pub(super) const FLOAT_SHORT: u8 = 13;
pub(super) const SET: u8 = 14;
pub(super) const ARRAY: u8 = 15;
pub(super) const TEXT: u8 = 16;

/// Ids that a name's first byte holds.
pub(super) const SHORT_IDS: u16 = 239;
pub(super) const LITERAL: u8 = 255;
/// All ids there are.
pub(in super::super) const IDS_MAX: u16 = SHORT_IDS + (LITERAL as u16 - SHORT_IDS) * 256;

const _: () = assert!(PACKED_INSIDE_MAX <= (255 - TEXT) as usize);

/// A field's name as it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Name<'t> {
    Id(u16),
    Literal(&'t [u8]),
}

/// How many bytes a value takes whose first byte this is, if it is neither a set nor an array.
const SIZES: [u8; 256] = {
    let mut sizes = [1; 256];
    let mut first = 0;
    while first < 256 {
        sizes[first] = match first as u8 {
            INT..FLOAT => 1 + first as u8 - INT,
            FLOAT => 9,
            FLOAT_SHORT => 5,
            TEXT.. => first as u8 - TEXT + 1,
            _ => 1,
        };
        first += 1;
    }
    sizes
};

/// Where the value at `at` ends.
#[inline(always)]
pub(super) fn value_end(bytes: &[u8], at: usize) -> usize {
    match bytes[at] {
        SET | ARRAY => at + 2 + bytes[at + 1] as usize,
        first => at + SIZES[first as usize] as usize,
    }
}

/// The name that begins `bytes`, and what follows it.
#[inline]
pub(super) fn name_at(bytes: &[u8]) -> (Name<'_>, &[u8]) {
    match bytes[0] {
        LITERAL => {
            let end = 2 + bytes[1] as usize;
            (Name::Literal(&bytes[2..end]), &bytes[end..])
        }
        first if u16::from(first) < SHORT_IDS => (Name::Id(u16::from(first)), &bytes[1..]),
        first => {
            (Name::Id(SHORT_IDS + (u16::from(first) - SHORT_IDS) * 256 + u16::from(bytes[1])), &bytes[2..])
        }
    }
}

/// The value that begins `bytes`, and what follows it.
#[inline(always)]
pub(super) fn value_at(bytes: &[u8]) -> (Payload<'_>, &[u8]) {
    let (first, rest) = (bytes[0], &bytes[1..]);
    match first {
        NULL => (Payload::Null, rest),
        FALSE => (Payload::Bool(false), rest),
        TRUE => (Payload::Bool(true), rest),
        INT..FLOAT => {
            let len = (first - INT) as usize;
            (Payload::Int(int_of(rest, len)), &rest[len..])
        }
        FLOAT => {
            let float = f64::from_le_bytes(*rest.first_chunk().expect("eight bytes of a float"));
            (Payload::Float(float), &rest[8..])
        }
        FLOAT_SHORT => {
            let float = f32::from_le_bytes(*rest.first_chunk().expect("four bytes of a float"));
            (Payload::Float(f64::from(float)), &rest[4..])
        }
        SET | ARRAY => {
            let (inside, rest) = rest[1..].split_at(rest[0] as usize);
            (if first == SET { Payload::PackedSet(inside) } else { Payload::PackedArray(inside) }, rest)
        }
        TEXT.. => {
            let (text, rest) = rest.split_at((first - TEXT) as usize);
            (Payload::Short(text), rest)
        }
    }
}

/// The first `len` of `bytes` as a number.
#[inline]
fn int_of(bytes: &[u8], len: usize) -> i64 {
    if len == 0 {
        return 0;
    }
    let word = match bytes.first_chunk() {
        Some(word) => i64::from_le_bytes(*word),
        None => bytes[..len].iter().rev().fold(0, |word, &byte| word << 8 | i64::from(byte)),
    };
    let unused = 64 - 8 * len;
    word << unused >> unused
}

/// The parts of a packed set or array.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'t> {
    rest: &'t [u8],
    is_set: bool,
}

impl<'t> Parts<'t> {
    pub(super) fn new(bytes: &'t [u8], is_set: bool) -> Parts<'t> {
        Parts { rest: bytes, is_set }
    }

    pub(super) fn is_set(&self) -> bool {
        self.is_set
    }

    /// Those that are left.
    pub(super) fn bytes(&self) -> &'t [u8] {
        self.rest
    }
}

impl<'t> Iterator for Parts<'t> {
    type Item = (Option<Name<'t>>, Payload<'t>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let mut name = None;
        if self.is_set {
            let (found, rest) = name_at(self.rest);
            (name, self.rest) = (Some(found), rest);
        }
        let (payload, rest) = value_at(self.rest);
        self.rest = rest;
        Some((name, payload))
    }
}

/// A field or an element among the bytes of a packed document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Where it begins: a field with its name.
    pub(super) start: usize,
    /// Where its value begins, and ends.
    pub(super) value: usize,
    pub(super) end: usize,
}

impl Part {
    /// What is inside, if its value is a set or an array; whether it is a set.
    #[inline]
    pub(super) fn inside(&self, bytes: &[u8]) -> Option<(Range<usize>, bool)> {
        let first = bytes[self.value];
        matches!(first, SET | ARRAY).then_some((self.value + 2..self.end, first == SET))
    }
}

/// The element at `index` of those in `inside`; if there are not as many, how many there are.
pub(super) fn find_element(bytes: &[u8], inside: Range<usize>, index: usize) -> Result<Part, usize> {
    let (mut at, mut count) = (inside.start, 0);
    while at < inside.end {
        let end = value_end(bytes, at);
        if count == index {
            return Ok(Part { start: at, value: at, end });
        }
        (at, count) = (end, count + 1);
    }
    Err(count)
}

impl Store {
    /// What `path`, which has a segment at least, leads to from a packed set or array.
    pub(super) fn at_packed<'t>(
        &self,
        bytes: &'t [u8],
        mut is_set: bool,
        path: &[Segment<'_>],
    ) -> Option<Payload<'t>> {
        let (last, parents) = path.split_last()?;
        let mut inside = 0..bytes.len();
        for &segment in parents {
            (inside, is_set) = self.find_part(bytes, inside, is_set, segment)?.inside(bytes)?;
        }
        let part = self.find_part(bytes, inside, is_set, *last)?;
        Some(value_at(&bytes[part.value..]).0)
    }

    /// Where `segment` leads among what is `inside` of a set or an array.
    #[inline]
    pub(super) fn find_part(
        &self,
        bytes: &[u8],
        inside: Range<usize>,
        is_set: bool,
        segment: Segment<'_>,
    ) -> Option<Part> {
        match (segment, is_set) {
            (Segment::Field(name), true) => self.find_packed(bytes, inside, &Wanted::new(name)),
            (Segment::Index(index), false) => find_element(bytes, inside, index).ok(),
            _ => None,
        }
    }

    /// The field of this name among those in `inside`.
    #[inline]
    pub(super) fn find_packed(
        &self,
        bytes: &[u8],
        inside: Range<usize>,
        wanted: &Wanted<'_>,
    ) -> Option<Part> {
        match self.recall_id(wanted) {
            Some(id) if id < SHORT_IDS => self.find_where(bytes, inside, wanted, |first| first == id as u8),
            _ => self.find_where(bytes, inside, wanted, |first| self.is_id_of(first.into(), wanted)),
        }
    }

    /// As [`Store::find_packed`], where `is_short_id` says whether an id of one byte is the name's.
    #[inline(always)]
    fn find_where(
        &self,
        bytes: &[u8],
        inside: Range<usize>,
        wanted: &Wanted<'_>,
        is_short_id: impl Fn(u8) -> bool,
    ) -> Option<Part> {
        let (bytes, mut start) = (&bytes[..inside.end], inside.start);
        while start < bytes.len() {
            let first = bytes[start];
            let (is_it, value) = match u16::from(first) < SHORT_IDS {
                true => (is_short_id(first), start + 1),
                false => self.is_long_name(bytes, start, wanted),
            };
            let end = value_end(bytes, value);
            if is_it {
                return Some(Part { start, value, end });
            }
            start = end;
        }
        None
    }

    /// Whether the name at `start`, of more than one byte, is the wanted one, and where its value begins.
    #[inline(never)]
    fn is_long_name(&self, bytes: &[u8], start: usize, wanted: &Wanted<'_>) -> (bool, usize) {
        let (name, rest) = name_at(&bytes[start..]);
        let is_it = match name {
            Name::Id(id) => self.is_id_of(id, wanted),
            Name::Literal(other) => other == wanted.name.as_bytes(),
        };
        (is_it, bytes.len() - rest.len())
    }

    /// The bytes of a name.
    #[inline]
    pub(super) fn name_bytes<'t>(&'t self, name: Name<'t>) -> &'t [u8] {
        match name {
            Name::Literal(bytes) => bytes,
            Name::Id(id) => self.name_of_id(id).as_bytes(),
        }
    }

    /// The same as text.
    #[inline]
    pub(super) fn name_str<'t>(&'t self, name: Name<'t>) -> &'t str {
        match name {
            Name::Literal(bytes) => utf8(bytes),
            Name::Id(id) => self.name_of_id(id),
        }
    }

    /// Gives back what a packed document uses beside its bytes: its names.
    pub(in super::super) fn free_packed(&mut self, bytes: &[u8]) {
        each_id(Parts::new(bytes, true), |id| self.release(self.leaf_of(id)));
    }

    /// Panics unless the packed document is well-formed; notes each use of a name in `uses`.
    pub(in super::super) fn check_packed(&self, bytes: &[u8], uses: &mut Vec<Ref>) {
        assert!(bytes.len() <= PACKED_INSIDE_MAX, "a packed document is too large");
        each_id(Parts::new(bytes, true), |id| uses.push(self.leaf_of(id)));
        let mut open = vec![Parts::new(bytes, true)];
        while let Some(parts) = open.pop() {
            let mut names = Vec::new();
            for (name, payload) in parts {
                names.extend(name.map(|name| self.name_bytes(name)));
                match payload {
                    Payload::PackedSet(inside) => open.push(Parts::new(inside, true)),
                    Payload::PackedArray(inside) => open.push(Parts::new(inside, false)),
                    Payload::Short(text) => drop(utf8(text)),
                    _ => {}
                }
            }
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "a set has a field twice");
        }
    }
}

/// Calls `visit` with the id of each name that has one.
pub(super) fn each_id(parts: Parts<'_>, mut visit: impl FnMut(u16)) {
    let mut open: ArrayVec<Parts<'_>, DOCUMENT_DEPTH_MAX> = ArrayVec::new();
    open.push(parts);
    while let Some(parts) = open.last_mut() {
        let Some((name, payload)) = parts.next() else {
            open.pop();
            continue;
        };
        if let Some(Name::Id(id)) = name {
            visit(id);
        }
        match payload {
            Payload::PackedSet(inside) => open.push(Parts::new(inside, true)),
            Payload::PackedArray(inside) => open.push(Parts::new(inside, false)),
            _ => {}
        }
    }
}
