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
    let mut arena = Arena::new(usize::MAX);
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
