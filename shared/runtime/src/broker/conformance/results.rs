//! Results: written once by identity, found by it, and enough to commit another job that has the same.

use bytes::Bytes;
use tickfleet_protocol::{
    ids::Identity,
    limits::{MAX_BATCH, MAX_RESULT_BYTES},
};

use super::{
    Harness,
    kit::{claim, claim_one, commit_of, result_of, standing, submit},
};
use crate::broker::{BrokerError, Claim, Commit, CommitOutcome, RunState};

/// Takes a broker through every law of this module.
pub async fn run_all(harness: &dyn Harness) {
    results_are_found_by_identity(harness).await;
    the_first_result_stays(harness).await;
    a_known_result_commits_without_bytes(harness).await;
    results_go_with_the_last_run_that_has_them(harness).await;
    what_is_stored_is_told_without_moving_it(harness).await;
    results_are_kept_without_a_job(harness).await;
    many_results_come_in_order(harness).await;
}

fn commit_as(claim: &Claim, identity: Identity, result: Option<&'static [u8]>) -> Commit {
    Commit {
        job: claim.job,
        token: claim.token,
        identity,
        result: result.map(Bytes::from_static),
    }
}

/// Batched look-ups answer in order, with nothing for what is unknown; an empty result is one too.
pub async fn results_are_found_by_identity(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit(&*broker, "a", &[3]).await;
    let claims = claim(&*broker, 3).await;
    let empty = Identity([1; 32]);
    let batch = vec![
        commit_of(claims[0].held()),
        commit_as(&claims[1], empty, Some(b"")),
        commit_of(claims[2].held()),
    ];
    assert_eq!(
        broker.commit(batch).await.expect("commit"),
        [CommitOutcome::Committed; 3]
    );
    let (first, first_bytes) = result_of(claims[0].job);
    let (third, third_bytes) = result_of(claims[2].job);
    let found = broker
        .results(&[third, Identity([0; 32]), empty, first, first])
        .await
        .expect("results");
    let expected = [
        Some(third_bytes),
        None,
        Some(Bytes::new()),
        Some(first_bytes.clone()),
        Some(first_bytes),
    ];
    assert_eq!(found, expected);
    assert!(broker.results(&[]).await.expect("results").is_empty());
}

/// A second result under one identity changes nothing, in another batch or in the same.
pub async fn the_first_result_stays(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[3]).await;
    let claims = claim(&*broker, 3).await;
    let identity = Identity([5; 32]);
    let batch = vec![
        commit_as(&claims[0], identity, Some(b"one")),
        commit_as(&claims[1], identity, Some(b"two")),
    ];
    assert_eq!(
        broker.commit(batch).await.expect("commit"),
        [CommitOutcome::Committed; 2]
    );
    let third = vec![commit_as(&claims[2], identity, Some(b"three"))];
    assert_eq!(broker.commit(third).await.expect("commit"), [CommitOutcome::Committed]);
    assert_eq!(
        broker.result(identity).await.expect("result"),
        Some(Bytes::from_static(b"one"))
    );
    assert_eq!(standing(&*broker, run).await, (RunState::Succeeded, [3, 3, 0]));
}

/// A job whose result is stored is committed by naming it; where it is not stored, the claim stays.
pub async fn a_known_result_commits_without_bytes(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit(&*broker, "a", &[3]).await;
    let claims = claim(&*broker, 3).await;
    let (known, unknown) = (Identity([6; 32]), Identity([7; 32]));
    let batch = vec![
        commit_as(&claims[0], unknown, None),
        commit_as(&claims[1], known, Some(b"known")),
        commit_as(&claims[2], known, None),
    ];
    let outcomes = broker.commit(batch).await.expect("commit");
    assert_eq!(
        outcomes,
        [
            CommitOutcome::ResultMissing,
            CommitOutcome::Committed,
            CommitOutcome::Committed
        ]
    );
    let computed = vec![commit_as(&claims[0], unknown, Some(b"computed"))];
    assert_eq!(
        broker.commit(computed).await.expect("commit"),
        [CommitOutcome::Committed],
        "the claim is still live"
    );
    let again = vec![commit_as(&claims[0], Identity([8; 32]), None)];
    assert_eq!(
        broker.commit(again).await.expect("commit"),
        [CommitOutcome::AlreadyDone]
    );
    assert_eq!(
        broker.result(unknown).await.expect("result"),
        Some(Bytes::from_static(b"computed"))
    );
}

/// A look tells what is stored, in order, whoever stored it; an empty result is stored too.
pub async fn what_is_stored_is_told_without_moving_it(harness: &dyn Harness) {
    let broker = harness.broker().await;
    for key in ["a", "b"] {
        submit(&*broker, key, &[2]).await;
    }
    let claims = claim(&*broker, 3).await;
    let (empty, kept, unknown) = (Identity([1; 32]), Identity([2; 32]), Identity([3; 32]));
    let batch = vec![commit_of(claims[0].held()), commit_as(&claims[1], empty, Some(b""))];
    broker.commit(batch).await.expect("commit");
    broker
        .keep(vec![(kept, Bytes::from_static(b"kept"))])
        .await
        .expect("keep");
    let (first, _) = result_of(claims[0].job);
    let asked = [unknown, kept, first, empty, kept];
    assert_eq!(
        broker.stored(&asked).await.expect("stored"),
        [false, true, true, true, true]
    );
    assert!(broker.stored(&[]).await.expect("stored").is_empty());
    let too_many = vec![first; MAX_BATCH + 1];
    let refused = broker.stored(&too_many).await;
    assert!(
        matches!(
            refused,
            Err(BrokerError::OutOfBounds {
                operation: "stored",
                ..
            })
        ),
        "{refused:?}"
    );
}

/// A result that belongs to no job is found, stays as it came first, and commits a job that names it.
pub async fn results_are_kept_without_a_job(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let (one, two) = (Identity([1; 32]), Identity([2; 32]));
    let bytes = Bytes::from_static;
    broker
        .keep(vec![(one, bytes(b"one")), (one, bytes(b"other")), (two, bytes(b""))])
        .await
        .expect("keep");
    broker.keep(vec![(two, bytes(b"two"))]).await.expect("keep");
    broker.keep(Vec::new()).await.expect("keep");
    let found = broker.results(&[two, one]).await.expect("results");
    assert_eq!(found, [Some(bytes(b"")), Some(bytes(b"one"))]);
    let run = submit(&*broker, "a", &[2]).await;
    let claims = claim(&*broker, 2).await;
    let batch = vec![commit_as(&claims[0], one, None), commit_as(&claims[1], two, Some(b""))];
    assert_eq!(
        broker.commit(batch).await.expect("commit"),
        [CommitOutcome::Committed; 2]
    );
    assert_eq!(standing(&*broker, run).await, (RunState::Succeeded, [2, 2, 0]));
    assert_eq!(broker.results(&[two, one]).await.expect("results"), found);
    let too_long = Bytes::from(vec![0; MAX_RESULT_BYTES + 1]);
    let refused = broker.keep(vec![(two, too_long)]).await;
    assert!(
        matches!(refused, Err(BrokerError::OutOfBounds { operation: "keep", .. })),
        "{refused:?}"
    );
}

/// A whole batch of results of several runs, some megabytes together, comes in the order asked for.
pub async fn many_results_come_in_order(harness: &dyn Harness) {
    let broker = harness.broker().await;
    for key in ["a", "b", "c"] {
        submit(&*broker, key, &[100]).await;
    }
    let identity = |job| result_of(job).0;
    let of = |claim: &Claim| Commit {
        result: Some(Bytes::from(vec![claim.job.index.0 as u8; 20_000])),
        ..commit_of(claim.held())
    };
    let mut jobs = Vec::new();
    for _ in 0..10 {
        let claims = claim(&*broker, 25).await;
        broker.commit(claims.iter().map(of).collect()).await.expect("commit");
        jobs.extend(claims.iter().map(|claim| claim.job));
    }
    let mut asked: Vec<Identity> = jobs.iter().map(|&job| identity(job)).collect();
    asked.insert(100, Identity([0; 32]));
    let found = broker.results(&asked).await.expect("results");
    assert_eq!(found[100], None);
    let found = found.into_iter().flatten();
    let expected = jobs.iter().map(|job| vec![job.index.0 as u8; 20_000]);
    assert!(found.eq(expected), "each job has its own");
}

/// A result outlives the run that computed it where another committed it too.
pub async fn results_go_with_the_last_run_that_has_them(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let identity = Identity([9; 32]);
    let computing = submit(&*broker, "a", &[1]).await;
    let commit = commit_as(&claim_one(&*broker).await, identity, Some(b"shared"));
    broker.commit(vec![commit]).await.expect("commit");
    let probing = submit(&*broker, "b", &[1]).await;
    let commit = commit_as(&claim_one(&*broker).await, identity, None);
    assert_eq!(
        broker.commit(vec![commit]).await.expect("commit"),
        [CommitOutcome::Committed]
    );
    assert_eq!(standing(&*broker, probing).await, (RunState::Succeeded, [1, 1, 0]));
    broker.forget(computing).await.expect("forget");
    assert_eq!(
        broker.result(identity).await.expect("result"),
        Some(Bytes::from_static(b"shared"))
    );
}
