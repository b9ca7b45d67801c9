//! Which keys a run asks for.
//!
//! ```text
//!  uniform     ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄     hot:10:90   ██▁▁▁▁▁▁▁▁▁▁▁▁▁▁
//!  zipfian     ▁█▁▂▁▁▁▁▄▁▁▁▁▁▁▁     latest      ▁▁▁▁▁▁▁▁▁▁▁▁▁▂▄█  newest
//!  gaussian    ▁▁▁▂▄▆█▆▄▂▁▁▁▁▁▁     sequential  0 1 2 3 … and again
//! ```
//! Zipfian ranks are drawn by rejection from the integral of the density (Hörmann and Derflinger: "Rejection-inversion
//! to generate variates from monotone discrete distributions", 1996): constant time, any exponent, no table, and so a
//! growing number of keys too. The ranks are scattered over all keys, so that the hot ones are not neighbours.

use std::fmt;

use crate::work::random::Random;

/// Keys are numbered below this.
pub(crate) const KEYS_MAX: u64 = 1_000_000_000_000;
/// YCSB's exponent.
pub(crate) const THETA: f64 = 0.99;

/// A way of drawing keys, as the command line tells it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Distribution {
    Uniform,
    Zipfian {
        theta: f64,
    },
    /// Around the middle, with a standard deviation in percent of all keys.
    Gaussian {
        percent: f64,
    },
    /// Zipfian by age, the newest first.
    Latest {
        theta: f64,
    },
    Sequential,
    /// So many percent of the keys get so many percent of the requests.
    HotSet {
        keys_percent: f64,
        requests_percent: f64,
    },
}

impl Distribution {
    /// Reads `zipfian`, `zipfian:1.2`, `gaussian:5`, `hot:10:90` and so on.
    pub(crate) fn parse(text: &str) -> Result<Distribution, String> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let numbers: Vec<f64> = parts
            .map(|part| part.parse().ok().filter(|number: &f64| number.is_finite()))
            .collect::<Option<_>>()
            .ok_or_else(|| format!("{text}: what follows a colon is a number"))?;
        let at = |index: usize, default: f64| numbers.get(index).copied().unwrap_or(default);
        let percent = |value: f64| value > 0.0 && value <= 100.0;
        let (distribution, most) = match name.as_str() {
            "uniform" => (Distribution::Uniform, 0),
            "sequential" => (Distribution::Sequential, 0),
            "zipfian" => (Distribution::Zipfian { theta: at(0, THETA) }, 1),
            "latest" => (Distribution::Latest { theta: at(0, THETA) }, 1),
            "gaussian" => (Distribution::Gaussian { percent: at(0, 10.0) }, 1),
            "hot" => (Distribution::HotSet { keys_percent: at(0, 20.0), requests_percent: at(1, 80.0) }, 2),
            _ => {
                return Err(format!(
                    "{text}: expected uniform, zipfian[:THETA], gaussian[:PERCENT], latest[:THETA], \
                     sequential or hot[:KEYS%:REQUESTS%]"
                ));
            }
        };
        if numbers.len() > most {
            return Err(format!("{text}: too many numbers for {name}"));
        }
        match distribution {
            Distribution::Zipfian { theta } | Distribution::Latest { theta }
                if !(0.01..=10.0).contains(&theta) =>
            {
                Err(format!("{text}: theta is 0.01 to 10"))
            }
            Distribution::Gaussian { percent: spread } if !percent(spread) => {
                Err(format!("{text}: the deviation is above 0 and up to 100 percent of the keys"))
            }
            Distribution::HotSet { keys_percent, requests_percent }
                if !percent(keys_percent) || !percent(requests_percent) =>
            {
                Err(format!("{text}: both are percentages above 0"))
            }
            distribution => Ok(distribution),
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Distribution::Uniform => f.write_str("uniform"),
            Distribution::Sequential => f.write_str("sequential"),
            Distribution::Zipfian { theta } => write!(f, "zipfian {theta}"),
            Distribution::Latest { theta } => write!(f, "latest {theta}"),
            Distribution::Gaussian { percent } => write!(f, "gaussian {percent} %"),
            Distribution::HotSet { keys_percent, requests_percent } => {
                write!(f, "hot set: {requests_percent} % of requests for {keys_percent} % of keys")
            }
        }
    }
}

/// Which thread of how many this is: threads that must not meet on a key take every `threads`th one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Share {
    pub(crate) thread: u64,
    pub(crate) threads: u64,
}

impl Share {
    /// How many of `total` things this thread has.
    pub(crate) fn of(self, total: u64) -> u64 {
        total / self.threads + u64::from(self.thread < total % self.threads)
    }
}

/// Draws keys, and numbers the new ones.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    distribution: Distribution,
    random: Random,
    zipf: Option<Zipf>,
    scatter: Scatter,
    /// Keys below this are drawn.
    range: u64,
    share: Share,
    /// Draw keys of this thread's share only.
    own_only: bool,
    drawn: u64,
    inserted: u64,
}

impl Keys {
    /// Keys below `range`, for one thread of a run.
    pub(crate) fn new(
        distribution: Distribution,
        range: u64,
        random: Random,
        share: Share,
        own_only: bool,
    ) -> Keys {
        assert!(range > 0 && range <= KEYS_MAX);
        assert!(!own_only || range >= share.threads, "every thread needs a key");
        let zipf = match distribution {
            Distribution::Zipfian { theta } | Distribution::Latest { theta } => Some(Zipf::new(range, theta)),
            _ => None,
        };
        let scatter = Scatter::over(range);
        Keys { distribution, random, zipf, scatter, range, share, own_only, drawn: 0, inserted: 0 }
    }

    #[inline]
    pub(crate) fn draw(&mut self) -> u64 {
        let key = match self.distribution {
            Distribution::Uniform => self.random.below(self.range),
            _ => self.draw_uneven(),
        };
        if self.own_only { self.own(key) } else { key }
    }

    fn draw_uneven(&mut self) -> u64 {
        let (range, random) = (self.range, &mut self.random);
        match self.distribution {
            Distribution::Uniform => random.below(range),
            Distribution::Sequential => {
                let next = (self.drawn * self.share.threads + self.share.thread) % range;
                self.drawn += 1;
                next
            }
            Distribution::Zipfian { .. } => {
                let zipf = self.zipf.as_ref().expect("made with the distribution");
                self.scatter.place(zipf.draw(random))
            }
            Distribution::Latest { theta } => {
                let known = range + self.inserted * self.share.threads;
                let zipf = self.zipf.as_mut().expect("made with the distribution");
                // The curve changes little from one key to the next: it follows at every 64th part.
                if known > zipf.range + zipf.range / 64 {
                    *zipf = Zipf::new(known, theta);
                }
                let newest =
                    if self.inserted == 0 { range - 1 } else { self.inserted_key(self.inserted - 1) };
                let age = self.zipf.as_ref().expect("still there").draw(&mut self.random);
                newest.saturating_sub(age)
            }
            Distribution::Gaussian { percent } => loop {
                let middle = range as f64 / 2.0;
                let key = middle + random.normal() * range as f64 * percent / 100.0;
                if key >= 0.0 && key < range as f64 {
                    return key as u64;
                }
            },
            Distribution::HotSet { keys_percent, requests_percent } => {
                let hot = ((range as f64 * keys_percent / 100.0) as u64).clamp(1, range);
                let is_hot = random.unit() * 100.0 <= requests_percent || hot == range;
                let rank = if is_hot { random.below(hot) } else { random.between(hot, range - 1) };
                self.scatter.place(rank)
            }
        }
    }

    /// The key of this thread's share that is nearest below `key`, or the first one.
    #[inline]
    fn own(&self, key: u64) -> u64 {
        let Share { thread, threads } = self.share;
        let own = key - key % threads + thread;
        if own < self.range || own < threads { own } else { own - threads }
    }

    fn inserted_key(&self, index: u64) -> u64 {
        self.range.next_multiple_of(self.share.threads) + index * self.share.threads + self.share.thread
    }

    /// A key that no thread has drawn or made before; numbers above all begin again where they began.
    pub(crate) fn insert(&mut self) -> u64 {
        let key = self.inserted_key(self.inserted);
        if key >= KEYS_MAX {
            self.inserted = 0;
            return self.inserted_key(0);
        }
        self.inserted += 1;
        key
    }
}

/// A permutation of `0..range` by a multiplication: what is near becomes far.
#[derive(Clone, Copy, Debug)]
struct Scatter {
    factor: u64,
    range: u64,
}

impl Scatter {
    fn over(range: u64) -> Scatter {
        // Near the golden section of the range, and without a common divisor, so that no two ranks share a place.
        let mut factor = ((range as f64 * 0.618_033_988_749_895) as u64).max(1);
        while greatest_common_divisor(factor, range) != 1 {
            factor += 1;
        }
        Scatter { factor, range }
    }

    fn place(self, rank: u64) -> u64 {
        ((u128::from(rank) * u128::from(self.factor) + u128::from(self.range / 3)) % u128::from(self.range))
            as u64
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Ranks `0..range`, rank r with a probability in proportion to `1 / (r + 1)^theta`.
#[derive(Clone, Debug)]
struct Zipf {
    range: u64,
    theta: f64,
    /// The integral of the density, from below the first rank's half to behind the last's.
    low: f64,
    high: f64,
    /// Nearer to a rank than this no draw is rejected.
    safe: f64,
}

impl Zipf {
    fn new(range: u64, theta: f64) -> Zipf {
        let mut zipf = Zipf { range, theta, low: 0.0, high: 0.0, safe: 0.0 };
        zipf.low = zipf.integral(1.5) - 1.0;
        zipf.high = zipf.integral(range as f64 + 0.5);
        zipf.safe = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.density(2.0));
        zipf
    }

    fn density(&self, x: f64) -> f64 {
        (-self.theta * x.ln()).exp()
    }

    /// `(x^(1-theta) - 1) / (1-theta)`, and its limit, the logarithm, at theta = 1.
    fn integral(&self, x: f64) -> f64 {
        let log = x.ln();
        let power = (1.0 - self.theta) * log;
        if power.abs() < 1e-8 { log * (1.0 + power / 2.0) } else { power.exp_m1() / (1.0 - self.theta) }
    }

    fn inverse(&self, y: f64) -> f64 {
        let product = (y * (1.0 - self.theta)).max(-1.0 + f64::EPSILON);
        let log = if product.abs() < 1e-8 {
            y * (1.0 - product / 2.0)
        } else {
            product.ln_1p() / (1.0 - self.theta)
        };
        log.exp()
    }

    fn draw(&self, random: &mut Random) -> u64 {
        loop {
            let y = self.high + random.unit() * (self.low - self.high);
            let x = self.inverse(y);
            let rank = (x + 0.5).floor().clamp(1.0, self.range as f64);
            if rank - x <= self.safe || y >= self.integral(rank + 0.5) - self.density(rank) {
                return rank as u64 - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Share = Share { thread: 0, threads: 1 };
    const DRAWS: usize = 100_000;

    fn keys(text: &str, range: u64) -> Keys {
        Keys::new(Distribution::parse(text).unwrap(), range, Random::from_seed(7), ALONE, false)
    }

    fn counts(text: &str, range: u64) -> Vec<usize> {
        let mut keys = keys(text, range);
        let mut counts = vec![0; range as usize];
        (0..DRAWS).for_each(|_| counts[keys.draw() as usize] += 1);
        counts
    }

    #[test]
    fn zipfian_counts_follow_the_power_law_at_every_exponent() {
        for theta in [0.5, 0.99, 1.0, 1.5] {
            let range = 50;
            let zipf = Zipf::new(range, theta);
            let (mut random, mut counts) = (Random::from_seed(3), vec![0usize; range as usize]);
            (0..DRAWS).for_each(|_| counts[zipf.draw(&mut random) as usize] += 1);
            let whole: f64 = (1..=range).map(|rank| (rank as f64).powf(-theta)).sum();
            for rank in [0usize, 1, 2, 9, 49] {
                let expected = DRAWS as f64 * ((rank + 1) as f64).powf(-theta) / whole;
                let allowed = 5.0 * expected.sqrt();
                let off = (counts[rank] as f64 - expected).abs();
                assert!(off < allowed, "theta {theta} rank {rank}: {} for {expected}", counts[rank]);
            }
        }
    }

    #[test]
    fn every_key_has_its_place_and_hot_ones_are_no_neighbours() {
        for range in [1, 2, 3, 10, 97, 1_000, 65_536] {
            let scatter = Scatter::over(range);
            let mut seen = vec![false; range as usize];
            (0..range).for_each(|rank| seen[scatter.place(rank) as usize] = true);
            assert!(seen.iter().all(|&seen| seen), "{range}");
        }
        let scatter = Scatter::over(1_000);
        assert!(scatter.place(0).abs_diff(scatter.place(1)) > 100);
    }

    #[test]
    fn shapes_are_what_they_are_called() {
        let uniform = counts("uniform", 10);
        assert!(uniform.iter().all(|&count| count > 9_000), "{uniform:?}");
        let gaussian = counts("gaussian:10", 100);
        let within: usize = gaussian[40..60].iter().sum();
        assert!((0.65..0.71).contains(&(within as f64 / DRAWS as f64)), "one deviation: {within}");
        let mut hot = counts("hot:10:90", 100);
        hot.sort_unstable();
        let busiest: usize = hot[90..].iter().sum();
        assert!((0.89..0.91).contains(&(busiest as f64 / DRAWS as f64)), "{busiest}");
        let latest = counts("latest", 1_000);
        assert!(latest[999] > latest[990] && latest[990] > latest[100]);
        let mut sequential = keys("sequential", 3);
        assert_eq!([0; 5].map(|_| sequential.draw()), [0, 1, 2, 0, 1]);
    }

    #[test]
    fn new_keys_are_new_and_the_latest_are_asked_for() {
        let share = |thread| Share { thread, threads: 2 };
        let latest = Distribution::parse("latest:2").unwrap();
        let mut one = Keys::new(latest, 10, Random::from_seed(1), share(0), false);
        let mut two = Keys::new(latest, 10, Random::from_seed(1), share(1), false);
        assert_eq!([one.insert(), two.insert(), one.insert(), two.insert()], [10, 11, 12, 13]);
        (0..1_000).for_each(|_| assert!(one.draw() <= 12));
        let newest = (0..1_000).filter(|_| one.draw() == 12).count();
        assert!(newest > 500, "{newest}");
    }

    #[test]
    fn threads_that_must_not_meet_do_not_meet() {
        for range in [3, 4, 5, 100] {
            for thread in 0..3 {
                let share = Share { thread, threads: 3 };
                let mut keys =
                    Keys::new(Distribution::Uniform, range, Random::from_seed(thread), share, true);
                for _ in 0..200 {
                    let key = keys.draw();
                    assert!(key < range && key % 3 == thread, "{key} of {range} for {thread}");
                }
            }
        }
        assert_eq!([0, 1, 2].map(|thread| Share { thread, threads: 3 }.of(8)), [3, 3, 2]);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "zipf",
            "zipfian:0",
            "zipfian:x",
            "zipfian:1:2",
            "gaussian:0",
            "hot:0:5",
            "hot:1:2:3",
            "latest:NaN",
        ] {
            assert!(Distribution::parse(text).is_err(), "{text}");
        }
    }
}
