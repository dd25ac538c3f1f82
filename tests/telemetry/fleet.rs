//! What the tests of whole programs share: a queue on a server of their own, a worker of it, its metrics, and what a
//! collector received held against the document.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tickfleet_runtime::telemetry::spans::described;
use tickfleet_tests::binary::worker_binary;
use tickfleet_tests::redis_server::RedisServer;
use tickfleet_tests::running::{BOUND, Running};

use crate::receiver::{Arrived, Receiver};

/// What a program serves: each sample by its name with labels, its value as it is written.
pub(crate) type Samples = BTreeMap<String, String>;

/// How often numbers are looked at that are not right yet.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A worker with two lanes that tells `receiver`, serves its metrics, and fails as `faults` say.
pub(crate) fn worker(server: &RedisServer, receiver: &Receiver, faults: &str) -> Running {
    let (redis, otlp) = (server.url(), receiver.url());
    let args = [
        "--redis",
        &redis,
        "--otlp",
        &otlp,
        "--lanes",
        "2",
        "--health",
        "127.0.0.1:0",
    ];
    Running::start(worker_binary(), args, &[("TICKFLEET_FAULT", faults)])
}

/// Where a program serves HTTP.
pub(crate) fn http_address(program: &Running) -> String {
    let line = program.line("HTTP http://");
    let (_, address) = line.split_once("HTTP http://").expect("the line was waited for");
    address.trim().to_owned()
}

/// The samples that a program serves once they are as they should be: what is counted is read a moment later.
pub(crate) fn samples_once(address: &str, are_so: impl Fn(&Samples) -> bool) -> Samples {
    let started = Instant::now();
    loop {
        let samples = samples(address);
        if are_so(&samples) {
            return samples;
        }
        assert!(
            started.elapsed() < BOUND,
            "the numbers don't come to be right: {samples:#?}"
        );
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The samples that a program serves: each by its name with labels, as text.
fn samples(address: &str) -> Samples {
    let text = metrics_text(address);
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?} is no sample"));
        let value = value.parse().unwrap_or_else(|_| panic!("{line:?} has no value"));
        assert!(
            samples.insert(name.to_owned(), value).is_none(),
            "{name} is there twice"
        );
    }
    samples
}

fn metrics_text(address: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(BOUND)).expect("a bound is allowed");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    body.to_owned()
}

/// The sample of a job count; 0 where there is none yet.
pub(crate) fn of_jobs(samples: &Samples, name: &str, kind: &str, stage: &str) -> u64 {
    let name = format!("tickfleet_{name}_total{{tickfleet_kind=\"{kind}\",tickfleet_stage=\"{stage}\"}}");
    let value = samples.get(&name).map_or("0", String::as_str);
    value
        .parse()
        .unwrap_or_else(|_| panic!("{name} is {value}, which is no count"))
}

/// Every span is one that the document describes, with no attribute that it does not.
pub(crate) fn assert_described(spans: &[Arrived]) {
    for span in spans {
        let described = described(span.name()).unwrap_or_else(|| panic!("{} is described nowhere", span.name()));
        let undescribed = span.keys().find(|key| {
            let event_level = *key == "error.type";
            !event_level && !described.attributes.contains(key)
        });
        assert_eq!(
            undescribed,
            None,
            "{} has an attribute that is described nowhere",
            span.name()
        );
    }
}

/// The spans of this name, in the order of their starts.
pub(crate) fn named<'a>(spans: &'a [Arrived], name: &str) -> Vec<&'a Arrived> {
    let mut found: Vec<_> = spans.iter().filter(|span| span.name() == name).collect();
    found.sort_by_key(|span| span.span.start_time_unix_nano);
    found
}
