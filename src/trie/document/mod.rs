//! Documents. A small one is packed, see packed.rs; of a large one each set or array is a chain of blocks, each field or
//! element a cell, in the order in which they were first set.
//!
//! ```text
//! block    [count: u16][0; 2][next: Ref][total: u32][index: Ref] [cell; up to 255]     total, index: first block only
//! cell     [name: Ref][type: u8][len: u8][10 bytes]          16 B; name 0 in arrays
//!          null, false, true
//!          integer, float      ........[8 bytes little-endian, at 8]
//!          short text          [len][up to 10 bytes, at 6]
//!          long text           ........[first piece: Ref][len: u32]
//!          set, array          ........[first block: Ref, 0 if empty]
//! index    name -> block, a radix tree; only of sets with more than one block (or that once had)
//! ```
//! `{"a": 1; "b": {"c": "xyz"}}` is two blocks of 48 and 32 bytes. GET walks blocks from front to back; a path takes
//! one comparison a cell in a block, and in a large set one lookup for the block. Every block but the last of a chain
//! is full when it is built; a removal shortens its own block only, so cells of other blocks never move.

mod build;
mod log;
mod pack;
mod packed;
mod place;
mod prune;
mod splice;
mod tell;

pub(super) use build::{Builder, Built, Scratch};
pub(super) use log::Log;
pub(super) use packed::IDS_MAX;
use packed::Parts;
pub(super) use place::{BLOCK_SPANS, Target, first_cell};
pub(super) use splice::Change;
pub use tell::{Child, Children, FieldName};

use std::fmt;

use super::Store;
use super::arena::{Arena, Owned, Ref, ref_at, set_u32, u32_at};
use super::leaf;
use super::radix::Radix;
use super::text::{self, Bytes};
use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::value::Segment;

/// Cells of a block: as many as fit the largest slot class that shares a span.
const BLOCK_CELLS_MAX: usize = 255;
const BLOCK_HEAD_BYTES: usize = 16;
const NEXT_OFFSET: usize = 4;
const TOTAL_OFFSET: usize = 8;
const INDEX_OFFSET: usize = 12;

/// Bytes of a cell.
const CELL_BYTES: usize = 16;
const TYPE_OFFSET: usize = 4;
const SHORT_OFFSET: usize = 6;
/// Longest text that lies inside its cell.
const SHORT_BYTES_MAX: usize = CELL_BYTES - SHORT_OFFSET;
const WIDE_OFFSET: usize = 8;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const FLOAT: u8 = 4;
const SHORT: u8 = 5;
const LONG: u8 = 6;
const SET: u8 = 7;
const ARRAY: u8 = 8;

type Cell = [u8; CELL_BYTES];

/// What a cell holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'t> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Short(&'t [u8]),
    Long { first: Ref, len: usize },
    Set(Option<Ref>),
    Array(Option<Ref>),
    PackedSet(&'t [u8]),
    PackedArray(&'t [u8]),
}

impl<'t> Payload<'t> {
    #[inline]
    fn read(cell: &'t Cell) -> Payload<'t> {
        let wide = *cell[WIDE_OFFSET..].first_chunk().expect("eight bytes");
        match cell[TYPE_OFFSET] {
            NULL => Payload::Null,
            FALSE => Payload::Bool(false),
            TRUE => Payload::Bool(true),
            INT => Payload::Int(i64::from_le_bytes(wide)),
            FLOAT => Payload::Float(f64::from_le_bytes(wide)),
            SHORT => Payload::Short(&cell[SHORT_OFFSET..SHORT_OFFSET + cell[TYPE_OFFSET + 1] as usize]),
            LONG => Payload::Long {
                first: ref_at(cell, WIDE_OFFSET).expect("a long text has its own slots"),
                len: u32_at(cell, WIDE_OFFSET + 4) as usize,
            },
            SET => Payload::Set(ref_at(cell, WIDE_OFFSET)),
            ARRAY => Payload::Array(ref_at(cell, WIDE_OFFSET)),
            other => panic!("{other} is no type of a cell"),
        }
    }

    fn write(self, name: Option<Ref>) -> Cell {
        let mut cell = [0; CELL_BYTES];
        set_u32(&mut cell, 0, super::arena::raw_of(name));
        cell[TYPE_OFFSET] = match self {
            Payload::Null => NULL,
            Payload::Bool(false) => FALSE,
            Payload::Bool(true) => TRUE,
            Payload::Int(_) => INT,
            Payload::Float(_) => FLOAT,
            Payload::Short(_) => SHORT,
            Payload::Long { .. } => LONG,
            Payload::Set(_) => SET,
            Payload::Array(_) => ARRAY,
            Payload::PackedSet(_) | Payload::PackedArray(_) => panic!("what is packed has no cells"),
        };
        match self {
            Payload::Null | Payload::Bool(_) => {}
            Payload::Int(int) => cell[WIDE_OFFSET..].copy_from_slice(&int.to_le_bytes()),
            Payload::Float(float) => cell[WIDE_OFFSET..].copy_from_slice(&float.to_le_bytes()),
            Payload::Short(text) => {
                cell[TYPE_OFFSET + 1] = text.len() as u8;
                cell[SHORT_OFFSET..SHORT_OFFSET + text.len()].copy_from_slice(text);
            }
            Payload::Long { first, len } => {
                set_u32(&mut cell, WIDE_OFFSET, first.raw());
                set_u32(&mut cell, WIDE_OFFSET + 4, len as u32);
            }
            Payload::Set(first) | Payload::Array(first) => {
                set_u32(&mut cell, WIDE_OFFSET, super::arena::raw_of(first));
            }
            Payload::PackedSet(_) | Payload::PackedArray(_) => unreachable!("it has no type"),
        }
        cell
    }

    /// The first block, if this is a set or an array with any.
    fn blocks(self) -> Option<Ref> {
        match self {
            Payload::Set(first) | Payload::Array(first) => first,
            _ => None,
        }
    }

    /// The fields or elements, if this is a packed set or array.
    fn parts(self) -> Option<Parts<'t>> {
        match self {
            Payload::PackedSet(bytes) => Some(Parts::new(bytes, true)),
            Payload::PackedArray(bytes) => Some(Parts::new(bytes, false)),
            _ => None,
        }
    }
}

/// A block, to read; `bytes` reach beyond its slot.
#[derive(Clone, Copy)]
struct Block<'a> {
    bytes: &'a [u8],
}

impl<'a> Block<'a> {
    #[inline]
    fn at(arena: &'a Arena, at: Ref) -> Block<'a> {
        Block { bytes: arena.tail(at) }
    }

    #[inline]
    fn count(self) -> usize {
        u16::from_le_bytes([self.bytes[0], self.bytes[1]]) as usize
    }

    #[inline]
    fn next(self) -> Option<Ref> {
        ref_at(self.bytes, NEXT_OFFSET)
    }

    fn total(self) -> usize {
        u32_at(self.bytes, TOTAL_OFFSET) as usize
    }

    fn index(self) -> Radix {
        Radix::from_root(ref_at(self.bytes, INDEX_OFFSET))
    }

    #[inline]
    fn cells(self) -> &'a [Cell] {
        self.bytes[BLOCK_HEAD_BYTES..BLOCK_HEAD_BYTES + self.count() * CELL_BYTES].as_chunks().0
    }

    fn position(self, name: Ref) -> Option<usize> {
        self.cells().iter().position(|cell| u32_at(cell, 0) == name.raw())
    }
}

/// The name of the field in this cell.
fn name_of(cell: &Cell) -> Option<Ref> {
    ref_at(cell, 0)
}

/// The key of a name in the index of a set.
fn index_key(name: Ref) -> [u8; 4] {
    name.raw().to_le_bytes()
}

/// Where the field `name` is among the blocks that begin at `first`.
fn find_field(arena: &Arena, first: Option<Ref>, name: Ref) -> Option<(Ref, usize)> {
    let first = first?;
    let index = Block::at(arena, first).index();
    let block = match index.root() {
        None => first,
        Some(_) => index_block(arena, index, name)?,
    };
    Some((block, Block::at(arena, block).position(name)?))
}

/// The block that the index names for the field `name`.
fn index_block(arena: &Arena, index: Radix, name: Ref) -> Option<Ref> {
    ref_at(arena.tail(index.get(arena, &index_key(name))?), leaf::FIELD_BYTES - 4)
}

/// Where element `index` is among the blocks that begin at `first`.
fn find_element(arena: &Arena, first: Option<Ref>, mut index: usize) -> Option<(Ref, usize)> {
    let mut at = first?;
    loop {
        let block = Block::at(arena, at);
        match index.checked_sub(block.count()) {
            None => return Some((at, index)),
            Some(rest) => index = rest,
        }
        at = block.next()?;
    }
}

/// Where `segment` leads from a set or array.
fn find(store: &Store, from: Payload<'_>, segment: Segment<'_>) -> Option<(Ref, usize)> {
    match (from, segment) {
        (Payload::Set(first), Segment::Field(name)) => {
            find_field(&store.arena, first, store.find_name(name)?)
        }
        (Payload::Array(first), Segment::Index(index)) => find_element(&store.arena, first, index),
        _ => None,
    }
}

/// What kind of value a field or element is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueKind {
    /// JSON's null.
    Null,
    /// `true` or `false`.
    Bool,
    /// An integer.
    Int,
    /// A float.
    Float,
    /// Text.
    Text,
    /// A set of named fields.
    Set,
    /// An array.
    Array,
}

/// A document, or anything inside of one, as it stands in the trie.
#[derive(Clone, Copy)]
pub struct Value<'t> {
    store: &'t Store,
    payload: Payload<'t>,
}

impl<'t> Value<'t> {
    pub(super) fn new(store: &'t Store, payload: Payload<'t>) -> Value<'t> {
        Value { store, payload }
    }

    /// What kind of value this is.
    pub fn kind(&self) -> ValueKind {
        match self.payload {
            Payload::Null => ValueKind::Null,
            Payload::Bool(_) => ValueKind::Bool,
            Payload::Int(_) => ValueKind::Int,
            Payload::Float(_) => ValueKind::Float,
            Payload::Short(_) | Payload::Long { .. } => ValueKind::Text,
            Payload::Set(_) | Payload::PackedSet(_) => ValueKind::Set,
            Payload::Array(_) | Payload::PackedArray(_) => ValueKind::Array,
        }
    }

    /// As an integer, if it is one.
    pub fn int(&self) -> Option<i64> {
        match self.payload {
            Payload::Int(int) => Some(int),
            _ => None,
        }
    }

    /// As a number, if it is one. An integer beyond 2^53 is rounded.
    pub fn number(&self) -> Option<f64> {
        match self.payload {
            Payload::Int(int) => Some(int as f64),
            Payload::Float(float) => Some(float),
            _ => None,
        }
    }

    /// As text, if it is one.
    pub fn text(&self) -> Option<Bytes<'t>> {
        match self.payload {
            Payload::Short(bytes) => Some(Bytes::whole(bytes)),
            Payload::Long { first, len } => Some(Bytes::stored(&self.store.arena, first, len)),
            _ => None,
        }
    }

    /// How many fields or elements a set or an array has; 0 for anything else.
    pub fn len(&self) -> usize {
        match self.payload.parts() {
            Some(parts) => parts.count(),
            None => self.payload.blocks().map_or(0, |first| Block::at(&self.store.arena, first).total()),
        }
    }

    /// Whether it has no fields or elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What stands at `path` below this. The empty path is this.
    pub fn at(&self, path: &[Segment<'_>]) -> Option<Value<'t>> {
        if path.is_empty() {
            return Some(*self);
        }
        let payload = match self.payload {
            Payload::PackedSet(bytes) => self.store.at_packed(bytes, true, path)?,
            Payload::PackedArray(bytes) => self.store.at_packed(bytes, false, path)?,
            payload => path.iter().try_fold(payload, |payload, &segment| {
                let (block, index) = find(self.store, payload, segment)?;
                Some(Payload::read(&Block::at(&self.store.arena, block).cells()[index]))
            })?,
        };
        Some(Value { store: self.store, payload })
    }

    /// Bytes of the slots that it holds, beside its own cell; what is packed or short: its own bytes.
    pub(super) fn own_bytes(&self) -> usize {
        match self.payload {
            Payload::PackedSet(bytes) | Payload::PackedArray(bytes) | Payload::Short(bytes) => bytes.len(),
            Payload::Int(_) | Payload::Float(_) => size_of::<u64>(),
            payload => self.store.payload_bytes(payload),
        }
    }
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("texts of documents came as str")
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.payload {
            Payload::Short(_) | Payload::Long { .. } => write!(f, "{:?}", self.text()),
            payload => write!(f, "{payload:?} of {}", self.len()),
        }
    }
}

impl Store {
    /// Bytes of the slots of a payload, those below it left out: they are appended to `below`.
    pub(super) fn payload_bytes_shallow<'t>(
        &'t self,
        payload: Payload<'t>,
        below: &mut Vec<Payload<'t>>,
    ) -> usize {
        if let Payload::Long { first, len } = payload {
            return text::slot_bytes(&self.arena, first, len);
        }
        let Some(first) = payload.blocks() else { return 0 };
        let mut total = Block::at(&self.arena, first).index().slot_bytes(&self.arena);
        let mut next = Some(first);
        while let Some(at) = next {
            let block = Block::at(&self.arena, at);
            total += self.arena.slot_bytes(at);
            below.extend(block.cells().iter().map(Payload::read));
            next = block.next();
        }
        total
    }

    /// Panics unless the document is well-formed; notes who owns its slots, and each use of a name in `uses`.
    pub(super) fn check_document(&self, root: Option<Ref>, owned: &mut Owned<'_>, uses: &mut Vec<Ref>) {
        let mut open: Vec<(Payload<'_>, usize)> = vec![(Payload::Set(root), 1)];
        while let Some((payload, depth)) = open.pop() {
            assert!(depth <= DOCUMENT_DEPTH_MAX, "a document is nested {depth} deep");
            let is_set = matches!(payload, Payload::Set(_));
            let (mut next, mut total) = (payload.blocks(), 0);
            while let Some(at) = next {
                let block = Block::at(&self.arena, at);
                assert!(
                    (1..=BLOCK_CELLS_MAX).contains(&block.count()),
                    "a block has {} cells",
                    block.count()
                );
                owned.own(at, BLOCK_HEAD_BYTES + block.count() * CELL_BYTES);
                for cell in block.cells() {
                    assert_eq!(name_of(cell).is_some(), is_set, "fields have names, elements have none");
                    uses.extend(name_of(cell));
                    match Payload::read(cell) {
                        Payload::Long { first, len } => {
                            utf8(&Bytes::stored(&self.arena, first, len).to_vec());
                            text::own(owned, &self.arena, first, len);
                        }
                        Payload::Short(bytes) => drop(utf8(bytes)),
                        inner @ (Payload::Set(_) | Payload::Array(_)) => open.push((inner, depth + 1)),
                        _ => {}
                    }
                }
                total += block.count();
                next = block.next();
            }
            self.check_container(payload, total, owned);
        }
    }

    /// Panics unless the first block's total and index are those of its chain.
    fn check_container(&self, payload: Payload<'_>, total: usize, owned: &mut Owned<'_>) {
        let Some(first) = payload.blocks() else { return };
        let head = Block::at(&self.arena, first);
        assert_eq!(head.total(), total, "a set or array is miscounted");
        let index = head.index();
        assert!(index.root().is_none() || matches!(payload, Payload::Set(_)), "an array has an index");
        if index.root().is_none() {
            assert!(
                head.next().is_none() || matches!(payload, Payload::Array(_)),
                "a large set has no index"
            );
            let mut names: Vec<_> = head.cells().iter().filter_map(name_of).collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "a set has a field twice");
            return;
        }
        let mut entries = 0;
        index.check(&self.arena, owned, |owned, at| {
            owned.own(at, leaf::FIELD_BYTES);
            let bytes = self.arena.tail(at);
            let name = ref_at(bytes, 4).expect("an index is over names");
            let block = ref_at(bytes, leaf::FIELD_BYTES - 4).expect("an index leads to blocks");
            let cells = Block::at(&self.arena, block).cells().iter();
            assert_eq!(cells.filter(|cell| name_of(cell) == Some(name)).count(), 1, "the index misleads");
            entries += 1;
        });
        assert_eq!(entries, total, "a set's index misses a field");
    }
}
