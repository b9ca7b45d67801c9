//! How long commands take.
//!
//! A reading of the clock costs as much as a tenth of a GET. So of the small fast commands (flag `FAST`, and SET) one
//! in [`SAMPLED_EVERY`] is measured and counts for all of them; everything else is measured each time, and so is a
//! fast command whose reply turns out to be large.

use crate::proto::command::{Command, CommandId, Flags};
use crate::proto::resp::Request;
use crate::time::{Span, Time};

/// Of the small fast commands one in so many is measured.
pub(super) const SAMPLED_EVERY: u32 = 16;
/// Arguments up to this size are small.
const SMALL_BYTES: usize = 4 << 10;
const SMALL_ARGUMENTS: usize = 4;

/// A stopwatch for commands.
#[derive(Debug)]
pub(super) struct Meter {
    clock: fn() -> Time,
    /// The last reading: at the latest when the turn began.
    mark: Time,
    /// Small fast commands until the next one that is measured.
    left: u32,
}

/// A measurement that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    start: Time,
    /// For how many commands it stands; 0: it is not measured, unless its reply is large.
    weight: u32,
}

/// How long a command took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Taken {
    pub(super) span: Span,
    /// For how many commands it stands.
    pub(super) weight: u32,
}

impl Meter {
    pub(super) fn new(clock: fn() -> Time) -> Meter {
        Meter { clock, mark: clock(), left: SAMPLED_EVERY }
    }

    /// A connection's turn begins.
    #[inline]
    pub(super) fn turn(&mut self) {
        self.mark = (self.clock)();
    }

    #[inline]
    pub(super) fn begin(&mut self, command: &Command, request: &Request<'_>) -> Timing {
        let fast = command.flags.contains(Flags::FAST) || command.id == CommandId::Set;
        let count = request.len();
        if fast && count <= SMALL_ARGUMENTS && request.arg(count - 1).len() <= SMALL_BYTES {
            self.left -= 1;
            if self.left > 0 {
                return Timing { start: self.mark, weight: 0 };
            }
            self.left = SAMPLED_EVERY;
            return Timing { start: (self.clock)(), weight: SAMPLED_EVERY };
        }
        Timing { start: (self.clock)(), weight: 1 }
    }

    /// The command is done and wrote `grown` bytes. What it took, if that is known.
    #[inline]
    pub(super) fn end(&mut self, timing: Timing, grown: usize) -> Option<Taken> {
        if timing.weight == 0 && grown <= SMALL_BYTES {
            return None;
        }
        self.mark = (self.clock)();
        Some(Taken { span: self.mark.since(timing.start), weight: timing.weight.max(1) })
    }
}

/// How often a command took how long: a count for each quarter of a power of two of nanoseconds.
///
/// ```text
///   1 us = 1,000 ns = 0b11_1110_1000   ──►  bit length 10, next two bits 11  ──►  bucket 4 * 10 + 3
/// ```
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: [u64; Histogram::BUCKETS],
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { counts: [0; Histogram::BUCKETS] }
    }
}

impl Histogram {
    /// Up to 2^40 ns, a quarter of an hour.
    const BUCKETS: usize = 4 * 41;

    pub(super) fn add(&mut self, span: Span, count: u64) {
        let nanos = span.as_nanos();
        let bits = (u64::BITS - nanos.leading_zeros()) as usize;
        let fraction = if bits < 3 { 0 } else { (nanos >> (bits - 3)) as usize & 0b11 };
        self.counts[(4 * bits + fraction).min(Histogram::BUCKETS - 1)] += count;
    }

    pub(super) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Nanoseconds below which all of a bucket lie.
    fn end_of(bucket: usize) -> u64 {
        let (bits, fraction) = (bucket / 4, bucket as u64 % 4);
        if bits < 3 { 1 << bits } else { (0b101 + fraction) << (bits - 3) }
    }

    /// How many took at most each power of two of microseconds: pairs of microseconds and the count up to there, from
    /// the first that any took to the one that all did.
    pub(super) fn by_micros(&self) -> Vec<(u64, u64)> {
        let total = self.total();
        let mut pairs = Vec::new();
        for micros in (0..=40).map(|power| 1u64 << power) {
            let within = |bucket: &usize| Histogram::end_of(*bucket) <= micros * 1_000 + 999;
            let count = (0..Histogram::BUCKETS).filter(within).map(|bucket| self.counts[bucket]).sum();
            if count > 0 {
                pairs.push((micros, count));
            }
            if count == total {
                break;
            }
        }
        pairs
    }

    /// Microseconds that `percent` of all commands did not exceed.
    pub(super) fn percentile_micros(&self, percent: f64) -> f64 {
        let wanted = (self.total() as f64 * percent / 100.0).ceil() as u64;
        let mut seen = 0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return Histogram::end_of(bucket) as f64 / 1_000.0;
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_they_say() {
        for nanos in (0..5_000).chain([123_456, 1 << 20, (1 << 20) - 1, 987_654_321]) {
            let mut histogram = Histogram::default();
            histogram.add(Span::from_nanos(nanos), 1);
            let bucket = histogram.counts.iter().position(|&count| count == 1).expect("one");
            let (start, end) =
                (if bucket == 0 { 0 } else { Histogram::end_of(bucket - 1) }, Histogram::end_of(bucket));
            assert!(nanos < end, "{nanos} in bucket {bucket} up to {end}");
            assert!(nanos < 8 || nanos >= start, "{nanos} in bucket {bucket} from {start}");
        }
        let mut longest = Histogram::default();
        longest.add(Span::from_secs(1 << 30), 1);
        assert_eq!(longest.total(), 1);
    }

    #[test]
    fn counts_add_up_to_the_last_power_of_two() {
        let mut histogram = Histogram::default();
        histogram.add(Span::from_nanos(800), 16);
        histogram.add(Span::from_micros(3), 4);
        histogram.add(Span::from_micros(500), 1);
        let pairs = histogram.by_micros();
        assert_eq!(pairs.first(), Some(&(1, 16)));
        assert_eq!(pairs.last().map(|&(_, count)| count), Some(21));
        assert!(pairs.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        assert!((2.5..=4.0).contains(&histogram.percentile_micros(90.0)));
        assert!(histogram.percentile_micros(50.0) <= 1.1);
        assert!(histogram.percentile_micros(100.0) >= 500.0);
    }
}
