//! Paths: `person15.iban.country`, `"a.b".c[0]`, and what JSON.DEL takes.
//!
//! ```text
//!   path   = name step*                    the first name is the record's key
//!   step   = "." name | "[" digits "]" | "[" string "]"
//!   name   = string | bare                 bare: no dot, blank, bracket, `"` or control character
//!   string = '"' JSON string '"'           \xNN too, for keys that are not UTF-8
//!
//!   json   = "$" step* | "."? name step* | "."      no key; strings in single quotes too
//! ```

use std::borrow::Cow;
use std::fmt;

use arrayvec::ArrayVec;

use super::text::{self, Expected, SyntaxError, scan};
use crate::limits::{DOCUMENT_DEPTH_MAX, KEY_BYTES_MAX};
pub use crate::value::Segment;

/// A record's key and the way into its document. An owner to be used again: parsing anew keeps its memory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Path {
    /// The key, then the names of all fields, decoded, one behind the other.
    bytes: Vec<u8>,
    key_len: usize,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// A field; where its name ends in `bytes`. It begins where the name before it ends.
    Field(usize),
    Index(usize),
}

/// Which of the two notations for a path inside a document was used: RedisJSON's replies depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// `.a.b`, `a.b`, `.`
    Legacy,
    /// `$.a.b`, `$`
    Dollar,
}

/// The steps of a path behind its key, borrowed from it: a slice of [`Segment`].
#[derive(Clone, Debug, Default)]
pub struct Segments<'p>(ArrayVec<Segment<'p>, DOCUMENT_DEPTH_MAX>);

impl<'p> std::ops::Deref for Segments<'p> {
    type Target = [Segment<'p>];

    fn deref(&self) -> &[Segment<'p>] {
        &self.0
    }
}

impl Path {
    /// A path with an empty key and no segments.
    pub fn new() -> Path {
        Path::default()
    }

    /// The record's key; empty for a path inside a document.
    pub fn key(&self) -> &[u8] {
        &self.bytes[..self.key_len]
    }

    /// How many steps lie behind the key.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether it names a whole record or document.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The steps behind the key.
    pub fn segments(&self) -> Segments<'_> {
        let mut start = self.key_len;
        let segment = |part: &Part| match *part {
            Part::Index(index) => Segment::Index(index),
            Part::Field(end) => {
                let name = std::str::from_utf8(&self.bytes[start..end]).expect("checked when it was pushed");
                start = end;
                Segment::Field(name)
            }
        };
        Segments(self.parts.iter().map(segment).collect())
    }

    /// Begins anew with this key, taken literally.
    pub fn set_key(&mut self, key: &[u8]) {
        self.parts.clear();
        self.bytes.clear();
        self.bytes.extend_from_slice(key);
        self.key_len = key.len();
    }

    /// Adds a step, taken literally. False, and nothing added, if the path is as long as documents are deep.
    pub fn push(&mut self, segment: Segment<'_>) -> bool {
        if self.parts.len() == DOCUMENT_DEPTH_MAX {
            return false;
        }
        self.parts.push(match segment {
            Segment::Index(index) => Part::Index(index),
            Segment::Field(name) => {
                self.bytes.extend_from_slice(name.as_bytes());
                Part::Field(self.bytes.len())
            }
        });
        true
    }

    /// Reads `key.field[0].field`, blanks around it allowed. After an error the path is empty.
    pub fn parse(&mut self, text: &[u8]) -> Result<(), SyntaxError> {
        self.set_key(b"");
        let mut cursor = Cursor::new(text, false);
        let result = cursor.key().and_then(|key| {
            self.set_key(&key);
            self.steps(&mut cursor)
        });
        result.inspect_err(|_| self.set_key(b""))
    }

    /// Reads a path inside a document: `$.a["b"][0]`, or the older `.a.b[0]` and `a.b`; `$` and `.` are all of it.
    pub fn parse_json(&mut self, text: &[u8]) -> Result<Dialect, SyntaxError> {
        self.set_key(b"");
        let mut cursor = Cursor::new(text, true);
        let dialect = if cursor.peek() == Some(b'$') { Dialect::Dollar } else { Dialect::Legacy };
        let result = match (dialect, cursor.rest()) {
            (Dialect::Legacy, b".") => Ok(()),
            (Dialect::Legacy, rest) => {
                let named = !matches!(rest.first(), Some(b'.' | b'['));
                if named { self.name_step(&mut cursor) } else { Ok(()) }
                    .and_then(|()| self.steps(&mut cursor))
            }
            (Dialect::Dollar, _) => {
                cursor.at += 1;
                self.steps(&mut cursor)
            }
        };
        result.inspect_err(|_| self.set_key(b""))?;
        Ok(dialect)
    }

    fn steps(&mut self, cursor: &mut Cursor<'_>) -> Result<(), SyntaxError> {
        while let Some(byte) = cursor.peek() {
            let at = cursor.at;
            match byte {
                b'.' => {
                    cursor.at += 1;
                    // `$.["a"]` is a way to write `$["a"]`.
                    if !(cursor.json && cursor.peek() == Some(b'[')) {
                        self.name_step(cursor)?;
                    }
                }
                b'[' => match cursor.bracket()? {
                    Bracket::Index(index) => self.step(Segment::Index(index), at)?,
                    Bracket::Name(name) => self.step(Segment::Field(utf8(&name, at)?), at)?,
                },
                _ => return Err(SyntaxError::new(at, Expected::PathStep)),
            }
        }
        Ok(())
    }

    fn name_step(&mut self, cursor: &mut Cursor<'_>) -> Result<(), SyntaxError> {
        let at = cursor.at;
        let name = cursor.name()?;
        self.step(Segment::Field(utf8(&name, at)?), at)
    }

    fn step(&mut self, segment: Segment<'_>, at: usize) -> Result<(), SyntaxError> {
        if self.push(segment) { Ok(()) } else { Err(SyntaxError::new(at, Expected::ShorterPath)) }
    }
}

/// `name` as text; the place of the error is where the name begins.
fn utf8(name: &[u8], at: usize) -> Result<&str, SyntaxError> {
    std::str::from_utf8(name).map_err(|_| SyntaxError::new(at, Expected::Utf8))
}

/// The path as it is written: parsing it gives the same path.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        if self.key_len > 0 {
            write_name(&mut out, self.key());
        }
        for segment in self.segments().iter() {
            match segment {
                Segment::Index(index) => out.extend_from_slice(format!("[{index}]").as_bytes()),
                Segment::Field(name) => {
                    out.push(b'.');
                    write_name(&mut out, name.as_bytes());
                }
            }
        }
        f.write_str(std::str::from_utf8(&out).expect("what is not UTF-8 is written as escapes"))
    }
}

/// Bare if a path can hold it so, else in quotes.
fn write_name(out: &mut Vec<u8>, name: &[u8]) {
    let bare =
        !name.is_empty() && name.iter().all(|&byte| is_bare(byte)) && std::str::from_utf8(name).is_ok();
    if bare { out.extend_from_slice(name) } else { text::quote_bytes(out, name) }
}

fn is_bare(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b'.' | b'[' | b']' | b'"' | 0x7F)
}

struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
    json: bool,
}

enum Bracket<'t> {
    Index(usize),
    Name(Cow<'t, [u8]>),
}

impl<'t> Cursor<'t> {
    fn new(text: &'t [u8], json: bool) -> Cursor<'t> {
        Cursor { text: scan::trim_end(text), at: scan::blank_len(text).min(text.len()), json }
    }

    fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn key(&mut self) -> Result<Cow<'t, [u8]>, SyntaxError> {
        let at = self.at;
        if self.peek().is_none() {
            return Err(SyntaxError::new(at, Expected::Key));
        }
        let key = self.name()?;
        match key.len() {
            0 => Err(SyntaxError::new(at, Expected::Key)),
            len if len > KEY_BYTES_MAX => Err(SyntaxError::new(at, Expected::ShorterKey)),
            _ => Ok(key),
        }
    }

    /// A string, or a bare name of at least one byte.
    fn name(&mut self) -> Result<Cow<'t, [u8]>, SyntaxError> {
        let start = self.at;
        if self.peek() == Some(b'"') {
            let (name, end) = text::read_quoted(self.text, start)?;
            self.at = end;
            return Ok(name);
        }
        let rest = self.rest();
        let len = rest.iter().position(|&byte| !is_bare(byte)).unwrap_or(rest.len());
        let unknown = self.json && (matches!(rest, [b'*', ..]) || matches!(rest, [b'.', ..] if start > 0));
        match len {
            _ if unknown => Err(SyntaxError::new(start, Expected::SimplePathStep)),
            0 => Err(SyntaxError::new(start, Expected::PathName)),
            _ => {
                self.at += len;
                Ok(Cow::Borrowed(&rest[..len]))
            }
        }
    }

    /// `[0]` or `["name"]`.
    fn bracket(&mut self) -> Result<Bracket<'t>, SyntaxError> {
        self.at += 1;
        let start = self.at;
        let inside = match self.peek() {
            Some(b'"') => Bracket::Name(self.name()?),
            Some(b'\'') if self.json => Bracket::Name(self.single_quoted()?),
            Some(b'0'..=b'9') => Bracket::Index(self.index()?),
            Some(b'*' | b'?' | b':' | b'-' | b'(') => {
                return Err(SyntaxError::new(start, Expected::SimplePathStep));
            }
            _ => return Err(SyntaxError::new(start, Expected::PathIndex)),
        };
        match self.peek() {
            Some(b']') => self.at += 1,
            Some(b':' | b',') => return Err(SyntaxError::new(self.at, Expected::SimplePathStep)),
            _ => return Err(SyntaxError::new(self.at, Expected::PathBracket)),
        }
        Ok(inside)
    }

    /// An index; one beyond all that can be stored finds nothing, so it is no error.
    fn index(&mut self) -> Result<usize, SyntaxError> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = self.rest()[..digits]
            .iter()
            .fold(0usize, |number, &byte| number.saturating_mul(10).saturating_add(usize::from(byte - b'0')));
        self.at += digits;
        Ok(number)
    }

    /// JSONPath's `'name'`: no escapes, since JSON.DEL's users have `"name"` for those.
    fn single_quoted(&mut self) -> Result<Cow<'t, [u8]>, SyntaxError> {
        let rest = &self.rest()[1..];
        let Some(len) = memchr::memchr(b'\'', rest) else {
            return Err(SyntaxError::new(self.text.len(), Expected::ClosingQuote));
        };
        self.at += len + 2;
        Ok(Cow::Borrowed(&rest[..len]))
    }
}

#[cfg(test)]
mod tests;
