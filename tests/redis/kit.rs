//! Brokers on a server of a test's own, and the plainest runs, claims and commits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tickfleet_protocol::{
    ids::{Digest, IdempotencyKey, Identity, JobKind, RunId, WorkerId},
    limits::DEFAULT_LEASE_MS,
    retry::RetryPolicy,
};
use tickfleet_runtime::broker::{
    Broker, Claim, ClaimRequest, Commit, CommitOutcome, Durability, NewRun, RunState,
    conformance::Harness,
    redis::{RedisBroker, RedisOptions},
};
use tickfleet_tests::redis_server::RedisServer;
use tokio::sync::watch;

/// Brokers under prefixes of their own on one server, with a clock that a test moves.
pub(crate) struct RedisHarness {
    server: RedisServer,
    shards: u16,
    brokers: AtomicU32,
    offset_ms: watch::Sender<u64>,
}

impl RedisHarness {
    pub(crate) fn new(shards: u16) -> Self {
        Self {
            server: RedisServer::start(),
            shards,
            brokers: AtomicU32::new(0),
            offset_ms: watch::Sender::new(0),
        }
    }
}

#[async_trait]
impl Harness for RedisHarness {
    async fn broker(&self) -> Arc<dyn Broker> {
        let options = RedisOptions {
            prefix: format!("tf{}", self.brokers.fetch_add(1, Ordering::Relaxed)),
            shards: self.shards,
            ..options(&self.server)
        };
        let broker = RedisBroker::connect_with_offset(&options, self.offset_ms.subscribe()).await;
        Arc::new(broker.expect("the server is fit"))
    }

    async fn advance(&self, by: Duration) {
        let by_ms = u64::try_from(by.as_millis()).expect("a test's step is short");
        self.offset_ms.send_modify(|offset_ms| *offset_ms += by_ms);
        // Time that a test moves in a loop runs no faster than the server answers: one step a round trip.
        self.server.command("PING");
    }
}

/// The defaults for a server, with answers awaited no longer than a test should hang.
pub(crate) fn options(server: &RedisServer) -> RedisOptions {
    RedisOptions {
        connect_timeout: Duration::from_secs(2),
        ..RedisOptions::new(server.url().parse().expect("a server's address is well formed"))
    }
}

/// A broker on a server.
pub(crate) async fn connect(server: &RedisServer) -> RedisBroker {
    RedisBroker::connect(&options(server)).await.expect("the server is fit")
}

/// A run under this key.
pub(crate) fn new_run(key: &str, stages: &[u64]) -> NewRun {
    NewRun {
        key: IdempotencyKey::new(key).expect("a test's keys are well formed"),
        digest: Digest([7; 32]),
        kind: JobKind::new("test/1").expect("a valid name"),
        trace: None,
        payload: Bytes::from_static(b"payload"),
        stages: stages.to_vec(),
        weight: 1,
        deadline: None,
        retry: RetryPolicy::default(),
        durability: Durability::Memory,
    }
}

/// Submits a run.
pub(crate) async fn submit(broker: &dyn Broker, key: &str, stages: &[u64]) -> RunId {
    broker.submit(new_run(key, stages)).await.expect("submit").run
}

/// A wish for jobs.
pub(crate) fn request(max: usize, wait: Duration) -> ClaimRequest {
    ClaimRequest {
        worker: WorkerId::new("w1").expect("a test's names are well formed"),
        kinds: vec![JobKind::new("test/1").expect("a valid name")],
        max,
        lease_ms: DEFAULT_LEASE_MS,
        wait,
    }
}

/// Claims what there is.
pub(crate) async fn claim(broker: &dyn Broker, max: usize) -> Vec<Claim> {
    broker.claim(request(max, Duration::ZERO)).await.expect("claim")
}

/// The commit of a claim with a small result of its own.
pub(crate) fn commit_of(claim: &Claim) -> Commit {
    let text = claim.job.to_string();
    let mut identity = [0; 32];
    identity[..16].copy_from_slice(claim.job.run.as_uuid().as_bytes());
    identity[16..24].copy_from_slice(&claim.job.index.0.to_le_bytes());
    identity[24..26].copy_from_slice(&claim.job.stage.0.to_le_bytes());
    Commit {
        job: claim.job,
        token: claim.token,
        identity: Identity(identity),
        result: Some(Bytes::from(text)),
    }
}

/// Claims and commits until nothing is left; gives how many.
pub(crate) async fn work_off(broker: &dyn Broker, batch: usize) -> u64 {
    let mut jobs = 0;
    loop {
        let claims = claim(broker, batch).await;
        if claims.is_empty() {
            return jobs;
        }
        jobs += claims.len() as u64;
        let outcomes = broker
            .commit(claims.iter().map(commit_of).collect())
            .await
            .expect("commit");
        assert!(
            outcomes.iter().all(|&outcome| outcome == CommitOutcome::Committed),
            "{outcomes:?}"
        );
    }
}

/// State, done and failed jobs of a run.
pub(crate) async fn standing(broker: &dyn Broker, run: RunId) -> (RunState, u64, u64) {
    let summary = broker.run(run).await.expect("run").expect("the run is kept").summary;
    let counts = summary.counts();
    (summary.state, counts.done, counts.failed)
}

/// One command on a connection of its own.
pub(crate) async fn query<T: redis::FromRedisValue>(server: &RedisServer, words: &[&str]) -> T {
    let client = redis::Client::open(server.url()).expect("a server's address is well formed");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("the server answers");
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command
        .query_async(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

/// Looks until it is so; a test that waits in vain is a failure.
pub(crate) async fn patiently(mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), looking)
        .await
        .expect("it comes to be so");
}
