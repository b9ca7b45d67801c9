//! When records were last used, and how often, as far as eviction must know.
//!
//! ```text
//!   key ──XXH3──► cell (4 B)      LRU:  the time of the last use, in tenths of a second since the table was made
//!                                 LFU:  16 bits: minutes of the last decay │ 8 bits: 0 │ 8 bits: counter
//! ```
//! Nothing is kept beside the records, so nobody pays who evicts nothing. Two keys may share a cell: then the one that
//! is used less looks as if it were used like the other, and stays a while longer.
//!
//! The counter is Morris' (1978) as Redis uses it: the higher it is, the less likely a use raises it; it falls by one a
//! minute without use.

use super::policy::Policy;
use crate::rng::Rng;
use crate::time::Time;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// One cell for so many bytes of records, at most.
const BYTES_A_CELL: usize = 64;
const CELLS_MIN: usize = 1 << 10;
const CELLS_MAX: usize = 1 << 24;

/// A record that is new to the table has been used so often: it must get a chance (Redis' LFU_INIT_VAL).
const NEW: u8 = 5;
/// How much harder each step of the counter is than the one before (Redis' lfu-log-factor).
const FACTOR: u64 = 10;
const DECAY_MINUTES: u16 = 1;

/// The table.
#[derive(Debug)]
pub(super) struct Recency {
    cells: Box<[u32]>,
    seed: u64,
    begun: Time,
    counts: bool,
}

impl Recency {
    /// A table for records of `bytes_max` bytes together; `None` if `policy` asks for none.
    pub(super) fn new(policy: Policy, bytes_max: usize, now: Time, rng: &mut Rng) -> Option<Recency> {
        if !policy.needs_recency() {
            return None;
        }
        let cells = (bytes_max / BYTES_A_CELL).clamp(CELLS_MIN, CELLS_MAX).next_power_of_two();
        Some(Recency {
            cells: vec![0; cells].into_boxed_slice(),
            seed: rng.next_u64(),
            begun: now,
            counts: policy.counts(),
        })
    }

    /// Bytes of the table.
    pub(super) fn bytes(&self) -> usize {
        self.cells.len() * size_of::<u32>()
    }

    /// `key` is used.
    #[inline]
    pub(super) fn touch(&mut self, key: &[u8], now: Time, rng: &mut Rng) {
        let index = self.index(key);
        self.cells[index] = match self.counts {
            false => self.tenths(now),
            true => self.counted(self.cells[index], now, rng),
        };
    }

    /// How willingly `key` is given up: the higher, the sooner. Comparable within one table only.
    pub(super) fn staleness(&self, key: &[u8], now: Time) -> u32 {
        let cell = self.cells[self.index(key)];
        match self.counts {
            false => self.tenths(now).saturating_sub(cell),
            true => u32::from(u8::MAX - self.frequency(cell, now)),
        }
    }

    fn index(&self, key: &[u8]) -> usize {
        xxh3_64_with_seed(key, self.seed) as usize & (self.cells.len() - 1)
    }

    fn tenths(&self, now: Time) -> u32 {
        u32::try_from(now.since(self.begun).as_millis() / 100 + 1).unwrap_or(u32::MAX)
    }

    fn minutes(&self, now: Time) -> u16 {
        (now.since(self.begun).as_secs() / 60) as u16
    }

    /// The counter of a cell after the decay that is due. A cell of zero is one that nobody used yet.
    fn frequency(&self, cell: u32, now: Time) -> u8 {
        let (minutes, counter) = ((cell >> 16) as u16, cell as u8);
        let elapsed = self.minutes(now).wrapping_sub(minutes) / DECAY_MINUTES;
        if cell == 0 { NEW } else { counter.saturating_sub(elapsed.min(255) as u8) }
    }

    fn counted(&self, cell: u32, now: Time, rng: &mut Rng) -> u32 {
        let counter = self.frequency(cell, now);
        let above = u64::from(counter.saturating_sub(NEW));
        let raised = counter < u8::MAX && rng.below(above * FACTOR + 1) == 0;
        // Never zero: that is a cell that nobody used.
        let counter = (counter + u8::from(raised)).max(1);
        u32::from(self.minutes(now)) << 16 | u32::from(counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    fn at(secs: u64) -> Time {
        Time::from_nanos(1) + Span::from_secs(secs)
    }

    fn table(policy: Policy) -> (Recency, Rng) {
        let mut rng = Rng::from_seed(1);
        let table = Recency::new(policy, 1 << 20, at(0), &mut rng).expect("it keeps one");
        (table, rng)
    }

    #[test]
    fn who_was_used_last_is_the_least_stale() {
        let (mut table, mut rng) = table(Policy::AllKeysLru);
        for (index, key) in [b"a", b"b", b"c"].iter().enumerate() {
            table.touch(*key, at(10 * index as u64), &mut rng);
        }
        table.touch(b"a", at(30), &mut rng);
        let stale = |key: &[u8]| table.staleness(key, at(40));
        assert_eq!([stale(b"a"), stale(b"b"), stale(b"c")], [100, 300, 200]);
        assert!(stale(b"never") > stale(b"b"));
    }

    #[test]
    fn who_is_used_often_is_the_least_stale_until_it_is_not_any_more() {
        let (mut table, mut rng) = table(Policy::AllKeysLfu);
        for _ in 0..1_000 {
            table.touch(b"often", at(1), &mut rng);
        }
        table.touch(b"once", at(1), &mut rng);
        assert!(table.staleness(b"often", at(2)) < table.staleness(b"once", at(2)));
        assert!(table.staleness(b"once", at(2)) <= table.staleness(b"never", at(2)));
        let later = at(60 * 300);
        assert_eq!(table.staleness(b"often", later), 255, "unused for hours");
        assert_eq!(table.staleness(b"never", later), 250, "new ones get a chance");
    }

    #[test]
    fn counters_grow_slower_the_higher_they_are() {
        let (mut table, mut rng) = table(Policy::AllKeysLfu);
        let mut counters = vec![];
        for uses in 1..=100_000u32 {
            table.touch(b"k", at(1), &mut rng);
            if [100, 1_000, 10_000, 100_000].contains(&uses) {
                counters.push(255 - table.staleness(b"k", at(1)));
            }
        }
        assert!(counters.windows(2).all(|pair| pair[0] < pair[1]), "{counters:?}");
        assert!(counters[0] < 30 && counters[3] > 90, "{counters:?}");
    }

    #[test]
    fn only_those_who_need_it_keep_a_table() {
        let mut rng = Rng::from_seed(1);
        for policy in [Policy::NoEviction, Policy::AllKeysRandom, Policy::VolatileRandom, Policy::VolatileTtl]
        {
            assert!(Recency::new(policy, 1 << 20, at(0), &mut rng).is_none());
        }
        let (table, _) = table(Policy::VolatileLru);
        assert_eq!(table.bytes(), (1 << 20) / 64 * 4, "4 bytes a cell");
    }
}
