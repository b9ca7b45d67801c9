//! Walks in key order. A path is only a hint: whoever keeps one asks first whether the tree is still the same.

use std::ops::ControlFlow;

use super::super::arena::{Arena, Ref};
use super::super::radix::{Node, common_len};
use super::buffer::Buffer;
use super::run::{Entry, RUN_LINES, Run, RunWalk};
use super::search::prefetch_lines;
use super::{Tree, evacuate, is_run};

/// Nodes that a path has room for at least.
const STEPS_MIN: usize = 8;

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
    /// The next child to visit and its position, see [`Node::next_child`].
    next: Option<(usize, Ref)>,
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
    /// Bytes of the key down to the run, its prefix included.
    depth: usize,
}

impl Path {
    /// Moves to right before the first entry whose key is at least `key`, or above it if `after`.
    pub(in super::super) fn seek(&mut self, tree: Tree, arena: &Arena, key: &[u8], after: bool) {
        self.steps.clear();
        self.steps.reserve(STEPS_MIN);
        self.run = None;
        self.key.clear();
        let Some(mut at) = tree.root else { return };
        let (mut depth, mut edge_depth) = (0, 0);
        loop {
            let bytes = arena.tail(at);
            if is_run(bytes) {
                // All at once: which of them the search needs is known late, and the walk needs all.
                prefetch_lines(bytes, 1..RUN_LINES);
                self.prefetch_next(arena);
                let run = Run::new(bytes);
                let depth = if run.is_shared() { edge_depth } else { depth };
                self.key.truncate(depth);
                let rest = &key[depth..];
                let index = if after { run.position::<true>(rest) } else { run.position::<false>(rest) };
                self.enter(arena, at, index);
                return;
            }
            let node = Node::new(bytes);
            if !node.leads_to(key, depth) {
                let (prefix, rest) = (node.prefix(), &key[depth..]);
                let common = common_len(prefix, rest);
                if rest.get(common).is_none_or(|&byte| byte < prefix[common]) {
                    self.push(node, at, node.next_child(0));
                }
                return;
            }
            edge_depth = depth + node.prefix_len();
            let Some(&edge) = key.get(edge_depth) else {
                self.push(node, at, node.next_child(usize::from(after)));
                return;
            };
            let (position, own) = node.position_of(edge);
            // A shared run of the edge before may reach beyond the edge that is missing.
            let child = own.or_else(|| {
                let below = node.child(node.edge_below(edge)?)?;
                let bytes = arena.tail(below);
                (is_run(bytes) && Run::new(bytes).is_shared()).then_some(below)
            });
            self.push(node, at, node.next_child_but(position, child));
            let Some(child) = child else { return };
            self.key.push(edge);
            depth = edge_depth + 1;
            at = child;
        }
    }

    /// Notes a node whose path is the present key, and what is to be visited below.
    #[inline(always)]
    fn push(&mut self, node: Node<'_>, at: Ref, next: Option<(usize, Ref)>) {
        let (prefix, len) = node.prefix_and_more();
        self.key.extend_by(prefix, len);
        self.steps.push(Level { node: at, next, depth: self.key.len() });
    }

    /// Stands before the entry at `index` of a run whose path is the present key.
    fn enter(&mut self, arena: &Arena, at: Ref, index: usize) {
        let run = Run::at(arena, at);
        let (prefix, len) = run.prefix_and_more();
        self.key.extend_by(prefix, len);
        self.run = Some(Inside { run: at, walk: run.walk_from(index), depth: self.key.len() });
    }

    /// Moves over the next entry and returns it; its key is [`Path::key`] then.
    #[inline]
    pub(in super::super) fn next<'a>(&mut self, arena: &'a Arena) -> Option<Entry<'a>> {
        self.arrive(arena, |run, _| run.count())?;
        self.step(arena)
    }

    /// Goes on to the next run if the present one has no entry left. `within` is told each run that is entered, and the
    /// key down to it, and says how many of its entries the walk is to see; if not all, it ends with them.
    #[inline]
    pub(in super::super) fn arrive(
        &mut self,
        arena: &Arena,
        within: impl Fn(Run<'_>, &[u8]) -> usize,
    ) -> Option<()> {
        match &mut self.run {
            Some(inside) if inside.walk.has_next() => return Some(()),
            Some(inside) if inside.walk.is_cut() => return None,
            _ => self.climb(arena)?,
        }
        self.bound(arena, within)
    }

    /// Has `within` say how many entries of the run are to be seen; whether there is one.
    #[inline]
    pub(in super::super) fn bound(
        &mut self,
        arena: &Arena,
        within: impl Fn(Run<'_>, &[u8]) -> usize,
    ) -> Option<()> {
        let inside = self.run.as_mut()?;
        let run = Run::at(arena, inside.run);
        inside.walk.end_at(within(run, &self.key.get()[..inside.depth]));
        inside.walk.has_next().then_some(())
    }

    /// Moves over the next entry of the run and returns it, if one is left.
    #[inline(always)]
    pub(in super::super) fn step<'a>(&mut self, arena: &'a Arena) -> Option<Entry<'a>> {
        let inside = self.run.as_mut()?;
        let passed = inside.walk.next(Run::at(arena, inside.run))?;
        self.key.truncate(inside.depth);
        self.key.extend_by(passed.suffix, passed.len);
        Some(passed.entry())
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
        // Copies, so that they can be kept in registers.
        let (mut walk, mut key) = (inside.walk, self.key.open(inside.depth as u32));
        let mut flow = ControlFlow::Continue(());
        while flow.is_continue()
            && let Some(passed) = walk.next(run)
        {
            flow = visit(key.ending_in(passed.suffix, passed.len as u8), passed.entry());
        }
        inside.walk = walk;
        let len = key.len;
        self.key.set_len(len);
        flow
    }

    /// Passes over the entries that are left of the run; how many of them have a tag that counts.
    #[inline]
    pub(in super::super) fn count_rest(&mut self, arena: &Arena, counts: impl Fn(u8) -> bool) -> usize {
        self.run.as_mut().map_or(0, |inside| inside.walk.count_rest(Run::at(arena, inside.run), counts))
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
            let Some((found, child)) = level.next else {
                self.steps.pop();
                continue;
            };
            let node = Node::at(arena, level.node);
            // Several edges may lead to the same child.
            level.next = node.next_child_but(found + 1, Some(child));
            let branch = Branch {
                node: level.node,
                depth: level.depth,
                found,
                edge: (found > 0).then(|| node.edge_of(found)),
                child,
            };
            self.prefetch_next(arena);
            return Some(branch);
        }
    }

    /// Asks for the beginning of the child that comes next below the last node, to which the walk will come soon.
    #[inline]
    fn prefetch_next(&self, arena: &Arena) {
        if let Some(Level { next: Some((_, child)), .. }) = self.steps.last() {
            prefetch_lines(arena.tail(*child), 0..RUN_LINES);
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
            false => {
                let node = Node::new(bytes);
                self.push(node, branch.child, node.next_child(0));
            }
        }
        is_run
    }

    /// The key of the entry that was returned last.
    #[inline]
    pub(in super::super) fn key(&self) -> &[u8] {
        self.key.get()
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
