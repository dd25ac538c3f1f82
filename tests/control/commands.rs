//! Where nothing answers, and what a server says at its start.

use tickfleet_tests::program::{assert_error, coordinator};
use tickfleet_tests::redis_server::{RedisServer, free_port};

use crate::fleet::Fleet;

#[test]
fn a_coordinator_that_is_not_there_is_status_3() {
    let fleet = Fleet::start();
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let outcome = fleet
        .coordinator(&format!("submit scan --bars b.csv --coordinator {nowhere}"))
        .run();
    let needles = ["error: no coordinator answers", &nowhere, "coordinator serve"];
    assert_error(&outcome, 3, &needles);
    let both = format!("{nowhere},{}", fleet.server.url());
    let outcome = fleet
        .coordinator(&format!(
            "submit scan --bars b.csv --side all --no-wait --coordinator {both}"
        ))
        .run();
    assert_eq!(outcome.status, Some(0), "the second address serves: {outcome:#?}");
}

#[test]
fn an_address_that_is_none_is_status_2() {
    let outcome = coordinator("submit scan --bars b.csv --coordinator redis://h:1".split(' ')).run();
    assert_error(
        &outcome,
        2,
        &[
            "`redis://h:1` is not the address",
            "flag --coordinator",
            "http://HOST:PORT",
        ],
    );
}

#[test]
fn a_server_without_its_redis_is_status_3() {
    let nowhere = format!("redis://127.0.0.1:{}", free_port());
    let outcome = coordinator(["serve", "--redis", &nowhere]).run();
    assert_error(&outcome, 3, &["can't connect", "flag --redis", "start Redis 7"]);
}

#[test]
fn a_server_refuses_a_redis_that_loses_jobs() {
    let redis = RedisServer::start_with(&[
        "--save",
        "",
        "--maxmemory",
        "100mb",
        "--maxmemory-policy",
        "allkeys-lru",
    ]);
    let outcome = coordinator(["serve", "--redis", &redis.url()]).run();
    assert_error(&outcome, 2, &["allkeys-lru", "noeviction"]);
}

#[test]
fn a_port_that_is_taken_is_said_so() {
    let fleet = Fleet::start();
    let line = format!(
        "serve --redis {} --http 127.0.0.1:0 --listen {}",
        fleet.redis.url(),
        fleet.server.grpc
    );
    let outcome = fleet.coordinator(&line).run();
    let needles = [
        "cannot listen on",
        &fleet.server.grpc,
        "another process may have the port",
    ];
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""), "{outcome:#?}");
    for needle in needles {
        assert!(outcome.stderr.contains(needle), "{needle}: {outcome:#?}");
    }
}

#[test]
fn a_server_advises_and_ends_when_told() {
    let mut fleet = Fleet::start();
    assert_eq!(fleet.server.terminate(), Some(0));
    let redis = RedisServer::start();
    let script = format!(
        "\"$0\" serve --redis {} --listen 127.0.0.1:0 --http 127.0.0.1:0 >line 2>advice & pid=$!
         until grep -q gRPC line; do sleep 0.01; done
         kill -s TERM $pid; wait $pid; echo $?; cat line; cat advice >&2",
        redis.url()
    );
    let program = tickfleet_tests::binary::coordinator_binary().to_string_lossy();
    let outcome = tickfleet_tests::program::Invocation::new("/bin/sh".as_ref(), ["-c", &script, &program]).run();
    assert!(outcome.stdout.starts_with("0\ngRPC http://127.0.0.1:"), "{outcome:#?}");
    assert!(outcome.stdout.contains("  HTTP http://127.0.0.1:"), "{outcome:#?}");
    assert!(outcome.stderr.contains("appendonly yes"), "{outcome:#?}");
}
