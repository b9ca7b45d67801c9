//! How slow and how rough the virtual network is; each run draws its own.

use hedgerow::rng::Rng;
use hedgerow::time::Span;

/// The rates of one run's network.
#[derive(Clone, Debug)]
pub struct Weather {
    /// Least time on the way.
    pub latency: Span,
    /// A segment takes up to this much longer.
    pub jitter: Span,
    /// Of 1,000 segments, how many are late by up to `spike`.
    pub spike_per_mille: u64,
    pub spike: Span,
    /// Of 100 writes, how many are sent in pieces; of 100 reads, how many get a part.
    pub cut_percent: u64,
    /// A process turns at most this long after something happened to it.
    pub turn_lag: Span,
    /// Bytes that fit between a sender and a receiver that does not read.
    pub window: usize,
    /// After a cut heals, what waited arrives within this time.
    pub retransmit: Span,
}

impl Weather {
    /// A fast network that cuts nothing and is never late.
    pub fn calm() -> Weather {
        Weather {
            latency: Span::from_micros(50),
            jitter: Span::from_micros(20),
            spike_per_mille: 0,
            spike: Span::from_millis(1),
            cut_percent: 0,
            turn_lag: Span::from_micros(5),
            window: 1 << 20,
            retransmit: Span::from_millis(5),
        }
    }

    /// A network drawn from `rng`.
    pub fn draw(rng: &mut Rng) -> Weather {
        let micros = |rng: &mut Rng, choices: &[u64]| Span::from_micros(choices[rng.index(choices.len())]);
        Weather {
            latency: micros(rng, &[20, 100, 500, 2_000]),
            jitter: micros(rng, &[10, 100, 1_000, 10_000]),
            spike_per_mille: [0, 0, 2, 10, 50][rng.index(5)],
            spike: micros(rng, &[5_000, 50_000, 400_000, 1_500_000]),
            cut_percent: [0, 2, 10, 40][rng.index(4)],
            turn_lag: micros(rng, &[2, 50, 400]),
            window: [4 << 10, 64 << 10, 1 << 20][rng.index(3)],
            retransmit: micros(rng, &[1_000, 50_000, 400_000]),
        }
    }

    /// How long a segment is on its way.
    pub fn delay(&self, rng: &mut Rng) -> Span {
        let mut delay = self.latency.as_nanos() + rng.below(self.jitter.as_nanos().max(1));
        if self.spike_per_mille > 0 && rng.below(1_000) < self.spike_per_mille {
            delay += rng.below(self.spike.as_nanos().max(1));
        }
        Span::from_nanos(delay)
    }

    /// How long until a process looks at what happened.
    pub fn lag(&self, rng: &mut Rng) -> Span {
        Span::from_nanos(rng.below(self.turn_lag.as_nanos().max(1)))
    }

    /// How many of `len` bytes (at least 1) go at once.
    pub fn piece(&self, len: usize, rng: &mut Rng) -> usize {
        assert!(len > 0, "nothing is not cut");
        if self.cut_percent == 0 || !rng.percent(self.cut_percent) { len } else { 1 + rng.index(len) }
    }
}
