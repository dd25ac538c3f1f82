//! What computing gave, to the broker: results before acknowledgements, many jobs with one round trip.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tickfleet_protocol::ids::Identity;
use tickfleet_protocol::limits::MAX_BATCH;
use tickfleet_runtime::broker::{Broker, Claim, Commit, CommitOutcome, Failure};
use tokio::sync::mpsc;

use crate::error::JobError;
use crate::heartbeat::Held;

/// Outcomes that wait for the publisher; a full channel holds the lanes back.
const WAITING_MAX: usize = 64;
/// Tries to reach the broker before the claims are left to their leases.
const TRIES: u32 = 6;

/// What became of a claim.
#[derive(Debug)]
pub enum Outcome {
    /// A result, or `None` when one is already stored under the identity.
    Done(Identity, Option<Bytes>),
    /// A failure.
    Failed(JobError),
}

/// The way to the publisher.
pub type Outbox = mpsc::Sender<(Claim, Outcome)>;

/// A bounded channel to a publisher.
pub fn outbox() -> (Outbox, mpsc::Receiver<(Claim, Outcome)>) {
    mpsc::channel(WAITING_MAX)
}

/// Publishes until the last sender is gone.
pub async fn publish(broker: Arc<dyn Broker>, held: Arc<Held>, mut outcomes: mpsc::Receiver<(Claim, Outcome)>) {
    let mut waiting = Vec::new();
    while outcomes.recv_many(&mut waiting, WAITING_MAX.min(MAX_BATCH)).await > 0 {
        let (mut commits, mut failures, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
        for (claim, outcome) in waiting.drain(..) {
            tokens.push(claim.token);
            match outcome {
                Outcome::Done(identity, result) => {
                    commits.push(Commit {
                        job: claim.job,
                        token: claim.token,
                        identity,
                        result,
                    });
                }
                Outcome::Failed(error) => failures.push(failure(&claim, &error)),
            }
        }
        commit(broker.as_ref(), commits).await;
        if !failures.is_empty() {
            retried("fail", || broker.fail(failures.clone())).await;
        }
        held.release(&tokens);
    }
}

/// Commits; a result that the broker refuses for its size or room becomes the job's failure.
async fn commit(broker: &dyn Broker, commits: Vec<Commit>) {
    if commits.is_empty() {
        return;
    }
    if let Some(outcomes) = retried("commit", || broker.commit(commits.clone())).await {
        hand_back_missing(broker, &commits, &outcomes).await;
        return;
    }
    // One oversized result must not hold back its neighbours: each is sent on its own, and refused on its own.
    for commit in commits {
        if let Err(error) = broker.commit(vec![commit.clone()]).await {
            let reason = format!("the result cannot be stored: {error}");
            let failure = Failure {
                job: commit.job,
                token: commit.token,
                reason,
                retryable: error.is_retryable(),
            };
            retried("fail", || broker.fail(vec![failure.clone()])).await;
        }
    }
}

/// Jobs whose stored result was gone by the time of the commit: their claims are live, and no fault of theirs.
async fn hand_back_missing(broker: &dyn Broker, commits: &[Commit], outcomes: &[CommitOutcome]) {
    let pairs = commits.iter().zip(outcomes);
    let missing = pairs.filter(|(_, outcome)| **outcome == CommitOutcome::ResultMissing);
    let missing: Vec<_> = missing.map(|(commit, _)| commit.held()).collect();
    if !missing.is_empty() {
        retried("hand back", || broker.hand_back(&missing)).await;
    }
}

fn failure(claim: &Claim, error: &JobError) -> Failure {
    tracing::warn!(job = ?claim.job, error = error.chain(), "job failed");
    Failure {
        job: claim.job,
        token: claim.token,
        reason: error.chain(),
        retryable: error.retryable(),
    }
}

/// Calls until it succeeds or cannot. The broker's calls are safe to send again.
async fn retried<T, F>(what: &str, mut call: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = tickfleet_runtime::broker::Result<T>>,
{
    for attempt in 0..TRIES {
        match call().await {
            Ok(answer) => return Some(answer),
            Err(error) if error.is_retryable() => {
                tracing::warn!(what, attempt, %error, "the broker did not answer");
                tokio::time::sleep(Duration::from_millis(50 << attempt)).await;
            }
            Err(error) => {
                tracing::warn!(what, %error, "the broker refused");
                return None;
            }
        }
    }
    None
}
