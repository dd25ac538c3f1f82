//! A worker program on a real queue: each delivery a span in the run's trace, its counts those of the run.

use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use tickfleet_protocol::digest::digest_of;
use tickfleet_protocol::ids::{IdempotencyKey, JobRef, RunId};
use tickfleet_protocol::limits::DEFAULT_WEIGHT;
use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_runtime::broker::redis::{RedisBroker, RedisOptions};
use tickfleet_runtime::broker::{Broker, Durability, NewRun, RunState};
use tickfleet_runtime::telemetry::ids::delivery_span;
use tickfleet_tests::redis_server::RedisServer;
use tickfleet_tests::running::BOUND;
use tickfleet_worker::jobs::Kind;
use tickfleet_worker::jobs::noop::Noop;

use crate::fleet::{assert_described, http_address, named, of_jobs, samples_once, worker};
use crate::receiver::{Arrived, Receiver};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CREATED: &str = "00f067aa0ba902b7";
const JOBS: u64 = 10;

async fn connect(server: &RedisServer) -> RedisBroker {
    let options = RedisOptions::new(server.url().parse().expect("a server's address is well formed"));
    RedisBroker::connect(&options).await.expect("the server is fit")
}

fn run(flags: &str) -> NewRun {
    let payload = Noop::default().encode();
    NewRun {
        key: IdempotencyKey::new("run").expect("a valid key"),
        digest: digest_of(&payload),
        kind: Kind::Noop.job_kind(),
        trace: Some(format!("00-{TRACE}-{CREATED}-{flags}")),
        payload,
        stages: vec![JOBS],
        weight: DEFAULT_WEIGHT,
        deadline: None,
        retry: RetryPolicy {
            backoff_base_ms: 10,
            backoff_cap_ms: 10,
            ..RetryPolicy::default()
        },
        durability: Durability::Memory,
    }
}

/// Waits until the run has succeeded.
async fn until_succeeded(broker: &dyn Broker, run: RunId) {
    let looking = async {
        loop {
            let found = broker.run(run).await.expect("the queue answers");
            match found.expect("the run is kept").summary.state {
                RunState::Running => tokio::time::sleep(Duration::from_millis(20)).await,
                state => return assert_eq!(state, RunState::Succeeded),
            }
        }
    };
    tokio::time::timeout(BOUND, looking).await.expect("the run ends");
}

/// A run of no-op jobs, of which the third computation fails; gives what arrived and what was counted.
async fn observed(flags: &str) -> (RunId, Vec<Arrived>) {
    let server = RedisServer::start();
    let broker = connect(&server).await;
    let receiver = Receiver::start();
    let mut worker = worker(&server, &receiver, "worker.in_compute=error@3");
    let address = http_address(&worker);
    let run = broker.submit(run(flags)).await.expect("the queue takes it").run;
    until_succeeded(&broker, run).await;
    let counted = samples_once(&address, |counted| {
        of_jobs(counted, "jobs_committed", "noop/1", "noop") >= JOBS
    });
    for (name, expect) in [
        ("jobs_claimed", JOBS + 1),
        ("jobs_committed", JOBS),
        ("jobs_failed", 1),
        ("jobs_retried", 1),
        ("jobs_lost", 0),
        ("results_reused", 0),
        ("kernels_executed", JOBS + 1),
    ] {
        assert_eq!(of_jobs(&counted, name, "noop/1", "noop"), expect, "{name}");
    }
    let processed = "messaging_process_duration_seconds_count{messaging_destination_name=\"noop/1/noop\",\
                     messaging_operation_name=\"process\",messaging_system=\"tickfleet\"}";
    assert_eq!(counted[processed], JOBS.to_string());
    assert_eq!(counted["tickfleet_worker_lanes"], "2");
    // The end of the program is what sends the last of them.
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.said());
    (run, receiver.spans())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_attempt_links_its_first() {
    let (run, spans) = observed("01").await;
    assert_described(&spans);
    let process = named(&spans, "process noop/1/noop");
    assert_eq!(process.len() as u64, JOBS + 1);
    for span in &process {
        assert_eq!((span.service(), span.trace().as_str()), ("worker", TRACE));
        assert_eq!(span.parent(), CREATED);
        assert_eq!(span.attribute("tickfleet.run_id"), Some(run.to_string()));
        assert_eq!(
            span.links()[0],
            ("created".to_owned(), TRACE.to_owned(), CREATED.to_owned())
        );
    }
    let outcome = |span: &Arrived| span.attribute("tickfleet.outcome").expect("each has ended");
    let first = process
        .iter()
        .find(|span| outcome(span) == "retried")
        .expect("one failed");
    let attempt = |span: &Arrived| span.attribute("tickfleet.attempt").expect("each is one");
    let second = process
        .iter()
        .find(|span| attempt(span) == "2")
        .expect("it was tried again");
    let job: JobRef = first
        .attribute("messaging.message.id")
        .expect("it is of a job")
        .parse()
        .expect("its name");
    assert_eq!(second.attribute("messaging.message.id"), Some(job.to_string()));
    assert_eq!(
        (first.id(), second.id()),
        (delivery_span(&job, 0).to_string(), delivery_span(&job, 1).to_string())
    );
    assert_eq!(second.links()[1], ("retried".to_owned(), TRACE.to_owned(), first.id()));
    let status = first.span.status.clone().expect("it failed");
    assert_eq!(status.code(), StatusCode::Error);
    assert!(status.message.contains("an injected fault"), "{}", status.message);
    assert!(first.span.start_time_unix_nano < second.span.start_time_unix_nano);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_of_a_job_lies_below_its_delivery() {
    let (_, spans) = observed("01").await;
    for process in named(&spans, "process noop/1/noop") {
        let told = if process.attribute("tickfleet.outcome").as_deref() == Some("retried") {
            "fail"
        } else {
            "commit"
        };
        let below: Vec<_> = spans.iter().filter(|span| span.parent() == process.id()).collect();
        let mut names: Vec<_> = below.iter().map(|span| span.name()).collect();
        names.sort_unstable();
        let mut expect = ["compute", told];
        expect.sort_unstable();
        assert_eq!(names, expect);
        for span in below {
            assert!(
                process.span.start_time_unix_nano <= span.span.start_time_unix_nano,
                "{}",
                span.name()
            );
            assert!(
                span.span.end_time_unix_nano <= process.span.end_time_unix_nano,
                "{}",
                span.name()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_not_sampled_is_counted_and_not_traced() {
    let (_, spans) = observed("00").await;
    let names: Vec<_> = spans.iter().map(Arrived::name).collect();
    assert_eq!(names, [""; 0]);
}
