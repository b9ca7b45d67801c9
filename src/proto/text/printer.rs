//! Events to text.

use super::{escape, number};
use crate::value::{Event, SinkError, ValueSink};

/// How a value is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// `{"a": 1; "b": [2; 3]}`: the set notation, the console's default.
    Seed,
    /// `{"a":1,"b":[2,3]}`: compact JSON (RFC 8259), the network's default.
    Json,
    /// JSON with one field or element a line and two blanks a level, as jq prints it.
    Pretty,
}

/// Writes the value it is told to the end of a buffer.
///
/// Takes what [`crate::proto::text::ValueReader`] and the trie tell; a run of events that is no value gives a text that is none.
#[derive(Debug)]
pub struct Printer<'o> {
    out: &'o mut Vec<u8>,
    style: Style,
    depth: usize,
    before: Before,
}

/// What goes in front of the next field or value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Before {
    /// Nothing: it is the outermost, or the value of a field.
    Nothing,
    /// The beginning of what was just opened.
    First,
    /// A separator.
    Separator,
}

impl<'o> Printer<'o> {
    /// Writes one value behind what is already in `out`.
    pub fn new(out: &'o mut Vec<u8>, style: Style) -> Printer<'o> {
        Printer { out, style, depth: 0, before: Before::Nothing }
    }

    #[inline]
    fn lead(&mut self) {
        match (self.before, self.style) {
            (Before::Nothing, _) | (Before::First, Style::Seed | Style::Json) => {}
            (Before::Separator, Style::Json) => self.out.push(b','),
            (Before::Separator, Style::Seed) => self.out.extend_from_slice(b"; "),
            (Before::First, Style::Pretty) => self.new_line(),
            (Before::Separator, Style::Pretty) => {
                self.out.push(b',');
                self.new_line();
            }
        }
        self.before = Before::Separator;
    }

    fn new_line(&mut self) {
        self.out.push(b'\n');
        self.out.resize(self.out.len() + 2 * self.depth, b' ');
    }

    #[inline]
    fn open(&mut self, bracket: u8) {
        self.lead();
        self.out.push(bracket);
        self.depth += 1;
        self.before = Before::First;
    }

    #[inline]
    fn close(&mut self, bracket: u8) {
        debug_assert!(self.depth > 0, "what ends has begun");
        self.depth = self.depth.saturating_sub(1);
        if self.style == Style::Pretty && self.before == Before::Separator {
            self.new_line();
        }
        self.out.push(bracket);
        self.before = Before::Separator;
    }

    #[inline]
    fn field(&mut self, name: &str) {
        self.lead();
        escape::quote(self.out, name);
        self.out.push(b':');
        if self.style != Style::Json {
            self.out.push(b' ');
        }
        self.before = Before::Nothing;
    }
}

impl ValueSink for Printer<'_> {
    // Where the kind of event is known, as in the reader, most of this falls away.
    #[inline(always)]
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        match event {
            Event::Field(name) => self.field(name),
            Event::BeginSet => self.open(b'{'),
            Event::EndSet => self.close(b'}'),
            Event::BeginArray => self.open(b'['),
            Event::EndArray => self.close(b']'),
            scalar => {
                self.lead();
                match scalar {
                    Event::Text(text) => escape::quote(self.out, text),
                    Event::Int(value) => number::write_int(self.out, value),
                    Event::Float(value) => number::write_float(self.out, value),
                    Event::Bool(value) => self.out.extend_from_slice(if value { b"true" } else { b"false" }),
                    _ => self.out.extend_from_slice(b"null"),
                }
            }
        }
        Ok(())
    }
}
