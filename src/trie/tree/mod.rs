//! The tree of records: adaptive nodes on top, packed runs at the bottom.
//!
//! ```text
//! node      as in ../radix/: [capacity][prefix_len][count: u16][term: Ref] [prefix] [edges] [children: Ref]
//! run       a small subtrie in one slot, see run.rs
//! ```
//! A key's bytes are those of the nodes' prefixes and edges on the way to its run, the run's prefix, and its suffix.
//! `term` leads to a run of one entry whose key ends with its node's prefix. Neighbouring edges may lead to the same
//! *shared* run, whose suffixes begin with the edge: so a node with many thin branches has few runs.
//!
//! ```text
//! grows     a run with too many entries or bytes bursts at the first byte in which its keys differ: a node, and a run
//!           for each edge, or for several small neighbours together
//! shrinks   an empty run goes; a node whose subtrie fits half a run becomes one again
//! ```
//! The tree maps keys to entries: a tag and a body of at most 255 bytes.

mod below;
mod buffer;
mod check;
mod evacuate;
mod grow;
mod many;
mod patch;
mod run;
mod search;
mod shrink;
mod splice;
mod stage;
mod unlink;
mod walk;

pub(super) use run::{Entry, PART_BYTES_MAX, Run};
pub(super) use search::{matches, prefetch};
pub(super) use stage::RunLimits;
pub(super) use stage::Workshop;
pub(super) use unlink::Dismantling;
pub(super) use walk::Path;

use super::arena::{Arena, Ref, raw_of, ref_at, set_u32};
use super::radix::Node;
use super::radix::common_len;
use run::{RUN, RUN_LINES};
use search::prefetch_lines;

/// A tree; its nodes and runs live in the arena that is handed to every call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tree {
    root: Option<Ref>,
}

/// A step from a node down.
#[derive(Clone, Copy, Debug)]
struct Step {
    node: Ref,
    /// Where in the node the reference is.
    offset: usize,
}

/// An entry that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    run: Ref,
    index: usize,
    /// Bytes of the key above the run.
    depth: usize,
}

impl Found {
    /// Another entry of the same run.
    pub(super) fn at(self, index: usize) -> Found {
        Found { index, ..self }
    }
}

/// Where a key that is not there would go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Gap {
    /// The tree is empty.
    Root,
    /// Into this run, reached after `depth` bytes.
    Run { run: Ref, depth: usize },
    /// Above this node, whose prefix agrees in its first `common` bytes only.
    Prefix { node: Ref, depth: usize, common: usize },
    /// To this node as another edge; `depth` bytes lead to the edge.
    Edge { node: Ref, depth: usize },
    /// To this node as its term.
    Term { node: Ref },
}

/// The answer to [`Tree::locate`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Spot {
    Found(Found),
    Missing(Gap),
}

/// Whether a run and not a node begins here.
#[inline]
fn is_run(bytes: &[u8]) -> bool {
    bytes[0] & RUN != 0
}

impl Tree {
    /// The entry of this key.
    #[inline]
    pub(super) fn get<'a>(self, arena: &'a Arena, key: &[u8]) -> Option<Entry<'a>> {
        let mut at = self.root?;
        let (mut depth, mut edge_depth) = (0, 0);
        loop {
            let bytes = arena.tail(at);
            if is_run(bytes) {
                let run = Run::new(bytes);
                return Run::get(bytes, key, if run.is_shared() { edge_depth } else { depth });
            }
            (edge_depth, at) = Node::new(bytes).towards(key, depth)?;
            depth = key.len().min(edge_depth + 1);
        }
    }

    /// Bytes of its run that the entry of this key takes.
    pub(super) fn entry_bytes(self, arena: &Arena, key: &[u8]) -> Option<usize> {
        let mut workshop = Workshop::default();
        match self.locate(arena, &mut workshop, key) {
            Spot::Found(found) => Some(Run::at(arena, found.run).entry_bytes(found.index)),
            Spot::Missing(_) => None,
        }
    }

    /// The entry of this key or where it would go; the way there is left in `workshop`.
    pub(super) fn locate(self, arena: &Arena, workshop: &mut Workshop, key: &[u8]) -> Spot {
        let steps = workshop.begin();
        let Some(mut at) = self.root else { return Spot::Missing(Gap::Root) };
        let (mut depth, mut edge_depth) = (0, 0);
        loop {
            let bytes = arena.tail(at);
            if is_run(bytes) {
                // All of it is about to move or to be read.
                prefetch_lines(bytes, 1..RUN_LINES);
                let run = Run::new(bytes);
                let depth = if run.is_shared() { edge_depth } else { depth };
                return match run.find(key, depth) {
                    Some(index) => Spot::Found(Found { run: at, index, depth }),
                    None => Spot::Missing(Gap::Run { run: at, depth }),
                };
            }
            let node = Node::new(bytes);
            let prefix = node.prefix();
            if !node.leads_to(key, depth) {
                let common = common_len(prefix, &key[depth..]);
                return Spot::Missing(Gap::Prefix { node: at, depth, common });
            }
            edge_depth = depth + prefix.len();
            let (offset, gap) = match key.get(edge_depth) {
                None => (Node::TERM_OFFSET, Gap::Term { node: at }),
                Some(&edge) => (node.child_offset(edge), Gap::Edge { node: at, depth: edge_depth }),
            };
            let Some(next) = node.ref_at(offset) else { return Spot::Missing(gap) };
            steps.push(Step { node: at, offset });
            depth = key.len().min(edge_depth + 1);
            at = next;
        }
    }

    /// The entry that was found.
    #[inline]
    pub(super) fn entry(arena: &Arena, found: Found) -> Entry<'_> {
        Run::at(arena, found.run).entry_at(found.index)
    }

    /// Stores `to` where the last of `steps` leads, and wherever else in that node `from` stands.
    fn set_child(&mut self, arena: &mut Arena, steps: &[Step], from: Option<Ref>, to: Option<Ref>) {
        let Some(step) = steps.last() else {
            self.root = to;
            return;
        };
        let shared = from.is_some_and(|at| {
            let bytes = arena.tail(at);
            is_run(bytes) && Run::new(bytes).is_shared()
        });
        if shared {
            // Its edges are neighbours.
            let first = Node::at(arena, step.node).index_offset(0);
            let end = Node::at(arena, step.node).children_end();
            let bytes = arena.tail_mut(step.node);
            let mut offset = step.offset;
            let direct = (end - first) / 4 == 256;
            let same = |bytes: &[u8], offset: usize| {
                let at = ref_at(bytes, offset);
                at == from || (direct && at.is_none())
            };
            while offset > first && same(bytes, offset - 4) {
                offset -= 4;
            }
            while offset < end && same(bytes, offset) {
                if ref_at(bytes, offset) == from {
                    set_u32(bytes, offset, raw_of(to));
                }
                offset += 4;
            }
        } else {
            set_u32(arena.tail_mut(step.node), step.offset, raw_of(to));
        }
    }
}

#[cfg(test)]
mod tests;
