//! RESP replies as redis-cli shows them on a terminal.
//!
//! ```text
//!   *2 $1 a *2 :1 _        1) "a"
//!                          2) 1) (integer) 1
//!                             2) (nil)
//! ```

use crate::proto::resp::{Items, Reply, Token};
use crate::proto::text::quote_bytes;
use std::io::Write as _;

/// An aggregate whose values are being written.
struct Open<'r> {
    items: Items<'r>,
    /// Values written; of a map, keys and values by turns.
    written: usize,
    /// The digits of the last number, so that all numbers are as wide.
    digits: usize,
    /// What stands behind a number.
    sign: char,
    /// Columns in front of its numbers.
    indent: usize,
}

/// Appends a reply, line by line. `shows_text`: a text is meant for people as it is (INFO), not to be quoted.
pub fn write_reply(out: &mut Vec<u8>, reply: Reply<'_>, shows_text: bool) {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut next = Some(reply);
    loop {
        if let Some(reply) = next {
            let indent = open.last().map_or(0, |outer| outer.indent + outer.digits + 2);
            if let Some(inner) = write_value(out, reply, indent, shows_text && open.is_empty()) {
                open.push(inner);
            }
        }
        next = loop {
            let Some(innermost) = open.last_mut() else { return };
            match innermost.items.next() {
                Some(item) => {
                    innermost.write_number(out);
                    break Some(item);
                }
                None => open.pop(),
            };
        };
    }
}

/// Appends a list of texts as [`write_reply`] would; `None` is shown as nil.
pub fn write_texts<'t>(out: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = Option<&'t [u8]>>) {
    if texts.len() == 0 {
        out.extend_from_slice(b"(empty array)\n");
        return;
    }
    let width = texts.len().ilog10() as usize + 1;
    for (index, text) in texts.enumerate() {
        write!(out, "{:>width$}) ", index + 1).expect("a vector takes every byte");
        write_text(out, text);
    }
}

/// Appends one text, or nil.
pub fn write_text(out: &mut Vec<u8>, text: Option<&[u8]>) {
    match text {
        Some(text) => quote_bytes(out, text),
        None => out.extend_from_slice(b"(nil)"),
    }
    out.push(b'\n');
}

/// Writes a scalar with its line end, or answers the aggregate that is to be written.
fn write_value<'r>(out: &mut Vec<u8>, reply: Reply<'r>, indent: usize, shows_text: bool) -> Option<Open<'r>> {
    let (count, sign, name) = match reply.first() {
        Token::Array(count) => (count, ')', "array"),
        Token::Push(count) => (count, ')', "push"),
        Token::Set(count) => (count, '~', "set"),
        Token::Map(count) => (count, '#', "hash"),
        scalar => {
            write_scalar(out, scalar, shows_text);
            return None;
        }
    };
    if count == 0 {
        writeln!(out, "(empty {name})").expect("a vector takes every byte");
        return None;
    }
    let digits = count.ilog10() as usize + 1;
    Some(Open { items: reply.items(), written: 0, digits, sign, indent })
}

impl Open<'_> {
    /// What stands in front of the next value: its number, or in a map before every other `=>`.
    fn write_number(&mut self, out: &mut Vec<u8>) {
        let is_map = self.sign == '#';
        if is_map && self.written % 2 == 1 {
            if out.last() == Some(&b'\n') {
                out.pop();
            }
            out.extend_from_slice(b" => ");
        } else {
            // The first number stands on the line that its outer number began.
            let indent = if self.written > 0 { self.indent } else { 0 };
            let number = if is_map { self.written / 2 } else { self.written } + 1;
            write!(out, "{:indent$}{number:>width$}{} ", "", self.sign, width = self.digits)
                .expect("a vector takes every byte");
        }
        self.written += 1;
    }
}

fn write_scalar(out: &mut Vec<u8>, token: Token<'_>, shows_text: bool) {
    match token {
        Token::Simple(text) => write_lines(out, text),
        Token::Error(text) | Token::BulkError(text) => {
            out.extend_from_slice(b"(error) ");
            write_lines(out, text);
        }
        Token::Int(value) => write!(out, "(integer) {value}").expect("a vector takes every byte"),
        Token::Double(value) => write!(out, "(double) {value}").expect("a vector takes every byte"),
        Token::BigNumber(digits) => write_lines(out, digits),
        Token::Bool(value) => write!(out, "({value})").expect("a vector takes every byte"),
        Token::Null => out.extend_from_slice(b"(nil)"),
        Token::Bulk(text) if !shows_text => quote_bytes(out, text),
        Token::Bulk(text) | Token::Verbatim(text) => write_lines(out, text),
        Token::Array(_) | Token::Map(_) | Token::Set(_) | Token::Push(_) | Token::Attribute(_) => {
            unreachable!("aggregates are opened, and attributes passed over")
        }
    }
    out.push(b'\n');
}

/// Text for people without its last line end; nothing in it moves the cursor or changes the terminal.
fn write_lines(out: &mut Vec<u8>, text: &[u8]) {
    let text = text.trim_ascii_end();
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\r' => {}
                '\n' | '\t' => out.push(character as u8),
                control if control.is_control() => {
                    write!(out, "\\x{:02x}", control as u32).expect("a vector takes every byte");
                }
                shown => out.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}").expect("a vector takes every byte");
        }
    }
}
