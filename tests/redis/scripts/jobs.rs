//! Claim, recall, commit, beat, fail, hand back: one job in one place.

use tickfleet_runtime::broker::redis::scripts;

use super::{Bench, KIND, LEASE, ROOT, RUN};
use crate::kit::query;

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
    let idle: Vec<String> = bench.call(&scripts::CLAIM, &["w1", LEASE, "1", KIND, "c1"]).await;
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
        .call(
            &scripts::COMMIT,
            &["100000", RUN, "0", "1", "0", "a1", "unknown", "0", ""],
        )
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
    let ready = format!("{ROOT}:ready:{KIND}");
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

#[tokio::test]
async fn census_counts_results_in_steps_and_drops_nothing_else() {
    let bench = Bench::with_run("1").await;
    let ids: Vec<String> = (0..50).map(|n| format!("{n:064}")).collect();
    let mut args = vec!["100000"];
    for id in &ids {
        args.extend([id, "12345"]);
    }
    assert_eq!(bench.call::<u64>(&scripts::KEEP, &args).await, 50);
    let other: String = query(&bench.server, &["SET", "tf:{1}:result:other", "another shard's"]).await;
    assert_eq!(other, "OK");
    for is_drop in ["0", "1"] {
        let (mut cursor, mut found, mut size, mut steps) = ("0".to_owned(), 0, 0, 0);
        loop {
            let (next, results, bytes): (String, u64, u64) =
                bench.call(&scripts::CENSUS, &[&cursor, "10", is_drop]).await;
            (cursor, found, size, steps) = (next, found + results, size + bytes, steps + 1);
            if cursor == "0" {
                break;
            }
        }
        assert_eq!((found, size), (50, 250));
        assert!(steps > 1, "a step looks at some keys");
    }
    let left: Vec<String> = query(&bench.server, &["KEYS", "*:result:*"]).await;
    assert_eq!(left, ["tf:{1}:result:other"]);
    assert_eq!(bench.field("state").await, "running");
}
