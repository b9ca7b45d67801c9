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

use arrayvec::ArrayVec;

use super::super::Store;
use super::super::arena::Ref;
use super::super::record::PACKED_INSIDE_MAX;
use super::log::Log;
use super::{Payload, utf8};
use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::value::{Event, Segment};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const FLOAT: u8 = 12;
const FLOAT_SHORT: u8 = 13;
const SET: u8 = 14;
const ARRAY: u8 = 15;
const TEXT: u8 = 16;

/// Ids that a name's first byte holds.
const SHORT_IDS: u16 = 239;
const LITERAL: u8 = 255;
/// All ids there are.
pub(in super::super) const IDS_MAX: u16 = SHORT_IDS + (LITERAL as u16 - SHORT_IDS) * 256;

const _: () = assert!(PACKED_INSIDE_MAX <= (255 - TEXT) as usize);

/// A field's name as it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Name<'t> {
    Id(u16),
    Literal(&'t [u8]),
}

/// The name that begins `bytes`, and what follows it.
#[inline]
fn name_at(bytes: &[u8]) -> (Name<'_>, &[u8]) {
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
#[inline]
fn value_at(bytes: &[u8]) -> (Payload<'_>, &[u8]) {
    let (first, rest) = (bytes[0], &bytes[1..]);
    match first {
        NULL => (Payload::Null, rest),
        FALSE => (Payload::Bool(false), rest),
        TRUE => (Payload::Bool(true), rest),
        INT..FLOAT => {
            let len = (first - INT) as usize;
            let mut word = [if len > 0 && rest[len - 1] & 0x80 != 0 { 0xFF } else { 0 }; 8];
            word[..len].copy_from_slice(&rest[..len]);
            (Payload::Int(i64::from_le_bytes(word)), &rest[len..])
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
}

impl<'t> Iterator for Parts<'t> {
    type Item = (Option<Name<'t>>, Payload<'t>);

    #[inline]
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

impl Store {
    /// Where `segment` leads from a packed set or array.
    pub(super) fn find_packed<'t>(&self, mut parts: Parts<'t>, segment: Segment<'_>) -> Option<Payload<'t>> {
        match (segment, parts.is_set) {
            (Segment::Field(name), true) => {
                let id = self.find_name(name).and_then(|leaf| self.id_of(leaf));
                let is_it = |found: Name<'_>| match found {
                    Name::Id(other) => Some(other) == id,
                    Name::Literal(other) => other == name.as_bytes(),
                };
                parts.find(|(found, _)| found.is_some_and(is_it)).map(|(_, payload)| payload)
            }
            (Segment::Index(index), false) => parts.nth(index).map(|(_, payload)| payload),
            _ => None,
        }
    }

    /// The bytes of a name.
    pub(super) fn name_bytes<'t>(&'t self, name: Name<'t>) -> &'t [u8] {
        match name {
            Name::Literal(bytes) => bytes,
            Name::Id(id) => {
                self.name(self.leaf_of(id)).as_slice().expect("a name with an id lies in one piece")
            }
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

    /// Writes what was logged, which must be one whole set, to `out`, and interns its names. Says whether it fits; if
    /// not, nothing was interned.
    pub(super) fn encode_document(&mut self, log: &Log, out: &mut Vec<u8>) -> bool {
        out.clear();
        if log.is_large() {
            return false;
        }
        let mut packing = Packing { store: self, out, open: ArrayVec::new(), ids: Vec::new() };
        let fits = log.events().all(|event| {
            packing.event(event);
            packing.out.len() <= PACKED_INSIDE_MAX
        });
        if !fits {
            let ids = packing.ids;
            ids.into_iter().for_each(|id| self.release(self.leaf_of(id)));
        }
        fits
    }
}

/// A document being packed.
struct Packing<'s, 'o> {
    store: &'s mut Store,
    out: &'o mut Vec<u8>,
    open: ArrayVec<Open, DOCUMENT_DEPTH_MAX>,
    /// The names that were interned.
    ids: Vec<u16>,
}

/// A set or array that has not ended.
#[derive(Clone, Copy)]
struct Open {
    /// Where its first field or element begins.
    start: usize,
    /// Where the value of the field begins that was named last.
    value: usize,
    /// The value that it replaces.
    before: Option<(usize, usize)>,
}

impl Packing<'_, '_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::BeginSet | Event::BeginArray => self.begin(event == Event::BeginSet),
            Event::Field(name) => self.field(name),
            Event::EndSet | Event::EndArray => {
                let open = self.open.pop().expect("only what began ends");
                if !self.open.is_empty() {
                    self.out[open.start - 1] = (self.out.len() - open.start) as u8;
                    self.complete();
                }
            }
            scalar => {
                self.scalar(scalar);
                self.complete();
            }
        }
    }

    fn begin(&mut self, is_set: bool) {
        if !self.open.is_empty() {
            self.out.extend_from_slice(&[if is_set { SET } else { ARRAY }, 0]);
        }
        let start = self.out.len();
        self.open.push(Open { start, value: start, before: None });
    }

    fn push_id(&mut self, id: u16) {
        if id < SHORT_IDS {
            self.out.push(id as u8);
        } else {
            let above = id - SHORT_IDS;
            self.out.extend_from_slice(&[(SHORT_IDS + above / 256) as u8, (above % 256) as u8]);
        }
    }

    fn field(&mut self, name: &str) {
        let start = self.open.last().expect("a field belongs to a set").start;
        let before = self.value_of(start, name.as_bytes());
        if before.is_none() {
            match self.store.intern_id(name) {
                Some(id) => {
                    self.ids.push(id);
                    self.push_id(id);
                }
                None => {
                    // A longer one makes the document too large anyway.
                    let len = name.len().min(255);
                    self.out.extend_from_slice(&[LITERAL, len as u8]);
                    self.out.extend_from_slice(&name.as_bytes()[..len]);
                }
            }
        }
        let value = self.out.len();
        let open = self.open.last_mut().expect("a field belongs to a set");
        (open.value, open.before) = (value, before);
    }

    /// Where the value of the field `name` is, of the set whose fields begin at `start`.
    fn value_of(&self, start: usize, name: &[u8]) -> Option<(usize, usize)> {
        let mut rest = &self.out[start..];
        while !rest.is_empty() {
            let (found, value) = name_at(rest);
            let (_, after) = value_at(value);
            if self.store.name_bytes(found) == name {
                return Some((self.out.len() - value.len(), self.out.len() - after.len()));
            }
            rest = after;
        }
        None
    }

    /// A value is complete; it goes where an older one of its field stood.
    fn complete(&mut self) {
        let Some(open) = self.open.last_mut() else { return };
        let Some((from, to)) = open.before.take() else { return };
        let value = open.value;
        let old = self.out[from..to].to_vec();
        let new = self.out.split_off(value);
        self.out.splice(from..to, new);
        // What the older value used goes with it.
        let inside = match value_at(&old).0 {
            Payload::PackedSet(inside) => Parts::new(inside, true),
            Payload::PackedArray(inside) => Parts::new(inside, false),
            _ => return,
        };
        each_id(inside, |id| {
            self.store.release(self.store.leaf_of(id));
            let index = self.ids.iter().position(|&other| other == id).expect("it was interned here");
            self.ids.swap_remove(index);
        });
    }

    fn scalar(&mut self, scalar: Event<'_>) {
        match scalar {
            Event::Bool(bool) => self.out.push(if bool { TRUE } else { FALSE }),
            Event::Int(int) => {
                let unused = if int < 0 { (!int).leading_zeros() } else { int.leading_zeros() };
                let len = if int == 0 { 0 } else { (65 - unused as usize).div_ceil(8) };
                self.out.push(INT + len as u8);
                self.out.extend_from_slice(&int.to_le_bytes()[..len]);
            }
            Event::Float(float) => {
                let short = float as f32;
                if f64::from(short).to_bits() == float.to_bits() {
                    self.out.push(FLOAT_SHORT);
                    self.out.extend_from_slice(&short.to_le_bytes());
                } else {
                    self.out.push(FLOAT);
                    self.out.extend_from_slice(&float.to_le_bytes());
                }
            }
            Event::Text(text) => {
                // A longer one makes the document too large anyway.
                let len = text.len().min((255 - TEXT) as usize);
                self.out.push(TEXT + len as u8);
                self.out.extend_from_slice(&text.as_bytes()[..len]);
            }
            _ => self.out.push(NULL),
        }
    }
}

/// Calls `visit` with the id of each name that has one.
fn each_id(parts: Parts<'_>, mut visit: impl FnMut(u16)) {
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
