//! The arena's books compared with what its owners say.

use super::{Arena, CLASS_BYTES, NO_SLOT, RETURNED, Ref, SPAN_UNITS, Span, SpanState, UNIT_BYTES};

/// Which slots somebody owns: filled by a walk over all owners, then compared with the arena's own books.
pub(in super::super) struct Owned<'a> {
    arena: &'a Arena,
    slots: Vec<Ref>,
}

impl<'a> Owned<'a> {
    pub(in super::super) fn new(arena: &'a Arena) -> Owned<'a> {
        Owned { arena, slots: Vec::new() }
    }

    /// Notes that somebody owns the slot at `at`, which has room for `bytes`.
    pub(in super::super) fn own(&mut self, at: Ref, bytes: usize) {
        let span = self.arena.span(at.span());
        let class_bytes = CLASS_BYTES[span.class as usize];
        let offset = at.raw() as usize % SPAN_UNITS * UNIT_BYTES;
        assert!(span.state != SpanState::Empty, "{at:?} lies in an empty span");
        assert!(bytes <= class_bytes, "{at:?} holds {bytes} bytes in a slot of {class_bytes}");
        assert!(offset.is_multiple_of(class_bytes), "{at:?} is not the start of a slot");
        assert!(offset < usize::from(span.bump) * UNIT_BYTES, "{at:?} was never handed out");
        self.slots.push(at);
    }

    /// Panics unless every slot in use has exactly one owner and every book of the arena agrees.
    pub(in super::super) fn check(mut self) {
        self.slots.sort_unstable();
        let twice = self.slots.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(twice, None, "a slot has two owners");
        let (mut used_bytes, mut room_bytes, mut pool_len, mut listed) = (0, 0, 0, 0);
        for number in self.arena.numbers() {
            let span = self.arena.span(number);
            match span.state {
                SpanState::Empty => pool_len += 1,
                state => {
                    used_bytes += self.check_span(number, span);
                    room_bytes += self.arena.cut.room_bytes(span.class as usize);
                    listed += usize::from(state == SpanState::Partial);
                }
            }
        }
        assert_eq!(
            pool_len,
            self.arena.pool_len + self.arena.fresh,
            "an empty span is neither in the pool nor fresh"
        );
        assert_eq!(used_bytes, self.arena.used_bytes, "used bytes are miscounted");
        assert_eq!(room_bytes, self.arena.room_bytes, "the room of spans in use is miscounted");
        assert_eq!(self.returned(), self.arena.holes, "what the system has back is miscounted");
        assert_eq!(self.arena.holes.iter().sum::<usize>(), self.arena.returned, "holes are miscounted");
        assert_eq!(listed, self.arena.listed(), "a span with room is in no list");
        assert_eq!(self.arena.pooled(), self.arena.pool_len, "the pool is miscounted");
    }

    /// How many spans of each chunk the system has back.
    fn returned(&self) -> Vec<usize> {
        let mut holes = vec![0; self.arena.holes.len()];
        for number in self.arena.numbers() {
            let span = self.arena.span(number);
            let is_returned = span.state == SpanState::Empty && span.bump == RETURNED;
            holes[number as usize / self.arena.cut.chunk_spans] += usize::from(is_returned);
        }
        holes
    }

    /// Compares one span with its owned slots; returns the bytes of the latter.
    fn check_span(&self, number: u32, span: &Span) -> usize {
        let start = number * SPAN_UNITS as u32;
        let from = self.slots.partition_point(|at| at.raw() < start);
        let to = self.slots.partition_point(|at| at.raw() < start + SPAN_UNITS as u32);
        assert_eq!(to - from, span.live as usize, "span {number} has slots that nobody owns");
        let units = CLASS_BYTES[span.class as usize] / UNIT_BYTES;
        let (mut free, mut free_len) = (span.free, 0);
        while free != NO_SLOT {
            let at = Ref::from_raw(start + u32::from(free)).expect("span 0 is never used");
            assert!(self.slots[from..to].binary_search(&at).is_err(), "{at:?} is owned and free");
            free =
                u16::from_le_bytes(*self.arena.tail(at).first_chunk().expect("a free slot holds its link"));
            free_len += 1;
            assert!(free_len <= SPAN_UNITS, "the free list of span {number} is a ring");
        }
        assert_eq!(to - from + free_len, span.bump as usize / units, "span {number} lost a slot");
        let room_units = self.arena.cut.room_bytes(span.class as usize) / UNIT_BYTES;
        assert!(usize::from(span.bump) <= room_units, "span {number} is cut beyond its end");
        let full = span.free == NO_SLOT && span.bump as usize + units > room_units;
        assert_eq!(full, span.state == SpanState::Full, "span {number} is in the wrong state");
        (to - from) * units * UNIT_BYTES
    }
}

impl Arena {
    /// All spans but number 0.
    fn numbers(&self) -> impl Iterator<Item = u32> {
        1..self.spans as u32
    }

    fn listed(&self) -> usize {
        self.partial.iter().map(|&first| self.list_len(first)).sum()
    }

    fn pooled(&self) -> usize {
        self.list_len(self.pool)
    }

    fn list_len(&self, first: u32) -> usize {
        let next = |&number: &u32| Some(self.span(number).next).filter(|&next| next != 0);
        std::iter::successors(Some(first).filter(|&first| first != 0), next).count()
    }
}
