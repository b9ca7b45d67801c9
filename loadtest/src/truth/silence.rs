//! How long answers were missing: the times in which no connection of any thread got a good one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::truth::tally::Nanos;

/// Shorter times between two answers are nobody's concern.
pub(crate) const GAP_MIN: Nanos = 100_000;
/// Two answers closer than this are one to the shared clock hand, which all threads move.
const GRAIN: Nanos = 20_000;
const GAPS_MAX: usize = 16;

/// A time without a good answer, though one was wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Gap {
    pub(crate) began: Nanos,
    pub(crate) ended: Nanos,
}

impl Gap {
    pub(crate) fn nanos(self) -> Nanos {
        self.ended.saturating_sub(self.began)
    }

    /// How much of it lies between two points of time.
    pub(crate) fn within(self, from: Nanos, to: Nanos) -> Nanos {
        self.ended.min(to).saturating_sub(self.began.max(from))
    }
}

/// The longest gaps, in the order of their beginning.
#[derive(Clone, Default, Debug)]
pub(crate) struct Gaps(Vec<Gap>);

impl Gaps {
    pub(crate) fn add(&mut self, gap: Gap) {
        let at = self.0.partition_point(|other| other.began <= gap.began);
        self.0.insert(at, gap);
        if self.0.len() > GAPS_MAX {
            let shortest = (0..self.0.len()).min_by_key(|&index| self.0[index].nanos());
            self.0.remove(shortest.expect("there are some"));
        }
    }

    pub(crate) fn merge(&mut self, other: &Gaps) {
        other.0.iter().for_each(|&gap| self.add(gap));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Gap> + '_ {
        self.0.iter().copied()
    }

    pub(crate) fn longest(&self) -> Option<Gap> {
        self.iter().max_by_key(|gap| gap.nanos())
    }
}

/// When the last good answer came, on any connection of any thread.
#[derive(Clone, Debug)]
pub(crate) struct Hearing(Arc<AtomicU64>);

impl Hearing {
    pub(crate) fn new() -> Hearing {
        Hearing(Arc::new(AtomicU64::new(0)))
    }

    /// The measurement begins: what was silent before does not count.
    pub(crate) fn restart(&self, now: Nanos) {
        self.0.store(now, Ordering::Relaxed);
    }

    /// A good answer came at `now` to somebody who had wanted one since `wanted_at`.
    #[inline]
    pub(crate) fn heard(&self, wanted_at: Nanos, now: Nanos, gaps: &mut Gaps) {
        let before = self.0.load(Ordering::Relaxed);
        if now <= before + GRAIN {
            return;
        }
        // Of several threads that hear again after a gap, the first one tells it.
        let first = self.0.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        let gap = Gap { began: before.max(wanted_at), ended: now };
        if first && gap.nanos() >= GAP_MIN {
            gaps.add(gap);
        }
    }

    /// The gap that the end of a measurement leaves open, if somebody still waits since `wanted_at`.
    pub(crate) fn open_gap(&self, wanted_at: Nanos, now: Nanos) -> Option<Gap> {
        let gap = Gap { began: self.0.load(Ordering::Relaxed).max(wanted_at), ended: now };
        (gap.nanos() >= GAP_MIN).then_some(gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Nanos = 1_000_000;

    #[test]
    fn a_gap_is_the_time_between_good_answers_while_one_is_wanted() {
        let (hearing, mut gaps) = (Hearing::new(), Gaps::default());
        hearing.restart(100 * MILLI);
        hearing.heard(100 * MILLI, 110 * MILLI, &mut gaps);
        hearing.heard(100 * MILLI, 150 * MILLI, &mut gaps);
        hearing.heard(190 * MILLI, 200 * MILLI, &mut gaps);
        let told: Vec<(u64, u64)> = gaps.iter().map(|gap| (gap.began / MILLI, gap.ended / MILLI)).collect();
        assert_eq!(told, [(100, 110), (110, 150), (190, 200)], "nobody wanted anything from 150 to 190");
        assert_eq!(gaps.longest().unwrap().nanos(), 40 * MILLI);
        assert_eq!(hearing.open_gap(0, 300 * MILLI).unwrap().nanos(), 100 * MILLI);
        assert_eq!(hearing.open_gap(300 * MILLI, 300 * MILLI), None);
        assert_eq!(gaps.longest().unwrap().within(120 * MILLI, 130 * MILLI), 10 * MILLI);
        assert_eq!(gaps.longest().unwrap().within(160 * MILLI, 170 * MILLI), 0);
    }

    #[test]
    fn only_the_longest_gaps_are_kept() {
        let mut gaps = Gaps::default();
        (0..100).for_each(|index| gaps.add(Gap { began: index, ended: index + 1_000 * (index + 1) }));
        assert_eq!(gaps.iter().count(), GAPS_MAX);
        assert_eq!(gaps.iter().next().unwrap().began, 100 - GAPS_MAX as u64);
    }
}
