//! Looking for bytes, eight at a time.
//!
//! The strings of records are short, so what counts is the cost of starting: a word-at-a-time scan begins at once,
//! where a vector search first chooses its way. Each test marks the top bit of the bytes that match (S. E. Anderson,
//! "Bit Twiddling Hacks", "Determine if a word has a byte equal to n / less than n"). Its borrow can mark a byte
//! wrongly, but only above one that matches: the lowest mark is always right, and no other is used.

const ONES: u64 = u64::from_le_bytes([0x01; 8]);
const TOPS: u64 = u64::from_le_bytes([0x80; 8]);

/// Marks the bytes of `word` that are `byte`.
const fn equal(word: u64, byte: u8) -> u64 {
    let differences = word ^ (ONES * byte as u64);
    differences.wrapping_sub(ONES) & !differences & TOPS
}

/// Marks the bytes of `word` that are below 0x20.
const fn control(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & TOPS
}

/// How many bytes at the front stand for themselves in a string: up to the first `"`, `\` or control character.
#[inline]
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    scan(
        bytes,
        |word| equal(word, b'"') | equal(word, b'\\') | control(word),
        |byte| byte == b'"' || byte == b'\\' || byte < 0x20,
    )
}

/// How many bytes at the front neither begin or end a set or an array, nor begin a string.
#[inline]
pub(super) fn unnested_len(bytes: &[u8]) -> usize {
    // `[` and `{`, `]` and `}` differ in the bit 0x20 only: with that bit set, one test finds both.
    scan(
        bytes,
        |word| {
            let folded = word | (ONES * 0x20);
            equal(word, b'"') | equal(folded, b'{') | equal(folded, b'}')
        },
        |byte| matches!(byte, b'"' | b'[' | b']' | b'{' | b'}'),
    )
}

/// How many bytes at the front may be part of a bare word, or of a number.
#[inline]
pub(super) fn run_len(bytes: &[u8], number: bool) -> usize {
    let class = if number { NUMBER } else { WORD };
    bytes.iter().position(|&byte| CLASSES[byte as usize] & class == 0).unwrap_or(bytes.len())
}

const WORD: u8 = 1;
const NUMBER: u8 = 2;

/// What a byte may be part of. A number takes more than it may hold: so `12ab` is one wrong number, not two tokens.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-' => WORD | NUMBER,
            b'+' | b'.' => NUMBER,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

#[inline(always)]
fn scan(bytes: &[u8], marks: impl Fn(u64) -> u64, matches: impl Fn(u8) -> bool) -> usize {
    let len = bytes.len();
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let marks = marks(u64::from_le_bytes(*chunk));
        if marks != 0 {
            return at + first(marks);
        }
        at += 8;
    }
    // What is left is read as words too, that overlap what is known to hold no match.
    if let Some(chunk) = bytes.last_chunk::<8>() {
        let marks = marks(u64::from_le_bytes(*chunk));
        return if marks != 0 { len - 8 + first(marks) } else { len };
    }
    if let (Some(front), Some(back)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let (front, back) = (u32::from_le_bytes(*front) as u64, u32::from_le_bytes(*back) as u64);
        let marks = marks(back << 32 | front);
        return match first(marks) {
            _ if marks == 0 => len,
            place @ 0..4 => place,
            place => len + place - 8,
        };
    }
    bytes.iter().position(|&byte| matches(byte)).unwrap_or(len)
}

/// The byte of the lowest mark.
#[inline(always)]
const fn first(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

/// White space of JSON and of set notation.
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// How many bytes at the front are white space. Mostly none or one.
#[inline(always)]
pub(crate) fn blank_len(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(&byte) if byte > b' ' => 0,
        _ => bytes.iter().position(|&byte| !is_blank(byte)).unwrap_or(bytes.len()),
    }
}

/// `bytes` without the white space at its end.
pub(crate) fn trim_end(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| !is_blank(byte)).map_or(0, |last| last + 1);
    &bytes[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(bytes: &[u8], set: impl Fn(u8) -> bool) -> usize {
        bytes.iter().position(|&byte| set(byte)).unwrap_or(bytes.len())
    }

    #[test]
    fn every_byte_at_every_place_is_seen_as_by_a_loop() {
        for len in 0..40 {
            for place in 0..=len {
                for byte in 0..=255u8 {
                    // 0x21 and 0x23 are the neighbours of '"', 0x80 and up try the borrow between bytes.
                    let mut bytes = vec![if byte & 1 == 0 { 0x21 } else { 0xA2 }; len];
                    if let Some(spot) = bytes.get_mut(place) {
                        *spot = byte;
                    }
                    let plain = naive(&bytes, |byte| byte == b'"' || byte == b'\\' || byte < 0x20);
                    assert_eq!(plain_len(&bytes), plain, "{bytes:?}");
                    let unnested = naive(&bytes, |byte| b"\"[]{}".contains(&byte));
                    assert_eq!(unnested_len(&bytes), unnested, "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn blanks_are_trimmed_on_both_sides() {
        assert_eq!(blank_len(b" \t\r\n x "), 5);
        assert_eq!(blank_len(b"x"), 0);
        assert_eq!(blank_len(b"   "), 3);
        assert_eq!(trim_end(b" x \r\n"), b" x");
        assert_eq!(trim_end(b" \n"), b"");
    }
}
