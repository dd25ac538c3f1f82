//! The cluster of a queue in memory: submissions, watches and results without a worker.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use tickfleet_protocol::identity::KERNEL_VERSION;
use tickfleet_protocol::ids::{Digest, EventId, IdempotencyKey, Identity, JobKind, Millis, RunId, WorkerId};
use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_runtime::broker::memory::MemoryBroker;
use tickfleet_runtime::broker::{
    Broker, Claim, ClaimRequest, Commit, Durability, Failure as JobFailure, NewRun, ProgressKind, RunState,
};
use tickfleet_runtime::failure::{ExitStatus, FailureKind};
use tickfleet_runtime::pool::Pool;
use tickfleet_runtime::settings::{Layer, registry};

use super::{About, Local, Reading};
use crate::cluster::{Cluster, Request};
use crate::settings::{Request as Asked, resolve};

fn local() -> (Local, Arc<dyn Broker>) {
    let broker: Arc<dyn Broker> = Arc::new(MemoryBroker::new(1 << 20));
    let pool = Pool::new(1).expect("threads can be started");
    let local = Local::new(broker.clone(), Reading::Apart, pool, About::default());
    (local, broker)
}

/// A run of one job.
async fn one_job(broker: &dyn Broker) -> RunId {
    let run = NewRun {
        key: IdempotencyKey::new("k").unwrap(),
        digest: Digest([1; 32]),
        kind: JobKind::new("test/1").unwrap(),
        trace: None,
        payload: Bytes::new(),
        stages: vec![1],
        weight: 1,
        deadline: None,
        retry: RetryPolicy::default(),
        durability: Durability::Memory,
    };
    broker.submit(run).await.expect("a run").run
}

async fn claim(broker: &dyn Broker) -> Claim {
    let request = ClaimRequest {
        worker: WorkerId::new("w").unwrap(),
        kinds: vec![JobKind::new("test/1").unwrap()],
        max: 1,
        lease_ms: 60_000,
        wait: Duration::ZERO,
    };
    broker.claim(request).await.expect("a claim").remove(0)
}

async fn fail(broker: &dyn Broker) {
    let claim = claim(broker).await;
    let failure = JobFailure {
        job: claim.job,
        token: claim.token,
        reason: "damaged".to_owned(),
        retryable: false,
    };
    broker.fail(vec![failure]).await.expect("a verdict");
}

async fn succeed(broker: &dyn Broker) {
    let claim = claim(broker).await;
    let commit = Commit {
        job: claim.job,
        token: claim.token,
        identity: Identity([2; 32]),
        result: Some(Bytes::new()),
    };
    broker.commit(vec![commit]).await.expect("a verdict");
}

/// Names of the events after one, up to the end of the watch.
async fn watched(local: &Local, run: RunId, after: EventId) -> Vec<String> {
    let events = local.watch(run, after).await.expect("a watch");
    let names = events.map(|event| match event.expect("an event").1.kind {
        ProgressKind::Ended { state } => format!("{state:?}"),
        kind => {
            let text = format!("{kind:?}");
            text.split([' ', '{']).next().unwrap_or_default().to_owned()
        }
    });
    names.collect().await
}

#[tokio::test]
async fn a_watch_ends_with_the_run_and_goes_on_where_it_was_set_running_again() {
    let (local, broker) = local();
    let run = one_job(broker.as_ref()).await;
    fail(broker.as_ref()).await;
    let failed = ["Submitted", "StageOpened", "DeadLettered", "Failed"];
    assert_eq!(watched(&local, run, EventId::START).await, failed);
    assert_eq!(watched(&local, run, EventId(3)).await, ["Failed"]);
    assert_eq!(watched(&local, run, EventId(4)).await, [""; 0], "all was told");
    assert_eq!(local.retry(run, None).await, Ok(1));
    let mut events = local.watch(run, EventId(3)).await.expect("a watch");
    for expect in ["Failed", "Replayed"] {
        let (_, progress) = events.next().await.expect("an event").expect("an event");
        assert!(format!("{:?}", progress.kind).contains(expect), "{progress:?}");
    }
    succeed(broker.as_ref()).await;
    let rest: Vec<_> = events.map(|event| event.expect("an event").1.kind).collect().await;
    let state = RunState::Succeeded;
    assert_eq!(rest.last(), Some(&ProgressKind::Ended { state }));
}

#[tokio::test]
async fn what_is_not_there_or_not_so_is_refused_in_kind() {
    let (local, broker) = local();
    let nobody = RunId::from_parts(Millis(1), [3; 10]);
    let unknown = [
        local.get(nobody).await.err(),
        local.watch(nobody, EventId::START).await.err(),
        local.results(nobody).await.err(),
        local.cancel(nobody).await.err(),
        local.dead(nobody).await.err(),
        local.retry(nobody, None).await.err(),
    ];
    for failure in unknown {
        let failure = failure.expect("there is no such run");
        assert_eq!(
            (failure.kind, failure.status),
            (FailureKind::NotFound, ExitStatus::BadInput)
        );
        assert!(
            failure.what.contains(&nobody.to_string()) && !failure.help.is_empty(),
            "{failure:?}"
        );
    }
    let run = one_job(broker.as_ref()).await;
    let running = [local.results(run).await.err(), local.forget(run).await.err()];
    for failure in running {
        assert_eq!(failure.expect("it runs").kind, FailureKind::Precondition);
    }
    assert_eq!(local.cancel(run).await, Ok(true));
    let failure = local.results(run).await.err().expect("it was cancelled");
    assert_eq!(failure.what, format!("run {run} was cancelled, so it has no results"));
}

/// A request of a scan of these bars.
fn request(bars: &Path, key: &str, shard_size: usize) -> Request {
    let flags = vec![(&registry::BARS, vec![bars.display().to_string()])];
    let layer = Layer::from_flags(&flags).expect("settings");
    Request {
        spec: resolve(vec![layer], &Asked::default()).expect("a scan").spec,
        shard_size: Some(shard_size),
        key: IdempotencyKey::new(key).unwrap(),
        weight: 10,
        durability: Durability::Logged,
        trace: Some("00-aa-bb-01".to_owned()),
    }
}

#[tokio::test]
async fn a_submission_is_accepted_once_and_says_what_it_lacks() {
    let folder = tempfile::tempdir().expect("a folder");
    let bars = folder.path().join("b.csv");
    let lines = (1..=28)
        .flat_map(|day| ["A", "B", "C", "D"].map(|name| format!("{name},2016-01-{day:02},10,11,9,10.5,1000000\n")));
    let text: String = std::iter::once("symbol,date,open,high,low,close,volume\n".to_owned())
        .chain(lines)
        .collect();
    std::fs::write(&bars, text).expect("a file");
    let (local, broker) = local();
    let mut heard = 0;
    let first = local
        .submit(request(&bars, "a", 1), &mut |_| heard += 1)
        .await
        .expect("a run");
    assert!(heard > 0, "the opening is told");
    assert_eq!(
        (first.created, first.durability, first.stages.as_slice()),
        (true, Durability::Memory, &[4, 1][..])
    );
    assert!(
        first.notices[0].contains("in the queue's memory only"),
        "{:?}",
        first.notices
    );
    let record = broker.run(first.run).await.expect("the run").expect("the run");
    assert_eq!(record.summary.kind.as_str(), KERNEL_VERSION);
    assert_eq!(record.summary.trace.as_deref(), Some("00-aa-bb-01"));
    // The same spec, cut otherwise: the run that is there counts.
    let again = local
        .submit(request(&bars, "a", 4), &mut |_| {})
        .await
        .expect("the run");
    assert_eq!(
        (again.run, again.created, again.stages),
        (first.run, false, first.stages)
    );
    let mut other = request(&bars, "a", 1);
    other.spec.rank.top = 1;
    let refused = local.submit(other, &mut |_| {}).await.expect_err("another spec");
    assert_eq!(
        (refused.kind, refused.status),
        (FailureKind::Exists, ExitStatus::BadInput)
    );
    let missing = folder.path().join("no.csv");
    let refused = local
        .submit(request(&missing, "b", 1), &mut |_| {})
        .await
        .expect_err("no file");
    assert_eq!(
        (refused.kind, refused.status),
        (FailureKind::NotFound, ExitStatus::BadInput)
    );
    assert_eq!(local.list().await.expect("a list").len(), 1);
}
