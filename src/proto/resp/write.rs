//! Writers: replies for clients of both dialects, and requests for servers.

use super::Protocol;

/// Writes replies to the end of a buffer, in the dialect that the connection has chosen.
///
/// What RESP2 has no type for is written as Redis writes it there: null as `$-1`, a boolean as 1 or 0, a double and a
/// verbatim text as a bulk, a map as an array of twice the size.
#[derive(Debug)]
pub struct Writer<'o> {
    /// Where the bytes go.
    pub out: &'o mut Vec<u8>,
    /// The dialect.
    pub protocol: Protocol,
    /// No bulk is begun once `out` is longer than this.
    pub full_at: usize,
}

/// Where a bulk or an aggregate began whose size is told at its end.
#[derive(Debug)]
#[must_use = "the header is written by the matching end"]
pub struct Mark {
    at: usize,
}

/// Room left for the header of a bulk of unknown size: `$` three digits CR LF, right for 100 to 999 bytes.
const HEADER_GUESS: usize = 6;
/// The longest header: a mark, twenty digits, CR LF.
const HEADER_BYTES_MAX: usize = 23;

impl<'o> Writer<'o> {
    /// A writer to the end of `out`.
    #[inline]
    pub fn new(out: &'o mut Vec<u8>, protocol: Protocol) -> Writer<'o> {
        Writer { out, protocol, full_at: usize::MAX }
    }

    /// The same for a reply of at most `bytes`: bulks that come when it is longer are left out, so that what is too long
    /// shows in its length and costs little more. Whoever asked for this throws it away.
    #[inline]
    pub fn within(self, bytes: usize) -> Writer<'o> {
        Writer { full_at: self.out.len().saturating_add(bytes), ..self }
    }

    /// It is longer than it may be.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.out.len() > self.full_at
    }

    fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    /// `+text`. The text is ours and holds no line end.
    #[inline]
    pub fn simple(&mut self, text: &str) {
        debug_assert!(!text.bytes().any(|byte| byte == b'\r' || byte == b'\n'));
        self.out.reserve(text.len() + 3);
        self.out.push(b'+');
        self.out.extend_from_slice(text.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    /// `+OK`
    #[inline]
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// `-text`, the code (`ERR`, `WRONGTYPE`, ..) included. Line ends in it, say from a client's argument, become blanks.
    pub fn error(&mut self, text: impl AsRef<[u8]>) {
        self.out.push(b'-');
        let start = self.out.len();
        self.out.extend_from_slice(text.as_ref());
        self.end_error(start);
    }

    /// As [`Writer::error`], formatted in place: `writer.error_args(format_args!("ERR no {what}"))`.
    pub fn error_args(&mut self, text: std::fmt::Arguments<'_>) {
        use std::io::Write;
        self.out.push(b'-');
        let start = self.out.len();
        self.out.write_fmt(text).expect("a vector takes every byte");
        self.end_error(start);
    }

    fn end_error(&mut self, start: usize) {
        for byte in &mut self.out[start..] {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        self.out.extend_from_slice(b"\r\n");
    }

    /// `:value`
    #[inline]
    pub fn int(&mut self, value: i64) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(value);
        self.out.reserve(HEADER_BYTES_MAX);
        self.out.push(b':');
        self.out.extend_from_slice(digits.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    /// `$len text`
    #[inline]
    pub fn bulk(&mut self, text: impl AsRef<[u8]>) {
        if !self.is_full() {
            bulk(self.out, text.as_ref());
        }
    }

    /// A bulk of at most some digits: `$1 5`.
    pub fn bulk_int(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value));
    }

    /// No value: `_`, or `$-1`.
    #[inline]
    pub fn null(&mut self) {
        self.out.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"$-1\r\n" });
    }

    /// No array: `_`, or `*-1`.
    #[inline]
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"*-1\r\n" });
    }

    /// `count` values follow.
    #[inline]
    pub fn array(&mut self, count: usize) {
        header(self.out, b'*', count);
    }

    /// `count` pairs follow: a map, or an array of twice the size.
    #[inline]
    pub fn map(&mut self, count: usize) {
        if self.is_resp3() { header(self.out, b'%', count) } else { header(self.out, b'*', 2 * count) }
    }

    /// `count` values follow, each once: a set, or an array.
    #[inline]
    pub fn set(&mut self, count: usize) {
        header(self.out, if self.is_resp3() { b'~' } else { b'*' }, count);
    }

    /// `count` values follow that nobody asked for: a push, or an array.
    #[inline]
    pub fn push(&mut self, count: usize) {
        header(self.out, if self.is_resp3() { b'>' } else { b'*' }, count);
    }

    /// `count` pairs follow that are said of the value after them.
    ///
    /// # Panics
    /// In RESP2, which has nothing like it: the caller leaves the pairs out too.
    pub fn attribute(&mut self, count: usize) {
        assert!(self.is_resp3(), "RESP2 has no attributes");
        header(self.out, b'|', count);
    }

    /// A double: shortest text that reads back the same, integral values without a point; in RESP2 as a bulk.
    pub fn double(&mut self, value: f64) {
        let mut buffer = zmij::Buffer::new();
        let text = double_text(value, &mut buffer);
        if !self.is_resp3() {
            return self.bulk(text);
        }
        self.out.push(b',');
        self.out.extend_from_slice(text.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    /// `#t` or `#f`, or `:1` or `:0`.
    pub fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(match (self.is_resp3(), value) {
            (true, true) => b"#t\r\n",
            (true, false) => b"#f\r\n",
            (false, true) => b":1\r\n",
            (false, false) => b":0\r\n",
        });
    }

    /// Plain text for people to read: `=` with the format `txt`, or a bulk.
    pub fn verbatim(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        if !self.is_resp3() {
            return self.bulk(text);
        }
        header(self.out, b'=', text.len() + 4);
        self.out.reserve(text.len() + 6);
        self.out.extend_from_slice(b"txt:");
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }

    /// An integer of any size in decimal digits, or a bulk of them.
    pub fn big_number(&mut self, digits: &str) {
        if !self.is_resp3() {
            return self.bulk(digits);
        }
        self.out.push(b'(');
        self.out.extend_from_slice(digits.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    /// A bulk whose bytes `fill` appends to the buffer, without a copy beside it.
    pub fn bulk_with(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        if self.is_full() {
            return;
        }
        let mark = self.begin_bulk();
        fill(self.out);
        self.end_bulk(mark);
    }

    /// Begins a bulk of unknown size: append its bytes to `out`, then call [`Writer::end_bulk`].
    pub fn begin_bulk(&mut self) -> Mark {
        let mark = Mark { at: self.out.len() };
        self.out.extend_from_slice(&[0; HEADER_GUESS]);
        mark
    }

    /// Ends the bulk that began at `mark`: its bytes move only where the header is not as long as was guessed.
    pub fn end_bulk(&mut self, mark: Mark) {
        let len = self.out.len().checked_sub(mark.at + HEADER_GUESS).expect("the bulk's bytes only grow");
        insert_header(self.out, &mark, b'$', len, HEADER_GUESS);
        self.out.extend_from_slice(b"\r\n");
    }

    /// Begins an array of unknown size: write its values, then call [`Writer::end_array`].
    pub fn begin_array(&mut self) -> Mark {
        let mark = Mark { at: self.out.len() };
        self.out.extend_from_slice(&[0; HEADER_GUESS]);
        mark
    }

    /// Ends the array that began at `mark` and holds `count` values.
    pub fn end_array(&mut self, mark: Mark, count: usize) {
        insert_header(self.out, &mark, b'*', count, HEADER_GUESS);
    }
}

/// Appends the array form of a request: what [`super::RequestParser`] reads back as the same arguments.
pub fn write_request(out: &mut Vec<u8>, args: &[&[u8]]) {
    out.reserve(HEADER_BYTES_MAX + args.iter().map(|arg| arg.len() + HEADER_BYTES_MAX + 2).sum::<usize>());
    header(out, b'*', args.len());
    for arg in args {
        bulk(out, arg);
    }
}

#[inline]
fn bulk(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + HEADER_BYTES_MAX + 2);
    header(out, b'$', text.len());
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

#[inline]
fn header(out: &mut Vec<u8>, mark: u8, count: usize) {
    match count {
        0..10 => out.extend_from_slice(&[mark, b'0' + count as u8, b'\r', b'\n']),
        10..100 => {
            out.extend_from_slice(&[mark, b'0' + (count / 10) as u8, b'0' + (count % 10) as u8, b'\r', b'\n'])
        }
        _ => {
            let mut digits = itoa::Buffer::new();
            let digits = digits.format(count);
            out.reserve(HEADER_BYTES_MAX);
            out.push(mark);
            out.extend_from_slice(digits.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Puts the header in the place of the `room` bytes at `mark`.
fn insert_header(out: &mut Vec<u8>, mark: &Mark, kind: u8, count: usize, room: usize) {
    let mut head = arrayvec::ArrayVec::<u8, HEADER_BYTES_MAX>::new();
    head.push(kind);
    for byte in itoa::Buffer::new().format(count).bytes() {
        head.push(byte);
    }
    head.push(b'\r');
    head.push(b'\n');
    if head.len() != room {
        let body = mark.at + room;
        let end = out.len();
        if head.len() > room {
            out.resize(end + head.len() - room, 0);
        }
        out.copy_within(body..end, mark.at + head.len());
        out.truncate(end + head.len() - room);
    }
    out[mark.at..mark.at + head.len()].copy_from_slice(&head);
}

/// Integral values below 2^53 print as integers, as Redis and its clients expect of a double.
fn double_text(value: f64, buffer: &mut zmij::Buffer) -> &str {
    if value.is_nan() {
        "nan"
    } else if value.is_infinite() {
        if value > 0.0 { "inf" } else { "-inf" }
    } else {
        let text = buffer.format_finite(value);
        text.strip_suffix(".0").unwrap_or(text)
    }
}
