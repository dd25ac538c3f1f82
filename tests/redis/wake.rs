//! Waiting claims: woken by the ready stream, one for one, and none of them for ever.

use std::{sync::Arc, time::Duration};

use redis::Value;
use tickfleet_protocol::ids::JobKind;
use tickfleet_runtime::broker::{Broker, ClaimRequest, redis::RedisBroker};
use tickfleet_tests::redis_server::RedisServer;
use tokio::task::JoinSet;

use crate::kit::{connect, patiently, query, request, submit};

const READY: &str = "tf:{0}:ready:test/1";

/// Entries of a ready stream that the group has handed out.
async fn handed_out(server: &RedisServer, stream: &str) -> u64 {
    let groups: Vec<std::collections::HashMap<String, Value>> = query(server, &["XINFO", "GROUPS", stream]).await;
    // A group that has handed nothing out does not count yet.
    let read: Option<u64> = redis::from_redis_value_ref(&groups[0]["entries-read"]).expect("a number or nothing");
    read.unwrap_or(0)
}

/// Connections that wait in a blocking read.
async fn blocked(server: &RedisServer) -> u64 {
    let info: String = query(server, &["INFO", "clients"]).await;
    let line = info.lines().find_map(|line| line.strip_prefix("blocked_clients:"));
    line.expect("the server counts them").trim().parse().expect("a number")
}

async fn brokers(server: &RedisServer, count: usize) -> Vec<Arc<RedisBroker>> {
    let mut brokers = Vec::new();
    for _ in 0..count {
        brokers.push(Arc::new(connect(server).await));
    }
    brokers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_does_not_wake_for_one_job() {
    let server = RedisServer::start();
    let brokers = brokers(&server, 4).await;
    let mut waiting = JoinSet::new();
    for n in 0..40 {
        let broker = Arc::clone(&brokers[n % 4]);
        waiting.spawn(async move { broker.claim(request(1, Duration::from_secs(25))).await.expect("claim") });
    }
    patiently(async || blocked(&server).await == 4).await;
    submit(&*brokers[0], "one", &[1]).await;
    let first = waiting
        .join_next()
        .await
        .expect("someone waits")
        .expect("no claim panics");
    assert_eq!(first.len(), 1);
    let woken = handed_out(&server, READY).await;
    assert!(
        (1..=3).contains(&woken),
        "{woken} wake-ups of 40 waiting claims for one job"
    );
    waiting.abort_all();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_of_one_kind_wakes_nobody_who_computes_another() {
    let server = RedisServer::start();
    let brokers = brokers(&server, 2).await;
    let other = JobKind::new("other/1").expect("a test's names are well formed");
    let mut waiting = JoinSet::new();
    for (broker, kinds) in brokers.iter().zip([request(1, Duration::ZERO).kinds, vec![other]]) {
        let broker = Arc::clone(broker);
        let asked = ClaimRequest {
            kinds,
            ..request(1, Duration::from_secs(25))
        };
        waiting.spawn(async move { broker.claim(asked).await.expect("claim") });
    }
    patiently(async || blocked(&server).await == 2).await;
    for n in 0..20 {
        let run = submit(&*brokers[0], &format!("run-{n}"), &[1]).await;
        brokers[0].cancel(run).await.expect("cancel");
    }
    submit(&*brokers[0], "last", &[1]).await;
    let first = waiting.join_next().await.expect("someone waits");
    assert_eq!(first.expect("no claim panics").len(), 1);
    assert!(handed_out(&server, READY).await > 0);
    assert_eq!(handed_out(&server, "tf:{0}:ready:other/1").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_for_all_wakes_all() {
    let server = RedisServer::start();
    let brokers = brokers(&server, 3).await;
    let mut waiting = JoinSet::new();
    for n in 0..12 {
        let broker = Arc::clone(&brokers[n % 3]);
        waiting.spawn(async move { broker.claim(request(2, Duration::from_secs(25))).await.expect("claim") });
    }
    patiently(async || blocked(&server).await == 3).await;
    submit(&*brokers[0], "many", &[24]).await;
    let claims = waiting.join_all().await;
    assert!(claims.iter().all(|claims| claims.len() == 2), "{claims:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_nobody_waited_for_wakes_who_comes_later() {
    let server = RedisServer::start();
    let broker = Arc::new(connect(&server).await);
    let run = submit(&*broker, "run", &[1]).await;
    let length: u64 = query(&server, &["XLEN", READY]).await;
    assert_eq!(length, 1, "submitted while nobody listened");
    let claims = broker.claim(request(1, Duration::from_secs(25))).await.expect("claim");
    assert_eq!(claims[0].job.run, run);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_that_nobody_reads_stay_few() {
    let server = RedisServer::start();
    let broker = connect(&server).await;
    for n in 0..100 {
        submit(&broker, &format!("run-{n}"), &[1]).await;
    }
    let length: u64 = query(&server, &["XLEN", READY]).await;
    assert!(length <= 16, "{length} entries");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_wait_on_connections_of_their_own() {
    let server = RedisServer::start();
    let broker = Arc::new(connect(&server).await);
    let run = submit(&*broker, "run", &[1]).await;
    let seen = broker
        .events(run, tickfleet_protocol::ids::EventId::START, Duration::ZERO)
        .await
        .expect("events");
    let last = seen.last().expect("a run has events").0;
    let mut following = JoinSet::new();
    for _ in 0..5 {
        let broker = Arc::clone(&broker);
        following.spawn(async move { broker.events(run, last, Duration::from_secs(25)).await.expect("events") });
    }
    patiently(async || blocked(&server).await == 5).await;
    broker.cancel(run).await.expect("a call goes through while others wait");
    assert!(following.join_all().await.iter().all(|events| events.len() == 1));
}
