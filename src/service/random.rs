//! Numbers that look random, for jitter: the same seed gives the same ones. Not for secrets.
//!
//! SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014).

use std::time::Duration;

/// The generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random(u64);

impl Random {
    /// Any seed is as good as another.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number; each of the 2^64 is as likely.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A time from nothing to `most`, both included, in whole microseconds.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX - 1);
        Duration::from_micros(self.number() % micros.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Random};

    /// The first numbers of the reference implementation for the seed 1234567.
    #[test]
    fn reference() {
        let mut random = Random::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423_u64];
        assert_eq!(expected.map(|_| random.number()), expected);
    }

    #[test]
    fn times_fill_their_range_and_stay_in_it() {
        let mut random = Random::new(0);
        let most = Duration::from_micros(9);
        let mut seen = [false; 10];
        for _ in 0..1000 {
            let micros = random.up_to(most).as_micros();
            seen[usize::try_from(micros).unwrap()] = true;
        }
        assert_eq!(seen, [true; 10]);
        assert_eq!(random.up_to(Duration::ZERO), Duration::ZERO);
        assert!(random.up_to(Duration::MAX) <= Duration::MAX);
    }
}
