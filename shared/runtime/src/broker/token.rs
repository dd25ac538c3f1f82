//! Where a broker in this process draws its tokens and run ids from.

use std::hash::{BuildHasher, RandomState};

use tickfleet_protocol::ids::{Millis, RunId, Token};

/// A stream of random bits: BLAKE3 of a seed and a counter. The same seed gives the same stream.
#[derive(Clone, Debug)]
pub struct TokenSource {
    seed: [u8; 32],
    drawn: u64,
}

impl TokenSource {
    /// The stream of this seed, for runs that can be repeated.
    pub const fn seeded(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0 }
    }

    /// A stream of its own, seeded from the operating system's randomness by way of the standard library's hash keys.
    pub fn random() -> Self {
        let mut seed = [0; 32];
        for (i, word) in seed.chunks_exact_mut(8).enumerate() {
            word.copy_from_slice(&RandomState::new().hash_one(i).to_le_bytes());
        }
        Self::seeded(seed)
    }

    /// Fresh tokens.
    pub fn tokens(&mut self, count: usize) -> Vec<Token> {
        let mut bits = self.next();
        let mut token = || {
            let mut bytes = [0; 16];
            bits.fill(&mut bytes);
            Token(u128::from_le_bytes(bytes))
        };
        (0..count).map(|_| token()).collect()
    }

    /// A fresh run id of the moment `now`.
    pub fn run_id(&mut self, now: Millis) -> RunId {
        let mut random = [0; 10];
        self.next().fill(&mut random);
        RunId::from_parts(now, random)
    }

    fn next(&mut self) -> blake3::OutputReader {
        self.drawn += 1;
        blake3::Hasher::new_keyed(&self.seed)
            .update(&self.drawn.to_le_bytes())
            .finalize_xof()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn seeds_repeat_and_differ() {
        let draw = |mut source: TokenSource| (source.tokens(3), source.tokens(2), source.run_id(Millis(5)));
        assert_eq!(draw(TokenSource::seeded([1; 32])), draw(TokenSource::seeded([1; 32])));
        assert_ne!(draw(TokenSource::seeded([1; 32])), draw(TokenSource::seeded([2; 32])));
        assert_ne!(draw(TokenSource::random()), draw(TokenSource::random()));
    }

    #[test]
    fn tokens_are_all_different() {
        let mut source = TokenSource::seeded([0; 32]);
        let tokens: BTreeSet<Token> = (0..100).flat_map(|_| source.tokens(10)).collect();
        assert_eq!(tokens.len(), 1_000);
    }
}
