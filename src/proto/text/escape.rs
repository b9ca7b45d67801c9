//! Strings in quotes: escapes both ways.

use std::borrow::Cow;

use super::error::{Expected, SyntaxError};
use super::scan;

/// Why an escape was not decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum EscapeError {
    /// The bytes end inside it.
    Cut,
    /// It is wrong; bytes from its `\` to the place.
    Wrong(usize, Expected),
}

/// Decodes the JSON escape that `bytes` begin with: the character, and how many bytes it took.
pub(super) fn decode(bytes: &[u8]) -> Result<(char, usize), EscapeError> {
    debug_assert_eq!(bytes.first(), Some(&b'\\'));
    let character = match bytes.get(1) {
        None => return Err(EscapeError::Cut),
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return decode_unicode(bytes),
        Some(_) => return Err(EscapeError::Wrong(1, Expected::Escape)),
    };
    Ok((character, 2))
}

/// `\uXXXX`, or two of them that are the halves of a surrogate pair.
fn decode_unicode(bytes: &[u8]) -> Result<(char, usize), EscapeError> {
    let first = hex(bytes, 2, 4)?;
    if let Some(character) = char::from_u32(first) {
        return Ok((character, 6));
    }
    let lone = EscapeError::Wrong(0, Expected::SurrogatePair);
    if first >= 0xDC00 {
        return Err(lone);
    }
    for (at, want) in [(6, b'\\'), (7, b'u')] {
        match bytes.get(at) {
            None => return Err(EscapeError::Cut),
            Some(&byte) if byte == want => {}
            Some(_) => return Err(lone),
        }
    }
    let second = hex(bytes, 8, 4)?;
    if !(0xDC00..0xE000).contains(&second) {
        return Err(lone);
    }
    let scalar = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    Ok((char::from_u32(scalar).expect("a surrogate pair is a scalar value"), 12))
}

/// The number that the `digits` hexadecimal digits at `at` write.
fn hex(bytes: &[u8], at: usize, digits: usize) -> Result<u32, EscapeError> {
    let mut number = 0;
    for place in at..at + digits {
        let &byte = bytes.get(place).ok_or(EscapeError::Cut)?;
        let digit = (byte as char).to_digit(16).ok_or(EscapeError::Wrong(place, Expected::HexDigit))?;
        number = number << 4 | digit;
    }
    Ok(number)
}

/// Reads the string in quotes that begins at `start` of `text`: JSON's escapes, and `\xNN` for a byte of a key that is
/// not UTF-8. Answers the bytes it stands for and where it ends, after the closing quote.
pub(crate) fn read_quoted(text: &[u8], start: usize) -> Result<(Cow<'_, [u8]>, usize), SyntaxError> {
    debug_assert_eq!(text.get(start), Some(&b'"'));
    let mut at = start + 1;
    let mut run = at;
    let mut decoded = Vec::new();
    loop {
        at += scan::plain_len(&text[at..]);
        match text.get(at) {
            None => return Err(SyntaxError::new(at, Expected::Quote)),
            Some(b'"') if run == start + 1 => return Ok((Cow::Borrowed(&text[run..at]), at + 1)),
            Some(b'"') => {
                decoded.extend_from_slice(&text[run..at]);
                return Ok((Cow::Owned(decoded), at + 1));
            }
            Some(b'\\') => {
                decoded.extend_from_slice(&text[run..at]);
                at += decode_byte_or_char(&text[at..], &mut decoded).map_err(|error| match error {
                    EscapeError::Cut => SyntaxError::new(text.len(), Expected::Quote),
                    EscapeError::Wrong(place, expected) => SyntaxError::new(at + place, expected),
                })?;
                run = at;
            }
            Some(_) => return Err(SyntaxError::new(at, Expected::EscapedControl)),
        }
    }
}

/// Appends what the escape at the front stands for; how many bytes it took.
fn decode_byte_or_char(bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, EscapeError> {
    if bytes.get(1) == Some(&b'x') {
        out.push(hex(bytes, 2, 2)? as u8);
        return Ok(4);
    }
    let (character, len) = decode(bytes)?;
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(len)
}

/// Whether `raw`, a string's inside as JSON writes it, stands for `name`. Wrong escapes stand for nothing.
pub(super) fn stands_for(raw: &[u8], name: &str) -> bool {
    let mut name = name.as_bytes();
    let mut raw = raw;
    loop {
        let plain = memchr::memchr(b'\\', raw).unwrap_or(raw.len());
        let (run, rest) = raw.split_at(plain);
        let Some(after) = name.strip_prefix(run) else { return false };
        if rest.is_empty() {
            return after.is_empty();
        }
        let Ok((character, len)) = decode(rest) else { return false };
        let Some(after) = after.strip_prefix(character.encode_utf8(&mut [0; 4]).as_bytes()) else {
            return false;
        };
        (name, raw) = (after, &rest[len..]);
    }
}

/// Appends `text` in quotes, with JSON's escapes where they are needed.
#[inline]
pub(super) fn quote(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    escape(out, text.as_bytes());
    out.push(b'"');
}

/// Appends UTF-8 text with JSON's escapes where they are needed.
#[inline]
fn escape(out: &mut Vec<u8>, text: &[u8]) {
    let plain = scan::plain_len(text);
    out.extend_from_slice(&text[..plain]);
    if plain < text.len() {
        escape_from(out, &text[plain..]);
    }
}

#[cold]
fn escape_from(out: &mut Vec<u8>, mut text: &[u8]) {
    while let Some((&byte, rest)) = text.split_first() {
        let letter = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            0x0C => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => b'u',
        };
        out.extend_from_slice(&[b'\\', letter]);
        if letter == b'u' {
            out.extend_from_slice(&[b'0', b'0', hex_digit(byte >> 4), hex_digit(byte & 0xF)]);
        }
        let plain = scan::plain_len(rest);
        out.extend_from_slice(&rest[..plain]);
        text = &rest[plain..];
    }
}

const fn hex_digit(nibble: u8) -> u8 {
    b"0123456789abcdef"[nibble as usize]
}

/// Appends any bytes in quotes: UTF-8 with JSON's escapes, each byte that is not UTF-8 as `\xNN`. What a plain string
/// looks like on the console.
pub fn quote_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        escape(out, chunk.valid().as_bytes());
        for &byte in chunk.invalid() {
            out.extend_from_slice(&[b'\\', b'x', hex_digit(byte >> 4), hex_digit(byte & 0xF)]);
        }
    }
    out.push(b'"');
}

/// Appends a key as the console shows it: bare (`person5`), or in quotes where the bare form, typed again, would mean
/// something else or could not be read.
pub fn quote_key(out: &mut Vec<u8>, key: &[u8]) {
    if is_bare_key(key) {
        out.extend_from_slice(key);
    } else {
        quote_bytes(out, key);
    }
}

/// Whether a key means itself without quotes in every command: no blank, no quote, no path, no comment, no `:{`.
fn is_bare_key(key: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(key) else { return false };
    let bare =
        |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '\'' | '\\' | '.' | '[' | ']');
    !text.is_empty() && !text.starts_with('#') && text.chars().all(bare) && !text.contains(":{")
}
