//! Values of small documents changed where they stand, against documents that are built anew.

use super::super::record::Body;
use super::*;
use crate::record::Ballot;
use crate::rng::Rng;
use crate::value::{Event, SinkError};

/// Short and long names, one that has no head of its own, one that gets no id, none, and one of several bytes a letter.
const NAMES: [&str; 14] = [
    "",
    "a",
    "b",
    "ab",
    "name",
    "address",
    "exactly15bytes.",
    "exactly 16 bytes",
    "a name of more than 15 bytes",
    "a name of more than 15 bytes too",
    "a name that is so long that it never gets an id",
    "größe",
    "eight888",
    "z",
];

fn small_value(rng: &mut Rng, depth_max: usize) -> Tree {
    match rng.below(if depth_max == 0 { 7 } else { 11 }) {
        0 => Tree::Null,
        1 => Tree::Bool(rng.percent(50)),
        2 | 3 => Tree::Int(rng.next_u64() as i64 >> rng.below(64)),
        4 => Tree::Float(rng.below(9) as f64 / 4.0),
        5 => Tree::Float(rng.unit()),
        6 => Tree::Text("t".repeat(if rng.percent(4) { 150 } else { rng.index(20) })),
        7 | 8 => Tree::Array((0..rng.index(4)).map(|_| small_value(rng, depth_max - 1)).collect()),
        _ => small_set(rng, depth_max - 1),
    }
}

fn small_set(rng: &mut Rng, depth_max: usize) -> Tree {
    let names = 1 + rng.index(NAMES.len());
    let field = |rng: &mut Rng| (String::from(NAMES[rng.index(names)]), small_value(rng, depth_max));
    Tree::Set((0..rng.index(5)).map(|_| field(rng)).collect())
}

/// A path to somewhere in `tree`, or beside it.
fn any_path(rng: &mut Rng, tree: &Tree) -> Vec<Segment<'static>> {
    let (mut path, mut at) = (Vec::new(), tree);
    loop {
        let segment = match at {
            Tree::Set(fields) => {
                let known = fields.len().checked_sub(1).map(|most| &fields[rng.index(most + 1)].0);
                let known = known.and_then(|known| NAMES.iter().find(|name| *name == known));
                Segment::Field(known.filter(|_| rng.percent(70)).unwrap_or(&NAMES[rng.index(NAMES.len())]))
            }
            Tree::Array(elements) => Segment::Index(rng.index(elements.len() + 2)),
            _ if rng.percent(3) => Segment::Index(0),
            _ => return path,
        };
        path.push(segment);
        let next = at.at(&[segment]);
        if next.is_none() || rng.percent(40) {
            return path;
        }
        at = next.expect("it was just found");
    }
}

/// A document that is edited, its twin, and the twin as it is stored when it is built anew.
struct Edits {
    trie: Trie,
    twin: Tree,
    meta: Meta,
    rng: Rng,
}

impl Edits {
    /// With at most `ids` names that have ids; they keep them if `is_kept`.
    fn new(seed: u64, ids: u16, is_kept: bool) -> Edits {
        let (mut trie, mut rng) = (Trie::new(), Rng::from_seed(seed));
        trie.store.ids.count_max = ids;
        for name in NAMES.iter().filter(|_| is_kept) {
            for key in [format!("first {name}"), format!("second {name}")] {
                let tree = Tree::Set(vec![(String::from(*name), Tree::Null)]);
                put_tree(&mut trie, key.as_bytes(), PLAIN, &tree);
            }
        }
        // Neighbours in the document's run.
        for key in 0..rng.index(30) {
            let tree = small_set(&mut rng, 1);
            put_tree(&mut trie, format!("k{key}").as_bytes(), PLAIN, &tree);
        }
        let meta = Meta {
            version: Version::new(Ballot::new(1, 2), 3),
            slot: rng.percent(50).then(|| if rng.percent(50) { Slot::of(b"k") } else { Slot::new(9) }),
            expires_at_ms: rng.percent(30).then_some(4_000),
        };
        let twin = small_set(&mut rng, 3);
        put_tree(&mut trie, b"k", meta, &twin);
        let twin = twin.deduplicated();
        Edits { trie, twin, meta, rng }
    }

    fn step(&mut self) {
        let path = any_path(&mut self.rng, &self.twin);
        let version = Version::new(Ballot::new(1, self.rng.below(2) as u32), self.rng.below(900));
        let is_changed = match self.rng.below(10) {
            0..3 => {
                let removed = self.twin.remove_at(&path);
                assert_eq!(self.trie.remove_at(b"k", &path, version), removed, "{path:?}");
                removed
            }
            kind => {
                let (insert, value) = (kind < 5, small_value(&mut self.rng, 2));
                let expected = self.twin.edit_at(&path, value.deduplicated(), insert);
                let tell = |sink: &mut dyn ValueSink| value.tell(sink);
                let edited = match insert {
                    true => self.trie.insert_at(b"k", &path, version, tell),
                    false => self.trie.put_at(b"k", &path, version, tell),
                };
                assert_eq!(edited, Ok(expected), "{path:?}");
                expected != Edited::Nowhere
            }
        };
        if is_changed {
            self.meta.version = version;
        }
        self.trie.check();
        let record = self.trie.get(b"k").expect("the record stays");
        assert_eq!(record.meta(b"k"), self.meta);
        assert_eq!(tree_of(record.document()), self.twin);
        let place = any_path(&mut self.rng, &self.twin);
        assert_eq!(record.at(&place).map(tree_of).as_ref(), self.twin.at(&place));
    }

    /// The packed bytes of the document as it stands and as it is when it is built anew.
    fn packed(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        put_tree(&mut self.trie, b"anew", PLAIN, &self.twin);
        let bytes = |key: &[u8]| match self.trie.get(key).expect("just put").body() {
            Body::Packed(bytes) => Some(bytes.to_vec()),
            _ => None,
        };
        let standing = bytes(b"k")?;
        Some((standing, bytes(b"anew").expect("what stands packed is packed when it is built")))
    }
}

#[test]
fn what_is_spliced_is_what_is_built_anew() {
    let (mut packed, mut in_blocks) = (0, 0);
    for seed in 0..240 {
        let mut edits = Edits::new(seed, [0, 1, 5, 4_334][seed as usize % 4], true);
        for _ in 0..40 {
            edits.step();
            match edits.packed() {
                Some((standing, anew)) => {
                    assert_eq!(standing, anew, "seed {seed}");
                    packed += 1;
                }
                None => in_blocks += 1,
            }
        }
    }
    assert!(packed > 5_000 && in_blocks > 100, "{packed} packed, {in_blocks} in blocks");
}

#[test]
fn names_come_and_go_with_what_is_spliced() {
    for seed in 1_000..1_200 {
        let mut edits = Edits::new(seed, [1, 3, 4_334][seed as usize % 3], false);
        (0..60).for_each(|_| edits.step());
        for key in 0..30 {
            edits.trie.remove(format!("k{key}").as_bytes());
        }
        edits.trie.remove(b"k");
        edits.trie.check();
        assert_eq!(edits.trie.store.arena.used_bytes(), 0, "no name stays without a use");
    }
}

#[test]
fn ids_of_two_bytes_are_found_and_spliced() {
    let mut trie = Trie::new();
    let names: Vec<String> = (0..700).map(|index| format!("name{index}")).collect();
    for _ in 0..2 {
        for (index, chunk) in names.chunks(7).enumerate() {
            let fields = chunk.iter().map(|name| (name.clone(), Tree::Int(7)));
            put_tree(&mut trie, &index.to_be_bytes(), PLAIN, &Tree::Set(fields.collect()));
        }
    }
    for (index, name) in names.iter().enumerate() {
        let (key, path) = ((index / 7).to_be_bytes(), [Segment::Field(name)]);
        let tell = |sink: &mut dyn ValueSink| sink.event(Event::Int(index as i64));
        assert_eq!(trie.put_at(&key, &path, Version(1), tell), Ok(Edited::Replaced));
        assert_eq!(trie.get(&key).and_then(|record| record.at(&path)?.int()), Some(index as i64));
    }
    trie.check();
    for (index, name) in names.iter().enumerate() {
        assert!(trie.remove_at(&(index / 7).to_be_bytes(), &[Segment::Field(name)], Version(2)));
    }
    trie.check();
}

#[test]
fn a_value_that_is_not_told_to_its_end_changes_nothing() {
    let mut trie = Trie::new();
    let tree = Tree::Set(vec![(String::from("a"), Tree::Set(vec![])), (String::from("b"), Tree::Int(1))]);
    put_tree(&mut trie, b"k", PLAIN, &tree);
    for path in [&[Segment::Field("a")][..], &[Segment::Field("a"), Segment::Field("new")]] {
        let edited = trie.put_at(b"k", path, Version(9), |sink| {
            let _taken =
                [Event::BeginSet, Event::Field("b"), Event::BeginArray].map(|event| sink.event(event));
            Err("given up")
        });
        assert_eq!(edited, Err(PutError::Build("given up")));
        let deep = trie.put_at(b"k", path, Version(9), |sink| {
            (0..=crate::limits::DOCUMENT_DEPTH_MAX).try_for_each(|_| sink.event(Event::BeginArray))
        });
        assert_eq!(deep, Err(PutError::Build(SinkError::TooDeep)));
        trie.check();
        let record = trie.get(b"k").expect("it stays");
        assert_eq!((record.version(), tree_of(record.document())), (Version::ZERO, tree.clone()));
    }
}

#[test]
fn an_edit_at_the_limit_of_memory_changes_nothing() {
    let mut trie = Trie::with_limit(4 << 20);
    let key = |index: u32| format!("document{index}").into_bytes();
    let tree = Tree::Set(vec![(String::from("a"), Tree::Set(vec![]))]);
    let mut count = 0;
    while trie.put_document(&key(count), PLAIN, |sink| tree.tell(sink)).is_ok() {
        count += 1;
    }
    assert!(count > 1_000, "{count}");
    let (mut refused, mut edited) = (0, 0);
    for index in 0..count {
        let text = "t".repeat(index as usize % 180);
        let path = [Segment::Field("a"), Segment::Field("b")];
        let told = trie.put_at(&key(index), &path, Version(5), |sink| {
            [Event::BeginSet, Event::Field("c"), Event::Text(&text), Event::EndSet]
                .into_iter()
                .try_for_each(|event| sink.event(event))
        });
        let record = trie.get(&key(index)).expect("it stays");
        match told {
            Ok(_) => {
                edited += 1;
                assert_eq!(record.at(&path).map(|value| value.len()), Some(1));
            }
            Err(error) => {
                assert_eq!(error, PutError::Trie(TrieError::Full));
                refused += 1;
                assert_eq!((record.version(), tree_of(record.document())), (Version::ZERO, tree.clone()));
            }
        }
    }
    assert!(refused > 100, "{refused} refused, {edited} edited");
    trie.check();
    // Removing works without room.
    (0..count).for_each(|index| assert!(trie.remove_at(&key(index), &[Segment::Field("a")], Version(6))));
    trie.check();
}
