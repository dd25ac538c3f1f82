//! Failure: attempts and kills are counted apart, retried late, given up at a limit, and kept to be looked at.

use tickfleet_protocol::{
    ids::{JobIndex, RunId},
    limits::{KILLS_BEFORE_SOLO, MAX_DEAD_PER_RUN, MAX_REASON_BYTES},
};

use super::{
    Harness,
    kit::{RETRY, claim, claim_one, commit_one, fail_one, outlive_backoffs, outlive_leases, standing, submit, summary},
};
use crate::broker::{Broker, BrokerError, Claim, CommitOutcome, DeadCause, FailOutcome, Failure, RunState};

/// Takes a broker through every law of this module.
pub async fn run_all(harness: &dyn Harness) {
    failures_are_retried_after_a_backoff(harness).await;
    attempts_and_kills_are_counted_apart(harness).await;
    lost_workers_make_a_job_solo_and_then_dead(harness).await;
    a_hopeless_job_is_dead_at_once_and_the_others_still_run(harness).await;
    dead_letters_say_what_happened(harness).await;
    replayed_jobs_start_clean(harness).await;
    dropped_jobs_stay_failed(harness).await;
    too_many_dead_jobs_end_the_run(harness).await;
}

/// A failed job waits out its delay, and is dead at the attempt limit.
pub async fn failures_are_retried_after_a_backoff(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[1, 1]).await;
    let submitted_at = summary(&*broker, run).await.submitted_at;
    for attempts in 1..RETRY.max_attempts {
        let job = claim_one(&*broker).await;
        assert_eq!((job.attempts, job.kills), (attempts - 1, 0));
        let FailOutcome::Retry { at } = fail_one(&*broker, &job, true).await else {
            panic!("attempt {attempts} is not the last")
        };
        assert!(
            at >= submitted_at.plus_ms(RETRY.delay_ms(&job.job, attempts)),
            "{at:?} is too early"
        );
        assert!(claim(&*broker, 1).await.is_empty(), "the retry is not due");
        outlive_backoffs(harness).await;
    }
    let last = claim_one(&*broker).await;
    assert_eq!(fail_one(&*broker, &last, true).await, FailOutcome::Dead);
    assert_eq!(standing(&*broker, run).await, (RunState::Failed, [2, 0, 1]));
    assert!(claim(&*broker, 1).await.is_empty(), "the next stage does not open");
}

/// A failure charges no kill, a lost worker no attempt, and neither resets the other.
pub async fn attempts_and_kills_are_counted_apart(harness: &dyn Harness) {
    let broker = harness.broker().await;
    submit(&*broker, "a", &[1]).await;
    let counters = |claim: &Claim| (claim.attempts, claim.kills);
    let first = claim_one(&*broker).await;
    assert_eq!(counters(&first), (0, 0));
    fail_one(&*broker, &first, true).await;
    outlive_backoffs(harness).await;
    assert_eq!(counters(&claim_one(&*broker).await), (1, 0));
    outlive_leases(harness).await;
    let third = claim_one(&*broker).await;
    assert_eq!(counters(&third), (1, 1));
    fail_one(&*broker, &third, true).await;
    outlive_backoffs(harness).await;
    let fourth = claim_one(&*broker).await;
    assert_eq!(counters(&fourth), (2, 1));
    assert_eq!(commit_one(&*broker, &fourth).await, CommitOutcome::Committed);
}

/// Two lost workers make the job solo; at the kill limit it is dead.
pub async fn lost_workers_make_a_job_solo_and_then_dead(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[1]).await;
    for kills in 0..RETRY.max_kills {
        let claim = claim_one(&*broker).await;
        assert_eq!((claim.kills, claim.solo), (kills, kills >= KILLS_BEFORE_SOLO));
        outlive_leases(harness).await;
    }
    assert!(claim(&*broker, 1).await.is_empty());
    let letters = broker.dead(run).await.expect("dead");
    assert_eq!(
        (letters.len(), letters[0].cause, letters[0].kills),
        (1, DeadCause::WorkersLost, RETRY.max_kills)
    );
    assert_eq!(standing(&*broker, run).await, (RunState::Failed, [1, 0, 1]));
}

/// A failure that can't be mended is not retried; the rest of the stage is still computed.
pub async fn a_hopeless_job_is_dead_at_once_and_the_others_still_run(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[3, 1]).await;
    assert_eq!(
        fail_one(&*broker, &claim_one(&*broker).await, false).await,
        FailOutcome::Dead
    );
    for done in 0..2 {
        assert_eq!(standing(&*broker, run).await, (RunState::Running, [4, done, 1]));
        assert_eq!(
            commit_one(&*broker, &claim_one(&*broker).await).await,
            CommitOutcome::Committed
        );
    }
    assert_eq!(standing(&*broker, run).await, (RunState::Failed, [4, 2, 1]));
}

async fn kill_all(broker: &dyn Broker, run: RunId, jobs: usize) {
    let claims = claim(broker, jobs).await;
    assert_eq!(claims.len(), jobs);
    for claim in &claims {
        assert_eq!(claim.job.run, run);
        assert_eq!(fail_one(broker, claim, false).await, FailOutcome::Dead);
    }
}

/// A letter names job, cause, words, worker and counters; long words are cut.
pub async fn dead_letters_say_what_happened(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[2]).await;
    assert!(broker.dead(run).await.expect("dead").is_empty());
    let claims = claim(&*broker, 2).await;
    fail_one(&*broker, &claims[1], false).await;
    let reason = "é".repeat(MAX_REASON_BYTES);
    let Claim { job, token, .. } = claims[0];
    broker
        .fail(vec![Failure {
            job,
            token,
            reason,
            retryable: false,
        }])
        .await
        .expect("fail");
    let letters = broker.dead(run).await.expect("dead");
    assert_eq!(
        letters.iter().map(|letter| letter.job.index.0).collect::<Vec<_>>(),
        [0, 1],
        "in order of the jobs"
    );
    let of_second = letters
        .iter()
        .find(|letter| letter.job == claims[1].job)
        .expect("a letter a job");
    assert_eq!(
        (of_second.cause, &*of_second.reason),
        (DeadCause::NotRetryable, "no such file")
    );
    assert_eq!(
        (of_second.worker.as_str(), of_second.attempts, of_second.kills),
        ("w1", 1, 0)
    );
    let of_first = letters.iter().find(|letter| letter.job == job).expect("a letter a job");
    assert_eq!(of_first.reason, "é".repeat(MAX_REASON_BYTES / 2));
}

/// Replayed jobs are delivered with clean counters, some or all, and the run goes on to its end.
pub async fn replayed_jobs_start_clean(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[3, 1]).await;
    kill_all(&*broker, run, 3).await;
    assert_eq!(standing(&*broker, run).await, (RunState::Failed, [4, 0, 3]));
    let some = [JobIndex(1), JobIndex(1), JobIndex(50)];
    assert_eq!(broker.replay_dead(run, Some(&some)).await.expect("replay"), 1);
    assert_eq!(standing(&*broker, run).await, (RunState::Running, [4, 0, 2]));
    assert_eq!(summary(&*broker, run).await.ended_at, None);
    let again = claim_one(&*broker).await;
    assert_eq!((again.job.index.0, again.attempts, again.kills), (1, 0, 0));
    assert_eq!(commit_one(&*broker, &again).await, CommitOutcome::Committed);
    assert_eq!(standing(&*broker, run).await, (RunState::Failed, [4, 1, 2]));
    assert_eq!(broker.replay_dead(run, None).await.expect("replay"), 2);
    for _ in 0..3 {
        assert_eq!(
            commit_one(&*broker, &claim_one(&*broker).await).await,
            CommitOutcome::Committed
        );
    }
    assert_eq!(standing(&*broker, run).await, (RunState::Succeeded, [4, 4, 0]));
    assert!(matches!(
        broker.replay_dead(run, None).await,
        Err(BrokerError::RunOver { .. })
    ));
}

/// A dropped letter is gone, its job failed for good; the others can still be replayed.
pub async fn dropped_jobs_stay_failed(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[2]).await;
    kill_all(&*broker, run, 2).await;
    assert_eq!(broker.drop_dead(run, Some(&[JobIndex(0)])).await.expect("drop"), 1);
    assert_eq!(broker.dead(run).await.expect("dead").len(), 1);
    assert_eq!(broker.replay_dead(run, None).await.expect("replay"), 1);
    let claims = claim(&*broker, 5).await;
    assert_eq!(claims.iter().map(|claim| claim.job.index.0).collect::<Vec<_>>(), [1]);
    assert_eq!(commit_one(&*broker, &claims[0]).await, CommitOutcome::Committed);
    assert_eq!(standing(&*broker, run).await, (RunState::Failed, [2, 1, 1]));
    assert_eq!(broker.drop_dead(run, None).await.expect("drop"), 0);
}

/// A run with too many dead jobs ends before it has wasted the workers on all of them; a replay loses none.
pub async fn too_many_dead_jobs_end_the_run(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let total = MAX_DEAD_PER_RUN as u64 + 100;
    let run = submit(&*broker, "a", &[total]).await;
    let bystander = claim_one(&*broker).await;
    for _ in 0..MAX_DEAD_PER_RUN / 100 {
        kill_all(&*broker, run, 100).await;
    }
    assert_eq!(
        standing(&*broker, run).await,
        (RunState::Failed, [total, 0, MAX_DEAD_PER_RUN as u64])
    );
    assert!(claim(&*broker, 1).await.is_empty());
    assert_eq!(commit_one(&*broker, &bystander).await, CommitOutcome::Lost);
    assert_eq!(
        broker.replay_dead(run, None).await.expect("replay"),
        MAX_DEAD_PER_RUN as u64
    );
    let mut jobs = 0;
    while standing(&*broker, run).await.0 == RunState::Running {
        let claims = claim(&*broker, 200).await;
        assert!(!claims.is_empty(), "{jobs} of {total} jobs found");
        jobs += claims.len() as u64;
        super::kit::commit(&*broker, claims.iter().map(Claim::held)).await;
    }
    assert_eq!(
        (jobs, standing(&*broker, run).await),
        (total, (RunState::Succeeded, [total, total, 0]))
    );
}
