//! Numbers on the wire.

use crate::limits::INCOMPLETE_BYTES_MAX;

// Positions inside a frame are kept in four bytes.
const _: () = assert!(INCOMPLETE_BYTES_MAX <= u32::MAX as usize);

/// Digits of a length that the quick reader takes: below `10^9`, so its `u32` cannot overflow.
const QUICK_DIGITS_MAX: usize = 9;

/// The whole text as a decimal `i64`, as strict as Redis' `string2ll`: no sign but `-`, no blanks, no leading zero.
pub fn parse_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let mut value = 0u64; // 19 digits always fit
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    if negative { 0i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() }
}

/// Reads `<mark>digits\r\n` at `at`: the number, and where the line ends.
///
/// `None` says only "not at a glance": cut short, wrong, or written in a way that the careful reader must judge.
#[inline(always)]
pub(super) fn quick_length(bytes: &[u8], at: usize, mark: u8) -> Option<(u32, usize)> {
    let head = bytes.get(at..)?.first_chunk::<4>()?;
    let digit = head[1].wrapping_sub(b'0');
    if head[0] != mark || digit > 9 {
        return None;
    }
    if head[2] == b'\r' && head[3] == b'\n' {
        return Some((u32::from(digit), at + 4));
    }
    long_length(bytes, at, u32::from(digit))
}

/// Two digits and more; the first is known.
#[inline(always)]
fn long_length(bytes: &[u8], at: usize, first: u32) -> Option<(u32, usize)> {
    if first == 0 {
        return None; // a leading zero
    }
    let mut value = first;
    for (index, &byte) in bytes[at + 2..].iter().take(QUICK_DIGITS_MAX).enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            if index + 1 == QUICK_DIGITS_MAX {
                return None;
            }
            value = value * 10 + u32::from(digit);
            continue;
        }
        let end = at + 2 + index + 2;
        let whole = byte == b'\r' && bytes.get(end - 1) == Some(&b'\n');
        return whole.then_some((value, end));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_strict() {
        for value in [0, 1, -1, 10, -10, 999, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1] {
            assert_eq!(parse_integer(value.to_string().as_bytes()), Some(value));
        }
        for text in
            ["", "-", "+1", "01", "-0", "00", " 1", "1 ", "1a", "9223372036854775808", "-9223372036854775809"]
        {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_integer(b"99999999999999999999"), None);
    }

    #[test]
    fn quick_lengths_agree_with_the_careful_reader() {
        for value in (0..2000u32).chain([12_345, 536_870_912, 999_999_999]) {
            let text = format!("${value}\r\n");
            assert_eq!(quick_length(text.as_bytes(), 0, b'$'), Some((value, text.len())));
            for cut in 0..text.len() {
                assert_eq!(quick_length(&text.as_bytes()[..cut], 0, b'$'), None, "{text:?} cut at {cut}");
            }
        }
        for text in
            ["$01\r\n", "$-1\r\n", "$1\rx", "$1x\r\n", "*1\r\n", "$1234567890\r\n", "$\r\n\r\n", "$12\rx"]
        {
            assert_eq!(quick_length(text.as_bytes(), 0, b'$'), None, "{text:?}");
        }
    }
}
