//! Telemetry within a process: what was ended before the end arrives, whoever waits for it.

use std::time::Duration;

use tickfleet_protocol::ids::{JobKind, JobRef, Millis, Token, WorkerId};
use tickfleet_runtime::broker::Claim;
use tickfleet_runtime::telemetry::delivery::{Delivery, End, RunTrace};
use tickfleet_runtime::telemetry::metrics::shared;
use tickfleet_runtime::telemetry::{Options, Program, ids, start, trace};

use crate::receiver::{Arrived, Receiver};

/// Jobs of the run: more than one batch of an exporter.
const JOBS: u64 = 700;

fn claim(index: u64) -> Claim {
    Claim {
        job: format!("01890a5d-ac96-774b-bcce-b302099a8057/0/{index}")
            .parse()
            .expect("a job's name"),
        token: Token(1),
        attempts: 0,
        kills: 0,
        solo: false,
        lease_until: Millis(0),
    }
}

fn deliver(kind: &JobKind, traceparent: Option<&str>) {
    let first: JobRef = claim(0).job;
    let run = RunTrace::new(first.run, kind.clone(), traceparent);
    let worker = WorkerId::new("host:1").expect("a valid name");
    let counts = shared().jobs.of(kind.as_str(), "map");
    for index in 0..JOBS {
        let delivery = Delivery::begin(&run, &claim(index), "map", &worker, None);
        counts.committed.add(1);
        shared().processed(&counts, Duration::from_millis(20), None);
        delivery.end(End::Committed, None);
    }
}

/// One test, because a process starts its telemetry once.
#[test]
fn the_last_span_and_the_last_number_arrive_even_when_a_task_waits_for_them() {
    let receiver = Receiver::start();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let text = runtime
        .expect("a runtime can be started")
        .block_on(trace_and_end(&receiver));
    check_spans(&receiver.spans());
    check_numbers(&receiver, &text);
}

/// A program from its start to its end, which waits on a task; gives the text of its metrics.
async fn trace_and_end(receiver: &Receiver) -> String {
    let options = Options {
        otlp: Some(receiver.url()),
        instance: Some("host:1".to_owned()),
        ..Options::quiet(Program::Worker)
    };
    let telemetry = start(&options).expect("the options can be followed");
    let kind = JobKind::new("scan/2").expect("a valid name");
    {
        let submit = trace::submit("scan", None);
        let send = submit.in_scope(|| trace::send(&kind, JOBS, None));
        deliver(&kind, trace::traceparent(&send).as_deref());
    }
    let text = telemetry.metrics_text();
    telemetry.shutdown(Duration::from_secs(60));
    text
}

fn check_spans(spans: &[Arrived]) {
    assert_eq!(spans.len() as u64, JOBS + 2);
    let send = spans
        .iter()
        .find(|it| it.name() == "send scan/2")
        .expect("the run was sent");
    let last = spans.iter().filter(|it| it.name() == "process scan/2/map").find(|it| {
        let id = ids::delivery_span(&claim(JOBS - 1).job, 0);
        it.id() == id.to_string()
    });
    let last = last.expect("the last job's span arrives");
    assert_eq!((last.trace(), last.parent()), (send.trace(), send.id()));
    assert_eq!(last.service(), "worker");
    for (key, expect) in [
        ("service.instance.id", "host:1"),
        ("service.version", env!("CARGO_PKG_VERSION")),
    ] {
        assert_eq!(last.resource[key], expect);
    }
    assert!(!last.resource["host.name"].is_empty());
}

fn check_numbers(receiver: &Receiver, text: &str) {
    let committed = receiver.metric("tickfleet.jobs.committed").expect("metrics arrive");
    assert_eq!(committed.len(), 1);
    assert_eq!(committed[0].1, JOBS);
    let processed = receiver.metric("messaging.process.duration").expect("durations arrive");
    assert_eq!(processed[0].1, JOBS);
    let line = format!("tickfleet_jobs_committed_total{{tickfleet_kind=\"scan/2\",tickfleet_stage=\"map\"}} {JOBS}");
    assert!(text.lines().any(|it| it == line), "{text}");
}
