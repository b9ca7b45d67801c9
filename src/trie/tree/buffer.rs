//! Bytes that are put together from many short pieces.

use super::run::PART_BYTES_MAX;

/// Bytes that are copied at once for a short piece.
const WINDOW_BYTES: usize = 16;

/// Bytes that are written behind what was opened.
const OPEN_BYTES: usize = PART_BYTES_MAX + WINDOW_BYTES;

/// Bytes that a buffer which is not empty has room for at least: a key of usual length and the longest piece behind it.
const BYTES_MIN: usize = 512;

/// Bytes to which pieces are appended, and more behind them that mean nothing, so that short pieces are copied whole
/// windows at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    len: usize,
}

impl Buffer {
    #[inline(always)]
    pub(super) fn get(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// What begins at `start`, and what is behind the end.
    #[inline(always)]
    pub(super) fn tail(&self, start: usize) -> &[u8] {
        &self.bytes[start..]
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    #[inline]
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        self.reserve(1);
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        let end = self.len + bytes.len();
        self.bytes[self.len..end].copy_from_slice(bytes);
        self.len = end;
    }

    /// Appends the first `len` of `bytes`: fast if they are few and followed by others.
    #[inline(always)]
    pub(super) fn extend_by(&mut self, bytes: &[u8], len: usize) {
        let room = self.bytes.get_mut(self.len..).and_then(|room| room.first_chunk_mut::<WINDOW_BYTES>());
        if len <= WINDOW_BYTES
            && let (Some(room), Some(window)) = (room, bytes.first_chunk::<WINDOW_BYTES>())
        {
            *room = *window;
            self.len += len;
        } else {
            self.extend(&bytes[..len]);
        }
    }

    /// The first `depth` bytes, to see them end in one piece after the other.
    #[inline]
    pub(super) fn open(&mut self, depth: u32) -> Open<'_> {
        self.truncate(depth as usize);
        self.reserve(PART_BYTES_MAX);
        // So many bytes and no more: the compiler sees that all that is done with them is within.
        Open { depth, len: depth as usize, bytes: &mut self.bytes[..depth as usize + OPEN_BYTES] }
    }

    /// Takes over what was opened with so many bytes.
    #[inline]
    pub(super) fn set_len(&mut self, len: usize) {
        assert!(len <= self.bytes.len(), "a buffer is longer than its bytes");
        self.len = len;
    }

    /// Makes room for `more` bytes.
    #[inline]
    pub(super) fn reserve(&mut self, more: usize) {
        let end = self.len + more + WINDOW_BYTES;
        if self.bytes.len() < end {
            self.bytes.resize(end.next_power_of_two().max(BYTES_MIN), 0);
        }
    }
}

/// Bytes of a buffer of which the last piece changes. They are at hand, wherever the buffer is.
pub(super) struct Open<'b> {
    bytes: &'b mut [u8],
    depth: u32,
    /// Bytes that it had last.
    pub(super) len: usize,
}

impl Open<'_> {
    /// What was opened, and then the first `len` of `bytes`.
    #[inline(always)]
    pub(super) fn ending_in(&mut self, bytes: &[u8], len: u8) -> &[u8] {
        let (depth, len) = (self.depth as usize, len as usize);
        self.len = depth + len;
        match bytes.first_chunk::<WINDOW_BYTES>() {
            Some(window) if len <= WINDOW_BYTES => {
                let room = self.bytes[depth..].first_chunk_mut::<WINDOW_BYTES>();
                *room.expect("a window is behind what was opened") = *window;
            }
            _ => self.bytes[depth..depth + len].copy_from_slice(&bytes[..len]),
        }
        &self.bytes[..depth + len]
    }
}

#[cfg(test)]
mod tests {
    use super::Buffer;

    #[test]
    fn it_is_a_vector() {
        let mut rng = crate::rng::Rng::from_seed(9);
        let (mut buffer, mut slow) = (Buffer::default(), Vec::new());
        let bytes: Vec<u8> = (0..=255).collect();
        for _ in 0..20_000 {
            let (from, len) = (rng.index(230), rng.index(26));
            match rng.index(5) {
                0 => {
                    let depth = rng.index(slow.len() + 1);
                    buffer.truncate(depth);
                    slow.truncate(depth);
                }
                1 => {
                    buffer.push(from as u8);
                    slow.push(from as u8);
                }
                2 => {
                    buffer.extend(&bytes[from..from + len]);
                    slow.extend_from_slice(&bytes[from..from + len]);
                }
                _ => {
                    let depth = rng.index(slow.len() + 1);
                    buffer.truncate(depth);
                    buffer.extend_by(&bytes[from..], len);
                    slow.truncate(depth);
                    slow.extend_from_slice(&bytes[from..from + len]);
                }
            }
            assert_eq!((buffer.get(), buffer.len()), (&slow[..], slow.len()));
            assert!(buffer.tail(slow.len()).len() >= 16);
        }
    }
}
