//! Events of a run's history on the wire.

use tickfleet_protocol::ids::{EventId, Millis};
use tickfleet_protocol::state::{Progress, ProgressKind};

use super::run::{dead_cause, run_state, stage_index};
use super::{WireError, invalid, parsed};
use crate::wire;
use crate::wire::run_event::Kind;

const MESSAGE: &str = "RunEvent";

impl From<&(EventId, Progress)> for wire::RunEvent {
    fn from((id, progress): &(EventId, Progress)) -> Self {
        Self {
            id: id.0,
            at_ms: progress.at.0,
            counts: Some(progress.counts.into()),
            kind: Some(progress.kind.clone().into()),
        }
    }
}

impl TryFrom<wire::RunEvent> for (EventId, Progress) {
    type Error = WireError;

    fn try_from(wire: wire::RunEvent) -> Result<Self, WireError> {
        let progress = Progress {
            at: Millis(wire.at_ms),
            counts: wire.counts.unwrap_or_default().into(),
            kind: wire.kind.ok_or_else(|| invalid(MESSAGE, "kind"))?.try_into()?,
        };
        Ok((EventId(wire.id), progress))
    }
}

impl From<ProgressKind> for Kind {
    fn from(kind: ProgressKind) -> Self {
        match kind {
            ProgressKind::Submitted => Self::Submitted(wire::Submitted {}),
            ProgressKind::StageOpened { stage, jobs } => Self::StageOpened(wire::StageOpened {
                stage: stage.0.into(),
                jobs,
            }),
            ProgressKind::Committed { stage, jobs } => Self::Committed(wire::Committed {
                stage: stage.0.into(),
                jobs,
            }),
            ProgressKind::Retried {
                job,
                attempts,
                retry_at,
                reason,
            } => Self::Retried(wire::Retried {
                job: job.to_string(),
                attempts,
                retry_at_ms: retry_at.0,
                reason,
            }),
            ProgressKind::LeaseExpired { job, kills } => Self::LeaseExpired(wire::LeaseExpired {
                job: job.to_string(),
                kills,
            }),
            ProgressKind::DeadLettered { job, cause, reason } => Self::DeadLettered(wire::DeadLettered {
                job: job.to_string(),
                cause: wire::DeadCause::from(cause).into(),
                reason,
            }),
            ProgressKind::Replayed { jobs } => Self::Replayed(wire::Replayed { jobs }),
            ProgressKind::Ended { state } => Self::Ended(wire::Ended {
                state: wire::RunState::from(state).into(),
            }),
        }
    }
}

impl TryFrom<Kind> for ProgressKind {
    type Error = WireError;

    fn try_from(kind: Kind) -> Result<Self, WireError> {
        Ok(match kind {
            Kind::Submitted(wire::Submitted {}) => Self::Submitted,
            Kind::StageOpened(wire::StageOpened { stage, jobs }) => Self::StageOpened {
                stage: stage_index(MESSAGE, stage)?,
                jobs,
            },
            Kind::Committed(wire::Committed { stage, jobs }) => Self::Committed {
                stage: stage_index(MESSAGE, stage)?,
                jobs,
            },
            Kind::Retried(retried) => Self::Retried {
                job: parsed(MESSAGE, "job", &retried.job)?,
                attempts: retried.attempts,
                retry_at: Millis(retried.retry_at_ms),
                reason: retried.reason,
            },
            Kind::LeaseExpired(wire::LeaseExpired { job, kills }) => Self::LeaseExpired {
                job: parsed(MESSAGE, "job", &job)?,
                kills,
            },
            Kind::DeadLettered(wire::DeadLettered { job, cause, reason }) => Self::DeadLettered {
                job: parsed(MESSAGE, "job", &job)?,
                cause: dead_cause(MESSAGE, cause)?,
                reason,
            },
            Kind::Replayed(wire::Replayed { jobs }) => Self::Replayed { jobs },
            Kind::Ended(wire::Ended { state }) => Self::Ended {
                state: run_state(MESSAGE, state)?,
            },
        })
    }
}
