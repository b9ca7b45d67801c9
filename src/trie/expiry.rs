//! When records expire: an index by time, so that a sweep costs what it finds.
//!
//! ```text
//! expiries     [time in ms: u64 big-endian][key]        one leaf for each record with an expiry
//! ```
//! Nothing expires by itself: the trie has no clock. Whoever has one asks for what is due, and removes it.

use super::names::{add_leaf, take_leaf};
use super::radix::{Path, Spot};
use super::{Meta, Record, Trie, TrieError, check_key, leaf, spans_for_record};

const TIME_BYTES: usize = 8;

impl Trie {
    /// How many records have an expiry.
    pub fn expiring(&self) -> usize {
        self.expiring
    }

    /// The mean of the times at which records expire, in milliseconds since 1970.
    pub fn expiry_mean_ms(&self) -> Option<u64> {
        Some(self.expiry_sum_ms.checked_div(self.expiring as u128)? as u64)
    }

    /// When the next record expires, in milliseconds since 1970.
    pub fn next_expiry_ms(&self) -> Option<u64> {
        self.expiry_after(&[]).map(|entry| time_of(&entry))
    }

    /// The record that expired first of those whose time is at most `now_ms`; its key replaces the content of `out`.
    /// It stays until somebody removes it.
    pub fn next_expired(&self, now_ms: u64, out: &mut Vec<u8>) -> Option<Record<'_>> {
        let entry = self.expiry_after(&[]).filter(|entry| time_of(entry) <= now_ms)?;
        out.clear();
        out.extend_from_slice(&entry[TIME_BYTES..]);
        let record = self.get(out);
        assert!(record.is_some(), "the index of expiries names a record that is not there");
        record
    }

    /// Gives a record another expiry, or none; its version stays. Says whether there is such a record.
    ///
    /// # Errors
    /// [`TrieError::Full`], and nothing is changed.
    pub fn set_expiry(&mut self, key: &[u8], expires_at_ms: Option<u64>) -> Result<bool, TrieError> {
        check_key(key)?;
        let Spot::Found(found) = self.records.locate(&self.store.arena, key) else { return Ok(false) };
        let record = Record::new(&self.store, found.leaf);
        let meta = Meta { expires_at_ms, ..record.meta() };
        if record.expires_at_ms() == expires_at_ms {
            return Ok(true);
        }
        self.store.arena.reserve(spans_for_record(key, meta))?;
        let mut inside = Vec::new();
        let body = record.body().held_in(&mut inside);
        self.rewrite(found, key, meta, body);
        Ok(true)
    }

    pub(super) fn add_expiry(&mut self, at_ms: u64, key: &[u8]) {
        add_leaf(&mut self.expiries, &mut self.store.arena, &entry(at_ms, key));
        self.expiring += 1;
        self.expiry_sum_ms += u128::from(at_ms);
    }

    pub(super) fn remove_expiry(&mut self, at_ms: u64, key: &[u8]) {
        let Spot::Found(found) = self.expiries.locate(&self.store.arena, &entry(at_ms, key)) else {
            panic!("a record that expires is not in the index");
        };
        take_leaf(&mut self.expiries, &mut self.store.arena, found);
        self.expiring -= 1;
        self.expiry_sum_ms -= u128::from(at_ms);
    }

    fn expiry_after(&self, after: &[u8]) -> Option<Vec<u8>> {
        let mut path = Path::default();
        path.seek(self.expiries, &self.store.arena, after, !after.is_empty());
        Some(leaf::key_of(&self.store.arena, path.next(&self.store.arena)?).to_vec())
    }

    /// Panics unless the index has exactly the records that expire; `expiring` is how many those are.
    pub(super) fn check_expiries(&self, owned: &mut super::arena::Owned<'_>, expiring: usize) {
        let mut entries = 0;
        self.expiries.check(&self.store.arena, owned, |owned, at| {
            assert_eq!(self.store.check_name(at, owned), 1, "an expiry is counted like a name");
            let entry = leaf::key_of(&self.store.arena, at).to_vec();
            let record = self.get(&entry[TIME_BYTES..]).expect("an expiry is that of a record");
            assert_eq!(record.expires_at_ms(), Some(time_of(&entry)), "a record expires at another time");
            entries += 1;
        });
        assert_eq!((entries, entries), (expiring, self.expiring), "the index of expiries is incomplete");
    }
}

fn entry(at_ms: u64, key: &[u8]) -> Vec<u8> {
    [&at_ms.to_be_bytes()[..], key].concat()
}

fn time_of(entry: &[u8]) -> u64 {
    u64::from_be_bytes(*entry.first_chunk().expect("an entry begins with a time"))
}
