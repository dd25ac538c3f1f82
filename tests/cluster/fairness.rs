//! Many jobs beside few, and the end of a run that has a million to go.

use tickfleet_protocol::digest::digest_of;
use tickfleet_protocol::ids::{IdempotencyKey, RunId};
use tickfleet_protocol::limits::DEFAULT_WEIGHT;
use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_runtime::broker::redis::{RedisBroker, RedisOptions, RedisUrl};
use tickfleet_runtime::broker::{Broker, Durability, NewRun, RunState, RunSummary};
use tickfleet_tests::service::BOUND;
use tickfleet_worker::jobs::Kind;
use tickfleet_worker::jobs::noop::Noop;

use crate::fleet::{Fleet, rounds};

#[test]
fn three_jobs_beside_a_hundred_thousand_get_their_share() {
    rounds(|| {
        let fleet = Fleet::start();
        on_its_queue(&fleet, async |broker| {
            let large = submit(broker, "large", 100_000).await;
            let _workers = [fleet.worker("w1"), fleet.worker("w2")];
            wait_for(broker, large, |run| run.counts().done > 500).await;
            let small = submit(broker, "small", 3).await;
            wait_for(broker, small, |run| run.state == RunState::Succeeded).await;
            let large_then = summary(broker, large).await;
            assert_eq!(
                large_then.state,
                RunState::Running,
                "the small run did not wait for {large_then:?}"
            );
            wait_for(broker, large, |run| run.state == RunState::Succeeded).await;
            assert_eq!(summary(broker, large).await.counts().done, 100_000);
        });
        fleet.assert_sound();
    });
}

#[test]
fn a_million_jobs_are_cancelled_at_once() {
    rounds(|| {
        let fleet = Fleet::start();
        on_its_queue(&fleet, async |broker| {
            let run = submit(broker, "million", 1_000_000).await;
            let _worker = fleet.worker("w1");
            wait_for(broker, run, |run| run.counts().done > 500).await;
            let _ = fleet.ask(&["cancel", &run.to_string()]);
            let cancelled = summary(broker, run).await;
            assert_eq!(cancelled.state, RunState::Cancelled);
            // The worker goes on with other runs, and nothing more is counted for this one.
            let next = submit(broker, "next", 1_000).await;
            wait_for(broker, next, |run| run.state == RunState::Succeeded).await;
            assert_eq!(summary(broker, run).await, cancelled);
        });
        fleet.assert_sound();
    });
}

/// Runs a scenario on the queue of a fleet.
fn on_its_queue(fleet: &Fleet, scenario: impl AsyncFnOnce(&RedisBroker)) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be built");
    runtime.block_on(async {
        let url: RedisUrl = fleet.redis.url().parse().expect("a server's address");
        let broker = RedisBroker::connect(&RedisOptions::new(url))
            .await
            .expect("the server can be reached");
        scenario(&broker).await;
    });
}

async fn submit(broker: &RedisBroker, key: &str, jobs: u64) -> RunId {
    let noop = Noop {
        cost_us: 100,
        result_bytes: 16,
        seed: jobs,
    };
    let run = NewRun {
        key: IdempotencyKey::new(key).expect("a valid key"),
        digest: digest_of(key.as_bytes()),
        kind: Kind::Noop.job_kind(),
        trace: None,
        payload: noop.encode(),
        stages: vec![jobs],
        weight: DEFAULT_WEIGHT,
        deadline: None,
        retry: RetryPolicy::default(),
        durability: Durability::Memory,
    };
    broker.submit(run).await.expect("the run is accepted").run
}

async fn summary(broker: &RedisBroker, run: RunId) -> RunSummary {
    let record = broker.run(run).await.expect("the server answers");
    record.expect("the run is there").summary
}

async fn wait_for(broker: &RedisBroker, run: RunId, holds: impl Fn(&RunSummary) -> bool) {
    let waited = tokio::time::timeout(BOUND, async {
        while !holds(&summary(broker, run).await) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    });
    assert!(
        waited.await.is_ok(),
        "it does not come about: {:?}",
        summary(broker, run).await
    );
}
