//! The neighbour below a key, for who needs only its entry.

use super::super::arena::{Arena, Ref};
use super::super::radix::Node;
use super::run::{Entry, Run};
use super::{Tree, is_run};

impl Tree {
    /// The entry of `key`, or else the last one whose key is below.
    pub(in super::super) fn floor<'a>(self, arena: &'a Arena, key: &[u8]) -> Option<Entry<'a>> {
        let mut at = self.root?;
        // The last node on the way with something before the edge that was taken.
        let mut before: Option<(Ref, usize)> = None;
        let (mut depth, mut edge_depth) = (0, 0);
        loop {
            let bytes = arena.tail(at);
            if is_run(bytes) {
                let run = Run::new(bytes);
                match run.position_above(&key[if run.is_shared() { edge_depth } else { depth }..]) {
                    0 => break,
                    index => return Some(run.entry_at(index - 1)),
                }
            }
            let node = Node::new(bytes);
            let (prefix, rest) = (node.prefix(), &key[depth..]);
            if !rest.starts_with(prefix) {
                if prefix < rest {
                    return Some(last(arena, at));
                }
                break;
            }
            edge_depth = depth + prefix.len();
            let Some(&edge) = key.get(edge_depth) else {
                match node.term() {
                    Some(term) => return Some(last(arena, term)),
                    None => break,
                }
            };
            let child = node.child(edge);
            let has_lower =
                |first: u8| if node.is_direct() { node.edge_below(edge).is_some() } else { first < edge };
            if node.term().is_some() || has_lower(node.edge_of(1)) {
                before = Some((at, edge_depth));
            }
            let Some(child) = child else { break };
            depth = edge_depth + 1;
            at = child;
        }
        let (at, depth) = before?;
        let node = Node::at(arena, at);
        let mut edge = key[depth];
        while let Some(below) = node.edge_below(edge) {
            let child = node.child(below).expect("the edge is there");
            let bytes = arena.tail(child);
            if !is_run(bytes) || !Run::new(bytes).is_shared() {
                return Some(last(arena, child));
            }
            // It may reach beyond the edge.
            let run = Run::new(bytes);
            match run.position_above(&key[depth..]) {
                0 => edge = below,
                index => return Some(run.entry_at(index - 1)),
            }
        }
        Some(last(arena, node.term()?))
    }
}

/// The last entry below `at`.
fn last(arena: &Arena, mut at: Ref) -> Entry<'_> {
    loop {
        let bytes = arena.tail(at);
        if is_run(bytes) {
            let run = Run::new(bytes);
            return run.entry_at(run.count() - 1);
        }
        let node = Node::new(bytes);
        at = match node.last_edge() {
            Some(edge) => node.child(edge).expect("the edge is there"),
            None => node.term().expect("a node has a term or an edge"),
        };
    }
}
