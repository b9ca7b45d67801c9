//! Walks in key order. A path is only a hint: whoever keeps one asks first whether the tree is still the same.

use std::cmp::Ordering;

use super::super::arena::{Arena, Owned, Ref};
use super::super::leaf;
use super::node::Node;
use super::{Radix, common_len};

/// A place between two leaves: the nodes above it, each with the position of the next child to visit.
///
/// At most as long as the longest key; never on the call stack.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Path {
    steps: Vec<(Ref, usize)>,
}

impl Path {
    /// Moves to right before the first leaf whose key is at least `key`, or above it if `after`.
    pub(in super::super) fn seek(&mut self, tree: Radix, arena: &Arena, key: &[u8], after: bool) {
        self.steps.clear();
        let Some(mut at) = tree.root else { return };
        let mut depth = 0;
        loop {
            let node = Node::at(arena, at);
            if node.is_leaf() {
                let order = compare(arena, at, key, depth);
                if order == Ordering::Greater || (order == Ordering::Equal && !after) {
                    self.steps.push((at, 0));
                }
                return;
            }
            let (prefix, rest) = (node.prefix(), &key[depth..]);
            let common = common_len(prefix, rest);
            if common < prefix.len() {
                if rest.get(common).is_none_or(|&byte| byte < prefix[common]) {
                    self.steps.push((at, 0));
                }
                return;
            }
            depth += common;
            let Some(&edge) = key.get(depth) else {
                self.steps.push((at, usize::from(after)));
                return;
            };
            let position = node.position(edge);
            let child = node.child(edge);
            self.steps.push((at, position + usize::from(child.is_some())));
            match child {
                None => return,
                Some(child) => at = child,
            }
            depth += 1;
        }
    }

    /// Moves over the next leaf and returns it.
    pub(in super::super) fn next(&mut self, arena: &Arena) -> Option<Ref> {
        while let Some(step) = self.steps.last_mut() {
            let node = Node::at(arena, step.0);
            if node.is_leaf() {
                let leaf = step.0;
                self.steps.pop();
                return Some(leaf);
            }
            match node.next_child(step.1) {
                None => {
                    self.steps.pop();
                }
                Some((position, child)) => {
                    step.1 = position + 1;
                    self.steps.push((child, 0));
                }
            }
        }
        None
    }
}

/// The last leaf whose key is below `key`; of all if that is `None`.
pub(in super::super) fn last_below(tree: Radix, arena: &Arena, key: Option<&[u8]>) -> Option<Ref> {
    let mut at = tree.root?;
    let Some(key) = key else { return Some(last_leaf(arena, at)) };
    // The subtree right before the path.
    let mut before: Option<Ref> = None;
    let mut depth = 0;
    loop {
        let node = Node::at(arena, at);
        if node.is_leaf() {
            if compare(arena, at, key, depth) == Ordering::Less {
                return Some(at);
            }
            break;
        }
        let (prefix, rest) = (node.prefix(), &key[depth..]);
        let common = common_len(prefix, rest);
        if common < prefix.len() {
            if rest.get(common).is_some_and(|&byte| byte > prefix[common]) {
                before = Some(at);
            }
            break;
        }
        depth += common;
        let Some(&edge) = key.get(depth) else { break };
        before = node.previous_child(node.position(edge)).or(before);
        match node.child(edge) {
            None => break,
            Some(child) => at = child,
        }
        depth += 1;
    }
    before.map(|at| last_leaf(arena, at))
}

/// The last leaf below `at`.
fn last_leaf(arena: &Arena, mut at: Ref) -> Ref {
    loop {
        let node = Node::at(arena, at);
        if node.is_leaf() {
            return at;
        }
        at = node.last_child().expect("a node has children");
    }
}

/// How the leaf's key stands to `key`, when both are known to agree in the first `depth` bytes.
fn compare(arena: &Arena, leaf: Ref, key: &[u8], depth: usize) -> Ordering {
    let mine = leaf::key_of(arena, leaf);
    let common = depth + mine.common(key, depth);
    // A key that ends (`None`) comes before one that goes on.
    mine.byte(common).cmp(&key.get(common).copied())
}

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
