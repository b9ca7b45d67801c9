//! What a run leaves behind: a hash of everything the machines were told and said, and, if asked for, a text to read.

use hedgerow::time::Time;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The record of a run.
pub struct Trace {
    printing: bool,
    hash: u64,
    turns: u64,
}

impl Trace {
    pub fn new(printing: bool) -> Trace {
        Trace { printing, hash: 0, turns: 0 }
    }

    pub fn is_on(&self) -> bool {
        self.printing
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub fn turns(&self) -> u64 {
        self.turns
    }

    pub fn turn(&mut self, now: Time, p: usize) {
        self.turns += 1;
        self.mix(now.as_nanos() ^ (p as u64) << 56, b"");
    }

    /// Adds to the hash: `what` is any number that tells this kind of event from others.
    pub fn mix(&mut self, what: u64, bytes: &[u8]) {
        self.hash =
            xxh3_64_with_seed(bytes, self.hash.rotate_left(7) ^ what.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }

    /// Prints a line, unless it tells of the routine alone.
    pub fn note(&self, now: Time, what: impl FnOnce() -> String) {
        if self.printing {
            let line = what();
            if !line.ends_with(": (1 of the routine)") {
                println!("{:>11.6} {line}", now.as_nanos() as f64 / 1e9);
            }
        }
    }
}

/// Messages that only say that nothing happens, or that copy slots: thousands of them hide the rest.
const ROUTINE: [&str; 8] = ["H.PING", "PONG", "H.SLOTS", "SLOTS", "H.SYNC", "COPIED", "H.FILL", "FILLED"];

/// Bytes of RESP or text on one line: lengths are left out, numbers beyond 32 bits are shown as two in hexadecimal,
/// messages of the routine are counted.
pub fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let (mut line, mut routine, mut hidden) = (String::new(), 0, false);
    let mut begins = true;
    for word in text.split("\r\n").flat_map(|part| part.split('\n')).filter(|word| !word.is_empty()) {
        let length = |sign| {
            word.strip_prefix(sign).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        };
        if length('*') || length('>') {
            begins = true;
        } else if !length('$') {
            if std::mem::take(&mut begins) {
                hidden = ROUTINE.contains(&word);
                routine += usize::from(hidden);
                line.push_str(if hidden || line.is_empty() { "" } else { "| " });
            }
            if !hidden {
                line.push_str(&readable_word(word));
                line.push(' ');
            }
        }
    }
    if routine > 0 {
        line.push_str(&format!("({routine} of the routine)"));
    }
    line.chars().take(700).collect()
}

fn readable_word(word: &str) -> String {
    match word.parse::<u64>() {
        Ok(number) if number > u64::from(u32::MAX) => format!("{:x}.{:x}", number >> 32, number as u32),
        _ => word.chars().filter(|c| !c.is_control()).take(160).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(readable(b"*2\r\n$5\r\nH.GET\r\n$1\r\n7\r\n*1\r\n$1\r\nX\r\n"), "H.GET 7 | X ");
        assert_eq!(readable(b"*2\r\n$6\r\nH.PING\r\n$1\r\n7\r\n"), "(1 of the routine)");
        assert_eq!(readable(b"42949672961\r\n"), "a.1 ");
    }

    #[test]
    fn the_hash_tells_order_kind_and_bytes() {
        let hash = |parts: &[(u64, &[u8])]| {
            let mut trace = Trace::new(false);
            parts.iter().for_each(|(what, bytes)| trace.mix(*what, bytes));
            trace.hash()
        };
        assert_ne!(hash(&[(1, b"a"), (2, b"b")]), hash(&[(2, b"b"), (1, b"a")]));
        assert_ne!(hash(&[(1, b"a")]), hash(&[(2, b"a")]));
        assert_eq!(hash(&[(1, b"a")]), hash(&[(1, b"a")]));
    }
}
