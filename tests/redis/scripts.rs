//! The contract of each script, called as its opening says, without the broker around it.

use redis::{FromRedisValue, Value};
use tickfleet_runtime::broker::redis::scripts::{self, Script};
use tickfleet_tests::redis_server::RedisServer;

use crate::kit::query;

const ROOT: &str = "tf:{0}";
const RUN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const OTHER: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
const LEASE: &str = "10000";

/// A server on which scripts are called, at a time that the test moves.
struct Bench {
    server: RedisServer,
    offset_ms: u64,
}

impl Bench {
    /// With a run of these stages.
    async fn with_run(stages: &str) -> Self {
        let bench = Self {
            server: RedisServer::start(),
            offset_ms: 0,
        };
        let reply: Vec<String> = bench.call(&scripts::SUBMIT, &terms(RUN, "key", "digest", stages)).await;
        assert_eq!(reply, ["new", RUN]);
        bench
    }

    async fn call<T: FromRedisValue>(&self, script: &Script, args: &[&str]) -> T {
        let offset = self.offset_ms.to_string();
        let mut words = vec!["EVAL", script.source(), "1", ROOT, &offset];
        words.extend(args);
        query(&self.server, &words).await
    }

    /// The jobs of a claim: run, stage, index, attempts, kills.
    async fn claim(&self, tokens: &[&str]) -> Vec<Vec<String>> {
        let mut args = vec!["w1", LEASE];
        args.extend(tokens);
        let reply: Vec<String> = self.call(&scripts::CLAIM, &args).await;
        reply[2..].chunks(5).map(<[String]>::to_vec).collect()
    }

    async fn commit(&self, index: &str, token: &str) -> String {
        let args = ["100000", RUN, "0", index, token, "id", "1", "bytes"];
        self.call(&scripts::COMMIT, &args).await
    }

    async fn fail(&self, index: &str, token: &str, can_retry: &str) -> Vec<String> {
        self.call(
            &scripts::FAIL,
            &[RUN, "0", index, token, can_retry, "no such file", "1", "500"],
        )
        .await
    }

    async fn field(&self, name: &str) -> String {
        query(&self.server, &["HGET", &format!("{ROOT}:run:{RUN}"), name]).await
    }

    async fn count(&self, command: &str, part: &str) -> u64 {
        query(&self.server, &[command, &format!("{ROOT}:run:{RUN}:{part}")]).await
    }

    /// Keys of the run.
    async fn keys(&self) -> Vec<String> {
        query(&self.server, &["KEYS", &format!("*{RUN}*")]).await
    }
}

/// Two attempts and two kills at most.
fn terms<'a>(run: &'a str, key: &'a str, digest: &'a str, stages: &'a str) -> [&'a str; 12] {
    [
        run, key, digest, "payload", "1", "27720", "", "2", "2", "500", "500", stages,
    ]
}

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
async fn claim_gives_each_job_one_place_and_returned_ones_first() {
    let bench = Bench::with_run("3").await;
    let claims = bench.claim(&["a1", "a2"]).await;
    assert_eq!(claims, [[RUN, "0", "0", "0", "0"], [RUN, "0", "1", "0", "0"]]);
    assert_eq!(
        (
            bench.count("HLEN", "claims").await,
            bench.count("ZCARD", "leases").await
        ),
        (2, 2)
    );
    let returned: u64 = bench.call(&scripts::HAND_BACK, &[RUN, "0", "0", "a1"]).await;
    assert_eq!(returned, 1);
    let claims = bench.claim(&["b1", "b2", "b3"]).await;
    assert_eq!(claims, [[RUN, "0", "0", "0", "0"], [RUN, "0", "2", "0", "0"]]);
    assert_eq!(
        (bench.count("HLEN", "claims").await, bench.count("ZCARD", "again").await),
        (3, 0)
    );
    let idle: Vec<String> = bench.call(&scripts::CLAIM, &["w1", LEASE, "c1"]).await;
    assert!(
        idle.len() == 2 && (1..=10_000).contains(&idle[1].parse::<u64>().expect("a number")),
        "{idle:?}"
    );
}

#[tokio::test]
async fn recall_returns_what_a_claim_delivered_before_or_after_it() {
    let bench = Bench::with_run("3").await;
    bench.claim(&["a1", "a2"]).await;
    assert_eq!(bench.commit("0", "a1").await, "C");
    for returned in [1, 0] {
        assert_eq!(
            bench.call::<u64>(&scripts::RECALL, &[LEASE, "a1", "a2"]).await,
            returned
        );
    }
    assert_eq!(bench.commit("1", "a2").await, "L");
    assert_eq!(
        bench.call::<u64>(&scripts::RECALL, &[LEASE, "b1", "b2"]).await,
        0,
        "it is still on its way"
    );
    assert!(
        bench.claim(&["b1", "b2"]).await.is_empty(),
        "and delivers nothing when it arrives"
    );
    let claims = bench.claim(&["c1", "c2"]).await;
    assert_eq!(claims, [[RUN, "0", "1", "0", "0"], [RUN, "0", "2", "0", "0"]]);
}

#[tokio::test]
async fn commit_takes_one_step_for_a_live_token_and_none_for_another() {
    let bench = Bench::with_run("2,1").await;
    bench.claim(&["a1", "a2"]).await;
    assert_eq!(bench.commit("0", "ff").await, "L");
    assert_eq!(bench.commit("7", "a1").await, "L", "no such job");
    let missing: String = bench
        .call(&scripts::COMMIT, &["100000", RUN, "0", "0", "a1", "unknown", "0", ""])
        .await;
    assert_eq!(missing, "M");
    assert_eq!(
        (bench.field("done").await, bench.count("HLEN", "claims").await),
        ("0".into(), 2)
    );
    assert_eq!(bench.commit("0", "a1").await, "C");
    assert_eq!(bench.commit("0", "a1").await, "A");
    assert_eq!(bench.commit("0", "ff").await, "A");
    let kept: (String, u64) = (
        query(&bench.server, &["GET", &format!("{ROOT}:result:id")]).await,
        query(&bench.server, &["PTTL", &format!("{ROOT}:result:id")]).await,
    );
    assert!(kept.0 == "bytes" && (1..=100_000).contains(&kept.1), "{kept:?}");
    assert_eq!(bench.commit("1", "a2").await, "C");
    assert_eq!(
        (bench.field("open").await, bench.field("total").await),
        ("1".into(), "1".into())
    );
    assert_eq!(bench.commit("1", "a2").await, "A", "a job of a closed stage is done");
}

#[tokio::test]
async fn beat_moves_the_leases_of_live_tokens_only() {
    let mut bench = Bench::with_run("2").await;
    bench.claim(&["a1", "a2"]).await;
    bench.offset_ms = 9_000;
    let revoked: Vec<u64> = bench
        .call(&scripts::BEAT, &[LEASE, RUN, "0", "0", "ff", RUN, "0", "1", "a2"])
        .await;
    assert_eq!(revoked, [1]);
    bench.offset_ms = 12_000;
    let revoked: Vec<u64> = bench
        .call(&scripts::BEAT, &[LEASE, RUN, "0", "0", "a1", RUN, "0", "1", "a2"])
        .await;
    assert_eq!(revoked, [1], "its lease ended");
    assert_eq!(
        bench.claim(&["b1"]).await,
        [[RUN, "0", "0", "0", "1"]],
        "with the kill on its account"
    );
}

#[tokio::test]
async fn fail_delays_a_job_and_buries_it_at_the_limit() {
    let mut bench = Bench::with_run("2").await;
    bench.claim(&["a1", "a2"]).await;
    assert_eq!(bench.fail("0", "ff", "1").await, ["L"]);
    let at: u64 = bench.fail("0", "a1", "1").await[0].parse().expect("a moment");
    assert!(at > 1_700_000_000_000, "{at}");
    assert_eq!(
        (
            bench.count("ZCARD", "delayed").await,
            bench.count("HLEN", "claims").await
        ),
        (1, 1)
    );
    bench.offset_ms = 600;
    assert_eq!(bench.claim(&["b1"]).await, [[RUN, "0", "0", "1", "0"]]);
    assert_eq!(bench.fail("0", "b1", "1").await, ["D"], "the second of two attempts");
    assert_eq!(bench.fail("1", "a2", "0").await, ["D"], "trying again can't help");
    assert_eq!(
        (bench.field("state").await, bench.field("failed").await),
        ("failed".into(), "2".into())
    );
}

#[tokio::test]
async fn hand_back_returns_live_claims_with_their_counters() {
    let mut bench = Bench::with_run("1").await;
    bench.claim(&["a1"]).await;
    bench.fail("0", "a1", "1").await;
    bench.offset_ms = 600;
    bench.claim(&["b1"]).await;
    let returned: u64 = bench
        .call(&scripts::HAND_BACK, &[RUN, "0", "0", "a1", RUN, "0", "0", "b1"])
        .await;
    assert_eq!(returned, 1);
    assert_eq!(bench.claim(&["c1"]).await, [[RUN, "0", "0", "1", "0"]]);
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
    let expected = ["call:a1", "ready", "result:id", "vtime"].map(|part| format!("{ROOT}:{part}"));
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
    assert_eq!((&*fields[11], &*fields[12]), ("", "payload"));
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

/// More ends at once than one call moves: what is not moved yet is as dead as if it were.
#[tokio::test]
async fn a_crowd_of_ended_leases_is_moved_in_pieces() {
    let mut bench = Bench::with_run("5000").await;
    for batch in 0..20 {
        let tokens: Vec<String> = (0..250).map(|n| format!("{:x}", batch * 250 + n + 1)).collect();
        bench
            .claim(&tokens.iter().map(String::as_str).collect::<Vec<_>>())
            .await;
    }
    bench.offset_ms = 11_000;
    assert_eq!(bench.commit("4999", "1388").await, "L");
    assert!(
        bench.count("ZCARD", "leases").await > 2_000,
        "the rest is for later calls"
    );
    let revoked: Vec<u64> = bench.call(&scripts::BEAT, &[LEASE, RUN, "0", "4998", "1387"]).await;
    assert_eq!(revoked, [1]);
    let again = bench.claim(&["a1"]).await;
    assert_eq!(again, [[RUN, "0", "0", "0", "1"]]);
    assert_eq!(bench.count("ZCARD", "leases").await, 1);
    assert_eq!(bench.count("ZCARD", "again").await, 4_999);
}

/// Whoever waits is asked where a claim leaves work, and where something is due sooner than it knows; else nobody.
#[tokio::test]
async fn waiting_workers_are_asked_where_there_is_reason() {
    let bench = Bench::with_run("3").await;
    let ready = format!("{ROOT}:ready");
    let asked = async || -> u64 {
        let asked = query(&bench.server, &["XLEN", &ready]).await;
        let _: u64 = query(&bench.server, &["DEL", &ready]).await;
        asked
    };
    assert_eq!(asked().await, 1, "a run was submitted");
    bench.claim(&["a1"]).await;
    asked().await;
    bench.claim(&["a2"]).await;
    assert_eq!(asked().await, 1, "a job is left");
    bench.claim(&["a3"]).await;
    assert_eq!(asked().await, 0, "none is left, and nothing is due sooner");
    bench.fail("0", "a1", "1").await;
    assert_eq!(asked().await, 1, "the retry is due before any lease ends");
    bench.fail("1", "a2", "0").await;
    assert_eq!(asked().await, 0, "a dead job is nobody's work");
    let _: u64 = bench.call(&scripts::HAND_BACK, &[RUN, "0", "2", "a3"]).await;
    assert_eq!(asked().await, 1, "a job came back");
}
