//! What a run costs at rest, and that its size is nobody else's burden.

use redis::Value;
use tickfleet_runtime::broker::{Broker, RunState};
use tickfleet_tests::redis_server::RedisServer;

use crate::kit::{claim, commit_of, connect, query, standing, submit};

const TEN_MILLION: u64 = 10_000_000;

/// Four megabytes, bitmap of the done jobs included.
const BYTES_AT_REST_MAX: u64 = 4 << 20;

async fn used_bytes(server: &RedisServer) -> u64 {
    let info: String = query(server, &["INFO", "memory"]).await;
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    line.expect("the server says what it uses")
        .trim()
        .parse()
        .expect("a number")
}

#[tokio::test]
async fn ten_million_jobs_are_a_few_keys_and_their_bits() {
    let server = RedisServer::start();
    let broker = connect(&server).await;
    submit(&broker, "warm", &[1]).await;
    let (bytes_before, keys_before): (u64, u64) = (used_bytes(&server).await, query(&server, &["DBSIZE"]).await);
    let run = submit(&broker, "big", &[TEN_MILLION, 1]).await;
    let keys: u64 = query(&server, &["DBSIZE"]).await;
    assert!(keys - keys_before <= 3, "{} keys for a run at rest", keys - keys_before);
    let submitted = used_bytes(&server).await - bytes_before;
    assert!(submitted < 100_000, "{submitted} bytes, and no job has been delivered");
    let bits = format!("tf:{{0}}:run:{run}:done");
    let _: Value = query(&server, &["SETBIT", &bits, &(TEN_MILLION - 1).to_string(), "1"]).await;
    let grown = used_bytes(&server).await - bytes_before;
    assert!(grown <= BYTES_AT_REST_MAX, "{grown} bytes with every bit in place");
}

#[tokio::test]
async fn a_claim_costs_a_small_entry_until_it_ends() {
    let server = RedisServer::start();
    let broker = connect(&server).await;
    submit(&broker, "run", &[5_000]).await;
    let before = used_bytes(&server).await;
    let mut claims = Vec::new();
    for _ in 0..20 {
        claims.extend(claim(&broker, 250).await);
    }
    let held = (used_bytes(&server).await - before) / claims.len() as u64;
    assert!((50..400).contains(&held), "{held} bytes for a held job");
    let held: Vec<_> = claims.iter().map(tickfleet_runtime::broker::Claim::held).collect();
    for some in held.chunks(1_000) {
        broker.hand_back(some).await.expect("hand back");
    }
    let keys: Vec<String> = query(&server, &["KEYS", "*:claims"]).await;
    assert!(keys.is_empty(), "{keys:?} are left though nobody holds a job");
}

#[tokio::test]
async fn three_jobs_beside_a_hundred_thousand_take_their_fair_turn() {
    let server = RedisServer::start();
    let broker = connect(&server).await;
    let big = submit(&broker, "big", &[100_000]).await;
    for _ in 0..5 {
        claim(&broker, 100).await;
    }
    let small = submit(&broker, "small", &[3]).await;
    let mut deliveries = 0;
    while standing(&broker, small).await.0 == RunState::Running {
        let claims = claim(&broker, 2).await;
        deliveries += claims.len();
        broker
            .commit(claims.iter().map(commit_of).collect())
            .await
            .expect("commit");
    }
    assert!(deliveries <= 8, "{deliveries} deliveries until three jobs were done");
    assert_eq!(standing(&broker, big).await.0, RunState::Running);
}
