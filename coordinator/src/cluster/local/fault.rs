//! What a queue refuses, as its user reads it.

use tickfleet_protocol::ids::RunId;
use tickfleet_runtime::broker::BrokerError;
use tickfleet_runtime::failure::{ExitStatus, Failure, FailureKind};

/// A queue's refusal as a failure: what kind it is and what mends it.
pub(super) fn refusal(error: &BrokerError) -> Failure {
    let (status, kind, help) = match error {
        BrokerError::OutOfBounds { .. } => (ExitStatus::BadInput, FailureKind::Other, None),
        BrokerError::KeyReused { .. } => (ExitStatus::BadInput, FailureKind::Exists, None),
        BrokerError::UnknownRun { .. } => (
            ExitStatus::BadInput,
            FailureKind::NotFound,
            Some("coordinator list names the runs that are kept"),
        ),
        BrokerError::RunActive { .. } | BrokerError::RunOver { .. } => {
            (ExitStatus::BadInput, FailureKind::Precondition, None)
        }
        BrokerError::TooManyRuns { .. } | BrokerError::ResultsFull { .. } => {
            (ExitStatus::Failed, FailureKind::Exhausted, None)
        }
        BrokerError::Unavailable { .. } => (
            ExitStatus::Unreachable,
            FailureKind::Other,
            Some("check that the queue's Redis runs and can be reached; every command may be given again"),
        ),
        BrokerError::Unfit { .. } => (ExitStatus::Failed, FailureKind::Other, None),
    };
    let failure = Failure::from_error(status, error).of_kind(kind);
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// There is no such run.
pub(super) fn unknown_run(run: RunId) -> Failure {
    Failure::new(ExitStatus::BadInput, format!("no run {run}"))
        .of_kind(FailureKind::NotFound)
        .why("there never was one, it was forgotten, or it ended more than a day ago")
        .help("coordinator list names the runs that are kept")
}
