//! Set notation and JSON: text to events and back.
//!
//! ```text
//!   {"name": "Mary"; "age": 22}      set notation; `,` for `;`, bare words for strings and names are fine
//!        │ ValueReader: pulled, incremental, no recursion
//!        ▼
//!   BeginSet Field("name") Text("Mary") Field("age") Int(22) EndSet
//!        │ Printer: a ValueSink
//!        ▼
//!   {"name":"Mary","age":22}         and what servers hand on so is searched without being read: `find`, `remove`
//! ```
//!
//! | module | what |
//! |---|---|
//! | `reader` | bytes to events |
//! | `printer` | events to bytes, three styles |
//! | `find` | a part of compact JSON, found or left out, without reading the rest |
//! | `line` | a line of a data file or of PUT: its key and its document |
//! | `caret` | a line, a caret under the place, and what was expected |

mod caret;
mod error;
mod escape;
mod find;
mod line;
mod number;
mod printer;
mod reader;
pub(crate) mod scan;

pub use caret::render_caret;
pub use error::{Expected, SyntaxError, TextError};
pub(crate) use escape::read_quoted;
pub use escape::{quote_bytes, quote_key};
pub use find::{find, remove};
pub use line::{RecordLine, json_line, key_and_document, record_line};
pub use number::grouped;
pub(crate) use number::write_float;
pub use printer::{Printer, Style};
pub use reader::{Step, ValueReader};

use reader::Pulled;

use crate::limits::{DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX};
use crate::value::{SinkError, ValueSink};

/// Tells `sink` the value that `text` is: set notation or JSON, white space around it.
pub fn read_value<S: ValueSink + ?Sized>(text: &[u8], sink: &mut S) -> Result<(), TextError> {
    read_value_within(text, DOCUMENT_DEPTH_MAX, sink)
}

/// [`read_value`] of a text with at most `depth_max` nested sets and arrays.
pub fn read_value_within<S: ValueSink + ?Sized>(
    text: &[u8],
    depth_max: usize,
    sink: &mut S,
) -> Result<(), TextError> {
    // Checking all of the text at once is far cheaper than checking each of its short strings. The few texts that are
    // not UTF-8 are read as bytes: that finds what is wrong first, this or the syntax.
    match std::str::from_utf8(text) {
        Ok(text) => drain(text, depth_max, sink),
        Err(_) => drain(text, depth_max, sink),
    }
}

fn drain<T, S>(text: &T, depth_max: usize, sink: &mut S) -> Result<(), TextError>
where
    T: reader::Source + ?Sized,
    S: ValueSink + ?Sized,
{
    let mut reader = ValueReader::with_depth(depth_max);
    let mut at = 0;
    loop {
        match reader.pull(text.tail(at), true, |event| sink.event(event))? {
            Pulled::Event(consumed) => at += consumed,
            Pulled::End(_) => return Ok(()),
            Pulled::More => unreachable!("a reader that was shown the last bytes asks for no more"),
        }
    }
}

/// Tells `sink` the document that `text` is: like [`read_value`], but the outermost must be a set.
pub fn read_document<S: ValueSink + ?Sized>(text: &[u8], sink: &mut S) -> Result<(), TextError> {
    read_document_within(text, DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX, sink)
}

/// [`read_document`] of a text of at most `bytes_max` bytes with at most `depth_max` nested sets and arrays.
pub fn read_document_within<S: ValueSink + ?Sized>(
    text: &[u8],
    bytes_max: usize,
    depth_max: usize,
    sink: &mut S,
) -> Result<(), TextError> {
    let start = scan::blank_len(text);
    if text.get(start) != Some(&b'{') {
        return Err(SyntaxError::new(start, Expected::Document).into());
    }
    if text.len() > bytes_max {
        return Err(TextError::Sink(SinkError::TooLarge, bytes_max));
    }
    read_value_within(text, depth_max, sink)
}

/// Appends the value that `text` is, set notation or JSON, in another style. After an error `out` is as it was.
pub fn restyle(text: &[u8], style: Style, out: &mut Vec<u8>) -> Result<(), TextError> {
    let start = out.len();
    let result = read_value(text, &mut Printer::new(out, style));
    if result.is_err() {
        out.truncate(start);
    }
    result
}

#[cfg(test)]
mod tests;
