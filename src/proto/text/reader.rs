//! Set notation and JSON to events, one pull at a time.
//!
//! ```text
//!            { or [                    name (in a set)
//!   Value ──────────▶ First ─────────────────────────▶ Colon
//!     │▲                │ value (in an array)            │ :
//!     ││                ▼                                │
//!     │└──────────── Separator ◀── value ── Value ◀──────┘
//!     │ scalar          │    ▲
//!     │             ; , ▼    │ value (in an array)
//!     │               Next ──┘── name ──▶ Colon
//!     ▼
//!    Tail ◀── } or ] of the outermost (from First, Next or Separator; an inner one leads to Separator)
//! ```
//!
//! What is nested in what is a stack of bits, one for each open set (1) or array (0). A token that is cut by the end
//! of the bytes is remembered as far as it was scanned: the caller keeps the bytes, the reader keeps the places.

use super::error::{Expected, SyntaxError, TextError};
use super::escape::{self, EscapeError};
use super::{number, scan};
use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::value::{Event, SinkError};

/// What a reader says of the bytes it was shown.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Step<'b> {
    /// The next event. The caller lets go of `consumed` bytes and calls again with what follows them.
    Event {
        /// What happened.
        event: Event<'b>,
        /// Bytes that are done with.
        consumed: usize,
    },
    /// The bytes end too early: call again with the same bytes and more of them.
    More,
    /// The value is complete, and nothing but white space followed.
    End {
        /// Bytes that are done with: all.
        consumed: usize,
    },
}

/// Reads one value in set notation, of which JSON is a part, as [`Event`]s.
///
/// No recursion; no allocation unless a string holds an escape. Each byte is looked at once however the text is cut.
#[derive(Debug)]
pub struct ValueReader {
    depth_max: usize,
    state: State,
    token: Token,
    /// Bit 0 tells of the innermost: 1 a set, 0 an array.
    nesting: u128,
    depth: usize,
    /// Bytes of the text before the bytes of the present call.
    base: usize,
    /// Bytes of the present call that are scanned.
    at: usize,
    /// Where the token begins, after its quote if it has one; moves on past what went to `unescaped`.
    start: usize,
    /// The present string, once it held an escape.
    unescaped: String,
}

const _: () = assert!(DOCUMENT_DEPTH_MAX <= u128::BITS as usize);

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    /// A value.
    #[default]
    Value,
    /// A field or element, or the end: behind `{` or `[`.
    First,
    /// The same, behind a separator.
    Next,
    /// The `:` behind a field's name.
    Colon,
    /// A separator or the end, behind a value.
    Separator,
    /// Nothing: the value is complete.
    Tail,
}

/// The token that the bytes may have been cut in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Token {
    #[default]
    None,
    /// A string in quotes; all of it so far lies between `start` and `at`.
    Plain,
    /// The same, with its beginning in `unescaped`.
    Escaped,
    /// A bare word.
    Word,
    /// A number.
    Number,
}

/// The text to read: bytes, or bytes that are known to be UTF-8, of which no part is checked again.
pub(super) trait Source {
    fn bytes(&self) -> &[u8];
    /// The part as text, or where it stops being UTF-8. `start` and `end` lie beside ASCII bytes.
    fn part(&self, start: usize, end: usize) -> Result<&str, usize>;
    /// What is left of the text from `start` on.
    fn tail(&self, start: usize) -> &Self;
}

/// A [`Step`] whose event is not carried about but was handed to the caller's `take` where it was found: an event is a
/// wide enum, and moving it through two results costs more than finding it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pulled {
    /// An event was taken; bytes that are done with.
    Event(usize),
    More,
    /// Bytes that are done with.
    End(usize),
}

/// What pulling answers.
type Answer = Result<Pulled, TextError>;

impl Source for [u8] {
    #[inline]
    fn bytes(&self) -> &[u8] {
        self
    }
    #[inline]
    fn part(&self, start: usize, end: usize) -> Result<&str, usize> {
        std::str::from_utf8(&self[start..end]).map_err(|error| start + error.valid_up_to())
    }
    #[inline]
    fn tail(&self, start: usize) -> &[u8] {
        &self[start..]
    }
}

impl Source for str {
    #[inline]
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
    #[inline]
    fn part(&self, start: usize, end: usize) -> Result<&str, usize> {
        Ok(&self[start..end])
    }
    #[inline]
    fn tail(&self, start: usize) -> &str {
        &self[start..]
    }
}

impl Default for ValueReader {
    fn default() -> ValueReader {
        ValueReader::new()
    }
}

impl ValueReader {
    /// A reader at the beginning of a text.
    pub fn new() -> ValueReader {
        ValueReader::with_depth(DOCUMENT_DEPTH_MAX)
    }

    /// A reader that allows `depth_max` nested sets and arrays, at most [`DOCUMENT_DEPTH_MAX`].
    pub fn with_depth(depth_max: usize) -> ValueReader {
        assert!(depth_max <= DOCUMENT_DEPTH_MAX, "{depth_max} nested sets cannot be read");
        ValueReader {
            depth_max,
            state: State::default(),
            token: Token::default(),
            nesting: 0,
            depth: 0,
            base: 0,
            at: 0,
            start: 0,
            unescaped: String::new(),
        }
    }

    /// The next event of the text of which `bytes` is what was not consumed yet. `last`: no bytes follow these.
    ///
    /// After [`Step::More`] the next call gets the same bytes and more, or the same and `last`. After an error or the
    /// end the reader is spent.
    pub fn next<'b>(&'b mut self, bytes: &'b [u8], last: bool) -> Result<Step<'b>, SyntaxError> {
        let mut taken = None;
        let pulled = self.pull(bytes, last, |event| {
            taken = Some(event);
            Ok(())
        });
        match pulled {
            Ok(Pulled::Event(consumed)) => {
                Ok(Step::Event { event: taken.expect("it was handed over just now"), consumed })
            }
            Ok(Pulled::More) => Ok(Step::More),
            Ok(Pulled::End(consumed)) => Ok(Step::End { consumed }),
            Err(TextError::Syntax(error)) => Err(error),
            Err(TextError::Sink(..)) => unreachable!("what takes the event refuses none"),
        }
    }

    /// [`ValueReader::next`], for text of either kind; the event goes to `take`.
    #[inline]
    pub(super) fn pull<'b, S, F>(&'b mut self, text: &'b S, last: bool, take: F) -> Answer
    where
        S: Source + ?Sized,
        F: FnOnce(Event<'b>) -> Result<(), SinkError>,
    {
        let bytes = text.bytes();
        match self.token {
            Token::None => {}
            Token::Plain | Token::Escaped => return self.quoted(text, last, take),
            Token::Word | Token::Number => return self.run(text, last, take),
        }
        let byte = loop {
            self.at += scan::blank_len(&bytes[self.at..]);
            let Some(&byte) = bytes.get(self.at) else { return self.run_out(last) };
            match self.state {
                State::Colon if byte == b':' => self.state = State::Value,
                State::Separator if byte == b';' || byte == b',' => self.state = State::Next,
                State::Colon | State::Tail => return Err(self.wrong(self.at)),
                _ => break byte,
            }
            self.at += 1;
        };
        if self.state != State::Value {
            if byte == self.closer() {
                return self.close(take);
            }
            let named = self.in_set() && !matches!(byte, b'"' | b'A'..=b'Z' | b'a'..=b'z' | b'_');
            if named || self.state == State::Separator {
                return Err(self.wrong(self.at));
            }
        }
        match byte {
            b'"' => {
                self.at += 1;
                self.start = self.at;
                self.token = Token::Plain;
                self.quoted(text, last, take)
            }
            b'{' | b'[' => self.open(byte, take),
            b'0'..=b'9' | b'-' | b'+' => {
                self.start = self.at;
                self.token = Token::Number;
                self.run(text, last, take)
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                self.start = self.at;
                self.token = Token::Word;
                self.run(text, last, take)
            }
            _ => Err(self.wrong(self.at)),
        }
    }

    /// Whether the innermost open thing is a set.
    #[inline]
    fn in_set(&self) -> bool {
        self.nesting & 1 == 1
    }

    #[inline]
    fn closer(&self) -> u8 {
        if self.in_set() { b'}' } else { b']' }
    }

    /// The bytes ended between two tokens.
    #[cold]
    fn run_out(&mut self, last: bool) -> Answer {
        match (last, self.state) {
            (false, _) => Ok(Pulled::More),
            (true, State::Tail) => Ok(Pulled::End(self.consume(self.at))),
            (true, _) => Err(self.wrong(self.at)),
        }
    }

    /// What stands at `at` cannot follow.
    #[cold]
    fn wrong(&self, at: usize) -> TextError {
        let expected = match (self.state, self.in_set()) {
            (State::Value, _) => Expected::Value,
            (State::First | State::Next, true) => Expected::FieldOrClose,
            (State::First | State::Next, false) => Expected::ElementOrClose,
            (State::Colon, _) => Expected::Colon,
            (State::Separator, true) => Expected::SeparatorOrBrace,
            (State::Separator, false) => Expected::SeparatorOrBracket,
            (State::Tail, _) => Expected::End,
        };
        self.error(at, expected)
    }

    #[cold]
    fn error(&self, at: usize, expected: Expected) -> TextError {
        SyntaxError::new(self.base + at, expected).into()
    }

    /// The bytes before `end` are done with.
    #[inline]
    fn consume(&mut self, end: usize) -> usize {
        self.base += end;
        self.at = 0;
        end
    }

    /// The event that ends at `end` was found: on to `state`.
    #[inline]
    fn hand<'b, F>(&mut self, end: usize, state: State, event: Event<'b>, take: F) -> Answer
    where
        F: FnOnce(Event<'b>) -> Result<(), SinkError>,
    {
        self.token = Token::None;
        self.state = state;
        let consumed = self.consume(end);
        match take(event) {
            Ok(()) => Ok(Pulled::Event(consumed)),
            Err(error) => Err(TextError::Sink(error, self.base)),
        }
    }

    /// A `{` or `[` at the present place.
    #[inline]
    fn open<'b, F>(&mut self, byte: u8, take: F) -> Answer
    where
        F: FnOnce(Event<'b>) -> Result<(), SinkError>,
    {
        if self.depth == self.depth_max {
            return Err(self.error(self.at, Expected::LessDepth { max: self.depth_max as u8 }));
        }
        let set = byte == b'{';
        self.depth += 1;
        self.nesting = self.nesting << 1 | u128::from(set);
        let event = if set { Event::BeginSet } else { Event::BeginArray };
        self.hand(self.at + 1, State::First, event, take)
    }

    /// The closer of the innermost at the present place.
    #[inline]
    fn close<'b, F>(&mut self, take: F) -> Answer
    where
        F: FnOnce(Event<'b>) -> Result<(), SinkError>,
    {
        let event = if self.in_set() { Event::EndSet } else { Event::EndArray };
        self.depth -= 1;
        self.nesting >>= 1;
        self.hand(self.at + 1, self.after_value(), event, take)
    }

    #[inline]
    fn after_value(&self) -> State {
        if self.depth == 0 { State::Tail } else { State::Separator }
    }

    /// Goes on in a string in quotes.
    #[inline]
    fn quoted<'b, S, F>(&'b mut self, text: &'b S, last: bool, take: F) -> Answer
    where
        S: Source + ?Sized,
        F: FnOnce(Event<'b>) -> Result<(), SinkError>,
    {
        let bytes = text.bytes();
        loop {
            self.at += scan::plain_len(&bytes[self.at..]);
            let Some(&byte) = bytes.get(self.at) else { return self.run_out_in_text(text, last) };
            let part = text.part(self.start, self.at).map_err(|at| self.error(at, Expected::Utf8))?;
            match byte {
                b'"' if self.token == Token::Plain => return self.hand_text(self.at + 1, part, take),
                b'"' => {
                    self.unescaped.push_str(part);
                    return self.hand_unescaped(take);
                }
                b'\\' => {
                    if !self.unescape(bytes, part, last)? {
                        return Ok(Pulled::More);
                    }
                }
                _ => return Err(self.error(self.at, Expected::EscapedControl)),
            }
        }
    }

    /// The bytes ended inside of a string.
    #[cold]
    fn run_out_in_text<S: Source + ?Sized>(&self, text: &S, last: bool) -> Answer {
        if !last {
            return Ok(Pulled::More);
        }
        text.part(self.start, self.at).map_err(|at| self.error(at, Expected::Utf8))?;
        Err(self.error(self.at, Expected::Quote))
    }

    /// Moves what was read of the string, and the escape behind it, to `unescaped`; false if the escape is cut.
    #[cold]
    fn unescape(&mut self, bytes: &[u8], part: &str, last: bool) -> Result<bool, TextError> {
        if self.token == Token::Plain {
            self.token = Token::Escaped;
            self.unescaped.clear();
        }
        self.unescaped.push_str(part);
        self.start = self.at;
        match escape::decode(&bytes[self.at..]) {
            Ok((character, len)) => {
                self.unescaped.push(character);
                self.at += len;
                self.start = self.at;
                Ok(true)
            }
            Err(EscapeError::Cut) if last => Err(self.error(bytes.len(), Expected::Quote)),
            Err(EscapeError::Cut) => Ok(false),
            Err(EscapeError::Wrong(place, expected)) => Err(self.error(self.at + place, expected)),
        }
    }

    /// Goes on in a bare word or a number.
    #[inline]
    fn run<'b, S, F>(&'b mut self, text: &'b S, last: bool, take: F) -> Answer
    where
        S: Source + ?Sized,
        F: FnOnce(Event<'b>) -> Result<(), SinkError>,
    {
        let bytes = text.bytes();
        let number = self.token == Token::Number;
        self.at += scan::run_len(&bytes[self.at..], number);
        if self.at == bytes.len() && !last {
            return Ok(Pulled::More);
        }
        if number {
            let event = number::read(&bytes[self.start..self.at])
                .map_err(|(place, expected)| self.error(self.start + place, expected))?;
            return self.hand(self.at, self.after_value(), event, take);
        }
        let word = text.part(self.start, self.at).expect("a bare word is ASCII");
        let event = match word {
            _ if self.names_field() => Event::Field(word),
            "true" => Event::Bool(true),
            "false" => Event::Bool(false),
            "null" => Event::Null,
            _ => Event::Text(word),
        };
        let state = if self.names_field() { State::Colon } else { self.after_value() };
        self.hand(self.at, state, event, take)
    }

    /// Whether the present token is the name of a field.
    #[inline]
    fn names_field(&self) -> bool {
        self.state != State::Value && self.in_set()
    }

    #[inline]
    fn hand_text<'b, F>(&mut self, end: usize, text: &'b str, take: F) -> Answer
    where
        F: FnOnce(Event<'b>) -> Result<(), SinkError>,
    {
        if self.names_field() {
            self.hand(end, State::Colon, Event::Field(text), take)
        } else {
            self.hand(end, self.after_value(), Event::Text(text), take)
        }
    }

    /// The string that went to `unescaped` is complete.
    #[inline]
    fn hand_unescaped<'b, F>(&'b mut self, take: F) -> Answer
    where
        F: FnOnce(Event<'b>) -> Result<(), SinkError>,
    {
        let named = self.names_field();
        self.token = Token::None;
        self.state = if named { State::Colon } else { self.after_value() };
        let consumed = self.consume(self.at + 1);
        let text = self.unescaped.as_str();
        match take(if named { Event::Field(text) } else { Event::Text(text) }) {
            Ok(()) => Ok(Pulled::Event(consumed)),
            Err(error) => Err(TextError::Sink(error, self.base)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_scanned_twice_however_a_token_is_cut() {
        let texts = [
            format!("\"{}\"", "x".repeat(5_000)),
            format!("\"{}\\u0041{}\"", "é".repeat(2_000), "\\uD83D\\uDE00".repeat(200)),
            format!("{}w{} ", " ".repeat(3_000), "o".repeat(3_000)),
            format!("1.{} ", "0".repeat(5_000)),
        ];
        for text in texts {
            let mut reader = ValueReader::new();
            for len in 0..text.len() - 1 {
                assert_eq!(reader.next(&text.as_bytes()[..len], false), Ok(Step::More));
                // What is scanned is never more than one escape behind what was shown.
                assert!(len - reader.at < 12, "{} of {len} are scanned", reader.at);
                assert!(reader.token != Token::Escaped || len - reader.start < 4_000, "decoded once");
            }
            assert!(matches!(reader.next(text.as_bytes(), true), Ok(Step::Event { .. })));
        }
    }
}
