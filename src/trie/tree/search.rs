//! Which of some bytes are a given byte: 16 at once where the machine can (SSE2, which every x86-64 has, so nothing is
//! asked at run time), else one by one.

use std::ops::Range;

use super::super::arena::Tail;

/// Bytes that one instruction looks at.
type Window = [u8; WINDOW_BYTES];
const WINDOW_BYTES: usize = 16;
/// What nodes and runs have is found in so many of their first bytes, a power of two; as much again is behind that.
pub(super) const PLACES: usize = size_of::<Tail>() / 2;

/// The bytes from `offset` on, which is one of the first [`PLACES`].
#[inline(always)]
pub(super) fn chunk<const N: usize>(bytes: &Tail, offset: usize) -> &[u8; N] {
    debug_assert!(offset < PLACES);
    bytes[offset % PLACES..].first_chunk().expect("as many bytes again are behind the places")
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

/// Bytes that are looked at in one call.
pub(in super::super) const BLOCK_BYTES: usize = 4 * WINDOW_BYTES;

/// Bit `i` is set where the byte at `offset + i` is `byte`, for `i` below `count`, which is at most [`BLOCK_BYTES`].
#[inline(always)]
pub(in super::super) fn matches(bytes: &Tail, offset: usize, count: usize, byte: u8) -> u64 {
    debug_assert!(count <= BLOCK_BYTES);
    if count <= WINDOW_BYTES {
        return u64::from(matches_16(chunk(bytes, offset), byte) & !(u32::MAX << count));
    }
    // All four windows: to ask how many are needed takes longer.
    let windows = chunk::<BLOCK_BYTES>(bytes, offset).as_chunks().0;
    let [a, b, c, d] = [0, 1, 2, 3].map(|index| u64::from(matches_16(&windows[index], byte)));
    ((a | b << 16) | (c | d << 16) << 32) & (u64::MAX >> (BLOCK_BYTES - count))
}

/// The sum of the `count` bytes from `offset` on, at most [`BLOCK_BYTES`].
#[inline(always)]
pub(super) fn sum(bytes: &Tail, offset: usize, count: usize) -> usize {
    /// Its last 64 bytes keep no byte of a block, those 64 before keep all.
    const KEPT: [u8; 2 * BLOCK_BYTES] = {
        let mut kept = [0; 2 * BLOCK_BYTES];
        let mut index = 0;
        while index < BLOCK_BYTES {
            kept[index] = 0xFF;
            index += 1;
        }
        kept
    };
    let kept = &KEPT[BLOCK_BYTES - count..];
    if count <= WINDOW_BYTES {
        return sum_16(chunk(bytes, offset), kept.first_chunk().expect("64 bytes are behind each place"));
    }
    let kept = kept.first_chunk::<BLOCK_BYTES>().expect("64 bytes are behind each place").as_chunks().0;
    let windows = chunk::<BLOCK_BYTES>(bytes, offset).as_chunks().0;
    let [a, b, c, d] = [0, 1, 2, 3].map(|index| sum_16(&windows[index], &kept[index]));
    (a + b) + (c + d)
}

/// The sum of those bytes of a window for which `kept` has ones.
#[inline(always)]
#[cfg(target_arch = "x86_64")]
fn sum_16(window: &Window, kept: &Window) -> usize {
    use std::arch::x86_64::{
        _mm_and_si128, _mm_cvtsi128_si64, _mm_loadu_si128, _mm_sad_epu8, _mm_setzero_si128,
        _mm_unpackhi_epi64,
    };
    // SAFETY: SSE2 is part of x86-64; the loads are of 16 bytes that are borrowed, at any address.
    unsafe {
        let kept = _mm_loadu_si128(kept.as_ptr().cast());
        let window = _mm_and_si128(_mm_loadu_si128(window.as_ptr().cast()), kept);
        let sums = _mm_sad_epu8(window, _mm_setzero_si128());
        (_mm_cvtsi128_si64(sums) + _mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums))) as usize
    }
}

/// The sum of those bytes of a window for which `kept` has ones.
#[inline]
#[cfg(not(target_arch = "x86_64"))]
fn sum_16(window: &Window, kept: &Window) -> usize {
    window.iter().zip(kept).map(|(&byte, &kept)| usize::from(byte & kept)).sum()
}

/// Asks for the cache line of a byte and does not wait for it.
#[inline(always)]
pub(in super::super) fn prefetch(byte: &u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of x86-64; a prefetch changes nothing and faults never.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = byte;
}

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// Asks for some of the cache lines of what begins here.
#[inline(always)]
pub(super) fn prefetch_lines(bytes: &Tail, lines: Range<usize>) {
    lines.for_each(|line| prefetch(&bytes[line * LINE_BYTES]));
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

    fn tail(byte_at: impl Fn(usize) -> u8) -> Box<Tail> {
        let mut bytes = Box::new([0; size_of::<Tail>()]);
        bytes.iter_mut().enumerate().for_each(|(index, byte)| *byte = byte_at(index));
        bytes
    }

    #[test]
    fn sums_are_a_loop() {
        let bytes = tail(|index| (index * 97 % 251) as u8);
        for (start, count) in (0..20).flat_map(|start| (0..=64).map(move |count| (start, count))) {
            let slow: usize = bytes[start..start + count].iter().map(|&byte| usize::from(byte)).sum();
            assert_eq!(sum(&bytes, start, count), slow);
        }
    }

    #[test]
    fn matches_are_a_loop() {
        let bytes = tail(|index| (index * 97 % 7) as u8);
        for (start, count) in (0..20).flat_map(|start| (0..=64).map(move |count| (start, count))) {
            let like = |index: &usize| bytes[start + index] == 3;
            let slow = (0..count).filter(like).fold(0, |mask, index| mask | 1u64 << index);
            assert_eq!(matches(&bytes, start, count, 3), slow);
        }
    }
}
