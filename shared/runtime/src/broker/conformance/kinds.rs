//! Kinds: a worker gets jobs that it can compute and no others, and those it can compute share it fairly.

use std::{sync::Arc, time::Duration};

use tickfleet_protocol::ids::RunId;

use super::{
    Harness,
    kit::{begin, commit_one, finish, in_time, kind, new_run, request, standing, submit, summary},
};
use crate::broker::{Broker, Claim, ClaimRequest, CommitOutcome, NewRun, RunState};

/// Takes a broker through every law of this module.
pub async fn run_all(harness: &dyn Harness) {
    kind_and_trace_are_kept(harness).await;
    jobs_are_left_to_those_who_compute_them(harness).await;
    a_small_run_of_another_kind_is_not_starved(harness).await;
    weights_share_the_workers_between_kinds(harness).await;
    a_kind_that_was_left_behind_gets_its_share_and_no_more(harness).await;
    a_waiting_claim_wakes_on_its_kinds_only(harness).await;
    a_claim_of_several_kinds_wakes_on_each(harness).await;
}

async fn submit_as(broker: &dyn Broker, name: &str, weight: u32, jobs: u64) -> RunId {
    let run = NewRun {
        kind: kind(name),
        weight,
        ..new_run(&format!("{name}-{weight}"), &[jobs])
    };
    broker.submit(run).await.expect("submit").run
}

fn request_of(names: &[&str], max: usize) -> ClaimRequest {
    ClaimRequest {
        kinds: names.iter().map(|name| kind(name)).collect(),
        ..request(max)
    }
}

async fn claim_of(broker: &dyn Broker, names: &[&str], max: usize) -> Vec<Claim> {
    broker.claim(request_of(names, max)).await.expect("claim")
}

fn count(claims: &[Claim], run: RunId) -> usize {
    claims.iter().filter(|claim| claim.job.run == run).count()
}

/// A run is read with the kind and the trace that it was submitted with, alone and in the list.
pub async fn kind_and_trace_are_kept(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let trace = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    let traced = NewRun {
        kind: kind("b"),
        trace: trace.clone(),
        ..new_run("traced", &[1])
    };
    let traced = broker.submit(traced).await.expect("submit").run;
    let plain = submit(&*broker, "plain", &[1]).await;
    for (run, expected) in [(traced, (kind("b"), trace)), (plain, (kind("a"), None))] {
        let listed = broker.list().await.expect("list");
        let listed = listed.into_iter().find(|listed| listed.run == run).expect("it is kept");
        for seen in [listed, summary(&*broker, run).await] {
            assert_eq!((seen.kind, seen.trace), expected);
        }
    }
}

/// A claim delivers jobs of the kinds that it names; other jobs are there for others, as if it had not been made.
pub async fn jobs_are_left_to_those_who_compute_them(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let (first, second) = (
        submit_as(&*broker, "a", 1, 2).await,
        submit_as(&*broker, "b", 1, 2).await,
    );
    assert!(claim_of(&*broker, &["c", "d"], 9).await.is_empty());
    let claims = claim_of(&*broker, &["a", "c"], 9).await;
    assert_eq!((claims.len(), count(&claims, first)), (2, 2));
    broker.hand_back(&[claims[0].held()]).await.expect("hand back");
    let claims = claim_of(&*broker, &["b"], 9).await;
    assert_eq!((claims.len(), count(&claims, second)), (2, 2));
    for claim in &claims {
        assert_eq!(commit_one(&*broker, claim).await, CommitOutcome::Committed);
    }
    assert_eq!(standing(&*broker, second).await, (RunState::Succeeded, [2, 2, 0]));
    let claims = claim_of(&*broker, &["b", "a", "a", "b"], 9).await;
    assert_eq!(
        (claims.len(), count(&claims, first)),
        (1, 1),
        "a kind may be named twice"
    );
}

/// Three jobs of one kind that come after a hundred thousand of another are among the next few of who computes both.
pub async fn a_small_run_of_another_kind_is_not_starved(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit_as(&*broker, "a", 1, 100_000).await;
    assert_eq!(claim_of(&*broker, &["a"], 200).await.len(), 200);
    let small = submit_as(&*broker, "b", 1, 3).await;
    let mut of_small = 0;
    for _ in 0..8 {
        of_small += count(&claim_of(&*broker, &["a", "b"], 1).await, small);
    }
    assert_eq!(of_small, 3, "of the next eight deliveries");
}

/// Who computes several kinds is shared by the weights of their runs.
pub async fn weights_share_the_workers_between_kinds(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let light = submit_as(&*broker, "a", 1, 1_000).await;
    submit_as(&*broker, "b", 3, 1_000).await;
    let mut of_light = 0;
    for _ in 0..10 {
        of_light += count(&claim_of(&*broker, &["a", "b"], 20).await, light);
    }
    assert!(
        (45..=55).contains(&of_light),
        "{of_light} of 200 deliveries for a quarter of the weight"
    );
}

/// A kind that had fewer workers makes up for nothing when it gets more: from then on the two alternate.
pub async fn a_kind_that_was_left_behind_gets_its_share_and_no_more(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit_as(&*broker, "a", 1, 5_000).await;
    let behind = submit_as(&*broker, "b", 1, 5_000).await;
    for _ in 0..50 {
        // So few that each is a turn of its own: of a larger claim one turn may be made up for.
        claim_of(&*broker, &["a"], 15).await;
        claim_of(&*broker, &["b"], 1).await;
    }
    let mut of_behind = 0;
    for _ in 0..40 {
        of_behind += count(&claim_of(&*broker, &["b", "a"], 1).await, behind);
    }
    assert!((18..=22).contains(&of_behind), "{of_behind} of 40 deliveries");
}

/// A claim that waits is woken by a run of its kind, and gets nothing of a run that is not.
pub async fn a_waiting_claim_wakes_on_its_kinds_only(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let waiting = Arc::clone(&broker);
    let patient = ClaimRequest {
        wait: Duration::from_secs(30),
        ..request_of(&["b"], 5)
    };
    let task = begin(async move { waiting.claim(patient).await }).await;
    let other = submit_as(&*broker, "a", 1, 1).await;
    let run = submit_as(&*broker, "b", 1, 1).await;
    let claims = finish(task).await.expect("claim");
    assert_eq!((claims.len(), count(&claims, run)), (1, 1));
    let brief = ClaimRequest {
        wait: Duration::from_millis(300),
        ..request_of(&["b"], 5)
    };
    assert!(in_time(harness, broker.claim(brief)).await.expect("claim").is_empty());
    assert_eq!(count(&claim_of(&*broker, &["a"], 5).await, other), 1);
}

/// A claim that waits for several kinds is woken by a run of each.
pub async fn a_claim_of_several_kinds_wakes_on_each(harness: &dyn Harness) {
    let broker = harness.broker().await;
    for name in ["c", "a", "b"] {
        let waiting = Arc::clone(&broker);
        let patient = ClaimRequest {
            wait: Duration::from_secs(30),
            ..request_of(&["b", "c", "a"], 5)
        };
        let task = begin(async move { waiting.claim(patient).await }).await;
        let run = submit_as(&*broker, name, 1, 1).await;
        assert_eq!(count(&finish(task).await.expect("claim"), run), 1);
    }
}
