//! Which of some bytes are a given byte: 16 at once where the machine can (SSE2, which every x86-64 has, so nothing is
//! asked at run time), else 8 at once.

/// Bytes that are looked at together.
type Window = [u8; 16];

/// What `look` says of the 16 bytes from `offset` on; zeros stand for those beyond the end, of which there are none but in
/// the last slots of the memory.
#[inline(always)]
fn at_window<T>(bytes: &[u8], offset: usize, look: impl Fn(&Window) -> T) -> T {
    match bytes[offset..].first_chunk() {
        Some(window) => look(window),
        None => look(&padded(&bytes[offset..])),
    }
}

#[cold]
#[inline(never)]
fn padded(bytes: &[u8]) -> Window {
    let mut window = [0; 16];
    window[..bytes.len()].copy_from_slice(bytes);
    window
}

/// Bit `i` is set where byte `i` is `byte`.
#[inline(always)]
#[cfg(target_arch = "x86_64")]
fn matches_16(window: &Window, byte: u8) -> u32 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
    // SAFETY: SSE2 is part of x86-64; the load is of the 16 bytes that are borrowed, at any address.
    unsafe {
        let window = _mm_loadu_si128(window.as_ptr().cast());
        _mm_movemask_epi8(_mm_cmpeq_epi8(window, _mm_set1_epi8(byte as i8))) as u32
    }
}

/// Bit `i` is set where byte `i` is `byte`.
#[inline]
#[cfg(not(target_arch = "x86_64"))]
fn matches_16(window: &Window, byte: u8) -> u32 {
    matches_slow(window, byte)
}

/// The same by a loop.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn matches_slow(window: &Window, byte: u8) -> u32 {
    window.iter().enumerate().fold(0, |mask, (index, &other)| mask | u32::from(other == byte) << index)
}

/// Calls `test` with each index below `count` at which `bytes` has `byte`, in order, until it says yes; that index.
///
/// `bytes` may reach beyond `count`.
#[inline(always)]
pub(in super::super) fn find_where(
    bytes: &[u8],
    count: usize,
    byte: u8,
    mut test: impl FnMut(usize) -> bool,
) -> Option<usize> {
    let mut base = 0;
    loop {
        let mut mask = at_window(bytes, base, |window| matches_16(window, byte));
        let left = count - base;
        if left < 16 {
            mask &= (1 << left) - 1;
        }
        while mask != 0 {
            let index = base + mask.trailing_zeros() as usize;
            if test(index) {
                return Some(index);
            }
            mask &= mask - 1;
        }
        if left <= 16 {
            return None;
        }
        base += 16;
    }
}

/// The sum of the first `count` of `bytes`, which may be followed by anything: 16 at once where the machine can.
#[inline(always)]
pub(in super::super) fn sum(bytes: &[u8], count: usize) -> usize {
    let (mut total, mut base) = (0, 0);
    while count - base >= 16 {
        total += at_window(bytes, base, |window| sum_16(window, 16));
        base += 16;
    }
    match count - base {
        0 => total,
        left => total + at_window(bytes, base, |window| sum_16(window, left)),
    }
}

/// The sum of the first `count` bytes.
#[inline(always)]
#[cfg(target_arch = "x86_64")]
fn sum_16(window: &Window, count: usize) -> usize {
    use std::arch::x86_64::{
        _mm_and_si128, _mm_cvtsi128_si64, _mm_loadu_si128, _mm_sad_epu8, _mm_setzero_si128,
        _mm_unpackhi_epi64,
    };
    /// Its last 16 bytes keep no byte of a window, those 16 before keep all.
    const KEPT: [u8; 32] = {
        let mut kept = [0; 32];
        let mut index = 0;
        while index < 16 {
            kept[index] = 0xFF;
            index += 1;
        }
        kept
    };
    let kept: &Window = KEPT[16 - count..].first_chunk().expect("at most 16 are kept");
    // SAFETY: SSE2 is part of x86-64; the loads are of 16 bytes that are borrowed, at any address.
    unsafe {
        let kept = _mm_loadu_si128(kept.as_ptr().cast());
        let window = _mm_and_si128(_mm_loadu_si128(window.as_ptr().cast()), kept);
        let sums = _mm_sad_epu8(window, _mm_setzero_si128());
        (_mm_cvtsi128_si64(sums) + _mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums))) as usize
    }
}

/// The sum of the first `count` bytes.
#[inline]
#[cfg(not(target_arch = "x86_64"))]
fn sum_16(window: &Window, count: usize) -> usize {
    sum_slow(&window[..count])
}

/// The same by a loop.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn sum_slow(bytes: &[u8]) -> usize {
    bytes.iter().map(|&byte| usize::from(byte)).sum()
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
    fn sums_are_a_loop() {
        let bytes: Vec<u8> = (0..150u32).map(|index| (index * 97 % 251) as u8).collect();
        for start in 0..20 {
            for count in 0..=128 {
                let slow = sum_slow(&bytes[start..start + count]);
                assert_eq!(sum(&bytes[start..], count), slow);
                assert_eq!(sum(&bytes[start..start + count], count), slow);
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
