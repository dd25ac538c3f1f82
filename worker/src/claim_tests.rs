//! The whole loop with the queue in memory: tiny jobs, long jobs, outages, drains, jobs that hang.

#[path = "claim_tests/broker.rs"]
mod broker;

use crate::jobs::Kind;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use tickfleet_protocol::digest::digest_of;
use tickfleet_protocol::ids::{EventId, IdempotencyKey, RunId};
use tickfleet_protocol::limits::DEFAULT_WEIGHT;
use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_runtime::broker::{Durability, NewRun, RunState};
use tickfleet_runtime::shutdown::Stop;
use tokio::task::JoinHandle;

use self::broker::Counted;
use super::*;
use crate::jobs::noop::Noop;

const LANES: usize = 2;
/// Far beyond any honest wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// A worker at work.
struct Working {
    stop: Stop,
    observer: Observer,
    task: JoinHandle<Result<(), WorkerError>>,
}

fn work(broker: &Arc<Counted>, job_max: Duration, drain_max: Duration) -> Working {
    let options = WorkerOptions {
        id: WorkerId::new("w").expect("a valid name"),
        read_ahead: LANES,
        lease: Duration::from_secs(3),
        job_max,
        drain_max,
        kinds: Kind::ALL.map(Kind::job_kind).to_vec(),
        solo: None,
    };
    let pool = Pool::new(LANES).expect("threads can be started");
    let worker = Worker::new(broker.clone(), Arc::new(Inputs::new(1 << 20)), pool, options);
    let stop = Stop::default();
    Working {
        observer: worker.observer(),
        task: tokio::spawn(worker.run(stop.asked())),
        stop,
    }
}

impl Working {
    async fn drained(self) -> Result<(), WorkerError> {
        self.stop.ask(Shutdown::Draining);
        let ended = tokio::time::timeout(PATIENCE, self.task).await;
        ended.expect("a drain is bounded").expect("a worker does not panic")
    }

    fn count(&self, count: impl Fn(&Status) -> &AtomicU64) -> u64 {
        count(self.observer.status()).load(Ordering::SeqCst)
    }
}

async fn submit(broker: &Counted, noop: &Noop, jobs: u64) -> RunId {
    let payload = noop.encode();
    let run = NewRun {
        key: IdempotencyKey::new(&format!("{}-{jobs}", noop.seed)).expect("a valid key"),
        digest: digest_of(&payload),
        kind: Kind::Noop.job_kind(),
        trace: None,
        payload,
        stages: vec![jobs],
        weight: DEFAULT_WEIGHT,
        deadline: None,
        retry: RetryPolicy::default(),
        durability: Durability::Memory,
    };
    broker.submit(run).await.expect("a valid run is accepted").run
}

fn noop(cost_us: u64, seed: u64) -> Noop {
    Noop {
        cost_us,
        result_bytes: 16,
        seed,
    }
}

async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking)
        .await
        .expect("it comes to be so");
}

async fn done(broker: &Counted, run: RunId) -> u64 {
    let record = broker.run(run).await.expect("it answers").expect("it is kept");
    record.summary.counts().done
}

async fn until_succeeded(broker: &Counted, run: RunId) {
    until(async || {
        let state = broker
            .run(run)
            .await
            .expect("it answers")
            .expect("it is kept")
            .summary
            .state;
        assert!(matches!(state, RunState::Running | RunState::Succeeded), "{state:?}");
        state == RunState::Succeeded
    })
    .await;
}

/// Claims that events say were charged: with a failure, or with a lost worker.
async fn charges(broker: &Counted, run: RunId) -> usize {
    let mut after = EventId::START;
    let mut charged = HashSet::new();
    loop {
        let events = broker.events(run, after, Duration::ZERO).await.expect("it answers");
        let Some((last, _)) = events.last() else {
            return charged.len();
        };
        after = *last;
        for (id, event) in events {
            use tickfleet_runtime::broker::ProgressKind::{LeaseExpired, Retried};
            if matches!(event.kind, Retried { .. } | LeaseExpired { .. }) {
                charged.insert(id);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tiny_jobs_travel_by_the_hundred() {
    let broker = Counted::new();
    let run = submit(&broker, &noop(0, 1), 20_000).await;
    let worker = work(&broker, PATIENCE, PATIENCE);
    until_succeeded(&broker, run).await;
    let [claims, looks, commits] =
        [&broker.claims, &broker.looks, &broker.commits].map(|calls| calls.load(Ordering::SeqCst));
    assert!(
        claims < 1_000 && looks <= claims && commits < 4_000,
        "{claims} claims, {looks} looks, {commits} commits"
    );
    assert!(broker.largest_claim.load(Ordering::SeqCst) > 100);
    assert_eq!(worker.count(|status| &status.committed), 20_000);
    worker.drained().await.expect("it drains");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_is_not_computed_again() {
    let broker = Counted::new();
    let first = submit(&broker, &noop(0, 1), 300).await;
    let worker = work(&broker, PATIENCE, PATIENCE);
    until_succeeded(&broker, first).await;
    // Another run of the same jobs, and one more.
    let second = submit(&broker, &noop(0, 1), 301).await;
    until_succeeded(&broker, second).await;
    assert_eq!(worker.count(|status| &status.computed), 301);
    assert_eq!(worker.count(|status| &status.found), 300);
    worker.drained().await.expect("it drains");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_jobs_are_not_hoarded() {
    let broker = Counted::new();
    let tiny = submit(&broker, &noop(0, 1), 2_000).await;
    let worker = work(&broker, PATIENCE, Duration::ZERO);
    until_succeeded(&broker, tiny).await;
    assert!(broker.largest_claim.load(Ordering::SeqCst) > 100);
    let long = submit(&broker, &noop(300_000, 2), 500).await;
    until(async || done(&broker, long).await >= 2).await;
    until(async || worker.observer.load().unended() <= 2 * LANES).await;
    assert_eq!(
        charges(&broker, long).await,
        0,
        "what was too much went back for nothing"
    );
    worker.drained().await.expect("it drains");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_sat_out_and_what_was_computed_counts() {
    let broker = Counted::new();
    let run = submit(&broker, &noop(1_000, 1), 400).await;
    let worker = work(&broker, PATIENCE, PATIENCE);
    until(async || done(&broker, run).await >= 20).await;
    for _ in 0..3 {
        broker.is_away.store(true, Ordering::SeqCst);
        let computed = worker.count(|status| &status.computed);
        until(async || worker.observer.status().contact().error.is_some()).await;
        until(async || worker.observer.load().unended() == 0).await;
        assert!(worker.count(|status| &status.computed) >= computed);
        broker.is_away.store(false, Ordering::SeqCst);
        until(async || worker.observer.status().contact().error.is_none()).await;
    }
    until_succeeded(&broker, run).await;
    assert_eq!(charges(&broker, run).await, 0);
    assert_eq!(
        worker.count(|status| &status.computed),
        400,
        "nothing was computed twice"
    );
    worker.drained().await.expect("it drains");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_hands_back_what_has_not_begun_and_finishes_what_computes() {
    let broker = Counted::new();
    let run = submit(&broker, &noop(200_000, 1), 50).await;
    let worker = work(&broker, PATIENCE, PATIENCE);
    until(async || worker.observer.load().computing == LANES && worker.observer.load().waiting > 0).await;
    let observer = worker.observer.clone();
    worker.drained().await.expect("it drains");
    let status = observer.status();
    assert!(status.handed_back.load(Ordering::SeqCst) > 0);
    assert_eq!(
        status.computed.load(Ordering::SeqCst),
        status.committed.load(Ordering::SeqCst)
    );
    assert!(status.committed.load(Ordering::SeqCst) >= LANES as u64);
    assert_eq!(charges(&broker, run).await, 0);
    let next = work(&broker, PATIENCE, Duration::ZERO);
    until(async || next.observer.load().computing > 0).await;
    next.drained()
        .await
        .expect("what was handed back is there at once, and goes back again");
    assert_eq!(charges(&broker, run).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_without_a_broker_ends_and_says_so() {
    let broker = Counted::new();
    submit(&broker, &noop(50_000, 1), 50).await;
    let worker = work(&broker, PATIENCE, PATIENCE);
    until(async || worker.observer.load().computing == LANES).await;
    broker.is_away.store(true, Ordering::SeqCst);
    worker.stop.ask(Shutdown::Ending);
    let ended = worker.drained().await;
    assert!(matches!(ended, Err(WorkerError::Untold { claims: 1.. })), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_lanes_all_hang_ends_with_an_error() {
    let broker = Counted::new();
    let run = submit(&broker, &noop(5_000_000, 1), LANES as u64).await;
    let worker = work(&broker, Duration::from_millis(200), PATIENCE);
    let ended = tokio::time::timeout(PATIENCE, worker.task)
        .await
        .expect("it does not hang");
    let ended = ended.expect("it does not panic");
    assert!(
        matches!(ended, Err(WorkerError::AllStuck { lanes: LANES, .. })),
        "{ended:?}"
    );
    until(async || charges(&broker, run).await == LANES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_a_cancelled_run_are_dropped() {
    let broker = Counted::new();
    let run = submit(&broker, &noop(100_000, 1), 1_000).await;
    let worker = work(&broker, PATIENCE, PATIENCE);
    until(async || worker.observer.load().computing == LANES).await;
    assert!(broker.cancel(run).await.expect("it is there"));
    until(async || worker.observer.jobs(1).1 == 0).await;
    let next = submit(&broker, &noop(0, 2), 10).await;
    until_succeeded(&broker, next).await;
    worker.drained().await.expect("it drains");
}
