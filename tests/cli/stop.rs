//! Signals in the middle of a run. The run says by its first event that it has begun, so nothing here waits for a time.

use crate::market::{HEADER, lines, text};
use crate::place::Place;
use tickfleet_tests::program::Outcome;

/// Sends signals to a long run once it has begun; standard output is the run's status.
fn interrupted(place: &Place, options: &str, kill: &str) -> Outcome {
    let script = format!(
        "mkfifo events
         \"$0\" submit scan --json {options} >events & pid=$!
         {{ read -r first; {kill}; cat >/dev/null; }} <events
         wait $pid; echo $?"
    );
    place.shell(&script)
}

/// Bars that take seconds to scan on every session, and a result from before.
fn long_run() -> Place {
    let bars: Vec<String> = (0..200)
        .flat_map(|copy| {
            let name = format!("{}{}", char::from(b'A' + copy / 26), char::from(b'A' + copy % 26));
            lines()
                .into_iter()
                .take(84)
                .map(move |line| line.replacen("AAA", &name, 1))
        })
        .collect();
    Place::with(&[
        ("b.csv", text(HEADER, &bars, "\n").as_bytes()),
        ("out/r.csv", b"before"),
    ])
}

const EVERY_SESSION: &str = "--bars b.csv --from 2016-01-01 --shard-size 1 --side all --out out/r.csv";

#[test]
fn a_stopped_run_says_so_and_leaves_what_was_there() {
    for (kill, times) in [("INT", 1), ("INT", 2), ("TERM", 1)] {
        let place = long_run();
        let outcome = interrupted(
            &place,
            EVERY_SESSION,
            &vec![format!("kill -s {kill} $pid"); times].join("; "),
        );
        assert_eq!(outcome.stdout, "130\n", "{kill} x {times}: {outcome:#?}");
        for needle in [
            "error: interrupted: nothing was written",
            "help: run the same command again",
        ] {
            assert!(outcome.stderr.contains(needle), "{kill} x {times}: {outcome:#?}");
        }
        assert_eq!(
            (place.names("out"), place.read("out/r.csv")),
            (vec!["r.csv".to_owned()], b"before".to_vec())
        );
    }
}

#[test]
fn a_killed_run_leaves_what_was_there() {
    let place = long_run();
    let outcome = interrupted(&place, EVERY_SESSION, "kill -s KILL $pid");
    assert_eq!(outcome.stdout, "137\n", "{outcome:#?}");
    assert_eq!(place.read("out/r.csv"), b"before");
}

#[test]
fn a_sample_in_the_making_is_stopped_too() {
    let place = Place::with(&[("cache/keep", b"")]);
    let outcome = place.shell(
        "mkfifo events; export XDG_CACHE_HOME=$PWD/cache
         \"$0\" submit scan --sample --json >events & pid=$!
         { read -r first; kill -s INT $pid; cat >/dev/null; } <events
         wait $pid; echo $?",
    );
    assert_eq!(outcome.stdout, "130\n", "{outcome:#?}");
    assert!(outcome.stderr.contains("interrupted"), "{outcome:#?}");
    assert_eq!(place.names("cache/tickfleet"), [""; 0], "nothing half-made stays");
}
