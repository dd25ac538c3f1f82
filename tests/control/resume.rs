//! Coordinators that go away: in the middle of a watch, of results, of a submission.

use std::time::Duration;

use futures::StreamExt;
use tickfleet_coordinator::cluster::{Cluster, Part, Request};
use tickfleet_protocol::ids::{EventId, IdempotencyKey, RunId};
use tickfleet_protocol::spec::scan::ScanSpec;
use tickfleet_runtime::broker::{Broker, Durability, ProgressKind, RunState};
use tickfleet_runtime::settings::registry;

use crate::fleet::{Fleet, Server, bars, block_on, patiently, queue, reach, settings};

/// A scan of every session of a file.
pub(crate) fn spec(bars: &std::path::Path) -> ScanSpec {
    let bars = bars.display().to_string();
    let flags = [(&registry::BARS, bars.as_str()), (&registry::FROM, "2016-01-01")];
    let layers = settings_layers(&flags);
    let request = tickfleet_coordinator::settings::Request::default();
    let resolved = tickfleet_coordinator::settings::resolve(layers, &request);
    resolved.expect("settings of a scan").spec
}

fn settings_layers(flags: &[(&'static registry::Setting, &str)]) -> Vec<tickfleet_runtime::settings::Layer> {
    let flags: Vec<_> = flags
        .iter()
        .map(|(setting, text)| (*setting, vec![(*text).to_owned()]))
        .collect();
    vec![tickfleet_runtime::settings::Layer::from_flags(&flags).expect("settings that can be read")]
}

/// A request under this key.
pub(crate) fn request(spec: ScanSpec, key: &str) -> Request {
    Request {
        spec,
        shard_size: Some(2),
        key: IdempotencyKey::new(key).expect("a valid key"),
        weight: 10,
        durability: Durability::Logged,
        trace: None,
    }
}

async fn submit(cluster: &dyn Cluster, fleet: &Fleet) -> RunId {
    let request = request(spec(&fleet.path("b.csv")), "watched");
    cluster.submit(request, &mut |_| {}).await.expect("a run").run
}

/// Watches a run over two coordinators of which the first is lost by `lose` after the first event.
fn watch_over_a_loss(lose: impl FnOnce(&mut Server)) {
    let mut fleet = Fleet::start();
    let second = Server::start(&fleet.redis.url());
    let urls = format!("{},{}", fleet.server.url(), second.url());
    block_on(async {
        let cluster = reach(&urls).await;
        let run = submit(cluster.as_ref(), &fleet).await;
        let mut events = cluster.watch(run, EventId::START).await.expect("a watch");
        let (mut last, first) = events.next().await.expect("an event").expect("an event");
        assert_eq!((last, first.kind), (EventId(1), ProgressKind::Submitted));
        lose(&mut fleet.server);
        let _worker = fleet.worker();
        let mut ended = None;
        while let Some(event) = events.next().await {
            let (id, progress) = event.unwrap_or_else(|failure| panic!("{}", failure.render(false)));
            assert_eq!(id, last.next(), "each event once, none missing");
            last = id;
            if let ProgressKind::Ended { state } = progress.kind {
                ended = Some(state);
            }
        }
        assert_eq!(ended, Some(RunState::Succeeded));
        // The same client goes on with the coordinator that is left.
        let parts: Vec<Part> = results(cluster.as_ref(), run).await;
        assert!(matches!(parts.first(), Some(Part::Head(_))) && matches!(parts.last(), Some(Part::Notes(_))));
        assert_eq!(parts.len(), 2 + 84, "head, a day for each session, notes");
    });
}

async fn results(cluster: &dyn Cluster, run: RunId) -> Vec<Part> {
    let parts = cluster.results(run).await.expect("results");
    parts.map(|part| part.expect("a part")).collect().await
}

#[test]
fn a_watch_goes_on_at_the_next_coordinator_when_one_is_killed() {
    watch_over_a_loss(Server::kill);
}

#[test]
fn a_watch_goes_on_at_the_next_coordinator_when_one_is_told_to_end() {
    watch_over_a_loss(|server| assert_eq!(server.terminate(), Some(0), "a watch does not hold it up"));
}

#[test]
fn a_watch_gets_over_a_restart_of_the_queue() {
    let mut fleet = Fleet::start();
    block_on(async {
        let cluster = fleet.cluster().await;
        let run = submit(cluster.as_ref(), &fleet).await;
        let mut events = cluster.watch(run, EventId::START).await.expect("a watch");
        let first = events.next().await.expect("an event").expect("an event");
        // What the log has not kept is lost with the server: only what was answered as logged is certain.
        patiently(async || fleet.queue().await.run(run).await.is_ok_and(|found| found.is_some())).await;
        fleet.redis.kill_and_restart();
        let _worker = fleet.worker();
        let rest: Vec<_> = events.map(|event| event.expect("an event")).collect().await;
        let ids: Vec<u64> = [first].iter().chain(&rest).map(|(id, _)| id.0).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "each event once: {ids:?}");
        let end = rest.last().map(|(_, progress)| progress.kind.clone());
        assert_eq!(
            end,
            Some(ProgressKind::Ended {
                state: RunState::Succeeded
            })
        );
    });
}

#[test]
fn results_go_on_at_the_next_coordinator() {
    let mut fleet = Fleet::start();
    let second = Server::start(&fleet.redis.url());
    let _worker = fleet.worker();
    let urls = format!("{},{}", fleet.server.url(), second.url());
    block_on(async {
        let cluster = reach(&urls).await;
        let run = submit(cluster.as_ref(), &fleet).await;
        patiently(async || cluster.get(run).await.expect("the run").state == RunState::Succeeded).await;
        let whole = results(cluster.as_ref(), run).await;
        let mut parts = cluster.results(run).await.expect("results");
        let mut found = vec![
            parts.next().await.expect("a head").expect("a head"),
            parts.next().await.expect("a day").expect("a day"),
        ];
        fleet.server.kill();
        found.extend(parts.map(|part| part.expect("a part")).collect::<Vec<_>>().await);
        assert_eq!(
            format!("{found:?}"),
            format!("{whole:?}"),
            "no part twice, none missing"
        );
    });
}

#[test]
fn a_coordinator_killed_while_it_submits_leaves_a_run_or_none_and_the_key_makes_one() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("large.csv");
    std::fs::write(&file, bars(1_000, 600)).expect("a fresh folder takes a file");
    let redis = tickfleet_tests::redis_server::RedisServer::start_logged();
    block_on(async {
        let mut first = Server::start(&redis.url());
        let second = Server::start(&redis.url());
        let broker = queue(&redis.url()).await;
        let cluster = reach(&format!("{},{}", first.url(), second.url())).await;
        let mut words = 0;
        let accepted = cluster
            .submit(request(spec(&file), "once"), &mut |_| {
                words += 1;
                if words == 1 {
                    first.kill();
                }
            })
            .await
            .expect("the second coordinator takes it up");
        assert!(words > 0, "the first was killed when it had begun");
        let runs = broker.list().await.expect("a list");
        assert_eq!(runs.iter().map(|run| run.run).collect::<Vec<_>>(), [accepted.run]);
        let record = broker.run(accepted.run).await.expect("the run").expect("the run");
        tickfleet_proto::convert::ScanRun::decode(record.payload).expect("the run is whole");
    });
}

#[test]
fn a_hundred_submissions_under_one_key_make_one_run() {
    let fleet = Fleet::start();
    let second = Server::start(&fleet.redis.url());
    block_on(async {
        let clusters = [fleet.cluster().await, reach(&second.url()).await];
        let spec = spec(&fleet.path("b.csv"));
        let submissions = (0..100).map(|at: usize| {
            let (cluster, request) = (clusters[at % 2].clone(), request(spec.clone(), "one"));
            tokio::spawn(async move { cluster.submit(request, &mut |_| {}).await })
        });
        let submissions: Vec<_> = submissions.collect();
        let mut accepted = Vec::new();
        for submission in submissions {
            accepted.push(submission.await.expect("no panic").expect("accepted"));
        }
        assert!(
            accepted
                .iter()
                .all(|one| one.run == accepted[0].run && one.stages == accepted[0].stages)
        );
        assert_eq!(accepted.iter().filter(|one| one.created).count(), 1);
        assert_eq!(fleet.queue().await.list().await.expect("a list").len(), 1);
    });
}

#[test]
fn verbs_may_go_straight_to_the_queue() {
    let fleet = Fleet::start();
    block_on(async {
        let over_grpc = fleet.cluster().await;
        let run = submit(over_grpc.as_ref(), &fleet).await;
        let settings = settings(&[(&registry::REDIS, &fleet.redis.url())]);
        let straight = tickfleet_coordinator::cluster::connect(&settings)
            .await
            .expect("the queue");
        assert_eq!(straight.get(run).await, over_grpc.get(run).await);
        assert_eq!(straight.list().await, over_grpc.list().await);
        let job = |cluster: std::sync::Arc<dyn Cluster>| async move { cluster.dead(run).await };
        assert_eq!(job(straight.clone()).await, job(over_grpc.clone()).await);
        let mut events = straight.watch(run, EventId::START).await.expect("a watch");
        let event = tokio::time::timeout(Duration::from_secs(30), events.next()).await;
        assert_eq!(
            event.expect("an event").expect("an event").expect("an event").0,
            EventId(1)
        );
        assert_eq!(over_grpc.cancel(run).await, Ok(true));
        assert_eq!(straight.cancel(run).await, Ok(false));
        assert_eq!(straight.forget(run).await, Ok(()));
        let gone = over_grpc.get(run).await.expect_err("it was forgotten");
        assert_eq!(straight.get(run).await.expect_err("it was forgotten"), gone);
    });
}
