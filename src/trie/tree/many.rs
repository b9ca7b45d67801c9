//! Many descents at once: while one waits for memory, the others go on.
//!
//! ```text
//!  key a   root ─► node ·· wait ·· ─► run ·· wait ·· ─► entry ·· wait ·· ─► body
//!  key b     root ─► node ·· wait ·· ─► node ·· wait ·· ─► run ·· wait ..
//!  key c       root ─► node ·· wait ·· ─► run ..
//! ```

use super::super::arena::{Arena, Ref};
use super::super::radix::Node;
use super::run::{Entry, Run};
use super::search::{prefetch, prefetch_lines};
use super::{Tree, is_run};
use arrayvec::ArrayVec;

/// Descents under way at once; a core has about as many loads in flight.
const WIDTH: usize = 16;
/// What is asked for of a node or run before it is read: most need no more.
const HEAD_LINES: usize = 3;

/// Where the search for one key is.
#[derive(Clone, Copy)]
struct Descent {
    at: Ref,
    depth: u32,
    edge_depth: u32,
}

impl Tree {
    /// Shows `visit` the entry of each key, in the order of the keys. All are searched together, by the dozen.
    pub(in super::super) fn get_many<'a, 'k>(
        self,
        arena: &'a Arena,
        mut keys: impl Iterator<Item = &'k [u8]>,
        mut visit: impl FnMut(Option<Entry<'a>>),
    ) {
        let Some(root) = self.root else { return keys.for_each(|_| visit(None)) };
        let mut some = ArrayVec::<&[u8], WIDTH>::new();
        loop {
            some.clear();
            some.extend(keys.by_ref().take(WIDTH));
            if some.is_empty() {
                return;
            }
            let entries = find_together(root, arena, &some);
            entries.into_iter().take(some.len()).for_each(&mut visit);
        }
    }

    /// Brings the ways to these keys, and what is there, into the cache.
    pub(in super::super) fn prefetch<'k>(self, arena: &Arena, keys: impl Iterator<Item = &'k [u8]>) {
        self.get_many(arena, keys, |_| {});
    }
}

/// The entries of up to [`WIDTH`] keys; their bodies are on the way into the cache.
#[inline]
fn find_together<'a>(root: Ref, arena: &'a Arena, keys: &[&[u8]]) -> [Option<Entry<'a>>; WIDTH] {
    let mut found = [None; WIDTH];
    let mut descents = [Descent { at: root, depth: 0, edge_depth: 0 }; WIDTH];
    // Which of the keys are under way: the first `left` of these.
    let mut under_way: [usize; WIDTH] = std::array::from_fn(|index| index);
    let mut left = keys.len();
    while left > 0 {
        let mut turn = 0;
        while turn < left {
            let index = under_way[turn];
            let (key, descent) = (keys[index], &mut descents[index]);
            let bytes = arena.tail(descent.at);
            if is_run(bytes) {
                let run = Run::new(bytes);
                let depth = if run.is_shared() { descent.edge_depth } else { descent.depth };
                found[index] = Run::get(bytes, key, depth as usize);
                if let Some(Entry { body, .. }) = found[index] {
                    [body.first(), body.last()].into_iter().flatten().for_each(prefetch);
                }
            } else if let Some((edge_depth, next)) = Node::new(bytes).towards(key, descent.depth as usize) {
                let depth = key.len().min(edge_depth + 1) as u32;
                *descent = Descent { at: next, depth, edge_depth: edge_depth as u32 };
                let bytes = arena.tail(next);
                prefetch_lines(bytes, 0..HEAD_LINES);
                turn += 1;
                continue;
            }
            left -= 1;
            under_way[turn] = under_way[left];
        }
    }
    found
}
