//! The spans of deliveries: their ids, parents, links and ends.

use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::SpanData;
use tickfleet_protocol::ids::{Millis, Token};

use super::super::kept::{Kept, attribute, keep, traced};
use super::super::{Options, Program};
use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CREATED: &str = "00f067aa0ba902b7";

fn run() -> RunId {
    "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()
}

fn kind() -> JobKind {
    JobKind::new("scan/1").unwrap()
}

fn claim(stage: u16, index: u64, attempts: u32, kills: u32) -> Claim {
    Claim {
        job: JobRef {
            run: run(),
            stage: StageIndex(stage),
            index: JobIndex(index),
        },
        token: Token(1),
        attempts,
        kills,
        solo: false,
        lease_until: Millis(0),
    }
}

fn run_trace_of(traceparent: Option<&str>, policy: JobSpans) -> RunTrace {
    RunTrace::with_policy(run(), kind(), traceparent, policy)
}

fn sampled() -> RunTrace {
    run_trace_of(Some(&format!("00-{TRACE}-{CREATED}-01")), JobSpans::default())
}

fn begin(run: &RunTrace, claim: &Claim, reads: Option<&Reads>) -> Delivery {
    let worker = WorkerId::new("host:1").unwrap();
    Delivery::begin(
        run,
        claim,
        if claim.job.stage.0 == 0 { "map" } else { "reduce" },
        &worker,
        reads,
    )
}

fn deliver(run: &RunTrace, claim: &Claim, reads: Option<&Reads>) -> SpanData {
    let kept = traced(|| begin(run, claim, reads).end(End::Committed, None));
    assert_eq!(kept.spans.len(), 1, "{:?}", kept.names());
    kept.spans[0].clone()
}

/// Why and to which span a span links.
fn links(span: &SpanData) -> Vec<(String, String)> {
    let links = span.links.iter().map(|link| {
        let why = link.attributes.iter().map(|it| it.value.to_string()).collect();
        (why, link.span_context.span_id().to_string())
    });
    links.collect()
}

#[test]
fn a_delivery_hangs_under_its_run_and_is_named_by_its_job() {
    let claim = claim(0, 7, 0, 0);
    let span = deliver(&sampled(), &claim, None);
    assert_eq!(span.name, "process scan/1/map");
    assert_eq!(span.span_kind, SpanKind::Consumer);
    assert_eq!(span.span_context.trace_id().to_string(), TRACE);
    assert_eq!(span.parent_span_id.to_string(), CREATED);
    assert_eq!(span.span_context.span_id(), delivery_span(&claim.job, 0));
    assert_eq!(links(&span), [("created".to_owned(), CREATED.to_owned())]);
    for (key, expect) in [
        ("messaging.system", "tickfleet"),
        ("messaging.operation.name", "process"),
        ("messaging.operation.type", "process"),
        ("messaging.destination.name", "scan/1/map"),
        ("messaging.message.id", "01890a5d-ac96-774b-bcce-b302099a8057/0/7"),
        ("messaging.client.id", "host:1"),
        ("tickfleet.run_id", "01890a5d-ac96-774b-bcce-b302099a8057"),
        ("tickfleet.stage", "map"),
        ("tickfleet.job", "7"),
        ("tickfleet.attempt", "1"),
        ("tickfleet.outcome", "committed"),
    ] {
        assert_eq!(attribute(&span, key).as_deref(), Some(expect), "{key}");
    }
    assert_eq!(attribute(&span, "error.type"), None);
}

#[test]
fn a_retry_links_the_attempt_before_it() {
    for (attempts, kills, before) in [(1, 0, 0), (0, 1, 0), (1, 1, 1), (2, 1, 2)] {
        let claim = claim(0, 7, attempts, kills);
        let span = deliver(&sampled(), &claim, None);
        let before = delivery_span(&claim.job, before).to_string();
        assert_eq!(links(&span)[1], ("retried".to_owned(), before));
        let attempt = (attempts + kills + 1).to_string();
        assert_eq!(attribute(&span, "tickfleet.attempt"), Some(attempt));
    }
}

#[test]
fn a_reduce_links_the_maps_it_reads_and_counts_the_rest() {
    let reads = |count: u64| Reads {
        stage: StageIndex(0),
        jobs: 100..100 + count,
    };
    let claim = claim(1, 0, 0, 0);
    for (count, linked, omitted) in [(0, 0, None), (3, 3, None), (128, 128, None), (1_000, 128, Some("872"))] {
        let span = deliver(&sampled(), &claim, Some(&reads(count)));
        let links = links(&span);
        assert_eq!(links.len(), 1 + linked, "{count}");
        assert_eq!(span.links.dropped_count, 0);
        assert_eq!(attribute(&span, "tickfleet.links.omitted").as_deref(), omitted);
        for (n, (why, to)) in links.iter().skip(1).enumerate() {
            let map = JobRef {
                stage: StageIndex(0),
                index: JobIndex(100 + n as u64),
                run: run(),
            };
            assert_eq!((why.as_str(), to), ("read", &delivery_span(&map, 0).to_string()));
        }
    }
}

#[test]
fn the_longest_list_of_links_is_kept_whole() {
    let reads = Reads {
        stage: StageIndex(0),
        jobs: 0..MAX_READ_LINKS,
    };
    let span = deliver(&sampled(), &claim(1, 0, 1, 0), Some(&reads));
    assert_eq!(links(&span).len() as u64, MAX_READ_LINKS + 2);
}

#[test]
fn a_job_may_have_a_trace_of_its_own() {
    let traceparent = format!("00-{TRACE}-{CREATED}-01");
    let policy = JobSpans {
        parent: JobParent::Link,
        ..JobSpans::default()
    };
    let run = run_trace_of(Some(&traceparent), policy);
    let (first, second) = (claim(0, 7, 0, 0), claim(0, 7, 1, 0));
    let (before, after) = (deliver(&run, &first, None), deliver(&run, &second, None));
    assert_eq!(before.span_context.trace_id(), job_trace(&first.job));
    assert_eq!(before.parent_span_id.to_string(), "0000000000000000");
    assert_eq!(links(&before), [("created".to_owned(), CREATED.to_owned())]);
    let link = after.links.get(1).unwrap();
    assert_eq!(link.span_context.trace_id(), before.span_context.trace_id());
    assert_eq!(link.span_context.span_id(), before.span_context.span_id());
}

#[test]
fn a_run_that_was_submitted_without_a_trace_is_its_own() {
    for traceparent in [None, Some("rubbish"), Some("00-0-0-01")] {
        let span = deliver(
            &run_trace_of(traceparent, JobSpans::default()),
            &claim(0, 7, 0, 0),
            None,
        );
        assert_eq!(
            span.span_context.trace_id().to_string(),
            "01890a5dac96774bbcceb302099a8057"
        );
        assert_eq!(links(&span), []);
    }
}

#[test]
fn what_is_not_sampled_has_no_spans_at_all() {
    let not_sampled = run_trace_of(Some(&format!("00-{TRACE}-{CREATED}-00")), JobSpans::default());
    let kept = traced(|| all_of(&begin(&not_sampled, &claim(0, 7, 0, 0), None)));
    assert_eq!(kept.names(), [""; 0]);
}

#[test]
fn without_an_exporter_no_span_is_made() {
    let mut options = Options::quiet(Program::Worker);
    options.log = tracing_subscriber::filter::LevelFilter::TRACE;
    let kept = keep(&options, false, || {
        let delivery = begin(&sampled(), &claim(0, 7, 0, 0), None);
        assert!(delivery.span().is_disabled(), "not even for the log");
        all_of(&delivery);
    });
    assert_eq!(kept.names(), [""; 0]);
}

#[test]
fn a_ratio_takes_whole_jobs_and_about_as_many_as_it_says() {
    let part = |ratio| {
        let policy = JobSpans {
            ratio,
            ..JobSpans::default()
        };
        let jobs = (0..2_000).filter(|&index| policy.takes(&claim(0, index, 0, 0).job));
        jobs.collect::<Vec<u64>>()
    };
    let (none, some, more, all) = (part(0.0), part(0.1), part(0.5), part(1.0));
    assert_eq!((none.len(), all.len()), (0, 2_000));
    assert!((150..250).contains(&some.len()), "{}", some.len());
    assert!((900..1_100).contains(&more.len()), "{}", more.len());
    assert!(
        some.iter().all(|index| more.contains(index)),
        "a larger part holds the smaller"
    );
}

/// Every span that a delivery can have below it.
fn all_of(delivery: &Delivery) {
    for child in [delivery.fetch(), delivery.compute(), delivery.settle("commit")] {
        child.in_scope(|| ());
    }
}

fn one_job(end: End, reason: Option<&str>) -> Kept {
    traced(|| {
        let delivery = begin(&sampled(), &claim(0, 7, 0, 0), None);
        all_of(&delivery);
        delivery.end(end, reason);
    })
}

#[test]
fn what_a_delivery_does_lies_below_it_and_within_its_time() {
    let kept = one_job(End::Committed, None);
    let process = kept.span("process scan/1/map");
    for name in ["fetch", "compute", "commit"] {
        let child = kept.span(name);
        assert_eq!(child.parent_span_id, process.span_context.span_id(), "{name}");
        assert_eq!(child.span_context.trace_id(), process.span_context.trace_id(), "{name}");
        assert!(
            process.start_time <= child.start_time && child.end_time <= process.end_time,
            "{name}"
        );
    }
}

#[test]
fn a_failure_is_an_error_with_its_words() {
    let kept = one_job(End::Retried, Some("row 3 is damaged"));
    let process = kept.span("process scan/1/map");
    assert_eq!(process.status, Status::error("row 3 is damaged"));
    assert_eq!(attribute(process, "error.type").as_deref(), Some("retried"));
    assert_eq!(attribute(process, "tickfleet.outcome").as_deref(), Some("retried"));
}

#[test]
fn only_what_was_handed_back_is_no_attempt() {
    for (end, expect) in [
        (End::Committed, false),
        (End::Reused, false),
        (End::Dead, false),
        (End::Lost, false),
        (End::Untold, false),
        (End::Returned, true),
    ] {
        let kept = one_job(end, None);
        let returned = kept.spans.iter().filter(|span| is_returned(span)).count();
        assert_eq!(returned, usize::from(expect), "{end:?}");
    }
}
