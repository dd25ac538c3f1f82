//! Submit: a run is accepted once, whatever the number of times it is asked for.

use super::{
    Run,
    queue::{Queue, sealed::Apply},
};
use crate::{
    ids::{Digest, IdempotencyKey, JobKind, Millis, RunId},
    limits::{MAX_JOBS_PER_RUN, MAX_RUNS, MAX_STAGES, MAX_TRACE_BYTES, MAX_WEIGHT, OutOfBounds, check_bounds},
    retry::RetryPolicy,
};

/// What a run is submitted under; its payload is the broker's to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The same key and digest give the same run.
    pub key: IdempotencyKey,
    /// Hash of what is asked for.
    pub digest: Digest,
    /// What its workers must be able to compute.
    pub kind: JobKind,
    /// The W3C `traceparent` it was submitted under.
    pub trace: Option<String>,
    /// Number of jobs of each stage, in order. A stage without jobs is complete as soon as it opens.
    pub stages: Vec<u64>,
    /// Share against other runs.
    pub weight: u32,
    /// When to give it up.
    pub deadline: Option<Millis>,
    /// How its jobs are tried again.
    pub retry: RetryPolicy,
}

impl Terms {
    /// Holds every number against its bounds.
    pub fn check(&self) -> Result<(), OutOfBounds> {
        check_bounds("the number of stages", self.stages.len() as u64, 1, MAX_STAGES as u64)?;
        let jobs = self.stages.iter().fold(0_u64, |sum, &jobs| sum.saturating_add(jobs));
        check_bounds("the number of jobs", jobs, 0, MAX_JOBS_PER_RUN)?;
        check_bounds("the weight", u64::from(self.weight), 1, u64::from(MAX_WEIGHT))?;
        if let Some(trace) = &self.trace {
            check_bounds(
                "the traceparent in bytes",
                trace.len() as u64,
                1,
                MAX_TRACE_BYTES as u64,
            )?;
        }
        self.retry.check()
    }
}

/// Accepts a run and opens its first stage.
#[derive(Clone, Debug)]
pub struct Submit {
    /// A fresh id, for the case that the run is new.
    pub id: RunId,
    /// Its terms.
    pub terms: Terms,
}

/// An accepted run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub run: RunId,
    /// Whether it is new.
    pub created: bool,
}

/// Why a run was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Its terms are out of bounds.
    #[error(transparent)]
    Terms(#[from] OutOfBounds),
    /// Its key belongs to a run with another digest.
    #[error("the key belongs to run {run}, which has another digest")]
    KeyReused {
        /// The run that has the key.
        run: RunId,
    },
    /// [`MAX_RUNS`] runs are kept already.
    #[error("{MAX_RUNS} runs are kept already")]
    Full,
}

impl Apply for Submit {
    type Outcome = Result<Accepted, SubmitError>;

    fn apply(self, queue: &mut Queue, now: Millis) -> Self::Outcome {
        self.terms.check()?;
        if let Some(&run) = queue.keys.get(&self.terms.key) {
            let is_same = queue
                .run(run)
                .is_some_and(|known| known.terms.digest == self.terms.digest);
            return if is_same {
                Ok(Accepted { run, created: false })
            } else {
                Err(SubmitError::KeyReused { run })
            };
        }
        if queue.runs.len() >= MAX_RUNS {
            return Err(SubmitError::Full);
        }
        assert!(!queue.runs.contains_key(&self.id), "a new run comes with a fresh id");
        queue.keys.insert(self.terms.key.clone(), self.id);
        queue.runs.insert(self.id, Run::new(self.id, self.terms, now));
        queue.settle(self.id);
        Ok(Accepted {
            run: self.id,
            created: true,
        })
    }
}
