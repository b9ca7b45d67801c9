//! An expression's text to tokens.

use super::error::{ComputeError, Problem};
use crate::proto::path::Path;
use crate::proto::text::scan;

/// A token and where it begins.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) offset: usize,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Kind<'t> {
    Number(f64),
    Name(&'t str),
    /// Any other byte; whether it means something is the parser's business.
    Symbol(u8),
    End,
}

impl Token<'_> {
    /// Whether it is this keyword, in any case.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self.kind, Kind::Name(name) if name.eq_ignore_ascii_case(keyword))
    }
}

pub(super) struct Lexer<'t> {
    text: &'t [u8],
    at: usize,
    /// Tokens taken so far.
    count: usize,
    count_max: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t [u8], count_max: usize) -> Lexer<'t> {
        Lexer { text, at: 0, count: 0, count_max }
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Result<Token<'t>, ComputeError> {
        let (token, end) = self.read()?;
        self.at = end;
        if token.kind != Kind::End {
            self.count(token.offset)?;
        }
        Ok(token)
    }

    /// The next token, not taken.
    pub(super) fn peek(&mut self) -> Result<Token<'t>, ComputeError> {
        self.read().map(|(token, _)| token)
    }

    fn count(&mut self, offset: usize) -> Result<(), ComputeError> {
        self.count += 1;
        if self.count > self.count_max {
            Err(ComputeError::new(offset, Problem::TooLong { max: self.count_max }))
        } else {
            Ok(())
        }
    }

    /// The token behind the white space that comes, and where it ends.
    fn read(&self) -> Result<(Token<'t>, usize), ComputeError> {
        let offset = self.at + scan::blank_len(&self.text[self.at..]);
        let rest = &self.text[offset..];
        let (kind, len) = match rest {
            [] => (Kind::End, 0),
            [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..] => {
                let len = number_len(rest);
                let number = ascii(&rest[..len]).parse::<f64>().ok().filter(|number| number.is_finite());
                let number = number.ok_or(ComputeError::new(offset, Problem::NumberTooLarge))?;
                (Kind::Number(number), len)
            }
            [b'A'..=b'Z' | b'a'..=b'z' | b'_', ..] => {
                let len = len_while(rest, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
                (Kind::Name(ascii(&rest[..len])), len)
            }
            [symbol, ..] => (Kind::Symbol(*symbol), 1),
        };
        Ok((Token { kind, offset }, offset + len))
    }

    /// Takes the path that comes: up to a blank outside of quotes. Answers where it begins.
    pub(super) fn path(&mut self) -> Result<(Path, usize), ComputeError> {
        let offset = self.at + scan::blank_len(&self.text[self.at..]);
        self.count(offset)?;
        let len = path_len(&self.text[offset..]);
        self.at = offset + len;
        let mut path = Path::new();
        path.parse(&self.text[offset..self.at])
            .map_err(|error| ComputeError::new(offset + error.offset, Problem::Path(error.expected)))?;
        Ok((path, offset))
    }
}

fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("letters, digits, signs and points are ASCII")
}

fn len_while(bytes: &[u8], stays: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !stays(byte)).unwrap_or(bytes.len())
}

/// `12`, `1.5`, `.5`, `2.`, `1e-7`; an `e` without digits is not part of it.
fn number_len(bytes: &[u8]) -> usize {
    let digits = |from: usize| from + len_while(&bytes[from..], |byte| byte.is_ascii_digit());
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let signed = matches!(bytes.get(end + 1), Some(b'+' | b'-')) as usize;
        let first = end + 1 + signed;
        if bytes.get(first).is_some_and(u8::is_ascii_digit) {
            end = digits(first);
        }
    }
    end
}

fn path_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    let mut quoted = false;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => at += 1,
            _ if !quoted && scan::is_blank(byte) => break,
            _ => {}
        }
        at += 1;
    }
    at.min(bytes.len())
}
