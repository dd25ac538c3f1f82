//! Delivery: fair between runs, fenced by tokens, leased in time, and waited for without being missed.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tickfleet_protocol::ids::{JobIndex, JobRef, Token};

use super::{
    Harness, LEASE_MS,
    kit::{
        advance_ms, begin, claim, claim_one, commit, commit_of, commit_one, fail_one, finish, in_time, new_run,
        outlive_backoffs, outlive_leases, request, standing, submit, worker,
    },
};
use crate::broker::{Broker, Claim, ClaimRequest, CommitOutcome, FailOutcome, Held, NewRun, RunState};

/// Takes a broker through every law of this module.
pub async fn run_all(harness: &dyn Harness) {
    a_small_run_is_not_starved_by_a_big_one(harness).await;
    a_late_run_gets_its_share_and_no_more(harness).await;
    weights_share_the_workers(harness).await;
    each_delivery_has_a_token_of_its_own(harness).await;
    only_the_live_token_counts(harness).await;
    a_lease_that_ends_fences_its_worker(harness).await;
    a_beat_keeps_what_is_live_and_names_the_rest(harness).await;
    batches_answer_item_by_item(harness).await;
    handing_back_charges_nothing(harness).await;
    a_waiting_claim_wakes_on_submit(harness).await;
    a_waiting_claim_wakes_on_a_stage_and_on_a_hand_back(harness).await;
    a_waiting_claim_ends_empty(harness).await;
    a_waiting_claim_gets_the_job_of_a_lost_worker(harness).await;
    a_waiting_claim_hears_of_a_retry_that_is_due_sooner(harness).await;
    a_dropped_call_loses_nothing(harness).await;
    racing_workers_share_every_job_once(harness).await;
}

/// Three jobs that come after a hundred thousand are delivered among the next few.
pub async fn a_small_run_is_not_starved_by_a_big_one(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit(&*broker, "big", &[100_000]).await;
    assert_eq!(claim(&*broker, 50).await.len(), 50);
    let small = submit(&*broker, "small", &[3]).await;
    let mut of_small = 0;
    for _ in 0..8 {
        of_small += usize::from(claim_one(&*broker).await.job.run == small);
    }
    assert_eq!(of_small, 3, "of the next eight deliveries");
}

/// A run that comes late makes up for nothing: from then on the two alternate.
pub async fn a_late_run_gets_its_share_and_no_more(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit(&*broker, "early", &[1_000]).await;
    for _ in 0..10 {
        assert_eq!(claim(&*broker, 20).await.len(), 20);
    }
    let late = submit(&*broker, "late", &[1_000]).await;
    let mut of_late = 0;
    for _ in 0..40 {
        of_late += usize::from(claim_one(&*broker).await.job.run == late);
    }
    assert!(
        (15..=25).contains(&of_late),
        "{of_late} of 40 deliveries for half of the weight"
    );
}

/// Runs that both have jobs waiting are served by their weights.
pub async fn weights_share_the_workers(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let light = broker
        .submit(NewRun {
            weight: 1,
            ..new_run("light", &[1_000])
        })
        .await
        .expect("submit")
        .run;
    broker
        .submit(NewRun {
            weight: 3,
            ..new_run("heavy", &[1_000])
        })
        .await
        .expect("submit");
    let mut of_light = 0;
    for _ in 0..10 {
        of_light += claim(&*broker, 20)
            .await
            .iter()
            .filter(|claim| claim.job.run == light)
            .count();
    }
    assert!(
        (45..=55).contains(&of_light),
        "{of_light} of 200 deliveries for a quarter of the weight"
    );
}

/// Tokens differ between jobs and between deliveries of one job.
pub async fn each_delivery_has_a_token_of_its_own(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit(&*broker, "a", &[20]).await;
    let mut tokens = BTreeSet::new();
    for _ in 0..5 {
        let claims = claim(&*broker, 20).await;
        assert_eq!(claims.len(), 20);
        tokens.extend(claims.iter().map(|claim| claim.token));
        broker
            .hand_back(&claims.iter().map(Claim::held).collect::<Vec<_>>())
            .await
            .expect("hand back");
    }
    assert_eq!(tokens.len(), 100);
}

/// A forged token can't commit, fail, renew or return a job; a commit sent again says that it was done.
pub async fn only_the_live_token_counts(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[1]).await;
    let claim = claim_one(&*broker).await;
    let forged = Claim {
        token: Token(claim.token.0 ^ 1),
        ..claim.clone()
    };
    assert_eq!(commit_one(&*broker, &forged).await, CommitOutcome::Lost);
    assert_eq!(fail_one(&*broker, &forged, true).await, FailOutcome::Lost);
    assert_eq!(
        broker.beat(&[forged.held()], LEASE_MS).await.expect("beat"),
        [forged.token]
    );
    broker.hand_back(&[forged.held()]).await.expect("hand back");
    let (identity, result) = super::kit::result_of(claim.job);
    assert_eq!(commit_one(&*broker, &claim).await, CommitOutcome::Committed);
    assert_eq!(broker.result(identity).await.expect("result"), Some(result));
    assert_eq!(commit_one(&*broker, &claim).await, CommitOutcome::AlreadyDone);
    assert_eq!(commit_one(&*broker, &forged).await, CommitOutcome::AlreadyDone);
    assert_eq!(fail_one(&*broker, &claim, true).await, FailOutcome::Lost);
    assert_eq!(standing(&*broker, run).await, (RunState::Succeeded, [1, 1, 0]));
}

/// A worker whose lease ended is refused, before and after its job went to another.
pub async fn a_lease_that_ends_fences_its_worker(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[1]).await;
    let stale = claim_one(&*broker).await;
    advance_ms(harness, LEASE_MS - 10_000).await;
    assert!(claim(&*broker, 1).await.is_empty(), "the lease has not ended");
    outlive_leases(harness).await;
    assert_eq!(commit_one(&*broker, &stale).await, CommitOutcome::Lost);
    let claim = claim_one(&*broker).await;
    assert_eq!((claim.job, claim.attempts, claim.kills), (stale.job, 0, 1));
    assert_eq!(commit_one(&*broker, &stale).await, CommitOutcome::Lost);
    assert_eq!(
        broker.beat(&[stale.held()], LEASE_MS).await.expect("beat"),
        [stale.token]
    );
    assert_eq!(commit_one(&*broker, &claim).await, CommitOutcome::Committed);
    assert_eq!(standing(&*broker, run).await, (RunState::Succeeded, [1, 1, 0]));
}

/// Beats carry a claim past any number of leases; those that came too late are named.
pub async fn a_beat_keeps_what_is_live_and_names_the_rest(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit(&*broker, "a", &[2]).await;
    let claims = claim(&*broker, 2).await;
    for round in 0..4 {
        advance_ms(harness, LEASE_MS - 10_000).await;
        let held = if round == 0 {
            vec![claims[0].held(), claims[1].held()]
        } else {
            vec![claims[0].held()]
        };
        assert!(broker.beat(&held, LEASE_MS).await.expect("beat").is_empty());
    }
    let both = [claims[1].held(), claims[0].held()];
    assert_eq!(broker.beat(&both, LEASE_MS).await.expect("beat"), [claims[1].token]);
    assert_eq!(commit_one(&*broker, &claims[0]).await, CommitOutcome::Committed);
}

/// In a batch each item has its own outcome, in order, and the bad ones spoil none.
pub async fn batches_answer_item_by_item(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[4]).await;
    let claims = claim(&*broker, 4).await;
    broker.hand_back(&[claims[2].held()]).await.expect("hand back");
    let forged = Held {
        token: Token(7),
        ..claims[1].held()
    };
    let beyond = Held {
        job: JobRef {
            index: JobIndex(99),
            ..claims[1].job
        },
        token: claims[1].token,
    };
    let mut batch: Vec<_> = [
        claims[0].held(),
        forged,
        claims[2].held(),
        claims[0].held(),
        beyond,
        claims[3].held(),
    ]
    .into();
    let outcomes = commit(&*broker, batch.iter().copied()).await;
    use CommitOutcome::{AlreadyDone, Committed, Lost};
    assert_eq!(outcomes, [Committed, Lost, Lost, AlreadyDone, Lost, Committed]);
    batch.truncate(0);
    assert!(commit(&*broker, batch).await.is_empty(), "an empty batch is one too");
    assert_eq!(standing(&*broker, run).await, (RunState::Running, [4, 2, 0]));
}

/// A job handed back is available at once, its counters as before.
pub async fn handing_back_charges_nothing(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit(&*broker, "a", &[1]).await;
    for _ in 0..5 {
        let claim = claim_one(&*broker).await;
        assert_eq!((claim.attempts, claim.kills, claim.solo), (0, 0, false));
        broker.hand_back(&[claim.held()]).await.expect("hand back");
        assert_eq!(commit_one(&*broker, &claim).await, CommitOutcome::Lost);
    }
}

fn patient(name: &str) -> ClaimRequest {
    ClaimRequest {
        worker: worker(name),
        wait: Duration::from_secs(30),
        ..request(5)
    }
}

/// A claim that waits gets the job of a run submitted meanwhile.
pub async fn a_waiting_claim_wakes_on_submit(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let waiting = Arc::clone(&broker);
    let task = begin(async move { waiting.claim(patient("w2")).await }).await;
    let run = submit(&*broker, "a", &[1]).await;
    let claims = finish(task).await.expect("claim");
    assert_eq!(claims.iter().map(|claim| claim.job.run).collect::<Vec<_>>(), [run]);
}

/// A claim that waits gets jobs of a stage that opens, and jobs that are handed back.
pub async fn a_waiting_claim_wakes_on_a_stage_and_on_a_hand_back(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit(&*broker, "a", &[1, 1]).await;
    let map = claim_one(&*broker).await;
    let waiting = Arc::clone(&broker);
    let task = begin(async move { waiting.claim(patient("w2")).await }).await;
    assert_eq!(commit_one(&*broker, &map).await, CommitOutcome::Committed);
    let reduce = finish(task).await.expect("claim").pop().expect("the reduce");
    assert_eq!(reduce.job.stage.0, 1);
    let waiting = Arc::clone(&broker);
    let task = begin(async move { waiting.claim(patient("w3")).await }).await;
    broker.hand_back(&[reduce.held()]).await.expect("hand back");
    assert_eq!(finish(task).await.expect("claim").len(), 1);
}

/// A claim that waits in vain gives an empty list in the end.
pub async fn a_waiting_claim_ends_empty(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let request = ClaimRequest {
        wait: Duration::from_millis(300),
        ..request(1)
    };
    assert!(in_time(harness, broker.claim(request)).await.expect("claim").is_empty());
}

/// A claim that waits gets a job whose lease ends and one whose retry is due, though nobody calls.
pub async fn a_waiting_claim_gets_the_job_of_a_lost_worker(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit(&*broker, "a", &[1]).await;
    let first = claim_one(&*broker).await;
    let claim = in_time(harness, claim_patiently(&*broker)).await;
    assert_eq!((claim.job, claim.kills), (first.job, 1));
    assert!(matches!(
        fail_one(&*broker, &claim, true).await,
        FailOutcome::Retry { .. }
    ));
    let again = in_time(harness, claim_patiently(&*broker)).await;
    assert_eq!((again.job, again.attempts, again.kills), (first.job, 1, 1));
}

/// A claim that waits, with nothing due before the end of a lease, gets a job that fails meanwhile when its retry is.
pub async fn a_waiting_claim_hears_of_a_retry_that_is_due_sooner(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit(&*broker, "a", &[1]).await;
    let first = claim_one(&*broker).await;
    let waiting = Arc::clone(&broker);
    let task = begin(async move { waiting.claim(patient("w2")).await }).await;
    fail_one(&*broker, &first, true).await;
    outlive_backoffs(harness).await;
    let claims = finish(task).await.expect("claim");
    assert_eq!(
        claims
            .iter()
            .map(|claim| (claim.job, claim.attempts))
            .collect::<Vec<_>>(),
        [(first.job, 1)]
    );
}

async fn claim_patiently(broker: &dyn Broker) -> Claim {
    loop {
        if let Some(claim) = broker.claim(patient("w2")).await.expect("claim").pop() {
            return claim;
        }
    }
}

/// A caller that goes away while it waits takes no job along.
pub async fn a_dropped_call_loses_nothing(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let waiting = Arc::clone(&broker);
    let task = begin(async move { waiting.claim(patient("w2")).await }).await;
    task.abort();
    assert!(task.await.is_err_and(|error| error.is_cancelled()));
    submit(&*broker, "a", &[1]).await;
    assert_eq!(claim(&*broker, 1).await.len(), 1);
}

/// Workers that claim and commit side by side do every job, and none twice.
pub async fn racing_workers_share_every_job_once(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[400, 100]).await;
    let workers = (0..4).map(|n| tokio::spawn(work(Arc::clone(&broker), format!("w{n}"), n + 1)));
    let mut jobs = BTreeSet::new();
    for worker in workers.collect::<Vec<_>>() {
        for job in finish(worker).await {
            assert!(jobs.insert(job), "{job} was committed twice");
        }
    }
    assert_eq!(jobs.len(), 500);
    assert_eq!(standing(&*broker, run).await, (RunState::Succeeded, [500, 500, 0]));
}

/// Claims and commits, at most `max` at a time, until every run is over; gives what it committed.
async fn work(broker: Arc<dyn Broker>, name: String, max: usize) -> Vec<JobRef> {
    let mut committed = Vec::new();
    while broker
        .list()
        .await
        .expect("list")
        .iter()
        .any(|run| !run.state.is_ended())
    {
        let request = ClaimRequest {
            worker: worker(&name),
            ..request(max)
        };
        let claims = broker.claim(request).await.expect("claim");
        tokio::task::yield_now().await;
        let batch = claims.iter().map(|claim| commit_of(claim.held())).collect();
        for (claim, outcome) in claims.iter().zip(broker.commit(batch).await.expect("commit")) {
            assert_eq!(outcome, CommitOutcome::Committed, "{name} {}", claim.job);
            committed.push(claim.job);
        }
    }
    committed
}
