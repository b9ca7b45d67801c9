//! What was written, and which values a read may still bring: lost and stale writes are found by it.
//!
//! A register that is linearizable (Herlihy and Wing, 1990) never brings back a value once another write began after
//! that value's write was answered, and was answered itself before the read began. Versions count the writes of a key in
//! the order of their sending. One thread owns a key, so this needs no more than six numbers a key:
//!
//! ```text
//!  versions   1 2 3 4 5 6 7 8 9
//!               │floor  │    └ highest sent
//!               │       └ line: `open` writes up to here have no answer yet
//!               └ what a read that begins now must bring at least
//!
//!  line passed: open = 0, `after` = highest sent at that moment
//!  a write above `after` is answered: it began after all up to the line were done, so floor = line + 1, and the
//!  line moves to the highest sent
//! ```
//! A write whose answer was an error, or never came, may be done later, now or never: its version stays good for ever.

use std::collections::HashSet;

use crate::work::keys::Share;
use crate::work::values::Mark;

/// Writes without a good answer that are remembered; beyond, each frees its key of all checks.
const UNSURE_MAX: usize = 4_000_000;

#[derive(Clone, Copy, Default, Debug)]
struct Entry {
    highest: u32,
    floor: u32,
    line: u32,
    open: u32,
    after: u32,
    flying: u32,
}

/// What a read brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Finding {
    Right,
    /// A write was answered, and nothing of it or of a later one is there.
    Lost,
    /// Older than what was there before the read began.
    Stale,
    /// No value that was ever written to this key.
    Wrong,
}

/// The writes of one thread's keys.
#[derive(Debug)]
pub(crate) struct Ledger {
    run: u32,
    share: Share,
    entries: Vec<Entry>,
    unsure: HashSet<(u64, u32)>,
    /// Keys that are checked no more.
    given_up: HashSet<u64>,
}

impl Ledger {
    /// For every key below `keys` of this share. `run` tells this run's values from those of others.
    pub(crate) fn new(keys: u64, share: Share, run: u32) -> Ledger {
        let entries = vec![Entry::default(); share.of(keys) as usize];
        Ledger { run, share, entries, unsure: HashSet::new(), given_up: HashSet::new() }
    }

    pub(crate) fn run(&self) -> u32 {
        self.run
    }

    /// Keys it knows; the n-th of them is key `n * threads + thread`.
    pub(crate) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    fn entry(&mut self, key: u64) -> &mut Entry {
        let Share { thread, threads } = self.share;
        assert_eq!(key % threads, thread, "another thread's key");
        let index = (key / threads) as usize;
        if index >= self.entries.len() {
            self.entries.resize(index + 1, Entry::default());
        }
        &mut self.entries[index]
    }

    /// A write is about to be sent: the version it gets.
    pub(crate) fn write_begins(&mut self, key: u64) -> u32 {
        let entry = self.entry(key);
        entry.highest = entry.highest.checked_add(1).expect("four milliards of writes to one key");
        entry.flying += 1;
        entry.highest
    }

    /// A write was answered, or its answer will never come.
    pub(crate) fn write_ends(&mut self, key: u64, version: u32, good: bool) {
        if !good && self.unsure.len() < UNSURE_MAX {
            self.unsure.insert((key, version));
        } else if !good {
            self.given_up.insert(key);
        }
        let entry = self.entry(key);
        assert!(entry.flying > 0, "more answers than writes");
        entry.flying -= 1;
        if version <= entry.line {
            entry.open -= 1;
            if entry.open == 0 {
                entry.after = entry.highest;
            }
        } else if good && entry.open == 0 && version > entry.after {
            entry.floor = entry.line + 1;
            entry.line = entry.highest;
            entry.open = entry.flying;
            entry.after = entry.highest;
        }
    }

    /// The least version that a read that begins now must bring; 0: none.
    pub(crate) fn floor(&mut self, key: u64) -> u32 {
        self.entry(key).floor
    }

    /// Judges what a read brought that began when the floor was `floor`: a value that tells its write, one that does not
    /// (`Some(None)`), or nothing. A loss is told once: what comes after is measured by what was found.
    pub(crate) fn judge(&mut self, key: u64, floor: u32, found: Option<Option<Mark>>) -> Finding {
        let run = self.run;
        let entry = *self.entry(key);
        let floor = floor.min(entry.floor);
        let finding = match found {
            _ if !self.given_up.is_empty() && self.given_up.contains(&key) => Finding::Right,
            None if floor == 0 => Finding::Right,
            None => Finding::Lost,
            Some(Some(mark)) if mark.run == run && mark.version > entry.highest => Finding::Wrong,
            Some(Some(mark)) if mark.run == run && mark.version >= floor => Finding::Right,
            Some(Some(mark)) if mark.run == run && self.unsure.contains(&(key, mark.version)) => {
                Finding::Right
            }
            Some(Some(mark)) if mark.run == run => Finding::Stale,
            // From before this run, told or not: right as long as no write of this run was answered.
            Some(Some(_)) if floor == 0 => Finding::Right,
            Some(Some(_)) => Finding::Lost,
            Some(None) if floor == 0 => Finding::Right,
            Some(None) => Finding::Wrong,
        };
        match (finding, found) {
            (Finding::Lost, _) => self.entry(key).floor = 0,
            (Finding::Stale, Some(Some(mark))) => self.entry(key).floor = mark.version,
            _ => {}
        }
        finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Share = Share { thread: 0, threads: 1 };

    fn ledger() -> Ledger {
        Ledger::new(4, ALONE, 9)
    }

    fn mine(version: u32) -> Option<Option<Mark>> {
        Some(Some(Mark { run: 9, version }))
    }

    #[test]
    fn one_write_after_another_leaves_one_value() {
        let mut ledger = ledger();
        assert_eq!(ledger.judge(0, 0, None), Finding::Right, "nothing was written");
        for version in 1..=5 {
            assert_eq!(ledger.write_begins(0), version);
            let floor = ledger.floor(0);
            assert_eq!(
                ledger.judge(0, floor, mine(version)),
                Finding::Right,
                "it may be done before its answer"
            );
            ledger.write_ends(0, version, true);
            assert_eq!(ledger.floor(0), version);
        }
        assert_eq!(ledger.judge(0, 5, mine(5)), Finding::Right);
        assert_eq!(ledger.judge(0, 5, mine(6)), Finding::Wrong, "nobody wrote that");
        assert_eq!(ledger.judge(0, 5, Some(None)), Finding::Wrong);
        assert_eq!(ledger.judge(0, 4, mine(4)), Finding::Right, "the read began before");
        assert_eq!(ledger.judge(0, 5, mine(4)), Finding::Stale);
        assert_eq!(ledger.judge(0, 5, mine(4)), Finding::Right, "told once");
        assert_eq!(ledger.judge(0, 5, None), Finding::Lost);
        assert_eq!(ledger.judge(0, 5, None), Finding::Right, "told once");
    }

    #[test]
    fn writes_at_the_same_time_may_end_in_any_order() {
        let mut ledger = ledger();
        let (one, two) = (ledger.write_begins(0), ledger.write_begins(0));
        ledger.write_ends(0, two, true);
        ledger.write_ends(0, one, true);
        let floor = ledger.floor(0);
        assert_eq!(ledger.judge(0, floor, mine(one)), Finding::Right);
        assert_eq!(ledger.judge(0, floor, mine(two)), Finding::Right);
        assert_eq!(ledger.judge(0, floor, None), Finding::Lost, "but one of them is there");
        let three = ledger.write_begins(0);
        ledger.write_ends(0, three, true);
        let floor = ledger.floor(0);
        assert_eq!(ledger.judge(0, floor, mine(two)), Finding::Stale, "three began after both");
    }

    #[test]
    fn a_key_that_is_always_being_written_is_checked_too() {
        let mut ledger = ledger();
        let mut before = ledger.write_begins(0);
        for _ in 0..100 {
            let next = ledger.write_begins(0);
            ledger.write_ends(0, before, true);
            before = next;
        }
        assert!(ledger.floor(0) > 90, "{}", ledger.floor(0));
    }

    #[test]
    fn a_write_without_an_answer_may_be_done_at_any_time() {
        let mut ledger = ledger();
        let one = ledger.write_begins(0);
        ledger.write_ends(0, one, false);
        assert_eq!(ledger.judge(0, 0, None), Finding::Right);
        let two = ledger.write_begins(0);
        ledger.write_ends(0, two, true);
        let floor = ledger.floor(0);
        assert_eq!(ledger.judge(0, floor, mine(one)), Finding::Right, "done late");
        assert_eq!(ledger.judge(0, floor, None), Finding::Lost);
    }

    #[test]
    fn values_of_other_runs_are_good_until_the_first_write() {
        let mut ledger = Ledger::new(4, Share { thread: 1, threads: 2 }, 9);
        let other = Some(Some(Mark { run: 1, version: 77 }));
        assert_eq!(ledger.judge(3, 0, other), Finding::Right);
        assert_eq!(ledger.judge(3, 0, Some(None)), Finding::Right);
        let version = ledger.write_begins(3);
        ledger.write_ends(3, version, true);
        let floor = ledger.floor(3);
        assert_eq!(ledger.judge(3, floor, other), Finding::Lost);
        assert_eq!(ledger.len(), 2);
        ledger.write_begins(9);
        assert_eq!(ledger.len(), 5, "it grows with keys that are inserted");
    }

    /// Random histories of a correct register, with writes that take effect at any time between their sending and their
    /// answer: none of them may be called wrong. And a register that forgets is found out.
    #[test]
    fn no_history_of_a_correct_register_is_called_wrong() {
        use crate::work::random::Random;
        for seed in 0..300 {
            let mut random = Random::from_seed(seed);
            let (mut ledger, mut value) = (ledger(), 0u32);
            let (mut unapplied, mut applied, mut reads) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..200 {
                match random.below(5) {
                    0 => unapplied.push(ledger.write_begins(0)),
                    1 if !unapplied.is_empty() => {
                        value = unapplied.swap_remove(random.below(unapplied.len() as u64) as usize);
                        applied.push(value);
                    }
                    2 if !applied.is_empty() => {
                        let version = applied.swap_remove(random.below(applied.len() as u64) as usize);
                        ledger.write_ends(0, version, true);
                    }
                    // Some answers never come; the write may be applied all the same.
                    3 if !unapplied.is_empty() && random.below(10) == 0 => {
                        let version = unapplied[0];
                        ledger.write_ends(0, version, false);
                        if random.below(2) == 0 {
                            value = unapplied.swap_remove(0);
                        } else {
                            unapplied.remove(0);
                        }
                    }
                    _ => reads.push(ledger.floor(0)),
                }
                if !reads.is_empty() && random.below(2) == 0 {
                    let floor = reads.swap_remove(random.below(reads.len() as u64) as usize);
                    let found = if value == 0 { None } else { mine(value) };
                    assert_eq!(ledger.judge(0, floor, found), Finding::Right, "seed {seed}");
                }
            }
        }
    }
}
