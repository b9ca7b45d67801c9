//! How long to wait before an upstream is dialed again, and when a silent one is suspected.

use crate::rng::Rng;
use crate::time::Span;

/// The times by which a link to an upstream lives.
#[derive(Clone, Copy, Debug)]
pub struct LinkTimes {
    /// A dial that takes longer has failed.
    pub connect: Span,
    /// An idle link is pinged after this long without a byte.
    pub idle: Span,
    /// With something outstanding, no byte for this long makes the peer suspect.
    pub suspect: Span,
}

impl Default for LinkTimes {
    fn default() -> LinkTimes {
        LinkTimes { connect: Span::from_secs(1), idle: Span::from_millis(200), suspect: Span::from_secs(1) }
    }
}

/// Waiting times between dials: 50 ms, doubling to 2 s, each give or take half, so that many brokers do not come at
/// once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Span = Span::from_millis(50);
    const LONGEST: Span = Span::from_secs(2);

    /// The link stands: the next failure waits the first time again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures since the link last stood.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// How long to wait after one more failure.
    pub fn next(&mut self, rng: &mut Rng) -> Span {
        let full = Self::FIRST.times(1 << self.failures.min(16)).min(Self::LONGEST);
        self.failures = self.failures.saturating_add(1);
        Span::from_nanos(full.as_nanos() / 2 + rng.below(full.as_nanos()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_vary_by_half() {
        let (mut backoff, mut rng) = (Backoff::default(), Rng::from_seed(1));
        let first = backoff.next(&mut rng).as_millis();
        assert!((25..75).contains(&first), "{first}");
        (0..20).for_each(|_| assert!(backoff.next(&mut rng) <= Span::from_secs(3)));
        assert!(backoff.next(&mut rng) >= Span::from_secs(1));
        backoff.reset();
        assert!(backoff.next(&mut rng) < Span::from_millis(75));
    }
}
