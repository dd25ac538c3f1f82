//! The spans of a job's deliveries: one `process` span each, with fetching, computing and committing below it.
//!
//! A delivery hangs under the run's creation context, so that one waterfall shows the run, and links to it; a retry links
//! the attempt before it, a reduce the maps that it reads. Ids follow from the job ([`super::ids`]), so a link needs
//! nothing that was stored. Without an exporter, or for a run that is not sampled, a [`Delivery`] is empty.

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::OnceLock;

use opentelemetry::trace::{SpanContext, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SpanData;
use tickfleet_protocol::ids::{JobIndex, JobKind, JobRef, RunId, StageIndex, WorkerId};
use tickfleet_protocol::state::Claim;
use tracing::field::Empty;
use tracing::{Level, Span, info_span, span_enabled};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::ids::{delivery_span, job_trace, run_trace, with_next};
use super::trace::{SYSTEM, parse};

/// Most links to the jobs that a job reads; the rest is a number in `tickfleet.links.omitted`.
pub const MAX_READ_LINKS: u64 = 128;

/// Where the span of a delivery hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JobParent {
    /// Under the run's creation, in its trace: one waterfall shows the whole run.
    #[default]
    Child,
    /// In a trace of the job's own that links to the run's creation: a trace stays small, whatever the run's size.
    Link,
}

impl JobParent {
    /// The parent of this name.
    pub fn find(name: &str) -> Option<Self> {
        match name {
            "child" => Some(Self::Child),
            "link" => Some(Self::Link),
            _ => None,
        }
    }
}

/// Which deliveries get spans, and where these hang.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobSpans {
    /// Where the spans hang.
    pub parent: JobParent,
    /// The part of a run's jobs that get spans, 0 to 1. All deliveries of a job are in it, or none.
    pub ratio: f64,
}

impl Default for JobSpans {
    fn default() -> Self {
        Self {
            parent: JobParent::default(),
            ratio: 1.0,
        }
    }
}

impl JobSpans {
    /// Whether a job is in: by its id, so that every worker says the same.
    fn takes(&self, job: &JobRef) -> bool {
        // The top 53 bits of the id, which a float holds exactly, as a fraction of 1.
        let bits = u64::from_be_bytes(delivery_span(job, 0).to_bytes()) >> 11;
        self.ratio >= 1.0 || (bits as f64) / ((1_u64 << 53) as f64) < self.ratio
    }
}

/// Sets what this process does; the first word holds.
pub(super) fn set_policy(policy: JobSpans) {
    let _ = POLICY.set(policy);
}

static POLICY: OnceLock<JobSpans> = OnceLock::new();

/// What the spans of a run's jobs have in common: taken from its record once, used for each of its jobs.
#[derive(Debug, Clone)]
pub struct RunTrace {
    /// Kind of the run's jobs.
    kind: JobKind,
    /// Where the run was created; none where its submitter did not trace.
    created: Option<SpanContext>,
    /// The trace in which its deliveries are, unless each job has its own.
    trace: TraceId,
    policy: JobSpans,
}

impl RunTrace {
    /// From what the run's record says.
    pub fn new(run: RunId, kind: JobKind, traceparent: Option<&str>) -> Self {
        Self::with_policy(run, kind, traceparent, POLICY.get().copied().unwrap_or_default())
    }

    fn with_policy(run: RunId, kind: JobKind, traceparent: Option<&str>, policy: JobSpans) -> Self {
        let created = traceparent.and_then(parse);
        Self {
            trace: created.as_ref().map_or_else(|| run_trace(&run), SpanContext::trace_id),
            kind,
            created,
            policy,
        }
    }

    /// Whether a job's deliveries get spans, where spans are exported at all.
    fn takes(&self, job: &JobRef) -> bool {
        self.created.as_ref().is_none_or(SpanContext::is_sampled) && self.policy.takes(job)
    }

    fn trace_of(&self, job: &JobRef) -> TraceId {
        match self.policy.parent {
            JobParent::Child => self.trace,
            JobParent::Link => job_trace(job),
        }
    }

    /// What a link to a delivery names.
    fn context_of(&self, job: &JobRef, delivery: u32) -> SpanContext {
        let (trace, span) = (self.trace_of(job), delivery_span(job, delivery));
        SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE)
    }

    /// The context that a delivery starts under.
    fn parent(&self) -> Context {
        match (&self.created, self.policy.parent) {
            (Some(created), JobParent::Child) => Context::new().with_remote_span_context(created.clone()),
            _ => Context::new(),
        }
    }
}

/// What a job reads of its run: a range of jobs of an earlier stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reads {
    /// Their stage.
    pub stage: StageIndex,
    /// Their indexes.
    pub jobs: Range<u64>,
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its result made the job done.
    Committed,
    /// A result that was there already made the job done.
    Reused,
    /// It failed, and the job is tried again.
    Retried,
    /// It failed, and the job is a dead letter.
    Dead,
    /// It came too late, or the claim was taken back.
    Lost,
    /// It was handed back without a verdict. It is no attempt, and the next delivery has its number: no span of it is
    /// exported.
    Returned,
    /// The queue could not be told: the lease returns the job.
    Untold,
}

impl End {
    /// The end in one word, as an attribute.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Reused => "reused",
            Self::Retried => "retried",
            Self::Dead => "dead",
            Self::Lost => "lost",
            Self::Returned => RETURNED,
            Self::Untold => "untold",
        }
    }

    /// What went wrong, as an attribute.
    pub const fn error(self) -> Option<&'static str> {
        match self {
            Self::Committed | Self::Reused | Self::Returned => None,
            Self::Retried | Self::Dead | Self::Lost | Self::Untold => Some(self.name()),
        }
    }
}

/// Whether a span is that of a delivery that was handed back.
pub(super) fn is_returned(span: &SpanData) -> bool {
    let is_so = |it: &KeyValue| it.key.as_str() == OUTCOME && it.value.as_str() == RETURNED;
    span.span_kind == SpanKind::Consumer && span.attributes.iter().any(is_so)
}

/// The attribute that says how a delivery ended.
const OUTCOME: &str = "tickfleet.outcome";
/// Its value for a delivery that was handed back.
const RETURNED: &str = "returned";

/// A delivery of a job to this worker, from its claim to its outcome.
#[derive(Debug, Clone)]
pub struct Delivery {
    process: Span,
}

impl Delivery {
    /// A delivery that is not traced.
    pub const fn untraced() -> Self {
        Self { process: Span::none() }
    }

    /// Starts the spans of a claim. `stage` is the stage's name; `reads` says which jobs' results it is made of.
    pub fn begin(run: &RunTrace, claim: &Claim, stage: &str, worker: &WorkerId, reads: Option<&Reads>) -> Self {
        if !span_enabled!(Level::INFO) || !run.takes(&claim.job) {
            return Self::untraced();
        }
        let delivery = claim.attempts.saturating_add(claim.kills);
        let process = process_span(run, claim, stage, worker);
        if let Err(error) = process.set_parent(run.parent()) {
            tracing::debug!(%error, "a delivery's span could not be put under its run");
        }
        run.link(&process, &claim.job, delivery, reads);
        let ids = (delivery_span(&claim.job, delivery), run.trace_of(&claim.job));
        with_next(ids.0, ids.1, || process.context());
        Self { process }
    }

    /// The span itself, to write log lines and calls in.
    pub fn span(&self) -> &Span {
        &self.process
    }

    /// The reading of the job's input.
    pub fn fetch(&self) -> Span {
        self.child(|process| info_span!(parent: process, "fetch", otel.kind = "internal", error.type = Empty))
    }

    /// The kernel, on its lane.
    pub fn compute(&self) -> Span {
        self.child(|process| info_span!(parent: process, "compute", otel.kind = "internal", error.type = Empty))
    }

    /// The call that tells the queue of the outcome.
    pub fn settle(&self, operation: &'static str) -> Span {
        self.child(|process| {
            info_span!(
                parent: process,
                "settle",
                otel.name = operation,
                otel.kind = "client",
                messaging.system = SYSTEM,
                messaging.operation.name = operation,
                messaging.operation.type = "settle",
                error.type = Empty,
            )
        })
    }

    /// Ends the delivery; where it failed, `reason` says why.
    pub fn end(self, end: End, reason: Option<&str>) {
        if self.process.is_disabled() {
            return;
        }
        self.process.record(OUTCOME, end.name());
        if let Some(error) = end.error() {
            self.process.record("error.type", error);
            self.process
                .set_status(Status::error(reason.unwrap_or(error).to_owned()));
        }
        // A span ends when it was left last; this one was not entered since the job was computed.
        self.process.in_scope(|| ());
    }

    /// A span without a parent would begin a trace of its own.
    fn child(&self, make: impl FnOnce(&Span) -> Span) -> Span {
        if self.process.is_disabled() {
            Span::none()
        } else {
            make(&self.process)
        }
    }
}

fn process_span(run: &RunTrace, claim: &Claim, stage: &str, worker: &WorkerId) -> Span {
    let destination = format!("{}/{stage}", run.kind);
    let delivery = claim.attempts.saturating_add(claim.kills);
    info_span!(
        parent: None,
        "process",
        otel.name = format_args!("process {destination}"),
        otel.kind = "consumer",
        messaging.system = SYSTEM,
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = destination,
        messaging.message.id = %claim.job,
        messaging.message.conversation_id = %claim.job.run,
        messaging.client.id = %worker,
        tickfleet.run_id = %claim.job.run,
        tickfleet.stage = stage,
        tickfleet.job = claim.job.index.0,
        tickfleet.attempt = u64::from(delivery) + 1,
        tickfleet.links.omitted = Empty,
        tickfleet.outcome = Empty,
        error.type = Empty,
    )
}

impl RunTrace {
    /// Links to where the run was created, to the attempt before, and to what the job reads.
    fn link(&self, process: &Span, job: &JobRef, delivery: u32, reads: Option<&Reads>) {
        let why = |reason: &'static str| vec![KeyValue::new("tickfleet.link", reason)];
        if let Some(created) = &self.created {
            process.add_link_with_attributes(created.clone(), why("created"));
        }
        if let Some(before) = delivery.checked_sub(1) {
            process.add_link_with_attributes(self.context_of(job, before), why("retried"));
        }
        let Some(reads) = reads else { return };
        let count = reads.jobs.end.saturating_sub(reads.jobs.start);
        let linked = reads.jobs.start..reads.jobs.start + count.min(MAX_READ_LINKS);
        for index in linked {
            let read = JobRef {
                stage: reads.stage,
                index: JobIndex(index),
                ..*job
            };
            process.add_link_with_attributes(self.context_of(&read, 0), why("read"));
        }
        if count > MAX_READ_LINKS {
            process.record("tickfleet.links.omitted", count - MAX_READ_LINKS);
        }
    }
}
