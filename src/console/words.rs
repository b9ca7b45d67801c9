//! The words of a line, and where they stand.

use super::LineError;
use crate::proto::resp::{Args, Progress, ProtocolError, Request, RequestParser};

/// Memory for the words of one line, used again for the next.
#[derive(Debug, Default)]
pub struct Scratch {
    line: Vec<u8>,
    args: Args,
}

impl Scratch {
    /// Room for the usual line.
    pub fn new() -> Scratch {
        Scratch { line: Vec::new(), args: Args::new() }
    }

    /// Splits `line` as Redis splits inline commands. At least one word stands in it.
    pub(super) fn split(&mut self, line: &[u8]) -> Result<Request<'_>, LineError> {
        self.line.clear();
        // A blank in front keeps a `*` from being read as an array's header.
        self.line.push(b' ');
        self.line.extend_from_slice(line);
        self.line.push(b'\n');
        match RequestParser::default().parse(&self.line, &mut self.args) {
            Ok(Progress::Done { value, .. }) => Ok(value),
            Ok(Progress::More { .. }) => unreachable!("the line's end was shown"),
            Err(ProtocolError::UnbalancedQuotes) => Err(unbalanced(line)),
            Err(error) => Err(LineError::new(line.len(), error.to_string())),
        }
    }
}

/// Bytes of blanks that `text` begins with.
pub(super) fn blank_len(text: &[u8]) -> usize {
    text.iter().position(|&byte| !is_blank(byte)).unwrap_or(text.len())
}

/// Bytes of the word that `text` begins with.
pub(super) fn word_len(text: &[u8]) -> usize {
    text.iter().position(|&byte| is_blank(byte)).unwrap_or(text.len())
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Where the word `index` of the line begins; where the line ends if it has not so many.
pub(super) fn word_offset(line: &[u8], index: usize) -> usize {
    let mut at = blank_len(line);
    for _ in 0..index {
        at = match word_end(line, at) {
            Ok(end) => end + blank_len(&line[end..]),
            Err(_) => return line.len(),
        };
    }
    at
}

fn unbalanced(line: &[u8]) -> LineError {
    let mut at = blank_len(line);
    while at < line.len() {
        match word_end(line, at) {
            Ok(end) => at = end + blank_len(&line[end..]),
            Err(error) => return error,
        }
    }
    LineError::new(line.len(), ProtocolError::UnbalancedQuotes.to_string())
}

/// Where the word that begins at `at` ends, quotes included.
fn word_end(line: &[u8], mut at: usize) -> Result<usize, LineError> {
    while at < line.len() && !is_blank(line[at]) {
        let quote = line[at];
        if !matches!(quote, b'"' | b'\'') {
            at += 1;
            continue;
        }
        let open = at;
        at += 1;
        loop {
            match line.get(at) {
                None => {
                    let message = format!("expected a closing {} for this one", quote as char);
                    return Err(LineError::new(open, message));
                }
                // In single quotes a backslash means something before a single quote only.
                Some(b'\\') if quote == b'"' || line.get(at + 1) == Some(&b'\'') => at += 2,
                Some(&byte) if byte == quote => break,
                Some(_) => at += 1,
            }
        }
        at += 1;
        if line.get(at).is_some_and(|&byte| !is_blank(byte)) {
            return Err(LineError::new(at, "expected a blank after the closing quote"));
        }
    }
    Ok(at)
}
