//! Replies: from a server's bytes to tokens.

use super::Progress;
use super::error::ReplyError;
use super::length::{parse_integer, quick_length};
use super::partial::{self, Partial};
use crate::limits::{BULK_BYTES_MAX, INCOMPLETE_BYTES_MAX, INLINE_BYTES_MAX};

/// One step of a reply in preorder. An aggregate's count is followed by so many values.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Token<'b> {
    /// `+OK`
    Simple(&'b [u8]),
    /// `-ERR ..`, without the `-`.
    Error(&'b [u8]),
    /// `:5`
    Int(i64),
    /// `$3 abc`
    Bulk(&'b [u8]),
    /// `_`, and RESP2's `$-1` and `*-1`.
    Null,
    /// `#t`, `#f`
    Bool(bool),
    /// `,1.5`, `,inf`, `,nan`
    Double(f64),
    /// `(12345678901234567890`: the digits.
    BigNumber(&'b [u8]),
    /// `=7 txt:abc`: the text after `txt:`.
    Verbatim(&'b [u8]),
    /// `!5 ERR x`
    BulkError(&'b [u8]),
    /// `*n`: n values follow.
    Array(usize),
    /// `%n`: n pairs follow.
    Map(usize),
    /// `~n`: n values follow.
    Set(usize),
    /// `>n`: n values follow, and no request asked for them.
    Push(usize),
    /// `|n`: n pairs follow, and then the value that they are said of.
    Attribute(usize),
}

/// A token as the scratch keeps it: a tag, a length, and a place or the value itself.
#[derive(Clone, Copy, Debug)]
struct Entry {
    kind: Kind,
    /// Bytes of a text, or the count of an aggregate.
    len: u32,
    /// Where a text begins, or the bits of a number.
    payload: u64,
}

const _: () = assert!(size_of::<Entry>() == 16);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Simple,
    Error,
    Int,
    Bulk,
    Null,
    Bool,
    Double,
    BigNumber,
    Verbatim,
    BulkError,
    Array,
    Map,
    Set,
    Push,
    Attribute,
}

impl Entry {
    fn text(kind: Kind, start: usize, len: usize) -> Entry {
        Entry { kind, len: len as u32, payload: start as u64 }
    }

    fn number(kind: Kind, bits: u64) -> Entry {
        Entry { kind, len: 0, payload: bits }
    }

    const NULL: Entry = Entry { kind: Kind::Null, len: 0, payload: 0 };

    fn token(self, base: &[u8]) -> Token<'_> {
        let count = self.len as usize;
        let text = || &base[self.payload as usize..][..count];
        match self.kind {
            Kind::Simple => Token::Simple(text()),
            Kind::Error => Token::Error(text()),
            Kind::Int => Token::Int(self.payload as i64),
            Kind::Bulk => Token::Bulk(text()),
            Kind::Null => Token::Null,
            Kind::Bool => Token::Bool(self.payload != 0),
            Kind::Double => Token::Double(f64::from_bits(self.payload)),
            Kind::BigNumber => Token::BigNumber(text()),
            Kind::Verbatim => Token::Verbatim(text()),
            Kind::BulkError => Token::BulkError(text()),
            Kind::Array => Token::Array(count),
            Kind::Map => Token::Map(count),
            Kind::Set => Token::Set(count),
            Kind::Push => Token::Push(count),
            Kind::Attribute => Token::Attribute(count),
        }
    }

    /// Values that must follow before this one is whole; an attribute asks for the value that it is said of, too.
    #[inline]
    fn children(self) -> u64 {
        let count = u64::from(self.len);
        match self.kind {
            Kind::Array | Kind::Set | Kind::Push => count,
            Kind::Map => 2 * count,
            Kind::Attribute => 2 * count + 1,
            _ => 0,
        }
    }
}

/// Entries in a value that begins the slice, its attributes included.
fn value_entries(entries: &[Entry]) -> usize {
    let mut needed = 1;
    let mut index = 0;
    while needed > 0 {
        needed += entries[index].children();
        needed -= 1;
        index += 1;
    }
    index
}

/// Scratch for the tokens of one reply, shared by all connections of a loop.
#[derive(Debug, Default)]
pub struct Tokens {
    entries: Vec<Entry>,
}

impl Tokens {
    /// Room for the usual reply, so that nothing grows later.
    pub fn new() -> Tokens {
        Tokens { entries: Vec::with_capacity(64) }
    }

    /// Tokens of the reply parsed last.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// No reply.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// One whole value in preorder: borrowed from the bytes it came in and from the scratch.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'b> {
    base: &'b [u8],
    entries: &'b [Entry],
}

impl<'b> Reply<'b> {
    /// The value's own token: attributes before it are passed over.
    #[inline]
    pub fn first(&self) -> Token<'b> {
        self.value().entries[0].token(self.base)
    }

    /// The same value without the attributes before it.
    #[inline]
    pub fn value(&self) -> Reply<'b> {
        let mut entries = self.entries;
        while entries[0].kind == Kind::Attribute {
            // The pairs are passed one value at a time.
            let pairs = entries[0].len as usize;
            entries = &entries[1..];
            for _ in 0..2 * pairs {
                entries = &entries[value_entries(entries)..];
            }
        }
        Reply { base: self.base, entries }
    }

    /// Every token in preorder, attributes included.
    #[inline]
    pub fn tokens(&self) -> impl ExactSizeIterator<Item = Token<'b>> + Clone + use<'b> {
        let base = self.base;
        self.entries.iter().map(move |entry| entry.token(base))
    }

    /// Whether no request asked for this.
    #[inline]
    pub fn is_push(&self) -> bool {
        self.value().entries[0].kind == Kind::Push
    }

    /// Whether this is an error, in either way to write one.
    #[inline]
    pub fn is_error(&self) -> bool {
        matches!(self.value().entries[0].kind, Kind::Error | Kind::BulkError)
    }

    /// The values of an aggregate: of a map keys and values by turns; of anything else none.
    #[inline]
    pub fn items(&self) -> Items<'b> {
        let value = self.value();
        Items { base: self.base, rest: &value.entries[1..], left: value.entries[0].children() as usize }
    }
}

/// The values of an aggregate in order.
#[derive(Clone, Debug)]
pub struct Items<'b> {
    base: &'b [u8],
    rest: &'b [Entry],
    left: usize,
}

impl<'b> Iterator for Items<'b> {
    type Item = Reply<'b>;

    #[inline]
    fn next(&mut self) -> Option<Reply<'b>> {
        self.left = self.left.checked_sub(1)?;
        let (entries, rest) = self.rest.split_at(value_entries(self.rest));
        self.rest = rest;
        Some(Reply { base: self.base, entries })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Items<'_> {}

/// One connection's replies: eight bytes while nothing is incomplete.
#[derive(Debug, Default)]
pub struct ReplyParser {
    partial: Option<Box<Partial<Entry, Cursor>>>,
}

/// A place inside a reply.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    /// Where the next value begins.
    at: usize,
    /// Up to here that value's line does not end.
    scanned: usize,
    /// Values missing. One number serves all depths: in preorder, each value fills one place and opens its children's.
    needed: u64,
}

/// The value cannot be read: too few bytes, or not a value.
enum Stop {
    More { at_least: usize },
    Error(ReplyError),
}

impl From<ReplyError> for Stop {
    fn from(error: ReplyError) -> Stop {
        Stop::Error(error)
    }
}

impl ReplyParser {
    /// The reply that begins where `bytes` begin; the contract is that of [`super::RequestParser::parse`].
    ///
    /// Streamed strings and aggregates (`$?`, `*?`) are refused.
    #[inline]
    pub fn parse<'b>(
        &mut self,
        bytes: &'b [u8],
        tokens: &'b mut Tokens,
    ) -> Result<Progress<Reply<'b>>, ReplyError> {
        let mut cursor = Cursor { at: 0, scanned: 0, needed: 1 };
        if self.partial.is_none() {
            tokens.entries.clear();
            // The straight road: nothing odd and nothing missing. Whatever stops it is left to the careful reader, which
            // goes on from there.
            cursor.take_whole(bytes, &mut tokens.entries);
            if cursor.needed == 0 {
                let value = Reply { base: bytes, entries: &tokens.entries };
                return Ok(Progress::Done { value, consumed: cursor.at });
            }
        }
        self.parse_carefully(bytes, tokens, cursor)
    }

    #[inline(never)]
    fn parse_carefully<'b>(
        &mut self,
        bytes: &'b [u8],
        tokens: &'b mut Tokens,
        mut cursor: Cursor,
    ) -> Result<Progress<Reply<'b>>, ReplyError> {
        let mut resumed = self.partial.take();
        match &mut resumed {
            Some(partial) => {
                cursor = partial.resume(&mut tokens.entries);
                assert!(bytes.len() >= cursor.scanned, "the same bytes and more");
            }
            None => partial::trim(&mut tokens.entries),
        }
        match cursor.advance(bytes, &mut tokens.entries) {
            Ok(()) => {
                if let Some(partial) = resumed {
                    partial.finish(&mut tokens.entries);
                }
                let value = Reply { base: bytes, entries: &tokens.entries };
                Ok(Progress::Done { value, consumed: cursor.at })
            }
            Err(Stop::Error(error)) => Err(error),
            Err(Stop::More { at_least }) => {
                assert!(at_least > bytes.len());
                if !bytes.is_empty() {
                    self.partial = Some(Partial::keep(resumed, &mut tokens.entries, cursor));
                }
                Ok(Progress::More { at_least })
            }
        }
    }

    /// Whether a reply has begun and not ended.
    pub fn is_incomplete(&self) -> bool {
        self.partial.is_some()
    }

    /// Bytes of memory held for an incomplete reply, beside its own bytes.
    pub fn held_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.held_bytes())
    }
}

impl Cursor {
    /// Takes values until none is missing.
    fn advance(&mut self, bytes: &[u8], entries: &mut Vec<Entry>) -> Result<(), Stop> {
        loop {
            self.take_whole(bytes, entries);
            if self.needed == 0 {
                return Ok(());
            }
            let (entry, end) = self.value(bytes)?;
            if end > INCOMPLETE_BYTES_MAX {
                return Err(ReplyError::TooBigReply.into());
            }
            self.take(entry, end, entries);
        }
    }

    /// Takes values as long as they are whole and of the common kinds.
    #[inline(always)]
    fn take_whole(&mut self, bytes: &[u8], entries: &mut Vec<Entry>) {
        while self.needed > 0 {
            match quick_value(bytes, self.at) {
                Some((entry, end)) if end <= INCOMPLETE_BYTES_MAX => self.take(entry, end, entries),
                _ => return,
            }
        }
    }

    #[inline(always)]
    fn take(&mut self, entry: Entry, end: usize, entries: &mut Vec<Entry>) {
        entries.push(entry);
        self.needed = self.needed - 1 + entry.children();
        self.at = end;
        self.scanned = end;
    }

    /// The value at `self.at` without its children, and where it ends.
    #[inline]
    fn value(&mut self, bytes: &[u8]) -> Result<(Entry, usize), Stop> {
        let Some(&mark) = bytes.get(self.at) else {
            return Err(Stop::More { at_least: self.at + 1 });
        };
        match mark {
            b'$' => self.bulk(bytes, Kind::Bulk),
            b'=' => self.bulk(bytes, Kind::Verbatim),
            b'!' => self.bulk(bytes, Kind::BulkError),
            b'*' => self.aggregate(bytes, Kind::Array),
            b'%' => self.aggregate(bytes, Kind::Map),
            b'~' => self.aggregate(bytes, Kind::Set),
            b'>' => self.aggregate(bytes, Kind::Push),
            b'|' => self.aggregate(bytes, Kind::Attribute),
            b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => {
                let line = self.line(bytes)?;
                let end = self.at + 1 + line.len() + 2;
                Ok((scalar(mark, line, self.at + 1)?, end))
            }
            other => Err(ReplyError::UnknownType(other).into()),
        }
    }

    /// The text between the mark at `self.at` and the line's end.
    #[inline]
    fn line<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], Stop> {
        let end = memchr::memchr(b'\r', &bytes[self.scanned..]).map(|offset| self.scanned + offset);
        self.scanned = end.unwrap_or(bytes.len());
        if self.scanned - self.at > INLINE_BYTES_MAX {
            return Err(ReplyError::TooBigLine.into());
        }
        match end.map(|end| bytes.get(end + 1)) {
            Some(Some(b'\n')) => Ok(&bytes[self.at + 1..self.scanned]),
            Some(Some(_)) => Err(ReplyError::MissingLineEnd.into()),
            None | Some(None) => Err(Stop::More { at_least: bytes.len() + 1 }),
        }
    }

    /// `<mark>length\r\n`: the length, `None` for -1, and where the line ends.
    #[inline]
    fn length(&mut self, bytes: &[u8]) -> Result<(Option<u32>, usize), Stop> {
        if let Some((len, start)) = quick_length(bytes, self.at, bytes[self.at]) {
            return Ok((Some(len), start));
        }
        let line = self.line(bytes)?;
        let start = self.at + 1 + line.len() + 2;
        let len = match parse_integer(line).ok_or(ReplyError::InvalidLength)? {
            -1 => None,
            len => Some(u32::try_from(len).map_err(|_| ReplyError::InvalidLength)?),
        };
        Ok((len, start))
    }

    #[inline]
    fn bulk(&mut self, bytes: &[u8], kind: Kind) -> Result<(Entry, usize), Stop> {
        let (len, start) = match self.length(bytes)? {
            (Some(len), start) if len as usize <= BULK_BYTES_MAX => (len as usize, start),
            (None, end) if kind == Kind::Bulk => return Ok((Entry::NULL, end)),
            _ => return Err(ReplyError::InvalidLength.into()),
        };
        let end = start + len + 2;
        if end > INCOMPLETE_BYTES_MAX {
            return Err(ReplyError::TooBigReply.into());
        }
        if end > bytes.len() {
            return Err(Stop::More { at_least: end });
        }
        if bytes[start + len..end] != *b"\r\n" {
            return Err(ReplyError::MissingLineEnd.into());
        }
        if kind != Kind::Verbatim {
            return Ok((Entry::text(kind, start, len), end));
        }
        if len < 4 || bytes[start + 3] != b':' {
            return Err(ReplyError::InvalidVerbatim.into());
        }
        Ok((Entry::text(kind, start + 4, len - 4), end))
    }

    fn aggregate(&mut self, bytes: &[u8], kind: Kind) -> Result<(Entry, usize), Stop> {
        match self.length(bytes)? {
            (Some(count), end) => Ok((Entry { kind, len: count, payload: 0 }, end)),
            (None, end) if kind == Kind::Array => Ok((Entry::NULL, end)),
            _ => Err(ReplyError::InvalidLength.into()),
        }
    }
}

/// The value at `at` and where it ends. `None` says only "not at a glance".
#[inline(always)]
fn quick_value(bytes: &[u8], at: usize) -> Option<(Entry, usize)> {
    let mark = *bytes.get(at)?;
    let kind = match mark {
        b'$' => {
            if bytes[at..].starts_with(b"$-1\r\n") {
                return Some((Entry::NULL, at + 5));
            }
            let (len, start) = quick_length(bytes, at, b'$')?;
            let end = start + len as usize + 2;
            let whole = len as usize <= BULK_BYTES_MAX && bytes.get(end - 2..end)? == b"\r\n";
            return whole.then_some((Entry::text(Kind::Bulk, start, len as usize), end));
        }
        b':' => {
            let (value, end) = quick_length(bytes, at, b':')?;
            return Some((Entry::number(Kind::Int, u64::from(value)), end));
        }
        b'+' => {
            return bytes[at..]
                .starts_with(b"+OK\r\n")
                .then_some((Entry::text(Kind::Simple, at + 1, 2), at + 5));
        }
        b'_' => return bytes[at..].starts_with(b"_\r\n").then_some((Entry::NULL, at + 3)),
        b'*' => Kind::Array,
        b'%' => Kind::Map,
        b'~' => Kind::Set,
        b'>' => Kind::Push,
        _ => return None,
    };
    let (count, end) = quick_length(bytes, at, mark)?;
    Some((Entry { kind, len: count, payload: 0 }, end))
}

/// A value that is one line; `start` is where its text begins.
fn scalar(mark: u8, text: &[u8], start: usize) -> Result<Entry, ReplyError> {
    Ok(match mark {
        b'+' => Entry::text(Kind::Simple, start, text.len()),
        b'-' => Entry::text(Kind::Error, start, text.len()),
        b':' => {
            let value = parse_integer(text).ok_or(ReplyError::InvalidNumber)?;
            Entry::number(Kind::Int, value as u64)
        }
        b'_' if text.is_empty() => Entry::NULL,
        b'_' => return Err(ReplyError::InvalidNull),
        b'#' => match text {
            b"t" => Entry::number(Kind::Bool, 1),
            b"f" => Entry::number(Kind::Bool, 0),
            _ => return Err(ReplyError::InvalidBoolean),
        },
        b',' => Entry::number(Kind::Double, double(text).ok_or(ReplyError::InvalidDouble)?.to_bits()),
        b'(' => {
            let digits = text.strip_prefix(b"-").unwrap_or(text);
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return Err(ReplyError::InvalidNumber);
            }
            Entry::text(Kind::BigNumber, start, text.len())
        }
        _ => unreachable!("the caller matched the mark"),
    })
}

/// `inf`, `-inf`, `nan`, or a decimal number.
fn double(text: &[u8]) -> Option<f64> {
    match text {
        b"inf" => Some(f64::INFINITY),
        b"-inf" => Some(f64::NEG_INFINITY),
        b"nan" | b"-nan" => Some(f64::NAN),
        [b'0'..=b'9' | b'-' | b'.', ..] => {
            std::str::from_utf8(text).ok()?.parse().ok().filter(|value: &f64| value.is_finite())
        }
        _ => None,
    }
}
