//! What the laws are written with: runs, claims and commits of the plainest kind.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use tickfleet_protocol::{
    ids::{Digest, IdempotencyKey, Identity, JobKind, JobRef, RunId, WorkerId},
    limits::DEFAULT_WEIGHT,
    retry::RetryPolicy,
    state::Counts,
};
use tokio::task::JoinHandle;

use super::{BACKOFF_MS, Harness, LEASE_MS};
use crate::broker::{
    Broker, Claim, ClaimRequest, Commit, CommitOutcome, Durability, FailOutcome, Failure, Held, NewRun, RunState,
    RunSummary,
};

/// At most three attempts and three kills, backoffs from one second up.
pub(super) const RETRY: RetryPolicy = RetryPolicy {
    max_attempts: 3,
    max_kills: 3,
    backoff_base_ms: 1_000,
    backoff_cap_ms: BACKOFF_MS,
};

/// How long a test waits, in real time, before it takes a broker for hung.
const PATIENCE: Duration = Duration::from_secs(30);

/// A run under this key, its digest and payload derived from it.
pub(super) fn new_run(key: &str, stages: &[u64]) -> NewRun {
    NewRun {
        key: IdempotencyKey::new(key).expect("the suite's keys are well formed"),
        digest: Digest(*blake3::hash(key.as_bytes()).as_bytes()),
        kind: kind("a"),
        trace: None,
        payload: Bytes::copy_from_slice(key.as_bytes()),
        stages: stages.to_vec(),
        weight: DEFAULT_WEIGHT,
        deadline: None,
        retry: RETRY,
        durability: Durability::Memory,
    }
}

/// The kind of this name.
pub(super) fn kind(name: &str) -> JobKind {
    JobKind::new(&format!("{name}/1")).expect("the suite's names are well formed")
}

/// The worker of this name.
pub(super) fn worker(name: &str) -> WorkerId {
    WorkerId::new(name).expect("the suite's names are well formed")
}

/// A wish for jobs that does not wait.
pub(super) fn request(max: usize) -> ClaimRequest {
    ClaimRequest {
        worker: worker("w1"),
        kinds: vec![kind("a")],
        max,
        lease_ms: LEASE_MS,
        wait: Duration::ZERO,
    }
}

/// Submits a new run.
pub(super) async fn submit(broker: &dyn Broker, key: &str, stages: &[u64]) -> RunId {
    let submitted = broker.submit(new_run(key, stages)).await.expect("submit");
    assert!(submitted.created, "the key is new");
    submitted.run
}

/// Claims what there is without waiting.
pub(super) async fn claim(broker: &dyn Broker, max: usize) -> Vec<Claim> {
    let claims = broker.claim(request(max)).await.expect("claim");
    assert!(claims.len() <= max, "{} claims of {max}", claims.len());
    claims
}

/// Claims one job, which there must be.
pub(super) async fn claim_one(broker: &dyn Broker) -> Claim {
    claim(broker, 1).await.pop().expect("a job is available")
}

/// The identity and the bytes of a job's result, in a world where every job has one of its own.
pub(super) fn result_of(job: JobRef) -> (Identity, Bytes) {
    let text = job.to_string();
    (Identity(*blake3::hash(text.as_bytes()).as_bytes()), Bytes::from(text))
}

/// The commit of a job with its result.
pub(super) fn commit_of(held: Held) -> Commit {
    let (identity, result) = result_of(held.job);
    Commit {
        job: held.job,
        token: held.token,
        identity,
        result: Some(result),
    }
}

/// Commits claims with their results.
pub(super) async fn commit(broker: &dyn Broker, held: impl IntoIterator<Item = Held>) -> Vec<CommitOutcome> {
    broker
        .commit(held.into_iter().map(commit_of).collect())
        .await
        .expect("commit")
}

/// Commits one claim with its result.
pub(super) async fn commit_one(broker: &dyn Broker, claim: &Claim) -> CommitOutcome {
    commit(broker, [claim.held()]).await[0]
}

/// Reports one failure.
pub(super) async fn fail_one(broker: &dyn Broker, claim: &Claim, retryable: bool) -> FailOutcome {
    let failure = Failure {
        job: claim.job,
        token: claim.token,
        reason: "no such file".to_owned(),
        retryable,
    };
    broker.fail(vec![failure]).await.expect("fail")[0]
}

/// A run that is kept.
pub(super) async fn summary(broker: &dyn Broker, run: RunId) -> RunSummary {
    broker.run(run).await.expect("run").expect("the run is kept").summary
}

/// State and counts of a run that is kept: total, done, failed.
pub(super) async fn standing(broker: &dyn Broker, run: RunId) -> (RunState, [u64; 3]) {
    let summary = summary(broker, run).await;
    let Counts { total, done, failed } = summary.counts();
    (summary.state, [total, done, failed])
}

/// Moves the clock on.
pub(super) async fn advance_ms(harness: &dyn Harness, ms: u64) {
    harness.advance(Duration::from_millis(ms)).await;
}

/// Past the end of every lease given so far, whatever else there is.
pub(super) async fn outlive_leases(harness: &dyn Harness) {
    advance_ms(harness, LEASE_MS + 1).await;
}

/// Past every backoff begun so far.
pub(super) async fn outlive_backoffs(harness: &dyn Harness) {
    advance_ms(harness, BACKOFF_MS + 1).await;
}

/// The outcome of a call that should come by itself; panics where it does not.
pub(super) async fn soon<T>(call: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, call).await.expect("the call returns")
}

/// The outcome of a call that waits for time to pass: the clock is moved until it comes.
pub(super) async fn in_time<T>(harness: &dyn Harness, call: impl Future<Output = T>) -> T {
    let moving = async {
        loop {
            tokio::task::yield_now().await;
            advance_ms(harness, 100).await;
        }
    };
    soon(async {
        tokio::select! {
            biased;
            outcome = call => outcome,
            () = moving => unreachable!("the clock is moved for ever"),
        }
    })
    .await
}

/// Starts a call on a task of its own, and gives it every chance to begin waiting.
pub(super) async fn begin<T: Send + 'static>(call: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    let task = tokio::spawn(call);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    task
}

/// The outcome of a call that was begun.
pub(super) async fn finish<T>(task: JoinHandle<T>) -> T {
    soon(task).await.expect("the call does not panic")
}
