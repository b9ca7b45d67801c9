//! Edits of one document after another of itself, with everything in between that moves records.

use super::*;
use crate::rng::Rng;
use std::collections::BTreeMap;

const FIELDS: [&str; 5] = ["a", "bb", "ccc", "name", "city"];

/// Puts a field as a caller does who does not know whether its document is there.
fn set_field(trie: &mut Trie, key: &[u8], meta: Meta, field: &str, int: i64) {
    let path = [Segment::Field(field)];
    let edited = trie.put_at(key, &path, meta.version, |sink| sink.event(crate::value::Event::Int(int)));
    if edited.expect("it fits") == Edited::Nowhere {
        put_tree(trie, key, meta, &Tree::Set(vec![(field.to_owned(), Tree::Int(int))]));
    }
}

#[test]
fn a_finger_is_never_on_another_record() {
    for seed in 0..12 {
        let mut rng = Rng::from_seed(seed);
        let mut trie = Trie::with_pieces(Pieces { run_entries: 4, run_bytes: 120, ..Pieces::default() });
        let mut twin: BTreeMap<Vec<u8>, BTreeMap<&str, i64>> = BTreeMap::new();
        let meta_of = |key: &[u8]| Meta { slot: (seed % 2 == 1).then(|| Slot::of(key)), ..PLAIN };
        let mut key = b"0".to_vec();
        for step in 0..3_000 {
            if rng.percent(30) {
                key = rng.below(60).to_string().into_bytes();
            }
            let other = rng.below(60).to_string().into_bytes();
            match rng.below(12) {
                0 => {
                    trie.remove(&other);
                    twin.remove(&other);
                }
                1 => {
                    trie.put_text(&other, meta_of(&other), b"a text").expect("it fits");
                    twin.remove(&other);
                }
                2 => drop(trie.set_expiry(&other, Some(step))),
                3 => {
                    trie.begin_work();
                    trie.work(rng.index(4));
                }
                4 => {
                    let field = FIELDS[rng.index(FIELDS.len())];
                    let had = twin.get_mut(&key).is_some_and(|fields| fields.remove(field).is_some());
                    assert_eq!(trie.remove_at(&key, &[Segment::Field(field)], Version::ZERO), had);
                }
                _ => {
                    let (field, int) = (FIELDS[rng.index(FIELDS.len())], rng.below(1 << 20) as i64);
                    set_field(&mut trie, &key, meta_of(&key), field, int);
                    twin.entry(key.clone()).or_default().insert(field, int);
                }
            }
            for (key, fields) in twin.iter().filter(|_| step % 16 == 0) {
                let document = trie.get(key).expect("it was put").document();
                assert_eq!(document.len(), fields.len());
                for (field, int) in fields {
                    let value = document.at(&[Segment::Field(field)]);
                    assert_eq!(value.and_then(|value| value.int()), Some(*int), "seed {seed}, step {step}");
                }
            }
            if step % 64 == 0 {
                trie.check();
            }
        }
    }
}
