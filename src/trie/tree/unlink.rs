//! Subtrees that are taken out whole, and taken apart later, run by run.
//!
//! ```text
//! unlink "ab"       ·──a──·──b──·──► subtree            one reference goes, however much is below
//!                         └─c─► ..
//!                   ·──a──► run [a, abc, abd, b]        of a run the prefix parts: at most 64 entries move
//!
//! take apart        ·──┬─► run     the first run goes, with it each node that has nothing left, then the next is first
//!                      ├─► run
//!                      └─► ..
//! ```
//! What is taken out is a tree of its own, whose keys lack the bytes above it. All that [`Tree`] does can be done to it.

use std::ops::Range;

use super::super::arena::{Arena, Ref, ref_at};
use super::super::radix::{Node, remove_child, set_term};
use super::grow::run_of;
use super::run::{Run, SHARED};
use super::{Found, Step, Tree, Workshop, is_run};

/// Where the entries are whose keys begin with a prefix, of which `depth` bytes lead there.
enum Reach {
    /// All that is below, and nothing else.
    All { at: Ref, depth: usize },
    /// Some of a run, in this order.
    Part { run: Ref, depth: usize, entries: Range<usize> },
}

impl Tree {
    /// Whether it has no entry.
    pub(in super::super) fn is_empty(self) -> bool {
        self.root.is_none()
    }

    /// Takes all entries out whose keys begin with `prefix`, in time for the way down and a few runs: as a tree whose
    /// keys lack the first bytes of the prefix, and how many bytes that are. `None` if there are none.
    pub(in super::super) fn unlink(
        &mut self,
        arena: &mut Arena,
        workshop: &mut Workshop,
        prefix: &[u8],
    ) -> Option<(Tree, usize)> {
        let (root, depth) = match self.reach(arena, workshop, prefix)? {
            Reach::All { at, depth } => {
                self.cut(arena, workshop, at);
                let bytes = arena.tail_mut(at);
                if is_run(bytes) {
                    // It has no node any more that could lead to it by several edges.
                    bytes[0] &= !SHARED;
                }
                (at, depth)
            }
            Reach::Part { run, depth, entries } => (self.part(arena, workshop, run, entries), depth),
        };
        Some((Tree { root: Some(root) }, depth))
    }

    /// Finds what is below `prefix`; the way there is left in `workshop`.
    fn reach(self, arena: &Arena, workshop: &mut Workshop, prefix: &[u8]) -> Option<Reach> {
        let steps = workshop.begin();
        let mut at = self.root?;
        let (mut depth, mut edge_depth) = (0, 0);
        loop {
            let bytes = arena.tail(at);
            if is_run(bytes) {
                let run = Run::new(bytes);
                let depth = if run.is_shared() { edge_depth } else { depth };
                let entries = entries_below(run, &prefix[depth..])?;
                let is_all = entries.len() == run.count();
                return Some(match is_all {
                    true => Reach::All { at, depth },
                    false => Reach::Part { run: at, depth, entries },
                });
            }
            let (node, rest) = (Node::new(bytes), &prefix[depth..]);
            if node.prefix().starts_with(rest) {
                return Some(Reach::All { at, depth });
            }
            let &edge =
                rest.strip_prefix(node.prefix())?.first().expect("else the node's prefix begins with it");
            edge_depth = depth + node.prefix().len();
            depth = edge_depth + 1;
            let offset = node.child_offset(edge);
            let next = node.ref_at(offset)?;
            steps.push(Step { node: at, offset });
            at = next;
        }
    }

    /// Moves some entries of the run at `at` to a run of their own, which it returns; others stay.
    fn part(&mut self, arena: &mut Arena, workshop: &mut Workshop, at: Ref, entries: Range<usize>) -> Ref {
        workshop.stage.clear();
        workshop.stage.load(arena, at, &[]);
        let parted = run_of(arena, workshop, entries.start, entries.end, 0, false);
        workshop.stage.remove(entries);
        let is_shared = Run::at(arena, at).is_shared();
        self.rebuild_staged(arena, workshop, at);
        if is_shared {
            // Its node has other edges now, and moved.
            let last = workshop.steps.pop().expect("a node leads to a shared run");
            let node = self.child_at(arena, &workshop.steps).expect("it was just stored");
            workshop.steps.push(Step { node, ..last });
        }
        self.tidy(arena, workshop);
        parted
    }

    /// Where the last of `steps` leads.
    fn child_at(self, arena: &Arena, steps: &[Step]) -> Option<Ref> {
        match steps.last() {
            Some(step) => ref_at(arena.tail(step.node), step.offset),
            None => self.root,
        }
    }
}

/// Which entries of a run continue with `rest`; `None` if none do.
fn entries_below(run: Run<'_>, rest: &[u8]) -> Option<Range<usize>> {
    if run.prefix().starts_with(rest) {
        return Some(0..run.count());
    }
    let rest = rest.strip_prefix(run.prefix())?;
    let begins = |(suffix, _): &(&[u8], _)| suffix.starts_with(rest);
    let first = run.entries().position(|entry| begins(&entry))?;
    let count = run.entries().skip(first).take_while(begins).count();
    Some(first..first + count)
}

/// The way to the first run of a tree that is taken apart, from one to the next. Between two of its calls the arena may
/// change, not that tree.
#[derive(Debug)]
pub(in super::super) struct Dismantling {
    /// The nodes above, each with the bytes of the key down to it, its prefix included.
    levels: Vec<(Ref, usize)>,
    /// Bytes of the key down to the run, its prefix included.
    depth: usize,
    key: Vec<u8>,
}

impl Dismantling {
    /// A way to the first run; the keys of the whole tree continue `above`.
    pub(in super::super) fn new(above: &[u8]) -> Dismantling {
        Dismantling { levels: Vec::new(), depth: above.len(), key: above.to_vec() }
    }

    /// Goes to the first run: its first entry, and how many it has.
    pub(in super::super) fn first_run(&mut self, arena: &Arena, tree: Tree) -> Option<(Found, usize)> {
        let mut at = match self.levels.last() {
            Some(&(node, depth)) => {
                self.key.truncate(depth);
                self.first_child(arena, node)
            }
            None => tree.root?,
        };
        loop {
            let bytes = arena.tail(at);
            if is_run(bytes) {
                let run = Run::new(bytes);
                let above = self.key.len();
                self.key.extend_from_slice(run.prefix());
                self.depth = self.key.len();
                return Some((Found { run: at, index: 0, depth: above }, run.count()));
            }
            self.key.extend_from_slice(Node::new(bytes).prefix());
            self.levels.push((at, self.key.len()));
            at = self.first_child(arena, at);
        }
    }

    /// The first child of a node to which the key leads, which then leads to the child.
    fn first_child(&mut self, arena: &Arena, node: Ref) -> Ref {
        let node = Node::at(arena, node);
        let (position, child) = node.next_child(0).expect("no node is empty");
        let bytes = arena.tail(child);
        if position > 0 && !(is_run(bytes) && Run::new(bytes).is_shared()) {
            self.key.push(node.edge_of(position));
        }
        child
    }

    /// The key of an entry of the first run.
    pub(in super::super) fn key_of(&mut self, arena: &Arena, found: Found) -> &[u8] {
        self.key.truncate(self.depth);
        self.key.extend_from_slice(Run::at(arena, found.run).suffix_at(found.index));
        &self.key
    }

    /// Frees the first run and each node that is empty without it.
    pub(in super::super) fn drop_run(&mut self, arena: &mut Arena, tree: &mut Tree, found: Found) {
        let mut gone = found.run;
        arena.free(gone);
        while let Some(&(node, _)) = self.levels.last() {
            remove_first(arena, node, gone);
            if Node::at(arena, node).next_child(0).is_some() {
                return;
            }
            arena.free(node);
            gone = node;
            self.levels.pop();
        }
        tree.root = None;
    }
}

/// Takes the first child out of a node, by whatever edges it is reached.
fn remove_first(arena: &mut Arena, node: Ref, first: Ref) {
    if Node::at(arena, node).term().is_some() {
        return set_term(arena, node, None);
    }
    while let Some((position, child)) = Node::at(arena, node).next_child(1)
        && child == first
    {
        let offset = Node::at(arena, node).index_offset(position - 1);
        remove_child(arena, node, offset);
    }
}
