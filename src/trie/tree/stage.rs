//! Entries taken out of the arena, to be built into runs and nodes anew; and what else every change needs to work in.

use super::super::arena::{Arena, Ref};
use super::Step;
use super::run::{ENTRIES_MAX, Entry, HEAD_BYTES, PART_BYTES_MAX, Run};
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
    pub(super) stage: Stage,
    /// A run that is being written.
    pub(super) out: Vec<u8>,
    pub(in super::super) limits: RunLimits,
}

/// Entries in key order.
#[derive(Debug, Default)]
pub(super) struct Stage {
    bytes: Vec<u8>,
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
        let start = self.bytes.len() as u32;
        key.iter().for_each(|part| self.bytes.extend_from_slice(part));
        let key_len = self.bytes.len() as u32 - start;
        self.bytes.extend_from_slice(entry.body);
        self.entries.insert(index, Staged { start, key_len, size: entry.body.len() as u8, tag: entry.tag });
    }

    /// Appends all entries of a run, `lead` before their keys.
    pub(super) fn load(&mut self, arena: &Arena, at: Ref, lead: &[u8]) {
        let run = Run::at(arena, at);
        let prefix = run.prefix();
        let above = lead.len() + prefix.len();
        self.bytes.reserve(run.count() * above + run.len());
        for (suffix, entry) in run.entries() {
            let start = self.bytes.len() as u32;
            self.bytes.extend_from_slice(lead);
            self.bytes.extend_from_slice(prefix);
            self.bytes.extend_from_slice(suffix);
            self.bytes.extend_from_slice(entry.body);
            let key_len = (above + suffix.len()) as u32;
            self.entries.push(Staged { start, key_len, size: entry.body.len() as u8, tag: entry.tag });
        }
    }

    /// Puts an entry where its key belongs, which must be new.
    pub(super) fn insert_sorted(&mut self, key: &[u8], entry: Entry<'_>) {
        let index = (0..self.len()).take_while(|&index| self.key(index) < key).count();
        self.insert(index, &[key], entry);
    }

    pub(super) fn key(&self, index: usize) -> &[u8] {
        let Staged { start, key_len, .. } = self.entries[index];
        &self.bytes[start as usize..(start + key_len) as usize]
    }

    pub(super) fn entry(&self, index: usize) -> Entry<'_> {
        let Staged { start, key_len, size, tag } = self.entries[index];
        let start = (start + key_len) as usize;
        Entry { tag, body: &self.bytes[start..start + size as usize] }
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
