//! What a worker can compute, kind by kind: how a run's record is read, what names a job's result, what a job has to
//! fetch, and what it then computes.
//!
//! Nothing here knows of claims, leases or the queue: a job goes the same way whatever its kind. A further kind is a
//! module, a variant of [`Kind`] and of [`Run`]. Read next: [`scan`], [`noop`].

pub mod noop;
pub mod scan;
mod work;

use std::sync::Arc;

use bytes::Bytes;
use tickfleet_protocol::identity::KERNEL_VERSION;
use tickfleet_protocol::ids::{Identity, JobKind, JobRef, StageIndex};
use tickfleet_protocol::plan;
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::pool::Pool;
use tickfleet_runtime::telemetry::delivery::Reads;

use self::noop::Noop;
pub use self::work::{Work, WorkCounts};
use crate::error::JobError;
use crate::results::Results;

/// A kind of job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The scan of a universe of symbols.
    Scan,
    /// Nothing, at a price.
    Noop,
}

/// What a job needs to be fetched and computed.
#[derive(Clone, Debug)]
pub struct Tools {
    /// Opened inputs and the cache of their blocks.
    pub inputs: Arc<Inputs>,
    /// The lanes.
    pub pool: Pool,
    /// Results of earlier stages.
    pub results: Results,
    /// How results came to be.
    pub work: Arc<Work>,
}

/// The computation of a job whose input is there: CPU only, for a lane. It gives the job's result.
pub type Computation = Box<dyn FnOnce() -> Result<Bytes, JobError> + Send>;

/// What there is of a job once its input was fetched.
pub enum Fetched {
    /// What is to be computed.
    Computation(Computation),
    /// Its result, which another job computed from the same content.
    Result(Bytes),
}

/// A run, its record read.
#[derive(Clone, Debug)]
pub enum Run {
    /// Of [`Kind::Scan`].
    Scan(Arc<scan::run::Run>),
    /// Of [`Kind::Noop`].
    Noop(Arc<Noop>),
}

impl Kind {
    /// Every kind that this version computes.
    pub const ALL: [Self; 2] = [Self::Scan, Self::Noop];

    /// Its name with the version of its kernels: what runs are submitted under.
    pub const fn version(self) -> &'static str {
        match self {
            Self::Scan => KERNEL_VERSION,
            Self::Noop => noop::VERSION,
        }
    }

    /// Its name, as claims ask for it.
    ///
    /// # Panics
    /// Never: the names are printable ASCII.
    pub fn job_kind(self) -> JobKind {
        JobKind::new(self.version()).expect("a kind's name is printable ASCII")
    }
}

impl Run {
    /// Reads a run's record. CPU only, and much of it for a large record.
    ///
    /// # Errors
    /// The kind is not one of this version's, or the record is not one of its kind.
    pub fn decode(kind: &JobKind, payload: Bytes) -> Result<Self, JobError> {
        let known = Kind::ALL.into_iter().find(|known| known.version() == kind.as_str());
        match known {
            Some(Kind::Scan) => Ok(Self::Scan(Arc::new(scan::decode(payload)?))),
            Some(Kind::Noop) => Ok(Self::Noop(Arc::new(Noop::decode(&payload)?))),
            None => Err(JobError::UnknownKind { kind: kind.clone() }),
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Scan(_) => Kind::Scan,
            Self::Noop(_) => Kind::Noop,
        }
    }

    /// Name of a stage of it.
    pub fn stage_name(&self, stage: StageIndex) -> &'static str {
        match self {
            Self::Scan(_) => plan::stage_name(u32::from(stage.0)),
            Self::Noop(_) => "noop",
        }
    }

    /// The jobs of an earlier stage that a job reads.
    pub fn linked(&self, job: &JobRef) -> Option<Reads> {
        match self {
            Self::Scan(run) => scan::linked(run, job),
            Self::Noop(_) => None,
        }
    }

    /// Identity of a job's result. CPU only.
    ///
    /// # Errors
    /// [`JobError::NotPlanned`].
    pub fn identity(&self, job: &JobRef) -> Result<Identity, JobError> {
        match self {
            Self::Scan(run) => Ok(run.identities().of(&run.job(job)?)),
            Self::Noop(noop) => Ok(noop.identity(job)),
        }
    }

    /// The results of earlier stages that a job reads.
    ///
    /// # Errors
    /// [`JobError::NotPlanned`].
    pub fn reads(&self, job: &JobRef) -> Result<Vec<Identity>, JobError> {
        match self {
            Self::Scan(run) => scan::reads(run, job),
            Self::Noop(_) => Ok(Vec::new()),
        }
    }

    /// The computation of a job that has nothing to fetch; `None` for any other.
    pub fn ready(&self, job: &JobRef) -> Option<Computation> {
        match self {
            Self::Scan(_) => None,
            Self::Noop(noop) => {
                let (noop, job) = (Arc::clone(noop), *job);
                Some(Box::new(move || Ok(noop.compute(&job))))
            }
        }
    }

    /// Fetches what a job computes from, and gives its computation, or its result where another job has it.
    ///
    /// # Errors
    /// Storage, the queue, results that have expired.
    pub async fn fetch(&self, job: &JobRef, tools: &Tools) -> Result<Fetched, JobError> {
        match self {
            Self::Scan(run) => scan::fetched(run, job, tools).await,
            Self::Noop(_) => {
                let computation = self.ready(job).expect("such a job has nothing to fetch");
                Ok(Fetched::Computation(computation))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_by_its_kind() {
        let noop = Noop::default();
        let run = Run::decode(&Kind::Noop.job_kind(), noop.encode()).unwrap();
        assert_eq!(run.kind(), Kind::Noop);
        let no_scan = Run::decode(&Kind::Scan.job_kind(), noop.encode());
        assert!(matches!(no_scan, Err(JobError::Wire(_))), "{no_scan:?}");
        let unknown = JobKind::new("scan/0").unwrap();
        let error = Run::decode(&unknown, noop.encode()).expect_err("another version's");
        assert!(
            error.chain().contains("scan/0") && error.retryable(),
            "{}",
            error.chain()
        );
    }
}
