//! Calls that a broken network or a restarting Redis interrupts: tried again after a pause that grows and is never in
//! step with those of other workers, until they are answered or nobody waits for the answer any more.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tickfleet_runtime::broker::{BrokerError, Result};
use tokio_util::sync::CancellationToken;

/// First pause, before jitter.
const FIRST: Duration = Duration::from_millis(50);
/// Longest pause: well below the shortest useful lease, so that what is computed is committed while its claim lives.
const LONGEST: Duration = Duration::from_secs(2);
/// Longest that one call may take, whatever the broker promises: beyond it, it is taken for unanswered.
const CALL_MAX: Duration = Duration::from_secs(60);

/// Tries to read from the broker before a job is handed back.
pub const READ_TRIES: u32 = 6;

/// The pauses between tries.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause after one more failure: doubled each time up to a bound, and anywhere in the upper half of that.
    pub fn pause(&mut self) -> Duration {
        let full = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // Each state of a new hasher is random; that is all that is wanted of it.
        let random = RandomState::new().hash_one(self.failures);
        full / 2 + full / 2 * u32::from(random as u8) / u32::from(u8::MAX)
    }

    /// Starts over: a call succeeded.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures since the last success.
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

/// One call, taken for unanswered after a minute.
///
/// # Errors
/// The call's.
pub async fn bounded<T>(operation: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
    within(CALL_MAX, operation, call).await
}

/// One call, taken for unanswered after `bound`.
///
/// # Errors
/// The call's.
pub async fn within<T>(bound: Duration, operation: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
    let answer = tokio::time::timeout(bound, call).await;
    answer.unwrap_or_else(|late| {
        Err(BrokerError::Unavailable {
            operation,
            source: Box::new(late),
        })
    })
}

/// Calls until the broker answers, refuses for good, has failed `tries` times, or `cut` is cancelled. The broker's calls
/// are safe to send again. Gives the answer and whether it took more than one call.
///
/// # Errors
/// The last failure.
pub async fn persist<T, F>(
    operation: &'static str,
    tries: u32,
    cut: &CancellationToken,
    mut call: impl FnMut() -> F,
) -> Result<(T, bool)>
where
    F: Future<Output = Result<T>>,
{
    let mut backoff = Backoff::default();
    loop {
        let error = match bounded(operation, call()).await {
            Ok(answer) => return Ok((answer, backoff.failures() > 0)),
            Err(error) => error,
        };
        let pause = backoff.pause();
        if !error.is_retryable() || backoff.failures() >= tries || cut.is_cancelled() {
            return Err(error);
        }
        tracing::warn!(operation, tries = backoff.failures(), %error, "the broker did not answer");
        let _ = cut.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> BrokerError {
        BrokerError::Unavailable {
            operation: "test",
            source: "away".into(),
        }
    }

    #[test]
    fn pauses_grow_up_to_a_bound_and_start_over() {
        let mut backoff = Backoff::default();
        for full_ms in [50, 100, 200, 400, 800, 1_600, 2_000, 2_000] {
            let pause = backoff.pause();
            let full = Duration::from_millis(full_ms);
            assert!(pause >= full / 2 && pause <= full, "{pause:?} of {full:?}");
        }
        backoff.reset();
        assert!(backoff.pause() <= FIRST);
    }

    #[tokio::test]
    async fn a_call_is_made_again_until_it_is_answered() {
        let (mut left, cut) = (3, CancellationToken::new());
        let call = || {
            left -= 1;
            std::future::ready(if left > 0 { Err(away()) } else { Ok(left) })
        };
        assert!(matches!(persist("test", u32::MAX, &cut, call).await, Ok((0, true))));
        let at_once = persist("test", 1, &cut, || std::future::ready(Ok(7))).await;
        assert!(matches!(at_once, Ok((7, false))));
    }

    #[tokio::test]
    async fn it_is_given_up_after_its_tries_or_when_refused_or_cut() {
        let cut = CancellationToken::new();
        let mut calls = 0;
        let mut call = |error: fn() -> BrokerError| {
            calls += 1;
            std::future::ready(Err::<u8, _>(error()))
        };
        assert!(persist("test", 3, &cut, || call(away)).await.is_err());
        let refused = || BrokerError::Unfit {
            operation: "test",
            reason: String::new(),
        };
        assert!(persist("test", 3, &cut, || call(refused)).await.is_err());
        cut.cancel();
        assert!(persist("test", 3, &cut, || call(away)).await.is_err());
        assert_eq!(calls, 3 + 1 + 1);
    }

    #[tokio::test]
    async fn a_call_that_hangs_is_taken_for_unanswered() {
        let hangs = within(Duration::from_millis(1), "test", std::future::pending::<Result<u8>>()).await;
        assert!(hangs.is_err_and(|error| error.is_retryable()));
    }
}
