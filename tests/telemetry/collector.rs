//! What a collector that is away, slow or nonsense does to a run: nothing.

use std::net::TcpListener;
use std::time::Duration;

use tickfleet_tests::program::{Outcome, assert_error, coordinator};

use crate::fleet::named;
use crate::receiver::Receiver;

/// A scan in one process that tells `otlp`.
fn scan(otlp: &str, options: &str) -> Outcome {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join("b.csv"), crate::market::bars()).expect("a fresh folder takes a file");
    let line = format!("submit scan --bars b.csv --unlisted keep --side all --shard-size 5 {options} --otlp {otlp}");
    coordinator(line.split_whitespace()).current_dir(folder.path()).run()
}

#[test]
fn a_run_is_the_same_with_a_collector_that_is_away() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).expect("a free port can be bound");
    let port = closed.local_addr().expect("a bound socket has an address").port();
    drop(closed);
    let away = scan(&format!("http://127.0.0.1:{port}"), "");
    assert_eq!(away.status, Some(0), "{away:#?}");
    assert!(
        !away.stderr.contains("collector"),
        "nobody is told at the default level: {away:#?}"
    );
    let told = scan(&format!("http://127.0.0.1:{port}"), "--log debug");
    assert!(told.stderr.contains("the collector did not take spans"), "{told:#?}");
}

#[test]
fn a_run_ends_with_a_collector_that_hangs() {
    // It takes connections and never answers.
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("a free port can be bound");
    let port = silent.local_addr().expect("a bound socket has an address").port();
    let outcome = scan(&format!("http://127.0.0.1:{port}"), "");
    assert_eq!(outcome.status, Some(0), "{outcome:#?}");
}

#[test]
fn a_slow_collector_gets_every_span_of_a_run_in_one_process() {
    let receiver = Receiver::start_slow(Duration::from_millis(200));
    let outcome = scan(&receiver.url(), "");
    assert_eq!(outcome.status, Some(0), "{outcome:#?}");
    let spans = receiver.spans();
    assert_eq!(named(&spans, "submit scan").len(), 1, "the last span of the program");
    assert_eq!(named(&spans, "process scan/2/map").len(), 3);
    let reduce = named(&spans, "process scan/2/reduce");
    assert_eq!(reduce[0].links().iter().filter(|(why, ..)| why == "read").count(), 3);
}

#[test]
fn a_part_of_the_jobs_may_be_traced() {
    let receiver = Receiver::start();
    let outcome = scan(&receiver.url(), "--job-spans-ratio 0");
    assert_eq!(outcome.status, Some(0), "{outcome:#?}");
    let spans = receiver.spans();
    let mut names: Vec<_> = spans.iter().map(|span| span.name().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["send scan/2", "submit scan"]);
}

#[test]
fn jobs_may_have_traces_of_their_own_that_link_to_the_run() {
    let receiver = Receiver::start();
    let outcome = scan(&receiver.url(), "--job-spans link");
    assert_eq!(outcome.status, Some(0), "{outcome:#?}");
    let spans = receiver.spans();
    let (send, maps) = (named(&spans, "send scan/2"), named(&spans, "process scan/2/map"));
    let reduce = named(&spans, "process scan/2/reduce");
    assert_eq!(maps.len(), 3);
    for map in &maps {
        assert_eq!(map.parent(), "");
        assert_ne!(map.trace(), send[0].trace());
        assert_eq!(map.links(), [("created".to_owned(), send[0].trace(), send[0].id())]);
        let is_linked = reduce[0].links().contains(&("read".to_owned(), map.trace(), map.id()));
        assert!(is_linked, "the reduce finds the map in its own trace");
    }
}

#[test]
fn an_address_that_is_none_is_refused_before_anything_runs() {
    let outcome = scan("collector:port", "");
    assert_error(
        &outcome,
        2,
        &["`collector:port` is no address of an OTLP collector", "--otlp", "help"],
    );
}
