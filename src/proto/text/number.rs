//! Numbers: text to integer or float, and back.

use super::error::Expected;
use crate::value::Event;

/// A number for people: `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Reads all of `token` as a number, or says at which of its bytes it is wrong. `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`
/// as in JSON, and a `+` in front. Without point and exponent it is an integer.
pub(super) fn read(token: &[u8]) -> Result<Event<'static>, (usize, Expected)> {
    let signed = matches!(token.first(), Some(b'-' | b'+')) as usize;
    let whole_end = digits_end(token, signed)?;
    if token[signed] == b'0' && whole_end > signed + 1 {
        return Err((signed, Expected::NoLeadingZero));
    }
    let mut end = whole_end;
    if token.get(end) == Some(&b'.') {
        end = digits_end(token, end + 1)?;
    }
    if let Some(b'e' | b'E') = token.get(end) {
        let exponent_signed = matches!(token.get(end + 1), Some(b'-' | b'+')) as usize;
        end = digits_end(token, end + 1 + exponent_signed)?;
    }
    if end < token.len() {
        return Err((end, Expected::NumberEnd));
    }
    if end == whole_end {
        let negative = token[0] == b'-';
        return integer(&token[signed..], negative).map(Event::Int).ok_or((0, Expected::IntegerInRange));
    }
    let text = std::str::from_utf8(token).expect("digits, signs, points and exponents are ASCII");
    match text.parse::<f64>() {
        Ok(float) if float.is_finite() => Ok(Event::Float(float)),
        _ => Err((0, Expected::FiniteFloat)),
    }
}

/// The end of the digits that begin at `start`, of which there must be one.
fn digits_end(token: &[u8], start: usize) -> Result<usize, (usize, Expected)> {
    let count = token[start..].iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(token.len() - start);
    if count == 0 { Err((start, Expected::Digit)) } else { Ok(start + count) }
}

/// The integer that `digits` write, if 64 bits hold it.
fn integer(digits: &[u8], negative: bool) -> Option<i64> {
    // 18 digits always fit; only a longer number needs each step checked.
    if digits.len() <= 18 {
        let magnitude = digits.iter().fold(0, |number, &byte| number * 10 + i64::from(byte - b'0'));
        return Some(if negative { -magnitude } else { magnitude });
    }
    // Built below zero, since the least integer has no positive twin.
    let below = digits
        .iter()
        .try_fold(0i64, |number, &byte| number.checked_mul(10)?.checked_sub(i64::from(byte - b'0')))?;
    if negative { Some(below) } else { below.checked_neg() }
}

/// Appends an integer.
#[inline]
pub(super) fn write_int(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends the shortest text that reads back as this finite float; it always has a `.` or an `e`.
#[inline]
pub(crate) fn write_float(out: &mut Vec<u8>, value: f64) {
    assert!(value.is_finite(), "a value holds finite floats only");
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    // `1e+300`: the sign says nothing. Only large numbers have one.
    let signed = if value.abs() >= 1e9 { text.split_once('+') } else { None };
    let (front, back) = signed.unwrap_or((text, ""));
    out.extend_from_slice(front.as_bytes());
    out.extend_from_slice(back.as_bytes());
}
