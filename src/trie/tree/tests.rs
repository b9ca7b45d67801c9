//! The tree against a `BTreeMap`, checked after every change, with runs so small that everything happens often.

use std::collections::BTreeMap;

use super::super::arena::{Arena, Owned};
use super::stage::RunLimits;
use super::*;
use crate::rng::Rng;

struct Pair {
    tree: Tree,
    arena: Arena,
    workshop: Workshop,
    twin: BTreeMap<Vec<u8>, (u8, Vec<u8>)>,
    rng: Rng,
    style: usize,
}

impl Pair {
    fn new(seed: u64, style: usize, limits: RunLimits) -> Pair {
        let workshop = Workshop { limits, ..Workshop::default() };
        Pair {
            tree: Tree::default(),
            arena: Arena::new(usize::MAX),
            workshop,
            twin: BTreeMap::new(),
            rng: Rng::from_seed(seed),
            style,
        }
    }

    fn key(&mut self) -> Vec<u8> {
        let rng = &mut self.rng;
        match self.style {
            0 => (0..rng.index(6)).map(|_| [0, 1, b'a', 255][rng.index(4)]).collect(),
            1 => format!("person{}", rng.below(700)).into_bytes(),
            2 => (0..1 + rng.index(2)).map(|_| rng.below(256) as u8).collect(),
            _ => {
                let lens = [1, 250, 255, 256, 257, 300, 509, 510, 511, 512, 513, 766, 767, 768, 1030, 5000];
                let mut key = vec![b'k'; lens[rng.index(lens.len())]];
                if rng.percent(60) {
                    let at = rng.index(key.len());
                    key[at] = b'a' + rng.below(3) as u8;
                }
                key
            }
        }
    }

    fn known_key(&mut self) -> Vec<u8> {
        let key = self.key();
        let next = self.twin.range(key.clone()..).next().map(|(key, _)| key.clone());
        if self.rng.percent(85) { next.unwrap_or(key) } else { key }
    }

    fn put(&mut self) {
        let key = if self.rng.percent(80) { self.key() } else { self.known_key() };
        let tag = self.rng.below(if self.style == 0 { 3 } else { 1 }) as u8;
        let size = if self.rng.percent(90) { 4 } else { self.rng.index(256) };
        let body = vec![self.rng.below(256) as u8; size];
        let entry = Entry { tag, body: &body };
        match self.tree.locate(&self.arena, &mut self.workshop, &key) {
            Spot::Found(found) => {
                let (arena, workshop) = (&mut self.arena, &mut self.workshop);
                if let Some(found) = self.tree.replace(arena, workshop, found, &key, entry) {
                    assert_eq!(Tree::entry(&self.arena, found), entry, "a replaced entry is elsewhere");
                }
            }
            Spot::Missing(gap) => self.tree.attach(&mut self.arena, &mut self.workshop, gap, &key, entry),
        }
        self.twin.insert(key, (tag, body));
    }

    fn remove(&mut self, key: &[u8]) {
        match self.tree.locate(&self.arena, &mut self.workshop, key) {
            Spot::Found(found) => self.tree.detach(&mut self.arena, &mut self.workshop, found, key),
            Spot::Missing(_) => assert!(!self.twin.contains_key(key)),
        }
        self.twin.remove(key);
    }

    /// Takes all below a prefix out, a few of those one by one, and the others run by run.
    fn unlink(&mut self) {
        let mut prefix = self.known_key();
        let most = if self.rng.percent(90) { 3 } else { prefix.len() + 1 };
        prefix.truncate(prefix.len().saturating_sub(self.rng.index(most)));
        let above = Vec::from_iter(self.twin.range(prefix.clone()..).map(|(key, _)| key.clone()));
        let mut below = Vec::from_iter(above.into_iter().take_while(|key| key.starts_with(&prefix)));
        let unlinked = self.tree.unlink(&mut self.arena, &mut self.workshop, &prefix);
        assert_eq!(unlinked.is_some(), !below.is_empty());
        let Some((mut tree, depth)) = unlinked else { return };
        assert!(depth <= prefix.len());
        below.iter().for_each(|key| assert!(self.twin.remove(key).is_some()));
        self.check_beside(tree, depth, &below);
        for _ in 0..self.rng.index(4).min(below.len() - 1) {
            let key = below.remove(self.rng.index(below.len()));
            let Spot::Found(found) = tree.locate(&self.arena, &mut self.workshop, &key[depth..]) else {
                panic!("{key:?} was unlinked");
            };
            tree.detach(&mut self.arena, &mut self.workshop, found, &key[depth..]);
        }
        let mut way = Dismantling::new(&prefix[..depth]);
        while let Some((first, count)) = way.first_run(&self.arena, tree) {
            for found in (0..count).map(|index| first.at(index)) {
                assert_eq!(way.key_of(&self.arena, found), below.remove(0));
            }
            way.drop_run(&mut self.arena, &mut tree, first);
            self.check_beside(tree, depth, &below);
            if self.rng.percent(30) {
                way = Dismantling::new(&prefix[..depth]);
            }
        }
        assert!(tree.is_empty() && below.is_empty());
    }

    /// As [`Pair::check`], with another tree in the arena that has these keys, which lack their first bytes there.
    fn check_beside(&self, tree: Tree, depth: usize, keys: &[Vec<u8>]) {
        let mut owned = Owned::new(&self.arena);
        let mut own = Vec::new();
        self.tree.check(&self.arena, &mut owned, |_, key, _| own.push(key.to_vec()));
        assert!(own.iter().eq(self.twin.keys()));
        let mut expected = keys.iter();
        tree.check(&self.arena, &mut owned, |_, rest, _| {
            assert_eq!(Some(rest), expected.next().map(|key| &key[depth..]));
        });
        assert!(expected.next().is_none());
        owned.check();
    }

    fn look(&mut self) {
        self.check();
        let key = if self.rng.percent(50) { self.key() } else { self.known_key() };
        let twin = self.twin.get(&key).map(|(tag, body)| Entry { tag: *tag, body });
        // Looking ahead changes nothing, whatever is asked for.
        self.tree
            .prefetch(&self.arena, [&key[..], b"", &key[..key.len() / 2], &key].into_iter().cycle().take(40));
        assert_eq!(self.tree.get(&self.arena, &key), twin);
        let mut out = Vec::new();
        let below = self.tree.last_below(&self.arena, Some(&key), &mut out).map(|entry| entry.tag);
        let expected = self.twin.range(..key.clone()).next_back();
        assert_eq!(below, expected.map(|(_, (tag, _))| *tag), "below {key:?}");
        assert!(expected.is_none_or(|(key, _)| *key == out), "{out:?}");
        let floor = self.twin.range(..=key.clone()).next_back();
        let floor = floor.map(|(_, (tag, body))| Entry { tag: *tag, body });
        assert_eq!(self.tree.floor(&self.arena, &key), floor, "at or below {key:?}");
        for after in [false, true] {
            let mut path = Path::default();
            path.seek(self.tree, &self.arena, &key, after);
            let mut expected = self.twin.range(key.clone()..);
            if after && self.twin.contains_key(&key) {
                expected.next();
            }
            for (key, (tag, body)) in expected.take(30) {
                let next = path.next(&self.arena);
                assert_eq!(path.key(), key);
                assert_eq!(next, Some(Entry { tag: *tag, body }));
            }
        }
    }

    fn check(&self) {
        let mut owned = Owned::new(&self.arena);
        let mut twin = self.twin.iter();
        self.tree.check(&self.arena, &mut owned, |_, key, entry| {
            let (expected, (tag, body)) = twin.next().expect("no more than the twin has");
            assert_eq!((key, entry), (&expected[..], Entry { tag: *tag, body }));
        });
        assert!(twin.next().is_none());
        owned.check();
    }

    fn run(mut self, steps: usize, every: usize) {
        for step in 0..steps {
            let growing = step / 300 % 2 == 0;
            match self.rng.below(100) {
                0..60 if growing => self.put(),
                0..25 => self.put(),
                25..80 => {
                    let key = self.known_key();
                    self.remove(&key);
                }
                80..83 => self.unlink(),
                _ => self.look(),
            }
            if step % every == 0 {
                self.check();
            }
        }
        self.check();
        let keys: Vec<_> = self.twin.keys().cloned().collect();
        for (index, key) in keys.iter().enumerate() {
            self.remove(key);
            if index % every == 0 {
                self.check();
            }
        }
        assert_eq!(self.arena.used_bytes(), 0, "an empty tree owns nothing");
    }
}

const TINY: [RunLimits; 3] = [
    RunLimits { entries: 2, bytes: 60 },
    RunLimits { entries: 5, bytes: 200 },
    RunLimits { entries: 12, bytes: 400 },
];

#[test]
fn tiny_runs_checked_after_every_step() {
    for seed in 0..24 {
        Pair::new(seed, seed as usize % 4, TINY[seed as usize / 4 % 3]).run(900, 1);
    }
}

#[test]
fn usual_runs() {
    for seed in 0..8 {
        Pair::new(seed, seed as usize % 4, RunLimits::default()).run(6_000, 200);
    }
}
