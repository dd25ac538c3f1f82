//! A worker and a Redis that goes, comes back, forgets its scripts, or stops to answer.

use std::process::Command;

use tickfleet_runtime::broker::RunState;
use tickfleet_tests::redis_server::RedisServer;

use crate::kit::{Queue, get, noop, patiently};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_redis_is_found_again_and_every_job_counts_once() {
    let mut queue = Queue::start().await;
    let run = queue.submit(&noop(2_000), 3_000).await;
    let mut worker = queue.worker(&["--lanes", "2"]);
    for part in 1..=3 {
        queue.until_done(run, part * 300).await;
        queue.server.kill_and_restart();
    }
    queue.until_done(run, 1_200).await;
    assert_eq!(queue.server.command("SCRIPT FLUSH"), "+OK");
    assert_eq!(queue.until_ended(run).await, RunState::Succeeded);
    assert_eq!((queue.committed(run).await, queue.charges(run).await.0), (3_000, 0));
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_follows_the_queue() {
    let mut queue = Queue::start().await;
    let mut worker = queue.worker(&["--health", "127.0.0.1:0"]);
    let line = worker.line("HTTP http://");
    let address = line.trim_start_matches("HTTP http://");
    let is = |path: &str, status: u16| get(address, path).is_some_and(|(found, _)| found == status);
    patiently(async || is("/readyz", 200)).await;
    worker.nth_line("queue redis://", 1);
    queue.server.kill();
    patiently(async || is("/readyz", 503)).await;
    let (_, why) = get(address, "/readyz").expect("it answers");
    assert!(why.contains("the queue last answered"), "{why}");
    worker.line("waiting for the queue");
    assert!(is("/healthz", 200), "it is well itself");
    queue.server.kill_and_restart();
    patiently(async || is("/readyz", 200)).await;
    let run = queue.submit(&noop(0), 10).await;
    assert_eq!(queue.until_ended(run).await, RunState::Succeeded);
    patiently(async || {
        let (_, metrics) = get(address, "/metrics").expect("it answers");
        let committed = metrics
            .lines()
            .find(|line| line.starts_with("tickfleet_jobs_committed_total"));
        committed.is_some_and(|line| line.contains("noop/1") && line.ends_with(" 10"))
    })
    .await;
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_stops_to_answer_hangs_nobody() {
    let queue = Queue::start().await;
    let run = queue.submit(&noop(1_000), 1_000).await;
    let mut worker = queue.worker(&["--lanes", "2"]);
    queue.until_done(run, 100).await;
    signal(&queue.server, "STOP");
    worker.line("waiting for the queue");
    signal(&queue.server, "CONT");
    assert_eq!(queue.until_ended(run).await, RunState::Succeeded);
    assert_eq!(queue.committed(run).await, 1_000);
    signal(&queue.server, "STOP");
    worker.signal("TERM");
    assert!(worker.ended().code().is_some(), "it ends by itself: {}", worker.said());
    signal(&queue.server, "CONT");
}

fn signal(server: &RedisServer, name: &str) {
    let status = Command::new("/bin/sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, &server.pid().to_string()])
        .status();
    assert!(status.is_ok_and(|status| status.success()), "a child can be signalled");
}
