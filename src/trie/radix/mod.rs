//! An adaptive radix tree over arena slots: path-compressed, ordered, without a box or a reference per node.
//!
//! ```text
//! node, up to 49 edges     [capacity: u8][prefix_len: u8][count: u16][term: Ref]
//!                          [prefix bytes][edge bytes, sorted; capacity][children: Ref; capacity]
//! node, more edges         the same with capacity byte 0x7F, no edge bytes, and 256 children by edge
//! leaf                     its first byte is 0x80 or more; holds the whole key (leaf.rs)
//! ```
//!
//! `term` is the leaf whose key ends after the node's prefix, so a key may be the beginning of another without a
//! terminator byte, and any bytes make a key. A leaf hangs where its key becomes unique; the rest is compared there.
//! Prefixes longer than 255 bytes are chains of nodes with a single edge each. Capacities 3, 4, 11, 17, 24, 49 fill
//! slots of 24, 32, 64, 96, 128 and 256 bytes when the prefix is empty.
//!
//! It serves field names by their bytes, and the fields of large sets. Its nodes are those of the tree of records too.

mod edit;
mod node;
mod walk;

pub(super) use node::{Draft, Node, PREFIX_MAX, push_edge, remove_child, set_term, shrink_at};

use super::arena::{Arena, Ref, raw_of, ref_at, set_u32};
use super::leaf::{self, LEAF};

/// A radix tree; its nodes and leaves live in the arena that is handed to every call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Radix {
    root: Option<Ref>,
}

/// Where a reference is stored: in a node at a byte offset, or as the root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    owner: Option<Ref>,
    offset: usize,
}

const ROOT: Link = Link { owner: None, offset: 0 };

/// A leaf that was found, and what must change if it moves or goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) leaf: Ref,
    link: Link,
    /// Where the node that owns the leaf is linked, or the first of the single-edge nodes right above it.
    above: Link,
    above_chain: Link,
}

/// Where a key that is not there would hang.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    link: Link,
    depth: usize,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// The tree is empty.
    Root,
    /// This leaf's key agrees with the searched one up to byte `common`.
    Leaf { leaf: Ref, common: usize },
    /// This node's prefix agrees with the searched key in its first `common` bytes only.
    Prefix { node: Ref, common: usize },
    /// This node has no edge for the key's next byte.
    Edge { node: Ref },
    /// This node has no term, and the key ends there.
    Term { node: Ref },
}

/// The answer to [`Radix::locate`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Spot {
    Found(Found),
    Missing(Gap),
}

impl Radix {
    /// The root, for whoever stores it elsewhere.
    pub(super) fn from_root(root: Option<Ref>) -> Radix {
        Radix { root }
    }

    pub(super) fn root(self) -> Option<Ref> {
        self.root
    }

    /// The leaf with this key.
    #[inline]
    pub(super) fn get(self, arena: &Arena, key: &[u8]) -> Option<Ref> {
        let mut at = self.root?;
        let mut rest = key;
        loop {
            let node = Node::at(arena, at);
            if node.is_leaf() {
                return (leaf::key_of(arena, at) == *key).then_some(at);
            }
            rest = rest.strip_prefix(node.prefix())?;
            at = match rest.split_first() {
                None => node.term()?,
                Some((&edge, after)) => {
                    rest = after;
                    node.child(edge)?
                }
            };
        }
    }

    /// The leaf with this key, or where it would hang.
    pub(super) fn locate(self, arena: &Arena, key: &[u8]) -> Spot {
        let (mut link, mut above, mut above_chain) = (ROOT, ROOT, ROOT);
        let mut depth = 0;
        let mut in_chain = false;
        let Some(mut at) = self.root else {
            return Spot::Missing(Gap { link, depth, place: Place::Root });
        };
        loop {
            let node = Node::at(arena, at);
            if node.is_leaf() {
                let stored = leaf::key_of(arena, at);
                if stored == *key {
                    return Spot::Found(Found { leaf: at, link, above, above_chain });
                }
                let common = depth + stored.common(key, depth);
                return Spot::Missing(Gap { link, depth, place: Place::Leaf { leaf: at, common } });
            }
            let prefix = node.prefix();
            let common = common_len(prefix, &key[depth..]);
            if common < prefix.len() {
                return Spot::Missing(Gap { link, depth, place: Place::Prefix { node: at, common } });
            }
            if !in_chain {
                above_chain = link;
            }
            in_chain = node.count() == 1 && node.term().is_none();
            above = link;
            depth += common;
            let (offset, place) = match key.get(depth) {
                None => (Node::TERM_OFFSET, Place::Term { node: at }),
                Some(&edge) => (node.child_offset(edge), Place::Edge { node: at }),
            };
            let Some(next) = node.ref_at(offset) else {
                return Spot::Missing(Gap { link, depth, place });
            };
            depth += usize::from(matches!(place, Place::Edge { .. }));
            link = Link { owner: Some(at), offset };
            at = next;
        }
    }

    /// Stores `to` where `link` says.
    fn set_link(&mut self, arena: &mut Arena, link: Link, to: Option<Ref>) {
        match link.owner {
            None => self.root = to,
            Some(owner) => set_u32(arena.tail_mut(owner), link.offset, raw_of(to)),
        }
    }

    /// What is stored where `link` says.
    fn linked(self, arena: &Arena, link: Link) -> Option<Ref> {
        match link.owner {
            None => self.root,
            Some(owner) => ref_at(arena.tail(owner), link.offset),
        }
    }
}

/// How many bytes two slices have in common at their beginning.
#[inline]
pub(super) fn common_len(a: &[u8], b: &[u8]) -> usize {
    let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
    let mut common = 0;
    for (a, b) in words {
        let differences = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differences != 0 {
            return common + differences.trailing_zeros() as usize / 8;
        }
        common += 8;
    }
    common + a[common..].iter().zip(&b[common..]).take_while(|(a, b)| a == b).count()
}

const _: () = assert!(node::DIRECT < LEAF, "a node's first byte never looks like a leaf's");
