//! Regions: the key space in pieces of about a hundred records of slots, each with a number that stays.
//!
//! ```text
//! keys      [""                ][k3            ][k71              ][k8      ..
//! regions          0                  2                1               3        numbers in no order
//!
//! tree      first key of a region ──► number: u32       the keys between are found by their neighbour below
//! table     number ──► first key, how many records      so that a slot's regions can be walked in order
//! ```
//! A region begins where the least key is that it may have, not at a record. The first one begins at the empty key;
//! there is none as long as no record has a slot.

use super::super::arena::{Arena, Owned, Ref, SMALL_BYTES_MAX};
use super::super::text::{self, Bytes};
use super::super::tree::{Entry, Path, Run, Spot, Tree, Workshop};

/// A region with more records is cut in two; one with a quarter of them is joined with its neighbour, if both together
/// have at most half of them.
pub(in super::super) const RECORDS_MAX: usize = 144;

/// One region of the table; without records it is not in use.
#[derive(Clone, Copy, Default)]
struct Region {
    /// Its first key; `None` if that is empty.
    first: Option<Ref>,
    len: u16,
    records: u16,
}

/// All regions.
pub(in super::super) struct Regions {
    /// [`RECORDS_MAX`], or less in tests.
    pub(in super::super) records_max: usize,
    tree: Tree,
    table: Vec<Region>,
    /// Numbers that are free.
    unused: Vec<u32>,
}

impl Default for Regions {
    fn default() -> Regions {
        let tree = Tree::default();
        Regions { records_max: RECORDS_MAX, tree, table: Vec::new(), unused: Vec::new() }
    }
}

impl Regions {
    /// Whether no record has a slot.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// Bytes of the table.
    pub(super) fn used_bytes(&self) -> usize {
        self.table.capacity() * size_of::<Region>() + self.unused.capacity() * size_of::<u32>()
    }

    /// The region that `key` belongs to, if there are any.
    pub(super) fn of(&self, arena: &Arena, key: &[u8]) -> Option<u32> {
        self.tree.floor(arena, key).map(number_of)
    }

    /// A new region of the keys from `first` on.
    pub(super) fn open(&mut self, arena: &mut Arena, workshop: &mut Workshop, first: &[u8]) -> u32 {
        let stored = (!first.is_empty()).then(|| text::store(arena, first));
        let region = Region { first: stored, len: first.len() as u16, records: 0 };
        let number = self.unused.pop().unwrap_or(self.table.len() as u32);
        match self.table.get_mut(number as usize) {
            Some(unused) => *unused = region,
            None => self.table.push(region),
        }
        let Spot::Missing(gap) = self.tree.locate(arena, workshop, first) else {
            panic!("a region is opened twice");
        };
        let body = number.to_le_bytes();
        self.tree.attach(arena, workshop, gap, first, Entry { tag: 0, body: &body });
        number
    }

    /// Leaves the keys of a region without records to the one below, if there is one.
    pub(super) fn close(&mut self, arena: &mut Arena, workshop: &mut Workshop, number: u32) {
        let first = self.first(arena, number).to_vec();
        let region = std::mem::take(&mut self.table[number as usize]);
        assert_eq!(region.records, 0, "a region is closed that has records");
        if let Some(at) = region.first {
            text::free(arena, at, first.len());
        }
        let Spot::Found(found) = self.tree.locate(arena, workshop, &first) else {
            panic!("a region is closed that is not open");
        };
        self.tree.detach(arena, workshop, found, &first);
        self.unused.push(number);
        if self.unused.len() == self.table.len() {
            (self.unused, self.table) = (Vec::new(), Vec::new());
        }
    }

    /// Counts so many records more; how many there are now.
    pub(super) fn count(&mut self, number: u32, more: i32) -> usize {
        let records = &mut self.table[number as usize].records;
        *records =
            records.checked_add_signed(more as i16).expect("a region has at most a few hundred records");
        *records as usize
    }

    /// How many records a region has.
    pub(super) fn records(&self, number: u32) -> usize {
        self.table[number as usize].records as usize
    }

    /// The first key of a region.
    pub(super) fn first<'t>(&self, arena: &'t Arena, number: u32) -> Bytes<'t> {
        let region = self.table[number as usize];
        match region.first {
            Some(at) => Bytes::stored(arena, at, region.len as usize),
            None => Bytes::whole(&[]),
        }
    }

    /// The region above the one that begins at `first`, and where it begins.
    pub(super) fn above(&self, arena: &Arena, first: &[u8]) -> Option<(Vec<u8>, u32)> {
        let mut path = Path::default();
        path.seek(self.tree, arena, first, true);
        let number = number_of(path.next(arena)?);
        Some((path.key().to_vec(), number))
    }

    /// The region below the one that begins at `first`.
    pub(super) fn below(&self, arena: &Arena, first: &[u8]) -> Option<u32> {
        self.tree.last_below(arena, Some(first), &mut Vec::new()).map(number_of)
    }

    /// Moves everything out of spans that are being emptied, see [`Tree::evacuate`].
    pub(in super::super) fn evacuate(
        &mut self,
        arena: &mut Arena,
        after: &mut Vec<u8>,
        budget: usize,
    ) -> bool {
        let Regions { tree, table, .. } = self;
        tree.evacuate(arena, after, budget, |arena, run| {
            for index in 0..Run::at(arena, run).count() {
                let region = &mut table[number_of(Run::at(arena, run).entry_at(index)) as usize];
                if let Some(first) = region.first
                    && region.len as usize <= SMALL_BYTES_MAX
                    && arena.is_sparse(first)
                {
                    region.first = Some(arena.copy(first));
                    arena.free(first);
                }
            }
        })
    }

    /// Panics unless the regions have exactly the records that `count` tells of each.
    pub(super) fn check(&self, arena: &Arena, owned: &mut Owned<'_>, count: impl Fn(u32) -> usize) {
        let mut open = 0;
        self.tree.check(arena, owned, |owned, key, entry| {
            let number = number_of(entry);
            let Region { first, len, records } = self.table[number as usize];
            assert!(self.first(arena, number) == *key, "a region begins elsewhere");
            assert!((open == 0) == key.is_empty(), "the first region begins at the empty key");
            first.into_iter().for_each(|first| text::own(owned, arena, first, len as usize));
            assert_eq!(records as usize, count(number), "a region's records are miscounted");
            assert!(records as usize <= self.records_max, "a region has too many records");
            open += 1;
        });
        assert_eq!(open + self.unused.len(), self.table.len(), "a region is lost");
    }
}

fn number_of(entry: Entry<'_>) -> u32 {
    u32::from_le_bytes(*entry.body.first_chunk().expect("a region has a number"))
}
