//! Rows before a run's end over gRPC: whole whatever becomes of a coordinator, and no burden to the run.

use std::collections::BTreeMap;

use futures::{Stream, StreamExt, stream};
use tickfleet_coordinator::cluster::{Cluster, ProvisionalDay, Result};
use tickfleet_protocol::ids::RunId;
use tickfleet_runtime::broker::RunState;

use crate::fleet::{Fleet, Server, block_on, patiently, reach};
use crate::resume::{request, spec};

async fn submit(cluster: &dyn Cluster, fleet: &Fleet) -> RunId {
    let mut request = request(spec(&fleet.path("b.csv")), "streamed");
    request.spec.rank.side = tickfleet_kernels::scan::options::Side::All;
    cluster.submit(request, &mut |_| {}).await.expect("a run").run
}

/// The last word on each date; each word knows at least as much as the one before.
async fn last_words(days: impl Stream<Item = Result<ProvisionalDay>> + Unpin) -> BTreeMap<i32, ProvisionalDay> {
    let mut words: BTreeMap<i32, ProvisionalDay> = BTreeMap::new();
    let mut days = days;
    while let Some(day) = days.next().await {
        let day = day.unwrap_or_else(|failure| panic!("{}", failure.render(false)));
        if let Some(before) = words.get(&day.as_of) {
            assert!(before.done <= day.done, "{before:?}, then {day:?}");
        }
        words.insert(day.as_of, day);
    }
    words
}

async fn ended(cluster: &dyn Cluster, run: RunId) {
    patiently(async || cluster.get(run).await.is_ok_and(|run| run.state == RunState::Succeeded)).await;
}

#[test]
fn rows_are_whole_at_the_end_though_a_coordinator_is_lost() {
    let mut fleet = Fleet::start();
    let second = Server::start(&fleet.redis.url());
    let urls = format!("{},{}", fleet.server.url(), second.url());
    block_on(async {
        let cluster = reach(&urls).await;
        let run = submit(cluster.as_ref(), &fleet).await;
        let mut days = cluster.provisional(run).await.expect("rows");
        let _worker = fleet.worker();
        let first = days.next().await.expect("a date").expect("rows");
        fleet.server.kill();
        let rest = last_words(stream::iter([Ok(first)]).chain(days)).await;
        assert_eq!(rest.len(), 84, "a word on each session");
        assert!(
            rest.values().all(|day| day.done == day.total && day.total == 12),
            "each is whole"
        );
        // Whoever comes late is told the same at once, by another coordinator and straight from the queue.
        ended(cluster.as_ref(), run).await;
        let late = last_words(cluster.provisional(run).await.expect("rows")).await;
        assert_eq!(late, rest);
    });
}

#[test]
fn a_reader_who_does_not_read_holds_nobody_up() {
    let fleet = Fleet::start();
    block_on(async {
        let cluster = fleet.cluster().await;
        let run = submit(cluster.as_ref(), &fleet).await;
        let mut days = cluster.provisional(run).await.expect("rows");
        let _worker = fleet.worker();
        let first = days.next().await.expect("a date").expect("rows");
        ended(cluster.as_ref(), run).await;
        let rest = last_words(days).await;
        assert!(rest.values().all(|day| day.done == day.total), "{first:?}");
    });
}

#[test]
fn rows_of_a_run_that_did_not_succeed_end_with_it() {
    let fleet = Fleet::start();
    block_on(async {
        let cluster = fleet.cluster().await;
        let run = submit(cluster.as_ref(), &fleet).await;
        let days = cluster.provisional(run).await.expect("rows");
        assert!(cluster.cancel(run).await.expect("an answer"), "it was running");
        assert_eq!(last_words(days).await, BTreeMap::new());
    });
}

#[test]
fn a_streamed_submission_gives_the_same_ranking() {
    let fleet = Fleet::start();
    let _worker = fleet.worker();
    let plain = fleet.submit("--shard-size 5").run().success();
    let streamed = fleet.submit("--shard-size 5 --stream").run().success();
    assert_eq!(streamed.stdout, plain.stdout);
    assert!(streamed.stderr.contains("\nprovisional, as of "), "{streamed:#?}");
    let url = fleet.server.url();
    let watched = fleet
        .coordinator(&format!("watch latest --stream --coordinator {url}"))
        .run()
        .success();
    assert_eq!(watched.stdout, plain.stdout);
}
