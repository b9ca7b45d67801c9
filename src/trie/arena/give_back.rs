//! Giving memory back: spans with much room are emptied by whoever owns what is in them, and the system gets the pages
//! of empty ones.

use super::super::tally;
use super::{Arena, CLASS_BYTES, RETURNED, Ref, SPAN_BYTES, SPARSE_PERCENT, Span, SpanState};

impl Arena {
    /// Whether much of the spans in use is free, and something changed since `used_bytes` were in use.
    pub(in super::super) fn is_sparse_enough(&self, used_bytes: usize) -> bool {
        let used = self.used_bytes;
        self.room_bytes - used > used / 8 + self.cut.waste_bytes_min && used.abs_diff(used_bytes) > used / 16
    }

    /// Whether the pool holds much more memory than it keeps.
    pub(in super::super) fn is_pool_full(&self) -> bool {
        self.pool_len - self.returned > self.cut.kept_spans + self.spans / 16
    }

    /// Takes all spans with much room out of their lists: nothing new comes into them.
    pub(in super::super) fn mark_sparse(&mut self) {
        assert!(self.sparse.is_empty(), "one pass ends before the next begins");
        for (class, class_bytes) in CLASS_BYTES.into_iter().enumerate() {
            let room_bytes = self.cut.room_bytes(class);
            let mut number = self.partial[class];
            while number != 0 {
                let Span { next, live, .. } = *self.span(number);
                if live as usize * class_bytes * 100 < room_bytes * SPARSE_PERCENT {
                    self.unlist(number);
                    self.span_mut(number).state = SpanState::Sparse;
                    self.sparse.push(number);
                }
                number = next;
            }
        }
    }

    /// Whether the slot at `at` lies in a span that is being emptied.
    pub(in super::super) fn is_sparse(&self, at: Ref) -> bool {
        self.span(at.span()).state == SpanState::Sparse
    }

    /// A copy of the slot at `at`.
    pub(in super::super) fn copy(&mut self, at: Ref) -> Ref {
        let bytes = self.slot_bytes(at);
        self.copy_part(at, bytes, bytes)
    }

    /// A slot for `bytes` bytes that begins as the one at `at` does, with so many bytes of that.
    pub(in super::super) fn copy_part(&mut self, at: Ref, part: usize, bytes: usize) -> Ref {
        debug_assert!(part <= bytes && part <= self.slot_bytes(at));
        let copy = self.alloc(bytes);
        self.memory.copy_within(at.offset()..at.offset() + part, copy.offset());
        copy
    }

    /// Ends the pass: what could not be emptied takes slots again.
    pub(in super::super) fn unmark_sparse(&mut self) {
        for number in std::mem::take(&mut self.sparse) {
            let Span { state, class, .. } = *self.span(number);
            if state == SpanState::Sparse {
                self.enlist(number, class as usize);
            }
        }
    }

    /// Gives the memory of up to `budget` spans of the pool back to the system, a few are kept; whether all is done.
    pub(in super::super) fn give_back(&mut self, budget: usize) -> bool {
        let (mut number, mut kept, mut given) = (self.pool, 0, 0);
        while number != 0 {
            let Span { next, bump, .. } = *self.span(number);
            if bump != RETURNED {
                kept += 1;
                if kept > self.cut.kept_spans {
                    if given == budget {
                        return false;
                    }
                    given += 1;
                    self.discard(number);
                }
            }
            number = next;
        }
        true
    }

    /// Tells the system that the bytes of a span without slots are not needed. Its chunk does without a huge page until
    /// all of its spans are wanted again: else the system would fill the hole when it tidies up.
    fn discard(&mut self, number: u32) {
        let chunk = number as usize / self.cut.chunk_spans;
        self.holes[chunk] += 1;
        if self.holes[chunk] == 1 {
            tally::note(tally::Event::ChunkReturned);
            self.choose_pages(chunk, false);
        }
        let start = number as usize * SPAN_BYTES;
        self.memory.discard(start..start + SPAN_BYTES);
        self.span_mut(number).bump = RETURNED;
        self.returned += 1;
    }

    /// Notes that a span which the system has back is wanted again.
    pub(super) fn take_back(&mut self, number: u32) {
        let chunk = number as usize / self.cut.chunk_spans;
        self.holes[chunk] -= 1;
        if self.holes[chunk] == 0 {
            tally::note(tally::Event::ChunkTakenBack);
            self.choose_pages(chunk, true);
        }
        self.returned -= 1;
    }

    /// The first chunk has small pages always.
    fn choose_pages(&mut self, chunk: usize, huge: bool) {
        if chunk > 0 {
            let bytes = self.cut.chunk_spans * SPAN_BYTES;
            self.memory.advise_huge(chunk * bytes..(chunk + 1) * bytes, huge);
        }
    }
}
