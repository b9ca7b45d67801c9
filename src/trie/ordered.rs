//! What an ordered store can do and a hash table cannot: neighbours, counts and removals by prefix. And many lookups
//! at once.

use std::ops::Bound;

use super::tree::{Entry, Path};
use super::{Record, Trie};

impl Trie {
    /// The first record of all, tombstones too. Its key replaces the content of `out`.
    pub fn first(&self, out: &mut Vec<u8>) -> Option<Record<'_>> {
        self.next_after(None, out)
    }

    /// The last record of all, tombstones too. Its key replaces the content of `out`.
    pub fn last(&self, out: &mut Vec<u8>) -> Option<Record<'_>> {
        self.previous_before(None, out)
    }

    /// Ordered iteration without a cursor: the first record whose key is above `key` (`None`: the first of all). Its
    /// key replaces the content of `out`.
    pub fn next_after(&self, key: Option<&[u8]>, out: &mut Vec<u8>) -> Option<Record<'_>> {
        self.next_from(key.unwrap_or_default(), key.is_some(), out)
    }

    /// The same downwards: the last record whose key is below `key` (`None`: the last of all).
    pub fn previous_before(&self, key: Option<&[u8]>, out: &mut Vec<u8>) -> Option<Record<'_>> {
        let entry = self.records.last_below(&self.store.arena, key, out)?;
        Some(Record::new(&self.store, entry))
    }

    /// How many live records have keys that begin with `prefix`. Looks at each run of them.
    pub fn count_prefix(&self, prefix: &[u8]) -> usize {
        if prefix.is_empty() && self.unlinked.is_empty() {
            return self.len();
        }
        self.cursor_prefix(prefix, None).count_live(self)
    }

    /// Removes, without a trace, up to `budget` of the records whose keys begin with `prefix`, in order, tombstones
    /// too. All are gone when it removed fewer than `budget`. [`Trie::unlink_prefix`] removes them all at once.
    pub fn remove_prefix(&mut self, prefix: &[u8], budget: usize) -> Removed {
        let mut removed = Removed::default();
        let mut key = Vec::new();
        while removed.live + removed.tombstones < budget {
            if self.next_from(prefix, false, &mut key).is_none() || !key.starts_with(prefix) {
                break;
            }
            let left = budget - removed.live - removed.tombstones;
            if let Some(run) = self.remove_run(&key, prefix, left) {
                removed.add(run);
                continue;
            }
            removed.count(self.remove(&key).expect("it was just found"));
        }
        removed
    }

    /// The first record whose key is at least `key`, or above it if `after`. Its key replaces the content of `out`.
    fn next_from(&self, key: &[u8], after: bool, out: &mut Vec<u8>) -> Option<Record<'_>> {
        let mut path = Path::default();
        path.seek(self.records, &self.store.arena, key, after);
        let entry = path.next(&self.store.arena)?;
        out.clear();
        out.extend_from_slice(path.key());
        Some(Record::new(&self.store, entry))
    }

    /// Brings what these keys have into the cache, all at once, so that the operations that follow do not wait for it
    /// one after the other. Changes nothing.
    #[inline]
    pub fn prefetch<'k>(&self, keys: impl IntoIterator<Item = &'k [u8]>) {
        /// What stays in the cache anyway.
        const CACHED_BYTES: usize = 512 << 10;
        if self.store.arena.used_bytes() > CACHED_BYTES {
            self.records.prefetch(&self.store.arena, keys.into_iter());
        }
    }

    /// Looks many keys up; `visit` is told what each has, in the order of the keys.
    pub fn get_many<'t, 'k>(
        &'t self,
        keys: impl IntoIterator<Item = &'k [u8]>,
        mut visit: impl FnMut(Option<Record<'t>>),
    ) {
        let entries = |entry: Option<Entry<'t>>| visit(entry.map(|entry| Record::new(&self.store, entry)));
        self.records.get_many(&self.store.arena, keys.into_iter(), entries);
    }
}

/// How many records [`Trie::remove_prefix`] or [`Trie::unlink_prefix`] removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Removed {
    /// Records that were not deleted before.
    pub live: usize,
    /// Tombstones.
    pub tombstones: usize,
}

/// The least key above all that begin with `prefix`; `None` if there is none.
pub(super) fn above_prefix(prefix: &[u8]) -> Bound<Vec<u8>> {
    let Some(last) = prefix.iter().rposition(|&byte| byte != 0xFF) else { return Bound::Unbounded };
    let mut above = prefix[..=last].to_vec();
    above[last] += 1;
    Bound::Excluded(above)
}
