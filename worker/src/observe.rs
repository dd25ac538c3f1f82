//! What a worker tells of its jobs: counts and durations by kind and stage, and spans for each delivery.
//!
//! It decides nothing about a job, and no job waits for it. A claim is known here from where its run is known until its
//! outcome is. Read next: [`tickfleet_runtime::telemetry::delivery`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tickfleet_protocol::ids::Token;
use tickfleet_runtime::broker::Claim;
use tickfleet_runtime::telemetry::delivery::{Delivery, End};
use tickfleet_runtime::telemetry::metrics::{JobMetrics, shared};
use tickfleet_runtime::telemetry::trace;
use tracing::{Instrument, Span};

use crate::claim::WorkerOptions;
use crate::error::JobError;
use crate::runs::Known;

/// The deliveries that a worker tells of.
#[derive(Debug, Default)]
pub(crate) struct Observe {
    seen: Mutex<HashMap<Token, Seen>>,
}

#[derive(Clone, Debug)]
struct Seen {
    counts: Arc<JobMetrics>,
    delivery: Delivery,
    since: Instant,
    is_found: bool,
}

impl Observe {
    /// Claims of a run are on their way.
    pub(crate) fn begin(&self, known: &Known, claims: &[Claim], options: &WorkerOptions) {
        let begun = claims
            .iter()
            .map(|claim| (claim.token, Seen::new(known, claim, options)));
        // Spans take a moment to make: not while lanes wait for the lock.
        let begun: Vec<_> = begun.collect();
        self.lock().extend(begun);
    }

    /// Reads a job's input.
    pub(crate) async fn fetch<T>(
        &self,
        token: &Token,
        reading: impl Future<Output = Result<T, JobError>>,
    ) -> Result<T, JobError> {
        let Some(seen) = self.get(token) else {
            return reading.await;
        };
        let (span, began) = (seen.delivery.fetch(), Instant::now());
        let read = reading.instrument(span.clone()).await;
        shared().fetched(&seen.counts, began.elapsed());
        note(&span, &read);
        read
    }

    /// Computes a job on this thread.
    pub(crate) fn compute<T>(&self, token: &Token, work: impl FnOnce() -> Result<T, JobError>) -> Result<T, JobError> {
        let _busy = shared().worker.busy.hold();
        let span = self.executing(token);
        let _within = span.enter();
        let computed = work();
        note(&span, &computed);
        computed
    }

    /// Counts a computation that begins, and gives its span.
    pub(crate) fn executing(&self, token: &Token) -> Span {
        self.get(token).map_or_else(Span::none, |seen| {
            seen.counts.executed.add(1);
            seen.delivery.compute()
        })
    }

    /// A job's result was there, and nothing is computed.
    pub(crate) fn found(&self, token: &Token) {
        if let Some(seen) = self.lock().get_mut(token) {
            seen.is_found = true;
        }
    }

    /// Outcomes are told to the broker by this call, until what is given is dropped.
    pub(crate) fn telling(&self, operation: &'static str, tokens: impl Iterator<Item = Token>) -> Vec<Span> {
        let seen = self.lock();
        let spans = tokens.filter_map(|token| Some(seen.get(&token)?.delivery.settle(operation)));
        spans.filter(|span| !span.is_disabled()).collect()
    }

    /// Claims have ended; where one failed, the text says why.
    pub(crate) fn end<'a>(&self, ended: impl IntoIterator<Item = (Token, End, Option<&'a str>)>) {
        let ended: Vec<_> = {
            let mut seen = self.lock();
            let ended = ended.into_iter();
            ended
                .filter_map(|(token, end, reason)| Some((seen.remove(&token)?, end, reason)))
                .collect()
        };
        for (seen, end, reason) in ended {
            seen.end(end, reason);
        }
    }

    /// Forgets claims that are no longer held, and of which nothing is to be told.
    pub(crate) fn lose(&self, tokens: impl IntoIterator<Item = Token>) {
        self.end(tokens.into_iter().map(|token| (token, End::Lost, None)));
    }

    fn get(&self, token: &Token) -> Option<Seen> {
        self.lock().get(token).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Token, Seen>> {
        // The map is plain data, valid after any panic.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn new(known: &Known, claim: &Claim, options: &WorkerOptions) -> Self {
        let stage = known.run.stage_name(claim.job.stage);
        let counts = shared().jobs.of(known.run.kind().version(), stage);
        counts.claimed.add(1);
        if claim.attempts == 0 && claim.kills == 0 {
            // The lease began with the claim, by the clock that the submission was noted by.
            let claimed_ms = claim.lease_until.0.saturating_sub(options.lease_ms());
            let waited_ms = claimed_ms.saturating_sub(known.submitted_at.0);
            shared().waited(&counts, Duration::from_millis(waited_ms));
        }
        let reads = known.run.linked(&claim.job);
        Self {
            counts,
            delivery: Delivery::begin(&known.trace, claim, stage, &options.id, reads.as_ref()),
            since: Instant::now(),
            is_found: false,
        }
    }

    fn end(self, end: End, reason: Option<&str>) {
        let counts = &self.counts;
        let end = match end {
            End::Committed if self.is_found => End::Reused,
            end => end,
        };
        match end {
            End::Committed => counts.committed.add(1),
            End::Reused => {
                counts.committed.add(1);
                counts.reused.add(1);
            }
            End::Retried => {
                counts.failed.add(1);
                counts.retried.add(1);
            }
            End::Dead => counts.failed.add(1),
            End::Lost => counts.lost.add(1),
            End::Returned => counts.returned.add(1),
            End::Untold => counts.untold.add(1),
        }
        if end != End::Returned {
            shared().processed(counts, self.since.elapsed(), end.error());
        }
        self.delivery.end(end, reason);
    }
}

fn note<T>(span: &Span, done: &Result<T, JobError>) {
    if let Err(error) = done {
        trace::fail(span, "job", error.chain());
    }
}
