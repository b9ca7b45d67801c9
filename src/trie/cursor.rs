//! Cursors: a place in the order of keys that no change of the trie can spoil.
//!
//! A cursor owns the last key it returned. The path to it is only a hint: it counts while the trie's generation is
//! that of the path; otherwise the cursor looks its key up again and goes on behind it. So every key that stands from
//! the cursor's first step to its last is returned exactly once, in order, whatever comes and goes around it.

use std::ops::Bound;

use super::radix::Path;
use super::record::Record;
use super::{Trie, leaf};

/// A walk over the records of one trie in key order, tombstones included.
#[derive(Clone, Debug)]
pub struct Cursor {
    /// The last key, or where to begin.
    key: Vec<u8>,
    /// Whether a record with exactly `key` comes next, or only what is above it.
    after: bool,
    /// How many bytes of `key` every further key must begin with.
    prefix_len: usize,
    path: Path,
    /// The trie's generation for which `path` is good.
    generation: Option<u64>,
    done: bool,
}

impl Trie {
    /// A cursor over all records from `from` on.
    pub fn cursor(&self, from: Bound<&[u8]>) -> Cursor {
        let (key, after) = match from {
            Bound::Unbounded => (&[][..], false),
            Bound::Included(key) => (key, false),
            Bound::Excluded(key) => (key, true),
        };
        Cursor::new(key, after, 0)
    }

    /// A cursor over the records whose keys begin with `prefix`; above `after` if that is one of them.
    pub fn cursor_prefix(&self, prefix: &[u8], after: Option<&[u8]>) -> Cursor {
        match after {
            Some(key) if key.starts_with(prefix) => Cursor::new(key, true, prefix.len()),
            // A key above all that begin with the prefix, or below.
            Some(key) => {
                let mut cursor = Cursor::new(prefix, false, prefix.len());
                cursor.done = key > prefix;
                cursor
            }
            None => Cursor::new(prefix, false, prefix.len()),
        }
    }
}

impl Cursor {
    fn new(key: &[u8], after: bool, prefix_len: usize) -> Cursor {
        Cursor { key: key.to_vec(), after, prefix_len, path: Path::default(), generation: None, done: false }
    }

    /// The next record and its key. The trie must be the one that made the cursor; it may have changed in between.
    /// Once there is none, there never is.
    pub fn next<'c, 't>(&'c mut self, trie: &'t Trie) -> Option<(&'c [u8], Record<'t>)> {
        if self.done {
            return None;
        }
        let arena = &trie.store.arena;
        if self.generation != Some(trie.generation) {
            self.path.seek(trie.records, arena, &self.key, self.after);
            self.generation = Some(trie.generation);
        }
        let next = self.path.next(arena).filter(|&at| {
            let prefix = &self.key[..self.prefix_len];
            leaf::key_of(arena, at).common(prefix, 0) == prefix.len()
        });
        let Some(at) = next else {
            self.done = true;
            return None;
        };
        self.after = true;
        self.key.clear();
        leaf::key_of(arena, at).write_to(&mut self.key);
        Some((&self.key, Record::new(&trie.store, at)))
    }

    /// The last key that was returned; before the first, where the cursor begins.
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}
