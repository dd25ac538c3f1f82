//! The suite that every broker passes, and random operations beside the pure model.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tickfleet_runtime::broker::{
    Broker,
    conformance::{self, Harness},
    redis::{RedisBroker, RedisOptions},
};
use tickfleet_tests::redis_server::RedisCluster;
use tokio::sync::watch;

use crate::kit::RedisHarness;

/// Brokers under prefixes of their own on one cluster, with a clock that a test moves.
struct ClusterHarness {
    cluster: RedisCluster,
    brokers: AtomicU32,
    offset_ms: watch::Sender<u64>,
}

impl ClusterHarness {
    fn new() -> Self {
        Self {
            cluster: RedisCluster::start(3),
            brokers: AtomicU32::new(0),
            offset_ms: watch::Sender::new(0),
        }
    }
}

#[async_trait]
impl Harness for ClusterHarness {
    async fn broker(&self) -> Arc<dyn Broker> {
        let url = self.cluster.url().parse().expect("a cluster's address is well formed");
        let options = RedisOptions {
            prefix: format!("tf{}", self.brokers.fetch_add(1, Ordering::Relaxed)),
            ..RedisOptions::new(url)
        };
        let broker = RedisBroker::connect_with_offset(&options, self.offset_ms.subscribe()).await;
        Arc::new(broker.expect("the cluster is fit"))
    }

    async fn advance(&self, by: Duration) {
        let by_ms = u64::try_from(by.as_millis()).expect("a test's step is short");
        self.offset_ms.send_modify(|offset_ms| *offset_ms += by_ms);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms_on_one_shard() {
    conformance::run_all(&RedisHarness::new(1)).await;
}

/// Fairness is exact within a shard only; everything else holds over any number of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms_on_several_shards() {
    let harness = RedisHarness::new(5);
    conformance::stages::run_all(&harness).await;
    conformance::failure::run_all(&harness).await;
    conformance::life::run_all(&harness).await;
    conformance::events::run_all(&harness).await;
    conformance::results::run_all(&harness).await;
    conformance::fleet::run_all(&harness).await;
    conformance::audit::run_all(&harness).await;
    conformance::delivery::a_small_run_is_not_starved_by_a_big_one(&harness).await;
    conformance::delivery::a_late_run_gets_its_share_and_no_more(&harness).await;
    conformance::delivery::batches_answer_item_by_item(&harness).await;
    conformance::delivery::a_waiting_claim_wakes_on_submit(&harness).await;
    conformance::delivery::racing_workers_share_every_job_once(&harness).await;
    conformance::kinds::kind_and_trace_are_kept(&harness).await;
    conformance::kinds::jobs_are_left_to_those_who_compute_them(&harness).await;
    conformance::kinds::a_waiting_claim_wakes_on_its_kinds_only(&harness).await;
    conformance::kinds::a_claim_of_several_kinds_wakes_on_each(&harness).await;
}

/// Every call that spreads over shards meets nodes of its own there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms_on_a_cluster() {
    let harness = ClusterHarness::new();
    conformance::results::run_all(&harness).await;
    conformance::fleet::cards_are_listed_as_shown(&harness).await;
    conformance::fleet::an_order_to_drain_lasts(&harness).await;
    conformance::audit::run_all(&harness).await;
    conformance::kinds::jobs_are_left_to_those_who_compute_them(&harness).await;
    conformance::kinds::a_claim_of_several_kinds_wakes_on_each(&harness).await;
    for seed in 3_000..3_002 {
        conformance::random::against_model(&harness, seed, 60).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn follows_the_model_for_many_seeds() {
    let harness = RedisHarness::new(1);
    for seed in 1_000..1_030 {
        conformance::random::against_model(&harness, seed, 150).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn follows_the_model_over_several_shards() {
    let harness = RedisHarness::new(3);
    for seed in 2_000..2_015 {
        conformance::random::against_model(&harness, seed, 150).await;
    }
}
