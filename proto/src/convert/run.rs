//! Runs as they are listed, and what their jobs died of, on the wire.

use tickfleet_protocol::ids::{JobIndex, Millis, StageIndex};
use tickfleet_protocol::state::{Counts, DeadCause, DeadLetter, RunState, RunSummary, StageCounts};

use super::{WireError, invalid, parsed};
use crate::wire;

impl From<RunState> for wire::RunState {
    fn from(state: RunState) -> Self {
        match state {
            RunState::Running => Self::Running,
            RunState::Succeeded => Self::Succeeded,
            RunState::Failed => Self::Failed,
            RunState::Cancelled => Self::Cancelled,
            RunState::DeadlineExceeded => Self::DeadlineExceeded,
        }
    }
}

/// The state that a number on the wire stands for.
pub(super) fn run_state(message: &'static str, state: i32) -> Result<RunState, WireError> {
    Ok(match wire::RunState::try_from(state) {
        Ok(wire::RunState::Running) => RunState::Running,
        Ok(wire::RunState::Succeeded) => RunState::Succeeded,
        Ok(wire::RunState::Failed) => RunState::Failed,
        Ok(wire::RunState::Cancelled) => RunState::Cancelled,
        Ok(wire::RunState::DeadlineExceeded) => RunState::DeadlineExceeded,
        Ok(wire::RunState::Unspecified) | Err(_) => return Err(invalid(message, "state")),
    })
}

impl From<DeadCause> for wire::DeadCause {
    fn from(cause: DeadCause) -> Self {
        match cause {
            DeadCause::AttemptsExhausted => Self::AttemptsExhausted,
            DeadCause::NotRetryable => Self::NotRetryable,
            DeadCause::WorkersLost => Self::WorkersLost,
        }
    }
}

/// The cause that a number on the wire stands for.
pub(super) fn dead_cause(message: &'static str, cause: i32) -> Result<DeadCause, WireError> {
    Ok(match wire::DeadCause::try_from(cause) {
        Ok(wire::DeadCause::AttemptsExhausted) => DeadCause::AttemptsExhausted,
        Ok(wire::DeadCause::NotRetryable) => DeadCause::NotRetryable,
        Ok(wire::DeadCause::WorkersLost) => DeadCause::WorkersLost,
        Ok(wire::DeadCause::Unspecified) | Err(_) => return Err(invalid(message, "cause")),
    })
}

/// A stage's index, which the wire has room to get wrong.
pub(super) fn stage_index(message: &'static str, stage: u32) -> Result<StageIndex, WireError> {
    u16::try_from(stage)
        .map(StageIndex)
        .map_err(|_| invalid(message, "stage"))
}

impl From<Counts> for wire::Counts {
    fn from(Counts { total, done, failed }: Counts) -> Self {
        Self { total, done, failed }
    }
}

impl From<wire::Counts> for Counts {
    fn from(wire::Counts { total, done, failed }: wire::Counts) -> Self {
        Self { total, done, failed }
    }
}

impl From<&RunSummary> for wire::Run {
    fn from(run: &RunSummary) -> Self {
        let stage = |stage: &StageCounts| wire::StageCounts {
            total: stage.total,
            fed: stage.fed,
            done: stage.done,
            failed: stage.failed,
        };
        Self {
            run: run.run.to_string(),
            key: run.key.to_string(),
            digest: run.digest.to_string(),
            kind: run.kind.to_string(),
            traceparent: run.trace.clone().unwrap_or_default(),
            state: wire::RunState::from(run.state).into(),
            open_stage: run.open_stage.0.into(),
            stages: run.stages.iter().map(stage).collect(),
            weight: run.weight,
            deadline_ms: run.deadline.map(|at| at.0),
            submitted_at_ms: run.submitted_at.0,
            ended_at_ms: run.ended_at.map(|at| at.0),
        }
    }
}

impl TryFrom<wire::Run> for RunSummary {
    type Error = WireError;

    fn try_from(wire: wire::Run) -> Result<Self, WireError> {
        const MESSAGE: &str = "Run";
        let stage = |stage: wire::StageCounts| StageCounts {
            total: stage.total,
            fed: stage.fed,
            done: stage.done,
            failed: stage.failed,
        };
        Ok(Self {
            run: parsed(MESSAGE, "run", &wire.run)?,
            key: parsed(MESSAGE, "key", &wire.key)?,
            digest: parsed(MESSAGE, "digest", &wire.digest)?,
            kind: parsed(MESSAGE, "kind", &wire.kind)?,
            trace: Some(wire.traceparent).filter(|trace| !trace.is_empty()),
            state: run_state(MESSAGE, wire.state)?,
            open_stage: stage_index(MESSAGE, wire.open_stage)?,
            stages: wire.stages.into_iter().map(stage).collect(),
            weight: wire.weight,
            deadline: wire.deadline_ms.map(Millis),
            submitted_at: Millis(wire.submitted_at_ms),
            ended_at: wire.ended_at_ms.map(Millis),
        })
    }
}

impl From<&DeadLetter> for wire::DeadLetter {
    fn from(letter: &DeadLetter) -> Self {
        Self {
            job: letter.job.to_string(),
            cause: wire::DeadCause::from(letter.cause).into(),
            reason: letter.reason.clone(),
            worker: letter.worker.to_string(),
            attempts: letter.attempts,
            kills: letter.kills,
            at_ms: letter.at.0,
        }
    }
}

impl TryFrom<wire::DeadLetter> for DeadLetter {
    type Error = WireError;

    fn try_from(wire: wire::DeadLetter) -> Result<Self, WireError> {
        const MESSAGE: &str = "DeadLetter";
        Ok(Self {
            job: parsed(MESSAGE, "job", &wire.job)?,
            cause: dead_cause(MESSAGE, wire.cause)?,
            reason: wire.reason,
            worker: parsed(MESSAGE, "worker", &wire.worker)?,
            attempts: wire.attempts,
            kills: wire.kills,
            at: Millis(wire.at_ms),
        })
    }
}

impl From<&[JobIndex]> for wire::Jobs {
    fn from(jobs: &[JobIndex]) -> Self {
        let indexes = jobs.iter().map(|job| job.0).collect();
        Self { indexes }
    }
}

impl From<wire::Jobs> for Vec<JobIndex> {
    fn from(jobs: wire::Jobs) -> Self {
        jobs.indexes.into_iter().map(JobIndex).collect()
    }
}
