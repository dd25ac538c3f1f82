//! What became of claims, to the broker: results before acknowledgements, many jobs with one round trip.
//!
//! While the broker does not answer, what is computed is kept and sent again until it does; the broker's calls are safe to
//! send again. An outcome that comes too late is dropped and counted. Read next: [`crate::outbox`].

use futures::{StreamExt, stream};
use tickfleet_protocol::ids::Token;
use tickfleet_runtime::broker::{
    BrokerError, Claim, Commit, CommitOutcome, FailOutcome, Failure, Held as HeldClaim, Result,
};
use tickfleet_runtime::fault;
use tickfleet_runtime::telemetry::delivery::End;

use crate::backoff::persist;
use crate::claim::Shared;
use crate::outbox::Outcome;
use crate::status::Status;

/// Results that are written to the store side by side.
const PACKED_SIDE_BY_SIDE: usize = 8;

/// Publishes until the outbox is closed and empty.
pub(crate) async fn publish(shared: &Shared) {
    loop {
        let batch = shared.outbox.take().await;
        if batch.is_empty() {
            return;
        }
        let tokens: Vec<Token> = batch.iter().map(|(claim, _)| claim.token).collect();
        tell(shared, batch).await;
        shared.held.release(&tokens);
    }
}

async fn tell(shared: &Shared, batch: Vec<(Claim, Outcome)>) {
    let (mut commits, mut failures, mut returned) = (Vec::new(), Vec::new(), Vec::new());
    let packed = stream::iter(batch).map(|(claim, outcome)| pack(shared, claim, outcome));
    let packed: Vec<_> = packed.buffered(PACKED_SIDE_BY_SIDE).collect().await;
    for (claim, outcome) in packed {
        match outcome {
            Outcome::Done(identity, result) => commits.push(Commit {
                job: claim.job,
                token: claim.token,
                identity,
                result,
            }),
            Outcome::Failed(reason, retryable) => {
                tracing::warn!(job = %claim.job, reason, "job failed");
                failures.push(Failure {
                    job: claim.job,
                    token: claim.token,
                    reason,
                    retryable,
                });
            }
            Outcome::HandedBack => returned.push(claim.held()),
        }
    }
    // Before the results that they lead to are seen: whoever sees these may look for them.
    shared.results.share().await;
    commit(shared, commits).await;
    fail(shared, failures).await;
    hand_back(shared, returned).await;
}

/// Makes a result what the queue keeps of it; one that finds no place is its job's failure.
async fn pack(shared: &Shared, claim: Claim, outcome: Outcome) -> (Claim, Outcome) {
    let Outcome::Done(identity, Some(result)) = outcome else {
        return (claim, outcome);
    };
    let packed = shared.results.pack(identity, result).await;
    let outcome = match packed {
        Ok(packed) => Outcome::Done(identity, Some(packed)),
        Err(error) => Outcome::of(&error.into()),
    };
    (claim, outcome)
}

/// Commits. A batch that is refused for the size of its results is sent one by one: one that is too large must not hold
/// back its neighbours, and becomes its job's failure.
async fn commit(shared: &Shared, commits: Vec<Commit>) {
    if commits.is_empty() {
        return;
    }
    match commit_all(shared, &commits).await {
        Ok((outcomes, is_repeated)) => settle(shared, &commits, &outcomes, is_repeated).await,
        Err(error) if error.is_retryable() => {
            let tokens: Vec<_> = commits.iter().map(|commit| commit.token).collect();
            untold(shared, &error, &tokens);
        }
        Err(_) if commits.len() > 1 => {
            for commit in commits {
                Box::pin(self::commit(shared, vec![commit])).await;
            }
        }
        Err(error) => {
            let refused = commits.iter().map(|commit| Failure {
                job: commit.job,
                token: commit.token,
                reason: format!("the result cannot be stored: {error}"),
                retryable: matches!(error, BrokerError::ResultsFull { .. }),
            });
            fail(shared, refused.collect()).await;
        }
    }
}

async fn commit_all(shared: &Shared, commits: &[Commit]) -> Result<(Vec<CommitOutcome>, bool)> {
    let call = || async {
        strike("worker.before_commit", "commit")?;
        let outcomes = shared.broker.commit(commits.to_vec()).await?;
        strike("worker.after_commit", "commit")?;
        Ok(outcomes)
    };
    let _telling = shared
        .observe
        .telling("commit", commits.iter().map(|commit| commit.token));
    persist("commit", u32::MAX, &shared.cut, call).await
}

/// Counts what became of commits, and hands back the jobs whose stored result was gone by then: no fault of theirs.
async fn settle(shared: &Shared, commits: &[Commit], outcomes: &[CommitOutcome], is_repeated: bool) {
    shared.status.answered();
    let mut missing = Vec::new();
    for (commit, outcome) in commits.iter().zip(outcomes) {
        match outcome {
            CommitOutcome::Committed => Status::add(&shared.status.committed, 1),
            // The answer to the first try was lost.
            CommitOutcome::AlreadyDone if is_repeated => Status::add(&shared.status.committed, 1),
            CommitOutcome::AlreadyDone | CommitOutcome::Lost => lost(shared, commit),
            CommitOutcome::ResultMissing => missing.push(commit.held()),
        }
    }
    shared.observe.end(ended(commits, outcomes, is_repeated));
    hand_back(shared, missing).await;
}

/// How the deliveries ended that are not handed back.
fn ended<'a>(
    commits: &'a [Commit],
    outcomes: &'a [CommitOutcome],
    is_repeated: bool,
) -> impl Iterator<Item = (Token, End, Option<&'static str>)> + 'a {
    let pairs = commits.iter().zip(outcomes);
    pairs.filter_map(move |(commit, outcome)| {
        let end = match outcome {
            CommitOutcome::Committed => End::Committed,
            CommitOutcome::AlreadyDone if is_repeated => End::Committed,
            CommitOutcome::AlreadyDone | CommitOutcome::Lost => End::Lost,
            CommitOutcome::ResultMissing => return None,
        };
        Some((commit.token, end, None))
    })
}

fn lost(shared: &Shared, commit: &Commit) {
    tracing::debug!(job = %commit.job, "a result came too late and does not count");
    Status::add(&shared.status.lost, 1);
}

async fn fail(shared: &Shared, failures: Vec<Failure>) {
    if failures.is_empty() {
        return;
    }
    let call = || async {
        strike("worker.before_fail", "fail")?;
        shared.broker.fail(failures.clone()).await
    };
    let tokens = || failures.iter().map(|failure| failure.token);
    let telling = shared.observe.telling("fail", tokens());
    let told = persist("fail", u32::MAX, &shared.cut, call).await;
    drop(telling);
    match told {
        Ok((outcomes, _)) => {
            shared.status.answered();
            let lost = outcomes.iter().filter(|&&outcome| outcome == FailOutcome::Lost).count();
            Status::add(&shared.status.lost, lost);
            Status::add(&shared.status.failed, outcomes.len() - lost);
            let pairs = failures.iter().zip(&outcomes);
            shared.observe.end(pairs.map(|(failure, outcome)| {
                let end = match outcome {
                    FailOutcome::Retry { .. } => End::Retried,
                    FailOutcome::Dead => End::Dead,
                    FailOutcome::Lost => End::Lost,
                };
                (failure.token, end, Some(failure.reason.as_str()))
            }));
        }
        Err(error) => untold(shared, &error, &tokens().collect::<Vec<_>>()),
    }
}

/// Hands claims back: their jobs are available at once, and nothing is charged.
async fn hand_back(shared: &Shared, held: Vec<HeldClaim>) {
    if held.is_empty() {
        return;
    }
    match persist("hand back", u32::MAX, &shared.cut, || shared.broker.hand_back(&held)).await {
        Ok(_) => {
            shared.status.answered();
            Status::add(&shared.status.handed_back, held.len());
            shared
                .observe
                .end(held.iter().map(|claim| (claim.token, End::Returned, None)));
        }
        Err(error) => untold(
            shared,
            &error,
            &held.iter().map(|claim| claim.token).collect::<Vec<_>>(),
        ),
    }
}

fn untold(shared: &Shared, error: &BrokerError, claims: &[Token]) {
    tracing::warn!(%error, claims = claims.len(), "claims could not be ended; their leases return the jobs");
    shared.status.unanswered(error);
    Status::add(&shared.status.untold, claims.len());
    let reason = error.to_string();
    let ended = claims.iter().map(|token| (*token, End::Untold, Some(reason.as_str())));
    shared.observe.end(ended);
}

/// A fault point before or after a call: what it is told to fail is an answer that does not come.
fn strike(point: &'static str, operation: &'static str) -> Result<()> {
    fault::point(point).map_err(|injected| BrokerError::Unavailable {
        operation,
        source: Box::new(injected),
    })
}
