//! A lake from a service: complete through faults, incremental, no call twice, the key nowhere.

use std::path::Path;

use tempfile::TempDir;
use tickfleet_tests::program::{Invocation, Outcome, assert_error, coordinator};

use crate::market::{Bar, Local, Tables, bars, csv};
use crate::service::{Fault, KEY, Service};

/// Bars of weekdays but one, without what a service does not give.
fn sessions() -> Vec<Bar> {
    let holiday = 16_801 + 17;
    let mut all = bars();
    all.retain(|bar| (bar.day + 3).rem_euclid(7) < 5 && bar.day != holiday);
    all
}

fn sync(service: &Service, lake: &Path, more: &[&str]) -> Invocation {
    let url = service.url();
    let lake = lake.display().to_string();
    let fixed = [
        "data",
        "sync",
        "--to",
        &lake,
        "--polygon-url",
        &url,
        "--polygon-rate",
        "60000",
        "--json",
    ];
    coordinator(fixed.iter().chain(more)).env("POLYGON_API_KEY", KEY)
}

fn done(run: Invocation) -> Outcome {
    let outcome = run.run();
    assert!(!format!("{outcome:?}").contains(KEY), "the key is shown: {outcome:#?}");
    outcome
}

fn lake() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

const RANGE: [&str; 4] = ["--from", "2016-01-01", "--until", "2016-03-30"];

#[test]
fn a_lake_is_complete_whatever_the_service_does() {
    let (service, lake) = (Service::with(&sessions()), lake());
    let folder = lake.path().join("deep/lake");
    service.fail([
        Fault::TooOften,
        Fault::Status(500),
        Fault::Cut,
        Fault::Half,
        Fault::Status(503),
        Fault::TooOften,
    ]);
    let outcome = done(sync(&service, &folder, &RANGE)).success();
    assert_eq!(service.faults_left(), 0);
    let (days, rows) = (sessions().len() / 7, sessions().len());
    assert_eq!(
        outcome.stdout,
        format!("{{\"days\":{days},\"rows\":{rows},\"empty\":1,\"there\":0}}\n")
    );
    assert!(
        service
            .asked()
            .iter()
            .all(|asked| asked.contains("adjusted=false") && !asked.contains(KEY))
    );
    let again = done(sync(&service, &folder, &RANGE)).success();
    assert_eq!(
        again.stdout,
        format!("{{\"days\":0,\"rows\":0,\"empty\":0,\"there\":{days}}}\n")
    );
    assert_eq!(service.asked(), [""; 0], "what is there, and holidays, cost no call");
    // A scan of the lake is a scan of its bars.
    let local = Local::new();
    let text = String::from_utf8(csv(&sessions())).expect("CSV is text");
    let plain: Vec<String> = text
        .lines()
        .map(|line| {
            let mut cells: Vec<&str> = line.split(',').collect();
            cells.remove(6);
            cells.join(",") + "\n"
        })
        .collect();
    std::fs::write(local.folder().join("plain.csv"), plain.concat()).expect("a file");
    let universe = local.path("universe.csv");
    let expect = Tables::of(&["--bars", &local.path("plain.csv"), "--universe", &universe], &[]);
    let found = Tables::of(&["--bars", &folder.display().to_string(), "--universe", &universe], &[]);
    assert!(found.batches == expect.batches);
}

#[test]
fn a_sync_goes_on_where_it_broke_off() {
    let (service, lake) = (Service::with(&sessions()), lake());
    let broken = sync(
        &service,
        lake.path(),
        &["--from", "2016-01-01", "--until", "2016-01-12", "--source-retries", "0"],
    );
    let good = done(sync(
        &service,
        lake.path(),
        &["--from", "2016-01-01", "--until", "2016-01-05"],
    ))
    .success();
    assert!(good.stdout.contains("\"days\":3"), "{good:?}");
    service.fail([Fault::Status(502)]);
    let outcome = done(broken);
    assert_error(&outcome, 3, &["2016-01-06", "status 502", "--source-retries"]);
    service.asked();
    let outcome = done(sync(&service, lake.path(), &["--until", "2016-01-12"])).success();
    assert!(
        outcome.stdout.contains("\"days\":5"),
        "from the day after the last: {outcome:?}"
    );
    assert!(service.asked().iter().all(|asked| !asked.contains("2016-01-05")));
}

#[test]
fn what_keeps_a_sync_from_beginning_is_said() {
    let (service, lake) = (Service::with(&[]), lake());
    let refused = |run: Invocation, status: i32, needles: &[&str]| assert_error(&done(run), status, needles);
    refused(
        sync(&service, lake.path(), &[]),
        2,
        &["the lake is empty", "--from DATE"],
    );
    refused(
        sync(&service, lake.path(), &RANGE).env("POLYGON_API_KEY", "wrong"),
        2,
        &["refuses the key", "401", "POLYGON_API_KEY"],
    );
    let keyless = [
        "data",
        "sync",
        "--to",
        "lake",
        "--from",
        "2016-01-01",
        "--until",
        "2016-01-04",
    ];
    refused(coordinator(keyless), 2, &["no key", "POLYGON_API_KEY"]);
    let at = |url: &str| coordinator(keyless.iter().chain(&["--polygon-url", url])).env("POLYGON_API_KEY", KEY);
    refused(at("http://api.example"), 2, &["in clear", "--polygon-url"]);
    refused(
        at("http://127.0.0.1:1").env("TICKFLEET_SOURCE_RETRIES", "1"),
        3,
        &["cannot be reached", "2016-01-01"],
    );
    service.fail([Fault::Elsewhere]);
    refused(sync(&service, lake.path(), &RANGE), 2, &["another server"]);
    let backwards = ["--from", "2016-03-30", "--until", "2016-01-01"];
    refused(sync(&service, lake.path(), &backwards), 2, &["from is after until"]);
    let files = std::fs::read_dir(lake.path()).expect("the lake is there").count();
    assert_eq!(files, 0, "nothing was written");
}

#[test]
fn a_dry_run_counts_calls_and_makes_none() {
    let (service, lake) = (Service::with(&sessions()), lake());
    let run = sync(
        &service,
        lake.path(),
        &["--from", "2016-01-01", "--until", "2016-01-10", "--dry-run"],
    );
    let outcome = done(run).success();
    let expect = r#"{"calls":6,"first":"2016-01-01","last":"2016-01-08","minutes":1,"there":0}"#;
    assert_eq!(outcome.stdout.trim(), expect);
    assert_eq!(service.asked(), [""; 0]);
}
