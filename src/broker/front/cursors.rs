//! SCAN's cursors: a number for the last key that was answered.

use std::collections::VecDeque;

/// Cursors that are remembered; the least recently used goes first.
const CURSORS_MAX: usize = 4_096;

#[derive(Default)]
pub(super) struct Cursors {
    /// Oldest first.
    known: VecDeque<(u64, Vec<u8>)>,
    last: u64,
}

impl Cursors {
    /// A number for `key`, never 0.
    pub(super) fn put(&mut self, key: Vec<u8>) -> u64 {
        if self.known.len() == CURSORS_MAX {
            self.known.pop_front();
        }
        self.last += 1;
        self.known.push_back((self.last, key));
        self.last
    }

    /// The key behind which `cursor` goes on. Using a cursor does not use it up.
    pub(super) fn get(&mut self, cursor: u64) -> Option<Vec<u8>> {
        let index = self.known.iter().rposition(|(number, _)| *number == cursor)?;
        let entry = self.known.remove(index)?;
        let key = entry.1.clone();
        self.known.push_back(entry);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_cursor_is_forgotten() {
        let mut cursors = Cursors::default();
        let first = cursors.put(b"a".to_vec());
        let second = cursors.put(b"b".to_vec());
        assert_ne!(first, 0);
        assert_eq!(cursors.get(first).as_deref(), Some(&b"a"[..]));
        (1..CURSORS_MAX).for_each(|_| assert_ne!(cursors.put(Vec::new()), first));
        assert_eq!(cursors.get(second), None);
        assert_eq!(cursors.get(first).as_deref(), Some(&b"a"[..]));
        assert_eq!(cursors.get(0), None);
    }
}
