//! Where the parsers and the trie meet: a value as a flat run of events.
//!
//! A document is told as `BeginSet, Field("a"), Int(1), Field("b"), BeginArray, Null, EndArray, EndSet`. Parsers tell
//! it to a [`ValueSink`]; the trie and the printers are sinks, and the trie tells what it stores to any sink. Nobody
//! builds a tree in between, and nobody recurses.

use std::fmt;

/// One step in the telling of a value.
///
/// A set is `BeginSet (Field value)* EndSet`, an array is `BeginArray value* EndArray`, anything else is one event.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Event<'a> {
    /// JSON's null.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer; never printed with a point.
    Int(i64),
    /// A finite float; always printed with a `.` or an `e`.
    Float(f64),
    /// Text. Inside documents always UTF-8.
    Text(&'a str),
    /// A set of named fields begins.
    BeginSet,
    /// The name of the field whose value follows.
    Field(&'a str),
    /// The set ends.
    EndSet,
    /// An array begins.
    BeginArray,
    /// The array ends.
    EndArray,
}

/// One step of a path inside a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Segment<'a> {
    /// The field of this name of a set.
    Field(&'a str),
    /// The element at this index of an array, from 0.
    Index(usize),
}

/// Who takes in a value, event by event.
pub trait ValueSink {
    /// Takes the next event. After an error the sink is in no promised state and the value is dropped.
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError>;
}

/// Why a sink refused a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SinkError {
    /// More nested sets and arrays than [`crate::limits::DOCUMENT_DEPTH_MAX`].
    TooDeep,
    /// More bytes than the sink takes.
    TooLarge,
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SinkError::TooDeep => {
                write!(f, "nested more than {} deep", crate::limits::DOCUMENT_DEPTH_MAX)
            }
            SinkError::TooLarge => f.write_str("larger than the limit"),
        }
    }
}

impl std::error::Error for SinkError {}

/// A sink that takes everything and keeps nothing: to check a text without building from it.
#[derive(Clone, Copy, Default, Debug)]
pub struct Discard;

impl ValueSink for Discard {
    fn event(&mut self, _event: Event<'_>) -> Result<(), SinkError> {
        Ok(())
    }
}

/// The names of a set's own fields, in their order; of anything else there are none.
#[derive(Clone, Default, Debug)]
pub struct FieldNames {
    /// The names so far.
    pub names: Vec<String>,
    depth: usize,
}

impl ValueSink for FieldNames {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        match event {
            Event::BeginSet | Event::BeginArray => self.depth += 1,
            Event::EndSet | Event::EndArray => self.depth -= 1,
            Event::Field(name) if self.depth == 1 => self.names.push(name.to_owned()),
            _ => {}
        }
        Ok(())
    }
}
