//! Taking documents, or parts of them, out of the arena.

use arrayvec::ArrayVec;

use super::super::Store;
use super::super::arena::{Arena, Ref, raw_of, set_u32};
use super::super::radix::Spot;
use super::super::text;
use super::{
    BLOCK_HEAD_BYTES, Block, CELL_BYTES, Cell, INDEX_OFFSET, NEXT_OFFSET, Payload, TOTAL_OFFSET, WIDE_OFFSET,
    find, index_key, name_of,
};
use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::value::Segment;

impl Store {
    /// Frees what a cell holds, but not the cell.
    pub(in super::super) fn free_payload(&mut self, payload: Payload<'_>) {
        let mut open: ArrayVec<(Ref, usize), DOCUMENT_DEPTH_MAX> = ArrayVec::new();
        open.extend(self.free_shallow(payload).map(|first| (first, 0)));
        while let Some((at, index)) = open.last_mut() {
            let block = Block::at(&self.arena, *at);
            match block.cells().get(*index).copied() {
                Some(cell) => {
                    *index += 1;
                    if let Some(name) = name_of(&cell) {
                        self.release(name);
                    }
                    open.extend(self.free_shallow(Payload::read(&cell)).map(|first| (first, 0)));
                }
                None => {
                    let (done, next) = (*at, block.next());
                    open.pop();
                    open.extend(next.map(|next| (next, 0)));
                    self.arena.free(done);
                }
            }
        }
    }

    /// Frees a long text or the index of a set; returns the blocks that are still to be freed.
    fn free_shallow(&mut self, payload: Payload<'_>) -> Option<Ref> {
        if let Payload::Long { first, len } = payload {
            text::free(&mut self.arena, first, len);
        }
        let first = payload.blocks()?;
        let mut index = Block::at(&self.arena, first).index();
        index.clear(&mut self.arena, Arena::free);
        Some(first)
    }

    /// Overwrites a cell.
    pub(super) fn set_cell(&mut self, block: Ref, index: usize, cell: Cell) {
        let start = BLOCK_HEAD_BYTES + index * CELL_BYTES;
        self.arena.tail_mut(block)[start..start + CELL_BYTES].copy_from_slice(&cell);
    }

    /// Removes the field or element at `path` of the document `root`; returns the new root if it was there.
    pub(in super::super) fn remove_at(
        &mut self,
        root: Option<Ref>,
        path: &[Segment<'_>],
    ) -> Option<Option<Ref>> {
        let (&last, parents) = path.split_last()?;
        let mut container = Payload::Set(root);
        let mut owner = None;
        for &segment in parents {
            let (block, index) = find(self, container, segment)?;
            container = Payload::read(&Block::at(&self.arena, block).cells()[index]);
            owner = Some((block, index));
        }
        let (block, index) = find(self, container, last)?;
        let first = container.blocks().expect("the last segment was found in a block");
        let new_first = self.remove_cell(first, block, index);
        match owner {
            None => Some(new_first),
            Some((block, index)) => {
                let start = BLOCK_HEAD_BYTES + index * CELL_BYTES + WIDE_OFFSET;
                set_u32(self.arena.tail_mut(block), start, raw_of(new_first));
                Some(root)
            }
        }
    }

    /// Removes one cell of the chain that begins at `first`; returns where the chain begins then.
    fn remove_cell(&mut self, first: Ref, block: Ref, index: usize) -> Option<Ref> {
        let cell = Block::at(&self.arena, block).cells()[index];
        if let Some(name) = name_of(&cell) {
            self.forget_field(first, name);
            self.release(name);
        }
        self.free_payload(Payload::read(&cell));
        let total = Block::at(&self.arena, first).total();
        set_u32(self.arena.tail_mut(first), TOTAL_OFFSET, total as u32 - 1);
        let count = Block::at(&self.arena, block).count();
        let bytes = self.arena.tail_mut(block);
        let cell_start = |index| BLOCK_HEAD_BYTES + index * CELL_BYTES;
        bytes.copy_within(cell_start(index + 1)..cell_start(count), cell_start(index));
        bytes[..2].copy_from_slice(&(count as u16 - 1).to_le_bytes());
        if count == 1 { self.unlink_block(first, block) } else { Some(self.shrink_block(first)) }
    }

    /// Takes a field out of its set's index, if the set has one.
    fn forget_field(&mut self, first: Ref, name: Ref) {
        let mut index = Block::at(&self.arena, first).index();
        if index.root().is_none() {
            return;
        }
        let Spot::Found(found) = index.locate(&self.arena, &index_key(name)) else {
            panic!("a set's index misses a field");
        };
        index.detach(&mut self.arena, found);
        self.arena.free(found.leaf);
        set_u32(self.arena.tail_mut(first), INDEX_OFFSET, raw_of(index.root()));
    }

    /// Takes an empty block out of its chain; returns where the chain begins then.
    fn unlink_block(&mut self, first: Ref, block: Ref) -> Option<Ref> {
        let next = Block::at(&self.arena, block).next();
        if block == first {
            let (total, index) =
                (Block::at(&self.arena, first).total(), Block::at(&self.arena, first).index());
            if let Some(next) = next {
                let head = self.arena.tail_mut(next);
                set_u32(head, TOTAL_OFFSET, total as u32);
                set_u32(head, INDEX_OFFSET, raw_of(index.root()));
            } else {
                assert!(total == 0 && index.root().is_none(), "an empty set has nothing left");
            }
        } else {
            let mut previous = first;
            loop {
                match Block::at(&self.arena, previous).next() {
                    Some(at) if at == block => break,
                    at => previous = at.expect("the block is in its chain"),
                }
            }
            set_u32(self.arena.tail_mut(previous), NEXT_OFFSET, raw_of(next));
        }
        self.arena.free(block);
        if block == first { next } else { Some(first) }
    }

    /// Moves a set or array of a single block to a smaller slot if it would fit one.
    fn shrink_block(&mut self, first: Ref) -> Ref {
        let block = Block::at(&self.arena, first);
        let bytes = BLOCK_HEAD_BYTES + block.count() * CELL_BYTES;
        // An index refers to the block, and so does the block before.
        let is_alone = block.next().is_none() && block.index().root().is_none();
        if !is_alone || Arena::rounded(bytes) == self.arena.slot_bytes(first) {
            return first;
        }
        let copy = block.bytes[..bytes].to_vec();
        self.arena.free(first);
        let moved = self.arena.alloc(bytes);
        self.arena.tail_mut(moved)[..bytes].copy_from_slice(&copy);
        moved
    }
}
