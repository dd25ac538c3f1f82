//! Failures, lost workers and dead letters, each rule with the smallest story that shows it.

use super::*;
use crate::limits::{KILLS_BEFORE_SOLO, MAX_DEAD_PER_RUN};

#[test]
fn a_lease_that_ends_is_a_kill_and_fences_the_worker() {
    let mut world = World::default();
    let run = world.submit(1, &[1]);
    let mut claim = world.claim();
    assert_eq!(claim.lease_until, Millis(LEASE_MS));
    for kills in 1..RETRY.max_kills {
        let stale = claim.held();
        world.advance(LEASE_MS - 1);
        assert!(world.feed(1).is_empty(), "a lease lasts to its end");
        world.advance(1);
        assert_eq!(world.events(), [ProgressKind::LeaseExpired { job: stale.job, kills }]);
        assert_eq!(world.commit(stale), CommitOutcome::Lost);
        claim = world.claim();
        assert_eq!(
            (claim.attempts, claim.kills, claim.solo),
            (0, kills, kills >= KILLS_BEFORE_SOLO)
        );
        assert_ne!(claim.token, stale.token);
    }
    world.advance(LEASE_MS);
    let letters: Vec<_> = world.queue.run(run).unwrap().dead_letters().cloned().collect();
    assert_eq!(
        (letters.len(), letters[0].cause, letters[0].kills),
        (1, DeadCause::WorkersLost, RETRY.max_kills)
    );
    assert_eq!(letters[0].reason, "worker w1 stopped renewing its lease");
    assert_eq!(world.state(run), RunState::Failed);
}

#[test]
fn failures_are_retried_after_a_backoff_until_the_limit() {
    let mut world = World::default();
    let run = world.submit(1, &[1, 1]);
    for attempts in 1..RETRY.max_attempts {
        let claim = world.claim();
        assert_eq!((claim.attempts, claim.kills), (attempts - 1, 0));
        let FailOutcome::Retry { at } = world.fail(claim.held(), true) else {
            panic!("attempt {attempts} is not the last")
        };
        assert_eq!(at, world.now.plus_ms(RETRY.delay_ms(&claim.job, attempts)));
        world.advance(at.since_ms(world.now) - 1);
        assert!(world.feed(1).is_empty(), "not before its time");
        world.advance(1);
    }
    let claim = world.claim();
    assert_eq!(world.fail(claim.held(), true), FailOutcome::Dead);
    let summary = world.summary(run);
    assert_eq!(
        (summary.state, summary.counts()),
        (
            RunState::Failed,
            Counts {
                total: 2,
                done: 0,
                failed: 1
            }
        )
    );
    let letter = world.queue.run(run).unwrap().dead_letters().next().unwrap().clone();
    assert_eq!(
        (letter.cause, letter.attempts, &*letter.reason),
        (DeadCause::AttemptsExhausted, 3, "no such file")
    );
}

#[test]
fn a_hopeless_job_is_dead_at_once_and_the_others_still_run() {
    let mut world = World::default();
    let run = world.submit(1, &[3, 1]);
    let first = world.claim();
    assert_eq!(world.fail(first.held(), false), FailOutcome::Dead);
    assert_eq!(world.state(run), RunState::Running);
    for claim in world.feed(5) {
        assert_eq!(world.commit(claim.held()), CommitOutcome::Committed);
    }
    assert_eq!(
        world.events().last(),
        Some(&ProgressKind::Ended {
            state: RunState::Failed
        })
    );
    assert!(world.feed(1).is_empty(), "the second stage never opens");
    assert_eq!(
        world.summary(run).counts(),
        Counts {
            total: 4,
            done: 2,
            failed: 1
        }
    );
}

#[test]
fn replayed_jobs_start_clean_and_let_the_run_go_on() {
    let mut world = World::default();
    let run = world.submit(1, &[2, 1]);
    for claim in world.feed(2) {
        world.fail(claim.held(), false);
    }
    assert_eq!(world.state(run), RunState::Failed);
    assert_eq!(
        world.step(ReplayDead {
            run,
            jobs: Some(&[JobIndex(7)])
        }),
        Ok(0)
    );
    assert_eq!(world.state(run), RunState::Failed, "nothing was replayed");
    assert_eq!(
        world.step(ReplayDead {
            run,
            jobs: Some(&[JobIndex(1), JobIndex(1)])
        }),
        Ok(1)
    );
    assert_eq!(
        (world.state(run), world.summary(run).ended_at),
        (RunState::Running, None)
    );
    let claim = world.claim();
    assert_eq!((claim.job, claim.attempts, claim.kills), (job(run, 0, 1), 0, 0));
    world.commit(claim.held());
    assert_eq!(world.state(run), RunState::Failed, "one is still dead");
    assert_eq!(world.step(ReplayDead { run, jobs: None }), Ok(1));
    world.drain();
    assert_eq!(world.state(run), RunState::Succeeded);
    assert_eq!(world.step(ReplayDead { run, jobs: None }), Err(DeadError::RunOver));
    assert_eq!(
        world.step(ReplayDead {
            run: run_id(9),
            jobs: None
        }),
        Err(DeadError::UnknownRun)
    );
}

#[test]
fn dropped_jobs_stay_failed() {
    let mut world = World::default();
    let run = world.submit(1, &[2]);
    for claim in world.feed(2) {
        world.fail(claim.held(), false);
    }
    assert_eq!(
        world.step(DropDead {
            run,
            jobs: Some(&[JobIndex(0)])
        }),
        Ok(1)
    );
    assert_eq!(world.step(ReplayDead { run, jobs: None }), Ok(1));
    world.drain();
    assert_eq!(
        (world.state(run), world.summary(run).counts().failed),
        (RunState::Failed, 1)
    );
    assert_eq!(world.step(ReplayDead { run, jobs: None }), Ok(0));
    assert_eq!(
        world.step(DropDead {
            run: run_id(9),
            jobs: None
        }),
        Err(DeadError::UnknownRun)
    );
}

#[test]
fn too_many_dead_jobs_end_the_run_and_a_replay_loses_none() {
    let mut world = World::default();
    let run = world.submit(1, &[MAX_DEAD_PER_RUN as u64 + 10]);
    let bystander = world.claim();
    let claims = world.feed(MAX_DEAD_PER_RUN);
    let failures: Vec<_> = claims
        .iter()
        .map(|claim| Failed {
            held: claim.held(),
            reason: "bad",
            retryable: false,
        })
        .collect();
    world.step(Fail { failures: &failures });
    assert_eq!(world.state(run), RunState::Failed);
    assert_eq!(world.commit(bystander.held()), CommitOutcome::Lost);
    assert!(world.feed(1).is_empty());
    assert_eq!(world.step(ReplayDead { run, jobs: None }), Ok(MAX_DEAD_PER_RUN as u64));
    assert_eq!(
        world.commit(bystander.held()),
        CommitOutcome::Lost,
        "it was lost with the run"
    );
    world.drain();
    assert_eq!(world.state(run), RunState::Succeeded);
}

#[test]
fn handing_back_charges_nothing() {
    let mut world = World::default();
    world.submit(1, &[2]);
    let claims = world.feed(2);
    world.step(HandBack {
        held: &[claims[0].held(), claims[0].held()],
    });
    assert!(world.effects.contains(&Effect::Wake));
    let again = world.claim();
    assert_eq!(
        (again.job, again.attempts, again.kills, again.solo),
        (claims[0].job, 0, 0, false)
    );
    assert_eq!(world.commit(claims[0].held()), CommitOutcome::Lost);
    assert_eq!(world.commit(again.held()), CommitOutcome::Committed);
}
