//! Random numbers that are the same on every platform: ChaCha8, a stream for each purpose, `libm` for the rest.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is for; streams are independent, so a change in one leaves the others as they are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Market,
    Listing,
    Path,
    Dirt,
}

/// A stream of random numbers.
#[derive(Debug)]
pub(super) struct Random {
    bits: ChaCha8Rng,
    /// The second of the pair of normal numbers made last.
    spare: Option<f64>,
}

impl Random {
    /// The stream of a purpose and an index, such as a symbol's number.
    pub(super) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut bits = ChaCha8Rng::seed_from_u64(seed);
        bits.set_stream(((purpose as u64) << 32) | index);
        Self { bits, spare: None }
    }

    /// Uniform in [0, 1).
    pub(super) fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.bits.next_u64() >> 11) as f64 * STEP
    }

    /// Uniform in [low, high).
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// True with a probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Uniform in 0..count. The bias of the modulo is below 2^-40 for the counts used here.
    pub(super) fn below(&mut self, count: usize) -> usize {
        assert!(count > 0, "there is nothing to choose from");
        let choice = self.bits.next_u64() % count as u64;
        usize::try_from(choice).expect("less than a usize")
    }

    /// One of a slice.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// One of a slice of items with weights that add up to about 1; the last takes the rest.
    pub(super) fn weighted<'a, T>(&mut self, from: &'a [(T, f64)]) -> &'a T {
        let mut rest = self.uniform();
        for (item, weight) in from {
            if rest < *weight {
                return item;
            }
            rest -= weight;
        }
        &from.last().expect("there is something to choose from").0
    }

    /// Standard normal.
    ///
    /// Source: Box and Muller (1958), both numbers of a pair used.
    pub(super) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // 1 - u lies in (0, 1], where the logarithm is finite.
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        let (sine, cosine) = libm::sincos(std::f64::consts::TAU * self.uniform());
        self.spare = Some(radius * sine);
        radius * cosine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_fixed_and_differ() {
        let first = |purpose, index| Random::new(7, purpose, index).uniform().to_bits();
        assert_eq!(first(Purpose::Path, 3), first(Purpose::Path, 3));
        assert_ne!(first(Purpose::Path, 3), first(Purpose::Path, 4));
        assert_ne!(first(Purpose::Path, 3), first(Purpose::Dirt, 3));
    }

    #[test]
    fn normals_have_mean_zero_and_variance_one() {
        let mut random = Random::new(1, Purpose::Path, 0);
        let drawn: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }

    #[test]
    fn weights_are_followed() {
        let mut random = Random::new(1, Purpose::Path, 0);
        let drawn = (0..10_000)
            .filter(|_| *random.weighted(&[(true, 0.25), (false, 0.75)]))
            .count();
        assert!((2_300..2_700).contains(&drawn), "{drawn}");
    }
}
