//! All below a prefix, removed at once and freed later.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::*;

const SMALL: Pieces = Pieces { run_entries: 4, run_bytes: 200, region_records: 4, span_bytes: 512 };

fn filled(pieces: Pieces, keys: &BTreeSet<Vec<u8>>) -> Trie {
    let mut trie = Trie::with_pieces(pieces);
    keys.iter().for_each(|key| assert_eq!(trie.put_text(key, PLAIN, b"12345678"), Ok(None)));
    trie
}

fn keys_of(trie: &Trie) -> Vec<Vec<u8>> {
    let (mut cursor, mut keys) = (trie.cursor(Bound::Unbounded), Vec::new());
    while let Some((key, _)) = cursor.next(trie) {
        keys.push(key.to_vec());
    }
    keys
}

/// Unlinks, compares what is left, and frees record by record.
fn unlink(mut trie: Trie, keys: &BTreeSet<Vec<u8>>, prefix: &[u8]) {
    let (gone, left): (Vec<_>, Vec<_>) = keys.iter().cloned().partition(|key| key.starts_with(prefix));
    let unlinking = trie.unlink_prefix(prefix).expect("there are no slots");
    trie.check();
    assert_eq!(keys_of(&trie), left, "{prefix:?}");
    assert!(gone.iter().all(|key| trie.get(key).is_none()));
    assert_eq!((trie.count_prefix(prefix), trie.count_prefix(b"")), (0, left.len()));
    assert_eq!((trie.has_unlinked(), trie.is_empty()), (!gone.is_empty(), left.is_empty()));
    let mut slices = 1;
    let removed = loop {
        if let Some(removed) = trie.free_unlinked(&unlinking, 1) {
            break removed;
        }
        slices += 1;
        trie.check();
    };
    assert_eq!(removed, Removed { live: gone.len(), tombstones: 0 }, "{prefix:?}");
    assert!(slices >= gone.len().div_ceil(64), "no slice is larger than a run");
    trie.check();
    assert_eq!(trie.len(), left.len());
    // What is left is as it would be: it goes one by one, and nothing stays.
    left.iter().for_each(|key| assert_eq!(trie.remove(key), Some(Kind::Text)));
    assert_eq!(trie.store.arena.used_bytes(), 0);
}

#[test]
fn any_prefix_of_any_key() {
    let mut keys: BTreeSet<Vec<u8>> = BTreeSet::new();
    // Runs with a prefix, terms, thin branches that share runs, wide nodes, long prefixes.
    keys.extend((0..30).map(|number| format!("person{number}").into_bytes()));
    keys.extend(["p", "pe", "person", "q", "qa", "qab"].map(Vec::from));
    keys.extend((0..=255).step_by(5).map(|byte| vec![b'w', byte, b'x']));
    keys.extend((b'a'..b'k').map(|edge| vec![b's', edge, 1]));
    keys.extend([255, 256, 300, 700].map(|len| vec![b'l'; len]));
    keys.extend([vec![255], vec![255, 255, 255], vec![0]]);
    let mut prefixes: BTreeSet<Vec<u8>> = BTreeSet::from([vec![], b"nothing".to_vec()]);
    for key in &keys {
        let lens = (1..=key.len().min(8)).chain((8..=key.len()).step_by(49)).chain([key.len()]);
        prefixes.extend(lens.map(|len| key[..len].to_vec()));
        prefixes.insert([&key[..], b"x"].concat());
    }
    for prefix in &prefixes {
        for pieces in [SMALL, Pieces { run_entries: 12, run_bytes: 400, ..SMALL }, Pieces::default()] {
            unlink(filled(pieces, &keys), &keys, prefix);
        }
    }
}

#[test]
fn a_run_is_parted_by_a_prefix() {
    let keys = BTreeSet::from([&b"a"[..], b"ab", b"abc", b"abd", b"b"].map(Vec::from));
    for prefix in [&b""[..], b"a", b"ab", b"abc", b"abcd", b"b", b"c"] {
        // All is one run, and nothing is above it.
        unlink(filled(Pieces::default(), &keys), &keys, prefix);
    }
}

/// What is unlinked has everything that is booked: it leaves the books in whatever order it is freed, and is never in
/// the way of what is written anew.
#[test]
fn what_is_written_anew_stays_and_is_not_counted() {
    let mut trie = Trie::with_pieces(SMALL);
    let key = |number: u64| format!("k{number:03}").into_bytes();
    let meta = |number: u64, seq: u64| Meta {
        version: Version(u128::from(seq) << 40 | 5),
        expires_at_ms: number.is_multiple_of(2).then_some(number * 10),
        slot: None,
    };
    let tree =
        |number: u64| Tree::Set(vec![(format!("f{}", number % 9), Tree::Text("x".repeat(number as usize)))]);
    let fill = |trie: &mut Trie, numbers: std::ops::Range<u64>, seq: u64| {
        for number in numbers {
            match number % 4 {
                0 => assert_eq!(put_tree(trie, &key(number), meta(number, seq), &tree(number * 9)), None),
                1 => assert_eq!(trie.put_tombstone(&key(number), meta(number, seq)), Ok(None)),
                _ => assert_eq!(trie.put_text(&key(number), meta(number, seq), &[7; 90]), Ok(None)),
            }
            trie.check();
        }
    };
    fill(&mut trie, 0..60, 1);
    let first = trie.unlink_prefix(b"k0").expect("there are no slots");
    assert_eq!(trie.free_unlinked(&first, 9), None);
    // At the same times, with another version; half of them die too, while the first are not gone yet.
    fill(&mut trie, 20..50, 2);
    let second = trie.unlink_prefix(b"k03").expect("there are no slots");
    trie.check();
    fill(&mut trie, 35..40, 3);
    assert_eq!(trie.free_unlinked(&second, usize::MAX), Some(Removed { live: 8, tombstones: 2 }));
    trie.check();
    trie.work(1);
    trie.free_some_unlinked(3);
    trie.check();
    assert_eq!(trie.free_unlinked(&first, usize::MAX), Some(Removed { live: 45, tombstones: 15 }));
    trie.check();
    let left: Vec<_> = (20..30).chain(35..50).map(key).collect();
    assert_eq!(keys_of(&trie), left);
    assert!(left.iter().all(|key| trie.get(key).is_some_and(|record| record.version().0 >> 40 > 1)));
    assert_eq!((trie.len() + trie.tombstones(), trie.expiring()), (25, 12));
}

#[test]
fn what_is_unlinked_never_expires() {
    let mut trie = Trie::with_pieces(SMALL);
    let expiring = |at| Meta { expires_at_ms: Some(at), ..PLAIN };
    for number in 0..40u64 {
        trie.put_text(format!("dead{number}").as_bytes(), expiring(number), b"v").expect("no limit is set");
    }
    trie.put_text(b"live", expiring(35), b"v").expect("no limit is set");
    let unlinking = trie.unlink_prefix(b"dead").expect("there are no slots");
    let mut key = Vec::new();
    assert!(trie.next_expired(34, &mut key).is_none());
    assert!(trie.next_expired(35, &mut key).is_some() && key == b"live", "past those that are not there");
    assert_eq!(trie.next_expiry_ms(), Some(0), "nothing expires before");
    assert_eq!((0..50).filter(|_| trie.free_unlinked_expired(20)).count(), 21);
    trie.check();
    assert_eq!(trie.next_expiry_ms(), Some(21));
    assert_eq!((0..50).filter(|_| trie.free_unlinked_expired(39)).count(), 15, "up to the one that is there");
    // One that would expire at the same time, at the same key.
    trie.put_text(b"dead38", expiring(38), b"v").expect("no limit is set");
    assert_eq!(trie.remove(b"live"), Some(Kind::Text));
    trie.check();
    assert_eq!(trie.free_unlinked(&unlinking, 100), Some(Removed { live: 40, tombstones: 0 }));
    assert!(trie.next_expired(39, &mut key).is_some() && key == b"dead38");
    assert!(!trie.free_unlinked_expired(39));
    trie.check();
}

#[test]
fn records_of_slots_are_not_unlinked() {
    let mut trie = Trie::new();
    trie.put_text(b"k1", PLAIN, b"v").expect("no limit is set");
    trie.put_text(b"k2", Meta { slot: Some(Slot::new(3)), ..PLAIN }, b"v").expect("no limit is set");
    assert_eq!(trie.unlink_prefix(b"k1"), None);
    assert_eq!((trie.len(), trie.has_unlinked()), (2, false));
    trie.remove(b"k2");
    let unlinking = trie.unlink_prefix(b"k").expect("there are no slots any more");
    // What comes then may be of one, even in the place of what is gone.
    trie.put_text(b"k1", Meta { slot: Some(Slot::new(3)), ..PLAIN }, b"v").expect("no limit is set");
    trie.check();
    assert_eq!(trie.free_unlinked(&unlinking, 1), Some(Removed { live: 1, tombstones: 0 }));
    assert_eq!((trie.len(), trie.slot_len(Slot::new(3))), (1, 1));
}

#[test]
fn there_is_a_bound_to_what_waits() {
    let mut trie = Trie::new();
    let key = |number: usize| format!("{number:03}").into_bytes();
    (0..100).for_each(|number| assert_eq!(trie.put_text(&key(number), PLAIN, b"v"), Ok(None)));
    let unlinkings: Vec<_> = (0..100).map_while(|number| trie.unlink_prefix(&key(number))).collect();
    assert_eq!((unlinkings.len(), keys_of(&trie).len()), (64, 36));
    trie.check();
    while trie.has_unlinked() {
        trie.work(1);
    }
    // What only waits to be told is not in the way.
    let rest = trie.unlink_prefix(b"").expect("all others are freed");
    assert_eq!(trie.free_unlinked(&rest, 100), Some(Removed { live: 36, tombstones: 0 }));
    let one = Removed { live: 1, tombstones: 0 };
    unlinkings.iter().for_each(|unlinking| assert_eq!(trie.free_unlinked(unlinking, 0), Some(one)));
}

#[test]
fn a_cursor_goes_on_behind_what_is_gone() {
    let mut trie = Trie::new();
    for letter in ["a", "b", "c"] {
        for number in 0..500 {
            assert_eq!(trie.put_text(format!("{letter}{number:03}").as_bytes(), PLAIN, b"v"), Ok(None));
        }
    }
    let (mut up, mut down) = (trie.cursor(Bound::Unbounded), trie.cursor_prefix_back(b"", None));
    (0..700).for_each(|_| assert!(up.next(&trie).is_some() && down.next(&trie).is_some()));
    let mut inside = trie.cursor_prefix(b"b", None);
    assert!(inside.next(&trie).is_some());
    let unlinking = trie.unlink_prefix(b"b").expect("there are no slots");
    assert!(inside.next(&trie).is_none());
    assert_eq!(up.next(&trie).map(|(key, _)| key), Some(&b"c000"[..]));
    assert_eq!(trie.free_unlinked(&unlinking, 100), None);
    assert_eq!(up.next(&trie).map(|(key, _)| key), Some(&b"c001"[..]));
    assert_eq!(down.next(&trie).map(|(key, _)| key), Some(&b"a499"[..]));
    assert_eq!(trie.free_unlinked(&unlinking, 500), Some(Removed { live: 500, tombstones: 0 }));
    assert_eq!(up.next(&trie).map(|(key, _)| key), Some(&b"c002"[..]));
    assert_eq!(down.next(&trie).map(|(key, _)| key), Some(&b"a498"[..]));
}

/// Memory that dead records have is no reason to refuse a live one.
#[test]
fn at_the_limit_the_dead_go_first() {
    let tree = Tree::Set(vec![(String::from("a"), Tree::Text("x".repeat(1 << 20)))]);
    for is_document in [false, true] {
        let mut trie = Trie::with_limit(4 << 20);
        let mut count = 0;
        while trie.put_text(format!("key{count}").as_bytes(), PLAIN, &[7; 900]).is_ok() {
            count += 1;
        }
        let unlinking = trie.unlink_prefix(b"key").expect("there are no slots");
        assert!(trie.len() == count && trie.get(b"key0").is_none());
        if is_document {
            assert_eq!(put_tree(&mut trie, b"key0", PLAIN, &tree), None);
        } else {
            assert_eq!(trie.put_text(b"key0", PLAIN, &vec![1; 1 << 20]), Ok(None));
        }
        trie.check();
        assert!(trie.len() < count);
        let all = trie.free_unlinked(&unlinking, usize::MAX);
        assert_eq!(all, Some(Removed { live: count, tombstones: 0 }));
        assert_eq!(trie.len(), 1);
    }
}

#[test]
fn clearing_leaves_nothing_to_be_freed() {
    let keys = (0..1_000).map(|number| format!("k{number}").into_bytes()).collect();
    let mut trie = filled(Pieces::default(), &keys);
    let unlinking = trie.unlink_prefix(b"k").expect("there are no slots");
    assert_eq!(trie.free_unlinked(&unlinking, 64), None);
    let freed = 1_000 - trie.len();
    trie.clear();
    assert!(!trie.has_unlinked());
    trie.put_text(b"k1", PLAIN, b"v").expect("no limit is set");
    assert_eq!(trie.free_unlinked(&unlinking, 64), Some(Removed { live: freed, tombstones: 0 }));
    trie.check();
    assert_eq!(trie.len(), 1);
}

/// Each key begins the next one: a node below a node, up to the longest key. On a stack that has no room for a call of
/// each.
#[test]
fn depth_is_no_matter() {
    let run = || {
        let lens: Vec<usize> = (1..=crate::limits::KEY_BYTES_MAX).rev().step_by(30).collect();
        let all = vec![b'k'; lens[0]];
        let fill = || {
            let mut trie = Trie::with_pieces(Pieces { run_entries: 2, run_bytes: 60, ..SMALL });
            lens.iter().for_each(|&len| assert_eq!(trie.put_text(&all[..len], PLAIN, b"v"), Ok(None)));
            trie
        };
        for prefix in [0, 1, 30_000, lens[0]] {
            let mut trie = fill();
            let unlinking = trie.unlink_prefix(&all[..prefix]).expect("there are no slots");
            trie.check();
            let live = lens.iter().filter(|&&len| len >= prefix).count();
            assert_eq!(trie.count_prefix(b""), lens.len() - live);
            while trie.free_unlinked(&unlinking, 50).is_none() {}
            assert_eq!(trie.len(), lens.len() - live);
            trie.check();
        }
    };
    std::thread::Builder::new()
        .stack_size(160 << 10)
        .spawn(run)
        .expect("a thread")
        .join()
        .expect("it ends well");
}
