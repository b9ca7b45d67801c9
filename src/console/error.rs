//! What is wrong with a line, and where.

use crate::proto::compute::ComputeError;
use crate::proto::text::{SyntaxError, TextError, render_caret};

/// The place in a line, and what is wrong there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineError {
    /// Bytes from the beginning of the line to the place.
    pub offset: usize,
    /// What is wrong, without the place.
    pub message: String,
}

/// Of a long line so much on each side of the place is looked at: more than is shown.
const SHOWN_BYTES: usize = 512;

impl LineError {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> LineError {
        LineError { offset, message: message.into() }
    }

    /// The same error, when the text that was read begins `bytes` into the line that is shown.
    #[must_use]
    pub fn shifted(mut self, bytes: usize) -> LineError {
        self.offset += bytes;
        self
    }

    /// Appends the line, a caret under the place, and the message, as three lines.
    pub fn write(&self, line: &[u8], out: &mut Vec<u8>) {
        let place = self.offset.min(line.len());
        let start = char_start(line, place.saturating_sub(SHOWN_BYTES));
        let end = char_start(line, (place + SHOWN_BYTES).min(line.len()));
        let message = format!("error: {}", self.message);
        let shown = render_caret(&line[start..end], place - start, &message);
        out.extend_from_slice(shown.as_bytes());
        out.push(b'\n');
    }
}

/// Where the character begins that the byte at `at` belongs to.
fn char_start(line: &[u8], at: usize) -> usize {
    let mut start = at;
    while start > 0 && at - start < 3 && line.get(start).is_some_and(|byte| byte & 0xC0 == 0x80) {
        start -= 1;
    }
    start
}

impl From<SyntaxError> for LineError {
    fn from(error: SyntaxError) -> LineError {
        LineError::new(error.offset, format!("expected {}", error.expected))
    }
}

impl From<TextError> for LineError {
    fn from(error: TextError) -> LineError {
        LineError::new(error.offset(), error.message())
    }
}

impl From<ComputeError> for LineError {
    fn from(error: ComputeError) -> LineError {
        LineError::new(error.offset, error.message())
    }
}
