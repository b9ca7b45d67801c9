//! Randomness cheap enough for every request, and the same in every run with the same seed.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): one addition and three
/// multiplications a number, every 64-bit state a good beginning.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn from_seed(seed: u64) -> Random {
        Random(seed)
    }

    /// A stream of its own for each `part` of a run: threads and purposes do not disturb one another.
    pub(crate) fn stream(seed: u64, part: u64) -> Random {
        let mut mixer = Random(seed ^ part.wrapping_mul(0xD605_BBB5_8C8A_BBFD));
        mixer.next();
        Random(mixer.next())
    }

    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number below `range`. Its bias is below `range / 2^64`: not to be seen in any run.
    #[inline]
    pub(crate) fn below(&mut self, range: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(range)) >> 64) as u64
    }

    /// A number from `least` to `most`, both of them included.
    #[inline]
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        debug_assert!(least <= most);
        match (most - least).checked_add(1) {
            Some(range) => least + self.below(range),
            None => self.next(),
        }
    }

    /// A float above 0, up to and including 1: its logarithm is finite.
    #[inline]
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// A float of the standard normal distribution (Box and Muller, 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A float of the exponential distribution of mean 1: the gaps of a Poisson process.
    pub(crate) fn exponential(&mut self) -> f64 {
        -self.unit().ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_range_and_streams_differ() {
        let mut random = Random::from_seed(1);
        let mut seen = [0u32; 7];
        (0..7_000).for_each(|_| seen[random.below(7) as usize] += 1);
        assert!(seen.iter().all(|&count| count > 800), "{seen:?}");
        assert!((0..1_000).all(|_| (3..=5).contains(&random.between(3, 5))));
        random.between(0, u64::MAX);
        let (mut one, mut two) = (Random::stream(1, 1), Random::stream(1, 2));
        assert!((0..10).all(|_| one.next() != two.next()));
        let (mut one, mut two) = (Random::stream(1, 1), Random::stream(1, 1));
        assert!((0..10).all(|_| one.next() == two.next()));
    }

    #[test]
    fn means_and_spreads_are_those_of_their_distributions() {
        let mut random = Random::from_seed(2);
        let count = 100_000;
        let mean = (0..count).map(|_| random.exponential()).sum::<f64>() / f64::from(count);
        assert!((0.98..1.02).contains(&mean), "{mean}");
        let normal: Vec<f64> = (0..count).map(|_| random.normal()).collect();
        let mean = normal.iter().sum::<f64>() / f64::from(count);
        let spread = normal.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / f64::from(count);
        assert!(mean.abs() < 0.02 && (0.97..1.03).contains(&spread), "{mean} {spread}");
        assert!((0..count).all(|_| random.unit() > 0.0));
    }
}
