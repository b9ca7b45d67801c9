//! One value apart from its document.

use crate::proto::text::{Printer, Style, TextError, read_value};
use crate::trie::Value;
use crate::value::{Event, SinkError, ValueSink};

/// A value; of sets and arrays only that they are such.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Array,
    Set,
}

/// Takes in the first event only.
#[derive(Default)]
struct First(Option<Scalar>);

impl ValueSink for First {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        self.0.get_or_insert_with(|| match event {
            Event::Bool(value) => Scalar::Bool(value),
            Event::Int(value) => Scalar::Int(value),
            Event::Float(value) => Scalar::Float(value),
            Event::Text(text) => Scalar::Text(text.to_owned()),
            Event::BeginArray => Scalar::Array,
            Event::BeginSet => Scalar::Set,
            _ => Scalar::Null,
        });
        Ok(())
    }
}

impl Scalar {
    /// What a text says.
    pub(super) fn parse(text: &[u8]) -> Result<Scalar, TextError> {
        let mut first = First::default();
        read_value(text, &mut first)?;
        Ok(first.0.expect("a value has an event"))
    }

    /// What stands in a document; for numbers, booleans and texts.
    pub(super) fn of(value: Value<'_>) -> Scalar {
        use crate::trie::ValueKind;
        match value.kind() {
            ValueKind::Array => Scalar::Array,
            ValueKind::Set => Scalar::Set,
            _ => {
                let mut first = First::default();
                value.emit(&mut first).expect("it takes every event");
                first.0.expect("a value has an event")
            }
        }
    }

    /// As RedisJSON calls its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Scalar::Null => "null",
            Scalar::Bool(_) => "boolean",
            Scalar::Int(_) => "integer",
            Scalar::Float(_) => "number",
            Scalar::Text(_) => "string",
            Scalar::Array => "array",
            Scalar::Set => "object",
        }
    }

    /// Tells it; an array or a set as an empty one.
    pub(super) fn tell(&self, sink: &mut dyn ValueSink) -> Result<(), SinkError> {
        match self {
            Scalar::Null => sink.event(Event::Null),
            Scalar::Bool(value) => sink.event(Event::Bool(*value)),
            Scalar::Int(value) => sink.event(Event::Int(*value)),
            Scalar::Float(value) => sink.event(Event::Float(*value)),
            Scalar::Text(text) => sink.event(Event::Text(text)),
            Scalar::Array => sink.event(Event::BeginArray).and_then(|()| sink.event(Event::EndArray)),
            Scalar::Set => sink.event(Event::BeginSet).and_then(|()| sink.event(Event::EndSet)),
        }
    }
}

/// Appends a value's JSON.
pub(super) fn write_json(value: Value<'_>, out: &mut Vec<u8>) {
    value.emit(&mut Printer::new(out, Style::Json)).expect("a printer takes everything");
}

/// A value as compact JSON: equal values have equal texts.
pub(super) fn json_of(value: Value<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write_json(value, &mut out);
    out
}
