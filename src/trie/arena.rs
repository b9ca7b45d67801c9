//! The only owner of user data: memory that never moves, cut into spans of one size class each.
//!
//! ```text
//! Ref (u32, in units of 8 B from the beginning; 0 is nobody):   span:21 | unit in span:11
//!
//! memory   [span 16 KiB][span][span]...   addresses for all of it, taken from the system by doubling up to 2 MiB, then
//!                                         in chunks of 2 MiB, each a huge page; see reservation.rs
//! span     [slot][slot][slot]...|rest       all of one class; full, or in its class' list, or empty in the pool
//! slot     live: its owner's bytes          free: [next free slot of the span: u16][..]
//! ```
//!
//! A span whose last slot is freed goes back to the pool and may serve any class next: per-class free lists alone
//! would keep what one size once needed (measured in the prototype: 135 % waste while nodes grow in lockstep).
//! Nothing larger than a span exists, so any free span serves any request and nothing fragments across spans.
//!
//! Tests cut only the beginning of each span into slots, and make chunks of few spans, see [`Pieces`](super::Pieces):
//! where a slot is and what its reference says stay the same.

mod give_back;
mod owned;
mod reservation;

pub(super) use owned::Owned;

use std::fmt;
use std::num::NonZeroU32;

pub(super) use reservation::Tail;
use reservation::{HUGE_BYTES, Reservation, TAIL_BYTES};

/// Bytes of one unit of a [`Ref`].
const UNIT_BYTES: usize = 8;
/// Bytes of a span, the largest slot there is.
pub(super) const SPAN_BYTES: usize = 16 << 10;
/// Fewest bytes of a span that slots are cut from, see [`Arena::cut_spans`].
pub(super) const SPAN_BYTES_MIN: usize = 512;
const SPAN_UNITS: usize = SPAN_BYTES / UNIT_BYTES;
/// Spans of the smallest memory.
const SPANS_MIN: usize = 4;
/// Spans of a chunk, which is a huge page.
const CHUNK_SPANS: usize = HUGE_BYTES / SPAN_BYTES;
/// Every span that a 32-bit reference can reach: 32 GiB.
const SPANS_REACHED: usize = (u32::MAX as usize + 1) / SPAN_UNITS;
/// Bytes behind the last span, so that every slot has a tail.
const BEHIND_BYTES: usize = TAIL_BYTES;
/// Spans beyond the limit for what must not fail: deleting needs a little too.
const SPANS_BEYOND: usize = CHUNK_SPANS;

/// In place of [`Span::bump`] of a span in the pool: the system has its memory back.
const RETURNED: u16 = 1;
/// A span with less in use is emptied, in hundredths.
const SPARSE_PERCENT: usize = 90;

/// Largest slot that shares its span with others.
pub(super) const SMALL_BYTES_MAX: usize = 4096;

/// Bytes of the slots of each class, rising. Steps keep the waste of rounding below an eighth, and above 1 KiB the
/// sizes are those that cut a span into 15, 14, 13, ... slots.
const CLASS_BYTES: [usize; 60] = {
    let mut sizes = [0; 60];
    let mut class = 0;
    let mut size = 16;
    while size <= 1024 {
        sizes[class] = size;
        class += 1;
        size += match size {
            0..256 => 8,
            256..512 => 32,
            _ => 64,
        };
    }
    let tail = [1088, 1168, 1256, 1360, 1488, 1632, 1816, 2048, 2336, 2728, 3272, 4096, SPAN_BYTES];
    let mut index = 0;
    while index < tail.len() {
        sizes[class] = tail[index];
        class += 1;
        index += 1;
    }
    assert!(class == sizes.len());
    sizes
};

/// The class of a size, by its units rounded up.
const CLASS_OF_UNITS: [u8; SMALL_BYTES_MAX / UNIT_BYTES + 1] = {
    let mut classes = [0; SMALL_BYTES_MAX / UNIT_BYTES + 1];
    let (mut units, mut class) = (0, 0);
    while units < classes.len() {
        if units * UNIT_BYTES > CLASS_BYTES[class] {
            class += 1;
        }
        classes[units] = class as u8;
        units += 1;
    }
    classes
};

/// Where a slot begins. `Option<Ref>` costs nothing; raw 0 is `None`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Ref(NonZeroU32);

impl Ref {
    /// The reference stored as `raw`.
    #[inline]
    pub(super) fn from_raw(raw: u32) -> Option<Ref> {
        NonZeroU32::new(raw).map(Ref)
    }

    /// How it is stored.
    #[inline]
    pub(super) fn raw(self) -> u32 {
        self.0.get()
    }

    /// Bytes before it.
    #[inline]
    fn offset(self) -> usize {
        self.raw() as usize * UNIT_BYTES
    }

    fn span(self) -> u32 {
        self.raw() / SPAN_UNITS as u32
    }
}

impl fmt::Debug for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:x}", self.raw())
    }
}

/// How an absent or present reference is stored.
#[inline]
pub(super) fn raw_of(at: Option<Ref>) -> u32 {
    at.map_or(0, Ref::raw)
}

/// The little-endian u32 at `offset`.
#[inline]
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(*bytes[offset..].first_chunk().expect("four bytes of a field"))
}

/// The reference stored at `offset`.
#[inline]
pub(super) fn ref_at(bytes: &[u8], offset: usize) -> Option<Ref> {
    Ref::from_raw(u32_at(bytes, offset))
}

/// Stores `value` little-endian at `offset`.
#[inline]
pub(super) fn set_u32(bytes: &mut [u8], offset: usize, value: u32) {
    bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
}

/// How the memory is cut, and when some of it is given back.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// Bytes at the beginning of each span that slots are cut from. Only a slot that is larger goes beyond; it has its
    /// span alone.
    span_bytes: usize,
    /// Spans that are taken from the system, and whose page size is chosen, together.
    chunk_spans: usize,
    /// Spans of the pool that are kept for what comes next.
    kept_spans: usize,
    /// What must be free at least in spans that are in use before some of them are emptied.
    waste_bytes_min: usize,
}

impl Cut {
    /// Whole spans; chunks that are huge pages.
    const USUAL: Cut =
        Cut { span_bytes: SPAN_BYTES, chunk_spans: CHUNK_SPANS, kept_spans: 64, waste_bytes_min: 256 << 10 };

    /// Spans with so many bytes for slots. If that is not all of them, everything else is small too: what happens once in
    /// many MiB usually happens once in some KiB then.
    fn into_spans_of(span_bytes: usize) -> Cut {
        assert!((SPAN_BYTES_MIN..=SPAN_BYTES).contains(&span_bytes) && span_bytes.is_multiple_of(UNIT_BYTES));
        if span_bytes == SPAN_BYTES {
            return Cut::USUAL;
        }
        Cut { span_bytes, chunk_spans: SPANS_MIN, kept_spans: 1, waste_bytes_min: 4 * span_bytes }
    }

    /// Bytes of a span of `class` that slots are cut from.
    fn room_bytes(self, class: usize) -> usize {
        self.span_bytes.max(CLASS_BYTES[class])
    }
}

/// Marks the end of a span's free list; no slot begins there.
const NO_SLOT: u16 = u16::MAX;

/// One span's bookkeeping. Spans are numbered from the beginning; number 0 is never used.
#[derive(Clone, Copy, Default)]
struct Span {
    /// Neighbours in the list of its class' spans with room, or in the pool (`next` only).
    previous: u32,
    next: u32,
    /// First free slot, in units from the span's start, or [`NO_SLOT`].
    free: u16,
    /// Where the slots that were never used begin, in units.
    bump: u16,
    /// Slots in use.
    live: u16,
    class: u8,
    state: SpanState,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum SpanState {
    /// Never used since it was taken from the system, or waiting in the pool.
    #[default]
    Empty,
    /// In the list of its class.
    Partial,
    Full,
    /// Being emptied: in no list until that is done.
    Sparse,
}

/// No span is left within the limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Exhausted;

/// All slots of one trie.
pub(super) struct Arena {
    memory: Reservation,
    cut: Cut,
    /// The books of all spans, by the [`CHUNK_SPANS`]; they do not move either.
    #[expect(clippy::vec_box, reason = "a long vector of them would take long to move")]
    books: Vec<Box<[Span; CHUNK_SPANS]>>,
    /// How many spans of each chunk the system has back.
    holes: Vec<usize>,
    /// First span with room of each class; 0: none.
    partial: [u32; CLASS_BYTES.len()],
    /// First span of the pool; 0: none.
    pool: u32,
    pool_len: usize,
    /// Spans that were never handed out; they are the last ones.
    fresh: usize,
    /// Spans that were taken from the system.
    spans: usize,
    spans_max: usize,
    used_bytes: usize,
    /// Bytes that slots are cut from, of all spans that have one.
    room_bytes: usize,
    /// Spans that are being emptied, or were since they were marked.
    sparse: Vec<u32>,
    /// Spans of the pool whose memory the system has back.
    returned: usize,
}

impl Arena {
    /// An arena that owns nothing yet and never will own more than `bytes_max` (or what references can reach).
    pub(super) fn new(bytes_max: usize) -> Arena {
        Arena {
            memory: Reservation::default(),
            cut: Cut::USUAL,
            books: Vec::new(),
            holes: Vec::new(),
            partial: [0; CLASS_BYTES.len()],
            pool: 0,
            pool_len: 0,
            fresh: 0,
            spans: 0,
            spans_max: (bytes_max / SPAN_BYTES).min(SPANS_REACHED - SPANS_BEYOND),
            used_bytes: 0,
            room_bytes: 0,
            sparse: Vec::new(),
            returned: 0,
        }
    }

    /// Uses no more than `span_bytes` of each span for slots, a multiple of 8 from [`SPAN_BYTES_MIN`] to [`SPAN_BYTES`],
    /// so that a few KiB fill many. What [`Arena::reserve`] promises counts in whole spans: with smaller ones it may be
    /// exceeded, which nobody notices where no limit is near.
    pub(super) fn cut_spans(&mut self, span_bytes: usize) {
        assert!(self.spans == 0, "memory in use is cut already");
        self.cut = Cut::into_spans_of(span_bytes);
    }

    /// Bytes of a span that slots are cut from.
    pub(super) fn span_bytes(&self) -> usize {
        self.cut.span_bytes
    }

    /// Bytes of all slots in use, rounding included.
    pub(super) fn used_bytes(&self) -> usize {
        self.used_bytes
    }

    /// Bytes taken from the system, but for what it has back; those of spans that are not cut to their end too.
    pub(super) fn reserved_bytes(&self) -> usize {
        (self.spans - self.returned) * SPAN_BYTES
    }

    /// Bytes that may still be taken, what is free of those in the system's hands included.
    pub(super) fn spare_bytes(&self) -> usize {
        (self.spans_max.saturating_sub(self.spans) + self.pool_len + self.fresh) * SPAN_BYTES
    }

    /// Promises that slots which fill at most `spans` empty spans can be had; so that who needs several slots fails
    /// before the first and not between two.
    #[inline]
    pub(super) fn reserve(&mut self, spans: usize) -> Result<(), Exhausted> {
        match spans.saturating_sub(self.pool_len + self.fresh) {
            0 => Ok(()),
            missing => self.grow(missing, self.spans_max),
        }
    }

    /// The bytes from `at` on; the owner knows how many of them are its own.
    #[inline(always)]
    pub(super) fn tail(&self, at: Ref) -> &Tail {
        self.memory.tail(at.offset())
    }

    /// As [`Arena::tail`], to write.
    #[inline(always)]
    pub(super) fn tail_mut(&mut self, at: Ref) -> &mut Tail {
        self.memory.tail_mut(at.offset())
    }

    /// How many bytes a slot for `bytes` has.
    pub(super) fn rounded(bytes: usize) -> usize {
        CLASS_BYTES[class_of(bytes)]
    }

    /// How many bytes the slot at `at` has.
    pub(super) fn slot_bytes(&self, at: Ref) -> usize {
        CLASS_BYTES[self.span(at.span()).class as usize]
    }

    /// A slot for `bytes` bytes, whose content is arbitrary.
    ///
    /// # Panics
    /// If nothing is left: [`Arena::reserve`] comes first.
    pub(super) fn alloc(&mut self, bytes: usize) -> Ref {
        let class = class_of(bytes);
        let number = match self.partial[class] {
            0 => self.open_span(class),
            number => number,
        };
        let units = (CLASS_BYTES[class] / UNIT_BYTES) as u16;
        let span_units = self.cut.span_bytes / UNIT_BYTES;
        let span = self.span_mut(number);
        let unit = match span.free {
            NO_SLOT => {
                span.bump += units;
                span.bump - units
            }
            free => free,
        };
        span.live += 1;
        let at = Ref::from_raw(number * SPAN_UNITS as u32 + u32::from(unit)).expect("span 0 is never used");
        if span.free == unit {
            let next = u16::from_le_bytes(*self.tail(at).first_chunk().expect("a free slot holds its link"));
            self.span_mut(number).free = next;
        }
        let span = self.span_mut(number);
        if span.free == NO_SLOT && usize::from(span.bump + units) > span_units {
            span.state = SpanState::Full;
            self.unlist(number);
        }
        self.used_bytes += CLASS_BYTES[class];
        at
    }

    /// Gives the slot at `at` back.
    pub(super) fn free(&mut self, at: Ref) {
        let number = at.span();
        let unit = (at.raw() as usize % SPAN_UNITS) as u16;
        let span = self.span_mut(number);
        assert!(span.live > 0, "a slot of an empty span is freed");
        let (next, class) = (std::mem::replace(&mut span.free, unit), span.class as usize);
        span.live -= 1;
        let (state, live) = (span.state, span.live);
        self.tail_mut(at)[..2].copy_from_slice(&next.to_le_bytes());
        self.used_bytes -= CLASS_BYTES[class];
        if live == 0 {
            if state == SpanState::Partial {
                self.unlist(number);
            }
            let pool = std::mem::replace(&mut self.pool, number);
            self.pool_len += 1;
            self.room_bytes -= self.cut.room_bytes(class);
            *self.span_mut(number) = Span { next: pool, ..Span::default() };
        } else if state == SpanState::Full {
            self.enlist(number, class);
        }
    }

    /// Takes an empty span for `class`, from the pool if it has one.
    fn open_span(&mut self, class: usize) -> u32 {
        let number = match self.pool {
            0 => self.fresh_span(),
            number => {
                let Span { next, bump, .. } = *self.span(number);
                self.pool = next;
                self.pool_len -= 1;
                if bump == RETURNED {
                    self.take_back(number);
                }
                number
            }
        };
        self.room_bytes += self.cut.room_bytes(class);
        *self.span_mut(number) = Span { free: NO_SLOT, class: class as u8, ..Span::default() };
        self.enlist(number, class);
        number
    }

    fn fresh_span(&mut self) -> u32 {
        if self.fresh == 0 {
            self.grow(1, self.spans_max + SPANS_BEYOND).expect("reserve comes before alloc");
        }
        let number = self.spans - self.fresh;
        self.fresh -= 1;
        number as u32
    }

    /// Takes at least `missing` more spans from the system, so that there are at most `spans_max`.
    #[cold]
    fn grow(&mut self, missing: usize, spans_max: usize) -> Result<(), Exhausted> {
        self.reserve_addresses()?;
        let spans_max = spans_max.min(self.spans_max + SPANS_BEYOND);
        // Span 0 stays unused so that no slot has reference 0.
        let least = self.spans + missing + usize::from(self.spans == 0);
        let chunk_spans = self.cut.chunk_spans;
        let wished = least.max(self.spans + self.spans.clamp(SPANS_MIN, chunk_spans));
        let whole_chunks = if least > chunk_spans { chunk_spans } else { 1 };
        let spans = wished.next_multiple_of(whole_chunks).min(spans_max);
        if spans < least || !self.memory.commit(spans * SPAN_BYTES + BEHIND_BYTES) {
            return Err(Exhausted);
        }
        while self.books.len() * CHUNK_SPANS < spans {
            self.books.push(Box::new([Span::default(); CHUNK_SPANS]));
        }
        self.holes.resize(spans.div_ceil(chunk_spans), 0);
        self.fresh += spans - self.spans - usize::from(self.spans == 0);
        self.spans = spans;
        Ok(())
    }

    /// Takes the addresses for all that may come, if that was not done yet. Where the process may not have that many,
    /// the limit becomes lower.
    fn reserve_addresses(&mut self) -> Result<(), Exhausted> {
        if self.memory.reserved() > 0 {
            return Ok(());
        }
        let bytes = (self.spans_max + SPANS_BEYOND) * SPAN_BYTES + BEHIND_BYTES;
        self.memory = Reservation::new(bytes, 2 * SPANS_BEYOND * SPAN_BYTES).ok_or(Exhausted)?;
        self.spans_max = self.spans_max.min(self.memory.reserved() / SPAN_BYTES - SPANS_BEYOND - 1);
        Ok(())
    }

    #[inline]
    fn span(&self, number: u32) -> &Span {
        &self.books[number as usize / CHUNK_SPANS][number as usize % CHUNK_SPANS]
    }

    #[inline]
    fn span_mut(&mut self, number: u32) -> &mut Span {
        &mut self.books[number as usize / CHUNK_SPANS][number as usize % CHUNK_SPANS]
    }

    /// Puts a span at the head of its class' list.
    fn enlist(&mut self, number: u32, class: usize) {
        let next = std::mem::replace(&mut self.partial[class], number);
        let span = self.span_mut(number);
        (span.previous, span.next, span.state) = (0, next, SpanState::Partial);
        if next != 0 {
            self.span_mut(next).previous = number;
        }
    }

    /// Takes a span out of its class' list.
    fn unlist(&mut self, number: u32) {
        let Span { previous, next, class, .. } = *self.span(number);
        match previous {
            0 => self.partial[class as usize] = next,
            previous => self.span_mut(previous).next = next,
        }
        if next != 0 {
            self.span_mut(next).previous = previous;
        }
    }
}

#[inline]
fn class_of(bytes: usize) -> usize {
    match CLASS_OF_UNITS.get(bytes.div_ceil(UNIT_BYTES)) {
        Some(&class) => class as usize,
        None => {
            assert!(bytes <= SPAN_BYTES, "no slot is larger than a span");
            CLASS_BYTES.len() - 1
        }
    }
}

#[cfg(test)]
mod tests;
