//! Cursors: a place in the order of keys that no change of the trie can spoil.
//!
//! A cursor owns the last key it returned. The path to it is only a hint: it counts while the trie's generation is
//! that of the path; otherwise the cursor looks its key up again and goes on behind it. So every key that stands from
//! the cursor's first step to its last is returned exactly once, in order, whatever comes and goes around it.

use std::ops::Bound;

use super::Trie;
use super::ordered::above_prefix;
use super::record::Record;
use super::tree::Path;

/// A walk over the records of one trie in key order, upwards or downwards, tombstones included.
#[derive(Clone, Debug)]
pub struct Cursor {
    /// The last key, or where to begin.
    key: Vec<u8>,
    place: Place,
    limit: Limit,
    backward: bool,
    path: Path,
    /// The trie's generation for which `path` is good.
    generation: Option<u64>,
    done: bool,
}

/// Where a cursor stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Before all records, in its direction.
    Start,
    /// At its key: a record with exactly this key comes next.
    At,
    /// Beyond its key.
    Beyond,
}

/// Where a cursor ends.
#[derive(Clone, Debug)]
enum Limit {
    None,
    /// At the first key that does not begin with these bytes of the key it began with.
    Prefix(Vec<u8>),
    /// At the first key beyond this one.
    Included(Vec<u8>),
    /// At this key.
    Excluded(Vec<u8>),
}

impl Limit {
    fn from(bound: Bound<&[u8]>) -> Limit {
        match bound {
            Bound::Unbounded => Limit::None,
            Bound::Included(key) => Limit::Included(key.to_vec()),
            Bound::Excluded(key) => Limit::Excluded(key.to_vec()),
        }
    }

    fn admits(&self, key: &[u8], backward: bool) -> bool {
        match self {
            Limit::None => true,
            Limit::Prefix(prefix) => key.starts_with(prefix),
            Limit::Included(last) => {
                if backward {
                    key >= &last[..]
                } else {
                    key <= &last[..]
                }
            }
            Limit::Excluded(end) => {
                if backward {
                    key > &end[..]
                } else {
                    key < &end[..]
                }
            }
        }
    }
}

impl Trie {
    /// A cursor over all records from `from` on.
    pub fn cursor(&self, from: Bound<&[u8]>) -> Cursor {
        Cursor::new(from, Limit::None, false)
    }

    /// A cursor over the records from `from` to `to`; none if `to` is below.
    pub fn cursor_range(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Cursor {
        Cursor::new(from, Limit::from(to), false)
    }

    /// A cursor over the records from `from` down to `to`, the largest key first; none if `to` is above.
    pub fn cursor_range_back(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Cursor {
        Cursor::new(from, Limit::from(to), true)
    }

    /// A cursor over the records whose keys begin with `prefix`; above `after` if that is one of them.
    pub fn cursor_prefix(&self, prefix: &[u8], after: Option<&[u8]>) -> Cursor {
        let limit = Limit::Prefix(prefix.to_vec());
        match after {
            Some(key) if key.starts_with(prefix) => Cursor::new(Bound::Excluded(key), limit, false),
            // A key above all that begin with the prefix, or below.
            Some(key) => {
                let mut cursor = Cursor::new(Bound::Included(prefix), limit, false);
                cursor.done = key > prefix;
                cursor
            }
            None => Cursor::new(Bound::Included(prefix), limit, false),
        }
    }

    /// The same from the largest key down; below `before` if that is one of them.
    pub fn cursor_prefix_back(&self, prefix: &[u8], before: Option<&[u8]>) -> Cursor {
        let limit = Limit::Prefix(prefix.to_vec());
        match before {
            Some(key) if key.starts_with(prefix) => Cursor::new(Bound::Excluded(key), limit, true),
            other => {
                let above = above_prefix(prefix);
                let mut cursor = Cursor::new(above.as_ref().map(|key| &key[..]), limit, true);
                cursor.done = other.is_some_and(|key| key < prefix);
                cursor
            }
        }
    }
}

impl Cursor {
    fn new(from: Bound<&[u8]>, limit: Limit, backward: bool) -> Cursor {
        let (key, place) = match from {
            Bound::Unbounded => (&[][..], Place::Start),
            Bound::Included(key) => (key, Place::At),
            Bound::Excluded(key) => (key, Place::Beyond),
        };
        let key = key.to_vec();
        Cursor { key, place, limit, backward, path: Path::default(), generation: None, done: false }
    }

    /// The next record and its key. The trie must be the one that made the cursor; it may have changed in between.
    /// Once there is none, there never is.
    pub fn next<'c, 't>(&'c mut self, trie: &'t Trie) -> Option<(&'c [u8], Record<'t>)> {
        if self.done {
            return None;
        }
        let next = if self.backward { self.step_back(trie) } else { self.step(trie) };
        self.place = Place::Beyond;
        let next = next.filter(|_| self.limit.admits(&self.key, self.backward));
        self.done = next.is_none();
        next.map(|record| (&self.key[..], record))
    }

    fn step<'t>(&mut self, trie: &'t Trie) -> Option<Record<'t>> {
        let arena = &trie.store.arena;
        if self.generation != Some(trie.generation) {
            self.path.seek(trie.records, arena, &self.key, self.place == Place::Beyond);
            self.generation = Some(trie.generation);
        }
        let entry = self.path.next(arena)?;
        self.key.clear();
        self.key.extend_from_slice(self.path.key());
        Some(Record::new(&trie.store, &self.key, entry))
    }

    fn step_back<'t>(&mut self, trie: &'t Trie) -> Option<Record<'t>> {
        if self.place == Place::At
            && let Some(record) = trie.get(&self.key)
        {
            return Some(record);
        }
        let mut found = Vec::new();
        let below = (self.place != Place::Start).then_some(&self.key[..]);
        let record = trie.previous_before(below, &mut found)?;
        self.key = found;
        Some(record)
    }

    /// The last key that was returned; before the first, where the cursor begins; after the last, any key.
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}
