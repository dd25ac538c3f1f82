//! Submit, cancel, forget, replay, drop, and what can be read of a run.

use redis::Value;
use tickfleet_runtime::broker::redis::scripts;

use super::{Bench, KIND, OTHER, ROOT, RUN, terms};
use crate::kit::query;

#[tokio::test]
async fn submit_keeps_a_run_once_and_stores_no_job() {
    let bench = Bench::with_run("1000000,1").await;
    let same: Vec<String> = bench
        .call(&scripts::SUBMIT, &terms(OTHER, "key", "digest", "1000000,1"))
        .await;
    assert_eq!(same, ["known", RUN]);
    let taken: Vec<String> = bench.call(&scripts::SUBMIT, &terms(OTHER, "key", "another", "1")).await;
    assert_eq!(taken, ["taken", RUN]);
    let clash: Vec<String> = bench.call(&scripts::SUBMIT, &terms(RUN, "key2", "digest", "1")).await;
    assert_eq!(clash, ["clash"]);
    assert_eq!(bench.keys().await.len(), 3, "the run, its payload, its events");
    assert_eq!(
        (bench.field("state").await, bench.field("submits").await),
        ("running".into(), "2".into())
    );
}

#[tokio::test]
async fn submit_refuses_more_runs_than_a_shard_keeps() {
    let bench = Bench::with_run("1").await;
    let runs = format!("{ROOT}:runs");
    let others: Vec<String> = (1..tickfleet_protocol::limits::MAX_RUNS)
        .map(|n| n.to_string())
        .collect();
    let mut add = vec!["SADD", &runs];
    add.extend(others.iter().map(String::as_str));
    let _: u64 = query(&bench.server, &add).await;
    let full: Vec<String> = bench.call(&scripts::SUBMIT, &terms(OTHER, "key2", "digest", "1")).await;
    assert_eq!(full, ["full"]);
    let known: Vec<String> = bench.call(&scripts::SUBMIT, &terms(OTHER, "key", "digest", "1")).await;
    assert_eq!(known, ["known", RUN], "a known key needs no room");
}

#[tokio::test]
async fn cancel_ends_a_run_once_and_leaves_its_claims_where_they_are() {
    let bench = Bench::with_run("5").await;
    bench.claim(&["a1", "a2"]).await;
    for expected in [1, 0] {
        assert_eq!(bench.call::<i64>(&scripts::CANCEL, &[RUN]).await, expected);
    }
    assert_eq!(bench.call::<i64>(&scripts::CANCEL, &[OTHER]).await, -1);
    assert_eq!(bench.count("HLEN", "claims").await, 2);
    assert!(bench.claim(&["b1"]).await.is_empty());
    assert_eq!(bench.commit("0", "a1").await, "L");
}

#[tokio::test]
async fn forget_leaves_no_key_of_an_ended_run() {
    let bench = Bench::with_run("4").await;
    bench.claim(&["a1", "a2", "a3"]).await;
    bench.commit("0", "a1").await;
    bench.fail("1", "a2", "0").await;
    assert_eq!(bench.call::<i64>(&scripts::FORGET, &[RUN]).await, 0, "it runs");
    bench.call::<i64>(&scripts::CANCEL, &[RUN]).await;
    assert_eq!(bench.call::<i64>(&scripts::FORGET, &[RUN]).await, 1);
    assert_eq!(bench.call::<i64>(&scripts::FORGET, &[RUN]).await, -1);
    assert!(bench.keys().await.is_empty(), "{:?}", bench.keys().await);
    let left: Vec<String> = query(&bench.server, &["KEYS", "*"]).await;
    let expected = ["call:a1", "clock:test/1", "ready:test/1", "result:id"].map(|part| format!("{ROOT}:{part}"));
    assert!(left.iter().all(|key| expected.contains(key)), "{left:?}");
}

#[tokio::test]
async fn an_ended_run_goes_by_itself_after_its_time() {
    let mut bench = Bench::with_run("1").await;
    bench.call::<i64>(&scripts::CANCEL, &[RUN]).await;
    bench.offset_ms = tickfleet_protocol::limits::RUN_RETENTION_MS + 1_000;
    assert_eq!(
        bench.call::<Vec<Value>>(&scripts::VIEW, &["0", RUN]).await,
        [Value::Nil]
    );
    assert!(bench.keys().await.is_empty());
}

#[tokio::test]
async fn replay_revives_the_dead_and_what_a_failed_run_held() {
    let bench = Bench::with_run("2").await;
    bench.claim(&["a1", "a2"]).await;
    bench.fail("0", "a1", "0").await;
    assert_eq!(
        bench.call::<i64>(&scripts::REPLAY, &[RUN, "0", "1", "9"]).await,
        0,
        "neither is dead"
    );
    assert_eq!(
        bench.call::<i64>(&scripts::REPLAY, &[RUN, "0", "0", "0"]).await,
        1,
        "named twice, there once"
    );
    assert_eq!(bench.claim(&["b1"]).await, [[RUN, "0", "0", "0", "0"]]);
    bench.fail("0", "b1", "0").await;
    bench.fail("1", "a2", "0").await;
    assert_eq!(bench.field("state").await, "failed");
    assert_eq!(bench.call::<i64>(&scripts::REPLAY, &[RUN, "1"]).await, 2);
    assert_eq!(
        (bench.field("state").await, bench.field("failed").await),
        ("running".into(), "0".into())
    );
    bench.call::<i64>(&scripts::CANCEL, &[RUN]).await;
    assert_eq!(bench.call::<i64>(&scripts::REPLAY, &[RUN, "1"]).await, -2);
    assert_eq!(bench.call::<i64>(&scripts::REPLAY, &[OTHER, "1"]).await, -1);
}

#[tokio::test]
async fn drop_keeps_the_counters_and_dead_lists_what_is_left() {
    let bench = Bench::with_run("3").await;
    bench.claim(&["a1", "a2", "a3"]).await;
    for (index, token) in [("0", "a1"), ("1", "a2")] {
        bench.fail(index, token, "0").await;
    }
    assert_eq!(bench.call::<i64>(&scripts::DROP, &[RUN, "0", "1", "2"]).await, 1);
    assert_eq!(bench.field("failed").await, "2");
    let letters: Vec<String> = bench.call(&scripts::DEAD, &[RUN]).await;
    assert_eq!((letters.len(), &*letters[0], &*letters[1]), (3, "0", "0"));
    assert!(
        letters[2].ends_with(" not_retryable 1 0 w1 no such file"),
        "{}",
        letters[2]
    );
    assert_eq!(bench.call::<Value>(&scripts::DEAD, &[OTHER]).await, Value::Nil);
    assert_eq!(bench.call::<i64>(&scripts::DROP, &[OTHER, "1"]).await, -1);
}

#[tokio::test]
async fn view_shows_runs_in_the_order_asked_for() {
    let bench = Bench::with_run("2,1").await;
    bench.claim(&["a1"]).await;
    let seen: Vec<Option<Vec<String>>> = bench.call(&scripts::VIEW, &["1", OTHER, RUN]).await;
    assert_eq!(seen[0], None);
    let fields = seen[1].as_ref().expect("the run is kept");
    assert_eq!(
        fields[..10],
        ["key", "digest", "running", "0", "2,1", "1", "0", "0", "1", ""].map(str::to_owned)
    );
    assert_eq!(fields[11..], ["", KIND, "00-1-2-01", "payload"].map(str::to_owned));
}

#[tokio::test]
async fn events_are_numbered_without_a_gap() {
    type Piece = (String, String, Vec<(String, Vec<String>)>);
    let bench = Bench::with_run("2").await;
    bench.claim(&["a1", "a2"]).await;
    bench.commit("0", "a1").await;
    let read = async |after: &str, count: &str| -> Piece {
        let reply: Vec<Value> = bench.call(&scripts::EVENTS, &[RUN, after, count]).await;
        let text = |value: &Value| redis::from_redis_value_ref(value).expect("text");
        let entries = reply[2..]
            .iter()
            .map(|entry| redis::from_redis_value_ref(entry).expect("an entry"));
        (text(&reply[0]), text(&reply[1]), entries.collect())
    };
    let (has_ended, due_ms, entries) = read("0", "10").await;
    assert_eq!(has_ended, "0");
    assert!(
        (1..=10_000).contains(&due_ms.parse::<u64>().expect("a number")),
        "{due_ms}"
    );
    let ids: Vec<&str> = entries.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["1-0", "2-0", "3-0"]);
    assert!(entries[2].1[1].ends_with(" 2 1 0 committed 0 1"), "{:?}", entries[2]);
    assert_eq!(read("2", "1").await.2.len(), 1);
    assert_eq!(
        bench.call::<Value>(&scripts::EVENTS, &[OTHER, "0", "10"]).await,
        Value::Nil
    );
}
