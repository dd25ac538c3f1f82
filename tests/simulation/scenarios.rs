//! What may happen to a fleet, one test each.

use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempDir;
use tickfleet_protocol::ids::RunId;
use tickfleet_runtime::broker::{Broker, ProgressKind, RunState};
use tickfleet_tests::random::seeds;
use tickfleet_worker::run::Run;

use crate::faulty::{Fault, FaultyBroker};
use crate::fleet::{Working, history, jobs_committed, watched};
use crate::market;

/// The usual seeds.
const SEEDS: [u64; 3] = [1, 2, 3];
/// Faults of one run.
const BUDGET: u32 = 25;

/// Faults that are no failure of a job and lose no worker: they must cost no job an attempt or a kill.
const UNCHARGED: [Fault; 5] = [
    Fault::ClaimRefused,
    Fault::CommitRefused,
    Fault::CommitUnanswered,
    Fault::ReadRefused,
    Fault::ResultVanishes,
];

/// A planned run, and the tables that it has when nothing goes wrong.
struct Scene {
    folder: TempDir,
    run: Run,
    expected: Vec<Bytes>,
}

impl Scene {
    async fn set() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let bars = folder.path().join("bars.csv");
        market::write_bars(&bars);
        let run = market::plan(&bars).await;
        let broker = FaultyBroker::new(0, &[], 0);
        let worker = Working::start(broker.clone(), "calm");
        let id = submit(&broker, &run, "calm").await;
        assert_eq!(history(broker.as_ref(), id).await.0, RunState::Succeeded);
        worker.drained().await;
        let expected = market::tables(broker.as_ref(), &run).await;
        Self { folder, run, expected }
    }

    /// Waits for a run's end, drains its workers, and holds it to the tables of the calm one, each job done once.
    /// Gives how often a job was charged with a failure or a lost worker.
    async fn assert_whole(&self, broker: &FaultyBroker, id: RunId, workers: Vec<Working>, what: &str) -> usize {
        let (state, events) = history(broker, id).await;
        for worker in workers {
            worker.drained().await;
        }
        assert_eq!(state, RunState::Succeeded, "{what}: {:?}", broker.dead(id).await);
        let jobs: u64 = self.run.plan.stages().iter().sum();
        assert_eq!(jobs_committed(&events), jobs, "{what}: each job counts once");
        let committed = broker.committed().into_iter().filter(|(job, _)| job.run == id);
        let committed: Vec<u32> = committed.map(|(_, times)| times).collect();
        assert_eq!(committed.len() as u64, jobs, "{what}: every job is committed");
        assert!(
            committed.iter().all(|times| *times == 1),
            "{what}: no job is committed twice"
        );
        assert!(
            self.tables(broker).await == self.expected,
            "{what}: the tables are those of a calm run"
        );
        let is_charge =
            |kind: &ProgressKind| matches!(kind, ProgressKind::LeaseExpired { .. } | ProgressKind::Retried { .. });
        events.iter().filter(|progress| is_charge(&progress.kind)).count()
    }

    /// The tables, asked for until a read is not refused.
    async fn tables(&self, broker: &FaultyBroker) -> Vec<Bytes> {
        broker.make_calm();
        market::tables(broker, &self.run).await
    }
}

async fn submit(broker: &Arc<FaultyBroker>, run: &Run, key: &str) -> RunId {
    broker
        .submit(market::new_run(run, key))
        .await
        .expect("a valid run is accepted")
        .run
}

/// Two workers under these faults, for every seed: the tables are the calm ones, and at least `kinds_min`
/// kinds of fault struck: faults that never do prove nothing.
#[track_caller]
fn survives(faults: &'static [(Fault, usize)], kinds_min: usize) {
    watched(async move {
        let scene = Scene::set().await;
        let mut struck = std::collections::BTreeSet::new();
        for seed in seeds(&SEEDS) {
            let broker = FaultyBroker::new(seed, faults, BUDGET);
            let workers = ["one", "two"].map(|name| Working::start(broker.clone(), name));
            let id = submit(&broker, &scene.run, "run").await;
            let what = format!("seed {seed}, {faults:?}");
            let charged = scene.assert_whole(&broker, id, workers.into(), &what).await;
            let is_innocent = faults.iter().all(|(fault, _)| UNCHARGED.contains(fault));
            assert!(
                !is_innocent || charged == 0,
                "{what}: {charged} charges for what no job did"
            );
            struck.extend(broker.injected().into_keys());
        }
        assert!(struck.len() >= kinds_min, "of {faults:?} only {struck:?} struck");
    });
}

#[test]
fn commits_that_are_refused_or_unanswered_are_sent_again() {
    survives(&[(Fault::CommitRefused, 3), (Fault::CommitUnanswered, 3)], 2);
}

#[test]
fn a_result_that_vanishes_before_its_commit_is_computed() {
    survives(&[(Fault::ResultVanishes, 3)], 1);
}

#[test]
fn claims_that_are_refused_are_asked_for_again() {
    survives(&[(Fault::ClaimRefused, 3)], 1);
}

#[test]
fn claims_whose_delivery_is_lost_come_again() {
    survives(&[(Fault::ClaimLost, 3)], 1);
}

#[test]
fn a_worker_whose_lease_ended_changes_nothing() {
    survives(&[(Fault::LeaseEnds, 3)], 1);
}

#[test]
fn reads_that_fail_are_made_again_and_are_no_jobs_failure() {
    survives(&[(Fault::ReadRefused, 4)], 1);
}

#[test]
fn a_panic_on_the_way_is_the_jobs_failure_and_it_is_tried_again() {
    survives(&[(Fault::ReadPanics, 4), (Fault::FailUnanswered, 3)], 2);
}

#[test]
fn everything_at_once_is_survived() {
    survives(
        &[
            (Fault::ClaimRefused, 9),
            (Fault::ClaimLost, 9),
            (Fault::CommitRefused, 5),
            (Fault::CommitUnanswered, 5),
            (Fault::LeaseEnds, 9),
            (Fault::FailUnanswered, 3),
            (Fault::ReadRefused, 9),
            (Fault::ReadPanics, 20),
            (Fault::ResultVanishes, 20),
        ],
        5,
    );
}

#[test]
fn a_drained_worker_hands_over_and_nothing_is_charged() {
    watched(async {
        let scene = Scene::set().await;
        let broker = FaultyBroker::new(0, &[], 0);
        let first = Working::start(broker.clone(), "first");
        let id = submit(&broker, &scene.run, "run").await;
        broker.until_committed(5).await;
        first.drained().await;
        let summary = broker.run(id).await.expect("it answers").expect("it is there").summary;
        assert!(
            summary.counts().done < summary.counts().total,
            "the drain came in the middle: {summary:?}"
        );
        let second = Working::start(broker.clone(), "second");
        let charged = scene.assert_whole(&broker, id, vec![second], "drained").await;
        assert_eq!(charged, 0, "a drain costs no job an attempt or a kill");
    });
}

#[test]
fn a_cancelled_run_ends_and_the_next_one_is_whole() {
    watched(async {
        let scene = Scene::set().await;
        let broker = FaultyBroker::new(0, &[], 0);
        let worker = Working::start(broker.clone(), "one");
        let cancelled = submit(&broker, &scene.run, "first").await;
        broker.until_committed(5).await;
        assert!(
            broker.cancel(cancelled).await.expect("the run is there"),
            "it was running"
        );
        let (state, events) = history(broker.as_ref(), cancelled).await;
        assert_eq!(state, RunState::Cancelled);
        assert!(
            jobs_committed(&events) < scene.run.plan.stages().iter().sum(),
            "it was in the middle"
        );
        let next = submit(&broker, &scene.run, "second").await;
        scene
            .assert_whole(&broker, next, vec![worker], "after a cancelled run")
            .await;
    });
}

#[test]
fn input_that_changed_after_the_plan_fails_the_run_and_says_so() {
    watched(async {
        let scene = Scene::set().await;
        let bars = scene.folder.path().join("bars.csv");
        std::fs::write(
            &bars,
            "symbol,date,open,high,low,close,volume\nA,2016-01-04,1,1,1,1,1\n",
        )
        .expect("it is ours");
        let broker = FaultyBroker::new(0, &[], 0);
        let worker = Working::start(broker.clone(), "one");
        let id = submit(&broker, &scene.run, "run").await;
        assert_eq!(history(broker.as_ref(), id).await.0, RunState::Failed);
        let dead = broker.dead(id).await.expect("the run is there");
        let names_the_file = dead.iter().all(|letter| letter.reason.contains("bars.csv"));
        assert!(!dead.is_empty() && names_the_file, "{dead:?}");
        worker.drained().await;
    });
}
