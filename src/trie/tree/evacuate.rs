//! Emptying sparse spans: nodes and runs move to where there is room, a few at a time.

use super::super::arena::{Arena, Ref, set_u32};
use super::super::radix::Node;
use super::super::tally::{self, Event};
use super::run::Run;
use super::walk::Path;
use super::{Step, Tree, is_run};

impl Tree {
    /// Moves up to `budget` runs, and the nodes on the way, out of spans that are being emptied, from behind the key in
    /// `after` on, or from the beginning if that is empty. Leaves the key to go on behind in `after`; says whether all
    /// of the tree was visited.
    ///
    /// `visit` is shown each run, so that what its entries hold outside can move too.
    pub(in super::super) fn evacuate(
        &mut self,
        arena: &mut Arena,
        after: &mut Vec<u8>,
        budget: usize,
        mut visit: impl FnMut(&mut Arena, Ref),
    ) -> bool {
        let Some(root) = self.root else { return true };
        if after.is_empty()
            && let Some(moved) = relocate(arena, root)
        {
            self.root = Some(moved);
            arena.free(root);
        }
        let mut path = Path::default();
        if !path.start_at(*self, arena, after) {
            // All is one run.
            visit(arena, self.root.expect("it was just there"));
            return true;
        }
        for _ in 0..budget {
            let Some(run) = path.climb_moving(self, arena) else { return true };
            visit(arena, run);
            path.last_key(arena, run, after);
        }
        false
    }

    /// Stores where the child at a position of a node is now.
    pub(super) fn moved(&mut self, arena: &mut Arena, node: Ref, position: usize, from: Ref, to: Ref) {
        let offset = match position {
            0 => Node::TERM_OFFSET,
            position => Node::at(arena, node).index_offset(position - 1),
        };
        let bytes = arena.tail(to);
        if is_run(bytes) && Run::new(bytes).is_shared() {
            self.set_child(arena, &[Step { node, offset }], Some(from), Some(to));
        } else {
            set_u32(arena.tail_mut(node), offset, to.raw());
        }
    }
}

/// Copies a node or run if its span is being emptied. Whoever has linked the copy frees the other.
pub(super) fn relocate(arena: &mut Arena, at: Ref) -> Option<Ref> {
    if !arena.is_sparse(at) {
        return None;
    }
    tally::note(if is_run(arena.tail(at)) { Event::RunMoved } else { Event::NodeMoved });
    Some(arena.copy(at))
}
