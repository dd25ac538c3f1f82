//! Fail: a job that failed is tried again after a backoff, or given up.

use super::{
    DeadCause, FailOutcome, Held, ProgressKind,
    queue::{Queue, sealed::Apply},
    run::{Holding, Run, Strikes, clip},
};
use crate::ids::Millis;

/// A failure to report.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// The claim.
    pub held: Held,
    /// What went wrong, for people.
    pub reason: &'a str,
    /// Whether trying again can help.
    pub retryable: bool,
}

/// Ends claims with failures, and charges each job an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Fail<'a> {
    /// The failures.
    pub failures: &'a [Failed<'a>],
}

impl Apply for Fail<'_> {
    type Outcome = Vec<FailOutcome>;

    fn apply(self, queue: &mut Queue, now: Millis) -> Vec<FailOutcome> {
        let outcomes = self.failures.iter().map(|failed| match queue.release(failed.held) {
            Some((run, claim)) => run.fail(failed, claim, now),
            None => FailOutcome::Lost,
        });
        let outcomes = outcomes.collect();
        queue.settle_all(self.failures.iter().map(|failed| failed.held));
        outcomes
    }
}

impl Run {
    fn fail(&mut self, failed: &Failed<'_>, claim: Holding, now: Millis) -> FailOutcome {
        let job = failed.held.job;
        let attempts = claim.strikes.attempts + 1;
        let strikes = Strikes {
            attempts,
            ..claim.strikes
        };
        let cause = if !failed.retryable {
            DeadCause::NotRetryable
        } else if attempts >= self.terms.retry.max_attempts {
            DeadCause::AttemptsExhausted
        } else {
            let at = now.plus_ms(self.terms.retry.delay_ms(&job, attempts));
            self.delayed.insert((at, job.index.0), strikes);
            self.note(
                ProgressKind::Retried {
                    job,
                    attempts,
                    retry_at: at,
                    reason: clip(failed.reason),
                },
                now,
            );
            return FailOutcome::Retry { at };
        };
        self.bury(job.index.0, cause, failed.reason, strikes, claim.worker, now);
        FailOutcome::Dead
    }
}
