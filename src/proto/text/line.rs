//! A line that holds a record: of a data file, of PUT, of JSON Lines.

use std::borrow::Cow;

use super::error::{Expected, SyntaxError, TextError};
use super::{escape, scan};
use crate::limits::KEY_BYTES_MAX;
use crate::value::{Event, SinkError, ValueSink};

/// A record as a line tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordLine<'a> {
    /// The key, 1 to [`KEY_BYTES_MAX`] bytes.
    pub key: Cow<'a, [u8]>,
    /// The document's text, not read yet; it begins with `{`.
    pub text: &'a [u8],
    /// Bytes from the beginning of the line to the text.
    pub offset: usize,
}

/// A line of a data file: `"person1": {"name": "Mary"; "age": 22}`, the key with or without quotes. None for a blank
/// line and for one that begins with `#`.
pub fn record_line(line: &[u8]) -> Result<Option<RecordLine<'_>>, SyntaxError> {
    match line.get(scan::blank_len(line)) {
        None | Some(b'#') => Ok(None),
        Some(_) => key_and_document(line).map(Some),
    }
}

/// `key: {...}`, what stands behind PUT and in a data file. The key is in quotes, or ends at the first `:` whose next
/// non-blank is `{`, so that `user:1:{"a":1}` has the key `user:1`.
pub fn key_and_document(line: &[u8]) -> Result<RecordLine<'_>, SyntaxError> {
    let start = scan::blank_len(line);
    let (key, colon) = match line.get(start) {
        Some(b'"') => {
            let (key, end) = escape::read_quoted(line, start)?;
            (key, end + scan::blank_len(&line[end..]))
        }
        _ => {
            let colon = bare_key_end(line, start)?;
            (Cow::Borrowed(scan::trim_end(&line[start..colon])), colon)
        }
    };
    if line.get(colon) != Some(&b':') {
        return Err(SyntaxError::new(colon, Expected::ColonAfterKey));
    }
    check_key(&key, start)?;
    let offset = colon + 1 + scan::blank_len(&line[colon + 1..]);
    if line.get(offset) != Some(&b'{') {
        return Err(SyntaxError::new(offset, Expected::Document));
    }
    Ok(RecordLine { key, text: scan::trim_end(&line[offset..]), offset })
}

/// The `:` that ends the bare key at `start`. A bare key holds no `"`, so that nothing inside of a value that is no
/// document is taken for the end of a key.
fn bare_key_end(line: &[u8], start: usize) -> Result<usize, SyntaxError> {
    let mut first = None;
    for at in memchr::memchr2_iter(b':', b'"', &line[start..]).map(|at| start + at) {
        let value = at + 1 + scan::blank_len(&line[at + 1..]);
        if line[at] == b'"' {
            break;
        }
        if line.get(value) == Some(&b'{') {
            return Ok(at);
        }
        first = first.or(Some(value));
    }
    // A `:` without a document behind it, as in `w:5`: the user means a value there. Else the key has no end.
    let end = memchr::memchr(b'"', &line[start..]).map_or(scan::trim_end(line).len(), |at| start + at);
    Err(match first {
        Some(value) => SyntaxError::new(value, Expected::Document),
        None => SyntaxError::new(end.max(start), Expected::ColonAfterKey),
    })
}

fn check_key(key: &[u8], offset: usize) -> Result<(), SyntaxError> {
    match key.len() {
        0 => Err(SyntaxError::new(offset, Expected::Key)),
        len if len > KEY_BYTES_MAX => Err(SyntaxError::new(offset, Expected::ShorterKey)),
        _ => Ok(()),
    }
}

/// A line of JSON Lines: the key is the field `key_field` of the object, a string or an integer as its text; the field
/// stays in the document. None for a blank line. Of a field that stands twice the last one counts, as in the store.
pub fn json_line<'a>(line: &'a [u8], key_field: &str) -> Result<Option<RecordLine<'a>>, TextError> {
    let offset = scan::blank_len(line);
    if offset == line.len() {
        return Ok(None);
    }
    let mut finder = KeyFinder { key_field, depth: 0, named: false, found: Found::Nothing };
    super::read_document(line, &mut finder)?;
    let key = match finder.found {
        Found::Nothing => return Err(SyntaxError::new(offset, Expected::KeyField).into()),
        Found::NoKey => return Err(SyntaxError::new(offset, Expected::KeyValue).into()),
        Found::Key(key) => key,
    };
    check_key(&key, offset)?;
    Ok(Some(RecordLine { key: Cow::Owned(key), text: scan::trim_end(&line[offset..]), offset }))
}

/// A sink that keeps the value of one outermost field.
struct KeyFinder<'f> {
    key_field: &'f str,
    depth: usize,
    /// The event that comes is the value of the field.
    named: bool,
    found: Found,
}

enum Found {
    Nothing,
    NoKey,
    Key(Vec<u8>),
}

impl ValueSink for KeyFinder<'_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), SinkError> {
        if std::mem::take(&mut self.named) {
            self.found = match event {
                Event::Text(text) => Found::Key(text.as_bytes().to_vec()),
                Event::Int(value) => Found::Key(itoa::Buffer::new().format(value).as_bytes().to_vec()),
                _ => Found::NoKey,
            };
        }
        match event {
            Event::BeginSet | Event::BeginArray => self.depth += 1,
            Event::EndSet | Event::EndArray => self.depth -= 1,
            Event::Field(name) => self.named = self.depth == 1 && name == self.key_field,
            _ => {}
        }
        Ok(())
    }
}
