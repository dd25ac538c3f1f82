//! Why a job failed, and whether trying again can help.

use thiserror::Error;
use tickfleet_proto::convert::WireError;
use tickfleet_runtime::broker::BrokerError;
use tickfleet_runtime::data::DataError;
use tickfleet_runtime::pool::PoolError;
use tickfleet_runtime::tables::TableError;

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
    /// The kernel panicked.
    #[error("the kernel {0}")]
    Pool(#[from] PoolError),
    /// Something on the way to or from the kernel panicked.
    #[error("the worker panicked: {0}")]
    Panicked(String),
    /// The queue did not answer.
    #[error("the queue did not answer")]
    Broker(#[from] BrokerError),
    /// A result that the job builds on is gone.
    #[error("{missing} of {all} map results have expired")]
    ResultsGone {
        /// How many are missing.
        missing: usize,
        /// How many it needs.
        all: usize,
    },
    /// The index is beyond the plan: another version planned the run.
    #[error("job {index} of stage {stage} is not in the plan: the run was planned by another version")]
    NotPlanned {
        /// Stage.
        stage: u16,
        /// Index.
        index: u64,
    },
    /// The job outlived workers and must run alone, which an embedded worker cannot offer.
    #[error("{kills} workers died holding this job; it is not run again in a shared process")]
    Solo {
        /// Workers that died.
        kills: u32,
    },
}

impl JobError {
    /// From what a panic carried.
    pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Self::Panicked(text.unwrap_or_else(|| "no message".to_owned()))
    }

    /// Whether another attempt may succeed: damaged or changed input stays as it is.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Data(error) => matches!(error, DataError::Store { .. } | DataError::Unpack { .. }),
            Self::Broker(_) | Self::Pool(_) | Self::Panicked(_) => true,
            Self::Table(_) | Self::Wire(_) | Self::ResultsGone { .. } | Self::NotPlanned { .. } | Self::Solo { .. } => {
                false
            }
        }
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
