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

use super::error::{Expected, SyntaxError};
use super::escape::{self, EscapeError};
use super::scan;
use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::value::Event;

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
#[derive(Debug, Default)]
pub struct ValueReader {
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

impl ValueReader {
    /// A reader at the beginning of a text.
    pub fn new() -> ValueReader {
        ValueReader::default()
    }

    /// The next event of the text of which `bytes` is what was not consumed yet. `last`: no bytes follow these.
    ///
    /// After [`Step::More`] the next call gets the same bytes and more, or the same and `last`. After an error or the
    /// end the reader is spent.
    pub fn next<'b>(&'b mut self, bytes: &'b [u8], last: bool) -> Result<Step<'b>, SyntaxError> {
        self.pull(bytes, last)
    }

    #[inline]
    pub(super) fn pull<'b, S: Source + ?Sized>(
        &'b mut self,
        text: &'b S,
        last: bool,
    ) -> Result<Step<'b>, SyntaxError> {
        let bytes = text.bytes();
        if self.token != Token::None {
            return self.resume(text, last);
        }
        loop {
            self.at += scan::blank_len(&bytes[self.at..]);
            let Some(&byte) = bytes.get(self.at) else { return self.run_out(last) };
            match self.state {
                State::Colon if byte == b':' => (self.at, self.state) = (self.at + 1, State::Value),
                State::Separator if byte == b';' || byte == b',' => {
                    (self.at, self.state) = (self.at + 1, State::Next);
                }
                State::First | State::Next | State::Separator if byte == self.closer() => {
                    return Ok(self.close());
                }
                State::First | State::Next if self.in_set() => return self.begin_name(text, byte, last),
                State::First | State::Next | State::Value => return self.begin_value(text, byte, last),
                State::Colon | State::Separator | State::Tail => return Err(self.wrong(self.at)),
            }
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
    fn run_out<'b>(&mut self, last: bool) -> Result<Step<'b>, SyntaxError> {
        match (last, self.state) {
            (false, _) => Ok(Step::More),
            (true, State::Tail) => Ok(Step::End { consumed: self.consume(self.at) }),
            (true, _) => Err(self.wrong(self.at)),
        }
    }

    /// What stands at `at` cannot follow.
    #[cold]
    fn wrong(&self, at: usize) -> SyntaxError {
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
    fn error(&self, at: usize, expected: Expected) -> SyntaxError {
        SyntaxError::new(self.base + at, expected)
    }

    /// The bytes before `end` are done with.
    #[inline]
    fn consume(&mut self, end: usize) -> usize {
        self.base += end;
        self.at = 0;
        end
    }

    /// A `{` or `[` at the present place.
    fn open<'b>(&mut self, byte: u8) -> Result<Step<'b>, SyntaxError> {
        if self.depth == DOCUMENT_DEPTH_MAX {
            return Err(self.error(self.at, Expected::LessDepth));
        }
        let set = byte == b'{';
        self.depth += 1;
        self.nesting = self.nesting << 1 | u128::from(set);
        self.state = State::First;
        let event = if set { Event::BeginSet } else { Event::BeginArray };
        Ok(Step::Event { event, consumed: self.consume(self.at + 1) })
    }

    /// The closer of the innermost at the present place.
    fn close<'b>(&mut self) -> Step<'b> {
        let event = if self.in_set() { Event::EndSet } else { Event::EndArray };
        self.depth -= 1;
        self.nesting >>= 1;
        self.state = self.after_value();
        Step::Event { event, consumed: self.consume(self.at + 1) }
    }

    #[inline]
    fn after_value(&self) -> State {
        if self.depth == 0 { State::Tail } else { State::Separator }
    }

    #[inline]
    fn begin_name<'b, S: Source + ?Sized>(
        &'b mut self,
        text: &'b S,
        byte: u8,
        last: bool,
    ) -> Result<Step<'b>, SyntaxError> {
        match byte {
            b'"' => self.begin_text(text, last),
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => self.begin_run(Token::Word, text, last),
            _ => Err(self.wrong(self.at)),
        }
    }

    #[inline]
    fn begin_value<'b, S: Source + ?Sized>(
        &'b mut self,
        text: &'b S,
        byte: u8,
        last: bool,
    ) -> Result<Step<'b>, SyntaxError> {
        match byte {
            b'"' => self.begin_text(text, last),
            b'{' | b'[' => self.open(byte),
            b'0'..=b'9' | b'-' | b'+' => self.begin_run(Token::Number, text, last),
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => self.begin_run(Token::Word, text, last),
            _ => Err(self.wrong(self.at)),
        }
    }

    #[inline]
    fn begin_text<'b, S: Source + ?Sized>(
        &'b mut self,
        text: &'b S,
        last: bool,
    ) -> Result<Step<'b>, SyntaxError> {
        self.at += 1;
        self.start = self.at;
        self.token = Token::Plain;
        self.quoted(text, last)
    }

    #[inline]
    fn begin_run<'b, S: Source + ?Sized>(
        &'b mut self,
        token: Token,
        text: &'b S,
        last: bool,
    ) -> Result<Step<'b>, SyntaxError> {
        self.start = self.at;
        self.token = token;
        self.run(text, last)
    }

    #[cold]
    fn resume<'b, S: Source + ?Sized>(
        &'b mut self,
        text: &'b S,
        last: bool,
    ) -> Result<Step<'b>, SyntaxError> {
        match self.token {
            Token::Plain | Token::Escaped => self.quoted(text, last),
            Token::Word | Token::Number | Token::None => self.run(text, last),
        }
    }

    /// Goes on in a string in quotes.
    #[inline]
    fn quoted<'b, S: Source + ?Sized>(
        &'b mut self,
        text: &'b S,
        last: bool,
    ) -> Result<Step<'b>, SyntaxError> {
        let bytes = text.bytes();
        loop {
            self.at += scan::plain_len(&bytes[self.at..]);
            let Some(&byte) = bytes.get(self.at) else {
                if !last {
                    return Ok(Step::More);
                }
                text.part(self.start, self.at).map_err(|at| self.error(at, Expected::Utf8))?;
                return Err(self.error(self.at, Expected::Quote));
            };
            let part = text.part(self.start, self.at).map_err(|at| self.error(at, Expected::Utf8))?;
            match byte {
                b'"' if self.token == Token::Plain => return Ok(self.text_event(self.at + 1, part)),
                b'"' => {
                    self.unescaped.push_str(part);
                    return Ok(self.unescaped_event());
                }
                b'\\' => {
                    if !self.unescape(bytes, part, last)? {
                        return Ok(Step::More);
                    }
                }
                _ => return Err(self.error(self.at, Expected::EscapedControl)),
            }
        }
    }

    /// Moves what was read of the string, and the escape behind it, to `unescaped`; false if the escape is cut.
    #[cold]
    fn unescape(&mut self, bytes: &[u8], part: &str, last: bool) -> Result<bool, SyntaxError> {
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
    fn run<'b, S: Source + ?Sized>(&'b mut self, text: &'b S, last: bool) -> Result<Step<'b>, SyntaxError> {
        let bytes = text.bytes();
        let number = self.token == Token::Number;
        let stays = |byte: u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'-')
                || (number && matches!(byte, b'+' | b'.'))
        };
        match bytes[self.at..].iter().position(|&byte| !stays(byte)) {
            Some(len) => self.at += len,
            None => {
                self.at = bytes.len();
                if !last {
                    return Ok(Step::More);
                }
            }
        }
        if number {
            let event = super::number::read(&bytes[self.start..self.at])
                .map_err(|(place, expected)| self.error(self.start + place, expected))?;
            return Ok(self.value_event(self.at, event));
        }
        let word = text.part(self.start, self.at).expect("a bare word is ASCII");
        if self.names_field() {
            return Ok(self.text_event(self.at, word));
        }
        let event = match word {
            "true" => Event::Bool(true),
            "false" => Event::Bool(false),
            "null" => Event::Null,
            _ => Event::Text(word),
        };
        Ok(self.value_event(self.at, event))
    }

    /// Whether the present token is the name of a field.
    #[inline]
    fn names_field(&self) -> bool {
        self.state != State::Value && self.in_set()
    }

    #[inline]
    fn text_event<'b>(&mut self, end: usize, text: &'b str) -> Step<'b> {
        if !self.names_field() {
            return self.value_event(end, Event::Text(text));
        }
        self.state = State::Colon;
        self.token = Token::None;
        Step::Event { event: Event::Field(text), consumed: self.consume(end) }
    }

    #[inline]
    fn value_event<'b>(&mut self, end: usize, event: Event<'b>) -> Step<'b> {
        self.state = self.after_value();
        self.token = Token::None;
        Step::Event { event, consumed: self.consume(end) }
    }

    /// The string that went to `unescaped` is complete.
    fn unescaped_event(&mut self) -> Step<'_> {
        let named = self.names_field();
        self.state = if named { State::Colon } else { self.after_value() };
        self.token = Token::None;
        let consumed = self.consume(self.at + 1);
        let text = self.unescaped.as_str();
        Step::Event { event: if named { Event::Field(text) } else { Event::Text(text) }, consumed }
    }
}
