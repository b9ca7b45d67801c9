//! Walks over all of a tree.

use super::super::arena::{Arena, Owned, Ref};
use super::super::leaf;
use super::Radix;
use super::node::Node;

impl Radix {
    /// Bytes of the slots of all nodes and leaves.
    pub(in super::super) fn slot_bytes(self, arena: &Arena) -> usize {
        let mut open: Vec<Ref> = self.root.into_iter().collect();
        let mut total = 0;
        while let Some(at) = open.pop() {
            total += arena.slot_bytes(at);
            let node = Node::at(arena, at);
            let mut position = 0;
            while !node.is_leaf()
                && let Some((found, child)) = node.next_child(position)
            {
                open.push(child);
                position = found + 1;
            }
        }
        total
    }

    /// Panics unless every node is well-formed and every leaf hangs where its key says; notes all nodes in `owned`
    /// and hands each leaf to `visit`, in order.
    pub(in super::super) fn check(
        self,
        arena: &Arena,
        owned: &mut Owned<'_>,
        mut visit: impl FnMut(&mut Owned<'_>, Ref),
    ) {
        let mut key: Vec<u8> = Vec::new();
        let mut open: Vec<(Ref, usize, usize)> = Vec::new();
        let mut previous: Option<Vec<u8>> = None;
        open.extend(self.root.map(|root| (root, 0, 0)));
        while let Some((at, position, depth)) = open.pop() {
            let node = Node::at(arena, at);
            if node.is_leaf() {
                let whole = leaf::key_of(arena, at).to_vec();
                assert!(whole.starts_with(&key[..depth]), "a leaf hangs on a path that is not its own");
                assert!(previous.is_none_or(|previous| previous < whole), "leaves are out of order");
                previous = Some(whole);
                visit(owned, at);
                continue;
            }
            if position == 0 {
                key.truncate(depth);
                key.extend_from_slice(node.prefix());
                owned.own(at, node.bytes_used());
                check_node(arena, node);
            }
            let depth_inside = depth + node.prefix().len();
            let Some((found, child)) = node.next_child(position) else { continue };
            open.push((at, found + 1, depth));
            key.truncate(depth_inside);
            if found == 0 {
                assert_eq!(leaf::key_of(arena, child).to_vec(), key, "a term is not the key of its path");
            } else {
                key.push(if node.is_direct() { (found - 1) as u8 } else { node.edges()[found - 1] });
            }
            open.push((child, 0, key.len()));
        }
    }
}

/// Panics unless the node's edges rise, its count is true, and it offers a choice.
fn check_node(arena: &Arena, node: Node<'_>) {
    let children = std::iter::successors(node.next_child(1), |(found, _)| node.next_child(found + 1)).count();
    assert_eq!(children, node.count(), "a node's count is not that of its children");
    if !node.is_direct() {
        assert!(node.edges().windows(2).all(|pair| pair[0] < pair[1]), "edges are out of order");
    }
    let term = node.term();
    assert!(term.is_none_or(|term| Node::at(arena, term).is_leaf()), "a term is no leaf");
    match (node.count(), term) {
        (0, _) => panic!("a node has no edge"),
        (1, None) => {
            let (_, child) = node.next_child(1).expect("its count is 1");
            assert!(!Node::at(arena, child).is_leaf(), "a node leads to a single leaf");
        }
        _ => {}
    }
}
