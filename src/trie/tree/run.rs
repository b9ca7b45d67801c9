//! Runs: the packed bottom of the tree. A run is a whole small subtrie in one slot, its entries in key order.
//!
//! ```text
//! [1 . . . shared same_size same_tag same_len: u8][count: u8][prefix_len: u8]
//! [len: u8, if same][tag: u8, if same][size: u8, if same][suffix bytes: u16]       8 B
//! [prefix]                    what all keys continue with
//! [marks; count]              a hash of each suffix; none where all suffixes are of one byte or none
//! [lens; count]               unless all suffixes are as long
//! [tags; count]               unless all tags are the same
//! [sizes; count]              unless all bodies are as long
//! [suffixes]                  what each key ends with, rising
//! [bodies]
//! ```
//! A lookup compares the prefix, hashes the rest to one byte, compares that with all marks at once, and then one suffix.

use super::super::arena::{Arena, Ref, Tail};
use super::super::words::{continues, first_word, same, word, word_of_key};
use super::search::{BLOCK_BYTES, PLACES, chunk, matches, prefetch_lines, sum};
use std::cmp::Ordering;

/// Set in the first byte of every run, never in a node's.
pub(in super::super) const RUN: u8 = 0x80;
pub(super) const SAME_LEN: u8 = 1;
pub(super) const SAME_TAG: u8 = 2;
pub(super) const SAME_SIZE: u8 = 4;
/// Several edges of a node lead to the run; its suffixes begin with the edge.
pub(super) const SHARED: u8 = 8;

pub(super) const HEAD_BYTES: usize = 8;
pub(super) const LEN_OFFSET: usize = 3;
pub(super) const TAG_OFFSET: usize = 4;
pub(super) const SIZE_OFFSET: usize = 5;
pub(super) const SUFFIXES_OFFSET: usize = 6;
/// Entries that no run has more of.
pub(in super::super) const ENTRIES_MAX: usize = BLOCK_BYTES;
/// Lines of a run that are asked for at once.
pub(super) const RUN_LINES: usize = 8;
/// Longest body, suffix and prefix.
pub(in super::super) const PART_BYTES_MAX: usize = 255;

/// What one key has: a tag and a body, which mean nothing to the tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) struct Entry<'a> {
    pub(in super::super) tag: u8,
    pub(in super::super) body: &'a [u8],
}

/// A run, to read.
#[derive(Clone, Copy)]
pub(in super::super) struct Run<'a> {
    pub(super) bytes: &'a Tail,
    /// Its first eight bytes.
    head: u64,
}

/// The numbers in a run's head; those that all entries have alike.
pub(super) struct Head {
    /// [`SHARED`] or nothing.
    pub(super) shared: u8,
    pub(super) count: usize,
    pub(super) prefix_len: usize,
    pub(super) len: Option<u8>,
    pub(super) tag: Option<u8>,
    pub(super) size: Option<u8>,
    /// Bytes of all suffixes.
    pub(super) suffixes: usize,
}

impl Head {
    /// Whether the suffixes are their own marks.
    pub(super) fn is_unmarked(&self) -> bool {
        self.len.is_some_and(|len| len <= 1)
    }

    pub(super) fn bytes(&self) -> [u8; HEAD_BYTES] {
        let flag = |number: Option<u8>, flag: u8| if number.is_some() { flag } else { 0 };
        let flags = flag(self.len, SAME_LEN) | flag(self.tag, SAME_TAG) | flag(self.size, SAME_SIZE);
        let [low, high] = (self.suffixes as u16).to_le_bytes();
        let [len, tag, size] = [self.len, self.tag, self.size].map(Option::unwrap_or_default);
        [RUN | self.shared | flags, self.count as u8, self.prefix_len as u8, len, tag, size, low, high]
    }
}

/// Where the parts of a run begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) count: usize,
    pub(super) marks: usize,
    pub(super) lens: usize,
    pub(super) tags: usize,
    pub(super) sizes: usize,
    pub(super) suffixes: usize,
    pub(super) bodies: usize,
}

/// The mark of a suffix.
#[inline]
pub(super) fn mark_of(suffix: &[u8]) -> u8 {
    mark_by(first_word(suffix), suffix)
}

/// The mark of a suffix whose first eight bytes, zeros behind them, are `word`.
#[inline(always)]
fn mark_by(word: u64, suffix: &[u8]) -> u8 {
    let last = match suffix.last_chunk() {
        Some(last) if suffix.len() > 8 => u64::from_le_bytes(*last).rotate_left(29),
        _ => 0,
    };
    ((word ^ last ^ suffix.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
}

/// Eight bytes of which only the first `len` count, as a number that orders as they do.
#[inline(always)]
fn lead(word: u64, len: usize) -> u64 {
    let word = word.swap_bytes();
    if len < 8 { word & !(u64::MAX >> (8 * len)) } else { word }
}

/// A suffix whose place is looked for: behind its like if `WITH_SAME`.
struct Target<'k, const WITH_SAME: bool> {
    suffix: &'k [u8],
    lead: u64,
}

impl<const WITH_SAME: bool> Target<'_, WITH_SAME> {
    /// Whether its place is above the `len` bytes that begin at `start`.
    #[inline(always)]
    fn is_above(&self, bytes: &Tail, start: usize, len: usize) -> bool {
        let lead = lead(u64::from_le_bytes(*chunk(bytes, start)), len);
        if lead != self.lead {
            return lead < self.lead;
        }
        let other = &bytes[start..start + len];
        if WITH_SAME { *other <= *self.suffix } else { *other < *self.suffix }
    }
}

impl<'a> Run<'a> {
    #[inline(always)]
    pub(in super::super) fn new(bytes: &'a Tail) -> Run<'a> {
        debug_assert!(bytes[0] & RUN != 0, "a node is no run");
        Run { bytes, head: word(bytes, 0) }
    }

    /// One byte of the head.
    #[inline(always)]
    fn head_at(self, offset: usize) -> usize {
        (self.head >> (8 * offset) & 0xFF) as usize
    }

    #[inline]
    pub(in super::super) fn at(arena: &'a Arena, at: Ref) -> Run<'a> {
        Run::new(arena.tail(at))
    }

    #[inline]
    pub(super) fn has(self, flag: u8) -> bool {
        self.head as u8 & flag != 0
    }

    #[inline]
    pub(in super::super) fn is_shared(self) -> bool {
        self.has(SHARED)
    }

    #[inline]
    pub(in super::super) fn count(self) -> usize {
        self.head_at(1)
    }

    #[inline]
    pub(in super::super) fn prefix(self) -> &'a [u8] {
        &self.bytes[HEAD_BYTES..HEAD_BYTES + self.head_at(2)]
    }

    /// What begins with the prefix, and how long that is.
    #[inline(always)]
    pub(super) fn prefix_and_more(self) -> (&'a [u8], usize) {
        (&self.bytes[HEAD_BYTES..], self.head_at(2))
    }

    /// Whether the suffixes are their own marks.
    #[inline]
    pub(super) fn is_unmarked(self) -> bool {
        self.has(SAME_LEN) && self.head_at(LEN_OFFSET) <= 1
    }

    #[inline(always)]
    pub(super) fn layout(self) -> Layout {
        let count = self.count();
        let marks = HEAD_BYTES + self.head_at(2);
        let lens = marks + if self.is_unmarked() { 0 } else { count };
        let tags = lens + if self.has(SAME_LEN) { 0 } else { count };
        let sizes = tags + if self.has(SAME_TAG) { 0 } else { count };
        let suffixes = sizes + if self.has(SAME_SIZE) { 0 } else { count };
        let bytes = (self.head >> (8 * SUFFIXES_OFFSET)) as usize;
        Layout { count, marks, lens, tags, sizes, suffixes, bodies: suffixes + bytes }
    }

    /// The number of the entry at `index` in a column.
    #[inline(always)]
    fn cell(self, column: usize, index: usize) -> u8 {
        self.bytes[(column + index) % PLACES]
    }

    #[inline(always)]
    pub(super) fn len_at(self, layout: &Layout, index: usize) -> usize {
        if self.has(SAME_LEN) { self.head_at(LEN_OFFSET) } else { self.cell(layout.lens, index).into() }
    }

    #[inline(always)]
    pub(super) fn tag_at(self, layout: &Layout, index: usize) -> u8 {
        if self.has(SAME_TAG) { self.head_at(TAG_OFFSET) as u8 } else { self.cell(layout.tags, index) }
    }

    #[inline(always)]
    pub(super) fn size_at(self, layout: &Layout, index: usize) -> usize {
        if self.has(SAME_SIZE) { self.head_at(SIZE_OFFSET) } else { self.cell(layout.sizes, index).into() }
    }

    /// Where the suffix at `index`, which may be the count, begins.
    #[inline(always)]
    pub(super) fn suffix_start(self, layout: &Layout, index: usize) -> usize {
        layout.suffixes
            + if self.has(SAME_LEN) {
                index * self.head_at(LEN_OFFSET)
            } else {
                sum(self.bytes, layout.lens, index)
            }
    }

    /// Where the body at `index`, which may be the count, begins.
    #[inline(always)]
    pub(super) fn body_start(self, layout: &Layout, index: usize) -> usize {
        layout.bodies
            + if self.has(SAME_SIZE) {
                index * self.head_at(SIZE_OFFSET)
            } else {
                sum(self.bytes, layout.sizes, index)
            }
    }

    /// Bytes of the whole run.
    pub(in super::super) fn len(self) -> usize {
        let layout = self.layout();
        self.body_start(&layout, layout.count)
    }

    #[inline(always)]
    pub(super) fn entry(self, layout: &Layout, index: usize) -> Entry<'a> {
        let start = self.body_start(layout, index) % PLACES;
        let body = &self.bytes[start..start + self.size_at(layout, index)];
        Entry { tag: self.tag_at(layout, index), body }
    }

    /// Bytes that the entry at `index` takes: its suffix and body, and its mark and numbers where they are stored.
    pub(super) fn entry_bytes(self, index: usize) -> usize {
        let layout = self.layout();
        let columns = (layout.suffixes - layout.marks) / layout.count;
        self.len_at(&layout, index) + self.size_at(&layout, index) + columns
    }

    /// The tag of the entry at `index`, and where its body begins.
    pub(in super::super) fn place_at(self, index: usize) -> (u8, usize) {
        let layout = self.layout();
        (self.tag_at(&layout, index), self.body_start(&layout, index))
    }

    /// The entry at `index`.
    #[inline]
    pub(in super::super) fn entry_at(self, index: usize) -> Entry<'a> {
        self.entry(&self.layout(), index)
    }

    /// The suffix at `index`, without the prefix.
    pub(in super::super) fn suffix_at(self, index: usize) -> &'a [u8] {
        let layout = self.layout();
        let start = self.suffix_start(&layout, index);
        &self.bytes[start..start + self.len_at(&layout, index)]
    }

    /// The index of `key`, of which `depth` bytes lead to this run.
    #[inline]
    pub(in super::super) fn find(self, key: &[u8], depth: usize) -> Option<usize> {
        self.find_in(&self.layout(), key, depth)
    }

    #[inline(always)]
    fn find_in(self, layout: &Layout, key: &[u8], depth: usize) -> Option<usize> {
        let prefix_len = self.head_at(2);
        if !continues(key, depth, &self.bytes[HEAD_BYTES..], prefix_len) {
            return None;
        }
        let depth = depth + prefix_len;
        let suffix = &key[depth..];
        let word = word_of_key(key, depth);
        let same_len = self.has(SAME_LEN);
        if same_len && suffix.len() != self.head_at(LEN_OFFSET) {
            return None;
        }
        let (marks, mark) = match suffix.len() {
            0 if same_len => return Some(0),
            1 if same_len => (layout.suffixes, word as u8),
            _ => (layout.marks, mark_by(word, suffix)),
        };
        let mut alike = matches(self.bytes, marks, layout.count, mark);
        while alike != 0 {
            let index = alike.trailing_zeros() as usize;
            if self.len_at(layout, index) == suffix.len()
                && self.begins(self.suffix_start(layout, index), word, suffix)
            {
                return Some(index);
            }
            alike &= alike - 1;
        }
        None
    }

    /// Whether `suffix`, whose first eight bytes, zeros behind them, are `word`, is what begins at `start`.
    #[inline(always)]
    fn begins(self, start: usize, word: u64, suffix: &[u8]) -> bool {
        let difference = u64::from_le_bytes(*chunk(self.bytes, start)) ^ word;
        match suffix.len() {
            0 => true,
            len @ 1..=8 => difference << (64 - 8 * len) == 0,
            len => difference == 0 && same(&self.bytes[start..start + len], suffix),
        }
    }

    /// The entry of `key`, of which `depth` bytes lead to the run that begins `bytes`. Not inlined, and with bytes and not a
    /// run as its argument: so the descents before it keep their registers.
    #[inline(never)]
    pub(in super::super) fn get(bytes: &'a Tail, key: &[u8], depth: usize) -> Option<Entry<'a>> {
        // Where in it the suffix and the body are is known late, which lines a run has mostly at once.
        prefetch_lines(bytes, 1..RUN_LINES);
        let run = Run::new(bytes);
        let layout = run.layout();
        Some(run.entry(&layout, run.find_in(&layout, key, depth)?))
    }

    /// How many keys are below the one that continues with `rest`, or are it if `WITH_SAME`.
    pub(super) fn position<const WITH_SAME: bool>(self, rest: &[u8]) -> usize {
        let prefix = self.prefix();
        match rest.get(..prefix.len()) {
            Some(head) => match prefix.cmp(head) {
                Ordering::Equal => {}
                Ordering::Less => return self.count(),
                Ordering::Greater => return 0,
            },
            // `rest` ends inside of the prefix, or before.
            None if *prefix < *rest => return self.count(),
            None => return 0,
        }
        self.suffix_position_by::<WITH_SAME>(&rest[prefix.len()..])
    }

    /// How many suffixes are `suffix` or below.
    pub(in super::super) fn suffix_position_behind(self, suffix: &[u8]) -> usize {
        self.suffix_position_by::<true>(suffix)
    }

    /// How many suffixes are below `suffix`.
    pub(in super::super) fn suffix_position(self, suffix: &[u8]) -> usize {
        self.suffix_position_by::<false>(suffix)
    }

    fn suffix_position_by<const WITH_SAME: bool>(self, suffix: &[u8]) -> usize {
        let layout = self.layout();
        let target = Target::<WITH_SAME> { suffix, lead: first_word(suffix).swap_bytes() };
        if self.has(SAME_LEN) {
            let len = self.bytes[LEN_OFFSET] as usize;
            if len == 0 {
                return usize::from(WITH_SAME || !suffix.is_empty());
            }
            let (mut low, mut high) = (0, layout.count);
            while low < high {
                let middle = (low + high) / 2;
                if target.is_above(self.bytes, layout.suffixes + middle * len, len) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            return low;
        }
        // Halves first, then one by one: where a suffix begins is a sum of lengths.
        const FEW: usize = 8;
        let lens = &self.bytes[layout.lens..layout.lens + layout.count];
        let (mut low, mut high, mut start) = (0, layout.count, layout.suffixes);
        while high - low > FEW {
            let middle = (low + high) / 2;
            let here = start + sum(self.bytes, layout.lens + low, middle - low);
            let len = lens[middle] as usize;
            if target.is_above(self.bytes, here, len) {
                (low, start) = (middle + 1, here + len);
            } else {
                high = middle;
            }
        }
        for (index, &len) in lens[low..high].iter().enumerate() {
            if !target.is_above(self.bytes, start, len as usize) {
                return low + index;
            }
            start += len as usize;
        }
        high
    }

    /// All entries with their suffixes, in order.
    pub(in super::super) fn entries(self) -> impl Iterator<Item = (&'a [u8], Entry<'a>)> {
        let mut walk = self.walk();
        std::iter::from_fn(move || walk.next(self).map(|passed| (passed.suffix(), passed.entry())))
    }

    /// A walk over all entries.
    #[inline(always)]
    pub(super) fn walk(self) -> RunWalk {
        self.walk_from(0)
    }

    /// A walk over the entries from `index` on.
    #[inline(always)]
    pub(super) fn walk_from(self, index: usize) -> RunWalk {
        let layout = self.layout();
        let (suffix, body) = match index {
            0 => (layout.suffixes, layout.bodies),
            _ => (self.suffix_start(&layout, index), self.body_start(&layout, index)),
        };
        RunWalk { layout, index, end: layout.count, suffix, body }
    }
}

/// A place in a run before an entry, kept by whoever has the run.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunWalk {
    layout: Layout,
    index: usize,
    /// Entries that it is to see, those before the first included.
    end: usize,
    /// Where the next suffix and body begin.
    suffix: usize,
    body: usize,
}

impl RunWalk {
    /// Whether there is another entry that it is to see.
    #[inline(always)]
    pub(super) fn has_next(&self) -> bool {
        self.index < self.end
    }

    /// Whether it is not to see all entries.
    #[inline(always)]
    pub(super) fn is_cut(&self) -> bool {
        self.end < self.layout.count
    }

    /// Lets it see no more than the first `end` entries.
    #[inline(always)]
    pub(super) fn end_at(&mut self, end: usize) {
        debug_assert!(end <= self.layout.count);
        self.end = end;
    }

    /// Ends, and says how many of the entries that it was to see have a tag that counts. Where the next suffix and body
    /// would begin is not known then.
    #[inline]
    pub(super) fn count_rest(&mut self, run: Run<'_>, counts: impl Fn(u8) -> bool) -> usize {
        let left = self.index..self.end;
        self.index = self.end;
        match run.has(SAME_TAG) {
            true if counts(run.tag_at(&self.layout, 0)) => left.len(),
            true => 0,
            false => left.filter(|&index| counts(run.tag_at(&self.layout, index))).count(),
        }
    }

    /// Moves over the next entry of the same run.
    #[inline(always)]
    pub(super) fn next<'a>(&mut self, run: Run<'a>) -> Option<Passed<'a>> {
        if !self.has_next() {
            return None;
        }
        let passed = Passed {
            suffix: &run.bytes[self.suffix % PLACES..],
            len: run.len_at(&self.layout, self.index),
            tag: run.tag_at(&self.layout, self.index),
            body: &run.bytes[self.body % PLACES..],
            size: run.size_at(&self.layout, self.index),
        };
        self.index += 1;
        self.suffix += passed.len;
        self.body += passed.size;
        Some(passed)
    }
}

/// An entry that a walk moved over.
#[derive(Clone, Copy)]
pub(super) struct Passed<'a> {
    /// What begins with the suffix, which has `len` bytes.
    pub(super) suffix: &'a [u8],
    pub(super) len: usize,
    tag: u8,
    /// What begins with the body, which has `size` bytes.
    pub(super) body: &'a [u8],
    pub(super) size: usize,
}

impl<'a> Passed<'a> {
    #[inline(always)]
    pub(super) fn suffix(&self) -> &'a [u8] {
        &self.suffix[..self.len]
    }

    #[inline(always)]
    pub(super) fn entry(&self) -> Entry<'a> {
        Entry { tag: self.tag, body: &self.body[..self.size] }
    }
}

/// Panics unless the run is well-formed.
pub(super) fn check(run: Run<'_>) {
    let layout = run.layout();
    assert!((1..=ENTRIES_MAX).contains(&layout.count), "a run has {} entries", layout.count);
    assert_eq!(run.suffix_start(&layout, layout.count), layout.bodies, "a run's suffixes are miscounted");
    let suffixes: Vec<&[u8]> = run.entries().map(|(suffix, _)| suffix).collect();
    assert!(suffixes.windows(2).all(|pair| pair[0] < pair[1]), "a run's keys are out of order");
    for (index, suffix) in suffixes.iter().enumerate() {
        if !run.is_unmarked() {
            assert_eq!(run.bytes[layout.marks + index], mark_of(suffix), "a run has a wrong mark");
        }
        assert_eq!(run.suffix_position(suffix), index, "a run's search goes astray");
    }
    let unmarked = suffixes.iter().all(|suffix| suffix.len() == suffixes[0].len()) && suffixes[0].len() <= 1;
    assert_eq!(run.is_unmarked(), unmarked, "a run keeps marks that it does not need");
}
