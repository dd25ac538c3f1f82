//! Jobs whose input is there, on lanes: one at a time where they are long, in pieces of a millisecond or two where they
//! are tiny, so that passing a job on costs less than the job.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tickfleet_protocol::ids::{Identity, JobRef};
use tickfleet_runtime::broker::Claim;
use tickfleet_runtime::fault;

use crate::claim::Shared;
use crate::error::JobError;
use crate::jobs::{Computation, Kind};
use crate::outbox::Outcome;
use crate::status::Status;

/// A job that takes longer than this is measured by itself.
const LONG: Duration = Duration::from_millis(1);

/// A job that may compute.
pub(crate) struct Ready {
    /// Its claim.
    pub(crate) claim: Claim,
    /// The identity of its result.
    pub(crate) identity: Identity,
    /// What is to be computed.
    pub(crate) computation: Computation,
}

/// Gives jobs of one kind to the lanes.
pub(crate) fn start(shared: &Arc<Shared>, kind: Kind, mut ready: Vec<Ready>) {
    let size = shared.room.chunk(kind, ready.len());
    while !ready.is_empty() {
        let rest = ready.split_off(size.min(ready.len()));
        let (chunk, shared_by_lane) = (std::mem::replace(&mut ready, rest), Arc::clone(shared));
        shared
            .tools
            .pool
            .start(move || compute_chunk(&shared_by_lane, kind, chunk));
    }
}

fn compute_chunk(shared: &Shared, kind: Kind, chunk: Vec<Ready>) {
    let (mut short, mut spent) = (0, Duration::ZERO);
    for Ready {
        claim,
        identity,
        computation,
    } in chunk
    {
        if !shared.held.begin(&claim.token) {
            continue;
        }
        let began = Instant::now();
        let outcome = match shared
            .observe
            .compute(&claim.token, || compute(&claim.job, computation))
        {
            Ok(result) => Outcome::Done(identity, Some(result)),
            Err(error) => Outcome::of(&error),
        };
        let took = began.elapsed();
        Status::add(&shared.status.computed, 1);
        if took < LONG {
            short += 1;
            spent += took;
        } else {
            shared.room.measured(kind, 1, took);
        }
        if shared.held.end(&claim.token) {
            shared.outbox.put(claim, outcome);
        }
    }
    shared.room.measured(kind, short, spent);
    shared.held.notify();
}

/// Computes one job; a panic of its kernel is its failure.
pub(crate) fn compute(job: &JobRef, computation: Computation) -> Result<Bytes, JobError> {
    let guarded = || {
        fault::point_at("worker.in_compute", job)?;
        let result = computation()?;
        fault::point_at("worker.after_compute", job)?;
        Ok(result)
    };
    catch_unwind(AssertUnwindSafe(guarded)).unwrap_or_else(|panic| Err(JobError::kernel_panicked(panic.as_ref())))
}
