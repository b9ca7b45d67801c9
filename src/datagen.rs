//! Made-up records: names, a shape and random numbers in, record lines out.
//!
//! ```text
//!  keyFile              Shape
//!  name string  ┐       records 1000 ┐
//!  age int      ├─ Rng ─ depth     2 ├─►  "person0": {"age": 22; "address": {"name": "x7Q"; "iban": {}}}
//!  address set  │       length     4 │     └ key      └ 1..=fields        └ 0..=fields of them,
//!  iban set     ┘       fields     5 ┘                                     at most `depth` sets deeper
//! ```
//!
//! How nesting comes about: a name whose type is `set` always holds a set while depth is left and is not chosen once
//! it is used up. A keyFile without any `set` nests by chance: while depth is left, each field holds a set instead of
//! its scalar in [`NESTED_PERCENT`] of 100 cases, whatever its type.
//!
//! No record grows without bound, however deep and wide the shape: see [`NESTING_BYTES_MAX`], [`RECORD_BYTES_MAX`].

mod keys;

pub use keys::{FieldType, KeyFile, KeyFileError};

use std::fmt;

use arrayvec::ArrayVec;

use crate::limits::{DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX, KEY_BYTES_MAX};
use crate::rng::Rng;

/// The keyFile that ships with the project; what the embedded cluster's records are made of.
pub const SAMPLE_KEYS: &str = include_str!("../samples/keyFile.txt");
/// Most fields a set may be asked to have (the seed's limit).
pub const FIELDS_MAX: u64 = 20;
/// Most letters a string may be asked to have.
pub const LENGTH_MAX: u64 = 1 << 20;
/// Most nested sets below a record's own set.
pub const DEPTH_MAX: u64 = DOCUMENT_DEPTH_MAX as u64 - 1;
/// Fields of 100 that hold a set instead of their scalar, where the keyFile has no `set` and depth is left.
pub const NESTED_PERCENT: u64 = 25;
/// Beyond this many bytes a record begins no further nested set: wide and deep shapes would double at every level.
pub const NESTING_BYTES_MAX: usize = 64 << 10;
/// Beyond this many bytes a record begins no further field: strings of a megabyte add up.
pub const RECORD_BYTES_MAX: usize = 32 << 20;

// The last field begun may be a name of escaped bytes and a longest string, and every open set is still closed.
const _: () =
    assert!(RECORD_BYTES_MAX + 6 * KEY_BYTES_MAX + LENGTH_MAX as usize + 1_024 < DOCUMENT_BYTES_MAX);

/// What records look like; the letters are those of `create-data`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// `-n`: how many records there are, at least 1.
    pub records: u64,
    /// `-d`: nested sets below a record's own set, at most [`DEPTH_MAX`]; 0 is flat.
    pub depth: u64,
    /// `-l`: strings have 1 to this many letters of `[A-Za-z0-9]`; 1 to [`LENGTH_MAX`].
    pub length: u64,
    /// `-m`: most fields of a set, at most [`FIELDS_MAX`]; 0 makes every record `{}`.
    pub fields: u64,
}

impl Default for Shape {
    /// The seed's own numbers: `-n 1000 -d 2 -l 4 -m 5`.
    fn default() -> Shape {
        Shape { records: 1_000, depth: 2, length: 4, fields: 5 }
    }
}

/// Why a shape, or a shape together with a keyFile, was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShapeError {
    /// No record was asked for.
    NoRecords,
    /// More nesting than a document may have.
    TooDeep,
    /// Strings without a letter.
    NoLength,
    /// Longer strings than [`LENGTH_MAX`].
    TooLong,
    /// More fields than [`FIELDS_MAX`].
    TooManyFields,
    /// Depth 0 leaves no name to choose: all of them are sets.
    OnlySets,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShapeError::NoRecords => f.write_str("-n must be at least 1: no record was asked for"),
            ShapeError::TooDeep => write!(f, "-d must be at most {DEPTH_MAX}: a document nests no deeper"),
            ShapeError::NoLength => f.write_str("-l must be at least 1: a string has 1 to l letters"),
            ShapeError::TooLong => write!(f, "-l must be at most {LENGTH_MAX}"),
            ShapeError::TooManyFields => write!(f, "-m must be 0 to {FIELDS_MAX}"),
            ShapeError::OnlySets => {
                f.write_str("-d 0 allows no nested set, and every name of the keyFile is of type set")
            }
        }
    }
}

impl std::error::Error for ShapeError {}

impl Shape {
    /// Tells what is wrong with these numbers, the first letter first.
    pub fn check(&self) -> Result<(), ShapeError> {
        match *self {
            Shape { records: 0, .. } => Err(ShapeError::NoRecords),
            Shape { depth, .. } if depth > DEPTH_MAX => Err(ShapeError::TooDeep),
            Shape { length: 0, .. } => Err(ShapeError::NoLength),
            Shape { length, .. } if length > LENGTH_MAX => Err(ShapeError::TooLong),
            Shape { fields, .. } if fields > FIELDS_MAX => Err(ShapeError::TooManyFields),
            _ => Ok(()),
        }
    }
}

/// Makes the records of one file, line by line, in memory that does not depend on how many there are.
///
/// The same names, shape and seed give the same bytes on every machine: ChaCha8, integers of fixed width, and no
/// floating-point arithmetic anywhere.
#[derive(Debug)]
pub struct Generator {
    keys: KeyFile,
    shape: Shape,
    rng: Rng,
    /// Records made so far: the next key's number.
    made: u64,
    /// Every name's index, and those of the scalar names. Each draw leaves them in another order.
    all: Vec<u32>,
    scalars: Vec<u32>,
    /// The sets that are open in the record being made, outermost first.
    open: Vec<OpenSet>,
}

/// A set whose `{` is written and whose `}` is not.
#[derive(Debug)]
struct OpenSet {
    names: ArrayVec<u32, { FIELDS_MAX as usize }>,
    written: usize,
}

impl Generator {
    /// A generator that stands before record 0. Refuses what [`Shape::check`] refuses, and a flat shape of nothing
    /// but sets.
    pub fn new(keys: KeyFile, shape: Shape, rng: Rng) -> Result<Generator, ShapeError> {
        shape.check()?;
        assert!(!keys.is_empty(), "a keyFile without names was refused when it was read");
        let all: Vec<u32> = (0..keys.len() as u32).collect();
        let scalars: Vec<u32> = keys.scalars().collect();
        if shape.depth == 0 && scalars.is_empty() {
            return Err(ShapeError::OnlySets);
        }
        let open = Vec::with_capacity(shape.depth as usize + 1);
        Ok(Generator { keys, shape, rng, made: 0, all, scalars, open })
    }

    /// Appends the next record's line with its newline to `out`; `false`, and nothing appended, when all are made.
    pub fn next_line(&mut self, out: &mut Vec<u8>) -> bool {
        if self.made == self.shape.records {
            return false;
        }
        let start = out.len();
        out.extend_from_slice(b"\"person");
        out.extend_from_slice(itoa::Buffer::new().format(self.made).as_bytes());
        out.extend_from_slice(b"\": ");
        self.begin_set(out);
        while !self.open.is_empty() {
            self.step(start, out);
        }
        out.push(b'\n');
        self.made += 1;
        true
    }

    /// Records made so far.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// Writes the innermost open set's next field, or closes it.
    fn step(&mut self, start: usize, out: &mut Vec<u8>) {
        let record_bytes = out.len() - start;
        let depth_left = self.depth_left();
        let set = self.open.last_mut().expect("the caller has seen an open set");
        if set.written == set.names.len() || record_bytes > RECORD_BYTES_MAX {
            out.push(b'}');
            self.open.pop();
            return;
        }
        if set.written > 0 {
            out.extend_from_slice(b"; ");
        }
        let name = set.names[set.written] as usize;
        set.written += 1;
        out.extend_from_slice(self.keys.quoted(name));
        let kind = self.keys.kind(name);
        let may_nest = depth_left > 0 && record_bytes <= NESTING_BYTES_MAX;
        if kind == FieldType::Set {
            if may_nest { self.begin_set(out) } else { out.extend_from_slice(b"{}") }
        } else if may_nest && !self.keys.has_sets() && self.rng.percent(NESTED_PERCENT) {
            self.begin_set(out);
        } else {
            append_scalar(&mut self.rng, kind, self.shape.length, out);
        }
    }

    /// Writes `{` and draws the names of a set one deeper than the innermost: all different, any count alike. Only
    /// a record's own set has at least one field (where `-m` allows it).
    fn begin_set(&mut self, out: &mut Vec<u8>) {
        assert!(self.open.len() <= self.shape.depth as usize, "no set deeper than the shape allows");
        let leaf = self.open.len() == self.shape.depth as usize;
        let pool = if leaf { &mut self.scalars } else { &mut self.all };
        let most = self.shape.fields.min(pool.len() as u64);
        let least = u64::from(self.open.is_empty()).min(most);
        let count = (least + self.rng.below(most - least + 1)) as usize;
        let mut names = ArrayVec::new();
        // The first steps of a Fisher-Yates shuffle: whatever order the pool is in, each choice is equally likely.
        for index in 0..count {
            let chosen = index + self.rng.index(pool.len() - index);
            pool.swap(index, chosen);
            names.push(pool[index]);
        }
        out.push(b'{');
        self.open.push(OpenSet { names, written: 0 });
    }

    /// Levels of sets that the innermost open one may still hold.
    fn depth_left(&self) -> u64 {
        self.shape.depth + 1 - self.open.len() as u64
    }
}

fn append_scalar(rng: &mut Rng, kind: FieldType, length: u64, out: &mut Vec<u8>) {
    match kind {
        FieldType::Text => {
            let letters = 1 + rng.below(length);
            out.push(b'"');
            append_letters(rng, letters as usize, out);
            out.push(b'"');
        }
        FieldType::Int => out.extend_from_slice(itoa::Buffer::new().format(rng.below(100)).as_bytes()),
        FieldType::Float => append_thousandths(rng.below(100_000) as u32, out),
        FieldType::Bool => out.extend_from_slice(if rng.below(2) == 1 { b"true" } else { b"false" }),
        FieldType::Set => unreachable!("a set is begun by the caller"),
    }
}

/// Appends `count` letters; one random number serves ten of them, six bits each, and 62 and 63 are drawn again.
fn append_letters(rng: &mut Rng, count: usize, out: &mut Vec<u8>) {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let end = out.len() + count;
    while out.len() < end {
        let mut bits = rng.next_u64();
        for _ in 0..10 {
            if let Some(&letter) = LETTERS.get((bits & 63) as usize)
                && out.len() < end
            {
                out.push(letter);
            }
            bits >>= 6;
        }
    }
}

/// Appends `thousandths / 1000` as the stores print it: shortest, and always with a point.
fn append_thousandths(thousandths: u32, out: &mut Vec<u8>) {
    let (whole, part) = (thousandths / 1_000, thousandths % 1_000);
    out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    let digits = [part / 100, part / 10 % 10, part % 10].map(|digit| b'0' + digit as u8);
    let kept = if digits[2] != b'0' {
        3
    } else if digits[1] != b'0' {
        2
    } else {
        1
    };
    out.push(b'.');
    out.extend_from_slice(&digits[..kept]);
}

#[cfg(test)]
mod tests;
