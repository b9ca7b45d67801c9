//! Putting one value into a document that stands.

use super::super::Store;
use super::super::arena::{Arena, Ref, raw_of, ref_at, set_u32};
use super::super::radix::Radix;
use super::{
    BLOCK_CELLS_MAX, BLOCK_HEAD_BYTES, Block, CELL_BYTES, Cell, INDEX_OFFSET, NEXT_OFFSET, Payload,
    TOTAL_OFFSET, WIDE_OFFSET, find, name_of,
};
use crate::value::Segment;

/// How many spans placing one cell may fill at most: two blocks, and an index over 255 fields.
pub(in super::super) const BLOCK_SPANS: usize = 8;

/// Where a value goes in the set or array that a path leads to.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Target {
    /// Over this cell.
    Replace { block: Ref, index: usize },
    /// As a new field.
    Field,
    /// As an element before this one, which may be the one behind the last.
    Element(usize),
}

/// The only cell of a set of one field.
pub(in super::super) fn first_cell(arena: &Arena, root: Option<Ref>) -> Cell {
    let block = Block::at(arena, root.expect("a set of one field has a block"));
    assert!(block.total() == 1 && block.count() == 1, "one value is told, and only one");
    block.cells()[0]
}

impl Store {
    /// Where a value at `path` of the document `root` would go; `None` if nothing there could hold it.
    pub(in super::super) fn target(
        &self,
        root: Option<Ref>,
        path: &[Segment<'_>],
        insert: bool,
    ) -> Option<Target> {
        let (&last, parents) = path.split_last()?;
        let (container, _) = self.walk(root, parents)?;
        match (container, last) {
            (Payload::Array(_), Segment::Index(index)) if insert => {
                (index <= self.len_of(container)).then_some(Target::Element(index))
            }
            _ if insert => None,
            (Payload::Set(_), Segment::Field(_)) => Some(match find(self, container, last) {
                Some((block, index)) => Target::Replace { block, index },
                None => Target::Field,
            }),
            (Payload::Array(_), Segment::Index(_)) => {
                find(self, container, last).map(|(block, index)| Target::Replace { block, index })
            }
            _ => None,
        }
    }

    /// Frees the set of one field whose value was taken over.
    pub(in super::super) fn free_carrier(&mut self, root: Option<Ref>) {
        let at = root.expect("a set of one field has a block");
        let name = name_of(&Block::at(&self.arena, at).cells()[0]).expect("a field has a name");
        self.release(name);
        self.arena.free(at);
    }

    /// Puts the value of `cell` where [`Store::target`] said; returns the root. [`BLOCK_SPANS`] are reserved, and what
    /// a new name needs.
    pub(in super::super) fn place_cell(
        &mut self,
        root: Option<Ref>,
        path: &[Segment<'_>],
        target: Target,
        cell: Cell,
    ) -> Option<Ref> {
        let payload = Payload::read(&cell);
        let (last, parents) = path.split_last().expect("a value has a place");
        let (container, owner) = self.walk(root, parents).expect("the target was found there");
        let first = container.blocks();
        let moved = match (target, last) {
            (Target::Replace { block, index }, _) => {
                let old = Block::at(&self.arena, block).cells()[index];
                let new = payload.write(name_of(&old));
                self.set_cell(block, index, new);
                self.free_payload(Payload::read(&old));
                return root;
            }
            (Target::Field, Segment::Field(name)) => {
                let new = payload.write(Some(self.intern(name)));
                self.append_cell(first, new)
            }
            (Target::Element(index), _) => self.insert_cell(first, index, payload.write(None)),
            (Target::Field, Segment::Index(_)) => unreachable!("a field has a name"),
        };
        match owner {
            None => Some(moved),
            Some((block, index)) => {
                let start = BLOCK_HEAD_BYTES + index * CELL_BYTES + WIDE_OFFSET;
                set_u32(self.arena.tail_mut(block), start, moved.raw());
                root
            }
        }
    }

    /// What `path` leads to, and the cell that holds it.
    fn walk(&self, root: Option<Ref>, path: &[Segment<'_>]) -> Option<(Payload<'_>, Option<(Ref, usize)>)> {
        let (mut at, mut owner) = (Payload::Set(root), None);
        for &segment in path {
            let (block, index) = find(self, at, segment)?;
            at = Payload::read(&Block::at(&self.arena, block).cells()[index]);
            owner = Some((block, index));
        }
        Some((at, owner))
    }

    fn len_of(&self, container: Payload<'_>) -> usize {
        container.blocks().map_or(0, |first| Block::at(&self.arena, first).total())
    }

    /// Appends a field to the chain that begins at `first`; returns where it begins then.
    fn append_cell(&mut self, first: Option<Ref>, cell: Cell) -> Ref {
        let Some(first) = first else { return self.new_block(&[cell], 1) };
        let mut last = first;
        while let Some(next) = Block::at(&self.arena, last).next() {
            last = next;
        }
        let total = Block::at(&self.arena, first).total();
        let count = Block::at(&self.arena, last).count();
        let mut index = Block::at(&self.arena, first).index();
        let name = name_of(&cell).expect("a field has a name");
        if count == BLOCK_CELLS_MAX {
            if index.root().is_none() {
                let names: Vec<Ref> =
                    Block::at(&self.arena, first).cells().iter().filter_map(name_of).collect();
                names.into_iter().for_each(|name| self.index_field(&mut index, name, first));
            }
            // The blocks of an indexed set never move, so the new one gets all the room that it may need.
            let block = self.new_block_for(&[cell], 0, BLOCK_CELLS_MAX);
            set_u32(self.arena.tail_mut(last), NEXT_OFFSET, block.raw());
            self.index_field(&mut index, name, block);
        } else if index.root().is_some() {
            let block = self.with_room(first, last, BLOCK_CELLS_MAX, &mut index);
            self.push_cell(block, count, cell);
            self.index_field(&mut index, name, block);
            let first = if last == first { block } else { first };
            self.set_head(first, total + 1, index);
            return first;
        } else {
            assert!(last == first, "a set of several blocks has an index");
            let first = self.with_room(first, first, count + 1, &mut index);
            self.push_cell(first, count, cell);
            self.set_head(first, total + 1, index);
            return first;
        }
        self.set_head(first, total + 1, index);
        first
    }

    /// Inserts an element into the chain that begins at `first`; returns where it begins then.
    fn insert_cell(&mut self, first: Option<Ref>, mut index: usize, cell: Cell) -> Ref {
        let Some(first) = first else { return self.new_block(&[cell], 1) };
        let total = Block::at(&self.arena, first).total();
        let mut at = first;
        // The end of a block is as good as the front of the next.
        while index > Block::at(&self.arena, at).count() {
            index -= Block::at(&self.arena, at).count();
            at = Block::at(&self.arena, at).next().expect("the index is at most the total");
        }
        let mut no_index = Radix::default();
        let count = Block::at(&self.arena, at).count();
        if count == BLOCK_CELLS_MAX {
            let keep = if index == count { count } else { count / 2 };
            self.split_block(at, keep, if index == count { Some(cell) } else { None });
            if index == count {
                self.set_head(first, total + 1, no_index);
                return first;
            }
            if index > keep {
                index -= keep;
                at = Block::at(&self.arena, at).next().expect("it was just split");
            }
        }
        let count = Block::at(&self.arena, at).count();
        let moved = self.with_room(first, at, count + 1, &mut no_index);
        let first = if at == first { moved } else { first };
        let start = BLOCK_HEAD_BYTES + index * CELL_BYTES;
        let end = BLOCK_HEAD_BYTES + count * CELL_BYTES;
        self.arena.tail_mut(moved).copy_within(start..end, start + CELL_BYTES);
        self.set_cell(moved, index, cell);
        self.set_count(moved, count + 1);
        self.set_head(first, total + 1, no_index);
        first
    }

    /// Moves what is behind the first `keep` cells of a block, or `only` instead, to a new block behind it.
    fn split_block(&mut self, at: Ref, keep: usize, only: Option<Cell>) {
        let block = Block::at(&self.arena, at);
        let next = block.next();
        let cells = match only {
            Some(cell) => vec![cell],
            None => block.cells()[keep..].to_vec(),
        };
        let upper = self.new_block(&cells, 0);
        set_u32(self.arena.tail_mut(upper), NEXT_OFFSET, raw_of(next));
        set_u32(self.arena.tail_mut(at), NEXT_OFFSET, upper.raw());
        self.set_count(at, keep);
    }

    fn new_block(&mut self, cells: &[Cell], total: usize) -> Ref {
        self.new_block_for(cells, total, cells.len())
    }

    fn new_block_for(&mut self, cells: &[Cell], total: usize, room: usize) -> Ref {
        let at = self.arena.alloc(BLOCK_HEAD_BYTES + room * CELL_BYTES);
        let bytes = self.arena.tail_mut(at);
        bytes[..BLOCK_HEAD_BYTES].fill(0);
        bytes[BLOCK_HEAD_BYTES..BLOCK_HEAD_BYTES + cells.len() * CELL_BYTES]
            .copy_from_slice(cells.as_flattened());
        set_u32(bytes, TOTAL_OFFSET, total as u32);
        self.set_count(at, cells.len());
        at
    }

    /// The block, moved to a slot with room for `count` cells if its own has none; the chain and the index follow.
    fn with_room(&mut self, first: Ref, at: Ref, count: usize, index: &mut Radix) -> Ref {
        let bytes = BLOCK_HEAD_BYTES + count * CELL_BYTES;
        if self.arena.slot_bytes(at) >= bytes {
            return at;
        }
        let block = Block::at(&self.arena, at);
        let copy = block.bytes[..BLOCK_HEAD_BYTES + block.count() * CELL_BYTES].to_vec();
        let moved = self.arena.alloc(bytes);
        self.arena.tail_mut(moved)[..copy.len()].copy_from_slice(&copy);
        if at != first {
            let mut previous = first;
            while Block::at(&self.arena, previous).next() != Some(at) {
                previous = Block::at(&self.arena, previous).next().expect("the block is in its chain");
            }
            set_u32(self.arena.tail_mut(previous), NEXT_OFFSET, moved.raw());
        }
        if index.root().is_some() {
            let names: Vec<Ref> = Block::at(&self.arena, moved).cells().iter().filter_map(name_of).collect();
            names.into_iter().for_each(|name| self.reindex_field(*index, name, moved));
        }
        self.arena.free(at);
        moved
    }

    fn push_cell(&mut self, at: Ref, count: usize, cell: Cell) {
        self.set_cell(at, count, cell);
        self.set_count(at, count + 1);
    }

    fn set_count(&mut self, at: Ref, count: usize) {
        self.arena.tail_mut(at)[..2].copy_from_slice(&(count as u16).to_le_bytes());
    }

    fn set_head(&mut self, first: Ref, total: usize, index: Radix) {
        let bytes = self.arena.tail_mut(first);
        set_u32(bytes, TOTAL_OFFSET, total as u32);
        set_u32(bytes, INDEX_OFFSET, raw_of(index.root()));
    }

    /// Tells the index that a field is in another block now.
    fn reindex_field(&mut self, index: Radix, name: Ref, block: Ref) {
        let leaf = index.get(&self.arena, &super::index_key(name)).expect("the index has every field");
        let offset = super::leaf::FIELD_BYTES - 4;
        debug_assert!(ref_at(self.arena.tail(leaf), offset).is_some());
        set_u32(self.arena.tail_mut(leaf), offset, block.raw());
    }
}
