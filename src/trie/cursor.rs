//! Cursors: a place in the order of keys that no change of the trie can spoil.
//!
//! A cursor owns the last key it returned. The path to it is only a hint: it counts while the trie's generation is
//! that of the path; otherwise the cursor looks its key up again and goes on behind it. So every key that stands from
//! the cursor's first step to its last is returned exactly once, in order, whatever comes and goes around it.

use std::ops::{Bound, ControlFlow};

use super::Trie;
use super::ordered::above_prefix;
use super::record::{Record, kind_of};
use super::tree::{Path, Run};
use crate::record::Kind;

/// A walk over the records of one trie in key order, upwards or downwards, tombstones included.
#[derive(Clone, Debug)]
pub struct Cursor {
    /// The last key, or where to begin, unless the path has it.
    key: Vec<u8>,
    /// Whether the last key is the path's.
    on_path: bool,
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
    /// Upwards: at the first key that has not the first bytes, so many, of the key that the cursor began with.
    Prefix(usize),
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

    /// How many entries of a run, to which `lead` leads and which has one at or above the cursor's `key`, are within the
    /// limit upwards.
    fn within(&self, run: Run<'_>, lead: &[u8], key: &[u8]) -> usize {
        match self {
            Limit::None => run.count(),
            Limit::Prefix(len) => {
                let prefix = &key[..*len];
                if lead.starts_with(prefix) {
                    return run.count();
                }
                match prefix.strip_prefix(lead).map(above_prefix) {
                    Some(Bound::Excluded(above)) => run.suffix_position(&above),
                    Some(_) => run.count(),
                    None => 0,
                }
            }
            Limit::Included(last) => match last.strip_prefix(lead) {
                Some(rest) => run.suffix_position_behind(rest),
                None if lead < &last[..] => run.count(),
                None => 0,
            },
            Limit::Excluded(end) => match end.strip_prefix(lead) {
                Some(rest) => run.suffix_position(rest),
                None if lead < &end[..] => run.count(),
                None => 0,
            },
        }
    }

    /// Whether `key` is within the limit downwards.
    fn admits_back(&self, key: &[u8]) -> bool {
        match self {
            Limit::None => true,
            Limit::Prefix(_) => unreachable!("a prefix ends a walk upwards"),
            Limit::Included(last) => key >= &last[..],
            Limit::Excluded(end) => key > &end[..],
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
        let limit = Limit::Prefix(prefix.len());
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
        // Below the keys that begin with the prefix it is the last that is not below.
        let limit = Limit::Included(prefix.to_vec());
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
        Cursor {
            key,
            on_path: false,
            place,
            limit,
            backward,
            path: Path::default(),
            generation: None,
            done: false,
        }
    }

    /// The next record and its key. The trie must be the one that made the cursor; it may have changed in between.
    /// Once there is none, there never is.
    #[inline]
    pub fn next<'c, 't>(&'c mut self, trie: &'t Trie) -> Option<(&'c [u8], Record<'t>)> {
        if self.done {
            return None;
        }
        if self.backward {
            return self.next_back(trie);
        }
        self.arrive(trie)?;
        let entry = self.path.step(&trie.store.arena)?;
        let key = self.path.key();
        Some((key, Record::new(&trie.store, entry)))
    }

    /// Shows `visit` the records that are left, with their keys, until it breaks off; then the walk can go on behind
    /// the last that it was shown. What [`Cursor::next`] answers one by one, and faster.
    #[inline]
    pub fn walk<'t>(&mut self, trie: &'t Trie, mut visit: impl FnMut(&[u8], Record<'t>) -> ControlFlow<()>) {
        while !self.backward && !self.done && self.arrive(trie).is_some() {
            let seen = |key: &[u8], entry| visit(key, Record::new(&trie.store, entry));
            if self.path.rest_of_run(&trie.store.arena, seen).is_break() {
                return;
            }
        }
        while let Some((key, record)) = self.next(trie) {
            if visit(key, record).is_break() {
                return;
            }
        }
    }

    /// How many live records are left upwards: run by run, where all entries of one are alike without a look at each.
    pub(super) fn count_live(mut self, trie: &Trie) -> usize {
        let mut count = 0;
        while !self.done && self.arrive(trie).is_some() {
            count += self.path.count_rest(&trie.store.arena, |tag| kind_of(tag) != Kind::Tombstone);
        }
        count
    }

    /// Goes on to a run that has the next record upwards; `None`: there is none, and never will be.
    #[inline]
    fn arrive(&mut self, trie: &Trie) -> Option<()> {
        if self.generation != Some(trie.generation) {
            self.seek(trie);
        }
        let there = self.path.arrive(&trie.store.arena, |run, lead| self.limit.within(run, lead, &self.key));
        self.done = there.is_none();
        self.on_path |= !self.done;
        self.place = Place::Beyond;
        there
    }

    /// Finds the way to the next record anew.
    #[cold]
    fn seek(&mut self, trie: &Trie) {
        if self.on_path {
            self.key.clear();
            self.key.extend_from_slice(self.path.key());
        }
        let arena = &trie.store.arena;
        self.path.seek(trie.records, arena, &self.key, self.place == Place::Beyond);
        self.path.bound(arena, |run, lead| self.limit.within(run, lead, &self.key));
        self.on_path = false;
        self.generation = Some(trie.generation);
    }

    #[inline(never)]
    fn next_back<'c, 't>(&'c mut self, trie: &'t Trie) -> Option<(&'c [u8], Record<'t>)> {
        self.done = true;
        let place = std::mem::replace(&mut self.place, Place::Beyond);
        let there = if place == Place::At { trie.get(&self.key) } else { None };
        let record = match there {
            Some(record) => record,
            None => {
                let mut found = Vec::new();
                let record =
                    trie.previous_before((place != Place::Start).then_some(&self.key[..]), &mut found)?;
                self.key = found;
                record
            }
        };
        self.done = !self.limit.admits_back(&self.key);
        if self.done { None } else { Some((&self.key, record)) }
    }

    /// The last key that was returned; before the first, where the cursor begins; after the last, any key.
    #[inline]
    pub fn key(&self) -> &[u8] {
        if self.on_path { self.path.key() } else { &self.key }
    }
}
