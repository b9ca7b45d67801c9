//! Numbers for people.

use crate::truth::tally::Nanos;

/// A span of time with three digits or so.
pub(crate) fn span(nanos: Nanos) -> String {
    let (value, unit) = match nanos {
        0..1_000_000 => (nanos as f64 / 1e3, "us"),
        1_000_000..1_000_000_000 => (nanos as f64 / 1e6, "ms"),
        _ => (nanos as f64 / 1e9, "s"),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {unit}")
}

/// A number of requests a second, short: `12.3k`.
pub(crate) fn short(number: f64) -> String {
    match number {
        number if number >= 1e6 => trimmed(number / 1e6, "M"),
        number if number >= 1e3 => trimmed(number / 1e3, "k"),
        number => trimmed(number, ""),
    }
}

fn trimmed(number: f64, unit: &str) -> String {
    let digits = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
    let text = format!("{number:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(span(1_234), "1.23 us");
        assert_eq!(span(45_678), "45.7 us");
        assert_eq!(span(345_678_000), "346 ms");
        assert_eq!(span(2_500_000_000), "2.50 s");
        assert_eq!([0.0, 0.5, 100.0, 12_345.0, 2e6].map(short), ["0", "0.5", "100", "12.3k", "2M"]);
    }
}
