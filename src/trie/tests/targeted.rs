//! One test for each thing that is easy to get wrong.

use super::*;
use crate::limits::DOCUMENT_DEPTH_MAX;
use crate::record::Ballot;
use crate::rng::Rng;
use crate::value::{Event, SinkError};

fn text_at(trie: &Trie, key: &[u8]) -> Option<Vec<u8>> {
    trie.get(key).filter(|record| record.kind() == Kind::Text).map(|record| record.text().to_vec())
}

fn set(fields: &[(&str, Tree)]) -> Tree {
    Tree::Set(fields.iter().map(|(name, value)| (String::from(*name), value.clone())).collect())
}

fn path<'a>(names: &[&'a str]) -> Vec<Segment<'a>> {
    names.iter().map(|name| Segment::Field(name)).collect()
}

fn slot(number: u16, seq: u128) -> Meta {
    Meta { version: Version(seq), slot: Some(Slot::new(number)), ..Meta::default() }
}

#[test]
fn concatenations_do_not_collide() {
    let mut trie = Trie::new();
    let pairs: [(&[u8], &[u8]); 5] =
        [(b"a1b2", b"1"), (b"ab12", b"2"), (b"a", b"3"), (b"a1", b"4"), (b"a1b", b"5")];
    pairs.iter().for_each(|(key, text)| assert_eq!(trie.put_text(key, PLAIN, text), Ok(None)));
    pairs.iter().for_each(|(key, text)| assert_eq!(text_at(&trie, key).as_deref(), Some(*text)));
    trie.check();
}

#[test]
fn a_path_and_a_key_with_a_dot_do_not_collide() {
    let mut trie = Trie::new();
    put_tree(&mut trie, b"a", PLAIN, &set(&[("b", Tree::Int(1)), ("b.c", Tree::Int(2))]));
    trie.put_text(b"a.b", PLAIN, b"text").expect("it fits");
    put_tree(&mut trie, b"a.b.c", PLAIN, &set(&[("c", Tree::Int(3))]));
    let number = |key: &[u8], names: &[&str]| trie.get(key)?.at(&path(names))?.number();
    assert_eq!(number(b"a", &["b"]), Some(1.0));
    assert_eq!(number(b"a", &["b.c"]), Some(2.0));
    assert_eq!(number(b"a", &["b", "c"]), None);
    assert_eq!(number(b"a.b", &["c"]), None);
    assert_eq!(number(b"a.b.c", &["c"]), Some(3.0));
    assert_eq!(text_at(&trie, b"a.b").as_deref(), Some(&b"text"[..]));
    assert_eq!(trie.remove(b"a"), Some(Kind::Document));
    assert_eq!(text_at(&trie, b"a.b").as_deref(), Some(&b"text"[..]));
    trie.check();
}

#[test]
fn put_after_delete_is_there() {
    let mut trie = Trie::new();
    for round in 0..3u128 {
        let expected = if round == 0 { None } else { Some(Kind::Tombstone) };
        assert_eq!(trie.put_text(b"k", slot(5, 3 * round + 1), b"v"), Ok(expected));
        assert_eq!(trie.put_tombstone(b"k", slot(5, 3 * round + 2)), Ok(Some(Kind::Text)));
        assert_eq!((trie.len(), trie.tombstones(), trie.slot_len(Slot::new(5))), (0, 1, 0));
        assert_eq!(trie.get(b"k").map(|record| record.version()), Some(Version(3 * round + 2)));
        trie.check();
    }
    assert_eq!(put_tree(&mut trie, b"k", slot(5, 10), &set(&[])), Some(Kind::Tombstone));
    assert_eq!((trie.len(), trie.tombstones(), trie.slot_len(Slot::new(5))), (1, 0, 1));
    assert_eq!(trie.remove(b"k"), Some(Kind::Document));
    assert_eq!(trie.remove(b"k"), None);
    assert_eq!(trie.put_text(b"k", PLAIN, b""), Ok(None));
    assert_eq!(text_at(&trie, b"k").as_deref(), Some(&b""[..]));
    trie.check();
}

#[test]
fn put_replaces_all_of_a_record() {
    let mut trie = Trie::new();
    put_tree(&mut trie, b"p", PLAIN, &set(&[("old", Tree::Int(1)), ("both", Tree::Int(1))]));
    put_tree(&mut trie, b"p", PLAIN, &set(&[("both", Tree::Int(2))]));
    assert!(trie.get(b"p").and_then(|record| record.at(&path(&["old"]))).is_none());
    assert_eq!(tree_of(trie.get(b"p").expect("just put").document()), set(&[("both", Tree::Int(2))]));
    trie.check();
}

#[test]
fn falsy_values_come_back_as_themselves() {
    let mut trie = Trie::new();
    let tree = set(&[
        ("zero", Tree::Int(0)),
        ("float", Tree::Float(0.0)),
        ("false", Tree::Bool(false)),
        ("null", Tree::Null),
        ("text", Tree::Text(String::new())),
        ("set", set(&[])),
        ("array", Tree::Array(vec![])),
        ("", Tree::Text(String::from("the field without a name"))),
        ("small", Tree::Float(-1.5e-7)),
        ("least", Tree::Int(i64::MIN)),
        ("most", Tree::Int(i64::MAX)),
        ("quote", Tree::Text(String::from("a;b \"c\"\r\n\u{0}é NOT FOUND"))),
    ]);
    put_tree(&mut trie, b"k", PLAIN, &tree);
    let record = trie.get(b"k").expect("just put");
    assert_eq!(tree_of(record.document()), tree);
    for (name, kind) in [("zero", ValueKind::Int), ("false", ValueKind::Bool), ("null", ValueKind::Null)] {
        assert_eq!(record.at(&path(&[name])).map(|value| value.kind()), Some(kind));
    }
    assert!(
        record.at(&path(&["set"])).is_some_and(|value| value.kind() == ValueKind::Set && value.is_empty())
    );
    assert!(
        record.at(&path(&["text"])).is_some_and(|value| value.text().is_some_and(|text| text.is_empty()))
    );
    assert!(record.at(&path(&["nope"])).is_none());
    assert!(record.at(&[Segment::Index(0)]).is_none(), "a set has no elements");
    trie.check();
}

#[test]
fn a_name_that_begins_another_hides_nothing() {
    let mut trie = Trie::new();
    let tree = set(&[("ab", Tree::Int(1)), ("a", Tree::Int(2)), ("abc", Tree::Int(3))]);
    put_tree(&mut trie, b"k", PLAIN, &tree);
    let record = trie.get(b"k").expect("just put");
    let numbers = ["a", "ab", "abc"].map(|name| record.at(&path(&[name])).and_then(|value| value.number()));
    assert_eq!(numbers, [Some(2.0), Some(1.0), Some(3.0)]);
    assert_eq!(tree_of(record.document()), tree, "fields keep the order in which they were set");
}

#[test]
fn the_last_of_a_duplicate_field_stands_where_the_first_stood() {
    let mut trie = Trie::new();
    let tree = set(&[
        ("a", Tree::Text(String::from("a text that has its own slot"))),
        ("b", set(&[("deep", Tree::Array(vec![Tree::Text("x".repeat(5_000))]))])),
        ("c", Tree::Int(1)),
        ("b", Tree::Int(2)),
        ("a", set(&[("c", Tree::Int(3))])),
        ("a", Tree::Int(4)),
    ]);
    put_tree(&mut trie, b"k", PLAIN, &tree);
    let expected = set(&[("a", Tree::Int(4)), ("b", Tree::Int(2)), ("c", Tree::Int(1))]);
    assert_eq!(tree_of(trie.get(b"k").expect("just put").document()), expected);
    trie.check();
    // The same in a set of several blocks.
    let name = |index: usize| format!("field{index}");
    let fields = (0..2_000).map(|index| (name(index), Tree::Int(index as i64)));
    let again = (0..2_000).step_by(3).map(|index| (name(index), Tree::Text("y".repeat(index))));
    let tree = Tree::Set(fields.chain(again).collect());
    put_tree(&mut trie, b"k", PLAIN, &tree);
    assert_eq!(tree_of(trie.get(b"k").expect("just put").document()), tree.deduplicated());
    trie.check();
}

#[test]
fn keys_of_every_allowed_length() {
    let mut trie = Trie::new();
    assert_eq!(trie.put_text(b"", PLAIN, b"v"), Err(TrieError::KeyEmpty));
    assert_eq!(trie.put_text(&vec![0; KEY_BYTES_MAX + 1], PLAIN, b"v"), Err(TrieError::KeyTooLong));
    assert!(trie.get(b"").is_none() && trie.get(&vec![0; KEY_BYTES_MAX + 1]).is_none());
    assert_eq!(trie.remove(b""), None);
    // Two of the longest, different in the last byte only, and their beginnings: a chain of 256 nodes.
    let longest = [vec![7; KEY_BYTES_MAX], [vec![7; KEY_BYTES_MAX - 1], vec![8]].concat()];
    let keys: Vec<&[u8]> = [1, 254, 255, 256, 1_024, 1_025, 16_380, 16_381, 65_534]
        .map(|len| &longest[0][..len])
        .into_iter()
        .chain(longest.iter().map(|key| &key[..]))
        .collect();
    for (index, key) in keys.iter().enumerate() {
        assert_eq!(trie.put_text(key, slot(1, index as u128), &index.to_le_bytes()), Ok(None));
        trie.check();
    }
    for (index, key) in keys.iter().enumerate() {
        assert_eq!(text_at(&trie, key).as_deref(), Some(&index.to_le_bytes()[..]));
    }
    let (mut cursor, mut sorted) = (trie.cursor(std::ops::Bound::Unbounded), keys.clone());
    sorted.sort_unstable();
    sorted.iter().for_each(|key| assert_eq!(cursor.next(&trie).map(|(key, _)| key), Some(*key)));
    for key in keys.iter().rev() {
        assert_eq!(trie.remove(key), Some(Kind::Text));
        trie.check();
    }
    assert_eq!(trie.store.arena.used_bytes(), 0);
}

#[test]
fn a_node_at_every_byte() {
    let mut trie = Trie::new();
    let key = vec![b'x'; 3_000];
    (1..=key.len()).for_each(|len| assert_eq!(trie.put_text(&key[..len], PLAIN, b""), Ok(None)));
    trie.check();
    let (mut cursor, mut len) = (trie.cursor(std::ops::Bound::Unbounded), 0);
    while let Some((key, _)) = cursor.next(&trie) {
        len += 1;
        assert_eq!(key.len(), len);
    }
    assert_eq!(len, key.len());
    (1..=key.len()).for_each(|len| assert_eq!(trie.remove(&key[..len]), Some(Kind::Text)));
    trie.check();
}

#[test]
fn texts_of_any_length() {
    let mut trie = Trie::new();
    for len in [0, 1, 4_000, 4_060, 4_096, 5_000, 150_000, 3 << 20] {
        let text: Vec<u8> = (0..len).map(|index| (index % 251) as u8).collect();
        trie.put_text(b"k", PLAIN, &text).expect("it fits");
        let stored = trie.get(b"k").expect("just put").text();
        assert!(stored == text[..] && stored.len() == len);
        assert_eq!(stored.chunks().map(<[u8]>::len).sum::<usize>(), len);
        trie.check();
    }
    let too_long = vec![0; BULK_BYTES_MAX + 1];
    assert_eq!(trie.put_text(b"k", PLAIN, &too_long), Err(TrieError::TextTooLong));
    assert_eq!(trie.get(b"k").map(|record| record.text().len()), Some(3 << 20), "a refusal changes nothing");
}

#[test]
fn documents_nest_as_deep_as_the_limit() {
    let mut trie = Trie::new();
    let nested = |depth: usize| {
        (1..depth).fold(set(&[("leaf", Tree::Int(1))]), |inner, level| {
            if level % 2 == 0 { set(&[("in", inner)]) } else { set(&[("in", Tree::Null), ("in", inner)]) }
        })
    };
    let deepest = nested(DOCUMENT_DEPTH_MAX);
    put_tree(&mut trie, b"k", PLAIN, &deepest);
    let mut way = vec![Segment::Field("in"); DOCUMENT_DEPTH_MAX - 1];
    way.push(Segment::Field("leaf"));
    assert_eq!(trie.get(b"k").and_then(|record| record.at(&way)?.number()), Some(1.0));
    assert_eq!(tree_of(trie.get(b"k").expect("just put").document()), deepest.deduplicated());
    trie.check();
    let result = trie.put_document(b"k", PLAIN, |sink| nested(DOCUMENT_DEPTH_MAX + 1).tell(sink));
    assert_eq!(result, Err(PutError::Build(SinkError::TooDeep)));
    assert!(trie.get(b"k").is_some_and(|record| record.at(&way).is_some()), "a refusal changes nothing");
    trie.check();
    assert!(trie.remove_at(b"k", &way, Version(3)));
    assert_eq!(trie.get(b"k").map(|record| record.version()), Some(Version(3)));
    assert_eq!(trie.remove(b"k"), Some(Kind::Document));
    assert_eq!(trie.store.arena.used_bytes(), 0);
}

#[test]
fn large_sets_are_indexed_and_shrink() {
    let mut trie = Trie::new();
    let mut rng = Rng::from_seed(9);
    for count in [254, 255, 256, 257, 510, 511, 20_000] {
        let names: Vec<String> = (0..count).map(|index| format!("user:{index}")).collect();
        let tree = Tree::Set(names.iter().map(|name| (name.clone(), Tree::Text(name.repeat(3)))).collect());
        put_tree(&mut trie, b"k", PLAIN, &tree);
        trie.check();
        let value = trie.get(b"k").expect("just put").document();
        assert_eq!(value.len(), count);
        assert_eq!(tree_of(value), tree);
        let mut left: Vec<usize> = (0..count).collect();
        for step in 0..count {
            let index = left.swap_remove(rng.index(left.len()));
            let field = [Segment::Field(&names[index])];
            assert!(trie.get(b"k").is_some_and(|record| record.at(&field).is_some()));
            assert!(trie.remove_at(b"k", &field, Version::ZERO));
            assert!(!trie.remove_at(b"k", &field, Version::ZERO));
            if step % (count / 5) == 0 {
                trie.check();
            }
        }
        trie.check();
        assert!(trie.get(b"k").is_some_and(|record| record.document().is_empty()));
    }
}

#[test]
fn large_arrays_lose_elements_anywhere() {
    let mut trie = Trie::new();
    let mut elements: Vec<Tree> = (0..1_500).map(|index| Tree::Array(vec![Tree::Int(index)])).collect();
    put_tree(&mut trie, b"k", PLAIN, &set(&[("a", Tree::Array(elements.clone()))]));
    let mut rng = Rng::from_seed(4);
    while !elements.is_empty() {
        let index = rng.index(elements.len());
        let way = [Segment::Field("a"), Segment::Index(index), Segment::Index(0)];
        let Tree::Array(inner) = elements.remove(index) else { unreachable!("all elements are arrays") };
        let found = trie.get(b"k").and_then(|record| record.at(&way)).map(tree_of);
        assert_eq!(found.as_ref(), inner.first());
        assert!(trie.remove_at(b"k", &way[..2], Version::ZERO));
        if elements.len().is_multiple_of(250) {
            trie.check();
        }
    }
    assert_eq!(
        tree_of(trie.get(b"k").expect("the record stays").document()),
        set(&[("a", Tree::Array(vec![]))])
    );
}

#[test]
fn names_live_as_long_as_a_field_has_them() {
    let mut trie = Trie::new();
    let long = "n".repeat(200_000);
    let tree = set(&[(&long, Tree::Int(1)), ("short", Tree::Int(2))]);
    put_tree(&mut trie, b"one", PLAIN, &tree);
    let with_one = trie.used_bytes();
    put_tree(&mut trie, b"two", PLAIN, &tree);
    assert!(trie.used_bytes() < with_one + 200, "a name is stored once");
    assert_eq!(tree_of(trie.get(b"two").expect("just put").document()), tree);
    trie.check();
    assert!(trie.remove_at(b"one", &path(&[&long]), Version::ZERO));
    assert!(trie.get(b"two").is_some_and(|record| record.at(&path(&[&long])).is_some()));
    trie.put_tombstone(b"two", PLAIN).expect("it fits");
    trie.check();
    assert!(trie.used_bytes() < 1_000);
}

#[test]
fn a_limit_refuses_and_changes_nothing() {
    let mut trie = Trie::with_limit(4 << 20);
    let mut count = 0u32;
    let refused = loop {
        match trie.put_text(format!("key{count}").as_bytes(), slot(1, 1), &[7; 900]) {
            Ok(before) => assert_eq!(before, None),
            Err(error) => break error,
        }
        count += 1;
    };
    assert_eq!(refused, TrieError::Full);
    assert!(count > 1_000 && trie.reserved_bytes() < 5 << 20);
    assert_eq!(trie.len(), count as usize);
    trie.check();
    // A document is refused in the middle of its telling, and nothing of it stays.
    let tree = set(&[("a", Tree::Text("x".repeat(3 << 20)))]);
    let result = trie.put_document(b"key0", PLAIN, |sink| tree.tell(sink));
    assert_eq!(result, Err(PutError::Build(SinkError::TooLarge)));
    trie.check();
    // What is there can be deleted, and then there is room again.
    for index in 0..count {
        let key = format!("key{index}");
        assert_eq!(trie.put_tombstone(key.as_bytes(), slot(1, 2)), Ok(Some(Kind::Text)));
    }
    trie.check();
    for index in 0..count {
        assert_eq!(trie.remove(format!("key{index}").as_bytes()), Some(Kind::Tombstone));
    }
    assert_eq!(trie.put_text(b"large", PLAIN, &vec![1; 1 << 20]), Ok(None));
    trie.check();
}

#[test]
fn freed_memory_serves_other_sizes() {
    let mut trie = Trie::new();
    let fill = |trie: &mut Trie, len: usize| {
        for index in 0..5_000u32 {
            trie.put_text(&index.to_be_bytes(), PLAIN, &vec![1; len]).expect("no limit is set");
        }
    };
    fill(&mut trie, 500);
    let reserved = trie.reserved_bytes();
    (0..5_000u32).for_each(|index| assert!(trie.remove(&index.to_be_bytes()).is_some()));
    for len in [20, 90, 350, 480] {
        fill(&mut trie, len);
        trie.check();
        (0..5_000u32).for_each(|index| assert!(trie.remove(&index.to_be_bytes()).is_some()));
        assert_eq!(trie.reserved_bytes(), reserved, "what was freed is used first");
    }
    trie.clear();
    assert_eq!((trie.len(), trie.used_bytes(), trie.reserved_bytes()), (0, 0, 0));
    trie.check();
}

#[test]
fn a_builder_that_panics_leaves_nothing() {
    let mut trie = Trie::new();
    put_tree(&mut trie, b"k", PLAIN, &set(&[("a", Tree::Int(1))]));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        trie.put_document(b"k", PLAIN, |sink| -> Result<(), SinkError> {
            sink.event(Event::BeginSet)?;
            sink.event(Event::Field("b"))?;
            sink.event(Event::BeginArray)?;
            (0..300).try_for_each(|_| sink.event(Event::Text("a text with its own slot")))?;
            panic!("whoever tells it fails");
        })
    }));
    assert!(caught.is_err());
    trie.check();
    assert_eq!(tree_of(trie.get(b"k").expect("it was there before").document()), set(&[("a", Tree::Int(1))]));
    put_tree(&mut trie, b"k", PLAIN, &set(&[("c", Tree::Int(1))]));
    trie.check();
}

#[test]
#[should_panic(expected = "told to its end")]
fn half_a_document_is_a_mistake_of_the_caller() {
    let mut trie = Trie::new();
    let _never = trie.put_document(b"k", PLAIN, |sink| sink.event(Event::BeginSet));
}

#[test]
fn slots_are_walked_one_by_one() {
    let mut trie = Trie::new();
    for index in 0..300u16 {
        trie.put_text(format!("k{index}").as_bytes(), slot(index % 3, 1), b"v").expect("it fits");
    }
    trie.put_text(b"unthreaded", PLAIN, b"v").expect("it fits");
    trie.put_tombstone(b"k0", slot(0, 2)).expect("it fits");
    // From one slot to another, out of all, and back in.
    trie.put_text(b"k3", slot(1, 2), b"v").expect("it fits");
    trie.put_text(b"k6", PLAIN, b"v").expect("it fits");
    trie.put_text(b"k9", PLAIN, b"v").expect("it fits");
    trie.put_text(b"k9", slot(0, 3), &[1; 6_000]).expect("it fits");
    trie.check();
    let walk = |number| {
        let (mut cursor, mut before, mut seen) = (trie.slot_cursor(Slot::new(number), None), vec![], 0);
        while let Some((key, record)) = cursor.next(&trie) {
            assert_eq!(record.slot(key), Some(Slot::new(number)));
            assert!(*before < *key, "keys rise");
            seen += 1;
            before = key.to_vec();
        }
        seen
    };
    assert_eq!([walk(0), walk(1), walk(2), walk(3)], [98, 101, 100, 0]);
    assert_eq!([0, 1, 2, 3].map(|number| trie.slot_len(Slot::new(number))), [97, 101, 100, 0]);
    // A walk goes on behind any key, whether it is there or not.
    for (after, next) in [(&b"k2"[..], &b"k20"[..]), (b"k21", b"k212"), (b"k29", b"k290"), (b"k2z", b"k32")] {
        let mut cursor = trie.slot_cursor(Slot::new(2), Some(after));
        assert_eq!(cursor.next(&trie).map(|(key, _)| key), Some(next));
    }
    assert!(trie.slot_cursor(Slot::new(2), Some(b"k98")).next(&trie).is_none());
}

#[test]
fn records_under_a_prefix_go_whatever_they_hold() {
    let mut trie = Trie::new();
    let tree = set(&[("name", Tree::Text(String::from("x"))), ("long", Tree::Text("y".repeat(900)))]);
    for index in 0..3_000u32 {
        let key = format!("{}{index:04}", ["a", "b", "ba"][index as usize % 3]).into_bytes();
        // Each 500th is of a slot: its run goes one by one.
        let slot = index.is_multiple_of(500).then(|| Slot::new(7));
        let expires_at_ms = index.is_multiple_of(5).then_some(u64::from(index));
        let meta = Meta { version: Version(u128::from(index)), slot, expires_at_ms };
        match index % 7 {
            0 => assert_eq!(put_tree(&mut trie, &key, meta, &tree), None),
            1 => assert_eq!(trie.put_tombstone(&key, Meta { expires_at_ms: None, ..meta }), Ok(None)),
            2 => assert_eq!(trie.put_text(&key, meta, &[1; 6_000]), Ok(None)),
            _ => assert_eq!(trie.put_text(&key, meta, b"12345678"), Ok(None)),
        }
    }
    let (live, tombstones) = (trie.count_prefix(b"b"), trie.tombstones());
    let mut all = Removed::default();
    loop {
        let removed = trie.remove_prefix(b"b", 70);
        trie.check();
        all.live += removed.live;
        all.tombstones += removed.tombstones;
        if removed.live + removed.tombstones < 70 {
            break;
        }
    }
    assert_eq!((all.live, all.live + all.tombstones), (live, 2_000));
    assert_eq!((trie.len() + trie.tombstones(), trie.tombstones()), (1_000, tombstones - all.tombstones));
    let left = Removed { live: trie.len(), tombstones: trie.tombstones() };
    assert_eq!(trie.remove_prefix(b"", usize::MAX), left);
    trie.check();
    assert_eq!((trie.store.arena.used_bytes(), trie.expiring()), (0, 0));
}

#[test]
fn versions_cost_nothing_when_there_are_none() {
    let used = |meta: Meta| {
        let mut trie = Trie::new();
        for index in 0..1_000u32 {
            assert_eq!(trie.put_text(&index.to_be_bytes(), meta, b"12345678"), Ok(None));
        }
        trie.used_bytes()
    };
    let plain = used(PLAIN);
    let versioned = |seq: u64| used(Meta { version: Version::new(Ballot::new(7, 3), seq), ..PLAIN });
    for (seq, bytes) in
        [(1, 5_000), (1 << 16, 5_000), (u64::MAX - 0xFF00, 5_000), (256, 6_000), (u64::MAX, 6_000)]
    {
        let more = versioned(seq) - plain;
        assert!((bytes - 200..bytes + 2_000).contains(&more), "{more} for {bytes}, rounding beside");
    }
}

#[test]
fn versions_are_whole_when_there_are_too_many_epochs() {
    let mut trie = Trie::new();
    let meta = |number: u64| Meta { version: Version(u128::from(number) << 40 | 7), ..PLAIN };
    for number in 1..70_000u64 {
        assert_eq!(trie.put_text(&number.to_be_bytes(), meta(number), b"v"), Ok(None));
    }
    for number in (1..70_000u64).step_by(997).chain(65_500..65_600) {
        let key = number.to_be_bytes();
        assert_eq!(trie.get(&key).map(|record| record.meta(&key)), Some(meta(number)));
    }
    trie.check();
    (1..70_000u64).for_each(|number| assert!(trie.remove(&number.to_be_bytes()).is_some()));
    assert_eq!(trie.put_text(b"k", meta(9), b"v"), Ok(None));
    trie.check();
}

#[test]
fn an_empty_trie_takes_nothing() {
    let trie = Trie::new();
    assert_eq!((trie.used_bytes(), trie.reserved_bytes()), (0, 0));
    assert!(trie.get(b"k").is_none() && trie.is_empty());
    assert!(trie.next_after(None, &mut Vec::new()).is_none());
    assert!(trie.slot_cursor(Slot::new(7), None).next(&trie).is_none() && trie.slot_is_empty(Slot::new(7)));
    trie.check();
}

#[test]
fn a_trie_can_go_to_another_thread() {
    fn assert_send<T: Send>() {}
    assert_send::<Trie>();
    assert_send::<Cursor>();
}

#[test]
fn memory_goes_back_to_the_system() {
    let mut trie = Trie::new();
    let key = |index: u32| format!("key:{index:010}").into_bytes();
    let count = 150_000;
    for index in 0..count {
        // Some have their text outside.
        let text = vec![b'v'; if index % 4 == 0 { 100 } else { 30 }];
        trie.put_text(&key(index), slot(index as u16 % 100, 1), &text).expect("no limit is set");
    }
    let mut slices = 0;
    let mut tidy = |trie: &mut Trie| {
        while trie.has_work() {
            trie.work(100);
            slices += 1;
        }
        trie.check();
        assert!(trie.reserved_bytes() < trie.used_bytes() / 8 * 10 + (4 << 20), "{trie:?}");
    };
    tidy(&mut trie);
    let full = trie.reserved_bytes();
    (0..count).filter(|index| index % 10 != 0).for_each(|index| assert!(trie.remove(&key(index)).is_some()));
    tidy(&mut trie);
    let left = trie.reserved_bytes();
    assert!(left < full / 2, "{left} of {full}, {} used", trie.used_bytes());
    for index in (0..count).step_by(10) {
        assert_eq!(
            text_at(&trie, &key(index)).map(|text| text.len()),
            Some(if index % 4 == 0 { 100 } else { 30 })
        );
    }
    assert!(slices > 10);
}
