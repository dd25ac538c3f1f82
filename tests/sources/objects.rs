//! Bars in object storage: found by name, prefix, folder and pattern; read through faults; the same tables as from local
//! files; refusals that name what is missing and no secret.

use tickfleet_tests::program::{Invocation, Outcome, assert_error};

use crate::market::{Local, Tables, bars, csv, parquet, scan, universe};
use crate::shop::{Fault, KEY, SECRET, Shop, pairs};

/// A bucket with the market in three layouts.
fn lake() -> Shop {
    let shop = Shop::s3();
    let all = bars();
    shop.put("lake/one/bars.parquet", &parquet(&all, 100));
    shop.put("lake/universe.csv", &universe());
    shop.put("lake/text/bars.csv", &csv(&all));
    for part in all.chunk_by(|a, b| a.symbol == b.symbol) {
        let folder = format!("lake/hive/symbol={}", part[0].symbol.replace('.', "%2E"));
        shop.put(&format!("{folder}/part-0.parquet"), &parquet(part, 50));
        shop.put(&format!("{folder}/_SUCCESS"), b"");
    }
    shop
}

fn tables(shop: &Shop, bars: &str, more: &[(&str, &str)]) -> Tables {
    let variables = shop.variables();
    let variables: Vec<(&str, &str)> = pairs(&variables).into_iter().chain(more.iter().copied()).collect();
    Tables::of(&["--bars", bars, "--universe", "s3://lake/universe.csv"], &variables)
}

fn with(run: Invocation, shop: &Shop, but: &[(&str, &str)]) -> Outcome {
    let run = shop
        .variables()
        .iter()
        .fold(run, |run, (name, value)| run.env(name, value));
    let outcome = but.iter().fold(run, |run, (name, value)| run.env(name, value)).run();
    assert!(!outcome.stderr.contains(SECRET), "a secret is shown: {outcome:#?}");
    outcome
}

#[test]
fn every_layout_gives_the_tables_of_the_local_file() {
    let (shop, local) = (lake(), Local::new().tables());
    for bars in [
        "s3://lake/one/bars.parquet",
        "s3://lake/one",
        "s3://lake/text/",
        "s3://lake/hive/",
        "s3://lake/hive/symbol=*/part-*.parquet",
    ] {
        let remote = tables(&shop, bars, &[]);
        assert!(remote.batches == local.batches, "{bars}");
    }
}

#[test]
fn google_cloud_storage_is_read_and_written_as_s3_is() {
    let (shop, local) = (Shop::web(true), Local::new().tables());
    shop.put("lake/bars/bars.parquet", &parquet(&bars(), 100));
    shop.put("lake/universe.csv", &universe());
    let account = format!(
        r#"{{"gcs_base_url":"{}","disable_oauth":true,"client_email":"","private_key":"","private_key_id":""}}"#,
        shop.url()
    );
    let variables = [
        ("GOOGLE_SERVICE_ACCOUNT_KEY", account.as_str()),
        ("GOOGLE_ALLOW_HTTP", "true"),
    ];
    let options = ["--bars", "gs://lake/bars/", "--universe", "gs://lake/universe.csv"];
    shop.fail([Fault::Busy, Fault::Cut]);
    assert!(Tables::of(&options, &variables).batches == local.batches);
    let run = scan(&["--bars", "gs://lake/bars/", "--out", "gs://lake/out.csv"]);
    let run = variables.iter().fold(run, |run, (name, value)| run.env(name, value));
    let _ = run.run().success();
    assert!(shop.get("lake/out.csv").is_some() && shop.open_uploads() == 0);
}

#[test]
fn faults_are_tried_again_and_leave_no_trace() {
    let (shop, local) = (lake(), Local::new().tables());
    shop.fail([
        Fault::Busy,
        Fault::Cut,
        Fault::Busy,
        Fault::Busy,
        Fault::Cut,
        Fault::Silent,
    ]);
    let remote = tables(
        &shop,
        "s3://lake/one/bars.parquet",
        &[("TICKFLEET_SOURCE_TIMEOUT_S", "5")],
    );
    assert!(remote.batches == local.batches);
    assert_eq!(shop.faults_left(), 0, "every fault was met");
}

#[test]
fn content_that_changes_under_a_run_is_refused() {
    let shop = lake();
    shop.fail([Fault::Change]);
    let run = scan(&["--bars", "s3://lake/one/bars.parquet"]);
    let outcome = with(run, &shop, &[]);
    assert_error(
        &outcome,
        2,
        &["s3://lake/one/bars.parquet", "changed since", "run it again"],
    );
}

/// Bars, variables that are set otherwise, the exit status, and what the message must hold.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    i32,
    &'static [&'static str],
);

#[test]
fn refusals_say_what_is_missing() {
    let shop = lake();
    let cases: &[Case] = &[
        (
            "s3://lake/none.parquet",
            &[],
            2,
            &["s3://lake/none.parquet does not exist"],
        ),
        ("s3://lake/hive/*.csv", &[], 2, &["holds no Parquet or CSV file"]),
        ("s3://nobody/bars.parquet", &[], 2, &["no such bucket", "AWS_REGION"]),
        (
            "s3://lake/one/",
            &[("AWS_ACCESS_KEY_ID", "AKIAOTHER")],
            2,
            &["access denied", "403", "InvalidAccessKeyId"],
        ),
        (
            "s3://lake/one/",
            &[("AWS_ALLOW_HTTP", "false")],
            2,
            &["without TLS", "AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP=true"],
        ),
        (
            "s3://lake/one/",
            &[
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
                ("TICKFLEET_SOURCE_RETRIES", "1"),
            ],
            3,
            &["cannot be reached", "refused", "AWS_ENDPOINT_URL"],
        ),
        (
            "s3://me:pass@lake/x.csv",
            &[],
            2,
            &["s3://***@lake/x.csv", "credentials come from"],
        ),
        (
            "az://container/x.csv",
            &[],
            2,
            &["az://container cannot be opened", "docs/data.md"],
        ),
        ("ftp://lake/x.csv", &[], 2, &["no reader for `ftp://`", "s3://"]),
    ];
    for (bars, but, status, needles) in cases {
        let outcome = with(scan(&["--bars", bars]), &shop, but);
        assert_error(&outcome, *status, needles);
    }
}

#[test]
fn a_server_that_stays_busy_is_given_up() {
    let shop = lake();
    shop.fail(vec![Fault::Busy; 12]);
    let run = scan(&["--bars", "s3://lake/one/bars.parquet"]);
    let outcome = with(run, &shop, &[("TICKFLEET_SOURCE_RETRIES", "2")]);
    assert_error(
        &outcome,
        3,
        &["the server cannot now", "503", "SlowDown", "--source-retries"],
    );
}

#[test]
fn no_credentials_are_told_by_the_variables_that_hold_them() {
    let run = scan(&["--bars", "s3://lake/x.csv"]).env("AWS_EC2_METADATA_DISABLED", "true");
    assert_error(&run.run(), 2, &["s3://lake", "no credentials", "AWS_ACCESS_KEY_ID"]);
}

#[test]
fn a_scan_reads_ranges_and_keeps_them_on_disk() {
    let shop = lake();
    let cache = tempfile::tempdir().expect("a temporary folder can be made");
    let variables = [("TICKFLEET_CACHE_DIR", cache.path().to_str().expect("UTF-8"))];
    let first = tables(&shop, "s3://lake/one/bars.parquet", &variables);
    let reads = |asked: &[String]| {
        let of_bars = asked
            .iter()
            .filter(|line| line.starts_with("GET /lake/one/bars.parquet bytes="));
        of_bars.count()
    };
    let asked = shop.asked();
    assert!(
        reads(&asked) > 0 && asked.iter().all(|line| line != "GET /lake/one/bars.parquet "),
        "{asked:#?}"
    );
    let second = tables(&shop, "s3://lake/one/bars.parquet", &variables);
    assert!(first.batches == second.batches);
    assert_eq!(reads(&shop.asked()), 0, "what was read is on this machine's disk");
    shop.put("lake/one/bars.parquet", &parquet(&bars()[90..], 100));
    let third = tables(&shop, "s3://lake/one/bars.parquet", &variables);
    assert!(
        first.batches != third.batches && reads(&shop.asked()) > 0,
        "another version is other content"
    );
}

#[test]
fn results_go_to_object_storage_whole() {
    let (shop, local) = (lake(), Local::new());
    let (bars, universe) = (local.path("bars.parquet"), local.path("universe.csv"));
    let options = ["--bars", &bars, "--universe", &universe];
    let told = |out: &str| {
        let options: Vec<&str> = options.iter().copied().chain(["--out", out]).collect();
        with(scan(&options), &shop, &[])
    };
    let _ = told("s3://lake/out/ranked.csv").success();
    let _ = told(&local.path("ranked.csv")).success();
    let expect = std::fs::read(local.folder().join("ranked.csv")).expect("it was written");
    assert_eq!(shop.get("lake/out/ranked.csv").as_deref(), Some(expect.as_slice()));
    let _ = told("s3://lake/all/").success();
    for table in tickfleet_tests::tables::TABLES {
        assert!(
            shop.get(&format!("lake/all/{table}.parquet"))
                .is_some_and(|bytes| bytes.starts_with(b"PAR1"))
        );
    }
    assert_eq!(
        (
            shop.open_uploads(),
            shop.names().iter().any(|name| name.contains("probe"))
        ),
        (0, false)
    );
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_anything_runs() {
    let (shop, local) = (lake(), Local::new());
    let bars = local.path("bars.parquet");
    let outcome = with(
        scan(&["--bars", &bars, "--out", "s3://lake/x.csv"]),
        &shop,
        &[("AWS_ACCESS_KEY_ID", "AKIAOTHER")],
    );
    assert_error(&outcome, 2, &["s3://lake/x.csv cannot be written", "access denied"]);
    let outcome = with(
        scan(&["--bars", &bars, "--out", "http://127.0.0.1:1/x.csv"]),
        &shop,
        &[],
    );
    assert_error(&outcome, 2, &["not written to web servers"]);
    assert!(!outcome.stderr.contains(KEY));
}
