//! A part of a document as a typed reply.
//!
//! RESP3 has a type for each of ours: map, array, number, double, boolean. RESP2 gets strings, and sets and arrays as
//! JSON. A null that is stored is the simple string `null` in both, so that it is told apart from nothing at all.

use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::proto::resp::{Protocol, Writer};
use crate::proto::text::{Printer, Style};
use crate::trie::{Value, ValueKind};
use crate::value::{Event, SinkError, ValueSink};
use arrayvec::ArrayVec;

/// Writes a value in the reply's dialect.
pub(super) fn write_value(value: Value<'_>, out: &mut Writer<'_>) {
    const WHY: &str = "a writer takes everything";
    match (out.protocol, value.kind()) {
        (_, ValueKind::Null) => out.simple("null"),
        (Protocol::Resp3, _) => value.emit(&mut Typed { out, open: ArrayVec::new() }).expect(WHY),
        (Protocol::Resp2, ValueKind::Text) => {
            let text = value.text().expect("its kind says so");
            out.bulk_with(|out| text.write_to(out));
        }
        (Protocol::Resp2, _) => {
            out.bulk_with(|out| value.emit(&mut Printer::new(out, Style::Json)).expect(WHY));
        }
    }
}

/// A set or an array whose size is told at its end.
struct Open {
    /// Where its header is.
    at: usize,
    count: usize,
    is_set: bool,
}

struct Typed<'w, 'o> {
    out: &'w mut Writer<'o>,
    open: ArrayVec<Open, DOCUMENT_DEPTH_MAX>,
}

/// The header of a set or array of unknown size; one digit is enough for most.
const HEADER_BYTES: usize = 4;

impl ValueSink for Typed<'_, '_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        let is_end = matches!(event, Event::EndSet | Event::EndArray);
        let is_name = matches!(event, Event::Field(_));
        if let Some(open) = self.open.last_mut()
            && !is_end
            && open.is_set == is_name
        {
            open.count += 1;
        }
        match event {
            Event::Null => self.out.simple("null"),
            Event::Bool(value) => self.out.boolean(value),
            Event::Int(value) => self.out.int(value),
            Event::Float(value) => self.out.double(value),
            Event::Text(text) | Event::Field(text) => self.out.bulk(text),
            Event::BeginSet | Event::BeginArray => self.begin(event == Event::BeginSet),
            Event::EndSet | Event::EndArray => self.end(),
        }
        Ok(())
    }
}

impl Typed<'_, '_> {
    fn begin(&mut self, is_set: bool) {
        let at = self.out.out.len();
        self.out.out.extend_from_slice(if is_set { b"%0\r\n" } else { b"*0\r\n" });
        self.open.push(Open { at, count: 0, is_set });
    }

    fn end(&mut self) {
        let open = self.open.pop().expect("ends what began");
        let out = &mut self.out.out;
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(open.count).as_bytes();
        let body = open.at + HEADER_BYTES;
        let end = out.len();
        let more = digits.len() - 1;
        if more > 0 {
            out.resize(end + more, 0);
            out.copy_within(body..end, body + more);
            out[open.at + 1 + digits.len()..][..2].copy_from_slice(b"\r\n");
        }
        out[open.at + 1..][..digits.len()].copy_from_slice(digits);
    }
}
