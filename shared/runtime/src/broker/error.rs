//! Why a broker refused or could not do something, and whether trying again can help: that is decided by the variant.

use tickfleet_protocol::{
    ids::{IdempotencyKey, JobRef, RunId},
    limits::OutOfBounds,
};

/// A call on a broker that was not done.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// A number in the request is out of its bounds; nothing was done.
    #[error("{operation}: the request is out of bounds")]
    OutOfBounds {
        /// The call.
        operation: &'static str,
        /// The number, and its bounds.
        #[source]
        source: OutOfBounds,
    },
    /// The idempotency key belongs to a run that was asked to do something else; nothing was submitted.
    #[error("submit: key {key} is taken by run {run} with another spec; use another key")]
    KeyReused {
        /// The key.
        key: IdempotencyKey,
        /// The run that has it.
        run: RunId,
    },
    /// There is no such run, or it has expired.
    #[error("{operation}: no run {run}")]
    UnknownRun {
        /// The call.
        operation: &'static str,
        /// The run asked for.
        run: RunId,
    },
    /// The run has not ended, and the call is for ended runs only.
    #[error("{operation}: run {run} has not ended; cancel it first")]
    RunActive {
        /// The call.
        operation: &'static str,
        /// The run.
        run: RunId,
    },
    /// The run has ended in a way that the call can't change.
    #[error("{operation}: run {run} is over")]
    RunOver {
        /// The call.
        operation: &'static str,
        /// The run.
        run: RunId,
    },
    /// The broker keeps as many runs as it may.
    #[error("submit: {max} runs are kept already; forget some")]
    TooManyRuns {
        /// The bound.
        max: usize,
    },
    /// The results of this call do not fit beside those that are kept; of a commit, nothing was done.
    #[error(
        "{operation}: {needed} bytes of results do not fit, {used} of {limit} are used; forget ended runs or raise the limit"
    )]
    ResultsFull {
        /// The call.
        operation: &'static str,
        /// The first job whose result did not fit, where the results are those of jobs.
        job: Option<JobRef>,
        /// Bytes this call would add.
        needed: u64,
        /// Bytes in use.
        used: u64,
        /// The bound.
        limit: u64,
    },
    /// The broker can't be reached or did not answer. The call may or may not have been done; every call may be sent
    /// again.
    #[error("{operation}: the broker is unavailable")]
    Unavailable {
        /// The call.
        operation: &'static str,
        /// What the client library said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The broker answered something that it never should, or is set up in a way that would lose jobs.
    #[error("{operation}: {reason}")]
    Unfit {
        /// The call.
        operation: &'static str,
        /// What is wrong and what mends it.
        reason: String,
    },
}

impl BrokerError {
    /// Whether the same call may succeed later without anyone's doing.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
