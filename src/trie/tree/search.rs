//! Which of some bytes are a given byte: 16 at once where the machine can (SSE2, which every x86-64 has, so nothing is
//! asked at run time), else 8 at once.

/// Bit `i` is set where byte `i` is `byte`.
#[inline]
#[cfg(target_arch = "x86_64")]
pub(in super::super) fn matches_16(bytes: &[u8; 16], byte: u8) -> u32 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8};
    let (low, high) = bytes.split_at(8);
    let low = i64::from_le_bytes(*low.first_chunk().expect("8 of 16"));
    let high = i64::from_le_bytes(*high.first_chunk().expect("8 of 16"));
    // SAFETY: SSE2 is part of x86-64; the intrinsics touch registers only.
    unsafe {
        let equal = _mm_cmpeq_epi8(_mm_set_epi64x(high, low), _mm_set1_epi8(byte as i8));
        _mm_movemask_epi8(equal) as u32
    }
}

/// Bit `i` is set where byte `i` is `byte`.
#[inline]
#[cfg(not(target_arch = "x86_64"))]
pub(in super::super) fn matches_16(bytes: &[u8; 16], byte: u8) -> u32 {
    matches_slow(bytes, byte)
}

/// The same by a loop.
#[inline]
pub(in super::super) fn matches_slow(bytes: &[u8], byte: u8) -> u32 {
    bytes.iter().enumerate().fold(0, |mask, (index, &other)| mask | u32::from(other == byte) << index)
}

/// Calls `test` with each index below `count` at which `bytes` has `byte`, in order, until it says yes; that index.
///
/// `bytes` may reach beyond `count`.
#[inline]
pub(in super::super) fn find_where(
    bytes: &[u8],
    count: usize,
    byte: u8,
    mut test: impl FnMut(usize) -> bool,
) -> Option<usize> {
    let mut base = 0;
    while base < count {
        let mut mask = match bytes[base..].first_chunk::<16>() {
            Some(chunk) => matches_16(chunk, byte),
            None => matches_slow(&bytes[base..], byte),
        };
        if count - base < 16 {
            mask &= (1 << (count - base)) - 1;
        }
        while mask != 0 {
            let index = base + mask.trailing_zeros() as usize;
            if test(index) {
                return Some(index);
            }
            mask &= mask - 1;
        }
        base += 16;
    }
    None
}

/// Asks for the cache line of the byte at `offset`, if there is one, and does not wait for it.
#[inline]
pub(in super::super) fn prefetch(bytes: &[u8], offset: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(byte) = bytes.get(offset) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of x86-64; a prefetch changes nothing and faults never.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, offset);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_at_once_are_a_loop() {
        let mut bytes = [0u8; 16];
        for round in 0..2_000u32 {
            for (index, byte) in bytes.iter_mut().enumerate() {
                *byte = (round.wrapping_mul(2_654_435_761).wrapping_add(index as u32 * 40_503) >> 11) as u8
                    % 5
                    + 125;
            }
            for byte in 124..=131 {
                assert_eq!(matches_16(&bytes, byte), matches_slow(&bytes, byte));
            }
        }
    }

    #[test]
    fn only_the_first_count_are_searched() {
        let bytes = [7u8; 40];
        for count in 0..40 {
            let mut seen = Vec::new();
            let found = find_where(&bytes, count, 7, |index| {
                seen.push(index);
                false
            });
            assert_eq!((found, seen), (None, (0..count).collect()));
            assert_eq!(find_where(&bytes, count, 7, |index| index == 17), (count > 17).then_some(17));
        }
    }
}
