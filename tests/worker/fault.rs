//! Workers that die, stop, panic or fail at every step: each job still counts exactly once.

use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_runtime::broker::RunState;
use tickfleet_runtime::fault::{EXIT_STATUS, POINTS};
use tickfleet_worker::jobs::Kind;

use crate::kit::{Queue, noop};

const JOBS: u64 = 300;
/// Points that a run without failures does not pass.
const ELSEWHERE: [&str; 2] = ["worker.before_fail", "worker.in_drain"];

/// Points of a worker that every run passes.
fn points() -> impl Iterator<Item = &'static str> {
    let of_worker = POINTS.iter().copied().filter(|point| point.starts_with("worker."));
    of_worker.filter(|point| !ELSEWHERE.contains(point))
}

/// A run whose jobs may lose many workers, worked on by one worker with this fault and, once that is seen, by a sound one.
async fn survives(queue: &Queue, faults: &str, is_seen: impl AsyncFnOnce(&mut tickfleet_tests::running::Running)) {
    let retry = RetryPolicy {
        max_kills: 16,
        max_attempts: 16,
        backoff_base_ms: 10,
        backoff_cap_ms: 100,
    };
    let run = queue
        .submit_as(&Kind::Noop.job_kind(), noop(100).encode(), JOBS, retry)
        .await;
    let mut faulty = queue.faulty_worker(&["--lease-ms", "1000"], faults);
    faulty.line("has this worker fail on purpose");
    is_seen(&mut faulty).await;
    let mut sound = queue.worker(&["--lease-ms", "1000"]);
    assert_eq!(
        queue.until_ended(run).await,
        RunState::Succeeded,
        "{faults}: {}",
        faulty.said()
    );
    assert_eq!(queue.committed(run).await, JOBS, "{faults}: each job counts once");
    sound.line("queue redis://");
    sound.signal("TERM");
    assert_eq!(sound.ended().code(), Some(0), "{faults}: {}", sound.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_at_any_step_loses_nothing() {
    let queue = Queue::start().await;
    for point in points() {
        survives(&queue, &format!("{point}=kill"), async |worker| {
            assert_eq!(worker.ended().code(), None, "{point}: a signal ends it");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_exits_in_the_middle_loses_nothing() {
    let queue = Queue::start().await;
    for point in points() {
        survives(&queue, &format!("{point}=exit@2"), async |worker| {
            assert_eq!(worker.ended().code(), Some(EXIT_STATUS), "{point}: {}", worker.said());
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_fails_or_panics_once_is_made_again() {
    let queue = Queue::start().await;
    for point in points() {
        for action in ["error", "panic"] {
            // A panic of the publisher ends the worker: nothing that it computes would count.
            if action == "panic" && point.ends_with("_commit") {
                continue;
            }
            survives(&queue, &format!("{point}={action}@1"), async |_| {}).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_without_a_publisher_ends() {
    let queue = Queue::start().await;
    survives(&queue, "worker.before_commit=panic@1", async |worker| {
        assert_eq!(worker.ended().code(), Some(1), "{}", worker.said());
        assert!(worker.said().contains("the publisher ended"), "{}", worker.said());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stands_still_comes_too_late_and_harms_nothing() {
    let queue = Queue::start().await;
    survives(&queue, "worker.before_commit=stop@1", async |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_while_it_fails_or_drains_loses_nothing() {
    let queue = Queue::start().await;
    survives(
        &queue,
        "worker.in_compute=error@1,worker.before_fail=kill",
        async |worker| {
            assert_eq!(worker.ended().code(), None);
        },
    )
    .await;
    survives(&queue, "worker.in_drain=kill", async |worker| {
        worker.line("queue redis://");
        worker.signal("TERM");
        assert_eq!(worker.ended().code(), None);
    })
    .await;
}
