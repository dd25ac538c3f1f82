//! A scan through a whole cluster, as a collector sees it: the command, the coordinator and the worker, in one trace.

use tickfleet_protocol::ids::{JobIndex, JobRef, StageIndex};
use tickfleet_runtime::telemetry::ids::delivery_span;
use tickfleet_tests::binary::coordinator_binary;
use tickfleet_tests::program::coordinator;
use tickfleet_tests::redis_server::RedisServer;
use tickfleet_tests::running::Running;

use crate::fleet::{assert_described, http_address, named, of_jobs, samples_once, worker};
use crate::market::{SYMBOLS, bars};
use crate::receiver::{Arrived, Receiver};

const SHARD: usize = 5;
const MAPS: usize = SYMBOLS.div_ceil(SHARD);

/// What a scan through a cluster left behind.
struct Scan {
    spans: Vec<Arrived>,
}

impl Scan {
    fn only(&self, name: &str) -> &Arrived {
        let found = named(&self.spans, name);
        assert_eq!(found.len(), 1, "spans named {name}");
        found[0]
    }
}

fn serve(redis: &RedisServer, receiver: &Receiver) -> Running {
    let (redis, otlp) = (redis.url(), receiver.url());
    let args = [
        "serve",
        "--redis",
        &redis,
        "--otlp",
        &otlp,
        "--listen",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
    ];
    Running::start(coordinator_binary(), args, &[])
}

fn end(mut program: Running) {
    program.signal("TERM");
    assert_eq!(program.ended().code(), Some(0), "{}", program.said());
}

fn grpc_address(coordinator: &Running) -> String {
    let line = coordinator.line("gRPC http://");
    let address = line.split_whitespace().nth(1).expect("the address follows");
    address.to_owned()
}

/// Scans through a coordinator and a worker, and lets both end.
fn scan(surrounding: Option<&str>) -> Scan {
    let (redis, receiver) = (RedisServer::start(), Receiver::start());
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join("b.csv"), bars()).expect("a fresh folder takes a file");
    let (serving, working) = (serve(&redis, &receiver), worker(&redis, &receiver, ""));
    let (url, otlp) = (grpc_address(&serving), receiver.url());
    let line = format!(
        "submit scan --bars b.csv --unlisted keep --side all --shard-size {SHARD} --coordinator {url} --otlp {otlp} --out r.csv"
    );
    let mut submit = coordinator(line.split_whitespace()).current_dir(folder.path());
    if let Some(surrounding) = surrounding {
        submit = submit.env("TRACEPARENT", surrounding);
    }
    let outcome = submit.run();
    assert_eq!(outcome.status, Some(0), "{outcome:#?}");
    check_counts(&http_address(&working), &http_address(&serving));
    end(working);
    end(serving);
    Scan {
        spans: receiver.spans(),
    }
}

/// The worker counted what the run has, and the coordinator sees it ended.
fn check_counts(worker: &str, coordinator: &str) {
    let counted = samples_once(worker, |counted| {
        of_jobs(counted, "jobs_committed", "scan/2", "reduce") > 0
    });
    for (stage, jobs) in [("map", MAPS), ("reduce", 1)] {
        for (name, expect) in [
            ("jobs_claimed", jobs),
            ("jobs_committed", jobs),
            ("kernels_executed", jobs),
        ] {
            assert_eq!(
                of_jobs(&counted, name, "scan/2", stage),
                expect as u64,
                "{name} of {stage}"
            );
        }
        assert_eq!(of_jobs(&counted, "jobs_failed", "scan/2", stage), 0);
    }
    let succeeded = "tickfleet_runs{tickfleet_run_state=\"succeeded\"}";
    let counted = samples_once(coordinator, |counted| {
        counted.get(succeeded).is_some_and(|runs| runs == "1")
    });
    for (name, expect) in [
        ("tickfleet_queue_up".to_owned(), 1),
        ("tickfleet_jobs{tickfleet_job_state=\"done\"}".to_owned(), MAPS + 1),
        ("tickfleet_backlog_jobs".to_owned(), 0),
        ("tickfleet_workers".to_owned(), 1),
        (served("Submit"), 1),
    ] {
        assert_eq!(counted.get(&name), Some(&expect.to_string()), "{name} in {counted:#?}");
    }
}

/// The sample that counts the calls of a method.
fn served(method: &str) -> String {
    format!(
        "rpc_server_call_duration_seconds_count{{rpc_method=\"tickfleet.cluster.v1.Coordinator/{method}\",\
         rpc_response_status_code=\"OK\",rpc_system_name=\"grpc\"}}"
    )
}

#[test]
fn one_trace_shows_the_run_from_the_command_to_the_reduce() {
    let scan = scan(None);
    assert_described(&scan.spans);
    let submit = scan.only("submit scan");
    let call = scan.only("tickfleet.cluster.v1.Coordinator/Submit");
    let send = scan.only("send scan/2");
    assert_eq!((submit.service(), submit.parent().as_str()), ("coordinator", ""));
    assert_eq!((call.parent(), send.parent()), (submit.id(), call.id()));
    assert!(
        scan.spans.iter().all(|span| span.trace() == submit.trace()),
        "there is one trace"
    );
    let run = submit.attribute("tickfleet.run_id").expect("the command knows its run");
    assert_eq!(send.attribute("tickfleet.run_id"), Some(run.clone()));
    let program = |span: &Arrived| span.resource["service.instance.id"].clone();
    assert_ne!(program(submit), program(call), "these are two processes");
    assert_eq!(program(call), program(send));

    let (maps, reduce) = (
        named(&scan.spans, "process scan/2/map"),
        scan.only("process scan/2/reduce"),
    );
    assert_eq!(maps.len(), MAPS);
    for span in maps.iter().copied().chain([reduce]) {
        assert_eq!((span.service(), span.parent()), ("worker", send.id()));
        assert_eq!(span.links()[0], ("created".to_owned(), send.trace(), send.id()));
        assert_eq!(span.attribute("tickfleet.outcome").as_deref(), Some("committed"));
        let below = scan.spans.iter().filter(|child| child.parent() == span.id());
        let mut names: Vec<_> = below.map(Arrived::name).collect();
        names.sort_unstable();
        assert_eq!(names, ["commit", "compute", "fetch"]);
    }
    check_reduce(reduce, &maps, &run);
}

/// The reduce links each map that it reads, and begins after them.
fn check_reduce(reduce: &Arrived, maps: &[&Arrived], run: &str) {
    let read: Vec<_> = reduce.links().into_iter().filter(|(why, ..)| why == "read").collect();
    let expect = (0..MAPS).map(|index| {
        let map = JobRef {
            run: run.parse().expect("a run's id"),
            stage: StageIndex(0),
            index: JobIndex(index as u64),
        };
        ("read".to_owned(), reduce.trace(), delivery_span(&map, 0).to_string())
    });
    assert_eq!(read, expect.collect::<Vec<_>>());
    for (_, _, id) in &read {
        let map = maps
            .iter()
            .find(|map| map.id() == *id)
            .expect("a link leads to a span that arrived");
        assert!(map.span.start_time_unix_nano < reduce.span.start_time_unix_nano);
    }
}

#[test]
fn a_program_around_the_command_has_the_run_in_its_trace() {
    let scan = scan(Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    let submit = scan.only("submit scan");
    assert_eq!(submit.parent(), "00f067aa0ba902b7");
    assert!(
        scan.spans
            .iter()
            .all(|span| span.trace() == "4bf92f3577b34da6a3ce929d0e0e4736")
    );
    assert_eq!(named(&scan.spans, "process scan/2/map").len(), MAPS);
}
