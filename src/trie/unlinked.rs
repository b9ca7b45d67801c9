//! Removing all below a prefix at once: the subtree is cut out, then freed in slices while nobody can read it any more.
//!
//! ```text
//! unlink_prefix "ab"   records ──cut──► remains    [above: ab][tree: what follows it in the keys][freed: how many]
//!                                          │
//! free_unlinked                            └─► the first run: each record leaves the books, the run and what is
//!                                              empty then are freed; and again, until the budget is used or all is gone
//! ```
//! Until it is freed a record stays in the books: counts, the index of expiries, uses of names and epochs. So that these
//! never have two records of one key, a key that is written anew first has its *dead twin* taken out for good; and who
//! asks what expires is told of no dead record. Records of slots are not unlinked: their regions look for them.

use super::arena::Exhausted;
use super::tree::{Dismantling, Spot, Tree};
use super::{Record, Removed, Trie};
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::record::Kind;

/// Subtrees that may wait to be freed at the same time: each new key is looked for in all that could have it.
const REMAINS_MAX: usize = 64;
/// How many records without an expiry are freed in the time of one with: it is in two trees.
const EXPIRING_COST: usize = 16;
/// Records that are freed between two looks at whether there is memory enough.
const SLICE: usize = 1_024;

/// The right to learn how many records a prefix had: of [`Trie::unlink_prefix`], for [`Trie::free_unlinked`].
#[derive(PartialEq, Eq, Debug)]
#[must_use = "until its count was asked for to the end, the trie keeps it"]
pub struct Unlinking {
    id: u64,
}

/// A subtree that nobody reads any more.
struct Remains {
    id: u64,
    /// What its keys begin with.
    above: Box<[u8]>,
    /// Their rest, and what they have.
    tree: Tree,
    /// Records that left the books.
    freed: Removed,
}

/// All that was unlinked and not freed, or whose count nobody has asked for yet.
#[derive(Default)]
pub(super) struct Unlinked {
    remains: Vec<Remains>,
    next_id: u64,
}

impl Unlinked {
    /// Whether nothing is left to be freed or told.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.remains.is_empty()
    }

    /// The first that has records.
    fn first(&self) -> Option<usize> {
        self.remains.iter().position(|remains| !remains.tree.is_empty())
    }

    /// The trees, and what their keys begin with.
    pub(super) fn trees(&self) -> impl Iterator<Item = (&[u8], Tree)> {
        self.remains.iter().map(|remains| (&*remains.above, remains.tree))
    }

    /// The same without records, when their memory is gone.
    pub(super) fn cleared(mut self) -> Unlinked {
        self.remains.iter_mut().for_each(|remains| remains.tree = Tree::default());
        self
    }
}

impl Trie {
    /// Removes all records whose keys begin with `prefix`, without a trace, tombstones too, in time for the way there:
    /// from now on nobody reads them. [`Trie::free_unlinked`] frees them and says how many they were; until then
    /// [`Trie::len`], [`Trie::tombstones`], [`Trie::expiring`] and [`Trie::used_bytes`] count them.
    ///
    /// `None` if that is not possible, and nothing is removed: the trie has records of slots, or very many subtrees are
    /// being freed. [`Trie::remove_prefix`] always is.
    pub fn unlink_prefix(&mut self, prefix: &[u8]) -> Option<Unlinking> {
        let waiting = self.unlinked.trees().filter(|(_, tree)| !tree.is_empty()).count();
        if waiting == REMAINS_MAX || !self.slots.regions.is_empty() {
            return None;
        }
        let cut = self.records.unlink(&mut self.store.arena, &mut self.workshop, prefix);
        let (tree, depth) = cut.unwrap_or_default();
        let id = self.unlinked.next_id;
        self.unlinked.next_id += 1;
        let above = prefix[..depth].into();
        self.unlinked.remains.push(Remains { id, above, tree, freed: Removed::default() });
        self.generation += 1;
        Some(Unlinking { id })
    }

    /// Frees about `budget` records of what was unlinked (a run is freed whole, which may be 63 more; a record that
    /// expires counts as 16, for it takes as long). At the end it says how many there were in all, those that left by
    /// another way included: that a key was written again, that memory was needed, [`Trie::work`]. Those that
    /// [`Trie::clear`] found are not counted.
    ///
    /// # Panics
    /// If it has said so before, or if another trie unlinked it.
    pub fn free_unlinked(&mut self, unlinking: &Unlinking, budget: usize) -> Option<Removed> {
        let of_it = |remains: &Remains| remains.id == unlinking.id;
        let index =
            self.unlinked.remains.iter().position(of_it).expect("it is told once how many there were");
        self.free_runs(index, budget);
        let is_done = self.unlinked.remains[index].tree.is_empty();
        is_done.then(|| self.unlinked.remains.remove(index).freed)
    }

    /// Whether records that were unlinked wait to be freed.
    pub fn has_unlinked(&self) -> bool {
        self.unlinked.first().is_some()
    }

    /// Frees about `budget` records of what was unlinked first. For who needs memory; who unlinked them still learns how
    /// many they were.
    pub fn free_some_unlinked(&mut self, budget: usize) {
        if let Some(index) = self.unlinked.first() {
            self.free_runs(index, budget);
        }
    }

    /// If what expires first was unlinked, and is due at `now_ms`: frees that record, and says so. Who removes what
    /// [`Trie::next_expired`] finds asks this before, else that passes over more and more records that are not there.
    pub fn free_unlinked_expired(&mut self, now_ms: u64) -> bool {
        if self.unlinked.is_empty() {
            return false;
        }
        let Some(key) = self.first_expired(now_ms) else { return false };
        self.get(&key).is_none() && self.free_twin(&key)
    }

    /// What was unlinked with this key.
    pub(super) fn unlinked_twin(&self, key: &[u8]) -> Option<Record<'_>> {
        let arena = &self.store.arena;
        let of = |(above, tree): (&[u8], Tree)| tree.get(arena, key.strip_prefix(above)?);
        self.unlinked.trees().find_map(of).map(|entry| Record::new(&self.store, entry))
    }

    /// Frees what was unlinked with this key; whether there was any.
    pub(super) fn free_twin(&mut self, key: &[u8]) -> bool {
        for index in 0..self.unlinked.remains.len() {
            let Remains { above, tree, .. } = &self.unlinked.remains[index];
            let mut tree = *tree;
            let Some(rest) = key.strip_prefix(&**above) else { continue };
            let Spot::Found(found) = tree.locate(&self.store.arena, &mut self.workshop, rest) else {
                continue;
            };
            let (kind, meta) = self.take_out(key, found);
            tree.detach(&mut self.store.arena, &mut self.workshop, found, rest);
            self.forget(key, kind, meta);
            let remains = &mut self.unlinked.remains[index];
            remains.tree = tree;
            remains.freed.count(kind);
            return true;
        }
        false
    }

    /// As `Arena::reserve`, but before it fails, all that was unlinked is freed, as far as needed.
    pub(super) fn reserve(&mut self, spans: usize) -> Result<(), Exhausted> {
        let mut reserved = self.store.arena.reserve(spans);
        while reserved.is_err() && self.has_unlinked() {
            self.free_some_unlinked(SLICE);
            reserved = self.store.arena.reserve(spans);
        }
        reserved
    }

    /// Before a document is built or changed, which cannot be begun anew when memory is missing: frees what was
    /// unlinked, if there may not be enough otherwise.
    pub(super) fn make_room(&mut self) {
        while self.has_unlinked() && self.store.arena.spare_bytes() < DOCUMENT_BYTES_MAX {
            self.free_some_unlinked(SLICE);
        }
    }

    /// Frees the first runs of one subtree, until `budget` is used up.
    fn free_runs(&mut self, index: usize, budget: usize) {
        let Remains { above, tree, .. } = &self.unlinked.remains[index];
        let (mut way, mut tree, mut freed) = (Dismantling::new(above), *tree, Removed::default());
        let mut spent = 0;
        while spent < budget
            && let Some((first, count)) = way.first_run(&self.store.arena, tree)
        {
            for found in (0..count).map(|at| first.at(at)) {
                let key = way.key_of(&self.store.arena, found);
                let (kind, meta) = self.take_out(key, found);
                self.forget(key, kind, meta);
                freed.count(kind);
                spent += if meta.expires_at_ms.is_some() { EXPIRING_COST } else { 1 };
            }
            way.drop_run(&mut self.store.arena, &mut tree, first);
        }
        let remains = &mut self.unlinked.remains[index];
        remains.tree = tree;
        remains.freed.add(freed);
    }
}

impl Removed {
    pub(super) fn add(&mut self, other: Removed) {
        self.live += other.live;
        self.tombstones += other.tombstones;
    }

    /// Counts one more.
    pub(super) fn count(&mut self, kind: Kind) {
        *(if kind == Kind::Tombstone { &mut self.tombstones } else { &mut self.live }) += 1;
    }
}
