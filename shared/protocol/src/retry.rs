//! When a failed job runs again: exponential backoff, bounded, with jitter that is a function of the job.
//!
//! Deterministic on purpose: the same failure gets the same delay in every broker and in every replay of a test, and
//! a broker whose scripts lack 64-bit integers can be handed the delays. Read next: [`crate::state`].

use serde::{Deserialize, Serialize};

use crate::{
    ids::JobRef,
    limits::{
        DEFAULT_BACKOFF_BASE_MS, DEFAULT_BACKOFF_CAP_MS, DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_KILLS, MAX_ATTEMPTS,
        MAX_BACKOFF_MS, MAX_KILLS, OutOfBounds, check_bounds,
    },
};

/// How often and how late a run's jobs are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    /// Failures of its own after which a job is dead-lettered, 1 to [`MAX_ATTEMPTS`].
    pub max_attempts: u32,
    /// Workers lost while holding it after which a job is dead-lettered, 1 to [`MAX_KILLS`].
    pub max_kills: u32,
    /// Delay after the first failure, before jitter, in milliseconds; at least 1.
    pub backoff_base_ms: u64,
    /// Longest delay, in milliseconds; from the base to [`MAX_BACKOFF_MS`].
    pub backoff_cap_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            max_kills: DEFAULT_MAX_KILLS,
            backoff_base_ms: DEFAULT_BACKOFF_BASE_MS,
            backoff_cap_ms: DEFAULT_BACKOFF_CAP_MS,
        }
    }
}

impl RetryPolicy {
    /// Holds every field against its bounds.
    pub fn check(&self) -> Result<(), OutOfBounds> {
        check_bounds(
            "the attempt limit",
            u64::from(self.max_attempts),
            1,
            u64::from(MAX_ATTEMPTS),
        )?;
        check_bounds("the kill limit", u64::from(self.max_kills), 1, u64::from(MAX_KILLS))?;
        check_bounds("the first backoff in ms", self.backoff_base_ms, 1, MAX_BACKOFF_MS)?;
        check_bounds(
            "the longest backoff in ms",
            self.backoff_cap_ms,
            self.backoff_base_ms,
            MAX_BACKOFF_MS,
        )
    }

    /// Milliseconds to wait after failure number `attempts` (from 1) of `job`.
    ///
    /// The base doubles with each failure up to the cap; the delay lies in the upper half of that, its place there a
    /// hash of job and attempt, so that jobs which failed together do not come back together.
    pub fn delay_ms(&self, job: &JobRef, attempts: u32) -> u64 {
        let doublings = attempts.saturating_sub(1).min(63);
        let full = self
            .backoff_base_ms
            .saturating_mul(1 << doublings)
            .min(self.backoff_cap_ms);
        let floor = full.div_ceil(2);
        floor + mix_job(job, attempts) % (full - floor + 1)
    }
}

/// A well-spread 64-bit hash of a job and an attempt.
fn mix_job(job: &JobRef, attempts: u32) -> u64 {
    let (high, low) = job.run.as_uuid().as_u64_pair();
    let place = u64::from(job.stage.0) << 32 | u64::from(attempts);
    [high, low, place, job.index.0]
        .into_iter()
        .fold(0, |hash, word| mix(hash ^ word))
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood, 2014), after its Weyl step: a bijection of 64 bits.
fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{JobIndex, Millis, RunId, StageIndex};

    fn job(index: u64) -> JobRef {
        JobRef {
            run: RunId::from_parts(Millis(7), [3; 10]),
            stage: StageIndex(1),
            index: JobIndex(index),
        }
    }

    #[test]
    fn mixer_matches_the_published_sequence() {
        // SplitMix64 seeded with 0: its first outputs are those of the reference program.
        let golden = 0x9e37_79b9_7f4a_7c15_u64;
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(golden), 0x6e78_9e6a_a1b9_65f4);
        assert_eq!(mix(golden.wrapping_mul(2)), 0x06c4_5d18_8009_454f);
    }

    #[test]
    fn delays_double_up_to_the_cap() {
        let policy = RetryPolicy {
            backoff_base_ms: 100,
            backoff_cap_ms: 1_000,
            ..RetryPolicy::default()
        };
        for (attempts, full) in [
            (1, 100),
            (2, 200),
            (3, 400),
            (4, 800),
            (5, 1_000),
            (32, 1_000),
            (u32::MAX, 1_000),
        ] {
            let delay = policy.delay_ms(&job(0), attempts);
            assert!((full / 2..=full).contains(&delay), "attempt {attempts}: {delay}");
        }
    }

    #[test]
    fn jitter_spreads_jobs_and_repeats_itself() {
        let policy = RetryPolicy::default();
        let delays: std::collections::BTreeSet<_> = (0..100).map(|i| policy.delay_ms(&job(i), 3)).collect();
        assert!(delays.len() > 80, "{} different delays of 100", delays.len());
        assert_eq!(policy.delay_ms(&job(5), 2), policy.delay_ms(&job(5), 2));
    }

    #[test]
    fn policies_out_of_bounds_are_invalid() {
        let good = RetryPolicy::default();
        assert_eq!(good.check(), Ok(()));
        for bad in [
            RetryPolicy {
                max_attempts: 0,
                ..good
            },
            RetryPolicy {
                max_attempts: MAX_ATTEMPTS + 1,
                ..good
            },
            RetryPolicy { max_kills: 0, ..good },
            RetryPolicy {
                max_kills: MAX_KILLS + 1,
                ..good
            },
            RetryPolicy {
                backoff_base_ms: 0,
                ..good
            },
            RetryPolicy {
                backoff_base_ms: 2,
                backoff_cap_ms: 1,
                ..good
            },
            RetryPolicy {
                backoff_cap_ms: MAX_BACKOFF_MS + 1,
                ..good
            },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
        let smallest = RetryPolicy {
            backoff_base_ms: 1,
            backoff_cap_ms: 1,
            ..good
        };
        assert_eq!(smallest.delay_ms(&job(0), 9), 1);
    }
}
