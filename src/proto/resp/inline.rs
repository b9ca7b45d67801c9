//! Text lines: the words of a line by Redis' quoting rules, and the four verbs that read their line themselves.

use super::request::Span;

/// Whether the line's first word is PUT, QUERY, DELETE or COMPUTE in any case; then where the word ends.
pub(super) fn verb(line: &[u8]) -> Option<Span> {
    let start = line.iter().position(|&byte| !is_blank(byte))?;
    let word = &line[start..];
    // Seven letters is the longest verb, and a blank or the line's end must follow.
    let len = word.iter().take(8).position(|&byte| is_blank(byte)).unwrap_or(word.len());
    let known = match len {
        3 => word[..3].eq_ignore_ascii_case(b"PUT"),
        5 => word[..5].eq_ignore_ascii_case(b"QUERY"),
        6 => word[..6].eq_ignore_ascii_case(b"DELETE"),
        7 => word[..7].eq_ignore_ascii_case(b"COMPUTE"),
        _ => false,
    };
    known.then(|| Span::new(start, len))
}

/// The words of a line without quotes, as ranges of the line.
pub(super) fn split_plain(line: &[u8], spans: &mut Vec<Span>) {
    let mut at = 0;
    loop {
        while at < line.len() && is_blank(line[at]) {
            at += 1;
        }
        if at == line.len() {
            return;
        }
        let start = at;
        while at < line.len() && !ends_word(line[at]) {
            at += 1;
        }
        spans.push(Span::new(start, at - start));
    }
}

/// The words of a line that holds quotes: their bytes go to `unescaped`, and the ranges are of that.
///
/// `false`: a quote is never closed, or is closed and no blank follows.
pub(super) fn split_quoted(line: &[u8], unescaped: &mut Vec<u8>, spans: &mut Vec<Span>) -> bool {
    let mut at = 0;
    loop {
        while at < line.len() && is_blank(line[at]) {
            at += 1;
        }
        if at == line.len() {
            return true;
        }
        let start = unescaped.len();
        match word(line, at, unescaped) {
            Some(end) => at = end,
            None => return false,
        }
        spans.push(Span::new(start, unescaped.len() - start));
    }
}

/// One word from `at`: returns where it ends. A quote may begin in its middle (`a"b c"` is one word), never end there.
fn word(line: &[u8], mut at: usize, unescaped: &mut Vec<u8>) -> Option<usize> {
    while at < line.len() {
        match line[at] {
            byte if ends_word(byte) => break,
            b'"' => return closed(line, double_quoted(line, at + 1, unescaped)?),
            b'\'' => return closed(line, single_quoted(line, at + 1, unescaped)?),
            byte => unescaped.push(byte),
        }
        at += 1;
    }
    Some(at)
}

/// A closing quote must be followed by a blank or nothing.
fn closed(line: &[u8], at: usize) -> Option<usize> {
    line.get(at).is_none_or(|&byte| is_blank(byte)).then_some(at)
}

/// Inside `"`: `\xNN`, `\n \r \t \b \a`, and `\` before anything else is that. Returns the place after the closing quote.
fn double_quoted(line: &[u8], mut at: usize, unescaped: &mut Vec<u8>) -> Option<usize> {
    loop {
        match line[at..] {
            [b'\\', b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                unescaped.push(hex(high) << 4 | hex(low));
                at += 4;
            }
            [b'\\', letter, ..] => {
                unescaped.push(escape(letter));
                at += 2;
            }
            [b'"', ..] => return Some(at + 1),
            [byte, ..] => {
                unescaped.push(byte);
                at += 1;
            }
            [] => return None,
        }
    }
}

/// Inside `'`: only `\'` is special. Returns the place after the closing quote.
fn single_quoted(line: &[u8], mut at: usize, unescaped: &mut Vec<u8>) -> Option<usize> {
    loop {
        match line[at..] {
            [b'\\', b'\'', ..] => {
                unescaped.push(b'\'');
                at += 2;
            }
            [b'\'', ..] => return Some(at + 1),
            [byte, ..] => {
                unescaped.push(byte);
                at += 1;
            }
            [] => return None,
        }
    }
}

fn escape(letter: u8) -> u8 {
    match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// C's `isspace`: what stands between words.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// What ends a word: Redis lets vertical tab and form feed stand inside of one, though not at its start.
fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}
