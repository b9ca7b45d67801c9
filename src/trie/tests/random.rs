//! Short runs that shrink to the fewest operations when they fail.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Operation {
    Text(Vec<u8>, usize),
    Document(Vec<u8>, Vec<(u8, Small)>),
    Tombstone(Vec<u8>),
    Remove(Vec<u8>),
    RemoveAt(Vec<u8>, Vec<u8>),
}

#[derive(Clone, Debug)]
enum Small {
    Zero,
    False,
    Empty,
    Text(usize),
    Set(Vec<u8>),
}

impl Small {
    fn tree(&self) -> Tree {
        match self {
            Small::Zero => Tree::Int(0),
            Small::False => Tree::Bool(false),
            Small::Empty => Tree::Text(String::new()),
            Small::Text(len) => Tree::Text("t".repeat(*len)),
            Small::Set(names) => Tree::Set(names.iter().map(|name| (field(*name), Tree::Null)).collect()),
        }
    }
}

fn field(name: u8) -> String {
    "f".repeat(name as usize % 5)
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0u8), Just(1), Just(b'k'), Just(255)], 1..5)
        .prop_flat_map(|head| (Just(head), prop_oneof![9 => Just(0usize), 1 => 250..600usize]))
        .prop_map(|(head, padding)| [vec![b'p'; padding], head].concat())
}

fn operation() -> impl Strategy<Value = Operation> {
    let small = prop_oneof![
        Just(Small::Zero),
        Just(Small::False),
        Just(Small::Empty),
        prop_oneof![0..30usize, 4_000..4_200usize].prop_map(Small::Text),
        vec(any::<u8>(), 0..4).prop_map(Small::Set),
    ];
    prop_oneof![
        4 => (key(), prop_oneof![0..100usize, 3_950..4_200usize]).prop_map(|(key, len)| Operation::Text(key, len)),
        3 => (key(), vec((any::<u8>(), small), 0..6)).prop_map(|(key, fields)| Operation::Document(key, fields)),
        1 => key().prop_map(Operation::Tombstone),
        3 => key().prop_map(Operation::Remove),
        2 => (key(), vec(any::<u8>(), 1..3)).prop_map(|(key, path)| Operation::RemoveAt(key, path)),
    ]
}

/// What a key holds; `None` is a tombstone.
type Twin = BTreeMap<Vec<u8>, Option<Tree>>;

fn kind(entry: &Option<Tree>) -> Kind {
    match entry {
        None => Kind::Tombstone,
        Some(Tree::Set(_)) => Kind::Document,
        Some(_) => Kind::Text,
    }
}

fn apply(trie: &mut Trie, twin: &mut Twin, operation: &Operation) {
    match operation {
        Operation::Text(key, len) => {
            let before = twin.insert(key.clone(), Some(Tree::Text("v".repeat(*len))));
            assert_eq!(trie.put_text(key, PLAIN, &vec![b'v'; *len]), Ok(before.as_ref().map(kind)));
        }
        Operation::Document(key, fields) => {
            let tree = Tree::Set(fields.iter().map(|(name, value)| (field(*name), value.tree())).collect());
            let before = twin.insert(key.clone(), Some(tree.deduplicated()));
            assert_eq!(put_tree(trie, key, PLAIN, &tree), before.as_ref().map(kind));
        }
        Operation::Tombstone(key) => {
            let before = twin.insert(key.clone(), None);
            assert_eq!(trie.put_tombstone(key, PLAIN), Ok(before.as_ref().map(kind)));
        }
        Operation::Remove(key) => {
            let before = twin.remove(key);
            assert_eq!(trie.remove(key), before.as_ref().map(kind));
        }
        Operation::RemoveAt(key, names) => {
            let names: Vec<String> = names.iter().map(|name| field(*name)).collect();
            let path: Vec<_> = names.iter().map(|name| Segment::Field(name)).collect();
            let removed = match twin.get_mut(key) {
                Some(Some(tree)) => tree.remove_at(&path),
                _ => false,
            };
            assert_eq!(trie.remove_at(key, &path, Version::ZERO), removed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn operations_do_what_they_do_to_a_map(operations in vec(operation(), 1..60)) {
        let (mut trie, mut twin) = (Trie::new(), Twin::new());
        for operation in &operations {
            apply(&mut trie, &mut twin, operation);
            trie.check();
        }
        let mut cursor = trie.cursor(std::ops::Bound::Unbounded);
        for (key, entry) in &twin {
            let (found, record) = cursor.next(&trie).expect("the cursor ends with the twin");
            assert_eq!(found, key);
            assert_eq!(record.kind(), kind(entry));
            match entry {
                None => {}
                Some(Tree::Text(text)) => assert!(record.text() == *text.as_bytes()),
                Some(tree) => assert_eq!(&tree_of(record.document()), tree),
            }
        }
        assert!(cursor.next(&trie).is_none());
    }
}
