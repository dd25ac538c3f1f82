//! Why a job failed, and whether trying again can help; and why a worker could not go on.

use std::time::Duration;

use thiserror::Error;
use tickfleet_proto::convert::WireError;
use tickfleet_protocol::ids::JobKind;
use tickfleet_runtime::broker::BrokerError;
use tickfleet_runtime::cache::ResultsError;
use tickfleet_runtime::data::DataError;
use tickfleet_runtime::fault::Injected;
use tickfleet_runtime::pool::PoolError;
use tickfleet_runtime::tables::TableError;

use crate::model::ModelError;

/// A job's own failure.
#[derive(Debug, Error)]
pub enum JobError {
    /// Its input.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A result it reads or writes.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The run's record, or the result of a job it reads.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The run's record is none of a no-op run.
    #[error("the run's record cannot be read")]
    Noop(#[source] serde_json::Error),
    /// The run is of a kind that this worker did not ask for.
    #[error("this worker computes no jobs of kind {kind}")]
    UnknownKind {
        /// The kind.
        kind: JobKind,
    },
    /// A model that predicts. Whoever reads it is not at this machine, so it says what mends it.
    #[error("{model}; {help}", model = .0, help = .0.help())]
    Model(ModelError),
    /// What a lane did for its input panicked.
    #[error("the lane {0}")]
    Pool(#[from] PoolError),
    /// The kernel panicked.
    #[error("the kernel panicked: {0}")]
    KernelPanicked(String),
    /// Something on the way to or from the kernel panicked.
    #[error("the worker panicked: {0}")]
    Panicked(String),
    /// The queue did not answer.
    #[error("the queue did not answer")]
    Broker(#[from] BrokerError),
    /// Results that it reads or writes.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// A result that the job builds on is gone.
    #[error("{missing} of {all} map results have expired")]
    ResultsGone {
        /// How many are missing.
        missing: usize,
        /// How many it needs.
        all: usize,
    },
    /// The run is gone.
    #[error("the run has expired")]
    RunGone,
    /// The index is beyond the plan: another version planned the run.
    #[error("job {index} of stage {stage} is not in the plan: the run was planned by another version")]
    NotPlanned {
        /// Stage.
        stage: u16,
        /// Index.
        index: u64,
    },
    /// Its input did not come.
    #[error("its input was not there after {} s", after.as_secs())]
    FetchTimeout {
        /// How long was waited.
        after: Duration,
    },
    /// The job outlived workers and must run alone, which this worker cannot offer.
    #[error("{kills} workers died holding this job; it is not run again in a shared process")]
    Solo {
        /// Workers that died.
        kills: u32,
    },
    /// The process of its own in which it ran died of it.
    #[error("{kills} workers died holding this job, and so did the process that then ran it alone: {how}")]
    DiedAlone {
        /// Workers that died.
        kills: u32,
        /// How the process ended.
        how: String,
    },
    /// It failed in the process of its own in which it ran.
    #[error("{reason}")]
    FailedAlone {
        /// Why, as that process said.
        reason: String,
        /// Whether that process said that another attempt may succeed.
        is_retryable: bool,
    },
    /// No process could be had for it to run alone.
    #[error("no process can be started to run the job alone")]
    StartAlone(#[source] std::io::Error),
    /// A fault point was told to fail.
    #[error(transparent)]
    Injected(#[from] Injected),
}

/// Why a worker ended otherwise than it was asked to.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// No lanes, no jobs.
    #[error(transparent)]
    Pool(PoolError),
    /// Without renewed leases nothing that is computed counts.
    #[error("the thread that renews leases cannot be started")]
    Heartbeat(#[source] std::io::Error),
    /// Without a publisher nothing that is computed counts.
    #[error("the publisher ended before the worker")]
    Publisher(#[source] Option<tokio::task::JoinError>),
    /// It was cut off, or panicked.
    #[error("the worker died")]
    Died(#[source] tokio::task::JoinError),
    /// No lane is left that could compute.
    #[error("all {lanes} lanes hang in jobs that compute for longer than {} s", job_max.as_secs())]
    AllStuck {
        /// Lanes.
        lanes: usize,
        /// The bound.
        job_max: Duration,
    },
    /// The broker did not answer while the worker ended.
    #[error("the queue did not answer while {claims} claims were to be ended; their leases return the jobs")]
    Untold {
        /// Claims.
        claims: u64,
    },
}

impl From<ModelError> for JobError {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl From<tokio::task::JoinError> for JobError {
    fn from(error: tokio::task::JoinError) -> Self {
        match error.try_into_panic() {
            Ok(panic) => Self::panicked(panic.as_ref()),
            Err(cancelled) => Self::Panicked(cancelled.to_string()),
        }
    }
}

impl JobError {
    /// From what a panic on the way to or from the kernel carried.
    pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> Self {
        Self::Panicked(panic_text(panic))
    }

    /// From what a panic of the kernel carried.
    pub(crate) fn kernel_panicked(panic: &(dyn std::any::Any + Send)) -> Self {
        Self::KernelPanicked(panic_text(panic))
    }

    /// Whether another attempt may succeed: damaged or changed input stays as it is.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Data(error) => {
                matches!(error, DataError::Store { .. } | DataError::Unpack { .. }) || error.is_outage()
            }
            Self::FailedAlone { is_retryable, .. } => *is_retryable,
            Self::Results(error) => error.is_retryable(),
            Self::Broker(_)
            | Self::Pool(_)
            | Self::Panicked(_)
            | Self::KernelPanicked(_)
            | Self::UnknownKind { .. }
            | Self::FetchTimeout { .. }
            | Self::StartAlone(_)
            | Self::Injected(_) => true,
            Self::Table(_)
            | Self::Wire(_)
            | Self::Model(_)
            | Self::Noop(_)
            | Self::ResultsGone { .. }
            | Self::RunGone
            | Self::NotPlanned { .. }
            | Self::Solo { .. }
            | Self::DiedAlone { .. } => false,
        }
    }

    /// Whether the job had no part in it: the queue did not answer, and answers again at some time.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Broker(error) if error.is_retryable())
    }

    /// The error and what caused it, in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        text
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no message".to_owned())
}
