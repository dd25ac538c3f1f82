//! The scan as a kind of job: map jobs read blocks of bars, reduce jobs the results of the maps of their date.
//!
//! The files are the path of a job: [`run`], [`fetch`], [`compute`], with `content` between the last two where others may
//! have computed the same.

pub mod compute;
mod content;
pub mod fetch;
pub mod run;

use std::sync::Arc;

use bytes::Bytes;
use tickfleet_proto::convert::ScanRun;
use tickfleet_protocol::ids::{Identity, JobRef, StageIndex};
use tickfleet_protocol::plan::{Job, MAP};
use tickfleet_runtime::telemetry::delivery::Reads;

use self::run::Run;
use super::{Fetched, Tools};
use crate::error::JobError;

/// Reads a run's record.
///
/// # Errors
/// A record of another version.
pub fn decode(payload: Bytes) -> Result<Run, JobError> {
    Ok(Run::new(ScanRun::decode(payload)?))
}

/// The results that a job reads.
///
/// # Errors
/// [`JobError::NotPlanned`].
pub fn reads(run: &Run, job: &JobRef) -> Result<Vec<Identity>, JobError> {
    Ok(match run.job(job)? {
        Job::Map { .. } => Vec::new(),
        Job::Reduce { date } => run.identities().maps_of(date),
    })
}

/// The map jobs that a job reads.
pub fn linked(run: &Run, job: &JobRef) -> Option<Reads> {
    match run.job(job) {
        Ok(Job::Reduce { date }) => Some(Reads {
            stage: StageIndex(u16::try_from(MAP).expect("a scan has two stages")),
            jobs: run.plan.maps_of(date),
        }),
        _ => None,
    }
}

/// Fetches what a job computes from, and gives its computation, or its result where another job has it.
///
/// # Errors
/// Storage, the queue, results that have expired; damaged blocks of a job that is looked for by content.
pub async fn fetched(run: &Arc<Run>, job: &JobRef, tools: &Tools) -> Result<Fetched, JobError> {
    let job = run.job(job)?;
    let input = fetch::fetch(run, &job, tools).await?;
    if let (Job::Map { .. }, Some(results)) = (&job, tools.results.by_content()) {
        return content::fetched(run, job, input, tools, results).await;
    }
    let (run, inputs, work) = (Arc::clone(run), Arc::clone(&tools.inputs), Arc::clone(&tools.work));
    Ok(Fetched::Computation(Box::new(move || {
        match &job {
            Job::Map { .. } => work.map(),
            Job::Reduce { .. } => work.reduce(),
        }
        compute::compute(&run, &inputs, &job, input)
    })))
}
