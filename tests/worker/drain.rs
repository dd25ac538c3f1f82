//! How a worker ends under load: nothing is charged, nothing is lost, and it takes no longer than it may.

use tickfleet_runtime::broker::{Broker, RunState};

use crate::kit::{Queue, noop, patiently};

/// A job that outlasts the test.
const ENDLESS_US: u64 = 600_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_under_load_finishes_what_computes_and_hands_back_the_rest() {
    let queue = Queue::start().await;
    let run = queue.submit(&noop(200_000), 40).await;
    let mut worker = queue.worker(&["--lanes", "2"]);
    queue.until_done(run, 4).await;
    worker.signal("TERM");
    worker.line("draining");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.said());
    let done = queue.summary(run).await.counts().done;
    assert!((4..40).contains(&done), "it ended in the middle: {done}");
    let mut next = queue.worker(&["--lanes", "4"]);
    assert_eq!(queue.until_ended(run).await, RunState::Succeeded);
    assert_eq!((queue.committed(run).await, queue.charges(run).await), (40, (0, 0)));
    next.signal("TERM");
    assert_eq!(next.ended().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_twice_a_worker_ends_at_once_and_still_hands_back() {
    let queue = Queue::start().await;
    let run = queue.submit(&noop(ENDLESS_US), 2).await;
    let mut worker = queue.worker(&["--lanes", "2", "--name", "w1"]);
    patiently(async || {
        let workers = queue.broker.workers().await.expect("it answers");
        workers.first().is_some_and(|entry| entry.card.held == 2)
    })
    .await;
    worker.signal("INT");
    worker.line("2 computing");
    assert!(worker.is_running(), "it waits for what computes");
    worker.signal("INT");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.said());
    assert!(worker.said().contains("2 handed back"), "{}", worker.said());
    assert_eq!(queue.charges(run).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_while_the_queue_is_away_ends_and_says_what_it_could_not() {
    let mut queue = Queue::start().await;
    let run = queue.submit(&noop(ENDLESS_US), 2).await;
    let mut worker = queue.worker(&["--lanes", "2"]);
    worker.line("2 lanes");
    patiently(async || {
        let workers = queue.broker.workers().await.expect("it answers");
        workers.first().is_some_and(|entry| entry.card.held == 2)
    })
    .await;
    queue.server.kill();
    worker.signal("TERM");
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(3), "{}", worker.said());
    assert!(worker.said().contains("2 claims"), "{}", worker.said());
    queue.server.kill_and_restart();
    assert_eq!(queue.summary(run).await.counts().done, 0);
}
