//! The request parser's slow twin: whole streams only, one step a time, everything copied. Written from Redis' rules and
//! not from the parser.

use super::Requests;
use hedgerow::limits::{ARGUMENTS_MAX, BULK_BYTES_MAX, INLINE_BYTES_MAX};
use hedgerow::proto::resp::{Form, ProtocolError};

type Args = Vec<Vec<u8>>;

/// All requests of a stream.
pub(crate) fn requests(stream: &[u8]) -> Requests {
    let mut found = Requests::default();
    loop {
        let rest = &stream[found.consumed..];
        let request = if rest.first() == Some(&b'*') { array(rest) } else { line(rest) };
        match request {
            Ok(Some((form, args, size))) => {
                found.consumed += size;
                if !args.is_empty() {
                    found.requests.push((form, args));
                }
            }
            Ok(None) => return found,
            Err(error) => return Requests { error: Some(error), ..found },
        }
    }
}

/// `None`: not whole.
fn array(bytes: &[u8]) -> Result<Option<(Form, Args, usize)>, ProtocolError> {
    let Some(count_line) = header(bytes, ProtocolError::TooBigCount)? else { return Ok(None) };
    let count = strict(&count_line[1..]).ok_or(ProtocolError::InvalidMultibulkLength)?;
    if count > ARGUMENTS_MAX as i64 {
        return Err(ProtocolError::InvalidMultibulkLength);
    }
    let mut at = count_line.len() + 2;
    let mut args = Args::new();
    for _ in 0..count {
        let Some(line) = header(&bytes[at..], ProtocolError::TooBigLength)? else { return Ok(None) };
        // In an empty line the CR itself stands where the dollar should.
        let first = bytes[at];
        if first != b'$' {
            return Err(ProtocolError::ExpectedDollar(first));
        }
        let len = strict(&line[1..]).filter(|len| (0..=BULK_BYTES_MAX as i64).contains(len));
        let len = len.ok_or(ProtocolError::InvalidBulkLength)? as usize;
        at += line.len() + 2;
        let Some(body) = bytes.get(at..at + len + 2) else { return Ok(None) };
        args.push(body[..len].to_vec());
        at += len + 2;
    }
    Ok(Some((Form::Array, args, at)))
}

/// A line up to its CR, once the byte after that is there.
fn header(bytes: &[u8], too_big: ProtocolError) -> Result<Option<&[u8]>, ProtocolError> {
    let end = bytes.iter().position(|&byte| byte == b'\r');
    if end.unwrap_or(bytes.len()) > INLINE_BYTES_MAX {
        return Err(too_big);
    }
    Ok(end.filter(|end| end + 1 < bytes.len()).map(|end| &bytes[..end]))
}

/// A number that is printed exactly as it was written.
fn strict(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse::<i64>().ok().filter(|value| value.to_string() == text)
}

fn line(bytes: &[u8]) -> Result<Option<(Form, Args, usize)>, ProtocolError> {
    let newline = bytes.iter().position(|&byte| byte == b'\n');
    let line = &bytes[..newline.unwrap_or(bytes.len())];
    let verb = verb(line);
    if line.len() > INLINE_BYTES_MAX && verb.is_none() {
        return Err(ProtocolError::TooBigInline);
    }
    let Some(newline) = newline else { return Ok(None) };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (form, args) = match verb {
        Some(args) => (Form::Verb, args),
        None => (Form::Inline, split(line).ok_or(ProtocolError::UnbalancedQuotes)?),
    };
    Ok(Some((form, args, newline + 1)))
}

fn verb(line: &[u8]) -> Option<Args> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let blank = |byte: &u8| b" \t\n\x0b\x0c\r".contains(byte);
    let start = line.iter().position(|byte| !blank(byte))?;
    let end = line[start..].iter().position(blank).map_or(line.len(), |len| start + len);
    let known = ["PUT", "QUERY", "DELETE", "COMPUTE"];
    if !known.iter().any(|verb| line[start..end].eq_ignore_ascii_case(verb.as_bytes())) {
        return None;
    }
    let rest = line[end..].iter().position(|byte| !blank(byte)).map(|blanks| line[end + blanks..].to_vec());
    Some([line[start..end].to_vec()].into_iter().chain(rest).collect())
}

/// Redis' `sdssplitargs` as a machine of one byte a step.
fn split(line: &[u8]) -> Option<Args> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Between,
        Word,
        Double,
        Single,
        Closed,
    }
    let space = |byte: u8| b" \t\n\x0b\x0c\r".contains(&byte);
    let mut args = Args::new();
    let mut state = State::Between;
    let mut at = 0;
    while at < line.len() {
        let byte = line[at];
        let escaped = line.get(at + 1).copied().filter(|_| byte == b'\\');
        at += 1;
        match state {
            State::Between if space(byte) => {}
            State::Closed if !space(byte) => return None,
            State::Closed => state = State::Between,
            State::Word if b" \n\r\t".contains(&byte) => state = State::Between,
            State::Between | State::Word => {
                if state == State::Between {
                    args.push(Vec::new());
                }
                state = match byte {
                    b'"' => State::Double,
                    b'\'' => State::Single,
                    _ => {
                        args.last_mut()?.push(byte);
                        State::Word
                    }
                };
            }
            State::Double if byte == b'"' => state = State::Closed,
            State::Single if byte == b'\'' => state = State::Closed,
            State::Single if escaped == Some(b'\'') => {
                args.last_mut()?.push(b'\'');
                at += 1;
            }
            State::Double if escaped.is_some() => {
                let digits = line.get(at + 1..at + 3).filter(|_| line[at] == b'x');
                let code = digits
                    .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                    .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
                args.last_mut()?.push(match (code, line[at]) {
                    (Some(code), _) => code,
                    (None, b'n') => b'\n',
                    (None, b'r') => b'\r',
                    (None, b't') => b'\t',
                    (None, b'b') => 8,
                    (None, b'a') => 7,
                    (None, other) => other,
                });
                at += if code.is_some() { 3 } else { 1 };
            }
            State::Double | State::Single => args.last_mut()?.push(byte),
        }
    }
    (!matches!(state, State::Double | State::Single)).then_some(args)
}
