//! Tells the replies in a stream apart, and no more: what kind each is, and its text where that is short.
//!
//! A load generator looks at every reply and must cost less than the server that made it. So this is no parser that
//! builds values: it walks over RESP2 and RESP3 alike, each byte once, and keeps three numbers between two reads.
//!
//! ```text
//!  between replies ──header──► values left = 1 ──*3──► 1 - 1 + 3 ──…──► 0: a reply is complete
//!                                   │  $5
//!                                   └─► body left = 5 + 2 ──bytes──► 0: one value less
//! ```

use memchr::memchr;

/// What a reply is, by its first byte; arrays with their number of items (maps: twice their pairs).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    Simple,
    Error,
    Int,
    Bulk,
    Null,
    Array(u64),
    /// RESP3's other scalars.
    Other,
    /// A push message or attribute: walked over and never reported.
    Hidden,
}

/// What stood next in the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found<'b> {
    /// The bytes end within a reply.
    More,
    /// A piece of the body of a reply that is one bulk string; the last piece comes with the reply.
    Part(&'b [u8]),
    /// A reply is complete. `text` is the line of a simple string, error or number, or the last piece of a bulk.
    Reply { shape: Shape, text: &'b [u8] },
    /// This is not RESP.
    Broken,
}

/// Longest header line; error texts are lines too.
const LINE_BYTES_MAX: usize = 64 << 10;

/// Where a connection's reply stream stands.
#[derive(Debug)]
pub(crate) struct Scanner {
    /// Values until the current reply is complete; 0 between replies.
    values_left: u64,
    /// Bytes of the current bulk's body, its CRLF included, that are still to come.
    body_left: u64,
    /// What the current reply is.
    shape: Shape,
    /// The beginning of a header line that was cut.
    line: Vec<u8>,
    /// `line` has been handed out and is done with.
    line_spent: bool,
}

impl Scanner {
    pub(crate) fn new() -> Scanner {
        Scanner { values_left: 0, body_left: 0, shape: Shape::Hidden, line: Vec::new(), line_spent: false }
    }

    /// Walks over `bytes` up to the next thing worth telling. Says how many of them that took.
    pub(crate) fn next<'b>(&'b mut self, bytes: &'b [u8]) -> (usize, Found<'b>) {
        if self.line_spent {
            self.line.clear();
            self.line_spent = false;
        }
        if self.values_left == 0
            && self.line.is_empty()
            && let Some(whole) = whole_reply(bytes)
        {
            return whole;
        }
        self.walk(bytes)
    }

    fn walk<'b>(&'b mut self, bytes: &'b [u8]) -> (usize, Found<'b>) {
        let mut at = 0;
        loop {
            if self.body_left > 0 {
                let rest = &bytes[at..];
                let taken = self.body_left.min(rest.len() as u64);
                let text = &rest[..taken.min(self.body_left.saturating_sub(2)) as usize];
                at += taken as usize;
                self.body_left -= taken;
                let alone = self.shape == Shape::Bulk;
                if self.body_left > 0 {
                    return (at, if alone && !text.is_empty() { Found::Part(text) } else { Found::More });
                }
                if self.value_done() {
                    return (at, Found::Reply { shape: self.shape, text });
                }
            }
            let rest = &bytes[at..];
            let Some(end) = memchr(b'\n', rest) else {
                self.line.extend_from_slice(rest);
                let fits = self.line.len() <= LINE_BYTES_MAX;
                return (bytes.len(), if fits { Found::More } else { Found::Broken });
            };
            at += end + 1;
            let was_cut = !self.line.is_empty();
            if was_cut {
                self.line.extend_from_slice(&rest[..=end]);
            }
            let line = if was_cut { std::mem::take(&mut self.line) } else { Vec::new() };
            let header = parse_header(if was_cut { &line } else { &rest[..=end] });
            let Some(header) = header else { return (at, Found::Broken) };
            let Some(complete) = self.begin_value(header) else { return (at, Found::Broken) };
            if complete && was_cut {
                self.line = line;
                self.line_spent = true;
                return (at, Found::Reply { shape: self.shape, text: line_text(&self.line) });
            } else if complete {
                return (at, Found::Reply { shape: self.shape, text: line_text(&rest[..=end]) });
            }
        }
    }

    /// Takes in a value's header. True if that completes a reply worth telling; `None` if its counts make no sense.
    fn begin_value(&mut self, header: Header) -> Option<bool> {
        let first = self.values_left == 0;
        if first {
            self.shape = header.shape();
            self.values_left = 1;
        }
        match header {
            Header::Line(_) => Some(self.value_done()),
            Header::Body { bytes, .. } => {
                self.body_left = bytes.checked_add(2)?;
                Some(false)
            }
            Header::Items { count, .. } => {
                self.values_left = self.values_left.checked_add(count)?;
                Some(self.value_done())
            }
            // Inside a reply it precedes the value it belongs to; before one it is a hidden reply of its own.
            Header::Attribute { count } => {
                self.values_left = self.values_left.checked_add(count)?;
                Some(first && self.value_done())
            }
        }
    }

    /// One value less to come. True if a reply is complete that is worth telling.
    fn value_done(&mut self) -> bool {
        self.values_left -= 1;
        self.values_left == 0 && self.shape != Shape::Hidden
    }
}

/// The replies that come by the million, if `bytes` begin with a whole one.
fn whole_reply(bytes: &[u8]) -> Option<(usize, Found<'_>)> {
    if bytes.starts_with(b"+OK\r\n") {
        return Some((5, Found::Reply { shape: Shape::Simple, text: &bytes[1..3] }));
    }
    let digits = bytes.strip_prefix(b"$")?;
    let mut len = 0usize;
    for (index, &byte) in digits.iter().take(10).enumerate() {
        if byte.is_ascii_digit() {
            len = len * 10 + usize::from(byte - b'0');
            continue;
        }
        let begin = 1 + index + 2;
        let whole = index > 0 && byte == b'\r' && bytes.len() >= begin + len + 2;
        return whole.then(|| {
            let text = &bytes[begin..begin + len];
            (begin + len + 2, Found::Reply { shape: Shape::Bulk, text })
        });
    }
    None
}

#[derive(Clone, Copy)]
enum Header {
    /// The line is the value.
    Line(Shape),
    /// So many bytes follow.
    Body { shape: Shape, bytes: u64 },
    /// So many values follow.
    Items { shape: Shape, count: u64 },
    /// So many values follow, and then the value that they say something about.
    Attribute { count: u64 },
}

impl Header {
    fn shape(self) -> Shape {
        match self {
            Header::Line(shape) | Header::Body { shape, .. } | Header::Items { shape, .. } => shape,
            Header::Attribute { .. } => Shape::Hidden,
        }
    }
}

fn parse_header(line: &[u8]) -> Option<Header> {
    let (&kind, rest) = line.strip_suffix(b"\r\n")?.split_first()?;
    let count = || parse_count(rest);
    let items = |shape: fn(u64) -> Shape, count: u64| Header::Items { shape: shape(count), count };
    Some(match kind {
        b'+' => Header::Line(Shape::Simple),
        b'-' => Header::Line(Shape::Error),
        b':' => Header::Line(Shape::Int),
        b'_' => Header::Line(Shape::Null),
        b',' | b'#' | b'(' => Header::Line(Shape::Other),
        b'$' | b'*' if rest == b"-1" => Header::Line(Shape::Null),
        b'$' => Header::Body { shape: Shape::Bulk, bytes: count()? },
        b'!' => Header::Body { shape: Shape::Error, bytes: count()? },
        b'=' => Header::Body { shape: Shape::Other, bytes: count()? },
        b'*' | b'~' => items(Shape::Array, count()?),
        b'%' => items(Shape::Array, count()?.checked_mul(2)?),
        b'>' => items(|_| Shape::Hidden, count()?),
        b'|' => Header::Attribute { count: count()?.checked_mul(2)? },
        _ => return None,
    })
}

fn parse_count(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits
        .iter()
        .try_fold(0u64, |count, byte| byte.is_ascii_digit().then(|| count * 10 + u64::from(byte - b'0')))
}

/// A header line without its first byte and its CRLF.
fn line_text(line: &[u8]) -> &[u8] {
    &line[1..line.len() - 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every reply of the stream when it arrives in pieces of `step` bytes, bulk bodies put together again.
    fn scan(stream: &[u8], step: usize) -> Vec<(Shape, Vec<u8>)> {
        let (mut scanner, mut replies, mut body) = (Scanner::new(), Vec::new(), Vec::new());
        for mut piece in stream.chunks(step) {
            while !piece.is_empty() {
                let (consumed, found) = scanner.next(piece);
                match found {
                    Found::More => {}
                    Found::Part(part) => body.extend_from_slice(part),
                    Found::Reply { shape, text } => {
                        body.extend_from_slice(text);
                        replies.push((shape, std::mem::take(&mut body)));
                    }
                    Found::Broken => panic!("broken after {replies:?}"),
                }
                assert!(consumed > 0);
                piece = &piece[consumed..];
            }
        }
        replies
    }

    #[test]
    fn every_cut_of_a_stream_gives_the_same_replies() {
        let stream = b"+OK\r\n$5\r\nhello\r\n$-1\r\n:42\r\n-ERR no such\r\n+PONG\r\n$0\r\n\r\n*2\r\n$1\r\na\r\n$-1\r\n\
            *-1\r\n_\r\n*0\r\n%1\r\n+a\r\n*2\r\n:1\r\n:2\r\n>2\r\n|1\r\n+k\r\n+v\r\n+push\r\n:1\r\n#t\r\n,1.5\r\n(123\r\n=7\r\ntxt:abc\r\n\
            !7\r\nERR bad\r\n|1\r\n+key\r\n+value\r\n$3\r\nx\ny\r\n~1\r\n|1\r\n+k\r\n+v\r\n:7\r\n>0\r\n|0\r\n$12\r\nabcdefghijkl\r\n";
        let expected: Vec<(Shape, &[u8])> = vec![
            (Shape::Simple, b"OK"),
            (Shape::Bulk, b"hello"),
            (Shape::Null, b"-1"),
            (Shape::Int, b"42"),
            (Shape::Error, b"ERR no such"),
            (Shape::Simple, b"PONG"),
            (Shape::Bulk, b""),
            (Shape::Array(2), b"-1"),
            (Shape::Null, b"-1"),
            (Shape::Null, b""),
            (Shape::Array(0), b"0"),
            (Shape::Array(2), b"2"),
            (Shape::Other, b"t"),
            (Shape::Other, b"1.5"),
            (Shape::Other, b"123"),
            (Shape::Other, b"txt:abc"),
            (Shape::Error, b"ERR bad"),
            (Shape::Bulk, b"x\ny"),
            (Shape::Array(1), b"7"),
            (Shape::Bulk, b"abcdefghijkl"),
        ];
        for step in 1..=stream.len() {
            let replies = scan(stream, step);
            let shapes: Vec<Shape> = replies.iter().map(|(shape, _)| *shape).collect();
            assert_eq!(
                shapes,
                expected.iter().map(|(shape, _)| *shape).collect::<Vec<_>>(),
                "in pieces of {step}"
            );
            for ((shape, text), (_, wanted)) in replies.iter().zip(&expected) {
                if matches!(shape, Shape::Simple | Shape::Bulk | Shape::Int) || step == stream.len() {
                    assert_eq!(text, wanted, "{shape:?} in pieces of {step}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_resp_is_broken() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"$x\r\n",
            b"$5x\r\n",
            b"$-2\r\n",
            b"*99999999999999999999\r\n",
            b"\r\n",
            b"+OK\n",
            b"$\r\n",
        ] {
            let mut scanner = Scanner::new();
            assert_eq!(scanner.next(bytes).1, Found::Broken, "{:?}", String::from_utf8_lossy(bytes));
        }
        let mut scanner = Scanner::new();
        assert_eq!(scanner.next(&[b'+'; LINE_BYTES_MAX + 1]).1, Found::Broken, "a line without an end");
    }

    #[test]
    fn deep_nesting_and_large_counts_take_no_memory() {
        let mut stream = b"*1\r\n".repeat(100_000);
        stream.extend_from_slice(b":1\r\n+OK\r\n");
        let replies = scan(&stream, 1_000);
        assert_eq!(
            replies.iter().map(|(shape, _)| *shape).collect::<Vec<_>>(),
            [Shape::Array(1), Shape::Simple]
        );
        let mut scanner = Scanner::new();
        assert_eq!(scanner.next(b"*999999999999999999\r\n:1\r\n").1, Found::More);
        assert!(scanner.line.capacity() == 0);
    }
}
