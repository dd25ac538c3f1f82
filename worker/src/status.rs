//! What a worker has done and how it does, for its card, its readiness and its metrics. It decides nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tickfleet_protocol::ids::{JobKind, JobRef, WorkerId};
use tickfleet_runtime::broker::BrokerError;
use tickfleet_runtime::cache::{Tier, TierCounts};
use tickfleet_runtime::telemetry::metrics::ClaimLevels;

use crate::claim::{CLAIM_WAIT, Shared};
use crate::held::Load;
use crate::jobs::WorkCounts;

/// Counts since the worker was made, and when the broker last answered.
#[derive(Debug, Default)]
pub struct Status {
    /// Claims delivered.
    pub claimed: AtomicU64,
    /// Jobs computed, in whatever way that ended.
    pub computed: AtomicU64,
    /// Jobs committed.
    pub committed: AtomicU64,
    /// Of these, jobs whose result was stored already.
    pub found: AtomicU64,
    /// Failures reported.
    pub failed: AtomicU64,
    /// Outcomes whose claim had ended, so that they do not count.
    pub lost: AtomicU64,
    /// Claims handed back without a verdict.
    pub handed_back: AtomicU64,
    /// Jobs given up because they computed too long.
    pub given_up: AtomicU64,
    /// Claims that ended without the broker being told: their leases return the jobs.
    pub untold: AtomicU64,
    is_full: AtomicBool,
    contact: Mutex<Contact>,
}

/// A look at a worker from outside, which outlives it.
#[derive(Debug, Clone)]
pub struct Observer {
    shared: Arc<Shared>,
}

/// How the broker answered last.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    /// When it last answered; `None` before the first time.
    pub answered: Option<Instant>,
    /// What went wrong since, if anything did.
    pub error: Option<String>,
}

impl Status {
    /// Adds to a count.
    pub fn add(count: &AtomicU64, more: usize) {
        count.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// Notes that the broker answered.
    pub fn answered(&self) {
        *self.lock() = Contact {
            answered: Some(Instant::now()),
            error: None,
        };
    }

    /// Notes that the broker did not answer, or not as it should.
    pub fn unanswered(&self, error: &BrokerError) {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        self.lock().error = Some(text);
    }

    /// Notes whether the worker has no room for claims: then it asks for none.
    pub fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    /// How the broker answered last.
    pub fn contact(&self) -> Contact {
        self.lock().clone()
    }

    /// Whether the broker answered lately: within three polls, each `poll` long, or three `announcements` while the worker
    /// has no room for claims and polls for none.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn is_in_touch(&self, poll: Duration, announcements: Duration) -> Result<(), String> {
        let Contact { answered, error } = self.contact();
        let error = error.map(|error| format!(": {error}")).unwrap_or_default();
        let Some(answered) = answered else {
            return Err(format!("the queue has not answered yet{error}"));
        };
        let interval = if self.is_full.load(Ordering::Relaxed) {
            poll.max(announcements)
        } else {
            poll
        };
        let age = answered.elapsed();
        if age <= 3 * interval {
            return Ok(());
        }
        Err(format!("the queue last answered {} s ago{error}", age.as_secs()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Contact> {
        // The state is plain data, valid after any panic.
        self.contact.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The worker's name in claims.
    pub fn id(&self) -> &WorkerId {
        &self.shared.options.id
    }

    /// What it claims.
    pub fn kinds(&self) -> &[JobKind] {
        &self.shared.options.kinds
    }

    /// Its lanes.
    pub fn lanes(&self) -> usize {
        self.shared.room.lanes()
    }

    /// What it has done, and when the broker last answered.
    pub fn status(&self) -> &Status {
        &self.shared.status
    }

    /// How the results that it published came to be.
    pub fn work(&self) -> WorkCounts {
        self.shared.tools.work.counts()
    }

    /// What each tier of its cache has done so far.
    pub fn cache(&self) -> Vec<(Tier, TierCounts)> {
        self.shared.results.counts()
    }

    /// How much it has to do.
    pub fn load(&self) -> Load {
        self.shared.held.load()
    }

    /// The jobs that it holds, the oldest first, at most `max` of them, and how many there are.
    pub fn jobs(&self, max: usize) -> (Vec<JobRef>, usize) {
        self.shared.held.jobs(max)
    }

    /// Lets it claim for so many lanes only, at least one; gives whether that is a change.
    pub fn use_lanes(&self, lanes: usize) -> bool {
        self.shared.room.use_lanes(lanes)
    }

    /// How many of its claims are how far.
    pub fn claims(&self) -> ClaimLevels {
        let load = self.load();
        ClaimLevels {
            waiting: (load.waiting + load.alone_waiting) as u64,
            computing: (load.computing.saturating_sub(load.stuck) + load.alone_computing) as u64,
            stuck: load.stuck as u64,
        }
    }

    /// Whether the broker answered within three polls, or three `announcements` while the worker has no reason to poll.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn is_in_touch(&self, announcements: Duration) -> Result<(), String> {
        self.shared.status.is_in_touch(CLAIM_WAIT, announcements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_in_touch_for_three_polls() {
        let status = Status::default();
        let (poll, long) = (Duration::from_secs(3600), Duration::ZERO);
        assert!(status.is_in_touch(poll, long).is_err(), "nothing was answered yet");
        status.answered();
        assert_eq!(status.is_in_touch(poll, long), Ok(()));
        status.unanswered(&BrokerError::Unavailable {
            operation: "claim",
            source: "connection refused".into(),
        });
        assert_eq!(status.is_in_touch(poll, long), Ok(()), "one failure is none");
        let why = status
            .is_in_touch(Duration::ZERO, poll)
            .expect_err("three polls have passed");
        assert!(why.contains("connection refused"), "{why}");
        status.set_full(true);
        assert_eq!(
            status.is_in_touch(Duration::ZERO, poll),
            Ok(()),
            "it has no reason to poll"
        );
    }
}
