//! When records expire: an index by time, so that a sweep costs what it finds.
//!
//! ```text
//! expiries     a tree of [time in ms: u64 big-endian][key], an entry without a body for each record that expires
//! ```
//! Nothing expires by itself: the trie has no clock. Whoever has one asks for what is due, and removes it.

use super::tree::{Entry, Path, Spot};
use super::{Meta, Record, Trie, TrieError, check_key, spans_for_record};

const TIME_BYTES: usize = 8;

impl Trie {
    /// How many records have an expiry; those that were unlinked count until they are freed.
    pub fn expiring(&self) -> usize {
        self.expiring
    }

    /// The mean of the times at which these records expire, in milliseconds since 1970.
    pub fn expiry_mean_ms(&self) -> Option<u64> {
        Some(self.expiry_sum_ms.checked_div(self.expiring as u128)? as u64)
    }

    /// When the next record expires, in milliseconds since 1970; not before, that is, if an unlinked one stands there.
    pub fn next_expiry_ms(&self) -> Option<u64> {
        self.first_expiry().map(|path| time_of(path.key()))
    }

    /// The record that expired first of those whose time is at most `now_ms`; its key replaces the content of `out`.
    /// It stays until somebody removes it.
    pub fn next_expired(&self, now_ms: u64, out: &mut Vec<u8>) -> Option<Record<'_>> {
        let mut path = self.first_expiry()?;
        while time_of(path.key()) <= now_ms {
            out.clear();
            out.extend_from_slice(&path.key()[TIME_BYTES..]);
            let record = self.get(out);
            if record.is_some() {
                return record;
            }
            assert!(!self.unlinked.is_empty(), "the index of expiries names a record that is not there");
            path.next(&self.store.arena)?;
        }
        None
    }

    /// The key that is first in the index, if it is due.
    pub(super) fn first_expired(&self, now_ms: u64) -> Option<Vec<u8>> {
        let path = self.first_expiry().filter(|path| time_of(path.key()) <= now_ms)?;
        Some(path.key()[TIME_BYTES..].to_vec())
    }

    /// Gives a record another expiry, or none; its version stays. Says whether there is such a record.
    ///
    /// # Errors
    /// [`TrieError::Full`], and nothing is changed.
    pub fn set_expiry(&mut self, key: &[u8], expires_at_ms: Option<u64>) -> Result<bool, TrieError> {
        check_key(key)?;
        let Some(record) = self.get(key) else { return Ok(false) };
        let meta = Meta { expires_at_ms, ..record.meta(key) };
        if record.expires_at_ms() == expires_at_ms {
            return Ok(true);
        }
        self.reserve(spans_for_record(key, meta))?;
        self.rewrite(key, meta);
        Ok(true)
    }

    pub(super) fn add_expiry(&mut self, at_ms: u64, key: &[u8]) {
        let (arena, key) = (&mut self.store.arena, entry_key(at_ms, key));
        let Spot::Missing(gap) = self.expiries.locate(arena, &mut self.workshop, &key) else {
            panic!("a record expires before it is written");
        };
        self.expiries.attach(arena, &mut self.workshop, gap, &key, Entry { tag: 0, body: &[] });
        self.expiring += 1;
        self.expiry_sum_ms += u128::from(at_ms);
    }

    pub(super) fn remove_expiry(&mut self, at_ms: u64, key: &[u8]) {
        let (arena, key) = (&mut self.store.arena, entry_key(at_ms, key));
        let Spot::Found(found) = self.expiries.locate(arena, &mut self.workshop, &key) else {
            panic!("a record that expires is not in the index");
        };
        self.expiries.detach(arena, &mut self.workshop, found, &key);
        self.expiring -= 1;
        self.expiry_sum_ms -= u128::from(at_ms);
    }

    /// The way to the first entry of the index.
    fn first_expiry(&self) -> Option<Path> {
        let mut path = Path::default();
        path.seek(self.expiries, &self.store.arena, &[], false);
        path.next(&self.store.arena).map(|_| path)
    }

    /// Panics unless the index has exactly the records that expire; `expiring` is how many those are.
    pub(super) fn check_expiries(&self, owned: &mut super::arena::Owned<'_>, expiring: usize) {
        let mut entries = 0;
        self.expiries.check(&self.store.arena, owned, |_, entry, _| {
            let key = &entry[TIME_BYTES..];
            let record =
                self.get(key).or_else(|| self.unlinked_twin(key)).expect("an expiry is that of a record");
            assert_eq!(record.expires_at_ms(), Some(time_of(entry)), "a record expires at another time");
            entries += 1;
        });
        assert_eq!((entries, entries), (expiring, self.expiring), "the index of expiries is incomplete");
    }
}

fn entry_key(at_ms: u64, key: &[u8]) -> Vec<u8> {
    [&at_ms.to_be_bytes()[..], key].concat()
}

fn time_of(entry: &[u8]) -> u64 {
    u64::from_be_bytes(*entry.first_chunk().expect("an entry begins with a time"))
}
