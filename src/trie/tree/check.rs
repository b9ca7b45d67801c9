//! The whole tree, compared with itself.

use super::super::arena::{Arena, Owned, Ref};
use super::super::radix::Node;
use super::run::{self, Entry, Run};
use super::{Tree, is_run};

impl Tree {
    /// Panics unless every node and run is well-formed and in its place; notes all of them in `owned` and hands each
    /// key with its entry to `visit`, in order.
    pub(in super::super) fn check(
        self,
        arena: &Arena,
        owned: &mut Owned<'_>,
        mut visit: impl FnMut(&mut Owned<'_>, &[u8], Entry<'_>),
    ) {
        let mut key: Vec<u8> = Vec::new();
        // What is below these, whether an edge may lead there, and the bytes of the key above.
        let mut open: Vec<(Ref, usize, usize, Option<Ref>)> = Vec::new();
        open.extend(self.root.map(|root| (root, 0, 0, None)));
        let mut previous: Option<Vec<u8>> = None;
        while let Some((at, position, depth, last)) = open.pop() {
            key.truncate(depth);
            let bytes = arena.tail(at);
            if is_run(bytes) {
                let run = Run::new(bytes);
                owned.own(at, run.len());
                run::check(run);
                for (suffix, entry) in run.entries() {
                    let whole = [&key[..], run.prefix(), suffix].concat();
                    assert!(previous.is_none_or(|previous| previous < whole), "keys are out of order");
                    visit(owned, &whole, entry);
                    previous = Some(whole);
                }
                continue;
            }
            let node = Node::new(bytes);
            if position == 0 {
                owned.own(at, node.bytes_used());
                check_node(arena, node);
            }
            key.extend_from_slice(node.prefix());
            let Some((found, child)) = node.next_child(position) else { continue };
            open.push((at, found + 1, depth, Some(child)));
            if last == Some(child) {
                continue;
            }
            let bytes = arena.tail(child);
            if found > 0 && !(is_run(bytes) && Run::new(bytes).is_shared()) {
                key.push(node.edge_of(found));
            }
            open.push((child, 0, key.len(), None));
        }
    }
}

/// Panics unless the node's edges rise, its count is true, and shared runs have exactly the edges that lead to them.
fn check_node(arena: &Arena, node: Node<'_>) {
    let children: Vec<(usize, Ref)> =
        std::iter::successors(node.next_child(1), |(found, _)| node.next_child(found + 1)).collect();
    assert_eq!(children.len(), node.count(), "a node's count is not that of its children");
    let edges: Vec<u8> = children.iter().map(|&(found, _)| node.edge_of(found)).collect();
    assert!(edges.windows(2).all(|pair| pair[0] < pair[1]), "edges are out of order");
    if let Some(term) = node.term() {
        let run = Run::at(arena, term);
        assert_eq!((run.count(), run.len() > 0), (1, true), "a term is a run of one key");
        assert!(run.prefix().is_empty() && run.suffix_at(0).is_empty(), "a term's key ends with its node");
    }
    for &(_, child) in &children {
        let same: Vec<u8> = children
            .iter()
            .zip(&edges)
            .filter(|((_, other), _)| *other == child)
            .map(|(_, &edge)| edge)
            .collect();
        let bytes = arena.tail(child);
        let shared = is_run(bytes) && Run::new(bytes).is_shared();
        assert!(shared || same.len() == 1, "several edges lead to what is not shared");
        if shared {
            let run = Run::new(bytes);
            let first = |(suffix, _): (&[u8], _)| *run.prefix().first().unwrap_or_else(|| &suffix[0]);
            let mut firsts: Vec<u8> = run.entries().map(first).collect();
            firsts.dedup();
            assert_eq!(firsts, same, "a shared run has other edges than its keys");
            let start = edges.iter().position(|&edge| edge == same[0]).expect("it is one of them");
            assert_eq!(
                &edges[start..start + same.len()],
                &same[..],
                "a shared run's edges are no neighbours"
            );
        }
    }
    assert!(node.count() > 0, "a node has no edge");
}
