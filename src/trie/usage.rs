//! What records take, to the byte.

use super::document::Payload;
use super::record::Body;
use super::{Store, Trie, Value, text};
use crate::value::Segment;

impl Trie {
    /// Bytes that the record with this key takes of the arena: those of its entry in its run, and the slots of a long
    /// text or a large document, their rounding included. Not in it is what it shares: its run's head and the nodes on
    /// the way, names of fields, and its places in the indexes of slots and expiries.
    pub fn memory_usage(&self, key: &[u8]) -> Option<usize> {
        let arena = &self.store.arena;
        let in_run = self.records.entry_bytes(arena, key)?;
        let outside = match self.get(key)?.body() {
            Body::Text(_) | Body::Packed(_) | Body::Tombstone => 0,
            Body::TextOutside { first, len } => text::slot_bytes(arena, first, len),
            Body::Document(root) => self.store.payload_bytes(Payload::Set(root)),
        };
        Some(in_run + outside)
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
