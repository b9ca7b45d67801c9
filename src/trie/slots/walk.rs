//! Walks over the records of one slot.
//!
//! ```text
//! key ──► the slot's next region that reaches beyond it ──► its records, those of the slot ──► its end is the next key
//! ```

use std::ops::Bound;

use super::super::tree::Path;
use super::super::{Record, Trie};
use crate::record::{Slot, SlotReader};

/// A walk over the records of one slot, tombstones too, in the order of their keys and without walking those of all
/// others. It survives every mutation: each record that stands throughout comes exactly once.
#[derive(Clone, Debug)]
pub struct SlotCursor {
    slot: Slot,
    /// The last key that was looked at, and whether it is to come itself.
    key: Vec<u8>,
    with_key: bool,
    /// Where the region ends that is being walked; `None`: none is.
    end: Option<Bound<Vec<u8>>>,
    /// First keys of the slot's regions from that key on, the next one last; true of one generation, as are end and path.
    regions: Vec<Vec<u8>>,
    path: Path,
    generation: Option<u64>,
    reader: SlotReader,
    done: bool,
}

impl Trie {
    /// A cursor over the records of `slot` whose keys are above `after`, which need not be there; over all of them if
    /// that is `None`.
    pub fn slot_cursor(&self, slot: Slot, after: Option<&[u8]>) -> SlotCursor {
        SlotCursor {
            slot,
            key: after.unwrap_or_default().to_vec(),
            with_key: after.is_none(),
            end: None,
            regions: Vec::new(),
            path: Path::default(),
            generation: None,
            reader: SlotReader::default(),
            done: false,
        }
    }
}

impl SlotCursor {
    /// The next record and its key. The trie must be the one that made the cursor; it may have changed in between.
    /// Once there is none, there never is.
    pub fn next<'c, 't>(&'c mut self, trie: &'t Trie) -> Option<(&'c [u8], Record<'t>)> {
        if self.generation != Some(trie.generation) {
            self.generation = Some(trie.generation);
            self.end = None;
            self.look(trie);
        }
        while !self.done {
            let Some(end) = &self.end else {
                self.enter(trie);
                continue;
            };
            match next_within(&mut self.path, trie, self.slot, end, &mut self.reader) {
                Some(record) => {
                    self.key.clear();
                    self.key.extend_from_slice(self.path.key());
                    self.with_key = false;
                    return Some((&self.key, record));
                }
                None => self.leave(),
            }
        }
        None
    }

    /// What a region ends with, the next begins with.
    fn leave(&mut self) {
        match self.end.take() {
            Some(Bound::Excluded(key)) => (self.key, self.with_key) = (key, true),
            _ => self.done = true,
        }
    }

    /// Begins with the next region that the slot has records in.
    fn enter(&mut self, trie: &Trie) {
        let arena = &trie.store.arena;
        let Some(first) = self.regions.pop() else {
            self.done = true;
            return;
        };
        let above = trie.slots.regions.above(arena, &first);
        self.end = Some(above.map_or(Bound::Unbounded, |(key, _)| Bound::Excluded(key)));
        if self.key < first {
            (self.key, self.with_key) = (first, true);
        }
        self.path.seek(trie.records, arena, &self.key, !self.with_key);
    }

    /// Finds the slot's regions from the last key on.
    fn look(&mut self, trie: &Trie) {
        let (arena, slots) = (&trie.store.arena, &trie.slots);
        let position = &self.key;
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

/// The next record of a slot on a path, if there is one before `end`.
fn next_within<'t>(
    path: &mut Path,
    trie: &'t Trie,
    slot: Slot,
    end: &Bound<Vec<u8>>,
    reader: &mut SlotReader,
) -> Option<Record<'t>> {
    loop {
        let entry = path.next(&trie.store.arena)?;
        if let Bound::Excluded(end) = end
            && path.key() >= &end[..]
        {
            return None;
        }
        let record = Record::new(&trie.store, entry);
        if record.slot_or(|| reader.slot_of(path.key())) == Some(slot) {
            return Some(record);
        }
    }
}
