//! One node: reading it in place, and rebuilding it through a draft.

use arrayvec::ArrayVec;

use super::super::arena::{Arena, Ref, Tail, raw_of, ref_at, set_u32};
use super::super::leaf::LEAF;
use super::super::tree::matches;
use super::super::words::{continues, word};

/// Edges a node has room for, each filling a slot class; more than the last: [`DIRECT`].
const CAPACITIES: [u8; 6] = [3, 4, 11, 17, 24, 49];
/// First byte of a node with a child slot for each of the 256 edges.
pub(super) const DIRECT: u8 = 0x7F;
/// Longest prefix of one node.
pub(in super::super) const PREFIX_MAX: usize = 255;

const HEAD_BYTES: usize = 8;
const PREFIX_LEN_OFFSET: usize = 1;
const COUNT_OFFSET: usize = 2;

/// A node or leaf, to read.
#[derive(Clone, Copy)]
pub(in super::super) struct Node<'a> {
    bytes: &'a Tail,
    /// Its first eight bytes.
    head: u64,
}

impl<'a> Node<'a> {
    /// Where the term's reference is.
    pub(in super::super) const TERM_OFFSET: usize = 4;
    /// Stands for an edge that is not there.
    const NOWHERE: usize = usize::MAX;

    #[inline]
    pub(in super::super) fn at(arena: &'a Arena, at: Ref) -> Node<'a> {
        Node::new(arena.tail(at))
    }

    /// The node that begins `bytes`.
    #[inline(always)]
    pub(in super::super) fn new(bytes: &'a Tail) -> Node<'a> {
        Node { bytes, head: word(bytes, 0) }
    }

    /// Where the references of the children end.
    pub(in super::super) fn children_end(self) -> usize {
        self.index_offset(if self.is_direct() { 256 } else { self.count() })
    }

    /// The edge of the child at this position, see [`Node::next_child`].
    #[inline]
    pub(in super::super) fn edge_of(self, position: usize) -> u8 {
        if self.is_direct() { (position - 1) as u8 } else { self.edges()[position - 1] }
    }

    /// The largest edge below `edge`.
    pub(in super::super) fn edge_below(self, edge: u8) -> Option<u8> {
        if self.is_direct() {
            return (0..edge).rev().find(|&other| self.child(other).is_some());
        }
        self.edges().iter().rev().copied().find(|&other| other < edge)
    }

    /// The smallest edge above `edge`.
    pub(in super::super) fn edge_above(self, edge: u8) -> Option<u8> {
        if self.is_direct() {
            return (edge..=255).skip(1).find(|&other| self.child(other).is_some());
        }
        self.edges().iter().copied().find(|&other| other > edge)
    }

    /// The largest edge.
    pub(in super::super) fn last_edge(self) -> Option<u8> {
        if self.is_direct() {
            return (0..=255).rev().find(|&other| self.child(other).is_some());
        }
        self.edges().last().copied()
    }

    /// The child to which all edges lead, if it is one.
    pub(in super::super) fn only_child(self) -> Option<Ref> {
        let (mut position, mut only) = (1, None);
        while let Some((found, child)) = self.next_child(position) {
            if only.is_some_and(|only| only != child) {
                return None;
            }
            only = Some(child);
            position = found + 1;
        }
        only
    }

    #[inline]
    pub(super) fn is_leaf(self) -> bool {
        self.head as u8 & LEAF != 0
    }

    #[inline]
    fn capacity(self) -> usize {
        (self.head & 0xFF) as usize
    }

    #[inline]
    pub(in super::super) fn is_direct(self) -> bool {
        self.head as u8 == DIRECT
    }

    #[inline]
    pub(in super::super) fn prefix_len(self) -> usize {
        (self.head >> (8 * PREFIX_LEN_OFFSET) & 0xFF) as usize
    }

    #[inline]
    pub(in super::super) fn prefix(self) -> &'a [u8] {
        &self.bytes[HEAD_BYTES..HEAD_BYTES + self.prefix_len()]
    }

    /// What begins with the prefix, and how long that is.
    #[inline(always)]
    pub(in super::super) fn prefix_and_more(self) -> (&'a [u8], usize) {
        (&self.bytes[HEAD_BYTES..], self.prefix_len())
    }

    #[inline]
    pub(in super::super) fn count(self) -> usize {
        (self.head >> (8 * COUNT_OFFSET) & 0xFFFF) as usize
    }

    #[inline]
    pub(in super::super) fn term(self) -> Option<Ref> {
        Ref::from_raw((self.head >> (8 * Node::TERM_OFFSET)) as u32)
    }

    /// Whether `key`, of which `depth` bytes lead to the node, continues with its prefix.
    #[inline(always)]
    pub(in super::super) fn leads_to(self, key: &[u8], depth: usize) -> bool {
        continues(key, depth, &self.bytes[HEAD_BYTES..], self.prefix_len())
    }

    /// Whether it leads on to `key`, of which `depth` bytes lead to it: how many do with its prefix, and to what.
    #[inline(always)]
    pub(in super::super) fn towards(self, key: &[u8], depth: usize) -> Option<(usize, Ref)> {
        // Where most nodes have no prefix, the processor looks for the edge before it knows the head.
        let (start, depth) = match self.prefix_len() {
            0 => (HEAD_BYTES, depth),
            _ if !self.leads_to(key, depth) => return None,
            len => (HEAD_BYTES + len, depth + len),
        };
        let next = match key.get(depth) {
            None => self.term(),
            Some(&edge) => self.child_behind(start, edge),
        };
        Some((depth, next?))
    }

    /// The edges in order; a [`DIRECT`] node has none stored.
    #[inline]
    pub(super) fn edges(self) -> &'a [u8] {
        debug_assert!(!self.is_direct());
        let start = HEAD_BYTES + self.prefix_len();
        &self.bytes[start..start + self.count()]
    }

    #[inline]
    pub(in super::super) fn ref_at(self, offset: usize) -> Option<Ref> {
        if offset == Node::NOWHERE { None } else { ref_at(self.bytes, offset) }
    }

    /// Where the reference of the child at `index` is: of the edges in order, or by the edge in a [`DIRECT`] node.
    #[inline]
    pub(in super::super) fn index_offset(self, index: usize) -> usize {
        let edge_bytes = if self.is_direct() { 0 } else { self.capacity() };
        HEAD_BYTES + self.prefix_len() + edge_bytes + 4 * index
    }

    /// Where the reference of the child behind `edge` is.
    #[inline(always)]
    pub(in super::super) fn child_offset(self, edge: u8) -> usize {
        if self.is_direct() {
            return self.index_offset(edge as usize);
        }
        match find(self.bytes, HEAD_BYTES + self.prefix_len(), self.count(), edge) {
            Some(index) => self.index_offset(index),
            None => Node::NOWHERE,
        }
    }

    #[inline(always)]
    pub(in super::super) fn child(self, edge: u8) -> Option<Ref> {
        self.child_behind(HEAD_BYTES + self.prefix_len(), edge)
    }

    /// The same, with the place where the prefix ends.
    #[inline(always)]
    fn child_behind(self, start: usize, edge: u8) -> Option<Ref> {
        if self.is_direct() {
            return ref_at(self.bytes, start + 4 * edge as usize);
        }
        let index = find(self.bytes, start, self.count(), edge)?;
        ref_at(self.bytes, start + self.capacity() + 4 * index)
    }

    /// The first child at position `from` or later, with its position: 0 is the term, then by index, see
    /// [`Node::index_offset`].
    pub(in super::super) fn next_child(self, from: usize) -> Option<(usize, Ref)> {
        if from == 0
            && let Some(term) = self.term()
        {
            return Some((0, term));
        }
        let from = from.max(1);
        if !self.is_direct() {
            let child = if from <= self.count() { self.ref_at(self.index_offset(from - 1)) } else { None };
            return child.map(|child| (from, child));
        }
        (from..=256).find_map(|at| Some((at, self.ref_at(self.index_offset(at - 1))?)))
    }

    /// The first child at position `from` or later that is another than `last`, with its position.
    #[inline]
    pub(in super::super) fn next_child_but(self, from: usize, last: Option<Ref>) -> Option<(usize, Ref)> {
        if from == 0 {
            return self.next_child(0);
        }
        let (start, count) = (self.index_offset(0), if self.is_direct() { 256 } else { self.count() });
        let children = self.bytes[start..start + 4 * count].as_chunks().0.get(from - 1..)?;
        let other =
            |raw: &[u8; 4]| Ref::from_raw(u32::from_le_bytes(*raw)).filter(|&child| Some(child) != last);
        children.iter().zip(from..).find_map(|(raw, position)| Some((position, other(raw)?)))
    }

    /// The position behind `edge` and what it leads to; if it leads nowhere, the position of the first edge above.
    #[inline]
    pub(in super::super) fn position_of(self, edge: u8) -> (usize, Option<Ref>) {
        let offset = self.child_offset(edge);
        match self.ref_at(offset) {
            Some(child) => ((offset - self.index_offset(0)) / 4 + 2, Some(child)),
            None => (self.position(edge), None),
        }
    }

    /// The position right before the first edge that is not below `edge`.
    pub(in super::super) fn position(self, edge: u8) -> usize {
        if self.is_direct() {
            1 + edge as usize
        } else {
            1 + self.edges().partition_point(|&other| other < edge)
        }
    }

    /// Bytes that the node needs of its slot.
    pub(in super::super) fn bytes_used(self) -> usize {
        self.index_offset(if self.is_direct() { 256 } else { self.capacity() })
    }
}

/// The index of `edge` among the `count` bytes from `start` on.
#[inline(always)]
fn find(bytes: &Tail, start: usize, count: usize, edge: u8) -> Option<usize> {
    let mask = matches(bytes, start, count, edge);
    (mask != 0).then(|| mask.trailing_zeros() as usize)
}

const _: () = assert!(CAPACITIES[CAPACITIES.len() - 1] <= 64, "one mask has all edges");

/// Puts an edge into the node at `at` if it has room for it, in place. The edge must be new.
pub(in super::super) fn push_edge(arena: &mut Arena, at: Ref, edge: u8, child: Ref) -> bool {
    let node = Node::at(arena, at);
    let (count, index) = (node.count(), node.position(edge) - 1);
    let (start, first_child) = (HEAD_BYTES + node.prefix_len(), node.index_offset(0));
    let direct = node.is_direct();
    if !direct && count == node.capacity() {
        return false;
    }
    let bytes = arena.tail_mut(at);
    if !direct {
        bytes.copy_within(start + index..start + count, start + index + 1);
        bytes[start + index] = edge;
        bytes.copy_within(first_child + 4 * index..first_child + 4 * count, first_child + 4 * (index + 1));
    }
    set_u32(bytes, first_child + 4 * index, child.raw());
    set_count(bytes, count + 1);
    true
}

/// Takes the child whose reference is at `offset` out of the node at `at`, in place.
pub(in super::super) fn remove_child(arena: &mut Arena, at: Ref, offset: usize) {
    let node = Node::at(arena, at);
    let (count, direct) = (node.count(), node.is_direct());
    let (start, first_child) = (HEAD_BYTES + node.prefix_len(), node.index_offset(0));
    let index = (offset - first_child) / 4;
    let bytes = arena.tail_mut(at);
    if direct {
        set_u32(bytes, offset, 0);
    } else {
        assert!(index < count, "a child that is removed is there");
        bytes.copy_within(start + index + 1..start + count, start + index);
        bytes.copy_within(offset + 4..first_child + 4 * count, offset);
    }
    set_count(bytes, count - 1);
}

/// Sets or clears the term of the node at `at`, in place.
pub(in super::super) fn set_term(arena: &mut Arena, at: Ref, term: Option<Ref>) {
    set_u32(arena.tail_mut(at), Node::TERM_OFFSET, raw_of(term));
}

fn set_count(bytes: &mut [u8], count: usize) {
    bytes[COUNT_OFFSET..COUNT_OFFSET + 2].copy_from_slice(&(count as u16).to_le_bytes());
}

/// The most edges at which a node of the next smaller capacity is worth moving to; `None` if there is none.
pub(in super::super) fn shrink_at(node: Node<'_>) -> Option<usize> {
    let smaller = match CAPACITIES.iter().position(|&capacity| capacity as usize >= node.capacity()) {
        _ if node.is_direct() => CAPACITIES.len(),
        Some(index) => index,
        None => unreachable!("a node's capacity is one of the list"),
    };
    smaller.checked_sub(1).map(|index| CAPACITIES[index] as usize * 3 / 4)
}

/// A node taken out of the arena, to be changed and stored anew.
pub(in super::super) struct Draft {
    pub(in super::super) prefix: ArrayVec<u8, PREFIX_MAX>,
    pub(in super::super) term: Option<Ref>,
    /// In order of their edges.
    pub(in super::super) children: ArrayVec<(u8, Ref), 256>,
}

impl Draft {
    /// A node without children.
    pub(in super::super) fn new(prefix: &[u8]) -> Draft {
        let prefix = prefix.try_into().expect("who builds nodes cuts prefixes");
        Draft { prefix, term: None, children: ArrayVec::new() }
    }

    /// The node at `at`, whose slot is given back.
    pub(in super::super) fn take(arena: &mut Arena, at: Ref) -> Draft {
        let node = Node::at(arena, at);
        let mut draft = Draft::new(node.prefix());
        draft.term = node.term();
        let mut position = 1;
        while let Some((found, child)) = node.next_child(position) {
            let edge = if node.is_direct() { (found - 1) as u8 } else { node.edges()[found - 1] };
            draft.children.push((edge, child));
            position = found + 1;
        }
        arena.free(at);
        draft
    }

    /// Puts a new edge where it belongs.
    pub(in super::super) fn insert(&mut self, edge: u8, child: Ref) {
        let index = self.children.partition_point(|&(other, _)| other < edge);
        self.children.insert(index, (edge, child));
    }

    /// Stores the node in the smallest slot that fits.
    pub(in super::super) fn store(&self, arena: &mut Arena) -> Ref {
        let count = self.children.len();
        let capacity = CAPACITIES.into_iter().find(|&capacity| capacity as usize >= count).unwrap_or(DIRECT);
        let (edge_bytes, children) =
            if capacity == DIRECT { (0, 256) } else { (capacity as usize, capacity as usize) };
        let start = HEAD_BYTES + self.prefix.len();
        let first_child = start + edge_bytes;
        let at = arena.alloc(first_child + 4 * children);
        let bytes = &mut arena.tail_mut(at)[..first_child + 4 * children];
        bytes[0] = capacity;
        bytes[PREFIX_LEN_OFFSET] = self.prefix.len() as u8;
        set_count(bytes, count);
        set_u32(bytes, Node::TERM_OFFSET, raw_of(self.term));
        bytes[HEAD_BYTES..start].copy_from_slice(&self.prefix);
        if capacity == DIRECT {
            bytes[first_child..].fill(0);
        }
        for (index, &(edge, child)) in self.children.iter().enumerate() {
            let index = if capacity == DIRECT {
                edge as usize
            } else {
                bytes[start + index] = edge;
                index
            };
            set_u32(bytes, first_child + 4 * index, child.raw());
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::{Tail, find};

    #[test]
    fn find_is_a_loop_over_the_edges() {
        let mut edges = Box::new([0; size_of::<Tail>()]);
        for count in [1, 3, 4, 7, 8, 9, 11, 16, 17, 24, 49] {
            for (index, edge) in edges[..80].iter_mut().enumerate() {
                // Rising, with neighbours that differ in one bit, and what follows the edges looks like edges.
                *edge = (index * 3 + count) as u8 | 1;
            }
            for edge in 0..=255 {
                let slow = edges[..count].iter().position(|&other| other == edge);
                assert_eq!(find(&edges, 0, count, edge), slow, "{edge} among {count}");
            }
        }
    }
}
