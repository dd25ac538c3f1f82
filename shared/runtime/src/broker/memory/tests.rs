//! The memory broker through the conformance suite, and what is its own: the bound on its results.

use std::sync::Mutex;

use bytes::Bytes;
use tickfleet_protocol::{
    ids::{Digest, IdempotencyKey, JobKind, WorkerId},
    limits::RUN_RETENTION_MS,
    retry::RetryPolicy,
};

use super::*;
use crate::broker::{
    RunState,
    clock::ManualClock,
    conformance::{self, Harness},
};

/// Brokers with a clock and tokens that repeat.
struct Manual {
    clock: Mutex<Arc<ManualClock>>,
    seed: u8,
}

impl Manual {
    fn new(seed: u8) -> Self {
        Self {
            clock: Mutex::new(clock()),
            seed,
        }
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Millis(1_700_000_000_000)))
}

#[async_trait]
impl Harness for Manual {
    async fn broker(&self) -> Arc<dyn Broker> {
        let clock = clock();
        *self.clock.lock().unwrap() = Arc::clone(&clock);
        Arc::new(MemoryBroker::with(
            64 << 20,
            clock,
            TokenSource::seeded([self.seed; 32]),
        ))
    }

    async fn advance(&self, by: Duration) {
        self.clock.lock().unwrap().advance(by);
    }
}

#[tokio::test]
async fn conforms_on_one_thread() {
    conformance::run_all(&Manual::new(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conforms_on_several_threads() {
    conformance::run_all(&Manual::new(2)).await;
}

#[tokio::test]
async fn follows_the_model_for_many_seeds() {
    for seed in 100..300 {
        conformance::random::against_model(&Manual::new(3), seed, 150).await;
    }
}

fn new_run(key: &str, jobs: u64) -> NewRun {
    NewRun {
        key: IdempotencyKey::new(key).unwrap(),
        digest: Digest([0; 32]),
        kind: JobKind::new("test/1").expect("a valid name"),
        trace: None,
        payload: Bytes::new(),
        stages: vec![jobs],
        weight: 1,
        deadline: None,
        retry: RetryPolicy::default(),
        durability: Durability::Memory,
    }
}

async fn claim(broker: &MemoryBroker, max: usize) -> Vec<Claim> {
    let worker = WorkerId::new("w1").unwrap();
    broker
        .claim(ClaimRequest {
            kinds: vec![JobKind::new("test/1").expect("a valid name")],
            worker,
            max,
            lease_ms: 10_000,
            wait: Duration::ZERO,
        })
        .await
        .unwrap()
}

fn commit(claim: &Claim, identity: u8, bytes: usize) -> Commit {
    let result = Some(Bytes::from(vec![identity; bytes]));
    Commit {
        job: claim.job,
        token: claim.token,
        identity: Identity([identity; 32]),
        result,
    }
}

#[tokio::test]
async fn results_that_do_not_fit_are_refused_and_the_claims_stay() {
    let broker = MemoryBroker::new(3_000);
    let first = broker.submit(new_run("first", 3)).await.unwrap().run;
    let claims = claim(&broker, 3).await;
    broker.commit(vec![commit(&claims[0], 1, 1_000)]).await.unwrap();
    let batch = vec![commit(&claims[1], 2, 1_000), commit(&claims[2], 3, 1_000)];
    let refused = broker.commit(batch.clone()).await.unwrap_err();
    assert!(
        matches!(refused, BrokerError::ResultsFull { job, limit: 3_000, .. } if job == Some(claims[2].job)),
        "{refused}"
    );
    assert!(!refused.is_retryable());
    assert_eq!(
        broker.result(Identity([2; 32])).await.unwrap(),
        None,
        "nothing of the batch was done"
    );
    let small = vec![commit(&claims[1], 2, 100), commit(&claims[2], 1, 1_000)];
    assert_eq!(broker.commit(small).await.unwrap(), [CommitOutcome::Committed; 2]);
    broker.forget(first).await.unwrap();
    broker.submit(new_run("second", 2)).await.unwrap();
    let claims = claim(&broker, 2).await;
    let batch = vec![commit(&claims[0], 2, 1_000), commit(&claims[1], 3, 1_000)];
    assert_eq!(
        broker.commit(batch).await.unwrap(),
        [CommitOutcome::Committed; 2],
        "forgetting made room"
    );
}

#[tokio::test]
async fn a_lost_commit_writes_nothing() {
    let broker = MemoryBroker::new(3_000);
    let run = broker.submit(new_run("a", 1)).await.unwrap().run;
    let claims = claim(&broker, 1).await;
    broker.cancel(run).await.unwrap();
    assert_eq!(
        broker.commit(vec![commit(&claims[0], 1, 10)]).await.unwrap(),
        [CommitOutcome::Lost]
    );
    assert_eq!(broker.result(Identity([1; 32])).await.unwrap(), None);
}

#[tokio::test]
async fn a_result_that_two_runs_commit_together_is_charged_once() {
    let broker = MemoryBroker::new(3_000);
    for key in ["a", "b"] {
        broker.submit(new_run(key, 1)).await.unwrap();
    }
    let batch = claim(&broker, 2)
        .await
        .iter()
        .map(|claim| commit(claim, 1, 2_000))
        .collect();
    assert_eq!(broker.commit(batch).await.unwrap(), [CommitOutcome::Committed; 2]);
}

#[tokio::test]
async fn ended_runs_expire_with_their_results() {
    let clock = clock();
    let broker = MemoryBroker::with(
        10_000,
        Arc::clone(&clock) as Arc<dyn Clock>,
        TokenSource::seeded([0; 32]),
    );
    let run = broker.submit(new_run("a", 1)).await.unwrap().run;
    let claims = claim(&broker, 1).await;
    broker.commit(vec![commit(&claims[0], 1, 10)]).await.unwrap();
    clock.advance(Duration::from_millis(RUN_RETENTION_MS - 1));
    assert_eq!(
        broker.run(run).await.unwrap().unwrap().summary.state,
        RunState::Succeeded
    );
    clock.advance(Duration::from_millis(1));
    assert_eq!(broker.run(run).await.unwrap(), None);
    assert_eq!(broker.result(Identity([1; 32])).await.unwrap(), None);
    assert!(matches!(
        broker.events(run, EventId::START, Duration::ZERO).await,
        Err(BrokerError::UnknownRun { .. })
    ));
}

#[tokio::test]
async fn a_big_run_is_worked_off_within_its_bounds() {
    let broker = MemoryBroker::new(1_000_000);
    let run = broker.submit(new_run("a", 100_000)).await.unwrap().run;
    let mut seen = 0;
    loop {
        let claims = claim(&broker, 250).await;
        if claims.is_empty() {
            break;
        }
        seen += claims.len();
        let batch = claims.iter().map(|claim| commit(claim, 1, 8)).collect();
        assert!(
            broker
                .commit(batch)
                .await
                .unwrap()
                .iter()
                .all(|&outcome| outcome == CommitOutcome::Committed)
        );
    }
    let summary = broker.run(run).await.unwrap().unwrap().summary;
    assert_eq!(
        (seen, summary.state, summary.counts().done),
        (100_000, RunState::Succeeded, 100_000)
    );
    let shelf = broker.lock();
    assert!(shelf.queue.run(run).unwrap().audit().is_ok());
    assert!(
        shelf.results.usage().0 < 1_000,
        "one result, whatever the number of jobs"
    );
}

#[tokio::test]
async fn one_seed_gives_one_history() {
    let mut histories = Vec::new();
    for _ in 0..2 {
        let broker = Manual::new(7).broker().await;
        let run = broker.submit(new_run("a", 4)).await.unwrap().run;
        let worker = WorkerId::new("w1").unwrap();
        let request = ClaimRequest {
            kinds: vec![JobKind::new("test/1").expect("a valid name")],
            worker,
            max: 4,
            lease_ms: 10_000,
            wait: Duration::ZERO,
        };
        histories.push((run, broker.claim(request).await.unwrap()));
    }
    assert_eq!(histories[0], histories[1]);
}
