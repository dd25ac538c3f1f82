//! `--json`: every line an event, the last of them the end, whatever the end is.

use serde_json::Value;

use crate::market::csv;
use crate::place::Place;

#[track_caller]
fn events(place: &Place, options: &str, status: i32) -> Vec<Value> {
    let outcome = place.coordinator(&format!("submit scan --json {options}")).run();
    assert_eq!(outcome.status, Some(status), "{outcome:#?}");
    let lines = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")));
    lines.collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    names.dedup();
    names
}

#[test]
fn a_run_ends_with_final() {
    let place = Place::with(&[("b.csv", csv().as_bytes())]);
    let found = events(&place, "--bars b.csv --side all", 0);
    assert_eq!(names(&found), ["submitted", "progress", "ranked", "final"]);
    let ranked: Vec<_> = found
        .iter()
        .filter(|event| event["event"] == "ranked")
        .map(|event| &event["row"]["rank"])
        .collect();
    assert_eq!(ranked, [1, 2, 3, 4, 5]);
    let end = &found[found.len() - 1];
    assert_eq!(
        (&end["state"], &end["ranked"], &end["as_of"]),
        (&"succeeded".into(), &5.into(), &["2016-03-28"][..].into())
    );

    let found = events(&place, "--bars b.csv --side all --out r.csv", 0);
    assert_eq!(names(&found), ["submitted", "progress", "final"]);
    assert_eq!(found[found.len() - 1]["files"][0]["path"], "r.csv");
    assert_eq!(names(&events(&place, "--bars b.csv --dry-run", 0)), ["plan"]);
}

#[test]
fn a_refused_run_ends_with_error() {
    let place = Place::with(&[("b.csv", csv().as_bytes())]);
    for (options, what) in [
        ("--bars no.csv", "no.csv does not exist"),
        ("--bars b.csv --top 0", "bad value for top: 0"),
        ("--bars b.csv --out no/r.csv", "the folder no does not exist"),
        ("--bars b.csv --from 2017-01-01", "no session from 2017-01-01"),
        ("--bars b.csv --no-wait", "--no-wait needs a cluster"),
    ] {
        let found = events(&place, options, 2);
        assert_eq!(names(&found), ["error"], "{options}");
        assert_eq!(found[0]["status"], "bad_input");
        assert!(
            found[0]["what"].as_str().is_some_and(|text| text.contains(what)),
            "{options}: {found:?}"
        );
    }
}
