//! [`Random`]: the simulator's source of chance, the same on every platform for the same seed.

use std::ops::RangeInclusive;

/// A SplitMix64 generator (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). Good enough to
/// shuffle events; never to be used for secrets.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 if `bound` is 0. The bias is that of a remainder of 64 bits.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// A number of the range; its start if the range is empty.
    pub fn within(&mut self, range: &RangeInclusive<u64>) -> u64 {
        let span = range.end().saturating_sub(*range.start());
        let offset = if span == u64::MAX { self.next_u64() } else { self.below(span + 1) };
        range.start() + offset
    }

    /// True with this probability. Nothing is drawn for 0, so that a fault that is off does not change a run.
    pub fn chance(&mut self, probability: f64) -> bool {
        const SCALE: f64 = (1_u64 << 53) as f64;
        probability > 0.0 && ((self.next_u64() >> 11) as f64) < probability * SCALE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_published_sequence() {
        let mut random = Random::new(1_234_567);
        assert_eq!(random.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(random.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn stays_in_its_ranges() {
        let mut random = Random::new(1);
        assert_eq!(random.below(0), 0);
        assert!((0..1000).map(|_| random.within(&(3..=5))).all(|n| (3..=5).contains(&n)));
        assert_eq!(random.within(&(7..=7)), 7);
        assert!(!random.chance(0.0));
        assert!(random.chance(1.0));
        let hits = (0..1000).filter(|_| random.chance(0.25)).count();
        assert!((200..300).contains(&hits), "{hits} of 1000");
    }
}
