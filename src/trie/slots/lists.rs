//! Which regions each slot has records in: a list of rising numbers a slot, in blocks.
//!
//! ```text
//! heads     slot ──► its first block, in a slot of the arena of its own       numbers below `above`
//! tree      [slot: u16 big-endian][from: u32 big-endian] ──► further blocks   from that number on; few lists have any
//! block     [gap] [gap] ...                                                   each to the number before, the first to
//!                                                                             `from` (0 in a first block)
//! gap       0 ..= 191               one byte
//!           192 + high, low         192 + 256 * high + low, up to 16,319
//!           255, [u32]
//! ```
//! A number stands in the list once for each record of the slot in that region, so what is added and taken out needs
//! no look at the records. There are 16,384 slots and regions are small, so a gap is one or two bytes mostly.

use arrayvec::ArrayVec;

use super::super::arena::{Arena, Owned, Ref};
use super::super::tree::{Entry, Found, PART_BYTES_MAX, Path, Spot, Tree, Workshop, prefetch};
use super::regions::RECORDS_MAX;
use crate::record::{SLOT_COUNT, Slot};

const SLOT_BYTES: usize = 2;
const KEY_BYTES: usize = SLOT_BYTES + 4;
const GAP_BYTES_MAX: usize = 5;
/// First byte of the gaps of two bytes, and of those of five.
const WIDE: u32 = 192;
const WIDEST: u32 = 255;
/// The least gap of five bytes.
const WIDEST_GAP: u32 = WIDE + (WIDEST - WIDE) * 256;
/// A first block with more is cut: some of its end becomes a block of the tree.
const HEAD_BYTES_MAX: usize = 480;
/// About so much.
const CUT_BYTES: usize = 160;
/// A block of the tree with more is cut in two.
const BLOCK_BYTES_MAX: usize = PART_BYTES_MAX - 2 * GAP_BYTES_MAX;
/// As [`Head::above`]: the list has one block.
const NOTHING: u32 = u32::MAX;

// A cut is next to where it should be by half a region's records, which may all be of one slot.
const _: () = assert!(CUT_BYTES + RECORDS_MAX / 2 + GAP_BYTES_MAX < BLOCK_BYTES_MAX);
const _: () = assert!(RECORDS_MAX + 1 + GAP_BYTES_MAX < CUT_BYTES);

type Key = ArrayVec<u8, KEY_BYTES>;
/// Room for a block to which one number was added.
type Block = ArrayVec<u8, { HEAD_BYTES_MAX + 2 * GAP_BYTES_MAX }>;

/// The lists of all slots.
#[derive(Default)]
pub(in super::super) struct Lists {
    /// One a slot; none until something is listed.
    heads: Box<[Head]>,
    tree: Tree,
}

#[derive(Clone, Copy)]
struct Head {
    block: Option<Ref>,
    len: u16,
    /// Where the next block begins.
    above: u32,
}

impl Head {
    /// The first block.
    fn bytes(self, arena: &Arena) -> &[u8] {
        self.block.map_or(&[], |at| &arena.tail(at)[..self.len as usize])
    }
}

/// A gap of a block.
#[derive(Clone, Copy)]
struct Gap {
    /// Where it begins and ends.
    start: usize,
    end: usize,
    /// The number that it leads to.
    number: u32,
}

/// Bytes in the place of others.
struct Edit {
    start: usize,
    end: usize,
    bytes: ArrayVec<u8, { 2 * GAP_BYTES_MAX }>,
}

/// The gap at `start`, counted from the number before.
#[inline]
fn gap_at(block: &[u8], start: usize, before: u32) -> Gap {
    let first = u32::from(block[start]);
    let (gap, bytes) = match first {
        0..WIDE => (first, 1),
        WIDEST => (u32::from_le_bytes(*block[start + 1..].first_chunk().expect("a wide gap")), 5),
        _ => (WIDE + (first - WIDE) * 256 + u32::from(block[start + 1]), 2),
    };
    Gap { start, end: start + bytes, number: before + gap }
}

/// The gaps of a block whose numbers count from `from`.
fn gaps(block: &[u8], from: u32) -> impl Iterator<Item = Gap> {
    let (mut start, mut before) = (0, from);
    std::iter::from_fn(move || {
        (start < block.len()).then(|| {
            let gap = gap_at(block, start, before);
            (start, before) = (gap.end, gap.number);
            gap
        })
    })
}

/// The first gap that leads to `number` or beyond, if there is one, and the number before it.
fn seek(block: &[u8], from: u32, number: u32) -> (Option<Gap>, u32) {
    let (mut start, mut before) = (0, from);
    // Eight narrow gaps at once.
    while let Some(eight) = block[start..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let is_narrow = word & (word << 1) & 0x8080_8080_8080_8080 == 0;
        let pairs = (word & 0x00FF_00FF_00FF_00FF) + (word >> 8 & 0x00FF_00FF_00FF_00FF);
        let sum = (pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48) as u32;
        if !is_narrow || before + sum >= number {
            break;
        }
        start += 8;
        before += sum;
    }
    while start < block.len() {
        let gap = gap_at(block, start, before);
        if gap.number >= number {
            return (Some(gap), before);
        }
        (start, before) = (gap.end, gap.number);
    }
    (None, before)
}

impl Edit {
    fn push(&mut self, gap: u32) {
        match gap {
            0..WIDE => self.bytes.push(gap as u8),
            WIDE..WIDEST_GAP => self.bytes.extend([(WIDE + (gap - WIDE) / 256) as u8, (gap - WIDE) as u8]),
            _ => {
                self.bytes.push(WIDEST as u8);
                self.bytes.extend(gap.to_le_bytes());
            }
        }
    }

    /// What adds a number to a block.
    fn add(block: &[u8], from: u32, number: u32) -> Edit {
        let (gap, before) = seek(block, from, number);
        let (start, end) = gap.map_or((block.len(), block.len()), |gap| (gap.start, gap.end));
        let mut edit = Edit { start, end, bytes: ArrayVec::new() };
        edit.push(number - before);
        if let Some(gap) = gap {
            edit.push(gap.number - number);
        }
        edit
    }

    /// What takes one of a number, which is there, out of a block.
    fn remove(block: &[u8], from: u32, number: u32) -> Edit {
        let (gap, before) = seek(block, from, number);
        let gap = gap.filter(|gap| gap.number == number).expect("a slot's list misses a region");
        let mut edit = Edit { start: gap.start, end: gap.end, bytes: ArrayVec::new() };
        if gap.end < block.len() {
            let next = gap_at(block, gap.end, number);
            edit.end = next.end;
            edit.push(next.number - before);
        }
        edit
    }

    /// The changed block.
    fn applied(&self, block: &[u8]) -> Block {
        let mut new = Block::new();
        for part in [&block[..self.start], &self.bytes, &block[self.end..]] {
            new.try_extend_from_slice(part).expect("a block has room for one number more");
        }
        new
    }
}

fn key_of(slot: Slot, from: u32) -> Key {
    let mut key = Key::new();
    key.extend((slot.index() as u16).to_be_bytes());
    key.extend(from.to_be_bytes());
    key
}

fn from_of(key: &[u8]) -> u32 {
    u32::from_be_bytes(*key[SLOT_BYTES..].first_chunk().expect("a block's key"))
}

impl Lists {
    /// Bytes of the table.
    pub(super) fn used_bytes(&self) -> usize {
        size_of_val(&*self.heads)
    }

    /// Whether a slot has no records.
    pub(super) fn is_empty(&self, slot: Slot) -> bool {
        self.heads.get(slot.index()).is_none_or(|head| head.block.is_none() && head.above == NOTHING)
    }

    /// Brings the first block of a slot near, which is about to change.
    pub(super) fn prefetch(&self, arena: &Arena, slot: Slot) {
        if let Some(Head { block: Some(at), .. }) = self.heads.get(slot.index()) {
            prefetch(&arena.tail(*at)[0]);
        }
    }

    /// Notes one record more of a slot in a region.
    pub(super) fn add(&mut self, arena: &mut Arena, workshop: &mut Workshop, slot: Slot, region: u32) {
        if self.heads.is_empty() {
            self.heads = vec![Head { block: None, len: 0, above: NOTHING }; SLOT_COUNT].into_boxed_slice();
        }
        self.edit(arena, workshop, slot, region, Edit::add);
    }

    /// Takes one record of a slot in a region out.
    pub(super) fn remove(&mut self, arena: &mut Arena, workshop: &mut Workshop, slot: Slot, region: u32) {
        self.edit(arena, workshop, slot, region, Edit::remove);
    }

    /// Changes the block of a region as `plan` says of it.
    fn edit(
        &mut self,
        arena: &mut Arena,
        workshop: &mut Workshop,
        slot: Slot,
        region: u32,
        plan: impl Fn(&[u8], u32, u32) -> Edit,
    ) {
        let head = self.heads[slot.index()];
        if region >= head.above {
            let (from, found) = self.locate(arena, workshop, slot, region);
            let body = Tree::entry(arena, found).body;
            let block = plan(body, from, region).applied(body);
            return self.store(arena, workshop, slot, from, found, &block);
        }
        let block = head.bytes(arena);
        let block = plan(block, 0, region).applied(block);
        self.store_head(arena, slot, &block);
        if block.len() > HEAD_BYTES_MAX {
            let gap = cut(&block, 0, block.len() - CUT_BYTES);
            self.store_head(arena, slot, &block[..gap.start]);
            self.heads[slot.index()].above = gap.number;
            self.attach(arena, workshop, slot, &gap, &block);
        }
    }

    /// Writes the first block of a slot anew.
    fn store_head(&mut self, arena: &mut Arena, slot: Slot, block: &[u8]) {
        let head = &mut self.heads[slot.index()];
        head.len = block.len() as u16;
        let has_room = |at: &Ref| !block.is_empty() && arena.slot_bytes(*at) == Arena::rounded(block.len());
        let at = match head.block.filter(has_room) {
            Some(at) => Some(at),
            None => {
                head.block.into_iter().for_each(|at| arena.free(at));
                (!block.is_empty()).then(|| arena.alloc(block.len()))
            }
        };
        head.block = at;
        if let Some(at) = at {
            arena.tail_mut(at)[..block.len()].copy_from_slice(block);
        }
    }

    /// Notes that a record of a slot is in another region now.
    pub(super) fn change(
        &mut self,
        arena: &mut Arena,
        workshop: &mut Workshop,
        slot: Slot,
        old: u32,
        new: u32,
    ) {
        let head = self.heads[slot.index()];
        if old.max(new) < head.above && (head.len as usize) < HEAD_BYTES_MAX - 2 * GAP_BYTES_MAX {
            // Both in the first block, as mostly.
            let block = head.bytes(arena);
            let block = Edit::remove(block, 0, old).applied(block);
            let block = Edit::add(&block, 0, new).applied(&block);
            return self.store_head(arena, slot, &block);
        }
        self.remove(arena, workshop, slot, old);
        self.add(arena, workshop, slot, new);
    }

    /// The block of the tree in which a region of a slot is or would be, and where it counts from.
    fn locate(&self, arena: &Arena, workshop: &mut Workshop, slot: Slot, region: u32) -> (u32, Found) {
        // Regions are far fewer than 2^32.
        let above = key_of(slot, region + 1);
        let mut key = Vec::with_capacity(KEY_BYTES);
        self.tree.last_below(arena, Some(&above), &mut key).expect("a list's second block is there");
        let Spot::Found(found) = self.tree.locate(arena, workshop, &key) else {
            unreachable!("it was just there");
        };
        (from_of(&key), found)
    }

    /// Writes a block of the tree anew: gone if it is empty, in two if it is too large.
    fn store(
        &mut self,
        arena: &mut Arena,
        workshop: &mut Workshop,
        slot: Slot,
        from: u32,
        found: Found,
        block: &[u8],
    ) {
        let key = key_of(slot, from);
        if block.is_empty() {
            self.tree.detach(arena, workshop, found, &key);
            let head = &mut self.heads[slot.index()];
            if head.above == from {
                let mut path = Path::default();
                path.seek(self.tree, arena, &key, false);
                let is_ours = path.next(arena).is_some() && path.key().starts_with(&key[..SLOT_BYTES]);
                head.above = if is_ours { from_of(path.key()) } else { NOTHING };
            }
            return;
        }
        let gap = (block.len() > BLOCK_BYTES_MAX).then(|| cut(block, from, block.len() / 2));
        let body = &block[..gap.map_or(block.len(), |gap| gap.start)];
        self.tree.replace(arena, workshop, found, &key, Entry { tag: 0, body });
        gap.into_iter().for_each(|gap| self.attach(arena, workshop, slot, &gap, block));
    }

    /// Makes a block of the tree of what is from `gap` on.
    fn attach(&mut self, arena: &mut Arena, workshop: &mut Workshop, slot: Slot, gap: &Gap, block: &[u8]) {
        let key = key_of(slot, gap.number);
        let body: Block = std::iter::once(0).chain(block[gap.end..].iter().copied()).collect();
        let Spot::Missing(place) = self.tree.locate(arena, workshop, &key) else {
            panic!("two blocks begin at the same region");
        };
        self.tree.attach(arena, workshop, place, &key, Entry { tag: 0, body: &body });
    }

    /// The regions of a slot, rising, each once.
    pub(super) fn regions(&self, arena: &Arena, slot: Slot) -> Vec<u32> {
        let Some(head) = self.heads.get(slot.index()) else { return Vec::new() };
        let block = head.bytes(arena);
        let mut regions: Vec<u32> = gaps(block, 0).map(|gap| gap.number).collect();
        if head.above != NOTHING {
            let mut path = Path::default();
            path.seek(self.tree, arena, &key_of(slot, head.above), false);
            while let Some(entry) = path.next(arena)
                && path.key().starts_with(&key_of(slot, 0)[..SLOT_BYTES])
            {
                regions.extend(gaps(entry.body, from_of(path.key())).map(|gap| gap.number));
            }
        }
        regions.dedup();
        regions
    }

    /// Moves some blocks out of spans that are being emptied, from behind `after` on: the first blocks of slots, then
    /// those of the tree, see [`Tree::evacuate`].
    pub(in super::super) fn evacuate(
        &mut self,
        arena: &mut Arena,
        after: &mut Vec<u8>,
        budget: usize,
    ) -> bool {
        /// One byte more than any key of the tree has; behind it stands the number of the next head.
        const HEADS: [u8; KEY_BYTES + 1] = [0xFF; KEY_BYTES + 1];
        if after.is_empty() {
            after.extend_from_slice(&HEADS);
            after.extend([0, 0]);
        }
        if let Some(&[low, high]) = after.strip_prefix(&HEADS) {
            let from = usize::from(u16::from_le_bytes([low, high]));
            let to = self.heads.len().min(from + budget);
            for head in self.heads.get_mut(from..to).unwrap_or_default() {
                if let Some(at) = head.block.filter(|&at| arena.is_sparse(at)) {
                    head.block = Some(arena.copy(at));
                    arena.free(at);
                }
            }
            after.clear();
            if to < self.heads.len() {
                after.extend_from_slice(&HEADS);
                after.extend((to as u16).to_le_bytes());
                return false;
            }
        }
        self.tree.evacuate(arena, after, budget, |_, _| {})
    }

    /// Panics unless the lists are exactly `expected`, in order: slot and region of each record.
    pub(super) fn check(&self, arena: &Arena, owned: &mut Owned<'_>, expected: &[(Slot, u32)]) {
        let mut listed = Vec::new();
        for (slot, head) in Slot::all().zip(&self.heads) {
            let block = head.bytes(arena);
            assert!(block.len() <= HEAD_BYTES_MAX && head.block.is_some() != block.is_empty(), "a bad block");
            head.block.into_iter().for_each(|at| owned.own(at, block.len()));
            listed.extend(gaps(block, 0).map(|gap| (slot, gap.number)));
            assert!(gaps(block, 0).all(|gap| gap.number < head.above), "a number is in the wrong block");
        }
        let mut first: Option<Vec<u8>> = None;
        self.tree.check(arena, owned, |_, key, entry| {
            assert!(!entry.body.is_empty() && entry.body.len() <= BLOCK_BYTES_MAX, "a bad block");
            let slot = Slot::new(u16::from_be_bytes([key[0], key[1]]));
            if first.as_ref().is_none_or(|first| first[..SLOT_BYTES] != key[..SLOT_BYTES]) {
                assert_eq!(
                    self.heads[slot.index()].above,
                    from_of(key),
                    "a slot does not know its second block"
                );
                first = Some(key.to_vec());
            }
            listed.extend(gaps(entry.body, from_of(key)).map(|gap| (slot, gap.number)));
        });
        listed.sort_by_key(|&(slot, _)| slot);
        assert!(listed == expected, "the lists are not those of the records");
    }
}

/// Where a block is cut: at the gap next to byte `near` that leads to another number than the one before.
fn cut(block: &[u8], from: u32, near: usize) -> Gap {
    let rises = |gap: &Gap| gap.start > 0 && block[gap.start] > 0;
    let next = gaps(block, from).filter(rises).min_by_key(|gap| gap.start.abs_diff(near));
    next.expect("no region has as many records as a block has bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn blocks_are_multisets() {
        let mut rng = Rng::from_seed(3);
        for width in [2, 40, 3_000, 30_000, 3_000_000, u32::MAX as u64] {
            let from = rng.below(width) as u32;
            let (mut block, mut twin) = (Block::new(), Vec::new());
            for _ in 0..1_500 {
                let is_full = block.len() > HEAD_BYTES_MAX;
                if !twin.is_empty() && (is_full || rng.percent(40)) {
                    let number = twin.swap_remove(rng.index(twin.len()));
                    block = Edit::remove(&block, from, number).applied(&block);
                } else {
                    let number = from + rng.below(u64::from(u32::MAX - from).min(width)) as u32;
                    twin.push(number);
                    block = Edit::add(&block, from, number).applied(&block);
                }
                twin.sort_unstable();
                assert_eq!(gaps(&block, from).map(|gap| gap.number).collect::<Vec<_>>(), twin);
            }
        }
    }

    #[test]
    fn lists_in_many_blocks() {
        let (mut arena, mut workshop, mut lists) =
            (Arena::new(usize::MAX), Workshop::default(), Lists::default());
        let mut rng = Rng::from_seed(5);
        let mut twin: Vec<(Slot, u32)> = Vec::new();
        for step in 0..12_000 {
            let growing = step < 6_000;
            let slot = Slot::new(rng.below(3) as u16 * 300);
            if twin.is_empty() || rng.percent(if growing { 80 } else { 20 }) {
                let mut region = rng.below(3_000) as u32;
                if twin.iter().filter(|&&other| other == (slot, region)).count() > 10 {
                    region += 3_000;
                }
                lists.add(&mut arena, &mut workshop, slot, region);
                twin.push((slot, region));
            } else {
                let at = rng.index(twin.len());
                let (slot, region) = twin.swap_remove(at);
                if rng.percent(30) {
                    let new = rng.below(5_000) as u32;
                    lists.change(&mut arena, &mut workshop, slot, region, new);
                    twin.push((slot, new));
                } else {
                    lists.remove(&mut arena, &mut workshop, slot, region);
                }
            }
            if step % 100 == 0 {
                twin.sort_unstable();
                let mut owned = Owned::new(&arena);
                lists.check(&arena, &mut owned, &twin);
                owned.check();
                let mut regions: Vec<u32> =
                    twin.iter().filter(|(other, _)| *other == slot).map(|&(_, region)| region).collect();
                regions.dedup();
                assert_eq!(lists.regions(&arena, slot), regions);
            }
        }
    }
}
