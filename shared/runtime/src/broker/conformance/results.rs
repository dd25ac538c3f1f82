//! Results: written once by identity, found by it, and enough to commit another job that has the same.

use bytes::Bytes;
use tickfleet_protocol::ids::Identity;

use super::{
    Harness,
    kit::{claim, claim_one, commit_of, result_of, standing, submit},
};
use crate::broker::{Claim, Commit, CommitOutcome, RunState};

/// Takes a broker through every law of this module.
pub async fn run_all(harness: &dyn Harness) {
    results_are_found_by_identity(harness).await;
    the_first_result_stays(harness).await;
    a_known_result_commits_without_bytes(harness).await;
    results_go_with_the_last_run_that_has_them(harness).await;
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
