//! A queue on a server of a test's own, no-op runs in it, and workers that compute them.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tickfleet_protocol::digest::digest_of;
use tickfleet_protocol::ids::{EventId, IdempotencyKey, JobKind, RunId};
use tickfleet_protocol::limits::DEFAULT_WEIGHT;
use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_runtime::broker::redis::{RedisBroker, RedisOptions};
use tickfleet_runtime::broker::{Broker, Durability, NewRun, Progress, ProgressKind, RunState, RunSummary};
use tickfleet_tests::binary::worker_binary;
use tickfleet_tests::redis_server::RedisServer;
use tickfleet_tests::running::{BOUND, Running};
use tickfleet_worker::jobs::Kind;
use tickfleet_worker::jobs::noop::Noop;

/// A server with a queue, and a look at it.
pub(crate) struct Queue {
    pub(crate) server: RedisServer,
    pub(crate) broker: RedisBroker,
}

impl Queue {
    /// On a server that writes everything down before it answers, so that it loses nothing when it is killed.
    pub(crate) async fn start() -> Self {
        let server = RedisServer::start_synced();
        let broker = connect(&server).await;
        Self { server, broker }
    }

    /// A worker of this queue with these further arguments.
    pub(crate) fn worker(&self, args: &[&str]) -> Running {
        self.faulty_worker(args, "")
    }

    /// A worker of this queue whose fault points are armed.
    pub(crate) fn faulty_worker(&self, args: &[&str], faults: &str) -> Running {
        let url = self.server.url();
        let queue = ["--redis", &url];
        let args = queue.iter().chain(args);
        Running::start(worker_binary(), args, &[("TICKFLEET_FAULT", faults)])
    }

    /// Submits a run of so many jobs.
    pub(crate) async fn submit(&self, noop: &Noop, jobs: u64) -> RunId {
        self.submit_as(&Kind::Noop.job_kind(), noop.encode(), jobs, RetryPolicy::default())
            .await
    }

    /// Submits a run of any kind.
    pub(crate) async fn submit_as(&self, kind: &JobKind, payload: Bytes, jobs: u64, retry: RetryPolicy) -> RunId {
        static SUBMITTED: AtomicU64 = AtomicU64::new(0);
        let key = format!("run-{}", SUBMITTED.fetch_add(1, Ordering::Relaxed));
        let run = NewRun {
            key: IdempotencyKey::new(&key).expect("a valid key"),
            digest: digest_of(&payload),
            kind: kind.clone(),
            trace: None,
            payload,
            stages: vec![jobs],
            weight: DEFAULT_WEIGHT,
            deadline: None,
            retry,
            durability: Durability::Memory,
        };
        let mut submitted = None;
        // Its server may have been restarted: the first call finds the connection broken.
        patiently(async || {
            submitted = self.broker.submit(run.clone()).await.ok();
            submitted.is_some()
        })
        .await;
        submitted.expect("it was accepted").run
    }

    /// A run as it stands, asked for until the server answers.
    pub(crate) async fn summary(&self, run: RunId) -> RunSummary {
        let mut found = None;
        patiently(async || {
            found = self.broker.run(run).await.ok().flatten();
            found.is_some()
        })
        .await;
        found.expect("it was found").summary
    }

    /// Waits until so many jobs of a run are done.
    pub(crate) async fn until_done(&self, run: RunId, jobs: u64) {
        patiently(async || self.summary(run).await.counts().done >= jobs).await;
    }

    /// Waits until a run has ended, and gives how.
    pub(crate) async fn until_ended(&self, run: RunId) -> RunState {
        patiently(async || self.summary(run).await.state.is_ended()).await;
        self.summary(run).await.state
    }

    /// All events of a run that are kept.
    pub(crate) async fn events(&self, run: RunId) -> Vec<Progress> {
        let (mut after, mut all) = (EventId::START, Vec::new());
        loop {
            let events = self
                .broker
                .events(run, after, Duration::ZERO)
                .await
                .expect("it answers");
            let Some((last, _)) = events.last() else {
                return all;
            };
            after = *last;
            all.extend(events.into_iter().map(|(_, event)| event));
        }
    }

    /// Failures and lost workers that a run's jobs were charged with.
    pub(crate) async fn charges(&self, run: RunId) -> (usize, usize) {
        let events = self.events(run).await;
        let count = |is_it: fn(&ProgressKind) -> bool| events.iter().filter(|event| is_it(&event.kind)).count();
        (
            count(|kind| matches!(kind, ProgressKind::Retried { .. } | ProgressKind::DeadLettered { .. })),
            count(|kind| matches!(kind, ProgressKind::LeaseExpired { .. })),
        )
    }

    /// Jobs that events count as done.
    pub(crate) async fn committed(&self, run: RunId) -> u64 {
        let jobs = self.events(run).await.into_iter().map(|event| match event.kind {
            ProgressKind::Committed { jobs, .. } => jobs,
            _ => 0,
        });
        jobs.sum()
    }

    /// Names of the workers that are there.
    pub(crate) async fn workers(&self) -> BTreeSet<String> {
        let workers = self.broker.workers().await.expect("it answers");
        workers.into_iter().map(|entry| entry.card.id.to_string()).collect()
    }
}

pub(crate) async fn connect(server: &RedisServer) -> RedisBroker {
    let options = RedisOptions::new(server.url().parse().expect("a server's address is well formed"));
    RedisBroker::connect(&options).await.expect("the server is fit")
}

/// A no-op run that no other test has.
pub(crate) fn noop(cost_us: u64) -> Noop {
    static SEEDS: AtomicU64 = AtomicU64::new(1);
    Noop {
        cost_us,
        result_bytes: 32,
        seed: SEEDS.fetch_add(1, Ordering::Relaxed),
    }
}

/// Looks until it is so; a test that waits in vain is a failure.
pub(crate) async fn patiently(mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(BOUND, looking).await.expect("it comes to be so");
}

/// The status and body of `GET path`, where something listens.
pub(crate) fn get(address: &str, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(BOUND)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
