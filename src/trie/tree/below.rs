//! The neighbour below a key.

use super::super::arena::{Arena, Ref};
use super::super::radix::Node;
use super::run::{Entry, Run};
use super::{Tree, is_run};

/// Takes the pieces of the key that is found: or nothing, for who needs only its entry.
pub(super) trait Pieces {
    fn take(&mut self, piece: &[u8]);
}

impl Pieces for Vec<u8> {
    #[inline]
    fn take(&mut self, piece: &[u8]) {
        self.extend_from_slice(piece);
    }
}

impl Pieces for () {
    #[inline(always)]
    fn take(&mut self, _: &[u8]) {}
}

impl Tree {
    /// The entry of `key`, or else the last one whose key is below.
    pub(in super::super) fn floor<'a>(self, arena: &'a Arena, key: &[u8]) -> Option<Entry<'a>> {
        self.below::<true>(arena, key, &mut ())
    }

    /// The last entry whose key is below `key`, of all if that is `None`; its key replaces the content of `out`.
    pub(in super::super) fn last_below<'a>(
        self,
        arena: &'a Arena,
        key: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Option<Entry<'a>> {
        out.clear();
        match key {
            Some(key) => self.below::<false>(arena, key, out),
            None => Some(last(arena, self.root?, out)),
        }
    }

    /// The last entry whose key is below `key`, or is it if `WITH_SAME`; `out` takes its key.
    fn below<'a, const WITH_SAME: bool>(
        self,
        arena: &'a Arena,
        key: &[u8],
        out: &mut impl Pieces,
    ) -> Option<Entry<'a>> {
        let mut at = self.root?;
        // The last node on the way with something before the edge that was taken, and the depth of that edge.
        let mut before: Option<(Ref, usize)> = None;
        let (mut depth, mut edge_depth) = (0, 0);
        loop {
            let bytes = arena.tail(at);
            if is_run(bytes) {
                let run = Run::new(bytes);
                let depth = if run.is_shared() { edge_depth } else { depth };
                match run.position::<WITH_SAME>(&key[depth..]) {
                    0 => break,
                    index => {
                        out.take(&key[..depth]);
                        return Some(entry(run, index - 1, out));
                    }
                }
            }
            let node = Node::new(bytes);
            let (prefix, rest) = (node.prefix(), &key[depth..]);
            if !rest.starts_with(prefix) {
                if prefix > rest {
                    break;
                }
                out.take(&key[..depth]);
                return Some(last(arena, at, out));
            }
            edge_depth = depth + prefix.len();
            let Some(&edge) = key.get(edge_depth) else {
                let Some(term) = node.term().filter(|_| WITH_SAME) else { break };
                out.take(key);
                return Some(last(arena, term, out));
            };
            let has_lower =
                |first: u8| if node.is_direct() { node.edge_below(edge).is_some() } else { first < edge };
            if node.term().is_some() || has_lower(node.edge_of(1)) {
                before = Some((at, edge_depth));
            }
            let Some(child) = node.child(edge) else { break };
            depth = edge_depth + 1;
            at = child;
        }
        let (node, depth) = before?;
        out.take(&key[..depth]);
        before_edge::<WITH_SAME>(arena, Node::at(arena, node), &key[depth..], out)
    }
}

/// The last entry below `rest` in what a node has before its first byte, which is an edge: that itself has none.
fn before_edge<'a, const WITH_SAME: bool>(
    arena: &'a Arena,
    node: Node<'a>,
    rest: &[u8],
    out: &mut impl Pieces,
) -> Option<Entry<'a>> {
    let mut edge = rest[0];
    while let Some(lower) = node.edge_below(edge) {
        let child = node.child(lower).expect("the edge is there");
        let bytes = arena.tail(child);
        if !is_run(bytes) || !Run::new(bytes).is_shared() {
            out.take(&[lower]);
            return Some(last(arena, child, out));
        }
        // It may reach beyond the edge.
        let run = Run::new(bytes);
        match run.position::<WITH_SAME>(rest) {
            0 => edge = lower,
            index => return Some(entry(run, index - 1, out)),
        }
    }
    Some(last(arena, node.term()?, out))
}

/// The last entry below `at`; `out` takes what leads to it.
fn last<'a>(arena: &'a Arena, mut at: Ref, out: &mut impl Pieces) -> Entry<'a> {
    loop {
        let bytes = arena.tail(at);
        if is_run(bytes) {
            let run = Run::new(bytes);
            return entry(run, run.count() - 1, out);
        }
        let node = Node::new(bytes);
        out.take(node.prefix());
        let Some(edge) = node.last_edge() else {
            at = node.term().expect("a node has a term or an edge");
            continue;
        };
        at = node.child(edge).expect("the edge is there");
        let bytes = arena.tail(at);
        if !is_run(bytes) || !Run::new(bytes).is_shared() {
            out.take(&[edge]);
        }
    }
}

/// The entry at `index`; `out` takes what its key ends with.
fn entry<'a>(run: Run<'a>, index: usize, out: &mut impl Pieces) -> Entry<'a> {
    out.take(run.prefix());
    out.take(run.suffix_at(index));
    run.entry_at(index)
}
