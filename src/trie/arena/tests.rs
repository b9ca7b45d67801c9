use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::rng::Rng;

#[test]
fn classes_fit_their_sizes() {
    for bytes in 0..=SPAN_BYTES {
        let class = class_of(bytes);
        assert!(CLASS_BYTES[class] >= bytes);
        assert!(class == 0 || CLASS_BYTES[class - 1] < bytes, "{bytes} would fit a smaller class");
    }
    assert!(CLASS_BYTES.iter().all(|size| size % UNIT_BYTES == 0));
}

#[test]
fn slots_keep_their_bytes_and_come_back() {
    [SPAN_BYTES, 4_096, 1_000, SPAN_BYTES_MIN].into_iter().for_each(keep_and_come_back);
}

fn keep_and_come_back(span_bytes: usize) {
    let mut arena = Arena::new(usize::MAX);
    arena.cut_spans(span_bytes);
    let mut rng = Rng::from_seed(3);
    let mut slots: Vec<(Ref, usize, u8)> = Vec::new();
    for round in 0..20_000u32 {
        if slots.is_empty() || rng.percent(if round < 10_000 { 60 } else { 35 }) {
            let most = if rng.percent(5) { SPAN_BYTES - 2 } else { 600 };
            let bytes = 2 + rng.index(most);
            let (at, mark) = (arena.alloc(bytes), rng.below(256) as u8);
            arena.tail_mut(at)[..bytes].fill(mark);
            slots.push((at, bytes, mark));
        } else {
            let (at, bytes, mark) = slots.swap_remove(rng.index(slots.len()));
            assert!(arena.tail(at)[..bytes].iter().all(|&byte| byte == mark));
            assert_eq!(arena.slot_bytes(at), Arena::rounded(bytes));
            arena.free(at);
        }
        if arena.is_pool_full() && rng.percent(5) {
            arena.give_back(1 + rng.index(30));
        }
        if round % 500 == 0 {
            let mut owned = Owned::new(&arena);
            slots.iter().for_each(|&(at, bytes, _)| owned.own(at, bytes));
            owned.check();
        }
    }
    slots.drain(..).for_each(|(at, ..)| arena.free(at));
    Owned::new(&arena).check();
    assert_eq!(arena.used_bytes(), 0);
}

#[test]
fn tiny_spans_fill_and_empty_by_the_kib() {
    let mut arena = Arena::new(usize::MAX);
    arena.cut_spans(1_024);
    let slots: Vec<Ref> = (0..160).map(|_| arena.alloc(100)).collect();
    let spans: BTreeSet<u32> = slots.iter().map(|at| at.span()).collect();
    assert_eq!((spans.len(), arena.room_bytes), (18, 18 * 1_024), "nine slots of 104 bytes in each");
    // What is larger has a span alone.
    let large = [1_100, 4_096, SPAN_BYTES].map(|bytes| arena.alloc(bytes));
    assert_eq!(large.map(|at| arena.slot_bytes(at)), [1_168, 4_096, SPAN_BYTES]);
    assert_eq!(arena.room_bytes, 18 * 1_024 + 1_168 + 4_096 + SPAN_BYTES);
    let mut left: BTreeMap<u32, Ref> = BTreeMap::new();
    assert!(!arena.is_sparse_enough(0));
    for at in slots.into_iter().chain(large) {
        match left.entry(at.span()) {
            Entry::Vacant(entry) => drop(entry.insert(at)),
            Entry::Occupied(_) => arena.free(at),
        }
    }
    assert!(arena.is_sparse_enough(0) && !arena.is_pool_full());
    arena.mark_sparse();
    for at in left.values_mut() {
        if arena.is_sparse(*at) {
            let moved = arena.copy(*at);
            arena.free(std::mem::replace(at, moved));
        }
    }
    arena.unmark_sparse();
    let (reserved, holes) = (arena.reserved_bytes(), arena.holes.clone());
    assert!(arena.is_pool_full() && arena.give_back(usize::MAX) && !arena.is_pool_full());
    assert!(arena.reserved_bytes() < reserved && holes.iter().sum::<usize>() == 0);
    assert!(arena.holes.contains(&SPANS_MIN), "a chunk is gone whole");
    left.values().for_each(|&at| arena.free(at));
    Owned::new(&arena).check();
    let again: Vec<Ref> = (0..160).map(|_| arena.alloc(100)).collect();
    assert_eq!(arena.holes.iter().sum::<usize>(), arena.returned);
    again.into_iter().for_each(|at| arena.free(at));
    Owned::new(&arena).check();
}

#[test]
fn what_was_reserved_can_be_had() {
    let mut arena = Arena::new(8 << 20);
    let mut slots = Vec::new();
    while arena.reserve(10).is_ok() {
        slots.extend((0..10).map(|_| arena.alloc(SPAN_BYTES)));
    }
    assert!(arena.reserved_bytes() <= 8 << 20);
    assert!(arena.used_bytes() > 3 << 20);
    slots.drain(..10).for_each(|at| arena.free(at));
    assert_eq!(arena.reserve(10), Ok(()));
}

#[test]
#[should_panic(expected = "nobody owns")]
fn check_finds_a_leak() {
    let mut arena = Arena::new(usize::MAX);
    arena.alloc(100);
    Owned::new(&arena).check();
}

#[test]
#[should_panic(expected = "two owners")]
fn check_finds_two_owners() {
    let mut arena = Arena::new(usize::MAX);
    let at = arena.alloc(100);
    let mut owned = Owned::new(&arena);
    owned.own(at, 100);
    owned.own(at, 100);
    owned.check();
}
