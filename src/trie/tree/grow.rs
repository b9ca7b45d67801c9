//! Entries that come or change, runs that burst.

use arrayvec::ArrayVec;

use super::super::arena::{Arena, Ref};
use super::super::radix::{Draft, Node, PREFIX_MAX, push_edge, set_term};
use super::super::tally::{self, Event};
use super::patch::{Patch, Replacement};
use super::run::{Entry, PART_BYTES_MAX, Run};
use super::splice::{Edit, splice};
use super::stage::Stage;
use super::{Found, Gap, Tree, Workshop, is_run};

impl Tree {
    /// Gives the entry that was found another tag and body. Says where it is now, if the way there is still right.
    pub(in super::super) fn replace(
        &mut self,
        arena: &mut Arena,
        workshop: &mut Workshop,
        found: Found,
        key: &[u8],
        entry: Entry<'_>,
    ) -> Option<Found> {
        let run = Run::at(arena, found.run);
        let old = run.entry_at(found.index);
        if old.tag == entry.tag && old.body.len() == entry.body.len() {
            let layout = run.layout();
            let start = run.body_start(&layout, found.index);
            arena.tail_mut(found.run)[start..start + entry.body.len()].copy_from_slice(entry.body);
            return Some(found);
        }
        let limit = if run.count() == 1 { usize::MAX } else { workshop.limits.bytes };
        let changed = match Replacement::new(run, found.index, entry) {
            Some(new) => {
                let apply = |bytes: &mut [u8]| new.apply(bytes);
                self.change(arena, workshop, found.run, (new.len, new.new_len), limit, apply)
            }
            None => self.write_anew(arena, workshop, found.run, Edit::Replace(found.index, entry), limit),
        };
        if let Some(run) = changed {
            return Some(Found { run, ..found });
        }
        let at = found.run;
        load_all_but(arena, workshop, at, found.index);
        self.rebuild(arena, workshop, at, &key[found.depth..], entry);
        None
    }

    /// Changes one entry of the run at `at`, unless that makes it longer than `limit`; where the run is then.
    pub(super) fn edit(
        &mut self,
        arena: &mut Arena,
        workshop: &mut Workshop,
        at: Ref,
        edit: Edit<'_>,
        limit: usize,
    ) -> Option<Ref> {
        let run = Run::at(arena, at);
        let mut cells = [0; 4];
        let mut patch = Patch::new(run);
        if !patch.take(run, &edit, &mut cells) {
            return self.write_anew(arena, workshop, at, edit, limit);
        }
        let apply = |bytes: &mut [u8]| patch.apply(bytes);
        self.change(arena, workshop, at, (patch.len, patch.new_len), limit, apply)
    }

    /// Changes the run at `at` of `len` bytes by `apply`, in a slot that has room for `new_len`, unless that is more than
    /// `limit`; where the run is then.
    #[inline(always)]
    fn change(
        &mut self,
        arena: &mut Arena,
        workshop: &Workshop,
        at: Ref,
        (len, new_len): (usize, usize),
        limit: usize,
        apply: impl Fn(&mut [u8]),
    ) -> Option<Ref> {
        if new_len > limit {
            return None;
        }
        let shrinks = new_len < len;
        let moves = Arena::rounded(new_len) != arena.slot_bytes(at);
        if shrinks || !moves {
            apply(arena.tail_mut(at));
        }
        if !moves {
            return Some(at);
        }
        let moved = arena.copy_part(at, len.min(new_len), new_len);
        if !shrinks {
            apply(arena.tail_mut(moved));
        }
        self.set_child(arena, &workshop.steps, Some(at), Some(moved));
        arena.free(at);
        Some(moved)
    }

    /// Writes the run at `at` anew with a change, unless that makes it longer than `limit`; where the run is then.
    fn write_anew(
        &mut self,
        arena: &mut Arena,
        workshop: &mut Workshop,
        at: Ref,
        edit: Edit<'_>,
        limit: usize,
    ) -> Option<Ref> {
        splice(Run::at(arena, at), edit, &mut workshop.out);
        (workshop.out.len() <= limit).then(|| self.settle(arena, workshop, at))
    }

    /// Stores the run that was written to the workshop in the place of the one at `at`; where it is.
    fn settle(&mut self, arena: &mut Arena, workshop: &mut Workshop, at: Ref) -> Ref {
        if Arena::rounded(workshop.out.len()) == arena.slot_bytes(at) {
            arena.tail_mut(at)[..workshop.out.len()].copy_from_slice(workshop.out.get());
            return at;
        }
        let moved = store(arena, workshop.out.get());
        self.set_child(arena, &workshop.steps, Some(at), Some(moved));
        arena.free(at);
        moved
    }

    /// Puts an entry where [`Tree::locate`] found nothing. Between the two the arena may have changed, not this tree.
    pub(in super::super) fn attach(
        &mut self,
        arena: &mut Arena,
        workshop: &mut Workshop,
        gap: Gap,
        key: &[u8],
        entry: Entry<'_>,
    ) {
        match gap {
            Gap::Root => self.root = Some(single(arena, workshop, key, entry)),
            Gap::Run { run, depth } => self.insert(arena, workshop, run, depth, key, entry),
            Gap::Term { node } => {
                let term = single(arena, workshop, &[], entry);
                set_term(arena, node, Some(term));
            }
            Gap::Edge { node, depth } => self.insert_edge(arena, workshop, node, depth, key, entry),
            Gap::Prefix { node, depth, common } => {
                let mut lower = Draft::take(arena, node);
                let mut fork = Draft::new(&lower.prefix[..common]);
                let edge = lower.prefix[common];
                lower.prefix.drain(..=common);
                absorb(arena, &mut lower);
                let lower = lower.store(arena);
                fork.insert(edge, lower);
                let fork_depth = depth + common;
                match key.get(fork_depth) {
                    None => fork.term = Some(single(arena, workshop, &[], entry)),
                    Some(&edge) => {
                        let run = single(arena, workshop, &key[fork_depth + 1..], entry);
                        fork.insert(edge, run);
                    }
                }
                let fork = fork.store(arena);
                self.set_child(arena, &workshop.steps, None, Some(fork));
            }
        }
    }

    /// Puts an entry into the run at `at`, in place if it has room.
    fn insert(
        &mut self,
        arena: &mut Arena,
        workshop: &mut Workshop,
        at: Ref,
        depth: usize,
        key: &[u8],
        entry: Entry<'_>,
    ) {
        let run = Run::at(arena, at);
        let rest = &key[depth..];
        if run.count() < workshop.limits.entries
            && let Some(suffix) = rest.strip_prefix(run.prefix())
            && suffix.len() <= PART_BYTES_MAX
        {
            let index = run.suffix_position(suffix);
            let limit = workshop.limits.bytes;
            // A new edge of a shared run is the node's business: locate found it there.
            if self.edit(arena, workshop, at, Edit::Insert(index, suffix, entry), limit).is_some() {
                return;
            }
        }
        workshop.stage.clear();
        workshop.stage.load(arena, at, &[]);
        self.rebuild(arena, workshop, at, rest, entry);
    }

    /// Builds what is staged and one entry more, which together do not fit the run at `at` any longer.
    fn rebuild(
        &mut self,
        arena: &mut Arena,
        workshop: &mut Workshop,
        at: Ref,
        rest: &[u8],
        entry: Entry<'_>,
    ) {
        workshop.stage.insert_sorted(rest, entry);
        self.rebuild_staged(arena, workshop, at);
    }

    /// Builds what is staged in the place of the run at `at`.
    pub(super) fn rebuild_staged(&mut self, arena: &mut Arena, workshop: &mut Workshop, at: Ref) {
        let shared = Run::at(arena, at).is_shared();
        if !shared {
            let built = build(arena, workshop, 0);
            self.set_child(arena, &workshop.steps, Some(at), Some(built));
            arena.free(at);
            return;
        }
        let above = workshop.steps.len() - 1;
        let node = workshop.steps[above].node;
        self.regroup(arena, workshop, node, at, above);
    }

    /// Builds what is staged in the place of the shared run at `at` of a node, to which the first `above` steps lead.
    fn regroup(&mut self, arena: &mut Arena, workshop: &mut Workshop, node: Ref, at: Ref, above: usize) {
        let children = group(arena, workshop, 0, workshop.stage.len(), 0);
        arena.free(at);
        let mut draft = Draft::take(arena, node);
        draft.children.retain(|&mut (_, child)| child != at);
        for (edge, child) in children {
            draft.insert(edge, child);
        }
        let moved = draft.store(arena);
        self.set_child(arena, &workshop.steps[..above], None, Some(moved));
    }

    /// Gives a node another edge: into a neighbour's run if that has much room, else with a run of its own.
    fn insert_edge(
        &mut self,
        arena: &mut Arena,
        workshop: &mut Workshop,
        node: Ref,
        depth: usize,
        key: &[u8],
        entry: Entry<'_>,
    ) {
        let edge = key[depth];
        if let Some(around) = shared_around(arena, node, edge) {
            workshop.stage.clear();
            workshop.stage.load(arena, around, &[]);
            workshop.stage.insert_sorted(&key[depth..], entry);
            return self.regroup(arena, workshop, node, around, workshop.steps.len());
        }
        let child = match self.roomy_neighbour(arena, workshop, node, depth, key, entry) {
            Some((neighbour, neighbour_edge)) => {
                let lead = [neighbour_edge];
                let is_shared = Run::at(arena, neighbour).is_shared();
                workshop.stage.clear();
                workshop.stage.load(arena, neighbour, if is_shared { &[] } else { &lead });
                workshop.stage.insert_sorted(&key[depth..], entry);
                let all = workshop.stage.len();
                let joined = run_of(arena, workshop, 0, all, 0, true);
                replace_children(arena, node, neighbour, joined);
                arena.free(neighbour);
                joined
            }
            None => single(arena, workshop, &key[depth + 1..], entry),
        };
        if push_edge(arena, node, edge, child) {
            return;
        }
        let mut draft = Draft::take(arena, node);
        draft.insert(edge, child);
        let moved = draft.store(arena);
        self.set_child(arena, &workshop.steps, None, Some(moved));
    }

    /// The run of the edge before or after, if it is one and at most half full with the new entry.
    fn roomy_neighbour(
        &self,
        arena: &Arena,
        workshop: &Workshop,
        node: Ref,
        depth: usize,
        key: &[u8],
        entry: Entry<'_>,
    ) -> Option<(Ref, u8)> {
        let suffix = key.len() - depth;
        if suffix > PART_BYTES_MAX {
            return None;
        }
        let node = Node::at(arena, node);
        let edge = key[depth];
        let mut neighbours = [node.edge_below(edge), node.edge_above(edge)].into_iter().flatten();
        neighbours.find_map(|edge| {
            let child = node.child(edge)?;
            let bytes = arena.tail(child);
            if !is_run(bytes) {
                return None;
            }
            let run = Run::new(bytes);
            let lead = run.prefix().len() + 1;
            let limits = workshop.limits;
            let longest = run.entries().map(|(suffix, _)| suffix.len()).max().unwrap_or(0);
            let joined = run.len() + run.count() * (lead + 4) + suffix + entry.body.len() + 4;
            let fits = run.count() < limits.entries / 2
                && joined <= limits.bytes / 2
                && lead + longest <= PART_BYTES_MAX;
            fits.then_some((child, edge))
        })
    }
}

/// The shared run that has edges of a node on both sides of `edge`, which is none of them.
fn shared_around(arena: &Arena, node: Ref, edge: u8) -> Option<Ref> {
    let node = Node::at(arena, node);
    let below = node.child(node.edge_below(edge)?)?;
    (node.child(node.edge_above(edge)?) == Some(below)).then_some(below)
}

/// Makes one of a node without a choice and the node below it, if one prefix can hold both.
pub(super) fn absorb(arena: &mut Arena, node: &mut Draft) {
    let (None, &[(edge, child)]) = (node.term, &node.children[..]) else { return };
    if is_run(arena.tail(child)) {
        return;
    }
    let below = Node::at(arena, child).prefix();
    if node.prefix.len() + 1 + below.len() > PREFIX_MAX {
        return;
    }
    let mut lower = Draft::take(arena, child);
    node.prefix.push(edge);
    node.prefix.try_extend_from_slice(&lower.prefix).expect("joined is at most what a prefix holds");
    lower.prefix = std::mem::take(&mut node.prefix);
    *node = lower;
}

/// Writes all references to `from` in a node anew.
fn replace_children(arena: &mut Arena, node: Ref, from: Ref, to: Ref) {
    let (start, end) = (Node::at(arena, node).index_offset(0), Node::at(arena, node).children_end());
    let bytes = arena.tail_mut(node);
    for offset in (start..end).step_by(4) {
        if super::ref_at(bytes, offset) == Some(from) {
            super::set_u32(bytes, offset, to.raw());
        }
    }
}

/// Stages all entries of a run but the one at `index`.
pub(super) fn load_all_but(arena: &Arena, workshop: &mut Workshop, at: Ref, index: usize) {
    let run = Run::at(arena, at);
    workshop.stage.clear();
    for (other, (suffix, entry)) in run.entries().enumerate() {
        if other != index {
            workshop.stage.insert(workshop.stage.len(), &[run.prefix(), suffix], entry);
        }
    }
}

fn store(arena: &mut Arena, run: &[u8]) -> Ref {
    let at = arena.alloc(run.len());
    arena.tail_mut(at)[..run.len()].copy_from_slice(run);
    at
}

/// A run of one entry, whose key ends with `rest`; nodes above it if that is very long.
fn single(arena: &mut Arena, workshop: &mut Workshop, rest: &[u8], entry: Entry<'_>) -> Ref {
    workshop.stage.clear();
    workshop.stage.insert(0, &[rest], entry);
    build(arena, workshop, 0)
}

/// A run of the staged entries in `low..high`, from byte `depth` of their keys on.
pub(super) fn run_of(
    arena: &mut Arena,
    workshop: &mut Workshop,
    low: usize,
    high: usize,
    depth: usize,
    shared: bool,
) -> Ref {
    let Workshop { stage, out, .. } = workshop;
    stage.write_run(low, high, depth, shared, out);
    store(arena, out.get())
}

/// The subtrie of all staged entries, from byte `depth` of their keys on.
pub(super) fn build(arena: &mut Arena, workshop: &mut Workshop, depth: usize) -> Ref {
    let all = workshop.stage.len();
    build_part(arena, workshop, 0, all, depth)
}

/// The subtrie of the staged entries in `low..high`.
///
/// Each level of recursion sets at least one entry apart, so there are at most as many as a run has entries.
fn build_part(arena: &mut Arena, workshop: &mut Workshop, low: usize, high: usize, depth: usize) -> Ref {
    if workshop.stage.fits(low, high, depth, workshop.limits, 1) {
        return run_of(arena, workshop, low, high, depth, false);
    }
    // What all have in common beyond the longest prefix of a node, or of a run with a single key: nodes of one edge.
    const LINK: usize = PREFIX_MAX + 1;
    let common = workshop.stage.common(low, high, depth);
    let links = match high - low {
        1 => common.saturating_sub(2 * PART_BYTES_MAX).div_ceil(LINK),
        _ => common / LINK,
    };
    let bottom = depth + links * LINK;
    let mut below = if high - low == 1 {
        run_of(arena, workshop, low, high, bottom, false)
    } else {
        branch(arena, workshop, low, high, bottom, common - links * LINK)
    };
    for link in (0..links).rev() {
        let start = depth + link * LINK;
        let mut draft = Draft::new(&workshop.stage.key(low)[start..start + PREFIX_MAX]);
        draft.insert(workshop.stage.key(low)[start + PREFIX_MAX], below);
        below = draft.store(arena);
    }
    below
}

/// A node for the staged entries in `low..high`, which have `common` bytes in common from `depth` on.
fn branch(
    arena: &mut Arena,
    workshop: &mut Workshop,
    mut low: usize,
    high: usize,
    depth: usize,
    common: usize,
) -> Ref {
    tally::note(Event::Burst);
    let fork = depth + common;
    let mut draft = Draft::new(&workshop.stage.key(low)[depth..fork]);
    if workshop.stage.key(low).len() == fork {
        draft.term = Some(run_of(arena, workshop, low, low + 1, fork, false));
        low += 1;
    }
    draft.children = group(arena, workshop, low, high, fork);
    draft.store(arena)
}

/// The children of a node at whose edges the staged entries in `low..high` part, at byte `depth`: small neighbours
/// share a run.
fn group(
    arena: &mut Arena,
    workshop: &mut Workshop,
    low: usize,
    high: usize,
    depth: usize,
) -> ArrayVec<(u8, Ref), 256> {
    let mut children = ArrayVec::new();
    let end_of = |stage: &Stage, from: usize| {
        let edge = stage.key(from)[depth];
        (from..high).find(|&index| stage.key(index)[depth] != edge).unwrap_or(high)
    };
    let mut from = low;
    while from < high {
        let first_end = end_of(&workshop.stage, from);
        let mut end = first_end;
        while end < high {
            let further = end_of(&workshop.stage, end);
            if !workshop.stage.fits(from, further, depth, workshop.limits, 2) {
                break;
            }
            end = further;
        }
        let child = if end == first_end {
            build_part(arena, workshop, from, end, depth + 1)
        } else {
            run_of(arena, workshop, from, end, depth, true)
        };
        while from < end {
            children.push((workshop.stage.key(from)[depth], child));
            from = end_of(&workshop.stage, from);
        }
    }
    children
}
