//! Changes of the tree: hanging a leaf, taking one out, and keeping nodes as small as they can be.

use super::super::arena::{Arena, Ref};
use super::super::leaf;
use super::node::{self, Draft, Node, PREFIX_MAX};
use super::{Found, Gap, Link, Place, Radix};

impl Radix {
    /// Hangs `leaf`, whose key is `key`, where [`Radix::locate`] found nothing. Between the two calls the arena may
    /// have changed, but not this tree.
    pub(in super::super) fn attach(&mut self, arena: &mut Arena, gap: Gap, key: &[u8], leaf: Ref) {
        let Gap { link, depth, place } = gap;
        match place {
            Place::Root => self.root = Some(leaf),
            Place::Term { node } => node::set_term(arena, node, Some(leaf)),
            Place::Edge { node } => {
                if !node::push_edge(arena, node, key[depth], leaf) {
                    let mut draft = Draft::take(arena, node);
                    draft.insert(key[depth], leaf);
                    let moved = draft.store(arena);
                    self.set_link(arena, link, Some(moved));
                }
            }
            Place::Leaf { leaf: other, common } => {
                let mut fork = Draft::new(&[]);
                match leaf::key_of(arena, other).byte(common) {
                    None => fork.term = Some(other),
                    Some(edge) => fork.insert(edge, other),
                }
                hang(&mut fork, key, common, leaf);
                let fork = store_below(arena, &key[depth..common], fork);
                self.set_link(arena, link, Some(fork));
            }
            Place::Prefix { node, common } => {
                let mut lower = Draft::take(arena, node);
                let mut fork = Draft::new(&lower.prefix[..common]);
                let edge = lower.prefix[common];
                lower.prefix.drain(..=common);
                let lower = lower.store(arena);
                fork.insert(edge, lower);
                hang(&mut fork, key, depth + common, leaf);
                let fork = fork.store(arena);
                self.set_link(arena, link, Some(fork));
            }
        }
    }

    /// Takes out the leaf that was found; its slot stays the caller's.
    pub(in super::super) fn detach(&mut self, arena: &mut Arena, found: Found) {
        assert_eq!(
            self.linked(arena, found.link),
            Some(found.leaf),
            "the tree changed since the leaf was found"
        );
        let Some(owner) = found.link.owner else {
            self.root = None;
            return;
        };
        if found.link.offset == Node::TERM_OFFSET {
            node::set_term(arena, owner, None);
        } else {
            node::remove_child(arena, owner, found.link.offset);
        }
        self.tidy(arena, found, owner);
    }

    /// Restores, after `owner` lost a child: no node without a choice, and none much too large.
    fn tidy(&mut self, arena: &mut Arena, found: Found, owner: Ref) {
        let node = Node::at(arena, owner);
        match (node.count(), node.term()) {
            (0, term) => {
                let term = term.expect("a node loses its last child only if a term is left");
                self.collapse(arena, found.above_chain, owner, term);
            }
            (1, None) => {
                let (_, child) = node.next_child(1).expect("the count says that one is left");
                if Node::at(arena, child).is_leaf() {
                    self.collapse(arena, found.above_chain, owner, child);
                } else {
                    self.join(arena, found.above, owner, child);
                }
            }
            (count, _) => {
                if node::shrink_at(node).is_some_and(|most| count <= most) {
                    let moved = Draft::take(arena, owner).store(arena);
                    self.set_link(arena, found.above, Some(moved));
                }
            }
        }
    }

    /// Hangs `leaf` in the place of `owner` and of the single-edge nodes that lead to it from `top` on.
    fn collapse(&mut self, arena: &mut Arena, top: Link, owner: Ref, leaf: Ref) {
        let mut at = self.linked(arena, top).expect("the link leads to the owner");
        while at != owner {
            let (_, next) = Node::at(arena, at).next_child(1).expect("a chain's node has one edge");
            arena.free(at);
            at = next;
        }
        arena.free(owner);
        self.set_link(arena, top, Some(leaf));
    }

    /// Makes one node of `owner` and its only child, if one prefix can hold both.
    fn join(&mut self, arena: &mut Arena, above: Link, owner: Ref, child: Ref) {
        let joined = Node::at(arena, owner).prefix().len() + 1 + Node::at(arena, child).prefix().len();
        if joined > PREFIX_MAX {
            return;
        }
        let mut upper = Draft::take(arena, owner);
        let mut lower = Draft::take(arena, child);
        upper.prefix.push(upper.children[0].0);
        upper.prefix.try_extend_from_slice(&lower.prefix).expect("joined is at most what a prefix holds");
        lower.prefix = upper.prefix;
        let node = lower.store(arena);
        self.set_link(arena, above, Some(node));
    }

    /// Frees all nodes; each leaf is handed to `visit`, which frees it.
    pub(in super::super) fn clear(&mut self, arena: &mut Arena, mut visit: impl FnMut(&mut Arena, Ref)) {
        let mut open: Vec<Ref> = self.root.take().into_iter().collect();
        while let Some(at) = open.pop() {
            if Node::at(arena, at).is_leaf() {
                visit(arena, at);
            } else {
                let draft = Draft::take(arena, at);
                open.extend(draft.term);
                open.extend(draft.children.iter().map(|&(_, child)| child));
            }
        }
    }
}

/// Hangs `leaf` in `fork`, which `key` reaches at byte `depth`.
fn hang(fork: &mut Draft, key: &[u8], depth: usize, leaf: Ref) {
    match key.get(depth) {
        None => fork.term = Some(leaf),
        Some(&edge) => fork.insert(edge, leaf),
    }
}

/// Stores `fork` below `prefix`, with single-edge nodes above it if one prefix cannot hold all of it.
fn store_below(arena: &mut Arena, prefix: &[u8], mut fork: Draft) -> Ref {
    let linked = prefix.len() / (PREFIX_MAX + 1);
    let (chain, own) = prefix.split_at(linked * (PREFIX_MAX + 1));
    fork.prefix = own.try_into().expect("the remainder is at most what a prefix holds");
    chain.rchunks(PREFIX_MAX + 1).fold(fork.store(arena), |below, piece| {
        let (&edge, prefix) = piece.split_last().expect("chunks are not empty");
        let mut link = Draft::new(prefix);
        link.insert(edge, below);
        link.store(arena)
    })
}
