//! What the trie does when there is nothing else to do: it frees what was unlinked, empties spans that are mostly free,
//! and gives the memory of empty ones back to the system.
//!
//! ```text
//! rest ──► much is free: mark sparse spans ──► move what is in them, tree by tree, a slice a call ──► give back ──► rest
//! ```

use super::Trie;
use super::record;

/// Where the work stands.
#[derive(Debug, Default)]
pub(super) struct Work {
    stage: Stage,
    /// The key behind which a tree is to be gone on with.
    after: Vec<u8>,
    /// Used bytes when the last pass ended: the next waits until there is something to win again.
    used_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Stage {
    #[default]
    Rest,
    Records,
    Regions,
    Lists,
    Expiries,
    GiveBack,
}

impl Trie {
    /// Whether [`Trie::work`] has something to do.
    pub fn has_work(&self) -> bool {
        let arena = &self.store.arena;
        let is_worth_it = || arena.is_sparse_enough(self.work.used_bytes) || arena.is_pool_full();
        self.has_unlinked() || self.work.stage != Stage::Rest || is_worth_it()
    }

    /// Does a slice of the work that can wait: about `budget` unlinked records are freed, or as many runs moved, or
    /// spans given back. Call it when nothing else is to be done, until [`Trie::has_work`] says no. A budget of 64 takes
    /// some 20 µs.
    pub fn work(&mut self, budget: usize) {
        if self.has_unlinked() {
            // First, for only what can be read is moved.
            return self.free_some_unlinked(budget);
        }
        let arena = &mut self.store.arena;
        let work = &mut self.work;
        let done = match work.stage {
            Stage::Rest if !arena.is_sparse_enough(work.used_bytes) => {
                if arena.is_pool_full() {
                    work.stage = Stage::GiveBack;
                }
                return;
            }
            Stage::Rest => {
                arena.mark_sparse();
                self.generation += 1;
                true
            }
            Stage::Records => {
                self.generation += 1;
                self.records.evacuate(arena, &mut work.after, budget, record::move_outside)
            }
            Stage::Regions => self.slots.regions.evacuate(arena, &mut work.after, budget),
            Stage::Lists => self.slots.lists.evacuate(arena, &mut work.after, budget),
            Stage::Expiries => self.expiries.evacuate(arena, &mut work.after, budget, |_, _| {}),
            Stage::GiveBack => arena.give_back(budget),
        };
        if !done {
            return;
        }
        work.after.clear();
        work.stage = match work.stage {
            Stage::Rest => Stage::Records,
            Stage::Records => Stage::Regions,
            Stage::Regions => Stage::Lists,
            Stage::Lists => Stage::Expiries,
            Stage::Expiries => {
                arena.unmark_sparse();
                Stage::GiveBack
            }
            Stage::GiveBack => {
                work.used_bytes = arena.used_bytes();
                Stage::Rest
            }
        };
    }

    /// Whether a pass has begun and did not end.
    #[cfg(test)]
    pub(super) fn is_at_work(&self) -> bool {
        self.work.stage != Stage::Rest
    }

    /// Begins a pass over whatever there is.
    #[cfg(test)]
    pub(super) fn begin_work(&mut self) {
        if self.work.stage == Stage::Rest {
            self.store.arena.mark_sparse();
            self.work.stage = Stage::Records;
        }
    }
}
