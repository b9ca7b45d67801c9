//! A finger: where the record is, or would go, that was looked for last. Whoever edits a document mostly edits the same
//! one again, or writes it whole after no place was found in it; then the way down is known.

use super::Trie;
use super::tree::{Found, Spot};

/// It holds as long as nothing else was looked for with the same workshop, which has the way down, and the tree of
/// records is the same.
#[derive(Debug, Default)]
pub(super) struct Finger {
    key: Vec<u8>,
    spot: Option<Spot>,
    /// The workshop's count of lookups right after this one.
    lookups: u64,
    /// The trie's generation.
    generation: u64,
}

impl Trie {
    /// Where the record of `key` is or would go; until another is looked for or any is changed.
    pub(super) fn locate_again(&mut self, key: &[u8]) -> Spot {
        let finger = &mut self.finger;
        if let Some(spot) = finger.spot
            && (finger.lookups, finger.generation) == (self.workshop.lookups(), self.generation)
            && finger.key == key
        {
            return spot;
        }
        let spot = self.records.locate(&self.store.arena, &mut self.workshop, key);
        finger.key.clear();
        finger.key.extend_from_slice(key);
        finger.spot = Some(spot);
        (finger.lookups, finger.generation) = (self.workshop.lookups(), self.generation);
        spot
    }

    /// Counts a change of the tree of records: the entry that was located is now where `found` says, if that is known.
    pub(super) fn count_change(&mut self, found: Option<Found>) {
        self.generation += 1;
        if self.finger.lookups == self.workshop.lookups() {
            self.finger.spot = found.map(Spot::Found);
            self.finger.generation = self.generation;
        }
    }
}
