//! What must hold of the trie after any operations: that it is a `BTreeMap` of its records, and that each of its cursors
//! goes on with what is next. Shared by the fuzzer and by the tests.
//!
//! ```text
//! input    [pieces] then operations, each [what] and what it needs; the end of the input ends it
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use hedgerow::record::{Ballot, Kind, Slot, Version};
use hedgerow::trie::{Cursor, Meta, Pieces, Record, Removed, SlotCursor, Trie, Unlinking};
use hedgerow::value::Event;

/// Operations beyond are not done: each is followed by a check of everything.
const OPERATIONS_MAX: usize = 400;

#[derive(Clone, PartialEq, Debug)]
struct Held {
    meta: Meta,
    kind: Kind,
    /// The text, or the only field's number.
    content: Vec<u8>,
}

struct Input<'b> {
    bytes: &'b [u8],
    /// Whether records are written to slots: then nothing is unlinked.
    in_slots: bool,
}

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(first)
    }

    /// A key: few letters, many that begin each other, some long.
    fn key(&mut self) -> Option<Vec<u8>> {
        let shape = self.byte()?;
        let mut key = match shape >> 6 {
            0 => Vec::new(),
            1 => b"person".to_vec(),
            2 => vec![b'k'; 250 + usize::from(shape & 15)],
            _ => vec![0xFF; usize::from(shape & 3)],
        };
        for _ in 0..=shape & 3 {
            let byte = self.byte()?;
            key.push(if shape & 32 == 0 { b'0' + byte % 10 } else { byte });
        }
        Some(key)
    }

    fn meta(&mut self) -> Option<Meta> {
        let byte = self.byte()?;
        let version = match byte & 3 {
            0 => Version::ZERO,
            low => Version::new(Ballot::new(1, u32::from(low)), u64::from(byte) << (4 * (byte & 7))),
        };
        let slot = (self.in_slots && byte & 12 > 0).then(|| Slot::new(u16::from(byte >> 2 & 3)));
        let expires_at_ms = (byte >> 5 == 7).then(|| u64::from(byte & 31));
        Some(Meta { version, slot, expires_at_ms })
    }
}

struct Pair {
    trie: Trie,
    twin: BTreeMap<Vec<u8>, Held>,
    /// A walk up, and the last key that it returned.
    up: (Cursor, Option<Vec<u8>>),
    /// What was unlinked and is not freed, and how many records that were.
    unlinked: VecDeque<(Unlinking, Removed)>,
    /// A walk over one slot.
    in_slot: (SlotCursor, Option<Vec<u8>>),
}

const WALKED: Slot = Slot::new(1);

/// Everything that is promised of any operations.
pub(crate) fn check(input: &[u8]) {
    let mut input = Input { bytes: input, in_slots: true };
    let Some(size) = input.byte() else { return };
    input.in_slots = size & 48 > 0;
    let small = usize::from(size & 15);
    let pieces = Pieces {
        run_entries: 2 + small,
        run_bytes: 60 + 40 * small,
        region_records: 4 + usize::from(size >> 4),
        span_bytes: if small == 15 { 16_384 } else { 512 << (small / 4) },
    };
    let trie = Trie::with_pieces(pieces);
    let (up, in_slot) = (trie.cursor(Bound::Unbounded), trie.slot_cursor(WALKED, None));
    let mut pair = Pair {
        trie,
        twin: BTreeMap::new(),
        up: (up, None),
        unlinked: VecDeque::new(),
        in_slot: (in_slot, None),
    };
    for _ in 0..OPERATIONS_MAX {
        if pair.step(&mut input).is_none() {
            break;
        }
        pair.trie.check();
    }
    pair.compare();
}

impl Pair {
    /// One operation; `None` at the end of the input.
    fn step(&mut self, input: &mut Input<'_>) -> Option<()> {
        match input.byte()? % 16 {
            0..6 => self.put(input)?,
            6..9 => {
                let key = input.key()?;
                let expected = self.twin.remove(&key).map(|held| held.kind);
                assert_eq!(self.trie.remove(&key), expected);
            }
            9 => {
                let (key, meta) = (input.key()?, input.meta()?);
                let held = self.twin.get_mut(&key);
                assert_eq!(self.trie.set_expiry(&key, meta.expires_at_ms), Ok(held.is_some()));
                held.into_iter().for_each(|held| held.meta.expires_at_ms = meta.expires_at_ms);
            }
            10 => self.remove_prefix(input)?,
            11 => {
                // The greatest goes through the lists of all slots at once.
                let budget = 1 << (input.byte()? % 16);
                self.trie.work(budget);
            }
            12 => self.step_up(input.byte()?),
            13 => self.step_in_slot(input.byte()?),
            14 => self.look(&input.key()?),
            _ => self.compare(),
        }
        Some(())
    }

    fn put(&mut self, input: &mut Input<'_>) -> Option<()> {
        let (key, meta, what) = (input.key()?, input.meta()?, input.byte()?);
        let (before, held) = match what % 8 {
            0 => {
                let meta = Meta { expires_at_ms: None, ..meta };
                let before = self.trie.put_tombstone(&key, meta).expect("no limit is set");
                (before, Held { meta, kind: Kind::Tombstone, content: vec![] })
            }
            1 | 2 => {
                let before = self.trie.put_document(&key, meta, |sink| {
                    sink.event(Event::BeginSet)?;
                    sink.event(Event::Field("number"))?;
                    sink.event(Event::Int(i64::from(what)))?;
                    sink.event(Event::EndSet)
                });
                (before.expect("no limit is set"), Held { meta, kind: Kind::Document, content: vec![what] })
            }
            len => {
                let text = vec![what; [0, 0, 0, 1, 8, 60, 70, 9_000][usize::from(len)]];
                let before = self.trie.put_text(&key, meta, &text).expect("no limit is set");
                (before, Held { meta, kind: Kind::Text, content: text })
            }
        };
        assert_eq!(before, self.twin.insert(key, held).map(|held| held.kind));
        Some(())
    }

    fn remove_prefix(&mut self, input: &mut Input<'_>) -> Option<()> {
        let (mut prefix, budget) = (input.key()?, input.byte()?);
        prefix.pop();
        if budget >= 128 {
            return self.unlink(&prefix, usize::from(budget) % 20);
        }
        let budget = usize::from(budget) % 20;
        let keys: Vec<_> =
            self.twin.keys().filter(|key| key.starts_with(&prefix)).take(budget).cloned().collect();
        let removed = self.trie.remove_prefix(&prefix, budget);
        let kinds = keys.iter().filter_map(|key| self.twin.remove(key)).map(|held| held.kind);
        let tombstones = kinds.filter(|kind| *kind == Kind::Tombstone).count();
        assert_eq!((removed.live, removed.tombstones), (keys.len() - tombstones, tombstones));
        Some(())
    }

    /// Removes all below a prefix at once, if that may be, and frees so many of what was unlinked first.
    fn unlink(&mut self, prefix: &[u8], budget: usize) -> Option<()> {
        let in_slots = self.twin.values().any(|held| held.meta.slot.is_some());
        let unlinking = self.trie.unlink_prefix(prefix);
        assert!(!in_slots || unlinking.is_none());
        if let Some(unlinking) = unlinking {
            let gone = self.twin.extract_if(.., |key, _| key.starts_with(prefix));
            let mut removed = Removed::default();
            gone.for_each(|(_, held)| match held.kind {
                Kind::Tombstone => removed.tombstones += 1,
                _ => removed.live += 1,
            });
            self.unlinked.push_back((unlinking, removed));
        }
        if let Some((unlinking, removed)) = self.unlinked.front()
            && let Some(freed) = self.trie.free_unlinked(unlinking, budget)
        {
            assert_eq!(freed, *removed);
            self.unlinked.pop_front();
        }
        Some(())
    }

    /// The next key up is the next one there now; at the end the walk begins anew.
    fn step_up(&mut self, steps: u8) {
        for _ in 0..steps % 8 {
            let (cursor, last) = &mut self.up;
            let from = last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let expected = self.twin.range::<[u8], _>((from, Bound::Unbounded)).next();
            let found = cursor.next(&self.trie).map(|(key, record)| (key.to_vec(), record));
            assert_eq!(found.as_ref().map(|(key, _)| key), expected.map(|(key, _)| key));
            if let (Some((key, record)), Some((_, held))) = (&found, expected) {
                assert_same(key, *record, held);
            }
            *last = found.map(|(key, _)| key);
            if last.is_none() {
                *cursor = self.trie.cursor(Bound::Unbounded);
            }
        }
    }

    /// The same in one slot.
    fn step_in_slot(&mut self, steps: u8) {
        for _ in 0..steps % 8 {
            let (cursor, last) = &mut self.in_slot;
            let from = last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut above = self.twin.range::<[u8], _>((from, Bound::Unbounded));
            let expected = above.find(|(_, held)| held.meta.slot == Some(WALKED));
            let found = cursor.next(&self.trie).map(|(key, _)| key.to_vec());
            assert_eq!(found.as_ref(), expected.map(|(key, _)| key));
            *last = found;
            if last.is_none() {
                *cursor = self.trie.slot_cursor(WALKED, None);
            }
        }
    }

    /// One key and its neighbours.
    fn look(&self, key: &[u8]) {
        let mut out = Vec::new();
        match (self.trie.get(key), self.twin.get(key)) {
            (Some(record), Some(held)) => assert_same(key, record, held),
            (found, expected) => assert_eq!(found.is_some(), expected.is_some()),
        }
        let above = self.twin.range::<[u8], _>((Bound::Excluded(key), Bound::Unbounded)).next();
        let found = self.trie.next_after(Some(key), &mut out).is_some().then(|| out.clone());
        assert_eq!(found.as_ref(), above.map(|(key, _)| key));
        let below = self.twin.range::<[u8], _>((Bound::Unbounded, Bound::Excluded(key))).next_back();
        let found = self.trie.previous_before(Some(key), &mut out).is_some().then(|| out.clone());
        assert_eq!(found.as_ref(), below.map(|(key, _)| key));
        let live = |(other, held): &(&Vec<u8>, &Held)| other.starts_with(key) && held.kind != Kind::Tombstone;
        assert_eq!(self.trie.count_prefix(key), self.twin.iter().filter(live).count());
    }

    /// All records.
    fn compare(&self) {
        let mut cursor = self.trie.cursor(Bound::Unbounded);
        for (key, held) in &self.twin {
            let (found, record) = cursor.next(&self.trie).expect("a record of the twin");
            assert_eq!(found, key);
            assert_same(key, record, held);
        }
        assert!(cursor.next(&self.trie).is_none());
        let tombstones = self.twin.values().filter(|held| held.kind == Kind::Tombstone).count();
        let first = self.twin.values().filter_map(|held| held.meta.expires_at_ms).min();
        if self.trie.has_unlinked() {
            assert!(self.trie.len() >= self.twin.len() - tombstones && self.trie.tombstones() >= tombstones);
            let next = self.trie.next_expiry_ms();
            assert!(first.is_none_or(|first| next.is_some_and(|next| next <= first)));
        } else {
            let counted = (self.trie.len(), self.trie.tombstones());
            assert_eq!(counted, (self.twin.len() - tombstones, tombstones));
            assert_eq!(self.trie.next_expiry_ms(), first);
        }
    }
}

fn assert_same(key: &[u8], record: Record<'_>, held: &Held) {
    assert_eq!((record.meta(key), record.kind()), (held.meta, held.kind));
    match held.kind {
        Kind::Text => assert!(record.text() == held.content[..]),
        Kind::Document => {
            let number = record.document().at(&[hedgerow::value::Segment::Field("number")]);
            assert_eq!(number.and_then(|value| value.int()), Some(i64::from(held.content[0])));
        }
        Kind::Tombstone => {}
    }
}
