//! What records take, to the byte.

use super::document::Payload;
use super::record::Body;
use super::{Record, Store, Trie, Value, text};
use crate::value::Segment;

impl Trie {
    /// Bytes that the record with this key takes of the arena, rounding included: its slot, its long text or key, and
    /// all of its document. Not in it are the nodes on the way to it and the names of fields, which it shares.
    pub fn memory_usage(&self, key: &[u8]) -> Option<usize> {
        let arena = &self.store.arena;
        let leaf = self.records.get(arena, key)?;
        let record = Record::new(&self.store, leaf);
        let key_bytes = record.key_outside().map_or(0, |(first, len)| text::slot_bytes(arena, first, len));
        let body_bytes = match record.body() {
            Body::Text(_) | Body::Tombstone => 0,
            Body::TextOutside { first, len } => text::slot_bytes(arena, first, len),
            Body::Document(root) => self.store.payload_bytes(Payload::Set(root)),
        };
        Some(arena.slot_bytes(leaf) + key_bytes + body_bytes)
    }

    /// Bytes that what stands at `path` in a document takes; the empty path is the whole record.
    pub fn memory_usage_at(&self, key: &[u8], path: &[Segment<'_>]) -> Option<usize> {
        if path.is_empty() {
            return self.memory_usage(key);
        }
        Some(self.get(key)?.at(path)?.memory_usage())
    }

    /// Bytes of all records whose keys begin with `prefix`, as [`Trie::memory_usage`] counts them. Walks them.
    pub fn memory_usage_prefix(&self, prefix: &[u8]) -> usize {
        let mut cursor = self.cursor_prefix(prefix, None);
        let mut total = 0;
        while let Some((key, _)) = cursor.next(self) {
            total += self.memory_usage(key).expect("the cursor has just returned it");
        }
        total
    }
}

impl Value<'_> {
    /// Bytes that this value takes of the arena, all below it included.
    pub fn memory_usage(&self) -> usize {
        self.own_bytes()
    }
}

impl Store {
    /// Bytes of the slots that a payload holds.
    pub(super) fn payload_bytes(&self, payload: Payload<'_>) -> usize {
        let mut open = vec![payload];
        let mut total = 0;
        while let Some(payload) = open.pop() {
            total += self.payload_bytes_shallow(payload, &mut open);
        }
        total
    }
}
