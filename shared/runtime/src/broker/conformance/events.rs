//! Events: a history that can be read late, left, and resumed, and whose last line is always right.

use std::{sync::Arc, time::Duration};

use tickfleet_protocol::{
    ids::{EventId, RunId, StageIndex},
    state::Counts,
};

use super::{
    Harness,
    kit::{begin, claim, claim_one, commit, commit_one, fail_one, finish, in_time, outlive_leases, submit},
};
use crate::broker::{Broker, Claim, Progress, ProgressKind, RunState};

/// Takes a broker through every law of this module.
pub async fn run_all(harness: &dyn Harness) {
    a_history_tells_the_whole_life(harness).await;
    a_reader_resumes_where_it_left(harness).await;
    a_waiting_reader_wakes(harness).await;
    a_reader_does_not_wait_for_what_can_not_come(harness).await;
}

async fn read(broker: &dyn Broker, run: RunId, after: EventId) -> Vec<(EventId, Progress)> {
    broker.events(run, after, Duration::ZERO).await.expect("events")
}

/// From acceptance to end, failures and losses included, each event with the counts after it.
pub async fn a_history_tells_the_whole_life(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[2, 1]).await;
    let claims = claim(&*broker, 2).await;
    fail_one(&*broker, &claims[0], true).await;
    outlive_leases(harness).await;
    for claim in claim(&*broker, 2).await {
        if claim.attempts > 0 {
            fail_one(&*broker, &claim, false).await;
        } else {
            assert_eq!(claim.kills, 1);
            commit_one(&*broker, &claim).await;
        }
    }
    broker.replay_dead(run, None).await.expect("replay");
    for _ in 0..2 {
        commit_one(&*broker, &claim_one(&*broker).await).await;
    }
    let history = read(&*broker, run, EventId::START).await;
    let ids: Vec<u64> = history.iter().map(|(id, _)| id.0).collect();
    assert_eq!(ids, (1..=history.len() as u64).collect::<Vec<_>>(), "no id is skipped");
    assert!(history.windows(2).all(|pair| pair[0].1.at <= pair[1].1.at));
    assert_eq!(
        history.last().expect("a history").1.counts,
        Counts {
            total: 3,
            done: 3,
            failed: 0
        }
    );
    let kinds: Vec<_> = history.into_iter().map(|(_, event)| event.kind).collect();
    check_kinds(&kinds, claims[0].job.index.0);
}

fn check_kinds(kinds: &[ProgressKind], failed: u64) {
    let opened = |stage, jobs| ProgressKind::StageOpened {
        stage: StageIndex(stage),
        jobs,
    };
    assert_eq!(kinds[..2], [ProgressKind::Submitted, opened(0, 2)]);
    let has = |what: &dyn Fn(&ProgressKind) -> bool| kinds.iter().filter(|kind| what(kind)).count();
    let of_failed = |kind: &ProgressKind| match kind {
        ProgressKind::Retried {
            job,
            attempts: 1,
            reason,
            ..
        } => job.index.0 == failed && reason == "no such file",
        _ => false,
    };
    assert_eq!(has(&of_failed), 1);
    assert_eq!(
        has(&|kind| matches!(kind, ProgressKind::LeaseExpired { kills: 1, .. })),
        1
    );
    assert_eq!(has(&|kind| matches!(kind, ProgressKind::DeadLettered { .. })), 1);
    assert_eq!(has(&|kind| *kind == ProgressKind::Replayed { jobs: 1 }), 1);
    assert_eq!(has(&|kind| *kind == opened(1, 1)), 1);
    let committed = kinds.iter().map(|kind| {
        if let ProgressKind::Committed { jobs, .. } = kind {
            *jobs
        } else {
            0
        }
    });
    assert_eq!(committed.sum::<u64>(), 3);
    let ends: Vec<_> = kinds
        .iter()
        .filter(|kind| matches!(kind, ProgressKind::Ended { .. }))
        .collect();
    assert_eq!(ends.last(), Some(&kinds.last().expect("a history")));
    assert_eq!(
        **ends.last().expect("an end"),
        ProgressKind::Ended {
            state: RunState::Succeeded
        }
    );
}

/// Reading in pieces gives the same as reading at once; a batch of commits is one event.
pub async fn a_reader_resumes_where_it_left(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[9]).await;
    let mut pieces = read(&*broker, run, EventId::START).await;
    for _ in 0..3 {
        commit(&*broker, claim(&*broker, 3).await.iter().map(Claim::held)).await;
        let last = pieces.last().expect("a run has events").0;
        let more = read(&*broker, run, last).await;
        assert_eq!(
            more[0].1.kind,
            ProgressKind::Committed {
                stage: StageIndex(0),
                jobs: 3
            }
        );
        pieces.extend(more);
    }
    assert_eq!(pieces, read(&*broker, run, EventId::START).await);
    assert_eq!(pieces.len(), 6, "submitted, opened, three batches, ended");
}

/// A reader that waits is given the next event as it comes.
pub async fn a_waiting_reader_wakes(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[2]).await;
    let last = read(&*broker, run, EventId::START).await.last().expect("events").0;
    let waiting = Arc::clone(&broker);
    let task = begin(async move { waiting.events(run, last, Duration::from_secs(30)).await }).await;
    commit_one(&*broker, &claim_one(&*broker).await).await;
    let events = finish(task).await.expect("events");
    assert_eq!(events.first().map(|(id, _)| *id), Some(last.next()));
    assert_eq!(
        events[0].1.counts,
        Counts {
            total: 2,
            done: 1,
            failed: 0
        }
    );
    let last = events[0].0;
    let waiting = Arc::clone(&broker);
    let task = begin(async move { waiting.events(run, last, Duration::from_secs(30)).await }).await;
    broker.cancel(run).await.expect("cancel");
    let events = finish(task).await.expect("events");
    assert_eq!(
        events[0].1.kind,
        ProgressKind::Ended {
            state: RunState::Cancelled
        }
    );
}

/// After the end there is nothing to wait for; before it, waiting ends in time.
pub async fn a_reader_does_not_wait_for_what_can_not_come(harness: &dyn Harness) {
    let broker = harness.broker().await;
    let run = submit(&*broker, "a", &[1]).await;
    let last = read(&*broker, run, EventId::START).await.last().expect("events").0;
    let in_vain = broker.events(run, last, Duration::from_millis(300));
    assert!(in_time(harness, in_vain).await.expect("events").is_empty());
    broker.cancel(run).await.expect("cancel");
    let end = read(&*broker, run, last).await.last().expect("an end").0;
    let after_the_end = broker.events(run, end, Duration::from_secs(30));
    assert!(super::kit::soon(after_the_end).await.expect("events").is_empty());
}
