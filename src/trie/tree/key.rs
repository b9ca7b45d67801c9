//! The key at which a walk stands.

/// Bytes that are copied at once for a short suffix.
const WINDOW_BYTES: usize = 16;

/// A key that is built from its beginning: nodes append to it, and each suffix of a run replaces the one before.
#[derive(Clone, Debug, Default)]
pub(super) struct Key {
    /// The key and, for copies of fixed size, more bytes that mean nothing.
    bytes: Vec<u8>,
    len: usize,
}

impl Key {
    #[inline(always)]
    pub(super) fn get(&self) -> &[u8] {
        &self.bytes[..self.len]
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
        self.extend(&[byte]);
    }

    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        self.make_room(end);
        self.bytes[self.len..end].copy_from_slice(bytes);
        self.len = end;
    }

    /// Lets the first `len` of `bytes` follow the key's first `depth`.
    #[inline(always)]
    pub(super) fn end_with(&mut self, depth: usize, bytes: &[u8], len: usize) {
        debug_assert!(depth <= self.len);
        let room = self.bytes.get_mut(depth..).and_then(|room| room.first_chunk_mut::<WINDOW_BYTES>());
        if len <= WINDOW_BYTES
            && let (Some(room), Some(window)) = (room, bytes.first_chunk::<WINDOW_BYTES>())
        {
            *room = *window;
            self.len = depth + len;
        } else {
            self.len = depth;
            self.extend(&bytes[..len]);
        }
    }

    #[inline]
    fn make_room(&mut self, end: usize) {
        if self.bytes.len() < end + WINDOW_BYTES {
            self.bytes.resize((end + WINDOW_BYTES).next_power_of_two(), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn it_is_a_vector() {
        let mut rng = crate::rng::Rng::from_seed(9);
        let (mut key, mut slow) = (Key::default(), Vec::new());
        let bytes: Vec<u8> = (0..=255).collect();
        for _ in 0..20_000 {
            let (from, len) = (rng.index(230), rng.index(26));
            match rng.index(5) {
                0 => {
                    let depth = rng.index(slow.len() + 1);
                    key.truncate(depth);
                    slow.truncate(depth);
                }
                1 => {
                    key.push(from as u8);
                    slow.push(from as u8);
                }
                2 => {
                    key.extend(&bytes[from..from + len]);
                    slow.extend_from_slice(&bytes[from..from + len]);
                }
                _ => {
                    let depth = rng.index(slow.len() + 1);
                    key.end_with(depth, &bytes[from..], len);
                    slow.truncate(depth);
                    slow.extend_from_slice(&bytes[from..from + len]);
                }
            }
            assert_eq!((key.get(), key.len()), (&slow[..], slow.len()));
        }
    }
}
