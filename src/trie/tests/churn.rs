//! Small records that come and go in pieces so small that everything happens all the time. All is checked after every
//! operation, and what happens is counted: what never did was not tested.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::super::record::Body;
use super::super::tally::Event;
use super::*;
use crate::rng::Rng;

/// What a record holds: a text, or a document of texts.
#[derive(Clone, PartialEq, Debug)]
enum Held {
    Text(Vec<u8>),
    Fields(BTreeMap<String, String>),
}

struct Churn {
    trie: Trie,
    twin: BTreeMap<Vec<u8>, Held>,
    /// What was unlinked at once, and how many records that were.
    unlinked: Vec<(Unlinking, usize)>,
    rng: Rng,
    /// Records have slots.
    is_clustered: bool,
    counts: Counts,
}

/// What the trie does not count itself.
#[derive(Clone, Copy, Default, Debug)]
struct Counts {
    /// Documents that became too large to be packed.
    promoted: usize,
    /// Such that became small enough.
    demoted: usize,
    /// How often the trie began to empty spans.
    passes: usize,
}

impl Churn {
    fn new(seed: u64, pieces: Pieces) -> Churn {
        Churn {
            trie: Trie::with_pieces(pieces),
            twin: BTreeMap::new(),
            unlinked: Vec::new(),
            rng: Rng::from_seed(seed),
            is_clustered: seed.is_multiple_of(5),
            counts: Counts::default(),
        }
    }

    /// Few keys, half of them digits behind letters, half any of four letters.
    fn key(&mut self) -> Vec<u8> {
        let rng = &mut self.rng;
        match rng.percent(50) {
            true => format!("person{}", rng.below(120)).into_bytes(),
            false => (0..1 + rng.index(4)).map(|_| b"\0ab\xff"[rng.index(4)]).collect(),
        }
    }

    fn meta(&mut self) -> Meta {
        let slot = self.is_clustered.then(|| Slot::new(self.rng.below(2) as u16));
        Meta { slot, ..PLAIN }
    }

    /// One operation; more records come than go if it `grows`.
    fn step(&mut self, grows: bool) {
        match self.rng.below(100) {
            0..60 if self.rng.percent(if grows { 85 } else { 15 }) => self.put_text(),
            0..60 => self.remove(),
            60..84 => self.set_field(),
            84 => self.unlink(),
            _ => self.work(),
        }
    }

    fn put_text(&mut self) {
        let (key, meta) = (self.key(), self.meta());
        let text = vec![self.rng.below(256) as u8; self.rng.index(90)];
        self.trie.put_text(&key, meta, &text).expect("it fits");
        self.expect(&key, Some(Held::Text(text)));
    }

    fn remove(&mut self) {
        let key = self.key();
        let key = self.twin.range(key.clone()..).next().map_or(key, |(key, _)| key.clone());
        assert_eq!(self.trie.remove(&key).is_some(), self.twin.contains_key(&key));
        self.expect(&key, None);
    }

    /// Removes all below a prefix at once, mostly few records; what they had is freed by the work.
    fn unlink(&mut self) {
        let mut prefix = self.key();
        prefix.truncate(prefix.len().max(3) - 1);
        if self.unlinked.len() > 5 {
            let (unlinking, count) = self.unlinked.remove(0);
            let freed = self.trie.free_unlinked(&unlinking, usize::MAX);
            assert_eq!(freed, Some(Removed { live: count, tombstones: 0 }));
        }
        if let Some(unlinking) = self.trie.unlink_prefix(&prefix) {
            let count = self.twin.extract_if(.., |key, _| key.starts_with(&prefix)).count();
            self.unlinked.push((unlinking, count));
        }
    }

    /// Sets a field of one of few documents, or removes it.
    fn set_field(&mut self) {
        let (key, meta) = (format!("document{}", self.rng.below(6)).into_bytes(), self.meta());
        let Some(Held::Fields(fields)) = self.twin.get(&key) else {
            self.trie.put_document(&key, meta, |sink| Tree::Set(vec![]).tell(sink)).expect("it fits");
            return self.expect(&key, Some(Held::Fields(BTreeMap::new())));
        };
        let (mut fields, was_packed) = (fields.clone(), self.is_packed(&key));
        let (name, len) = (format!("f{}", self.rng.below(3)), [0, 7, 50, 250][self.rng.index(4)]);
        let path = [Segment::Field(&name)];
        if self.rng.percent(10) {
            let is_there = fields.remove(&name).is_some();
            assert_eq!(self.trie.remove_at(&key, &path, Version::ZERO), is_there);
        } else {
            let text = "x".repeat(len);
            let tell = |sink: &mut dyn ValueSink| Tree::Text(text.clone()).tell(sink);
            let before = fields.insert(name.clone(), text.clone());
            let edited = if before.is_some() { Edited::Replaced } else { Edited::Added };
            assert_eq!(self.trie.put_at(&key, &path, Version::ZERO, tell), Ok(edited));
        }
        let is_packed = self.is_packed(&key);
        self.counts.promoted += usize::from(was_packed && !is_packed);
        self.counts.demoted += usize::from(!was_packed && is_packed);
        self.expect(&key, Some(Held::Fields(fields)));
    }

    /// What a server does when it has time: a little, or a stage to its end.
    fn work(&mut self) {
        let is_idle = !self.trie.is_at_work() && !self.trie.has_unlinked();
        self.counts.passes += usize::from(is_idle && self.trie.has_work());
        let budget = if self.rng.percent(30) { usize::MAX / 2 } else { 1 + self.rng.index(20) };
        self.trie.work(budget);
    }

    fn is_packed(&self, key: &[u8]) -> bool {
        let record = self.trie.get(key).expect("the document stands");
        matches!(record.body(), Body::Packed(_))
    }

    /// Notes what a key has now, and compares.
    fn expect(&mut self, key: &[u8], held: Option<Held>) {
        assert_eq!(self.trie.get(key).map(held_of), held);
        match held {
            Some(held) => drop(self.twin.insert(key.to_vec(), held)),
            None => drop(self.twin.remove(key)),
        }
    }

    /// Many operations: the trie grows for some time, then it shrinks.
    fn run(mut self, steps: usize) -> Counts {
        const TURN: usize = 150;
        for step in 0..steps {
            self.step((step / TURN).is_multiple_of(2));
            self.trie.check();
            if step % TURN == 0 {
                self.compare();
            }
        }
        self.compare();
        self.counts
    }

    fn compare(&self) {
        let (mut cursor, mut found) = (self.trie.cursor(Bound::Unbounded), BTreeMap::new());
        while let Some((key, record)) = cursor.next(&self.trie) {
            found.insert(key.to_vec(), held_of(record));
        }
        assert_eq!(found, self.twin);
    }
}

fn held_of(record: Record<'_>) -> Held {
    if record.kind() == Kind::Text {
        return Held::Text(record.text().to_vec());
    }
    let Tree::Set(fields) = tree_of(record.document()) else { panic!("a document is a set") };
    let text = |value| match value {
        Tree::Text(text) => text,
        other => panic!("{other:?} was never put"),
    };
    Held::Fields(fields.into_iter().map(|(name, value)| (name, text(value))).collect())
}

#[test]
fn a_cleared_trie_keeps_its_pieces() {
    let pieces = Pieces { run_entries: 3, run_bytes: 200, region_records: 5, span_bytes: 1_024 };
    let mut trie = Trie::with_pieces(pieces);
    trie.put_text(b"k", PLAIN, b"v").expect("no limit is set");
    trie.clear();
    assert_eq!((trie.pieces(), trie.len(), trie.reserved_bytes()), (pieces, 0, 0));
}

#[test]
fn everything_happens_often() {
    const RUNS: [Pieces; 4] = [
        Pieces { run_entries: 2, run_bytes: 60, region_records: 4, span_bytes: 512 },
        Pieces { run_entries: 3, run_bytes: 200, region_records: 5, span_bytes: 512 },
        Pieces { run_entries: 5, run_bytes: 300, region_records: 8, span_bytes: 1_024 },
        Pieces { run_entries: 9, run_bytes: 500, region_records: 20, span_bytes: 2_048 },
    ];
    let mut all = Counts::default();
    for seed in 0..32 {
        let Counts { promoted, demoted, passes } = Churn::new(seed, RUNS[seed as usize % 4]).run(3_000);
        all.promoted += promoted;
        all.demoted += demoted;
        all.passes += passes;
    }
    let events = Event::ALL.map(|event| (event, event.count()));
    println!("{all:?} {events:?}");
    assert!(all.promoted >= 1_000 && all.demoted >= 1_000 && all.passes >= 1_000, "{all:?}");
    assert!(events.iter().all(|&(_, count)| count >= 1_000), "{events:?}");
}
