//! Results by pointer: a store in object storage keeps what it was given, and says what it has no more.

use tickfleet_tests::binary::{coordinator_binary, worker_binary};
use tickfleet_tests::program::{assert_error, coordinator};
use tickfleet_tests::redis_server::RedisServer;
use tickfleet_tests::running::Running;

use crate::shop::{SECRET, Shop, pairs};

#[test]
fn results_too_large_for_redis_lie_in_object_storage() {
    let (shop, redis) = (Shop::s3(), RedisServer::start());
    shop.put("results-bucket/keep", b"x");
    let store = ["--store", "s3://results-bucket/tickfleet/"];
    let url = redis.url();
    let variables = shop.variables();
    let variables = pairs(&variables);
    let works = ["--redis", &url, "--inline-result", "0MB", "--log", "warn"];
    let worker = Running::start(worker_binary(), works.iter().chain(&store), &variables);
    let serves = [
        "serve",
        "--redis",
        &url,
        "--listen",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
    ];
    let server = Running::start(coordinator_binary(), serves.iter().chain(&store), &variables);
    let line = server.line("gRPC http://");
    let grpc = line.split_whitespace().nth(1).expect("the address");
    let told = coordinator([
        "submit",
        "scan",
        "--sample",
        "--coordinator",
        grpc,
        "--out",
        "x.csv",
        "--quiet",
    ]);
    let _ = told.run().success();
    assert!(
        shop.names()
            .iter()
            .any(|name| name.starts_with("results-bucket/tickfleet/results/")),
        "{:?}",
        shop.names()
    );
    drop((worker, server));
}

#[test]
fn a_store_that_refuses_is_told_at_start() {
    let (shop, redis) = (Shop::s3(), RedisServer::start());
    let options = [
        "--store",
        "s3://bucket/x",
        "--listen",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
        "--redis",
    ];
    let run = coordinator(["serve"].iter().chain(&options).chain([&redis.url().as_str()]));
    let run = shop
        .variables()
        .into_iter()
        .fold(run, |run, (name, value)| run.env(name, value));
    let outcome = run.env("AWS_ACCESS_KEY_ID", "AKIAOTHER").run();
    assert_error(
        &outcome,
        2,
        &["--store", "s3://bucket/x", "cannot be written", "access denied"],
    );
    assert!(!outcome.stderr.contains(SECRET));
}
