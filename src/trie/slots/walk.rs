//! Walks over the records of one slot.
//!
//! ```text
//! position ──► the slot's next region that reaches beyond it ──► its records, those of the slot ──► its end: position
//! ```

use std::ops::Bound;

use super::super::cursor::Cursor;
use super::super::{Record, Trie};
use crate::record::Slot;

/// A walk over the records of one slot, tombstones too, in the order of their keys and without walking those of all
/// others. It survives every mutation: each record that stands throughout comes exactly once.
#[derive(Clone, Debug)]
pub struct SlotCursor {
    slot: Slot,
    /// Nothing at or before it is to come any more.
    position: Bound<Vec<u8>>,
    /// The region that is being walked, and where it ends.
    inside: Option<(Cursor, Bound<Vec<u8>>)>,
    /// First keys of the slot's regions beyond the position, the next one last; true of one generation.
    regions: Vec<Vec<u8>>,
    generation: Option<u64>,
    done: bool,
}

impl Trie {
    /// A cursor over the records of `slot` whose keys are above `after`, which need not be there; over all of them if
    /// that is `None`.
    pub fn slot_cursor(&self, slot: Slot, after: Option<&[u8]>) -> SlotCursor {
        let position = match after {
            Some(key) => Bound::Excluded(key.to_vec()),
            None => Bound::Included(Vec::new()),
        };
        SlotCursor { slot, position, inside: None, regions: Vec::new(), generation: None, done: false }
    }
}

impl SlotCursor {
    /// The next record and its key. The trie must be the one that made the cursor; it may have changed in between.
    /// Once there is none, there never is.
    pub fn next<'c, 't>(&'c mut self, trie: &'t Trie) -> Option<(&'c [u8], Record<'t>)> {
        while !self.done {
            if self.inside.is_none() {
                self.enter(trie);
            }
            let Some((cursor, end)) = &mut self.inside else { break };
            let slot = self.slot;
            let mut found = None;
            while let Some((_, record)) = cursor.next(trie) {
                if record.slot() == Some(slot) {
                    found = Some(record);
                    break;
                }
            }
            if let Some(record) = found {
                let (cursor, _) = self.inside.as_ref().expect("it was just walked");
                return Some((cursor.key(), record));
            }
            // What the region ends with, the next begins with.
            self.done = matches!(end, Bound::Unbounded);
            self.position = match std::mem::replace(end, Bound::Unbounded) {
                Bound::Excluded(key) => Bound::Included(key),
                other => other,
            };
            self.inside = None;
        }
        self.done = true;
        None
    }

    /// Begins with the next region that the slot has records in.
    fn enter(&mut self, trie: &Trie) {
        if self.generation != Some(trie.generation) {
            self.generation = Some(trie.generation);
            self.look(trie);
        }
        let Some(first) = self.regions.pop() else {
            self.done = true;
            return;
        };
        let above = trie.slots.regions.above(&trie.store.arena, &first);
        let end = above.map_or(Bound::Unbounded, |(key, _)| Bound::Excluded(key));
        let is_within =
            matches!(&self.position, Bound::Included(key) | Bound::Excluded(key) if *key >= first);
        let from = if is_within { self.position.clone() } else { Bound::Included(first) };
        let (low, high) = (from.as_ref().map(|key| &key[..]), end.as_ref().map(|key| &key[..]));
        let cursor = trie.cursor_range(low, high);
        self.inside = Some((cursor, end));
    }

    /// Finds the slot's regions from the position on.
    fn look(&mut self, trie: &Trie) {
        let (arena, slots) = (&trie.store.arena, &trie.slots);
        let (Bound::Included(position) | Bound::Excluded(position)) = &self.position else {
            unreachable!("a walk without a position is done");
        };
        let here = slots.regions.of(arena, position);
        self.regions = slots
            .lists
            .regions(arena, self.slot)
            .into_iter()
            .map(|region| (region, slots.regions.first(arena, region).to_vec()))
            .filter(|(region, first)| here == Some(*region) || first > position)
            .map(|(_, first)| first)
            .collect();
        self.regions.sort_unstable_by(|a, b| b.cmp(a));
    }
}
