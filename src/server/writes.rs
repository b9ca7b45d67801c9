//! The one door through which records change: whoever watches a key is told, and expiry times are noted.
//!
//! ```text
//!   command ──► put_text, remove, .. ──► Trie
//!                      └──► changed(key) ──► the transactions that WATCH it
//! ```

use super::Server;
use super::error::CommandError;
use crate::limits::KEY_BYTES_MAX;
use crate::record::Kind;
use crate::trie::{Edited, Meta, PutError, Record, TrieError};
use crate::value::{Segment, ValueSink};

/// Expired records that are removed in one go: the others wait meanwhile.
const SWEPT_MAX: usize = 4_096;

/// Reads.
impl Server {
    /// The record of this key, unless it was deleted or has expired.
    #[inline]
    pub(super) fn live(&self, key: &[u8]) -> Option<Record<'_>> {
        self.trie.get(key).filter(|record| self.is_live(record))
    }

    /// Whether a record is there for those who ask: neither deleted nor expired.
    #[inline]
    pub(super) fn is_live(&self, record: &Record<'_>) -> bool {
        record.kind() != Kind::Tombstone && !self.is_due(record)
    }

    fn is_due(&self, record: &Record<'_>) -> bool {
        record.expires_at_ms().is_some_and(|at_ms| at_ms <= self.clock.unix_ms)
    }

    /// How a live record of this key is to be written again so that its expiry stays; without one, as new.
    pub(super) fn kept_meta(record: Option<Record<'_>>) -> Meta {
        Meta { expires_at_ms: record.and_then(|record| record.expires_at_ms()), ..Meta::default() }
    }
}

/// Writes.
impl Server {
    pub(super) fn put_text(
        &mut self,
        key: &[u8],
        meta: Meta,
        text: &[u8],
    ) -> Result<Option<Kind>, TrieError> {
        let before = self.trie.put_text(key, meta, text)?;
        self.note_expiry(meta.expires_at_ms);
        self.changed(key);
        if meta.expires_at_ms.is_some() {
            // The time may have been in the past.
            self.expire_if_due(key);
        }
        Ok(before)
    }

    pub(super) fn put_document<E>(
        &mut self,
        key: &[u8],
        meta: Meta,
        build: impl FnOnce(&mut dyn ValueSink) -> Result<(), E>,
    ) -> Result<Option<Kind>, PutError<E>> {
        let before = self.trie.put_document(key, meta, build)?;
        self.note_expiry(meta.expires_at_ms);
        self.changed(key);
        Ok(before)
    }

    /// Changes a part of a document; the record's expiry stays.
    pub(super) fn put_at<E>(
        &mut self,
        key: &[u8],
        path: &[Segment<'_>],
        build: impl FnOnce(&mut dyn ValueSink) -> Result<(), E>,
    ) -> Result<Edited, PutError<E>> {
        let edited = self.trie.put_at(key, path, Meta::default().version, build)?;
        if edited != Edited::Nowhere {
            self.changed(key);
        }
        Ok(edited)
    }

    /// The same with an element that comes before what stands there.
    pub(super) fn insert_at<E>(
        &mut self,
        key: &[u8],
        path: &[Segment<'_>],
        build: impl FnOnce(&mut dyn ValueSink) -> Result<(), E>,
    ) -> Result<Edited, PutError<E>> {
        let edited = self.trie.insert_at(key, path, Meta::default().version, build)?;
        if edited != Edited::Nowhere {
            self.changed(key);
        }
        Ok(edited)
    }

    /// Removes a part of a document; whether it was there.
    pub(super) fn remove_at(&mut self, key: &[u8], path: &[Segment<'_>]) -> bool {
        let removed = self.trie.remove_at(key, path, Meta::default().version);
        if removed {
            self.changed(key);
        }
        removed
    }

    /// Removes a record without a trace; whether there was one that was alive.
    pub(super) fn delete_record(&mut self, key: &[u8]) -> bool {
        if self.behind {
            self.expire_if_due(key);
        }
        let deleted = self.trie.remove(key).is_some_and(|kind| kind != Kind::Tombstone);
        if deleted {
            self.changed(key);
        }
        deleted
    }

    /// Gives a live record another expiry, or none.
    pub(super) fn set_expiry(&mut self, key: &[u8], at_ms: Option<u64>) -> Result<(), TrieError> {
        if self.trie.set_expiry(key, at_ms)? {
            self.note_expiry(at_ms);
            self.changed(key);
        }
        Ok(())
    }

    /// Removes everything.
    pub(super) fn clear_records(&mut self) {
        self.mark_all_watchers();
        self.trie.clear();
        self.next_expiry_ms = u64::MAX;
        self.behind = false;
    }

    /// Tells those who watch this key.
    #[inline]
    pub(super) fn changed(&mut self, key: &[u8]) {
        if !self.watches.is_empty() {
            self.mark_watchers(key);
        }
    }
}

/// Expiry: lazily where somebody asks, and by a sweep that costs what it finds.
impl Server {
    #[inline]
    fn note_expiry(&mut self, at_ms: Option<u64>) {
        if let Some(at_ms) = at_ms {
            self.next_expiry_ms = self.next_expiry_ms.min(at_ms);
        }
    }

    /// Time has passed: removes what has expired, as much as one turn may.
    #[inline]
    pub(super) fn sweep(&mut self) {
        if self.next_expiry_ms <= self.clock.unix_ms {
            self.sweep_slice();
        }
    }

    #[cold]
    fn sweep_slice(&mut self) {
        let mut key = std::mem::take(&mut self.scratch.bytes);
        self.behind = true;
        for _ in 0..SWEPT_MAX {
            if self.trie.free_unlinked_expired(self.clock.unix_ms) {
                continue;
            }
            if self.trie.next_expired(self.clock.unix_ms, &mut key).is_none() {
                self.behind = false;
                break;
            }
            self.expire(&key);
        }
        // While behind, the next slice is due at once.
        self.next_expiry_ms = self.trie.next_expiry_ms().unwrap_or(u64::MAX);
        self.scratch.bytes = key;
        self.scratch.give_back();
    }

    /// Removes this record if its time has come: before a write looks at what stands there.
    pub(super) fn expire_if_due(&mut self, key: &[u8]) {
        if self.trie.get(key).is_some_and(|record| self.is_due(&record)) {
            self.expire(key);
        }
    }

    fn expire(&mut self, key: &[u8]) {
        self.trie.remove(key);
        self.stats.expired += 1;
        self.changed(key);
    }
}

/// What may be a key.
pub(super) fn check_key(key: &[u8]) -> Result<(), CommandError> {
    match key.len() {
        0 => Err(TrieError::KeyEmpty.into()),
        1..=KEY_BYTES_MAX => Ok(()),
        _ => Err(TrieError::KeyTooLong.into()),
    }
}
