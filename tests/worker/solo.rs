//! Jobs that workers die of: they run alone in the end, and are blamed for what they do there.

use tickfleet_protocol::ids::RunId;
use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_runtime::broker::{Broker, DeadCause, RunState};
use tickfleet_worker::jobs::Kind;
use tickfleet_worker::jobs::noop::Noop;

use crate::kit::{Queue, noop, patiently};

const SHORT_LEASE: [&str; 2] = ["--lease-ms", "1000"];

/// A run of one job that two workers have died holding.
async fn twice_deadly(queue: &Queue, noop: &Noop) -> RunId {
    let retry = RetryPolicy {
        max_kills: 8,
        ..RetryPolicy::default()
    };
    let run = queue.submit_as(&Kind::Noop.job_kind(), noop.encode(), 1, retry).await;
    for kills in 1..=2 {
        let mut worker = queue.faulty_worker(&SHORT_LEASE, "worker.in_compute=abort");
        worker.ended();
        // Whoever looks next sees the lease end.
        patiently(async || {
            let _ = queue.broker.list().await;
            queue.charges(run).await.1 == kills
        })
        .await;
    }
    run
}

/// The reason for which the run's only job was given up.
async fn reason(queue: &Queue, run: RunId) -> String {
    let dead = queue.broker.dead(run).await.expect("it answers");
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert_eq!(dead[0].cause, DeadCause::NotRetryable, "{dead:?}");
    dead[0].reason.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_not_to_blame_succeeds_alone() {
    let queue = Queue::start().await;
    let run = twice_deadly(&queue, &noop(0)).await;
    let mut worker = queue.worker(&["--lease-ms", "1000", "--job-memory", "64MB"]);
    assert_eq!(queue.until_ended(run).await, RunState::Succeeded);
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_aborts_is_blamed_and_the_worker_lives() {
    let queue = Queue::start().await;
    let run = twice_deadly(&queue, &noop(0)).await;
    let mut worker = queue.faulty_worker(&SHORT_LEASE, "worker.in_compute=abort");
    assert_eq!(queue.until_ended(run).await, RunState::Failed);
    let reason = reason(&queue, run).await;
    assert!(
        reason.contains("2 workers died") && reason.contains("signal 6 (SIGABRT)"),
        "{reason}"
    );
    assert!(worker.is_running(), "{}", worker.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_panics_alone_says_so_and_may_try_again() {
    let queue = Queue::start().await;
    let run = twice_deadly(&queue, &noop(0)).await;
    let mut worker = queue.faulty_worker(&SHORT_LEASE, "worker.in_compute=panic");
    patiently(async || queue.charges(run).await.0 > 0).await;
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.said());
    let events = format!("{:?}", queue.events(run).await);
    assert!(events.contains("the kernel panicked: an injected panic"), "{events}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_loops_is_killed_when_its_time_is_over() {
    let queue = Queue::start().await;
    let run = twice_deadly(&queue, &noop(600_000_000)).await;
    let mut worker = queue.worker(&["--lease-ms", "1000", "--job-max-s", "2"]);
    assert_eq!(queue.until_ended(run).await, RunState::Failed);
    let reason = reason(&queue, run).await;
    assert!(
        reason.contains("killed after computing for 2 s (job_max_s)"),
        "{reason}"
    );
    assert!(worker.is_running(), "{}", worker.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_takes_too_much_memory_is_told_how_much_it_had() {
    let queue = Queue::start().await;
    let large = Noop {
        result_bytes: 64 << 20,
        ..noop(0)
    };
    let run = twice_deadly(&queue, &large).await;
    let mut worker = queue.worker(&["--lease-ms", "1000", "--job-memory", "64MB"]);
    assert_eq!(queue.until_ended(run).await, RunState::Failed);
    let reason = reason(&queue, run).await;
    assert!(
        reason.contains("more than its 64 MB of memory (job_memory)"),
        "{reason}"
    );
    assert!(worker.is_running(), "{}", worker.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_hangs_in_the_worker_is_given_up_and_the_worker_ends() {
    let queue = Queue::start().await;
    let run = queue.submit(&noop(600_000_000), 1).await;
    let mut worker = queue.worker(&["--lanes", "1", "--lease-ms", "1000", "--job-max-s", "1"]);
    assert_eq!(worker.ended().code(), Some(1), "{}", worker.said());
    assert!(worker.said().contains("all 1 lanes hang"), "{}", worker.said());
    patiently(async || {
        let _ = queue.broker.list().await;
        queue.charges(run).await.1 == 1
    })
    .await;
}
