//! Span ids that follow from what the span is about, so that a link needs no memory.
//!
//! The span of a delivery is named by a hash of run, stage, index and delivery number. Whoever knows the job can name the
//! span of its earlier attempt, or of a map that it reads, without storing or asking anything.
//! All other spans get random ids. ADR 0017 says why and where it ends.

use std::cell::Cell;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use tickfleet_protocol::ids::{JobRef, RunId};

/// The span of a job's delivery. Deliveries count from 0: failures of its own and workers lost before.
pub fn delivery_span(job: &JobRef, delivery: u32) -> SpanId {
    SpanId::from_bytes(first_bytes(&hash(b"tickfleet delivery span", job, delivery)))
}

/// The trace of a job's deliveries where these do not belong to the trace of the run's creation.
pub fn job_trace(job: &JobRef) -> TraceId {
    TraceId::from_bytes(first_bytes(&hash(b"tickfleet job trace", job, 0)))
}

/// The trace of a run that was submitted without one: its own id, so that whoever knows the run finds the trace.
pub fn run_trace(run: &RunId) -> TraceId {
    TraceId::from_bytes(*run.as_uuid().as_bytes())
}

/// Starts a span that gets `span` as its id, and `trace` as its trace where it has no parent.
pub(super) fn with_next<T>(span: SpanId, trace: TraceId, start: impl FnOnce() -> T) -> T {
    NEXT.set(Some((span, trace)));
    let started = start();
    NEXT.take();
    started
}

thread_local! {
    /// The ids of the span that this thread starts next.
    static NEXT: Cell<Option<(SpanId, TraceId)>> = const { Cell::new(None) };
}

/// Gives the ids that [`with_next`] asks for, and random ones otherwise.
#[derive(Debug, Default)]
pub(super) struct Ids {
    random: RandomIdGenerator,
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        // Called after the span id, and only for a span without parent.
        let next = ROOT.take();
        next.unwrap_or_else(|| self.random.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        let next = NEXT.take();
        ROOT.set(next.map(|(_, trace)| trace));
        next.map_or_else(|| self.random.new_span_id(), |(span, _)| span)
    }
}

thread_local! {
    /// The trace of the span whose id was just given, should it turn out to have no parent.
    static ROOT: Cell<Option<TraceId>> = const { Cell::new(None) };
}

fn hash(domain: &[u8], job: &JobRef, delivery: u32) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(domain);
    hasher.update(job.run.as_uuid().as_bytes());
    hasher.update(&job.stage.0.to_be_bytes());
    hasher.update(&job.index.0.to_be_bytes());
    hasher.update(&delivery.to_be_bytes());
    hasher.finalize()
}

/// The first bytes; never all zero, which is no id.
fn first_bytes<const N: usize>(hash: &blake3::Hash) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&hash.as_bytes()[..N]);
    if bytes == [0; N] {
        bytes[N - 1] = 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(text: &str) -> JobRef {
        text.parse().unwrap()
    }

    #[test]
    fn ids_follow_from_the_delivery_and_nothing_else() {
        let first = job("01890a5d-ac96-774b-bcce-b302099a8057/0/7");
        // A change of these bytes breaks links between workers of two versions.
        assert_eq!(delivery_span(&first, 0).to_string(), "43712bfada260ce6");
        let others = [
            job("01890a5d-ac96-774b-bcce-b302099a8057/1/7"),
            job("01890a5d-ac96-774b-bcce-b302099a8057/0/8"),
            job("01890a5d-ac96-774b-bcce-b302099a8058/0/7"),
        ];
        let mut ids: Vec<_> = others.iter().map(|job| delivery_span(job, 0)).collect();
        ids.extend([delivery_span(&first, 0), delivery_span(&first, 1)]);
        ids.sort_by_key(|id| id.to_bytes());
        ids.dedup();
        assert_eq!(ids.len(), 5);
    }

    #[test]
    fn a_run_without_a_trace_is_found_by_its_id() {
        let run = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        assert_eq!(run_trace(&run).to_string(), "01890a5dac96774bbcceb302099a8057");
    }

    #[test]
    fn the_next_span_gets_the_ids_and_the_one_after_does_not() {
        let ids = Ids::default();
        let (span, trace) = (SpanId::from(7), TraceId::from(9));
        let given = with_next(span, trace, || (ids.new_span_id(), ids.new_trace_id()));
        assert_eq!(given, (span, trace));
        assert_ne!((ids.new_span_id(), ids.new_trace_id()), (span, trace));
    }

    #[test]
    fn a_trace_that_was_not_asked_for_is_not_kept() {
        let ids = Ids::default();
        let (span, trace) = (SpanId::from(7), TraceId::from(9));
        with_next(span, trace, || ids.new_span_id());
        ids.new_span_id();
        assert_ne!(ids.new_trace_id(), trace);
        // Nothing took the ids: the next span of this thread must not get them.
        with_next(span, trace, || ());
        assert_ne!(ids.new_span_id(), span);
    }
}
