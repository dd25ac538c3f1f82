//! Requests held against their bounds before they reach a queue: the same for every broker.

use std::time::Duration;

use bytes::Bytes;
use tickfleet_protocol::{
    limits::{
        MAX_BATCH, MAX_CLAIMS_PER_CALL, MAX_KINDS, MAX_LEASE_MS, MAX_PAYLOAD_BYTES, MAX_RESULT_BYTES, MAX_WAIT_MS,
        MIN_LEASE_MS, OutOfBounds, check_bounds,
    },
    state::Terms,
};

use super::{BrokerError, ClaimRequest, Commit, NewRun, Result, clock::whole_ms};

/// The terms of a new run, where they and its payload are within bounds.
pub(super) fn terms(run: &NewRun) -> Result<Terms> {
    let NewRun {
        key,
        digest,
        kind,
        trace,
        stages,
        weight,
        deadline,
        retry,
        ..
    } = run;
    let terms = Terms {
        key: key.clone(),
        digest: *digest,
        kind: kind.clone(),
        trace: trace.clone(),
        stages: stages.clone(),
        weight: *weight,
        deadline: *deadline,
        retry: *retry,
    };
    let payload = check_bounds(
        "the payload in bytes",
        run.payload.len() as u64,
        0,
        MAX_PAYLOAD_BYTES as u64,
    );
    payload.and_then(|()| terms.check()).map_err(refuse("submit"))?;
    Ok(terms)
}

/// How long a claim may wait, in milliseconds, where the request is within bounds.
pub(super) fn claim(request: &ClaimRequest) -> Result<u64> {
    check_bounds("the number of kinds", request.kinds.len() as u64, 1, MAX_KINDS as u64).map_err(refuse("claim"))?;
    check_bounds("the number of jobs", request.max as u64, 1, MAX_CLAIMS_PER_CALL as u64).map_err(refuse("claim"))?;
    lease("claim", request.lease_ms)?;
    wait("claim", request.wait)
}

/// A lease in milliseconds.
pub(super) fn lease(operation: &'static str, lease_ms: u64) -> Result<()> {
    check_bounds("the lease in ms", lease_ms, MIN_LEASE_MS, MAX_LEASE_MS).map_err(refuse(operation))
}

/// A time to wait, in milliseconds.
pub(super) fn wait(operation: &'static str, wait: Duration) -> Result<u64> {
    let wait_ms = whole_ms(wait);
    check_bounds("the wait in ms", wait_ms, 0, MAX_WAIT_MS).map_err(refuse(operation))?;
    Ok(wait_ms)
}

/// The number of items in a batch.
pub(super) fn batch(operation: &'static str, items: usize) -> Result<()> {
    check_bounds("the number of items", items as u64, 0, MAX_BATCH as u64).map_err(refuse(operation))
}

/// A batch of commits, and each result.
pub(super) fn commits(commits: &[Commit]) -> Result<()> {
    batch("commit", commits.len())?;
    results("commit", commits.iter().filter_map(|commit| commit.result.as_ref()))
}

/// A batch of results, and each of them.
pub(super) fn results<'a>(operation: &'static str, results: impl Iterator<Item = &'a Bytes>) -> Result<()> {
    let (count, largest) = results.fold((0, 0), |(count, largest), bytes| (count + 1, bytes.len().max(largest)));
    batch(operation, count)?;
    check_bounds("a result in bytes", largest as u64, 0, MAX_RESULT_BYTES as u64).map_err(refuse(operation))
}

/// Wraps what is wrong with the call it is wrong in.
pub(super) fn refuse(operation: &'static str) -> impl Fn(OutOfBounds) -> BrokerError {
    move |source| BrokerError::OutOfBounds { operation, source }
}
