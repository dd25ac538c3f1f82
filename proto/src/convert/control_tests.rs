//! What the control plane says of runs and workers comes back as it was; a text that is no id is refused.

use std::fmt::Debug;

use prost::Message;
use tickfleet_protocol::fleet::{WorkerCard, WorkerEntry};
use tickfleet_protocol::ids::{Digest, EventId, IdempotencyKey, JobIndex, JobKind, JobRef, Millis, RunId, StageIndex};
use tickfleet_protocol::state::{
    Census, Counts, DeadCause, DeadLetter, Progress, ProgressKind, RunState, RunSummary, StageCounts,
};

use super::WireError;
use crate::wire;

/// There, through bytes, and back.
fn check<D, W>(value: &D)
where
    D: PartialEq + Debug + TryFrom<W, Error: Debug>,
    W: Message + Default + for<'a> From<&'a D>,
{
    let bytes = W::from(value).encode_to_vec();
    let wire = W::decode(bytes.as_slice()).expect("what was encoded is decoded");
    assert_eq!(&D::try_from(wire).expect("what was valid stays valid"), value);
}

fn job(index: u64) -> JobRef {
    JobRef {
        run: RunId::from_parts(Millis(5), [7; 10]),
        stage: StageIndex(1),
        index: JobIndex(index),
    }
}

fn summary(state: RunState, trace: Option<&str>, ended_at: Option<Millis>) -> RunSummary {
    let stage = StageCounts {
        total: 9,
        fed: 5,
        done: 3,
        failed: 1,
    };
    RunSummary {
        run: job(0).run,
        key: IdempotencyKey::new("nightly").unwrap(),
        digest: Digest([0xab; 32]),
        kind: JobKind::new("scan/1").unwrap(),
        trace: trace.map(str::to_owned),
        state,
        open_stage: StageIndex(1),
        stages: vec![stage, StageCounts::default()],
        weight: 10,
        deadline: ended_at.map(|at| at.plus_ms(1)),
        submitted_at: Millis(1),
        ended_at,
    }
}

#[test]
fn runs_come_back() {
    for state in [
        RunState::Running,
        RunState::Succeeded,
        RunState::Failed,
        RunState::Cancelled,
        RunState::DeadlineExceeded,
    ] {
        check::<_, wire::Run>(&summary(state, None, None));
        check::<_, wire::Run>(&summary(state, Some("00-aa-bb-01"), Some(Millis(0))));
    }
}

#[test]
fn events_come_back() {
    let reason = || "no such file".to_owned();
    let (stage, jobs) = (StageIndex(1), 4);
    let kinds = [
        ProgressKind::Submitted,
        ProgressKind::StageOpened { stage, jobs },
        ProgressKind::Committed { stage, jobs },
        ProgressKind::Retried {
            job: job(1),
            attempts: 2,
            retry_at: Millis(9),
            reason: reason(),
        },
        ProgressKind::LeaseExpired { job: job(2), kills: 1 },
        ProgressKind::DeadLettered {
            job: job(3),
            cause: DeadCause::NotRetryable,
            reason: reason(),
        },
        ProgressKind::Replayed { jobs },
        ProgressKind::Ended {
            state: RunState::Failed,
        },
    ];
    let counts = Counts {
        total: 9,
        done: 4,
        failed: 1,
    };
    for (id, kind) in (1..).zip(kinds) {
        let at = Millis(id);
        check::<_, wire::RunEvent>(&(EventId(id), Progress { at, counts, kind }));
    }
}

#[test]
fn dead_letters_come_back() {
    for cause in [
        DeadCause::AttemptsExhausted,
        DeadCause::NotRetryable,
        DeadCause::WorkersLost,
    ] {
        check::<_, wire::DeadLetter>(&DeadLetter {
            job: job(4),
            cause,
            reason: "damaged".to_owned(),
            worker: "w:1".parse().unwrap(),
            attempts: 3,
            kills: 2,
            at: Millis(8),
        });
    }
}

#[test]
fn workers_come_back() {
    let card = WorkerCard {
        id: "host:12".parse().unwrap(),
        kinds: vec![JobKind::new("scan/1").unwrap()],
        host: "host".to_owned(),
        pid: 12,
        version: "0.1.0".to_owned(),
        cores: 8,
        performance_cores: Some(4),
        efficiency_cores: None,
        lanes: 4,
        memory_bytes: 1 << 33,
        started_at: Millis(3),
        is_draining: true,
        jobs: vec![job(5), job(6)],
        held: 2,
        done: 40,
        failed: 1,
    };
    check::<_, wire::Worker>(&WorkerEntry {
        card,
        seen_at: Millis(7),
        is_told_to_drain: true,
    });
}

#[test]
fn a_census_comes_back() {
    let census = Census {
        unfed: 1,
        ready: 2,
        claimed: 3,
        delayed: 4,
        dead: 5,
        done: 6,
    };
    assert_eq!(Census::from(wire::Census::from(census)), census);
}

#[test]
fn what_is_no_run_is_refused() {
    let good = || wire::Run::from(&summary(RunState::Running, None, None));
    let check = |spoil: &dyn Fn(&mut wire::Run), field: &str| {
        let mut wire = good();
        spoil(&mut wire);
        let error = RunSummary::try_from(wire).expect_err(field);
        assert!(
            matches!(error, WireError::Field { message: "Run", field: found } if found == field),
            "{error}"
        );
    };
    check(&|run| run.run = "7".to_owned(), "run");
    check(&|run| run.key.clear(), "key");
    check(&|run| run.digest.push('0'), "digest");
    check(&|run| run.state = 0, "state");
    check(&|run| run.state = 99, "state");
    check(&|run| run.open_stage = 1 << 16, "stage");
}

#[test]
fn an_event_without_a_kind_is_refused() {
    let event = wire::RunEvent {
        id: 1,
        ..wire::RunEvent::default()
    };
    assert!(<(EventId, Progress)>::try_from(event).is_err());
}
