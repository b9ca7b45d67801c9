//! Random operations on the trie and on a `BTreeMap`, compared after each.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::*;
use crate::record::Ballot;
use crate::rng::Rng;

#[derive(Clone, PartialEq, Debug)]
enum Content {
    Text(Vec<u8>),
    Document(Tree),
    Tombstone,
}

#[derive(Clone, PartialEq, Debug)]
struct Entry {
    meta: Meta,
    content: Content,
}

impl Entry {
    fn kind(&self) -> Kind {
        match self.content {
            Content::Text(_) => Kind::Text,
            Content::Document(_) => Kind::Document,
            Content::Tombstone => Kind::Tombstone,
        }
    }
}

fn assert_same(key: &[u8], record: Record<'_>, entry: &Entry) {
    assert_eq!(record.meta(key), entry.meta);
    assert_eq!(record.kind(), entry.kind());
    match &entry.content {
        Content::Text(text) => assert!(record.text() == text[..], "{:?} is not {text:?}", record.text()),
        Content::Document(tree) => assert_eq!(&tree_of(record.document()), tree),
        Content::Tombstone => assert!(record.at(&[]).is_none()),
    }
}

/// The trie, its twin, and what decides.
struct Pair {
    trie: Trie,
    twin: BTreeMap<Vec<u8>, Entry>,
    /// What was unlinked and is not freed, and how many records that were.
    unlinked: Vec<(Unlinking, Removed)>,
    /// Whether some records are of slots: then nothing is unlinked.
    in_slots: bool,
    rng: Rng,
    keys: KeyStyle,
}

#[derive(Clone, Copy)]
enum KeyStyle {
    /// Few bytes of few values: everything is a prefix of something.
    Dense,
    /// `person123` and the like.
    Numbered,
    /// Any bytes: wide nodes.
    Wide,
    /// Long common prefixes that need several nodes each.
    Long,
}

impl Pair {
    fn new(seed: u64, keys: KeyStyle, pieces: Pieces, in_slots: bool) -> Pair {
        let (trie, rng) = (Trie::with_pieces(pieces), Rng::from_seed(seed));
        Pair { trie, twin: BTreeMap::new(), unlinked: Vec::new(), in_slots, rng, keys }
    }

    fn key(&mut self) -> Vec<u8> {
        let rng = &mut self.rng;
        match self.keys {
            KeyStyle::Dense => (0..1 + rng.index(6)).map(|_| [0, 1, b'a', 255][rng.index(4)]).collect(),
            KeyStyle::Numbered => format!("person{}", rng.below(500)).into_bytes(),
            KeyStyle::Wide => (0..1 + rng.index(2)).map(|_| rng.below(256) as u8).collect(),
            KeyStyle::Long => {
                let mut key =
                    vec![b'k'; [1, 250, 254, 255, 256, 257, 300, 511, 512, 600, 1030, 5000][rng.index(12)]];
                if rng.percent(50) {
                    let at = rng.index(key.len());
                    key[at] = b'a' + rng.below(3) as u8;
                }
                key
            }
        }
    }

    /// A key that is there, mostly.
    fn known_key(&mut self) -> Vec<u8> {
        let key = self.key();
        let next = self.twin.range(key.clone()..).next().map(|(key, _)| key.clone());
        if self.rng.percent(85) { next.unwrap_or(key) } else { key }
    }

    fn meta(&mut self) -> Meta {
        let rng = &mut self.rng;
        let version = Version::new(Ballot::new(1, rng.below(3) as u32), rng.below(1000));
        let slot = (self.in_slots && rng.percent(70)).then(|| Slot::new(rng.below(3) as u16 * 8_000));
        let expires_at_ms = rng.percent(20).then(|| rng.below(5) * 1_000);
        Meta { version: if rng.percent(30) { Version::ZERO } else { version }, slot, expires_at_ms }
    }

    fn text(&mut self) -> Vec<u8> {
        let rng = &mut self.rng;
        let len = match rng.below(100) {
            0 => 15_000 + rng.index(60_000),
            1..6 => 3_900 + rng.index(400),
            6..40 => rng.index(500),
            _ => rng.index(40),
        };
        let byte = rng.below(256) as u8;
        (0..len).map(|index| byte.wrapping_add(index as u8)).collect()
    }

    fn step(&mut self) {
        match self.rng.below(100) {
            0..30 => self.put_text(),
            30..50 => self.put_document(),
            50..53 => self.abort_document(),
            53..60 => self.put_tombstone(),
            60..72 => self.remove(),
            72..78 => self.remove_at(),
            78..84 => self.edit_at(),
            84..86 => self.set_expiry(),
            86 => self.remove_prefix(),
            87 => self.expire(),
            88..90 => self.work(),
            90 => self.unlink(),
            91..94 => self.free_unlinked(),
            _ => self.look_around(),
        }
    }

    fn expect_put(&mut self, key: Vec<u8>, meta: Meta, content: Content, before: Option<Kind>) {
        let old = self.twin.insert(key, Entry { meta, content });
        assert_eq!(before, old.map(|entry| entry.kind()));
    }

    fn put_text(&mut self) {
        let (key, meta, text) = (self.key(), self.meta(), self.text());
        let before = self.trie.put_text(&key, meta, &text).expect("it fits");
        self.expect_put(key, meta, Content::Text(text), before);
    }

    fn put_document(&mut self) {
        let (key, meta, tree) = (self.key(), self.meta(), Tree::random_set(&mut self.rng, 4));
        let before = put_tree(&mut self.trie, &key, meta, &tree);
        self.expect_put(key, meta, Content::Document(tree.deduplicated()), before);
    }

    /// Tells a document up to somewhere, then gives up.
    fn abort_document(&mut self) {
        struct Fused<'a>(&'a mut dyn ValueSink, u64);
        impl ValueSink for Fused<'_> {
            fn event(&mut self, event: crate::value::Event<'_>) -> Result<(), crate::value::SinkError> {
                self.1 = self.1.checked_sub(1).ok_or(crate::value::SinkError::TooLarge)?;
                self.0.event(event)
            }
        }
        let (key, meta, tree) = (self.known_key(), self.meta(), Tree::random_set(&mut self.rng, 4));
        let events = self.rng.below(40);
        let result = self.trie.put_document(&key, meta, |sink| {
            let _told_or_cut_off = tree.tell(&mut Fused(sink, events));
            Err::<(), _>("given up")
        });
        assert_eq!(result, Err(PutError::Build("given up")));
        // No slot without an owner, no use of a name too many: nothing of it stayed.
        self.trie.check();
    }

    fn put_tombstone(&mut self) {
        let (key, meta) = (self.known_key(), self.meta());
        let before = self.trie.put_tombstone(&key, meta).expect("it fits");
        self.expect_put(key, meta, Content::Tombstone, before);
    }

    fn remove(&mut self) {
        let key = self.known_key();
        assert_eq!(self.trie.remove(&key), self.twin.remove(&key).map(|entry| entry.kind()));
    }

    fn remove_at(&mut self) {
        let (key, version) = (self.known_key(), self.meta().version);
        let Some(entry) = self.twin.get_mut(&key) else {
            assert!(!self.trie.remove_at(&key, &[Segment::Field("f1")], version));
            return;
        };
        let Content::Document(tree) = &mut entry.content else {
            assert!(!self.trie.remove_at(&key, &[Segment::Field("f1")], version));
            return;
        };
        let twin = tree.clone();
        let path = random_path(&mut self.rng, &twin);
        assert_eq!(
            self.trie.get(&key).and_then(|record| record.at(&path)).map(tree_of).as_ref(),
            twin.at(&path)
        );
        let removed = tree.remove_at(&path);
        assert_eq!(self.trie.remove_at(&key, &path, version), removed);
        if removed {
            entry.meta.version = version;
        }
        assert_same(&key, self.trie.get(&key).expect("the record stays"), entry);
    }

    fn edit_at(&mut self) {
        let (key, version, insert) = (self.known_key(), self.meta().version, self.rng.percent(40));
        let value = Tree::random(&mut self.rng, 2);
        let tell = |sink: &mut dyn ValueSink| value.tell(sink);
        let Some(Entry { meta, content: Content::Document(tree) }) = self.twin.get_mut(&key) else {
            let path = [Segment::Field("f1")];
            assert_eq!(self.trie.put_at(&key, &path, version, tell), Ok(Edited::Nowhere));
            return;
        };
        let twin = tree.clone();
        let mut path = random_path(&mut self.rng, &twin);
        let name = format!("g{}", self.rng.below(300));
        match (self.rng.below(4), twin.at(&path)) {
            (0 | 1, Some(Tree::Set(_))) => path.push(Segment::Field(&name)),
            (0 | 1, Some(Tree::Array(elements))) => path.push(Segment::Index(elements.len())),
            _ => {}
        }
        let expected = tree.edit_at(&path, value.deduplicated(), insert);
        let edited = match insert {
            true => self.trie.insert_at(&key, &path, version, tell),
            false => self.trie.put_at(&key, &path, version, tell),
        };
        assert_eq!(edited, Ok(expected), "{path:?}");
        if expected != Edited::Nowhere {
            meta.version = version;
        }
        let entry = &self.twin[&key];
        assert_same(&key, self.trie.get(&key).expect("the record stays"), entry);
    }

    fn set_expiry(&mut self) {
        let (key, expires_at_ms) = (self.known_key(), self.meta().expires_at_ms);
        let entry = self.twin.get_mut(&key);
        assert_eq!(self.trie.set_expiry(&key, expires_at_ms), Ok(entry.is_some()));
        if let Some(entry) = entry {
            entry.meta.expires_at_ms = expires_at_ms;
        }
    }

    fn remove_prefix(&mut self) {
        let mut prefix = self.known_key();
        prefix.truncate(prefix.len().max(2) - 1);
        let budget = 1 + self.rng.index(20);
        let expected: Vec<_> =
            self.twin.keys().filter(|key| key.starts_with(&prefix)).take(budget).cloned().collect();
        let tombstones = expected.iter().filter(|key| self.twin[*key].kind() == Kind::Tombstone).count();
        let removed = self.trie.remove_prefix(&prefix, budget);
        assert_eq!((removed.live, removed.tombstones), (expected.len() - tombstones, tombstones));
        expected.iter().for_each(|key| drop(self.twin.remove(key)));
    }

    /// Removes all below a prefix at once.
    fn unlink(&mut self) {
        let mut prefix = self.known_key();
        let most = if self.rng.percent(90) { 3 } else { prefix.len() + 1 };
        prefix.truncate(prefix.len().saturating_sub(self.rng.index(most)));
        let Some(unlinking) = self.trie.unlink_prefix(&prefix) else {
            return assert!(self.in_slots, "nothing stands against it");
        };
        let mut removed = Removed::default();
        for (_, entry) in self.twin.extract_if(.., |key, _| key.starts_with(&prefix)) {
            removed.count(entry.kind());
        }
        assert_eq!(self.trie.count_prefix(&prefix), 0);
        self.unlinked.push((unlinking, removed));
    }

    /// Frees a part of what was unlinked, or one of it whole.
    fn free_unlinked(&mut self) {
        if self.rng.percent(20) {
            return self.trie.free_some_unlinked(1 + self.rng.index(10));
        }
        if self.unlinked.is_empty() {
            return;
        }
        let index = self.rng.index(self.unlinked.len());
        let (unlinking, removed) = &self.unlinked[index];
        let budget = if self.rng.percent(30) { usize::MAX } else { self.rng.index(6) };
        if let Some(freed) = self.trie.free_unlinked(unlinking, budget) {
            assert_eq!(freed, *removed, "by whatever way they went");
            drop(self.unlinked.remove(index));
        }
    }

    /// Lets the trie empty spans, a little or all.
    fn work(&mut self) {
        if self.rng.percent(20) {
            self.trie.begin_work();
        }
        if self.rng.percent(50) {
            return self.trie.work(1 + self.rng.index(5));
        }
        while self.trie.has_work() {
            self.trie.work(7);
        }
    }

    /// Removes what is due.
    fn expire(&mut self) {
        let now_ms = self.rng.below(3) * 1_000;
        let mut key = Vec::new();
        let buries = self.rng.percent(50);
        while buries && self.trie.free_unlinked_expired(now_ms) {}
        while let Some(record) = self.trie.next_expired(now_ms, &mut key) {
            let entry = self.twin.remove(&key).expect("only what is there expires");
            assert_same(&key, record, &entry);
            let first = self.twin.values().filter_map(|entry| entry.meta.expires_at_ms).min();
            assert!(
                entry.meta.expires_at_ms <= Some(now_ms)
                    && first.is_none_or(|at| Some(at) >= entry.meta.expires_at_ms)
            );
            assert!(self.trie.remove(&key).is_some());
            while buries && self.trie.free_unlinked_expired(now_ms) {}
        }
        let first = self.twin.values().filter_map(|entry| entry.meta.expires_at_ms).min();
        assert!(first.is_none_or(|at| at > now_ms));
        match self.trie.next_expiry_ms() {
            at if !self.trie.has_unlinked() => assert_eq!(at, first),
            Some(at) => assert!((first.is_none_or(|first| at <= first)) && (!buries || at > now_ms)),
            None => assert_eq!(first, None),
        }
    }

    /// Walks a random range both ways, and counts under a prefix.
    fn walk_range(&mut self) {
        let (a, b) = (self.key(), self.known_key());
        let bound = |key: &Vec<u8>, kind: u64| match kind {
            0 => Bound::Unbounded,
            1 => Bound::Included(key.clone()),
            _ => Bound::Excluded(key.clone()),
        };
        let (from, to) = (bound(&a, self.rng.below(3)), bound(&b, self.rng.below(3)));
        let (low, high) = (from.as_ref().map(|key| &key[..]), to.as_ref().map(|key| &key[..]));
        let (mut up, mut down) = (self.trie.cursor_range(low, high), self.trie.cursor_range_back(high, low));
        let within = |key: &Vec<u8>| {
            (match &from {
                Bound::Included(from) => key >= from,
                Bound::Excluded(from) => key > from,
                _ => true,
            }) && (match &to {
                Bound::Included(to) => key <= to,
                Bound::Excluded(to) => key < to,
                _ => true,
            })
        };
        let expected: Vec<&Vec<u8>> = self.twin.keys().filter(|key| within(key)).collect();
        for (index, key) in expected.iter().enumerate() {
            assert_eq!(up.next(&self.trie).map(|(key, _)| key), Some(&key[..]));
            let other = expected[expected.len() - 1 - index];
            assert_eq!(down.next(&self.trie).map(|(key, _)| key), Some(&other[..]));
        }
        assert!(up.next(&self.trie).is_none() && down.next(&self.trie).is_none());
        let prefix = &b[..b.len().min(1 + a.len() / 2)];
        let under: Vec<_> = self.twin.iter().filter(|(key, _)| key.starts_with(prefix)).collect();
        let live = under.iter().filter(|(_, entry)| entry.kind() != Kind::Tombstone).count();
        assert_eq!(self.trie.count_prefix(prefix), live);
        let mut back = self.trie.cursor_prefix_back(prefix, None);
        for (key, entry) in under.iter().rev() {
            let (found, record) = back.next(&self.trie).expect("as many as the twin has");
            assert_eq!(found, &key[..]);
            assert_same(key, record, entry);
        }
        assert!(back.next(&self.trie).is_none());
    }

    /// Reads many keys at once.
    fn get_many(&mut self) {
        let keys: Vec<_> = (0..self.rng.index(70))
            .map(|_| if self.rng.percent(70) { self.known_key() } else { self.key() })
            .collect();
        let mut index = 0;
        self.trie.get_many(keys.iter().map(|key| &key[..]), |record| {
            match (record, self.twin.get(&keys[index])) {
                (None, None) => {}
                (Some(record), Some(entry)) => assert_same(&keys[index], record, entry),
                _ => panic!("many lookups answer as one"),
            }
            index += 1;
        });
        assert_eq!(index, keys.len());
    }

    /// Reads one key, its neighbours, and the counts.
    fn look_around(&mut self) {
        match self.rng.below(4) {
            0 => self.walk_range(),
            1 => self.get_many(),
            _ => {}
        }
        let key = self.known_key();
        match (self.trie.get(&key), self.twin.get(&key)) {
            (None, None) => {}
            (Some(record), Some(entry)) => assert_same(&key, record, entry),
            (record, entry) => panic!("{:?} against {entry:?}", record.map(|record| record.kind())),
        }
        let mut out = Vec::new();
        let above = (Bound::Excluded(&key[..]), Bound::Unbounded);
        let next = self.twin.range::<[u8], _>(above).next();
        match (self.trie.next_after(Some(&key), &mut out), next) {
            (None, None) => {}
            (Some(record), Some((key, entry))) => {
                assert_eq!(&out, key);
                assert_same(key, record, entry);
            }
            _ => panic!("one of both has no next key"),
        }
        let before = self.twin.range(..key.clone()).next_back();
        match (self.trie.previous_before(Some(&key), &mut out), before) {
            (None, None) => {}
            (Some(record), Some((key, entry))) => {
                assert_eq!(&out, key);
                assert_same(key, record, entry);
            }
            _ => panic!("one of both has no key before"),
        }
        let ends = (
            self.trie.first(&mut out).is_some().then(|| out.clone()),
            self.trie.last(&mut out).map(|_| out.clone()),
        );
        assert_eq!(ends, (self.twin.keys().next().cloned(), self.twin.keys().next_back().cloned()));
    }

    fn check_all(&self) {
        self.trie.check();
        let tombstones = self.twin.values().filter(|entry| entry.kind() == Kind::Tombstone).count();
        let expiring = self.twin.values().filter(|entry| entry.meta.expires_at_ms.is_some()).count();
        let expected = [self.twin.len() - tombstones, tombstones, expiring];
        let counted = [self.trie.len(), self.trie.tombstones(), self.trie.expiring()];
        if self.trie.has_unlinked() {
            let [live, dead] = [|removed: &Removed| removed.live, |removed: &Removed| removed.tombstones]
                .map(|count| self.unlinked.iter().map(|(_, removed)| count(removed)).sum::<usize>());
            let more: Vec<_> =
                counted.iter().zip(expected).map(|(counted, expected)| counted - expected).collect();
            assert!(more[0] <= live && more[1] <= dead && more[2] <= live, "{more:?}");
        } else {
            assert_eq!(counted, expected);
        }
        let used: usize = self.twin.keys().filter_map(|key| self.trie.memory_usage(key)).sum();
        assert!(used <= self.trie.used_bytes() && used == self.trie.memory_usage_prefix(b""));
        let mut cursor = self.trie.cursor(Bound::Unbounded);
        for (key, entry) in &self.twin {
            let (found, record) = cursor.next(&self.trie).expect("the cursor ends with the twin");
            assert_eq!(found, key);
            assert_same(key, record, entry);
        }
        assert!(cursor.next(&self.trie).is_none());
        for slot in [0, 8_000, 16_000].map(Slot::new) {
            let expected: Vec<_> =
                self.twin.iter().filter(|(_, entry)| entry.meta.slot == Some(slot)).collect();
            let live = expected.iter().filter(|(_, entry)| entry.kind() != Kind::Tombstone).count();
            assert_eq!(self.trie.slot_len(slot), live);
            assert_eq!(self.trie.slot_is_empty(slot), expected.is_empty());
            let mut cursor = self.trie.slot_cursor(slot, None);
            for (key, entry) in expected {
                let (found, record) = cursor.next(&self.trie).expect("a slot's walk misses a record");
                assert_eq!(found, key);
                assert_same(key, record, entry);
            }
            assert!(cursor.next(&self.trie).is_none());
        }
    }

    fn run(mut self, steps: usize, steps_per_check: usize) {
        for step in 0..steps {
            self.step();
            if step % steps_per_check == 0 {
                self.check_all();
            }
        }
        self.check_all();
        // Down to nothing: every node collapses again.
        let keys: Vec<_> = self.twin.keys().cloned().collect();
        for (index, key) in keys.iter().enumerate() {
            assert!(self.trie.remove(key).is_some());
            if index % steps_per_check == 0 {
                self.trie.check();
            }
        }
        for (unlinking, removed) in std::mem::take(&mut self.unlinked) {
            assert_eq!(self.trie.free_unlinked(&unlinking, usize::MAX), Some(removed));
        }
        self.trie.check();
        assert_eq!(self.trie.store.arena.used_bytes(), 0, "an empty trie owns nothing");
    }
}

/// A path that leads somewhere, mostly.
fn random_path<'t>(rng: &mut Rng, mut tree: &'t Tree) -> Vec<Segment<'t>> {
    let mut path = Vec::new();
    loop {
        match tree {
            Tree::Set(fields) if !fields.is_empty() => {
                let (name, value) = &fields[rng.index(fields.len())];
                path.push(Segment::Field(name));
                tree = value;
            }
            Tree::Array(elements) if !elements.is_empty() => {
                let index = rng.index(elements.len());
                path.push(Segment::Index(index));
                tree = &elements[index];
            }
            Tree::Array(_) => path.push(Segment::Index(0)),
            _ if rng.percent(5) => path.push(Segment::Field("nowhere")),
            _ => return path,
        }
        if rng.percent(60) {
            return path;
        }
    }
}

const STYLES: [KeyStyle; 4] = [KeyStyle::Dense, KeyStyle::Numbered, KeyStyle::Wide, KeyStyle::Long];

/// Pieces so small that everything happens all the time.
const TINY: [Pieces; 3] = [
    Pieces { run_entries: 3, run_bytes: 100, region_records: 4, span_bytes: 512 },
    Pieces { run_entries: 9, run_bytes: 400, region_records: 6, span_bytes: 1_024 },
    Pieces { run_entries: 64, run_bytes: 1_536, region_records: 20, span_bytes: 4_096 },
];

#[test]
fn tiny_pieces_checked_after_every_step() {
    for (seed, style) in STYLES.into_iter().enumerate() {
        for (index, pieces) in TINY.into_iter().enumerate() {
            for in_slots in [true, false] {
                Pair::new((seed + 4 * index) as u64, style, pieces, in_slots).run(400, 1);
            }
        }
    }
}

/// `TRIE_SEEDS=n` runs `n` of them.
#[test]
fn long_runs() {
    let seeds = std::env::var("TRIE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(8);
    for seed in 0..seeds {
        println!("seed {seed}");
        let style = STYLES[seed as usize % STYLES.len()];
        let in_slots = seed / 4 % 2 == 0;
        Pair::new(100 + seed, style, Pieces::default(), in_slots).run(6_000, 1_500);
    }
}
