//! `coordinator cache` and a real worker: stats, clear and warm, as a user types them.

use std::path::Path;

use serde_json::Value;
use tickfleet_tests::binary::worker_binary;
use tickfleet_tests::program::{Outcome, assert_error, coordinator};
use tickfleet_tests::redis_server::RedisServer;
use tickfleet_tests::running::Running;

use crate::bars::{self, last_of, market};
use crate::crash;
use crate::fleet::{Bench, ONE_GROUP, SYMBOLS};

/// Options of a scan of the market.
const SCAN: [&str; 9] = [
    "--ticker-rule",
    "any",
    "--sectors",
    "all",
    "--unlisted",
    "keep",
    "--shard-size",
    "4",
    "--side",
];

fn cache(args: &[&str]) -> Outcome {
    coordinator(["cache"].iter().chain(args)).run()
}

/// The JSON objects of a standard output.
fn objects(outcome: &Outcome) -> Vec<Value> {
    let lines = outcome.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a JSON object a line"))
        .collect()
}

/// The object of this tier.
fn tier(outcome: &Outcome, name: &str) -> Value {
    let mut all = objects(outcome).into_iter();
    all.find(|object| object["tier"] == name)
        .unwrap_or_else(|| panic!("no tier {name} in {outcome:#?}"))
}

fn number(object: &Value, name: &str) -> u64 {
    object[name]
        .as_u64()
        .unwrap_or_else(|| panic!("no number {name} in {object}"))
}

fn worker(server: &RedisServer, disk: &Path) -> Running {
    let (url, disk) = (server.url(), disk.display().to_string());
    let worker = Running::start(worker_binary(), ["--redis", &url, "--cache-dir", &disk], &[]);
    worker.line("worker ");
    worker
}

/// Warms the cache with a scan of these bars: jobs computed and reused.
fn warm(server: &RedisServer, bars: &Path) -> (u64, u64) {
    let (url, bars) = (server.url(), bars.display().to_string());
    let mut args = vec!["warm", "scan", "--json", "--redis", &url, "--bars", &bars];
    args.extend(SCAN);
    args.push("all");
    let outcome = cache(&args).success();
    let all = objects(&outcome);
    let warmed = all.iter().find(|object| object["event"] == "warmed");
    let warmed = warmed.unwrap_or_else(|| panic!("no warmed event in {outcome:#?}"));
    let (computed, reused) = (number(warmed, "computed"), number(warmed, "reused"));
    assert_eq!(computed + reused, number(warmed, "jobs"));
    (computed, reused)
}

#[test]
fn a_scan_is_warmed_and_its_results_are_counted_and_cleared() {
    let (server, folder) = (
        RedisServer::start(),
        tempfile::tempdir().expect("a temporary folder can be made"),
    );
    let (disk, bars) = (folder.path().join("disk"), folder.path().join("bars.parquet"));
    let mut market = market(SYMBOLS);
    bars::write(&bars, &market, ONE_GROUP);
    let (url, disk_text) = (server.url(), disk.display().to_string());
    let _worker = worker(&server, &disk);

    let (computed, reused) = warm(&server, &bars);
    assert!(computed > 2 && reused == 0);
    assert_eq!(warm(&server, &bars), (0, computed), "all is stored");
    last_of(&mut market, "S009").close *= 1.01;
    bars::write(&bars, &market, ONE_GROUP);
    assert_eq!(warm(&server, &bars), (2, computed - 2), "one shard and the reduce");

    let stats = ["stats", "--json", "--redis", &url, "--cache-dir", &disk_text];
    let held = cache(&stats).success();
    assert!(number(&tier(&held, "redis"), "results") > computed && number(&tier(&held, "redis"), "bytes") > 10_000);
    assert!(number(&tier(&held, "disk"), "entries") > 0);

    let clear = ["clear", "--results", "--redis", &url];
    assert_error(&cache(&clear), 2, &["--yes", "no terminal"]);
    let cleared = cache(&[&clear[..], &["--yes", "--json"]].concat()).success();
    assert_eq!(objects(&cleared)[0]["cleared"], "redis");
    assert_eq!(number(&tier(&cache(&stats).success(), "redis"), "results"), 0);
    assert_eq!(warm(&server, &bars), (0, computed), "the worker's machine has them");
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_a_run_needs_are_not_cleared() {
    let bench = Bench::new();
    let run = crash::submit_noop(&bench, 3).await;
    let url = bench.server.url();
    let clear = ["clear", "--results", "--yes", "--redis", &url];
    assert_error(&cache(&clear), 1, &["1 run is running", "coordinator cancel"]);
    bench.broker().await.cancel(run).await.expect("the run is there");
    let _ = cache(&clear).success();
}

#[test]
fn a_scan_of_one_process_keeps_its_results_where_it_is_told_to() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (disk, bars) = (folder.path().join("disk"), folder.path().join("bars.parquet"));
    bars::write(&bars, &market(SYMBOLS), ONE_GROUP);
    let (disk_text, bars_text) = (disk.display().to_string(), bars.display().to_string());
    let scan = |disk: &[&str]| {
        let mut args = vec!["submit", "scan", "--bars", &bars_text];
        args.extend(SCAN);
        args.push("all");
        args.extend(disk);
        coordinator(args).run().success().stdout
    };
    let expect = scan(&[]);
    assert!(!disk.exists(), "nothing is left on disk unasked");
    for _ in 0..2 {
        assert_eq!(scan(&["--cache-dir", &disk_text]), expect);
    }
    let stats = ["stats", "--json", "--cache-dir", &disk_text];
    assert!(number(&tier(&cache(&stats).success(), "disk"), "entries") > 0);
    let _ = cache(&["clear", "--disk", "--cache-dir", &disk_text]).success();
    let held = tier(&cache(&stats).success(), "disk");
    assert_eq!((number(&held, "entries"), number(&held, "bytes")), (0, 0));
}

#[test]
fn what_cannot_be_used_is_refused_with_what_mends_it() {
    assert_error(&cache(&["clear", "--results", "--yes"]), 2, &["--redis"]);
    assert_error(
        &cache(&["stats", "--redis", "redis://127.0.0.1:1"]),
        3,
        &["redis://127.0.0.1:1"],
    );
    assert_error(&cache(&["stats", "--store", "ftp://host/x"]), 2, &["ftp", "folder"]);
    let nobody = ["warm", "scan", "--bars", "x.csv", "--coordinator", "http://127.0.0.1:1"];
    assert_error(&cache(&nobody), 3, &["coordinator"]);
}
