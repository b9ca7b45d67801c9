//! Walks in key order. A path is only a hint: whoever keeps one asks first whether the tree is still the same.

use std::ops::ControlFlow;

use super::super::arena::{Arena, Ref};
use super::super::radix::{Node, common_len};
use super::buffer::Buffer;
use super::run::{Entry, Run, RunWalk};
use super::search::prefetch_lines;
use super::{Tree, evacuate, is_run};

/// Children whose beginnings are asked for before a walk comes to them.
const AHEAD: usize = 3;

/// A place between two entries: the nodes above it, each with the position of the next child to visit, the run, and
/// the key of the entry before.
///
/// At most as long as the longest key; never on the call stack.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Path {
    steps: Vec<Level>,
    run: Option<Inside>,
    key: Buffer,
}

/// A node on the way.
#[derive(Clone, Copy, Debug)]
struct Level {
    node: Ref,
    /// The next child to visit, see [`Node::next_child`].
    position: usize,
    /// The child that was visited last: several edges may lead to it.
    last: Option<Ref>,
    /// Bytes of the key down to the node, its prefix included.
    depth: usize,
}

/// A way down from the last node of a path.
#[derive(Clone, Copy, Debug)]
struct Branch {
    node: Ref,
    /// Bytes of the key down to the node, its prefix included.
    depth: usize,
    /// Which of its children, see [`Node::next_child`].
    found: usize,
    /// `None`: the key ends with the node.
    edge: Option<u8>,
    child: Ref,
}

/// The run of the next entry.
#[derive(Clone, Copy, Debug)]
struct Inside {
    run: Ref,
    walk: RunWalk,
    /// The entry that was entered.
    first: usize,
    /// Bytes of the key down to the run, its prefix included.
    depth: usize,
}

impl Inside {
    /// Moves over the next entry of the run, which is given, and puts its suffix at the end of the key.
    #[inline(always)]
    fn step<'a>(&mut self, run: Run<'a>, key: &mut Buffer) -> Option<Entry<'a>> {
        let passed = self.walk.next(run)?;
        key.truncate(self.depth);
        key.extend_by(passed.suffix, passed.len);
        Some(passed.entry())
    }
}

impl Path {
    /// Moves to right before the first entry whose key is at least `key`, or above it if `after`.
    pub(in super::super) fn seek(&mut self, tree: Tree, arena: &Arena, key: &[u8], after: bool) {
        self.steps.clear();
        self.run = None;
        self.key.clear();
        let Some(mut at) = tree.root else { return };
        let (mut depth, mut edge_depth) = (0, 0);
        loop {
            let bytes = arena.tail(at);
            if is_run(bytes) {
                let run = Run::new(bytes);
                let depth = if run.is_shared() { edge_depth } else { depth };
                self.key.truncate(depth);
                let rest = &key[depth..];
                let index = if after { run.position::<true>(rest) } else { run.position::<false>(rest) };
                self.enter(arena, at, index);
                return;
            }
            let node = Node::new(bytes);
            let (prefix, rest) = (node.prefix(), &key[depth..]);
            let common = common_len(prefix, rest);
            if common < prefix.len() {
                if rest.get(common).is_none_or(|&byte| byte < prefix[common]) {
                    self.push(arena, at, 0, None);
                }
                return;
            }
            edge_depth = depth + common;
            let Some(&edge) = key.get(edge_depth) else {
                self.push(arena, at, usize::from(after), None);
                return;
            };
            // A shared run of the edge before may reach beyond the edge that is missing.
            let own = node.child(edge);
            let child = own.or_else(|| {
                let below = node.child(node.edge_below(edge)?)?;
                let bytes = arena.tail(below);
                (is_run(bytes) && Run::new(bytes).is_shared()).then_some(below)
            });
            self.push(arena, at, node.position(edge) + usize::from(own.is_some()), child);
            let Some(child) = child else { return };
            self.key.push(edge);
            depth = edge_depth + 1;
            at = child;
        }
    }

    /// Notes a node whose path is the present key.
    fn push(&mut self, arena: &Arena, node: Ref, position: usize, last: Option<Ref>) {
        self.key.extend(Node::at(arena, node).prefix());
        self.steps.push(Level { node, position, last, depth: self.key.len() });
    }

    /// Stands before the entry at `index` of a run whose path is the present key.
    fn enter(&mut self, arena: &Arena, at: Ref, index: usize) {
        let run = Run::at(arena, at);
        self.key.extend(run.prefix());
        self.run = Some(Inside { run: at, walk: run.walk_from(index), first: index, depth: self.key.len() });
    }

    /// Moves over the next entry and returns it; its key is [`Path::key`] then.
    #[inline]
    pub(in super::super) fn next<'a>(&mut self, arena: &'a Arena) -> Option<Entry<'a>> {
        loop {
            if let Some(inside) = &mut self.run {
                if let Some(entry) = inside.step(Run::at(arena, inside.run), &mut self.key) {
                    return Some(entry);
                }
                self.run = None;
            }
            self.climb(arena)?;
        }
    }

    /// Shows `visit` the entries that are left of the run, with their keys, until it breaks off.
    #[inline(always)]
    pub(in super::super) fn rest_of_run<'a>(
        &mut self,
        arena: &'a Arena,
        mut visit: impl FnMut(&[u8], Entry<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(inside) = &mut self.run else { return ControlFlow::Continue(()) };
        let run = Run::at(arena, inside.run);
        // A copy, so that it can be kept in registers.
        let mut ahead = *inside;
        let mut flow = ControlFlow::Continue(());
        while flow.is_continue()
            && let Some(entry) = ahead.step(run, &mut self.key)
        {
            flow = visit(self.key.get(), entry);
        }
        *inside = ahead;
        flow
    }

    /// Enters the next run.
    fn climb(&mut self, arena: &Arena) -> Option<()> {
        loop {
            let branch = self.next_branch(arena)?;
            if self.descend(arena, &branch) {
                return Some(());
            }
        }
    }

    /// The next child that was not entered yet, on the way up from where it stands; it counts as entered from now on.
    #[inline]
    fn next_branch(&mut self, arena: &Arena) -> Option<Branch> {
        loop {
            let level = self.steps.last_mut()?;
            let node = Node::at(arena, level.node);
            let Some((found, child)) = node.next_child(level.position) else {
                self.steps.pop();
                continue;
            };
            level.position = found + 1;
            if level.last == Some(child) {
                continue;
            }
            level.last = Some(child);
            prefetch_after(node, arena, found);
            let edge = (found > 0).then(|| node.edge_of(found));
            return Some(Branch { node: level.node, depth: level.depth, found, edge, child });
        }
    }

    /// Enters the child of a branch; whether it is a run.
    #[inline]
    fn descend(&mut self, arena: &Arena, branch: &Branch) -> bool {
        self.key.truncate(branch.depth);
        let bytes = arena.tail(branch.child);
        let is_run = is_run(bytes);
        // The suffixes of a shared run begin with their edges.
        if let Some(edge) = branch.edge.filter(|_| !(is_run && Run::new(bytes).is_shared())) {
            self.key.push(edge);
        }
        match is_run {
            true => self.enter(arena, branch.child, 0),
            false => self.push(arena, branch.child, 0, None),
        }
        is_run
    }

    /// The key of the entry that was returned last.
    #[inline]
    pub(in super::super) fn key(&self) -> &[u8] {
        self.key.get()
    }

    /// Of the key, how many bytes are those of its run: all of that have them.
    #[inline]
    pub(in super::super) fn depth(&self) -> usize {
        self.run.as_ref().map_or(0, |inside| inside.depth)
    }

    /// Whether the entry that was returned last is the first of its run that was.
    #[inline]
    pub(in super::super) fn is_run_new(&self) -> bool {
        self.run.as_ref().is_none_or(|inside| inside.walk.index() == inside.first + 1)
    }
}

/// Asks for the beginnings of the children behind the one at position `found`, to which a walk will come soon.
#[inline]
fn prefetch_after(node: Node<'_>, arena: &Arena, found: usize) {
    for child in node.children_after(found, AHEAD) {
        prefetch_lines(arena.tail(child), 0..2);
    }
}

/// Walks that move what they meet.
impl Path {
    /// Stands behind the run of `after`, or before all if that is empty; whether there are nodes at all.
    pub(super) fn start_at(&mut self, tree: Tree, arena: &Arena, after: &[u8]) -> bool {
        self.seek(tree, arena, after, !after.is_empty());
        if after.is_empty() && self.steps.is_empty() {
            return false;
        }
        self.run = None;
        true
    }

    /// Enters the next run and returns it; it and the nodes that were entered on the way were moved out of spans that
    /// are being emptied.
    pub(super) fn climb_moving(&mut self, tree: &mut Tree, arena: &mut Arena) -> Option<Ref> {
        loop {
            let mut branch = self.next_branch(arena)?;
            let Branch { node, found, child, .. } = branch;
            if let Some(moved) = evacuate::relocate(arena, child) {
                tree.moved(arena, node, found, child, moved);
                arena.free(child);
                branch.child = moved;
                self.steps.last_mut().expect("the branch is one of its").last = Some(moved);
            }
            if self.descend(arena, &branch) {
                self.run = None;
                return Some(branch.child);
            }
        }
    }

    /// The largest key of the run that was entered last.
    pub(super) fn last_key(&self, arena: &Arena, run: Ref, out: &mut Vec<u8>) {
        let run = Run::at(arena, run);
        out.clear();
        out.extend_from_slice(self.key.get());
        out.extend_from_slice(run.suffix_at(run.count() - 1));
    }
}
