//! How a run ends before its time: cancelled, past its deadline, forgotten; and what is answered about runs unknown.

use tickfleet_protocol::ids::{EventId, JobIndex, JobRef, Millis, RunId, StageIndex, Token};

use super::{
    Harness, LEASE_MS,
    kit::{claim, claim_one, commit_one, fail_one, new_run, outlive_leases, standing, submit, summary},
};
use crate::broker::{BrokerError, Claim, CommitOutcome, FailOutcome, Held, NewRun, RunState};

/// Takes a broker through every law of this module.
pub async fn run_all(harness: &dyn Harness) {
    cancel_is_at_once_whatever_the_size(harness).await;
    cancel_spares_the_other_runs(harness).await;
    a_deadline_ends_the_run(harness).await;
    ended_runs_are_forgotten_on_demand(harness).await;
    unknown_runs_are_named(harness).await;
}

/// After cancelling a million-job run nothing of it is delivered, and what is held is lost.
pub async fn cancel_is_at_once_whatever_the_size(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[1_000_000]).await;
    let claims = claim(&*broker, 100).await;
    assert!(broker.cancel(run).await.expect("cancel"));
    assert!(claim(&*broker, 1).await.is_empty());
    assert_eq!(commit_one(&*broker, &claims[0]).await, CommitOutcome::Lost);
    assert_eq!(fail_one(&*broker, &claims[1], true).await, FailOutcome::Lost);
    let held: Vec<Held> = claims.iter().map(Claim::held).collect();
    assert_eq!(broker.beat(&held, LEASE_MS).await.expect("beat").len(), 100);
    broker.hand_back(&held).await.expect("hand back");
    outlive_leases(harness).await;
    assert!(claim(&*broker, 1).await.is_empty());
    assert_eq!(standing(&*broker, run).await, (RunState::Cancelled, [1_000_000, 0, 0]));
    assert!(!broker.cancel(run).await.expect("cancel"), "it was over");
    assert!(matches!(
        broker.replay_dead(run, None).await,
        Err(BrokerError::RunOver { .. })
    ));
}

/// Cancelling one run leaves another's jobs and claims alone.
pub async fn cancel_spares_the_other_runs(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let other = submit(&*broker, "other", &[2]).await;
    let held = claim_one(&*broker).await;
    let doomed = submit(&*broker, "doomed", &[10]).await;
    broker.cancel(doomed).await.expect("cancel");
    assert_eq!(commit_one(&*broker, &held).await, CommitOutcome::Committed);
    let rest = claim(&*broker, 10).await;
    assert_eq!(rest.iter().map(|claim| claim.job.run).collect::<Vec<_>>(), [other]);
}

/// A run that is past its deadline is over, also for those who hold its jobs.
pub async fn a_deadline_ends_the_run(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let probe = submit(&*broker, "probe", &[0]).await;
    let now = summary(&*broker, probe).await.submitted_at;
    let late = NewRun {
        deadline: Some(now.plus_ms(LEASE_MS - 10_000)),
        ..new_run("late", &[2])
    };
    let run = broker.submit(late).await.expect("submit").run;
    let held = claim_one(&*broker).await;
    outlive_leases(harness).await;
    assert!(claim(&*broker, 1).await.is_empty());
    assert_eq!(commit_one(&*broker, &held).await, CommitOutcome::Lost);
    assert_eq!(standing(&*broker, run).await, (RunState::DeadlineExceeded, [2, 0, 0]));
}

/// An ended run can be forgotten, and then its key is free; one that runs can't.
pub async fn ended_runs_are_forgotten_on_demand(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[1]).await;
    assert!(matches!(broker.forget(run).await, Err(BrokerError::RunActive { .. })));
    broker.cancel(run).await.expect("cancel");
    broker.forget(run).await.expect("forget");
    assert_eq!(broker.run(run).await.expect("run"), None);
    assert!(broker.list().await.expect("list").is_empty());
    assert_ne!(submit(&*broker, "a", &[1]).await, run);
}

/// Calls about a run that there is not say so; claims of one are lost.
pub async fn unknown_runs_are_named(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = RunId::from_parts(Millis(1), [9; 10]);
    let unknown = |error: BrokerError| matches!(error, BrokerError::UnknownRun { run: named, .. } if named == run);
    assert!(broker.cancel(run).await.is_err_and(unknown));
    assert!(broker.dead(run).await.is_err_and(unknown));
    assert!(broker.replay_dead(run, None).await.is_err_and(unknown));
    assert!(broker.drop_dead(run, None).await.is_err_and(unknown));
    assert!(broker.forget(run).await.is_err_and(unknown));
    let wait = std::time::Duration::from_secs(1);
    assert!(broker.events(run, EventId::START, wait).await.is_err_and(unknown));
    assert_eq!(broker.run(run).await.expect("run"), None);
    let job = JobRef {
        run,
        stage: StageIndex(0),
        index: JobIndex(0),
    };
    let claim = Claim {
        job,
        token: Token(1),
        attempts: 0,
        kills: 0,
        solo: false,
        lease_until: Millis(0),
    };
    assert_eq!(commit_one(&*broker, &claim).await, CommitOutcome::Lost);
    assert_eq!(fail_one(&*broker, &claim, true).await, FailOutcome::Lost);
    assert_eq!(broker.beat(&[claim.held()], LEASE_MS).await.expect("beat"), [Token(1)]);
}
