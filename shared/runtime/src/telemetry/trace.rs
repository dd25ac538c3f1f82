//! The spans of a run up to the queue, and the way of a trace from one process to the next.
//!
//! A submit is the root; its context travels as a W3C `traceparent` in the call to the coordinator and in the run's
//! record. Names and attributes follow OpenTelemetry's conventions for RPC and messaging; [`super::delivery`] has the
//! spans on the other side of the queue. Where nothing is exported every span here is disabled and costs a check.

use std::collections::HashMap;
use std::fmt;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, Status, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tickfleet_protocol::ids::{JobKind, RunId};
use tracing::field::Empty;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Name of the header, and of the entry in a run's record.
pub const TRACEPARENT: &str = "traceparent";
/// `messaging.system` of every span and metric of the queue.
pub const SYSTEM: &str = "tickfleet";

/// The root of a run: from the command line to the run's end or to where the command leaves it.
///
/// `traceparent` is that of the surrounding program, where there is one.
pub fn submit(job: &str, traceparent: Option<&str>) -> Span {
    let span = info_span!(
        "submit",
        otel.name = format_args!("submit {job}"),
        otel.kind = "internal",
        tickfleet.run_id = Empty,
        error.type = Empty,
    );
    continue_from(&span, traceparent);
    span
}

/// The server's part of a call; `method` as in its path, such as `cluster.v1.Cluster/Submit`.
pub fn server(method: &str, traceparent: Option<&str>) -> Span {
    let span = info_span!(
        "rpc",
        otel.name = method,
        otel.kind = "server",
        rpc.system.name = "grpc",
        rpc.method = method,
        rpc.response.status_code = Empty,
        error.type = Empty,
    );
    continue_from(&span, traceparent);
    span
}

/// The handing over of a run to the queue. Its context is the creation context of every job of the run.
///
/// `traceparent` is what the run was asked for under, for callers that have no span here.
pub fn send(kind: &JobKind, jobs: u64, traceparent: Option<&str>) -> Span {
    let span = info_span!(
        "send",
        otel.name = format_args!("send {kind}"),
        otel.kind = "producer",
        messaging.system = SYSTEM,
        messaging.operation.name = "send",
        messaging.operation.type = "send",
        messaging.destination.name = %kind,
        messaging.batch.message_count = jobs,
        tickfleet.run_id = Empty,
        error.type = Empty,
    );
    if !Context::current().has_active_span() {
        continue_from(&span, traceparent);
    }
    span
}

/// Notes which run a span is about, once it is known.
pub fn of_run(span: &Span, run: RunId) {
    span.record("tickfleet.run_id", tracing::field::display(run));
}

/// Marks a span as failed: what kind of error, and what it says.
pub fn fail(span: &Span, kind: &str, what: impl fmt::Display) {
    if !span.is_disabled() {
        span.record("error.type", kind);
        span.set_status(Status::error(what.to_string()));
    }
}

/// The W3C `traceparent` of a span; none where it is not traced.
pub fn traceparent(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// The context that a `traceparent` names; none where it is malformed.
pub(super) fn parse(traceparent: &str) -> Option<SpanContext> {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    let span = context.span().span_context().clone();
    span.is_valid().then_some(span)
}

/// Hangs a span that has not started under a remote one.
fn continue_from(span: &Span, traceparent: Option<&str>) {
    if span.is_disabled() {
        return;
    }
    let Some(remote) = traceparent.and_then(parse) else {
        return;
    };
    let parent = Context::new().with_remote_span_context(remote);
    if let Err(error) = span.set_parent(parent) {
        tracing::debug!(%error, "a span could not be put under the one that called");
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::SpanKind;

    use super::super::kept::{attribute, keep, traced};
    use super::super::{Options, Program};
    use super::*;

    const OUTER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_submit_is_one_trace_from_process_to_process() {
        let run = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let kind = JobKind::new("scan/1").unwrap();
        let mut sent = None;
        let kept = traced(|| {
            let submit = submit("scan", None);
            // What follows stands for another process: all that it gets is the text.
            let call = server("cluster.v1.Cluster/Submit", traceparent(&submit).as_deref());
            call.record("rpc.response.status_code", "OK");
            call.in_scope(|| {
                let send = send(&kind, 12, Some(OUTER));
                of_run(&send, run);
                sent = traceparent(&send);
            });
            of_run(&submit, run);
        });
        let (submit, call, send) = (
            kept.span("submit scan"),
            kept.span("cluster.v1.Cluster/Submit"),
            kept.span("send scan/1"),
        );
        assert_eq!(call.parent_span_id, submit.span_context.span_id());
        assert_eq!(send.parent_span_id, call.span_context.span_id());
        let trace = submit.span_context.trace_id();
        assert!([call, send].iter().all(|span| span.span_context.trace_id() == trace));
        assert_eq!(
            (&call.span_kind, &send.span_kind),
            (&SpanKind::Server, &SpanKind::Producer)
        );
        let expect = format!("00-{trace}-{}-01", send.span_context.span_id());
        assert_eq!(sent, Some(expect));
        for span in [submit, send] {
            let run = attribute(span, "tickfleet.run_id");
            assert_eq!(run.as_deref(), Some("01890a5d-ac96-774b-bcce-b302099a8057"));
        }
        assert_eq!(attribute(send, "messaging.batch.message_count").as_deref(), Some("12"));
        assert_eq!(attribute(call, "rpc.response.status_code").as_deref(), Some("OK"));
    }

    #[test]
    fn a_submit_continues_the_trace_of_the_program_around_it() {
        let kept = traced(|| drop(submit("scan", Some(OUTER))));
        let span = kept.span("submit scan");
        assert_eq!(span.parent_span_id.to_string(), "00f067aa0ba902b7");
        assert!(span.parent_span_is_remote);
    }

    #[test]
    fn what_is_not_sampled_upstream_is_not_sampled_here() {
        let mut handed_on = None;
        let kept = traced(|| {
            let span = server("a/B", Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
            handed_on = traceparent(&span);
        });
        assert_eq!(kept.names(), [""; 0]);
        let handed_on = handed_on.expect("a trace that is not sampled is handed on as such");
        assert!(
            handed_on.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
            "{handed_on}"
        );
        assert!(handed_on.ends_with("-00"), "{handed_on}");
    }

    #[test]
    fn a_failure_is_an_error_with_its_words() {
        let kept = traced(|| fail(&submit("scan", None), "bad_input", "no such file"));
        let span = kept.span("submit scan");
        assert_eq!(span.status, Status::error("no such file"));
        assert_eq!(attribute(span, "error.type").as_deref(), Some("bad_input"));
    }

    #[test]
    fn without_an_exporter_there_is_no_trace() {
        let kept = keep(&Options::quiet(Program::Coordinator), false, || {
            let span = submit("scan", Some(OUTER));
            assert!(span.is_disabled());
            assert_eq!(traceparent(&span), None);
            fail(&span, "bad_input", "no such file");
        });
        assert_eq!(kept.names(), [""; 0]);
    }

    #[test]
    fn only_a_well_formed_context_is_taken() {
        let check = |text: &str, is_taken: bool| assert_eq!(parse(text).is_some(), is_taken, "{text:?}");
        check(OUTER, true);
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true);
        check("", false);
        check("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false);
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false);
        check("4bf92f3577b34da6a3ce929d0e0e4736", false);
        check(&"0".repeat(300), false);
    }
}
