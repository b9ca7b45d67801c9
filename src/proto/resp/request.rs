//! Requests: from a client's bytes to arguments.

use super::Progress;
use super::error::ProtocolError;
use super::inline;
use super::length::{parse_integer, quick_length};
use super::partial::{self, Partial};
use crate::limits::{ARGUMENTS_MAX, BULK_BYTES_MAX, INCOMPLETE_BYTES_MAX, INLINE_BYTES_MAX, Limits};

/// How a request was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// `*2\r\n$3\r\nGET\r\n..`: every argument is literal bytes.
    Array,
    /// A line of words, quotes already taken off.
    Inline,
    /// A line whose first word is PUT, QUERY, DELETE or COMPUTE in any case: argument 0 is that word, argument 1 the
    /// rest of the line from its first non-blank, raw. Argument 1 is absent where the rest is blank.
    Verb,
}

/// What a client may send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestLimits {
    /// Arguments in array form.
    pub arguments_max: usize,
    /// Bytes of one argument in array form.
    pub bulk_bytes_max: usize,
    /// Bytes of a verb's line.
    pub verb_bytes_max: usize,
    /// Bytes of any other line, and of a line that tells a length.
    pub inline_bytes_max: usize,
    /// Whether these hold only until the client says who it is: the refusal then says so.
    pub until_auth: bool,
}

impl RequestLimits {
    /// For everybody who need not say who he is, or has.
    pub const FULL: RequestLimits = RequestLimits {
        arguments_max: ARGUMENTS_MAX,
        bulk_bytes_max: BULK_BYTES_MAX,
        verb_bytes_max: BULK_BYTES_MAX,
        inline_bytes_max: INLINE_BYTES_MAX,
        until_auth: false,
    };
    /// Before AUTH where a password is set: enough for HELLO, AUTH and CLIENT, as in Redis.
    pub const UNAUTHENTICATED: RequestLimits = RequestLimits {
        arguments_max: 10,
        bulk_bytes_max: 16 << 10,
        verb_bytes_max: 16 << 10,
        inline_bytes_max: INLINE_BYTES_MAX,
        until_auth: true,
    };
}

impl From<&Limits> for RequestLimits {
    fn from(limits: &Limits) -> RequestLimits {
        RequestLimits {
            arguments_max: limits.arguments,
            bulk_bytes_max: limits.bulk_bytes,
            verb_bytes_max: limits.bulk_bytes.max(limits.inline_bytes),
            inline_bytes_max: limits.inline_bytes,
            until_auth: false,
        }
    }
}

/// Where an argument lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// Callers keep both below [`INCOMPLETE_BYTES_MAX`], which fits four bytes.
    #[inline(always)]
    pub(super) fn new(start: usize, len: usize) -> Span {
        Span { start: start as u32, len: len as u32 }
    }

    #[inline(always)]
    fn of(self, base: &[u8]) -> &[u8] {
        &base[self.start as usize..][..self.len as usize]
    }
}

/// Scratch for the arguments of one request, shared by all connections of a loop.
#[derive(Debug, Default)]
pub struct Args {
    spans: Vec<Span>,
    /// The words of an inline line that held quotes.
    unescaped: Vec<u8>,
}

impl Args {
    /// Room for the usual request, so that nothing grows later.
    pub fn new() -> Args {
        Args { spans: Vec::with_capacity(64), unescaped: Vec::new() }
    }

    /// Arguments of the request parsed last.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// No request, or an empty one.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
}

/// One request: borrowed from the bytes it came in and from the scratch.
///
/// An empty line, `*0` and `*-1` are requests without arguments: nothing is to be done or answered for them.
#[derive(Clone, Copy, Debug)]
pub struct Request<'b> {
    base: &'b [u8],
    spans: &'b [Span],
    form: Form,
}

impl<'b> Request<'b> {
    #[inline]
    pub(super) fn new(base: &'b [u8], spans: &'b [Span], form: Form) -> Request<'b> {
        Request { base, spans, form }
    }

    /// How it was written.
    #[inline]
    pub fn form(&self) -> Form {
        self.form
    }

    /// Arguments, the command's name among them.
    #[inline]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Nothing to do and nothing to answer.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The argument at `index`; 0 is the command's name.
    ///
    /// # Panics
    /// If there are not so many.
    #[inline]
    pub fn arg(&self, index: usize) -> &'b [u8] {
        self.spans[index].of(self.base)
    }

    /// The argument at `index`, if there is one.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'b [u8]> {
        self.spans.get(index).map(|span| span.of(self.base))
    }

    /// All arguments in order, from the command's name on.
    #[inline]
    pub fn args(&self) -> impl ExactSizeIterator<Item = &'b [u8]> + DoubleEndedIterator + Clone + use<'b> {
        let base = self.base;
        self.spans.iter().map(move |span| span.of(base))
    }
}

/// One connection's requests: eight bytes while nothing is incomplete.
#[derive(Debug, Default)]
pub struct RequestParser {
    partial: Option<Box<Partial<Span, Cursor>>>,
}

/// A place inside a request.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    /// Where the part begins that is expected.
    at: usize,
    /// Up to here no line end was found.
    scanned: usize,
    expect: Expect,
}

#[derive(Clone, Copy, Debug)]
enum Expect {
    /// `*` or a line.
    Start,
    /// `*count\r\n`
    Count,
    /// `$length\r\n` of the first of `left` arguments.
    Header { left: u32 },
    /// `len` bytes at `at` and two more.
    Body { left: u32, len: u32 },
    /// A line, not above [`INLINE_BYTES_MAX`] so far.
    Line,
    /// A line beyond that whose first word is a verb.
    VerbLine,
}

impl Cursor {
    const START: Cursor = Cursor { at: 0, scanned: 0, expect: Expect::Start };

    fn expecting(at: usize, expect: Expect) -> Cursor {
        Cursor { at, scanned: at, expect }
    }
}

/// What one look at the bytes led to.
enum Step {
    Done { form: Form, consumed: usize, unescaped: bool },
    More { at_least: usize },
}

impl Step {
    fn array(consumed: usize) -> Step {
        Step::Done { form: Form::Array, consumed, unescaped: false }
    }
}

impl RequestParser {
    /// The request that begins where `bytes` begin, under [`RequestLimits::FULL`].
    ///
    /// `bytes` must begin at the same place at every call until the request is done; what follows it may be there too.
    /// Empty lines, `*0` and `*-10` give a request without arguments. After an error the stream has no meaning any more.
    #[inline]
    pub fn parse<'b>(
        &mut self,
        bytes: &'b [u8],
        args: &'b mut Args,
    ) -> Result<Progress<Request<'b>>, ProtocolError> {
        self.parse_within(bytes, args, &RequestLimits::FULL)
    }

    /// As [`RequestParser::parse`], under other limits. They may change between requests, not inside of one.
    #[inline]
    pub fn parse_within<'b>(
        &mut self,
        bytes: &'b [u8],
        args: &'b mut Args,
        limits: &RequestLimits,
    ) -> Result<Progress<Request<'b>>, ProtocolError> {
        let mut cursor = Cursor::START;
        if self.partial.is_none() {
            args.spans.clear();
            // The straight road: a whole array without anything odd. Whatever stops it is left to the careful reader,
            // which goes on from there.
            if let Some((count, at)) = quick_length(bytes, 0, b'*')
                && count > 0
                && count as usize <= limits.arguments_max
            {
                let (at, left) = whole_bulks(bytes, at, count, &mut args.spans, limits);
                if left == 0 {
                    let value = Request { base: bytes, spans: &args.spans, form: Form::Array };
                    return Ok(Progress::Done { value, consumed: at });
                }
                cursor = Cursor::expecting(at, Expect::Header { left });
            }
        }
        self.parse_carefully(bytes, args, limits, cursor)
    }

    /// Whether a request has begun and not ended.
    pub fn is_incomplete(&self) -> bool {
        self.partial.is_some()
    }

    /// Bytes of memory held for an incomplete request, beside its own bytes.
    pub fn held_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.held_bytes())
    }

    #[inline(never)]
    fn parse_carefully<'b>(
        &mut self,
        bytes: &'b [u8],
        args: &'b mut Args,
        limits: &RequestLimits,
        mut cursor: Cursor,
    ) -> Result<Progress<Request<'b>>, ProtocolError> {
        let mut resumed = self.partial.take();
        match &mut resumed {
            Some(partial) => {
                cursor = partial.resume(&mut args.spans);
                assert!(bytes.len() >= cursor.scanned, "the same bytes and more");
            }
            None => partial::trim(&mut args.spans),
        }
        match cursor.advance(bytes, args, limits)? {
            Step::Done { form, consumed, unescaped } => {
                if let Some(partial) = resumed {
                    partial.finish(&mut args.spans);
                }
                let base = if unescaped { &args.unescaped } else { bytes };
                let value = Request { base, spans: &args.spans, form };
                Ok(Progress::Done { value, consumed })
            }
            Step::More { at_least } => {
                assert!(at_least > bytes.len());
                // Nothing seen is nothing known: no memory for an empty look.
                if !bytes.is_empty() {
                    self.partial = Some(Partial::keep(resumed, &mut args.spans, cursor));
                }
                Ok(Progress::More { at_least })
            }
        }
    }
}

/// Takes arguments as long as they are whole and plainly written: where it stopped, and how many are left.
#[inline(always)]
pub(super) fn whole_bulks(
    bytes: &[u8],
    mut at: usize,
    mut left: u32,
    spans: &mut Vec<Span>,
    limits: &RequestLimits,
) -> (usize, u32) {
    while left > 0 {
        let Some((len, start)) = quick_length(bytes, at, b'$') else { break };
        let end = start + len as usize + 2;
        if end > bytes.len() || len as usize > limits.bulk_bytes_max || end > INCOMPLETE_BYTES_MAX {
            break;
        }
        spans.push(Span::new(start, len as usize));
        at = end;
        left -= 1;
    }
    (at, left)
}

impl Cursor {
    /// Goes on as far as `bytes` allow. `args.spans` holds what was found before.
    fn advance(
        &mut self,
        bytes: &[u8],
        args: &mut Args,
        limits: &RequestLimits,
    ) -> Result<Step, ProtocolError> {
        loop {
            match self.expect {
                Expect::Start => {
                    self.expect = match bytes.first() {
                        None => return Ok(Step::More { at_least: 1 }),
                        Some(b'*') => Expect::Count,
                        Some(_) => Expect::Line,
                    };
                }
                Expect::Count => {
                    let Some(end) = self.line_end(bytes, ProtocolError::TooBigCount)? else {
                        return Ok(Step::More { at_least: bytes.len() + 1 });
                    };
                    match count(&bytes[1..end], limits)? {
                        0 => return Ok(Step::array(end + 2)),
                        left => *self = Cursor::expecting(end + 2, Expect::Header { left }),
                    }
                }
                Expect::Header { left } => {
                    let (at, left) = whole_bulks(bytes, self.at, left, &mut args.spans, limits);
                    if left == 0 {
                        return Ok(Step::array(at));
                    }
                    if at != self.at {
                        *self = Cursor::expecting(at, Expect::Header { left });
                    }
                    let Some(end) = self.line_end(bytes, ProtocolError::TooBigLength)? else {
                        return Ok(Step::More { at_least: bytes.len() + 1 });
                    };
                    let len = length(&bytes[self.at..end], limits)?;
                    *self = Cursor::expecting(end + 2, Expect::Body { left, len });
                }
                Expect::Body { left, len } => {
                    let end = self.at + len as usize + 2;
                    if end > INCOMPLETE_BYTES_MAX {
                        return Err(ProtocolError::TooBigRequest);
                    }
                    if end > bytes.len() {
                        return Ok(Step::More { at_least: end });
                    }
                    args.spans.push(Span::new(self.at, len as usize));
                    if left == 1 {
                        return Ok(Step::array(end));
                    }
                    *self = Cursor::expecting(end, Expect::Header { left: left - 1 });
                }
                Expect::Line | Expect::VerbLine => return self.line(bytes, args, limits),
            }
        }
    }

    /// Where the CR of the line at `self.at` stands, once the byte after it is there too (whatever it is, as in Redis).
    fn line_end(&mut self, bytes: &[u8], too_big: ProtocolError) -> Result<Option<usize>, ProtocolError> {
        let end = memchr::memchr(b'\r', &bytes[self.scanned..]).map(|offset| self.scanned + offset);
        self.scanned = end.unwrap_or(bytes.len());
        if self.scanned - self.at > INLINE_BYTES_MAX {
            return Err(too_big);
        }
        Ok(end.filter(|&end| end + 1 < bytes.len()))
    }

    fn line(&mut self, bytes: &[u8], args: &mut Args, limits: &RequestLimits) -> Result<Step, ProtocolError> {
        let newline = memchr::memchr(b'\n', &bytes[self.scanned..]).map(|offset| self.scanned + offset);
        let end = newline.unwrap_or(bytes.len());
        if matches!(self.expect, Expect::Line) && end > limits.inline_bytes_max {
            if inline::verb(&bytes[..limits.inline_bytes_max]).is_none() {
                return Err(ProtocolError::TooBigInline);
            }
            self.expect = Expect::VerbLine;
        }
        if matches!(self.expect, Expect::VerbLine) && end > limits.verb_bytes_max {
            return Err(ProtocolError::TooBigInline);
        }
        let Some(newline) = newline else {
            self.scanned = end;
            return Ok(Step::More { at_least: end + 1 });
        };
        let line = bytes[..newline].strip_suffix(b"\r").unwrap_or(&bytes[..newline]);
        let (form, unescaped) = words(line, args, limits)?;
        Ok(Step::Done { form, consumed: newline + 1, unescaped })
    }
}

/// The arguments of a whole line, and whether they lie in `args.unescaped`.
fn words(line: &[u8], args: &mut Args, limits: &RequestLimits) -> Result<(Form, bool), ProtocolError> {
    if let Some(verb) = inline::verb(line) {
        args.spans.push(verb);
        let after = (verb.start + verb.len) as usize;
        if let Some(blanks) = line[after..].iter().position(|&byte| !inline::is_blank(byte)) {
            args.spans.push(Span::new(after + blanks, line.len() - after - blanks));
        }
        return Ok((Form::Verb, false));
    }
    if line.len() > limits.inline_bytes_max {
        return Err(ProtocolError::TooBigInline);
    }
    if memchr::memchr2(b'"', b'\'', line).is_none() {
        inline::split_plain(line, &mut args.spans);
        return Ok((Form::Inline, false));
    }
    args.unescaped.clear();
    if !inline::split_quoted(line, &mut args.unescaped, &mut args.spans) {
        return Err(ProtocolError::UnbalancedQuotes);
    }
    Ok((Form::Inline, true))
}

/// What stands after `*`. Nothing and less than nothing are the same.
fn count(text: &[u8], limits: &RequestLimits) -> Result<u32, ProtocolError> {
    let count = parse_integer(text).ok_or(ProtocolError::InvalidMultibulkLength)?.max(0) as u64;
    if count > ARGUMENTS_MAX as u64 {
        return Err(ProtocolError::InvalidMultibulkLength);
    }
    if count > limits.arguments_max as u64 {
        return Err(match limits.until_auth {
            true => ProtocolError::UnauthenticatedMultibulkLength,
            false => ProtocolError::InvalidMultibulkLength,
        });
    }
    Ok(count as u32)
}

/// What the line `$length` says.
fn length(line: &[u8], limits: &RequestLimits) -> Result<u32, ProtocolError> {
    let text = match *line {
        [b'$', ref text @ ..] => text,
        [other, ..] => return Err(ProtocolError::ExpectedDollar(other)),
        [] => return Err(ProtocolError::ExpectedDollar(b'\r')),
    };
    let len = parse_integer(text).ok_or(ProtocolError::InvalidBulkLength)?;
    let len = u64::try_from(len).map_err(|_| ProtocolError::InvalidBulkLength)?;
    if len > BULK_BYTES_MAX as u64 {
        return Err(ProtocolError::InvalidBulkLength);
    }
    if len > limits.bulk_bytes_max as u64 {
        return Err(match limits.until_auth {
            true => ProtocolError::UnauthenticatedBulkLength,
            false => ProtocolError::InvalidBulkLength,
        });
    }
    Ok(len as u32)
}
