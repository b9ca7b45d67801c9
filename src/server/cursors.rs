//! SCAN's cursors: a small number stands for the key after which a walk goes on.
//!
//! ```text
//!   id = generation << 12 | index      index ──► entries[4,096] { generation, key, newer, older }
//!                                                  newest ◄──► .. ◄──► oldest: put out when all are in use
//! ```
//!
//! An id stays good while it is among the 4,096 used last, so a client may ask for one page twice. Ids stay below 2^53,
//! which clients that keep numbers as floats need.

/// Cursors at a time.
const ENTRIES_MAX: usize = 1 << INDEX_BITS;
const INDEX_BITS: u32 = 12;
/// Bytes of all keys at a time; keys may be long.
const KEY_BYTES_MAX: usize = 16 << 20;
const NONE: u16 = u16::MAX;

#[derive(Debug)]
struct Entry {
    /// From 1, so that no id is 0, which begins a walk.
    generation: u64,
    key: Box<[u8]>,
    newer: u16,
    older: u16,
}

/// SCAN's cursors.
#[derive(Debug)]
pub(super) struct Cursors {
    entries: Vec<Entry>,
    newest: u16,
    oldest: u16,
    key_bytes: usize,
}

impl Default for Cursors {
    fn default() -> Cursors {
        Cursors { entries: Vec::new(), newest: NONE, oldest: NONE, key_bytes: 0 }
    }
}

impl Cursors {
    /// An id for `key`, never given before.
    pub(super) fn insert(&mut self, key: &[u8]) -> u64 {
        while self.key_bytes + key.len() > KEY_BYTES_MAX && self.key_bytes > 0 {
            self.empty_oldest();
        }
        let index = if self.entries.len() < ENTRIES_MAX {
            self.entries.push(Entry { generation: 0, key: Box::default(), newer: NONE, older: NONE });
            (self.entries.len() - 1) as u16
        } else {
            let index = self.oldest;
            self.unlink(index);
            index
        };
        let entry = &mut self.entries[usize::from(index)];
        self.key_bytes = self.key_bytes - entry.key.len() + key.len();
        entry.generation += 1;
        entry.key = key.into();
        let id = entry.generation << INDEX_BITS | u64::from(index);
        self.link(index);
        id
    }

    /// The key of an id that was not put out; it is the newest from now on.
    pub(super) fn get(&mut self, id: u64) -> Option<&[u8]> {
        let index = (id % ENTRIES_MAX as u64) as u16;
        let entry = self.entries.get(usize::from(index))?;
        if entry.generation != id >> INDEX_BITS || entry.key.is_empty() {
            return None;
        }
        if self.newest != index {
            self.unlink(index);
            self.link(index);
        }
        Some(&self.entries[usize::from(index)].key)
    }

    /// Gives back the memory of the oldest cursor that has any.
    fn empty_oldest(&mut self) {
        let mut index = self.oldest;
        while let Some(entry) = self.entries.get_mut(usize::from(index)) {
            if !entry.key.is_empty() {
                self.key_bytes -= entry.key.len();
                entry.key = Box::default();
                return;
            }
            index = entry.newer;
        }
    }

    fn link(&mut self, index: u16) {
        let older = std::mem::replace(&mut self.newest, index);
        match self.entries.get_mut(usize::from(older)) {
            Some(entry) => entry.newer = index,
            None => self.oldest = index,
        }
        let entry = &mut self.entries[usize::from(index)];
        (entry.newer, entry.older) = (NONE, older);
    }

    fn unlink(&mut self, index: u16) {
        let Entry { newer, older, .. } = self.entries[usize::from(index)];
        match self.entries.get_mut(usize::from(newer)) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
        match self.entries.get_mut(usize::from(older)) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_is_put_out() {
        let mut cursors = Cursors::default();
        let key = |number: usize| format!("key{number}").into_bytes();
        let ids: Vec<u64> = (0..ENTRIES_MAX).map(|number| cursors.insert(&key(number))).collect();
        assert!(!ids.contains(&0));
        assert_eq!(cursors.get(ids[0]), Some(&key(0)[..]), "and is now the newest");
        let more = cursors.insert(b"more");
        assert_eq!(cursors.get(ids[1]), None);
        assert_eq!(cursors.get(ids[0]), Some(&key(0)[..]));
        assert_eq!(cursors.get(more), Some(&b"more"[..]));
        assert_eq!(cursors.get(more), Some(&b"more"[..]), "a page may be asked for twice");
        assert!([0, u64::MAX].into_iter().all(|id| cursors.get(id).is_none()));
        assert!(more < 1 << 53);
    }

    #[test]
    fn long_keys_put_others_out_early() {
        let mut cursors = Cursors::default();
        let long = vec![b'x'; 65_535];
        let first = cursors.insert(&long);
        let ids: Vec<u64> = (0..1_000).map(|_| cursors.insert(&long)).collect();
        assert!(cursors.key_bytes <= KEY_BYTES_MAX);
        assert_eq!(cursors.get(first), None);
        assert!(cursors.get(ids[999]).is_some() && cursors.get(ids[900]).is_some());
    }
}
