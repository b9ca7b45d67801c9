//! Entries taken out of the arena, to be built into runs and nodes anew; and what else every change needs to work in.

use std::ops::Range;

use super::super::arena::{Arena, Ref};
use super::Step;
use super::buffer::Buffer;
use super::run::{ENTRIES_MAX, Entry, HEAD_BYTES, Head, PART_BYTES_MAX, Run, SHARED, mark_of};
use crate::trie::radix::common_len;

/// How large runs become.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct RunLimits {
    pub(in super::super) entries: usize,
    pub(in super::super) bytes: usize,
}

impl Default for RunLimits {
    fn default() -> RunLimits {
        RunLimits { entries: ENTRIES_MAX, bytes: 1536 }
    }
}

/// What changes of a tree work in, kept from one to the next.
#[derive(Debug, Default)]
pub(in super::super) struct Workshop {
    /// The way to what was located last.
    pub(super) steps: Vec<Step>,
    /// How often anything was located.
    pub(super) lookups: u64,
    pub(super) stage: Stage,
    /// A run that is being written.
    pub(super) out: Buffer,
    pub(in super::super) limits: RunLimits,
}

impl Workshop {
    /// Begins another way.
    #[inline]
    pub(super) fn begin(&mut self) -> &mut Vec<Step> {
        self.lookups += 1;
        self.steps.clear();
        &mut self.steps
    }

    /// How often anything was located: as long as it is the same, so is the way.
    #[inline]
    pub(in super::super) fn lookups(&self) -> u64 {
        self.lookups
    }
}

/// Entries in key order.
#[derive(Debug, Default)]
pub(super) struct Stage {
    bytes: Buffer,
    entries: Vec<Staged>,
}

/// Key and body of one, in the stage's bytes.
#[derive(Clone, Copy, Debug)]
struct Staged {
    start: u32,
    key_len: u32,
    size: u8,
    tag: u8,
}

impl Staged {
    fn body(self) -> usize {
        (self.start + self.key_len) as usize
    }
}

impl Stage {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Puts an entry at `index`; its key is all parts of `key` together.
    pub(super) fn insert(&mut self, index: usize, key: &[&[u8]], entry: Entry<'_>) {
        let start = self.bytes.len();
        key.iter().for_each(|part| self.bytes.extend(part));
        let key_len = self.bytes.len() - start;
        self.bytes.extend(entry.body);
        self.entries.insert(index, Stage::staged(start, key_len, entry));
    }

    /// Takes entries out.
    pub(super) fn remove(&mut self, entries: Range<usize>) {
        self.entries.drain(entries);
    }

    fn staged(start: usize, key_len: usize, entry: Entry<'_>) -> Staged {
        let (start, key_len) = (start as u32, key_len as u32);
        Staged { start, key_len, size: entry.body.len() as u8, tag: entry.tag }
    }

    /// Appends all entries of a run, `lead` before their keys.
    pub(super) fn load(&mut self, arena: &Arena, at: Ref, lead: &[u8]) {
        let run = Run::at(arena, at);
        let prefix = run.prefix();
        let above = lead.len() + prefix.len();
        self.bytes.reserve(run.count() * above + run.len());
        self.entries.reserve(run.count());
        let mut walk = run.walk();
        while let Some(passed) = walk.next(run) {
            let start = self.bytes.len();
            if above > 0 {
                self.bytes.extend(lead);
                self.bytes.extend(prefix);
            }
            self.bytes.extend_by(passed.suffix, passed.len);
            self.bytes.extend_by(passed.body, passed.size);
            self.entries.push(Stage::staged(start, above + passed.len, passed.entry()));
        }
    }

    /// Puts an entry where its key belongs, which must be new.
    pub(super) fn insert_sorted(&mut self, key: &[u8], entry: Entry<'_>) {
        let index = (0..self.len()).take_while(|&index| self.key(index) < key).count();
        self.insert(index, &[key], entry);
    }

    pub(super) fn key(&self, index: usize) -> &[u8] {
        let Staged { start, key_len, .. } = self.entries[index];
        &self.bytes.get()[start as usize..][..key_len as usize]
    }

    /// Writes the run of the entries in `low..high`, from byte `depth` of their keys on, to `out`.
    pub(super) fn write_run(&self, low: usize, high: usize, depth: usize, shared: bool, out: &mut Buffer) {
        let prefix_len = self.common(low, high, depth).min(PART_BYTES_MAX);
        let above = depth + prefix_len;
        let staged = &self.entries[low..high];
        let len_of = |staged: &Staged| staged.key_len as usize - above;
        let suffix_of = |staged: &Staged| self.bytes.tail(staged.start as usize + above);
        let first = staged[0];
        let head = Head {
            shared: if shared { SHARED } else { 0 },
            count: staged.len(),
            prefix_len,
            len: staged.iter().all(|other| other.key_len == first.key_len).then(|| len_of(&first) as u8),
            tag: staged.iter().all(|other| other.tag == first.tag).then_some(first.tag),
            size: staged.iter().all(|other| other.size == first.size).then_some(first.size),
            suffixes: staged.iter().map(len_of).sum(),
        };
        out.clear();
        out.reserve(self.run_bytes(low, high, depth).expect("who writes a run has seen that it is one"));
        out.extend(&head.bytes());
        out.extend(&self.key(low)[depth..above]);
        if !head.is_unmarked() {
            staged.iter().for_each(|staged| out.push(mark_of(&suffix_of(staged)[..len_of(staged)])));
        }
        if head.len.is_none() {
            staged.iter().for_each(|staged| out.push(len_of(staged) as u8));
        }
        if head.tag.is_none() {
            staged.iter().for_each(|staged| out.push(staged.tag));
        }
        if head.size.is_none() {
            staged.iter().for_each(|staged| out.push(staged.size));
        }
        staged.iter().for_each(|staged| out.extend_by(suffix_of(staged), len_of(staged)));
        staged.iter().for_each(|staged| out.extend_by(self.bytes.tail(staged.body()), staged.size.into()));
    }

    /// How many bytes, from byte `depth` on, the keys in `low..high` have in common.
    pub(super) fn common(&self, low: usize, high: usize, depth: usize) -> usize {
        common_len(&self.key(low)[depth..], &self.key(high - 1)[depth..])
    }

    /// How much of a run the entries in `low..high` take from byte `depth` of their keys on; `None` if they cannot be
    /// one run.
    pub(super) fn run_bytes(&self, low: usize, high: usize, depth: usize) -> Option<usize> {
        if high - low > ENTRIES_MAX {
            return None;
        }
        let prefix = self.common(low, high, depth).min(PART_BYTES_MAX);
        let mut total = HEAD_BYTES + prefix;
        for staged in &self.entries[low..high] {
            let suffix = staged.key_len as usize - depth - prefix;
            if suffix > PART_BYTES_MAX {
                return None;
            }
            total += 4 + suffix + staged.size as usize;
        }
        Some(total)
    }

    /// Whether the entries in `low..high` are to be one run, filled to `1 / share` at most.
    pub(super) fn fits(
        &self,
        low: usize,
        high: usize,
        depth: usize,
        limits: RunLimits,
        share: usize,
    ) -> bool {
        let Some(bytes) = self.run_bytes(low, high, depth) else { return false };
        high - low == 1 || (high - low <= limits.entries / share && bytes <= limits.bytes / share)
    }
}
