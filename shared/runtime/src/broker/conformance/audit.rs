//! Audit: a run is proved in every state it can be in, and looking changes nothing.

use tickfleet_protocol::{
    ids::{Millis, RunId},
    state::Census,
};

use super::{
    Harness,
    kit::{claim, commit, fail_one, outlive_backoffs, outlive_leases, submit},
};
use crate::broker::{Broker, BrokerError, Claim, Sweep};

/// Takes a broker through every law of this module.
pub async fn run_all(harness: &dyn Harness) {
    every_job_is_in_one_place(harness).await;
    ended_runs_are_proved_too(harness).await;
    a_run_that_there_is_not_is_unknown(harness).await;
}

/// The census of a run in which nothing is wrong, whether it is to be mended or not.
async fn census(broker: &dyn Broker, run: RunId) -> Census {
    let mended = broker.audit(run, true).await.expect("audit");
    let audit = broker.audit(run, false).await.expect("audit");
    assert_eq!((&*audit.faults, audit.unlisted, audit.run), (&[][..], 0, run));
    assert_eq!(audit, mended);
    assert_eq!(broker.sweep(true).await.expect("sweep"), Sweep::default());
    audit.census
}

/// What was not delivered, came back, is held, delayed, dead and done adds up over all stages.
pub async fn every_job_is_in_one_place(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[10, 3]).await;
    let mut expected = Census {
        unfed: 13,
        ..Census::default()
    };
    assert_eq!(census(&*broker, run).await, expected);
    let claims = claim(&*broker, 8).await;
    commit(&*broker, claims[..3].iter().map(Claim::held)).await;
    fail_one(&*broker, &claims[3], true).await;
    fail_one(&*broker, &claims[4], false).await;
    broker.hand_back(&[claims[5].held()]).await.expect("hand back");
    expected = Census {
        unfed: 5,
        ready: 1,
        claimed: 2,
        delayed: 1,
        dead: 1,
        done: 3,
    };
    assert_eq!(census(&*broker, run).await, expected);
    outlive_leases(harness).await;
    broker.run(run).await.expect("run");
    expected = Census {
        ready: 4,
        claimed: 0,
        delayed: 0,
        ..expected
    };
    assert_eq!(census(&*broker, run).await, expected);
    broker.drop_dead(run, None).await.expect("drop");
    assert_eq!(census(&*broker, run).await, expected, "a dropped job is dead for good");
}

/// A run that was cancelled keeps what it had; one that succeeded has only done jobs.
pub async fn ended_runs_are_proved_too(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[2, 1]).await;
    for _ in 0..2 {
        let claims = claim(&*broker, 9).await;
        commit(&*broker, claims.iter().map(Claim::held)).await;
    }
    let succeeded = Census {
        done: 3,
        ..Census::default()
    };
    assert_eq!(census(&*broker, run).await, succeeded);
    let run = submit(&*broker, "b", &[5]).await;
    let claims = claim(&*broker, 3).await;
    fail_one(&*broker, &claims[0], true).await;
    broker.cancel(run).await.expect("cancel");
    outlive_backoffs(harness).await;
    let cancelled = Census {
        unfed: 2,
        claimed: 2,
        delayed: 1,
        ..Census::default()
    };
    assert_eq!(census(&*broker, run).await, cancelled);
}

/// There is no audit of a run that there is not.
pub async fn a_run_that_there_is_not_is_unknown(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[1]).await;
    broker.cancel(run).await.expect("cancel");
    broker.forget(run).await.expect("forget");
    for run in [run, RunId::from_parts(Millis(1), [1; 10])] {
        let refused = broker.audit(run, true).await;
        assert!(
            matches!(refused, Err(BrokerError::UnknownRun { operation: "audit", .. })),
            "{refused:?}"
        );
    }
}
