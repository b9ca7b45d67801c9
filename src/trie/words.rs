//! Short pieces of bytes compared by words, without a call: most prefixes and suffixes have fewer than 16 bytes.

/// The eight bytes from `offset` on, little-endian; `bytes` reach that far.
#[inline(always)]
pub(super) fn word(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(*bytes[offset..].first_chunk().expect("slots are followed by a word"))
}

/// Up to eight bytes of `key` from `from` on, little-endian, with zeros behind its end.
#[inline(always)]
pub(super) fn word_of_key(key: &[u8], from: usize) -> u64 {
    if let Some(word) = key[from..].first_chunk() {
        return u64::from_le_bytes(*word);
    }
    match key.last_chunk() {
        // Fewer than eight are left.
        Some(_) if from == key.len() => 0,
        Some(word) => u64::from_le_bytes(*word) >> (8 * (from + 8 - key.len())),
        None => short_word(&key[from..]),
    }
}

/// The first eight of `bytes` as a little-endian word, with zeros behind their end.
#[inline(always)]
pub(super) fn first_word(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => short_word(bytes),
    }
}

/// Fewer than eight bytes as a little-endian word.
#[inline]
fn short_word(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return u64::from(u32::from_le_bytes(*first))
            | u64::from(u32::from_le_bytes(*last)) << (8 * (len - 4));
    }
    if len == 0 {
        return 0;
    }
    u64::from(bytes[0])
        | u64::from(bytes[len / 2]) << (8 * (len / 2))
        | u64::from(bytes[len - 1]) << (8 * (len - 1))
}

/// Whether `key` continues at `from` with the first `len` of `bytes`, which are followed by a word's bytes at least.
#[inline(always)]
pub(super) fn continues(key: &[u8], from: usize, bytes: &[u8], len: usize) -> bool {
    if len == 0 {
        return true;
    }
    if key.len() - from < len {
        return false;
    }
    if len > 8 {
        return same(&key[from..from + len], &bytes[..len]);
    }
    (word_of_key(key, from) ^ word(bytes, 0)) << (64 - 8 * len) == 0
}

/// Whether two pieces of the same length are the same.
#[inline(always)]
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (Some(a_last), Some(b_last)) = (a.last_chunk(), b.last_chunk()) else {
        return short_word(a) == short_word(b);
    };
    let last = u64::from_le_bytes(*a_last) ^ u64::from_le_bytes(*b_last);
    let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
    let mut words = words.map(|(a, b)| u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b));
    last == 0 && words.all(|difference| difference == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_slices_say() {
        let mut rng = crate::rng::Rng::from_seed(5);
        for _ in 0..100_000 {
            let bytes: Vec<u8> = (0..48).map(|_| rng.below(2) as u8 * 0x81).collect();
            let key: Vec<u8> = (0..rng.index(24)).map(|_| rng.below(2) as u8 * 0x81).collect();
            let most = if rng.percent(80) { 4 } else { 24 };
            let (from, len) = (rng.index(key.len() + 1), rng.index(most));
            assert_eq!(continues(&key, from, &bytes, len), key[from..].starts_with(&bytes[..len]));
            let padded: Vec<u8> = key[from..].iter().chain(&[0; 8]).take(8).copied().collect();
            assert_eq!(first_word(&key[from..]).to_le_bytes(), padded[..]);
            let (other, len) = (rng.index(24), rng.index(20));
            assert_eq!(
                same(&bytes[..len], &bytes[other..other + len]),
                bytes[..len] == bytes[other..other + len]
            );
            let mut copy = key.clone();
            assert!(same(&copy, &key));
            if let Some(last) = copy.last_mut() {
                *last ^= 1 << rng.index(8);
                assert!(!same(&copy, &key));
            }
        }
    }
}
