//! Entries that go, and what is left becoming as small as it can be.

use super::super::arena::{Arena, Ref};
use super::super::radix::{Draft, Node, remove_child, set_term, shrink_at};
use super::super::tally::{self, Event};
use super::grow::{absorb, build};
use super::run::Run;
use super::splice::Edit;
use super::{Found, Step, Tree, Workshop, is_run};

impl Tree {
    /// Takes the entry that was found out.
    pub(in super::super) fn detach(
        &mut self,
        arena: &mut Arena,
        workshop: &mut Workshop,
        found: Found,
        key: &[u8],
    ) {
        let run = Run::at(arena, found.run);
        let left = run.count() - 1;
        let step = workshop.steps.last().copied();
        let is_edge_gone =
            left == 0 || (run.is_shared() && is_last_of_edge(run, found.index, key[found.depth]));
        if left > 0 {
            self.edit(arena, workshop, found.run, Edit::Remove(found.index), usize::MAX);
        } else {
            arena.free(found.run);
        }
        let Some(step) = step else {
            if left == 0 {
                self.root = None;
            }
            return;
        };
        if is_edge_gone {
            unlink(arena, step);
        }
        // Looking at all neighbours takes longer than a removal, so it is done when a run has halved.
        if is_edge_gone || left.is_power_of_two() {
            self.tidy(arena, workshop);
        }
    }

    /// The keys of all entries of the run in which `key` was found.
    pub(in super::super) fn run_keys(self, arena: &Arena, found: Found, key: &[u8]) -> Vec<Vec<u8>> {
        let run = Run::at(arena, found.run);
        let above = &key[..found.depth];
        run.entries().map(|(suffix, _)| [above, run.prefix(), suffix].concat()).collect()
    }

    /// Takes the run out in which an entry was found.
    pub(in super::super) fn detach_run(&mut self, arena: &mut Arena, workshop: &mut Workshop, found: Found) {
        self.cut(arena, workshop, found.run);
        arena.free(found.run);
    }

    /// Takes the child out to which the last step leads, by whatever edges it is reached; it stays the caller's.
    pub(super) fn cut(&mut self, arena: &mut Arena, workshop: &mut Workshop, child: Ref) {
        let Some(step) = workshop.steps.last().copied() else {
            self.root = None;
            return;
        };
        let bytes = arena.tail(child);
        if is_run(bytes) && Run::new(bytes).is_shared() {
            let mut draft = Draft::take(arena, step.node);
            draft.children.retain(|&mut (_, other)| other != child);
            let node = draft.store(arena);
            workshop.steps.pop();
            self.set_child(arena, &workshop.steps, None, Some(node));
            workshop.steps.push(Step { node, offset: step.offset });
        } else {
            unlink(arena, step);
        }
        self.tidy(arena, workshop);
    }

    /// Restores, from the last step upwards: no node without a choice, none much too large, and no node whose subtrie
    /// fits half a run.
    pub(super) fn tidy(&mut self, arena: &mut Arena, workshop: &mut Workshop) {
        while let Some(step) = workshop.steps.pop() {
            let node = Node::at(arena, step.node);
            if node.count() == 0 && node.term().is_none() {
                // The last of nodes with one edge each.
                arena.free(step.node);
                match workshop.steps.last() {
                    Some(&above) => unlink(arena, above),
                    None => self.root = None,
                }
                continue;
            }
            let only = if node.term().is_none() { node.only_child() } else { None };
            if only.is_some_and(|child| !is_run(arena.tail(child))) {
                let mut joined = Draft::take(arena, step.node);
                absorb(arena, &mut joined);
                let joined = joined.store(arena);
                self.set_child(arena, &workshop.steps, None, Some(joined));
                return;
            }
            let share = if only.is_some() || node.count() == 0 { 1 } else { 2 };
            if stage_children(arena, workshop, step.node, share) {
                tally::note(Event::Merge);
                free_children(arena, step.node);
                let run = build(arena, workshop, 0);
                self.set_child(arena, &workshop.steps, None, Some(run));
                continue;
            }
            let node = Node::at(arena, step.node);
            if shrink_at(node).is_some_and(|most| node.count() <= most) {
                let moved = Draft::take(arena, step.node).store(arena);
                self.set_child(arena, &workshop.steps, None, Some(moved));
            }
            return;
        }
    }
}

/// Takes the reference of a step out of its node.
fn unlink(arena: &mut Arena, step: Step) {
    if step.offset == Node::TERM_OFFSET {
        set_term(arena, step.node, None);
    } else {
        remove_child(arena, step.node, step.offset);
    }
}

/// Whether no other entry of a shared run begins with the same edge.
fn is_last_of_edge(run: Run<'_>, index: usize, edge: u8) -> bool {
    if !run.prefix().is_empty() {
        return false;
    }
    let begins = |index: usize| run.suffix_at(index).first() == Some(&edge);
    let is_continued = (index > 0 && begins(index - 1)) || (index + 1 < run.count() && begins(index + 1));
    !is_continued
}

/// Stages all entries below a node if they fit `1 / share` of a run.
fn stage_children(arena: &Arena, workshop: &mut Workshop, at: Ref, share: usize) -> bool {
    let node = Node::at(arena, at);
    let limits = workshop.limits;
    let mut lead = node.prefix().to_vec();
    workshop.stage.clear();
    let (mut entries, mut bytes) = (0, 0);
    let mut position = 0;
    let mut previous = None;
    while let Some((found, child)) = node.next_child(position) {
        position = found + 1;
        if previous == Some(child) {
            continue;
        }
        previous = Some(child);
        if !is_run(arena.tail(child)) {
            return false;
        }
        let run = Run::at(arena, child);
        entries += run.count();
        bytes += run.len();
        if entries > limits.entries / share || (bytes > limits.bytes / share && entries > 1) {
            return false;
        }
        lead.truncate(node.prefix().len());
        if found > 0 && !run.is_shared() {
            lead.push(node.edge_of(found));
        }
        workshop.stage.load(arena, child, &lead);
    }
    let all = workshop.stage.len();
    workshop.stage.fits(0, all, 0, limits, share)
}

/// Frees a node and all runs right below it.
fn free_children(arena: &mut Arena, at: Ref) {
    let draft = Draft::take(arena, at);
    let mut previous = None;
    for child in draft.term.into_iter().chain(draft.children.iter().map(|&(_, child)| child)) {
        if previous != Some(child) {
            arena.free(child);
        }
        previous = Some(child);
    }
}
