//! Pipes: a reader that leaves, colours where they are not wanted, silence where it is asked for.

use crate::market::csv;
use crate::place::Place;

#[test]
fn a_reader_that_leaves_is_no_error() {
    let place = Place::with(&[("b.csv", csv().as_bytes())]);
    for options in ["--side all", "--json --side all --from 2016-03-01", "--dry-run"] {
        // Nobody reads at all: the pipe's other end is closed before the first byte.
        let script = format!("{{ \"$0\" submit scan --bars b.csv {options}; echo $? >status; }} | exec true");
        let outcome = place.shell(&script);
        assert_eq!(place.read("status"), b"0\n", "{options}: {outcome:#?}");
    }
}

#[test]
fn what_is_no_terminal_gets_no_colour_and_no_bar() {
    let place = Place::with(&[("b.csv", csv().as_bytes())]);
    for (variable, value) in [("NO_COLOR", "1"), ("NO_COLOR", ""), ("TERM", "xterm-256color")] {
        let run = place
            .coordinator("submit scan --bars b.csv --side all")
            .env(variable, value);
        let outcome = run.run().success();
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(!text.contains(['\u{1b}', '\r', '█', '░']), "{outcome:#?}");
        }
    }
}

#[test]
fn quiet_leaves_the_table_alone() {
    let place = Place::with(&[("b.csv", csv().as_bytes())]);
    let loud = place.scan("--bars b.csv --side all");
    let quiet = place.scan("--bars b.csv --side all --quiet");
    assert_eq!(
        (quiet.stdout.as_str(), quiet.stderr.as_str()),
        (loud.stdout.as_str(), "")
    );
    assert_eq!(place.scan("--bars b.csv --side all --quiet --out r.csv").stdout, "");
    place.refuses("--bars no.csv --quiet", 2, &["no.csv does not exist"]);
}

#[test]
fn a_dry_run_prints_the_plan_and_writes_nothing() {
    let place = Place::with(&[("b.csv", csv().as_bytes())]);
    let outcome = place.scan("--bars b.csv --dry-run --shard-size 2");
    for needle in [
        "420 bars of 5 symbols in 1 file;",
        "on 1 session,",
        "3 map jobs, 1 reduce job,",
        "map 2: 1 symbol (",
    ] {
        assert!(outcome.stdout.contains(needle), "{needle:?} is missing: {outcome:#?}");
    }
    assert_eq!(place.names("."), ["b.csv"]);
}
