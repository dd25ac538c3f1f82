//! Submission, delivery and the end of runs, each rule with the smallest story that shows it.

use super::*;
use crate::limits::{MAX_JOBS_PER_RUN, MAX_RUNS, MAX_STAGES, RUN_RETENTION_MS};

#[test]
fn a_run_goes_through_its_stages_in_order() {
    let mut world = World::default();
    let run = world.submit(1, &[2, 0, 1]);
    let stage_opened = |stage, jobs| ProgressKind::StageOpened {
        stage: StageIndex(stage),
        jobs,
    };
    assert_eq!(world.events(), [ProgressKind::Submitted, stage_opened(0, 2)]);
    assert!(world.effects.contains(&Effect::Wake));
    let claims = world.feed(10);
    assert_eq!(
        claims.iter().map(|claim| claim.job).collect::<Vec<_>>(),
        [job(run, 0, 0), job(run, 0, 1)]
    );
    assert_eq!(world.commit(claims[1].held()), CommitOutcome::Committed);
    assert!(world.feed(10).is_empty(), "stage 2 opens when stage 0 is complete");
    assert_eq!(world.commit(claims[0].held()), CommitOutcome::Committed);
    let committed = |stage| ProgressKind::Committed {
        stage: StageIndex(stage),
        jobs: 1,
    };
    assert_eq!(world.events(), [committed(0), stage_opened(1, 0), stage_opened(2, 1)]);
    let last = world.claim();
    assert_eq!(last.job, job(run, 2, 0));
    assert_eq!(world.commit(last.held()), CommitOutcome::Committed);
    assert_eq!(
        world.events(),
        [
            committed(2),
            ProgressKind::Ended {
                state: RunState::Succeeded
            }
        ]
    );
    assert_eq!(world.summary(run).ended_at, Some(world.now));
}

#[test]
fn a_run_without_jobs_succeeds_at_once() {
    let mut world = World::default();
    let run = world.submit(1, &[0, 0]);
    assert_eq!(world.state(run), RunState::Succeeded);
    assert!(world.feed(1).is_empty());
}

#[test]
fn jobs_go_to_workers_that_compute_their_kind() {
    let mut world = World::default();
    let old = world.submit(1, &[2]);
    let terms = Terms {
        kind: kind(1),
        trace: Some("00-1-2-01".to_owned()),
        ..terms(2, &[1])
    };
    let new = world.step(Submit { id: run_id(2), terms }).unwrap().run;
    assert_eq!(world.summary(new).kind, kind(1));
    assert_eq!(world.summary(new).trace.as_deref(), Some("00-1-2-01"));
    let runs = |claims: Vec<Claim>| claims.iter().map(|claim| claim.job.run).collect::<Vec<_>>();
    assert!(runs(world.feed_kinds(&[kind(7)], 9)).is_empty());
    assert_eq!(runs(world.feed_kinds(&[kind(0)], 1)), [old]);
    assert_eq!(runs(world.feed_kinds(&[kind(1)], 9)), [new]);
    assert_eq!(runs(world.feed_kinds(&[kind(1), kind(0)], 9)), [old]);
}

#[test]
fn the_same_key_gives_the_same_run_or_none() {
    let mut world = World::default();
    let first = world.submit(1, &[1]);
    let again = world.step(Submit {
        id: run_id(9),
        terms: terms(1, &[1]),
    });
    assert_eq!(
        again,
        Ok(Accepted {
            run: first,
            created: false
        })
    );
    let other = Terms {
        digest: Digest([7; 32]),
        ..terms(1, &[1])
    };
    assert_eq!(
        world.step(Submit {
            id: run_id(9),
            terms: other
        }),
        Err(SubmitError::KeyReused { run: first })
    );
    assert_eq!(world.queue.summaries().count(), 1);
}

#[test]
fn terms_out_of_bounds_are_refused() {
    let good = terms(1, &[1]);
    for (bad, what) in [
        (
            Terms {
                stages: vec![],
                ..good.clone()
            },
            "the number of stages",
        ),
        (
            Terms {
                stages: vec![1; MAX_STAGES + 1],
                ..good.clone()
            },
            "the number of stages",
        ),
        (
            Terms {
                stages: vec![MAX_JOBS_PER_RUN, 1],
                ..good.clone()
            },
            "the number of jobs",
        ),
        (
            Terms {
                stages: vec![u64::MAX, u64::MAX],
                ..good.clone()
            },
            "the number of jobs",
        ),
        (
            Terms {
                weight: 0,
                ..good.clone()
            },
            "the weight",
        ),
        (
            Terms {
                weight: 101,
                ..good.clone()
            },
            "the weight",
        ),
        (
            Terms {
                retry: RetryPolicy {
                    max_attempts: 0,
                    ..RETRY
                },
                ..good.clone()
            },
            "the attempt limit",
        ),
    ] {
        let refused = World::default().step(Submit {
            id: run_id(1),
            terms: bad,
        });
        assert!(
            matches!(&refused, Err(SubmitError::Terms(bounds)) if bounds.what == what),
            "{refused:?}"
        );
    }
}

#[test]
fn the_number_of_runs_is_bounded() {
    let mut queue = Queue::default();
    let mut submit = |n: usize| {
        let id = RunId::from_parts(Millis(n as u64), [0; 10]);
        let key = IdempotencyKey::new(&n.to_string()).unwrap();
        queue
            .step(
                Submit {
                    id,
                    terms: Terms { key, ..terms(0, &[1]) },
                },
                Millis(0),
            )
            .0
    };
    assert!((0..MAX_RUNS).all(|n| submit(n).is_ok()));
    assert_eq!(submit(MAX_RUNS), Err(SubmitError::Full));
    assert!(submit(0).is_ok_and(|known| !known.created));
}

#[test]
fn only_the_live_token_counts() {
    let mut world = World::default();
    world.submit(1, &[1]);
    let claim = world.claim();
    let forged = Held {
        token: Token(999),
        ..claim.held()
    };
    assert_eq!(world.commit(forged), CommitOutcome::Lost);
    assert_eq!(world.fail(forged, true), FailOutcome::Lost);
    assert_eq!(
        world.step(Beat {
            held: &[forged, claim.held()],
            lease_ms: LEASE_MS
        }),
        [Token(999)]
    );
    world.step(HandBack { held: &[forged] });
    assert_eq!(world.queue.standing(claim.held()), Standing::Live);
    assert_eq!(world.commit(claim.held()), CommitOutcome::Committed);
    assert_eq!(
        world.commit(claim.held()),
        CommitOutcome::AlreadyDone,
        "a repeated call"
    );
    assert_eq!(world.commit(forged), CommitOutcome::AlreadyDone);
    assert_eq!(world.fail(claim.held(), true), FailOutcome::Lost);
    let nowhere = Held {
        job: job(run_id(8), 0, 0),
        ..forged
    };
    assert_eq!(world.commit(nowhere), CommitOutcome::Lost);
    let beyond = Held {
        job: job(run_id(1), 3, 70),
        ..forged
    };
    assert_eq!(world.commit(beyond), CommitOutcome::Lost);
}

#[test]
fn a_beat_keeps_the_claim() {
    let mut world = World::default();
    world.submit(1, &[1]);
    let claim = world.claim();
    for _ in 0..5 {
        world.advance(LEASE_MS - 1);
        assert!(
            world
                .step(Beat {
                    held: &[claim.held()],
                    lease_ms: LEASE_MS
                })
                .is_empty()
        );
    }
    assert_eq!(world.commit(claim.held()), CommitOutcome::Committed);
}

#[test]
fn cancel_is_at_once_whatever_the_size() {
    let mut world = World::default();
    let run = world.submit(1, &[MAX_JOBS_PER_RUN]);
    let claims = world.feed(100);
    assert_eq!(world.step(Cancel { run }), Some(true));
    assert_eq!(
        world.events(),
        [ProgressKind::Ended {
            state: RunState::Cancelled
        }]
    );
    assert!(world.feed(1).is_empty());
    let held: Vec<Held> = claims.iter().map(Claim::held).collect();
    assert_eq!(
        world
            .step(Beat {
                held: &held,
                lease_ms: LEASE_MS
            })
            .len(),
        100
    );
    assert!(
        world
            .step(Commit { held: &held })
            .iter()
            .all(|&outcome| outcome == CommitOutcome::Lost)
    );
    world.advance(LEASE_MS);
    assert!(world.events().is_empty(), "nothing happens to a run that is over");
    assert_eq!(world.step(Cancel { run }), Some(false));
    assert_eq!(world.step(Cancel { run: run_id(9) }), None);
}

#[test]
fn a_deadline_ends_the_run() {
    let mut world = World::default();
    let late = Terms {
        deadline: Some(Millis(1_000)),
        ..terms(1, &[1])
    };
    let run = world
        .step(Submit {
            id: run_id(1),
            terms: late,
        })
        .unwrap()
        .run;
    let claim = world.claim();
    world.advance(999);
    assert_eq!(world.state(run), RunState::Running);
    world.advance(1);
    assert_eq!(world.state(run), RunState::DeadlineExceeded);
    assert_eq!(world.commit(claim.held()), CommitOutcome::Lost);
    assert_eq!(world.step(ReplayDead { run, jobs: None }), Err(DeadError::RunOver));
}

#[test]
fn ended_runs_are_forgotten_on_demand_or_in_time() {
    let mut world = World::default();
    let (a, b) = (world.submit(1, &[1]), world.submit(2, &[0]));
    assert_eq!(world.step(Forget { run: a }), Some(false));
    world.step(Cancel { run: a });
    assert_eq!(world.step(Forget { run: a }), Some(true));
    assert_eq!(world.effects, [Effect::Forgotten { run: a }]);
    assert_eq!(world.step(Forget { run: a }), None);
    world.advance(RUN_RETENTION_MS - 1);
    assert_eq!(world.state(b), RunState::Succeeded);
    world.advance(1);
    assert_eq!(world.effects, [Effect::Forgotten { run: b }]);
    assert!(world.queue.run(b).is_none());
    assert_eq!(world.submit(2, &[1]), b, "its key is free again");
}

#[test]
fn a_big_run_does_not_starve_a_small_one() {
    let mut world = World::default();
    world.submit(1, &[100_000]);
    world.feed(1_000);
    let small = world.submit(2, &[3]);
    let next = world.feed(7);
    assert_eq!(next.iter().filter(|claim| claim.job.run == small).count(), 3);
}

#[test]
fn a_chosen_delivery_obeys_the_same_rules() {
    let mut world = World::default();
    let run = world.submit(1, &[2, 1]);
    let worker = worker();
    let deliver = |job, token| Deliver {
        job,
        token: Token(token),
        worker: &worker,
        lease_ms: LEASE_MS,
    };
    for (stage, index) in [(0, 1), (1, 0), (0, 2)] {
        assert_eq!(
            world.step(deliver(job(run, stage, index), 1)),
            None,
            "{stage}/{index} is not next"
        );
    }
    assert_eq!(world.step(deliver(job(run_id(9), 0, 0), 1)), None);
    let claim = world.step(deliver(job(run, 0, 0), 1)).unwrap();
    assert_eq!(world.step(deliver(claim.job, 2)), None, "it is held");
    world.step(HandBack { held: &[claim.held()] });
    assert!(world.step(deliver(claim.job, 3)).is_some());
    assert_eq!(world.claim().job, job(run, 0, 1));
}

#[test]
fn time_does_not_run_back() {
    let mut world = World::default();
    world.submit(1, &[1]);
    world.advance(10_000);
    world.now = Millis(0);
    assert_eq!(world.claim().lease_until, Millis(10_000 + LEASE_MS));
}

#[test]
fn who_waits_is_woken_by_anything_due_sooner() {
    let mut world = World::default();
    world.submit(1, &[1]);
    let claim = world.claim();
    assert!(world.effects.contains(&Effect::Wake), "the end of the lease is due");
    world.fail(claim.held(), true);
    assert!(world.effects.contains(&Effect::Wake), "the retry is due before");
    assert!(world.queue.next_due().unwrap() <= Millis(RETRY.backoff_cap_ms));
}
