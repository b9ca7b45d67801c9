//! Many descents at once: while one waits for memory, the others go on.
//!
//! ```text
//!  key a   root ─► node ·· wait ·· ─► run ·· wait ·· ─► suffix, body
//!  key b     root ─► node ·· wait ·· ─► node ·· wait ·· ─► run ·· wait ..
//!  key c       root ─► node ·· wait ·· ─► run ..
//! ```

use super::super::arena::{Arena, Ref};
use super::super::radix::Node;
use super::run::Run;
use super::search::prefetch;
use super::{Tree, is_run};
use arrayvec::ArrayVec;

/// Descents under way at once; a core has about as many loads in flight.
const WIDTH: usize = 16;
/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

struct Descent<'k> {
    at: Ref,
    rest: &'k [u8],
    with_edge: &'k [u8],
}

impl Tree {
    /// Brings the ways to these keys, and what is there, into the cache.
    pub(in super::super) fn prefetch<'k>(self, arena: &Arena, mut keys: impl Iterator<Item = &'k [u8]>) {
        let Some(root) = self.root else { return };
        loop {
            let mut descents = ArrayVec::<Descent<'k>, WIDTH>::new();
            descents.extend(keys.by_ref().take(WIDTH).map(|key| Descent {
                at: root,
                rest: key,
                with_edge: key,
            }));
            if descents.is_empty() {
                return;
            }
            while !descents.is_empty() {
                descents.retain(|descent| descent.step(arena));
            }
        }
    }
}

impl Descent<'_> {
    /// One node further; false at the end of the way.
    #[inline]
    fn step(&mut self, arena: &Arena) -> bool {
        let bytes = arena.tail(self.at);
        if is_run(bytes) {
            let run = Run::new(bytes);
            run.prefetch(if run.is_shared() { self.with_edge } else { self.rest });
            return false;
        }
        let node = Node::new(bytes);
        let Some(with_edge) = self.rest.strip_prefix(node.prefix()) else { return false };
        let child = match with_edge.split_first() {
            None => {
                self.rest = &[];
                node.term()
            }
            Some((&edge, after)) => {
                self.rest = after;
                node.child(edge)
            }
        };
        let Some(child) = child else { return false };
        self.with_edge = with_edge;
        self.at = child;
        let bytes = arena.tail(child);
        prefetch(bytes, 0);
        prefetch(bytes, LINE_BYTES);
        true
    }
}

impl Run<'_> {
    /// Asks for whatever a lookup of `rest` will compare, and what it will find.
    #[inline]
    fn prefetch(self, rest: &[u8]) {
        let Some(suffix) = rest.strip_prefix(self.prefix()) else { return };
        let layout = self.layout();
        self.candidates(&layout, suffix, |index| {
            prefetch(self.bytes, self.suffix_start(&layout, index));
            let body = self.body_start(&layout, index);
            prefetch(self.bytes, body);
            prefetch(self.bytes, body + LINE_BYTES);
        });
    }
}
