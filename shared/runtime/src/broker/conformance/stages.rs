//! Submission and stages: a run is accepted once, its stages open in order, and it ends when the last is complete.

use std::time::Duration;

use tickfleet_protocol::limits::{MAX_KINDS, MAX_TRACE_BYTES};

use super::{
    Harness,
    kit::{claim, claim_one, commit, commit_one, kind, new_run, request, standing, submit, summary},
};
use crate::broker::{BrokerError, Claim, ClaimRequest, CommitOutcome, NewRun, RunState};

/// Takes a broker through every law of this module.
pub async fn run_all(harness: &dyn Harness) {
    a_run_is_kept_as_submitted(harness).await;
    submitting_again_gives_the_same_run(harness).await;
    requests_out_of_bounds_are_refused(harness).await;
    stages_open_in_order(harness).await;
    stages_without_jobs_are_complete_at_once(harness).await;
}

/// What was submitted is what is read, by id and in the list, in order of submission.
pub async fn a_run_is_kept_as_submitted(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let asked = NewRun {
        weight: 7,
        ..new_run("a", &[3, 1])
    };
    let submitted = broker.submit(asked.clone()).await.expect("submit");
    let record = broker.run(submitted.run).await.expect("run").expect("the run is kept");
    assert_eq!(record.payload, asked.payload);
    let summary = &record.summary;
    assert_eq!(
        broker.summary(submitted.run).await.expect("summary").as_ref(),
        Some(summary)
    );
    assert_eq!(
        (&summary.key, summary.digest, summary.weight),
        (&asked.key, asked.digest, 7)
    );
    assert_eq!(
        summary.stages.iter().map(|stage| stage.total).collect::<Vec<_>>(),
        asked.stages
    );
    assert_eq!(
        (summary.state, summary.open_stage.0, summary.ended_at),
        (RunState::Running, 0, None)
    );
    harness.advance(Duration::from_millis(5)).await;
    let second = submit(&*broker, "b", &[1]).await;
    let listed: Vec<_> = broker
        .list()
        .await
        .expect("list")
        .iter()
        .map(|summary| summary.run)
        .collect();
    assert_eq!(listed, [submitted.run, second]);
    let elsewhere = harness.broker().await;
    assert_eq!(
        elsewhere.run(submitted.run).await.expect("run"),
        None,
        "brokers are apart"
    );
    assert_eq!(elsewhere.summary(submitted.run).await.expect("summary"), None);
}

/// The same key and digest give the same run, also when it is over; another digest is refused.
pub async fn submitting_again_gives_the_same_run(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let first = broker.submit(new_run("a", &[1])).await.expect("submit");
    assert!(first.created);
    for _ in 0..2 {
        let again = broker.submit(new_run("a", &[1])).await.expect("submit");
        assert_eq!((again.run, again.created), (first.run, false));
        broker.cancel(first.run).await.expect("cancel");
    }
    let other = NewRun {
        digest: new_run("b", &[]).digest,
        ..new_run("a", &[1])
    };
    let refused = broker.submit(other).await;
    assert!(
        matches!(refused, Err(BrokerError::KeyReused { run, .. }) if run == first.run),
        "{refused:?}"
    );
    assert_eq!(broker.list().await.expect("list").len(), 1);
}

/// Numbers out of bounds are refused before anything is done.
pub async fn requests_out_of_bounds_are_refused(harness: &dyn Harness) {
    let broker = harness.broker().await;
    for bad in [
        new_run("a", &[]),
        new_run("a", &[1 << 40]),
        NewRun {
            weight: 0,
            ..new_run("a", &[1])
        },
        NewRun {
            weight: 1_000,
            ..new_run("a", &[1])
        },
        NewRun {
            trace: Some("x".repeat(MAX_TRACE_BYTES + 1)),
            ..new_run("a", &[1])
        },
    ] {
        assert!(matches!(
            broker.submit(bad).await,
            Err(BrokerError::OutOfBounds {
                operation: "submit",
                ..
            })
        ));
    }
    assert!(broker.list().await.expect("list").is_empty());
    for bad in [
        ClaimRequest { max: 0, ..request(1) },
        ClaimRequest {
            max: 100_000,
            ..request(1)
        },
        ClaimRequest {
            kinds: Vec::new(),
            ..request(1)
        },
        ClaimRequest {
            kinds: vec![kind("a"); MAX_KINDS + 1],
            ..request(1)
        },
        ClaimRequest {
            lease_ms: 1,
            ..request(1)
        },
        ClaimRequest {
            wait: Duration::from_secs(3_600),
            ..request(1)
        },
    ] {
        assert!(matches!(
            broker.claim(bad).await,
            Err(BrokerError::OutOfBounds { operation: "claim", .. })
        ));
    }
}

/// No job of a stage is delivered before the stage ahead of it is complete; the run succeeds with its last.
pub async fn stages_open_in_order(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[3, 2]).await;
    let maps = claim(&*broker, 10).await;
    let mut indexes: Vec<_> = maps
        .iter()
        .map(|claim| (claim.job.stage.0, claim.job.index.0))
        .collect();
    indexes.sort_unstable();
    assert_eq!(indexes, [(0, 0), (0, 1), (0, 2)]);
    commit(&*broker, maps[1..].iter().map(Claim::held)).await;
    assert!(
        claim(&*broker, 10).await.is_empty(),
        "one job of the first stage is not done"
    );
    assert_eq!(commit_one(&*broker, &maps[0]).await, CommitOutcome::Committed);
    assert_eq!(summary(&*broker, run).await.open_stage.0, 1);
    for left in [2, 1] {
        assert_eq!(standing(&*broker, run).await, (RunState::Running, [5, 5 - left, 0]));
        let reduce = claim_one(&*broker).await;
        assert_eq!(reduce.job.stage.0, 1);
        assert_eq!(commit_one(&*broker, &reduce).await, CommitOutcome::Committed);
    }
    assert_eq!(standing(&*broker, run).await, (RunState::Succeeded, [5, 5, 0]));
    assert!(summary(&*broker, run).await.ended_at.is_some());
}

/// A stage without jobs holds nothing up, at the front, in the middle, or alone.
pub async fn stages_without_jobs_are_complete_at_once(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let empty = submit(&*broker, "empty", &[0]).await;
    assert_eq!(standing(&*broker, empty).await, (RunState::Succeeded, [0, 0, 0]));
    let run = submit(&*broker, "gaps", &[0, 1, 0, 1, 0]).await;
    for stage in [1, 3] {
        let claim = claim_one(&*broker).await;
        assert_eq!((claim.job.run, claim.job.stage.0), (run, stage));
        assert_eq!(commit_one(&*broker, &claim).await, CommitOutcome::Committed);
    }
    assert_eq!(standing(&*broker, run).await, (RunState::Succeeded, [2, 2, 0]));
}
