//! Numbers of INCRBYFLOAT: decimal, with 17 places behind the point, as Redis prints its own.
//!
//! Redis adds binary floats of 80 bits and prints 17 places; where those are exact enough for the places to be the
//! digits that were typed, both agree. Here 0.1 + 0.2 is 0.3 everywhere. Numbers beyond 10^21 have no places to be exact
//! in: they are binary floats of 64 bits.

use std::fmt;

const PLACES: usize = 17;
const ONE: i128 = 100_000_000_000_000_000;
/// The largest number of units: 10^21.
const UNITS_MAX: i128 = ONE * 1_000_000_000_000_000_000_000;

/// A number that INCRBYFLOAT can add to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Decimal {
    /// So many times 10^-17.
    Units(i128),
    /// One that is too large for that.
    Float(f64),
}

impl Decimal {
    pub(super) const ZERO: Decimal = Decimal::Units(0);

    /// Reads a number as C's `strtold` does, without blanks around it and without hexadecimal digits.
    pub(super) fn parse(text: &[u8]) -> Option<Decimal> {
        let text = std::str::from_utf8(text).ok()?;
        let float: f64 = text.parse().ok().filter(|float: &f64| !float.is_nan())?;
        if float.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit()) {
            // Digits that no float can hold.
            return None;
        }
        match units(text) {
            Some(units) if units.abs() <= UNITS_MAX => Some(Decimal::Units(units)),
            _ => Some(Decimal::Float(float)),
        }
    }

    /// The sum, if it is finite.
    pub(super) fn add(self, other: Decimal) -> Option<Decimal> {
        if let (Decimal::Units(left), Decimal::Units(right)) = (self, other)
            && let Some(sum) = left.checked_add(right).filter(|sum| sum.abs() <= UNITS_MAX)
        {
            return Some(Decimal::Units(sum));
        }
        let sum = self.to_f64() + other.to_f64();
        sum.is_finite().then_some(Decimal::Float(sum))
    }

    fn to_f64(self) -> f64 {
        match self {
            Decimal::Units(units) => units as f64 / ONE as f64,
            Decimal::Float(float) => float,
        }
    }
}

/// The digits as units, what is behind the last place rounded; `None` where they do not fit.
fn units(text: &str) -> Option<i128> {
    let (negative, text) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    // How many of the digits stand before the last place.
    let kept = (whole.len() as i64) + i64::from(exponent) + PLACES as i64;
    let all = whole.bytes().chain(fraction.bytes());
    let mut units: i128 = 0;
    let mut places = 0;
    for byte in all {
        if !byte.is_ascii_digit() {
            return None;
        }
        places += 1;
        if places > kept {
            // The first digit that is left out decides.
            units += i128::from(places == kept + 1 && byte >= b'5');
            break;
        }
        units = units.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
    }
    for _ in places..kept {
        units = if units == 0 { 0 } else { units.checked_mul(10)? };
        if units == 0 {
            break;
        }
    }
    Some(if negative { -units } else { units })
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = match *self {
            Decimal::Float(float) => return write!(f, "{float:.0}"),
            Decimal::Units(units) => units,
        };
        let (whole, fraction) = (units.unsigned_abs() / ONE as u128, units.unsigned_abs() % ONE as u128);
        let sign = if units < 0 { "-" } else { "" };
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{fraction:0PLACES$}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_decimal_digits() {
        for (left, right, sum) in [
            ("0.1", "0.2", "0.3"),
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("3", "-3", "0"),
            ("-1.5", "1", "-0.5"),
            ("1000.1", "0.1", "1000.2"),
            ("1e-17", "0", "0.00000000000000001"),
            ("4e-18", "0", "0"),
            ("6e-18", "0", "0.00000000000000001"),
            ("1e-400", "1", "1"),
            ("17179869184", "0.5", "17179869184.5"),
            (".5", "5.", "5.5"),
            ("1e21", "1", "1000000000000000000000"),
            ("+7", "-0", "7"),
        ] {
            let sum_here = Decimal::parse(left.as_bytes())
                .and_then(|left| left.add(Decimal::parse(right.as_bytes())?))
                .unwrap_or_else(|| panic!("{left} + {right}"));
            assert_eq!(sum_here.to_string(), sum, "{left} + {right}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", " 1", "1 ", "x", "1.2.3", "nan", "--1", "1e", "0x10", "1_0", ".", "1e400"] {
            assert_eq!(Decimal::parse(text.as_bytes()), None, "{text:?}");
        }
        let infinite = Decimal::parse(b"inf").expect("a number to C");
        assert_eq!(infinite.add(Decimal::ZERO), None);
        let large = Decimal::parse(b"1e308").expect("a number");
        assert_eq!(large.add(large), None);
        assert_eq!(large.add(Decimal::ZERO), Some(Decimal::Float(1e308)));
    }
}
