//! Cursors while the trie changes under them.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use super::*;
use crate::rng::Rng;

/// Puts or removes a random key, and gives the trie time; notes in `stands` which keys are gone or new since the walk began.
fn disturb(trie: &mut Trie, rng: &mut Rng, stands: &mut BTreeMap<Vec<u8>, bool>, key_of: fn(u64) -> Vec<u8>) {
    let key = key_of(rng.below(400));
    if rng.percent(25) {
        trie.work(1 + rng.index(200));
    }
    match rng.below(10) {
        0..4 => {
            trie.remove(&key);
            stands.insert(key, false);
        }
        4..6 => {
            trie.put_tombstone(&key, PLAIN).expect("it fits");
            stands.entry(key).or_insert(false);
        }
        _ => {
            trie.put_text(&key, PLAIN, &vec![b'x'; rng.index(300)]).expect("it fits");
            stands.entry(key).or_insert(false);
        }
    }
}

/// Pieces so small that nodes and runs move while a walk is under way.
fn tiny(seed: u64) -> Pieces {
    let small = seed as usize % 8;
    Pieces {
        run_entries: 2 + small,
        run_bytes: 60 + 60 * small,
        region_records: 4 + seed as usize,
        span_bytes: 512 << (small / 3),
    }
}

fn keys_of(trie: &Trie) -> BTreeMap<Vec<u8>, bool> {
    let mut cursor = trie.cursor(Bound::Unbounded);
    let mut keys = BTreeMap::new();
    while let Some((key, _)) = cursor.next(trie) {
        keys.insert(key.to_vec(), true);
    }
    keys
}

fn dense(number: u64) -> Vec<u8> {
    (0..4).map(|digit| b'a' + (number / 5u64.pow(digit) % 5) as u8).take(1 + number as usize % 4).collect()
}

fn wide(number: u64) -> Vec<u8> {
    vec![(number % 251) as u8, (number / 3) as u8]
}

#[test]
fn every_key_that_stands_is_returned_once_and_in_order() {
    for seed in 0..60 {
        let mut rng = Rng::from_seed(seed);
        let key_of = if seed % 2 == 0 { dense } else { wide };
        let mut trie = Trie::with_pieces(tiny(seed));
        (0..300).for_each(|_| disturb(&mut trie, &mut rng, &mut BTreeMap::new(), key_of));
        let mut stands = keys_of(&trie);
        let prefix = if rng.percent(40) { key_of(rng.below(400))[..1].to_vec() } else { Vec::new() };
        let mut cursor = trie.cursor_prefix(&prefix, None);
        let mut returned: Vec<Vec<u8>> = Vec::new();
        loop {
            // Quiet stretches use the path, disturbed ones the key.
            if rng.percent(30) {
                (0..rng.index(4)).for_each(|_| disturb(&mut trie, &mut rng, &mut stands, key_of));
            }
            let Some((key, record)) = cursor.next(&trie) else { break };
            assert!(key.starts_with(&prefix));
            assert_eq!(
                trie.get(key).map(|found| found.meta(key)),
                Some(record.meta(key)),
                "what is returned is there"
            );
            assert!(returned.last().is_none_or(|last| last[..] < *key), "keys rise");
            returned.push(key.to_vec());
        }
        assert!(cursor.next(&trie).is_none(), "an ended cursor stays so");
        let missed = stands.iter().filter(|(key, stood)| {
            **stood && key.starts_with(&prefix) && returned.binary_search(key).is_err()
        });
        assert_eq!(missed.count(), 0, "seed {seed}");
        trie.check();
    }
}

#[test]
fn bounds_and_prefixes() {
    let mut trie = Trie::new();
    let keys: [&[u8]; 8] = [b"a", b"ab", b"abc", b"abd", b"ac", b"b", b"b\0", b"\xff\xff"];
    keys.iter().for_each(|key| assert_eq!(trie.put_text(key, PLAIN, b"v"), Ok(None)));
    let collect = |mut cursor: Cursor| {
        let mut found = Vec::new();
        while let Some((key, _)) = cursor.next(&trie) {
            found.push(keys.iter().position(|other| *other == key).expect("only what was put"));
        }
        found
    };
    assert_eq!(collect(trie.cursor(Bound::Unbounded)), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(collect(trie.cursor(Bound::Included(b"ab"))), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(collect(trie.cursor(Bound::Excluded(b"ab"))), [2, 3, 4, 5, 6, 7]);
    assert_eq!(collect(trie.cursor(Bound::Included(b"abb"))), [2, 3, 4, 5, 6, 7]);
    assert_eq!(collect(trie.cursor(Bound::Excluded(b"abz"))), [4, 5, 6, 7]);
    assert_eq!(collect(trie.cursor(Bound::Included(b"\xff\xff\0"))), []);
    assert_eq!(collect(trie.cursor_prefix(b"ab", None)), [1, 2, 3]);
    assert_eq!(collect(trie.cursor_prefix(b"ab", Some(b"ab"))), [2, 3]);
    assert_eq!(collect(trie.cursor_prefix(b"ab", Some(b"abc"))), [3]);
    assert_eq!(collect(trie.cursor_prefix(b"ab", Some(b"aa"))), [1, 2, 3]);
    assert_eq!(collect(trie.cursor_prefix(b"ab", Some(b"a"))), [1, 2, 3]);
    assert_eq!(collect(trie.cursor_prefix(b"ab", Some(b"ac"))), []);
    assert_eq!(collect(trie.cursor_prefix(b"", Some(b"b"))), [6, 7]);
    assert_eq!(collect(trie.cursor_prefix(b"x", None)), []);
    assert_eq!(collect(trie.cursor_prefix(b"\xff", None)), [7]);
}

#[test]
fn a_slot_is_walked_while_it_changes() {
    for seed in 0..30 {
        let mut rng = Rng::from_seed(seed);
        let mut trie = Trie::with_pieces(tiny(seed));
        let meta = |rng: &mut Rng| Meta {
            version: Version(1),
            slot: Some(Slot::new(rng.below(2) as u16)),
            ..Meta::default()
        };
        for number in 0..150 {
            trie.put_text(
                &dense(number),
                Meta { version: Version::ZERO, slot: Some(Slot::new(0)), ..Meta::default() },
                b"v",
            )
            .expect("it fits");
        }
        let mut stands = keys_of(&trie);
        let (mut cursor, mut returned) = (trie.slot_cursor(Slot::new(0), None), Vec::<Vec<u8>>::new());
        while let Some((key, _)) = cursor.next(&trie) {
            assert!(
                returned.last().is_none_or(|last| **last < *key),
                "seed {seed}: a record is returned twice"
            );
            returned.push(key.to_vec());
            if rng.percent(20) {
                // As over the wire: only the key is kept.
                cursor = trie.slot_cursor(Slot::new(0), returned.last().map(|key| &key[..]));
            }
            if rng.percent(30) {
                trie.work(1 << rng.index(15));
            }
            for _ in 0..rng.index(3) {
                let key = dense(rng.below(400));
                if rng.percent(50) {
                    trie.remove(&key);
                    stands.insert(key, false);
                } else {
                    let meta = meta(&mut rng);
                    trie.put_text(&key, meta, &vec![1; rng.index(200)]).expect("it fits");
                    if meta.slot != Some(Slot::new(0)) {
                        stands.insert(key, false);
                    } else {
                        stands.entry(key).or_insert(false);
                    }
                }
            }
        }
        assert!(stands.iter().all(|(key, stood)| !stood || returned.contains(key)), "seed {seed}");
        trie.check();
    }
}

#[test]
fn a_walk_shows_what_next_answers() {
    for seed in 0..40 {
        let mut rng = Rng::from_seed(seed);
        let key_of = if seed % 2 == 0 { dense } else { wide };
        let mut trie = Trie::with_pieces(tiny(seed));
        (0..500).for_each(|_| disturb(&mut trie, &mut rng, &mut BTreeMap::new(), key_of));
        for _ in 0..40 {
            let (from, to) = (key_of(rng.below(400)), key_of(rng.below(400)));
            let prefix = &from[..rng.index(from.len() + 1)];
            let cursor = match rng.index(5) {
                0 => trie.cursor_prefix(prefix, None),
                1 => trie.cursor_prefix(prefix, Some(&from)),
                2 => trie.cursor_range(Bound::Included(&from), Bound::Excluded(&to)),
                3 => trie.cursor_range(Bound::Excluded(&from), Bound::Included(&to)),
                _ => trie.cursor_range_back(Bound::Included(&to), Bound::Included(&from)),
            };
            let (mut walk, mut next) = (cursor.clone(), cursor);
            let mut shown = Vec::new();
            // In several parts, some of which end in the middle of a run, and single steps between them.
            while walk.next(&trie).map(|(key, record)| shown.push((key.to_vec(), record.kind()))).is_some() {
                let mut left = 1 + rng.index(20);
                walk.walk(&trie, |key, record| {
                    shown.push((key.to_vec(), record.kind()));
                    left -= 1;
                    if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                });
            }
            for (key, kind) in shown {
                assert_eq!(
                    next.next(&trie).map(|(key, record)| (key.to_vec(), record.kind())),
                    Some((key, kind))
                );
            }
            assert!(next.next(&trie).is_none());
        }
    }
}
