//! How a worker comes to its queue, and what it will not work with.

use tickfleet_protocol::ids::{JobKind, WorkerId};
use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_runtime::broker::Broker;
use tickfleet_runtime::broker::RunState;
use tickfleet_tests::binary::worker_binary;
use tickfleet_tests::program::{Invocation, assert_error};
use tickfleet_tests::redis_server::{RedisServer, free_port};
use tickfleet_tests::running::Running;

use crate::kit::{Queue, noop, patiently};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_joins_with_nothing_but_an_address() {
    let queue = Queue::start().await;
    let run = queue.submit(&noop(0), 500).await;
    let mut worker = queue.worker(&[]);
    let line = worker.line("queue redis://127.0.0.1:");
    assert!(line.starts_with("worker ") && line.contains(" lane"), "{line}");
    assert_eq!(queue.until_ended(run).await, RunState::Succeeded);
    assert_eq!((queue.committed(run).await, queue.charges(run).await), (500, (0, 0)));
    patiently(async || queue.workers().await.len() == 1).await;
    let card = queue.broker.workers().await.expect("it answers").remove(0).card;
    assert_eq!(card.pid, worker.pid());
    assert!(
        card.lanes > 0 && card.cores > 0 && card.memory_bytes > 0 && !card.host.is_empty(),
        "{card:?}"
    );
    assert!(
        line.starts_with(&format!("worker {}: {} lane", card.id, card.lanes)),
        "{line}"
    );
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0));
    assert!(queue.workers().await.is_empty(), "it took its card away");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_comes_first_waits_and_says_for_what() {
    let port = free_port();
    let url = format!("redis://:geheim@127.0.0.1:{port}");
    let mut worker = Running::start(worker_binary(), ["--redis", &url, "--name", "early"], &[]);
    let line = worker.line("waiting for the queue");
    assert!(
        line.contains(&format!("127.0.0.1:{port}")) && line.contains("early"),
        "{line}"
    );
    assert!(!worker.said().contains("geheim"), "{}", worker.said());
    let settings = ["--save", "", "--requirepass", "geheim"];
    let _server = RedisServer::start_on(port, &settings);
    worker.line("queue redis://:***@127.0.0.1:");
    worker.signal("INT");
    assert_eq!(worker.ended().code(), Some(0));
    assert!(!worker.said().contains("geheim"), "{}", worker.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_waits_ends_when_it_is_told() {
    let url = format!("redis://127.0.0.1:{}", free_port());
    let mut worker = Running::start(worker_binary(), ["--redis", &url], &[]);
    worker.line("waiting for the queue");
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0));
}

#[test]
fn what_can_never_work_is_refused_with_how_to_mend_it() {
    let check = |args: &[&str], status: i32, needles: &[&str]| {
        assert_error(&Invocation::new(worker_binary(), args).run(), status, needles);
    };
    check(&["--redis", "http://h"], 2, &["redis://", "--redis"]);
    check(&["--name", "two words"], 2, &["--name", "worker-1"]);
    check(&["--lanes", "0"], 2, &["--lanes"]);
    check(&["--lease-ms", "10"], 2, &["1000", "600000"]);
    check(&["--health", "nowhere:x"], 2, &["--health"]);
    check(&["--sprint"], 2, &["--sprint"]);
    let locked = RedisServer::start_with(&["--save", "", "--requirepass", "geheim"]);
    check(&["--redis", &locked.url()], 3, &["user and password"]);
    let evicting = RedisServer::start_with(&["--save", "", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]);
    check(&["--redis", &evicting.url()], 3, &["allkeys-lru", "noeviction"]);
}

#[test]
fn an_unknown_fault_point_is_refused() {
    let check = |faults: &str, needle: &str| {
        let outcome = Invocation::new(worker_binary(), ["--json"])
            .env("TICKFLEET_FAULT", faults)
            .run();
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert!(outcome.stdout.contains(needle), "{outcome:?}");
    };
    check("worker.at_lunch=kill", "worker.after_claim");
    check("worker.after_claim=maim", "delay:MILLISECONDS");
}

#[test]
fn help_and_version_are_there() {
    let help = Invocation::new(worker_binary(), ["--help"]).run().success().stdout;
    assert!(
        help.contains("EXAMPLES") && help.contains("--redis") && !help.contains("--solo"),
        "{help}"
    );
    let version = Invocation::new(worker_binary(), ["--version"]).run().success().stdout;
    assert!(version.starts_with("worker "), "{version}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_of_a_kind_that_it_does_not_know_are_left_alone() {
    let queue = Queue::start().await;
    let kind = JobKind::new("scan/99").expect("a valid name");
    let foreign = queue
        .submit_as(&kind, noop(0).encode(), 5, RetryPolicy::default())
        .await;
    let mut worker = queue.worker(&["--name", "w1"]);
    let known = queue.submit(&noop(0), 50).await;
    assert_eq!(queue.until_ended(known).await, RunState::Succeeded);
    let summary = queue.summary(foreign).await;
    assert_eq!((summary.state, summary.counts().done), (RunState::Running, 0));
    assert_eq!(queue.charges(foreign).await, (0, 0));
    let told = queue
        .broker
        .drain(&WorkerId::new("w1").expect("a valid name"), true)
        .await;
    assert!(told.expect("it answers"), "it is there");
    worker.line("draining");
    assert_eq!(worker.ended().code(), Some(0), "an order ends it as a signal does");
}
