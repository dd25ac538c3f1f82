//! Bars in PostgreSQL: a load that adds up, goes on and doubles nothing; scans of a table that equal scans of its file;
//! and no password anywhere.

use std::time::{Duration, Instant};

use tickfleet_tests::binary::{coordinator_binary, worker_binary};
use tickfleet_tests::postgres_server::{PASSWORD, PostgresServer, Sql, USER};
use tickfleet_tests::program::{Outcome, assert_error, coordinator};
use tickfleet_tests::redis_server::RedisServer;
use tickfleet_tests::running::Running;
use tickfleet_tests::tables::parquet_metadata;

use crate::market::{Bar, Local, SESSIONS, SYMBOLS, Tables, bars, csv, parquet, scan};

const ROWS: u64 = SYMBOLS.len() as u64 * SESSIONS as u64;

fn load(bars: &str, to: &str) -> Outcome {
    let run = coordinator(["data", "load", "--bars", bars, "--to", to, "--json"]).env("PGPASSWORD", PASSWORD);
    let outcome = run.run();
    assert!(
        !format!("{outcome:?}").contains(PASSWORD),
        "a secret is shown: {outcome:#?}"
    );
    outcome
}

/// The counts that a load printed: read, inserted, updated, unchanged, rejected.
#[track_caller]
fn counts(outcome: Outcome) -> [u64; 5] {
    let outcome = outcome.success();
    let told: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("an object");
    let count = |key: &str| told[key].as_u64().expect("a count");
    let rejected = ["unplaced", "bad_price", "bad_volume", "duplicate"]
        .map(count)
        .iter()
        .sum();
    let counts = [
        count("read"),
        count("inserted"),
        count("updated"),
        count("unchanged"),
        rejected,
    ];
    assert_eq!(counts[0], counts[1..].iter().sum::<u64>(), "it adds up: {told}");
    counts
}

fn rows(sql: &Sql, table: &str) -> u64 {
    sql.value(&format!("SELECT count(*) FROM {table}"))
        .parse()
        .expect("a count")
}

#[test]
fn a_table_is_filled_and_scanned_as_its_file_is() {
    let (server, local) = (PostgresServer::start(), Local::new());
    let (uri, sql) = (server.uri("daily_bars"), server.sql());
    assert_eq!(counts(load(&local.path("bars.parquet"), &uri)), [ROWS, ROWS, 0, 0, 0]);
    assert_eq!(rows(&sql, "daily_bars"), ROWS);
    assert_eq!(
        counts(load(&local.path("bars.parquet"), &uri)),
        [ROWS, 0, 0, ROWS, 0],
        "doubles nothing"
    );
    assert_eq!(rows(&sql, "tickfleet_loads"), 0, "what is done needs no ledger");
    let universe = local.path("universe.csv");
    let expect = local.tables();
    let secret = [("PGPASSWORD", PASSWORD)];
    let found = Tables::of(&["--bars", &uri, "--universe", &universe], &secret);
    assert!(found.batches == expect.batches);
    let metadata = format!("{:?}", parquet_metadata(&found.file("ranked")));
    assert!(
        metadata.contains("postgres://***@127.0.0.1") && !metadata.contains(PASSWORD),
        "{metadata}"
    );
    // The password may stand in the name too, and is in no result.
    let named = uri.replace("postgres://fleet@", "postgres://fleet:hush%20hush%2Fof%3Atests@");
    let found = Tables::of(&["--bars", &named, "--universe", &universe], &[]);
    assert!(found.batches == expect.batches);
    assert!(!format!("{:?}", parquet_metadata(&found.file("ranked"))).contains("hush"));
    // Other names and types of columns, some as text of another order.
    sql.run(
        "CREATE TABLE other AS SELECT symbol::varchar(8) AS \"Ticker\", date::timestamp AS day, open AS o, high AS h, \
         low AS l, close::numeric AS c, volume::bigint AS v, adj_close AS \"Adj Close\" FROM daily_bars ORDER BY random()",
    );
    let found = Tables::of(&["--bars", &server.uri("other"), "--universe", &universe], &secret);
    assert!(found.batches == expect.batches);
}

#[test]
fn rows_that_make_no_bars_are_rejected_by_reason() {
    let (server, local) = (PostgresServer::start(), Local::new());
    let mut text = String::from_utf8(csv(&bars()[..3])).expect("CSV is text");
    text += ",2016-02-01,1,1,1,1,1,1\nAAA,,1,1,1,1,1,1\nAAA,2016-02-01,0,1,1,1,1,1\nAAA,2016-02-02,1,1,1,1,1,-5\n";
    text += "AAA,2016-01-01,50,51,49,50,25,7\n";
    let path = local.path("dirty.csv");
    std::fs::write(&path, text).expect("a fresh folder takes a file");
    let outcome = load(&path, &server.uri("s.dirty"));
    assert_error(&outcome, 2, &["did not make the table", "schema"]);
    let outcome = load(&path, &server.uri("dirty")).success();
    for part in [
        "\"unplaced\":2",
        "\"bad_price\":1",
        "\"bad_volume\":1",
        "\"duplicate\":1",
        "\"inserted\":3",
    ] {
        assert!(outcome.stdout.contains(part), "{part} in {outcome:?}");
    }
    let last = server
        .sql()
        .value("SELECT close FROM dirty WHERE symbol = 'AAA' AND date = '2016-01-01'");
    assert_eq!(last, "50", "the last row of a key wins");
    std::fs::write(
        &path,
        csv(&[Bar {
            volume: 9,
            ..bars()[0].clone()
        }]),
    )
    .expect("a file");
    assert_eq!(counts(load(&path, &server.uri("dirty"))), [1, 0, 1, 0, 0]);
}

#[test]
fn a_load_that_was_killed_goes_on() {
    let (server, local) = (PostgresServer::start(), Local::new());
    let (uri, sql) = (server.uri("daily_bars"), server.sql());
    let none = local.path("none.csv");
    std::fs::write(&none, csv(&[])).expect("a file");
    assert_eq!(counts(load(&none, &uri)), [0; 5], "the table is made");
    // A row of another session holds up the fourth of seven blocks.
    let (symbol, row) = (bars()[350].symbol, bars()[350].clone());
    let date = crate::market::date(row.day);
    sql.run(&format!(
        "BEGIN; INSERT INTO daily_bars VALUES ('{symbol}', '{date}', 1, 1, 1, 1, 1, 1)"
    ));
    let bars = local.path("bars.parquet");
    let mut loading = Running::start(
        coordinator_binary(),
        ["data", "load", "--bars", &bars, "--to", &uri],
        &[("PGPASSWORD", PASSWORD)],
    );
    let watching = server.sql();
    let until = Instant::now() + Duration::from_secs(60);
    while rows(&watching, "tickfleet_loads") < 3 {
        assert!(Instant::now() < until && loading.is_running(), "{}", loading.said());
        std::thread::sleep(Duration::from_millis(20));
    }
    loading.signal("KILL");
    loading.ended();
    sql.run("ROLLBACK");
    assert!(rows(&sql, "daily_bars") < ROWS);
    let outcome = load(&bars, &uri);
    assert!(outcome.stdout.contains("\"resumed_blocks\":3"), "{outcome:?}");
    assert_eq!(counts(outcome), [ROWS, ROWS, 0, 0, 0]);
    assert_eq!(rows(&sql, "daily_bars"), ROWS);
}

#[test]
fn what_makes_no_bars_is_refused() {
    let server = PostgresServer::start();
    let sql = server.sql();
    sql.run(
        "CREATE TABLE twice (symbol text, date date, open float8, high float8, low float8, close float8, volume float8); \
         INSERT INTO twice VALUES ('BRK-B', '2016-01-04', 1, 1, 1, 1, 1), ('BRK.B', '2016-01-04', 1, 1, 1, 1, 2); \
         CREATE TABLE apart AS SELECT * FROM twice UNION ALL \
         SELECT 'BRK,' || n % 7, date '1900-01-01' + n, 1, 1, 1, 1, 1 FROM generate_series(1, 70000) n UNION ALL \
         SELECT 'BRK-X' || n % 7, date '1900-01-01' + n, 1, 1, 1, 1, 1 FROM generate_series(1, 70000) n; \
         CREATE TABLE keyless AS SELECT * FROM twice; INSERT INTO keyless VALUES (NULL, '2016-01-04', 1, 1, 1, 1, 1); \
         CREATE TABLE empty AS SELECT * FROM twice LIMIT 0; CREATE TABLE narrow (symbol text, date date)",
    );
    let refused = |uri: &str, password: &str, status: i32, needles: &[&str]| {
        let run = scan(&["--bars", uri])
            .env("PGPASSWORD", password)
            .env("TICKFLEET_SOURCE_RETRIES", "1");
        let outcome = run.run();
        assert_error(&outcome, status, needles);
        assert!(!outcome.stderr.contains(PASSWORD), "{outcome:?}");
    };
    refused(
        &server.uri("twice"),
        PASSWORD,
        2,
        &["BRK.B has two rows on 2016-01-04", "PRIMARY KEY"],
    );
    refused(&server.uri("apart"), PASSWORD, 2, &["BRK.B has two rows on 2016-01-04"]);
    refused(
        &server.uri("keyless"),
        PASSWORD,
        2,
        &["1 rows have no symbol or no date"],
    );
    refused(
        &server.uri("empty"),
        PASSWORD,
        2,
        &["the table has no row", "data load"],
    );
    refused(&server.uri("narrow"), PASSWORD, 2, &["no column `open`", "open, o"]);
    refused(
        &server.uri("nothing"),
        PASSWORD,
        2,
        &["there is no such table", "data load"],
    );
    refused(
        &server.uri("twice"),
        "wrong",
        2,
        &["no connection", "28P01", "PGPASSWORD"],
    );
    let elsewhere = format!("postgres://{USER}@127.0.0.1:1/postgres");
    refused(&elsewhere, PASSWORD, 3, &["no connection", "refused"]);
    refused(
        "postgres://h/db?password=x",
        PASSWORD,
        2,
        &["?***", "table and sslmode"],
    );
    let outcome = scan(&["--bars", "x.csv", "--universe", &server.uri("twice")]).run();
    assert_eq!(outcome.status, Some(2));
}

#[test]
fn workers_read_ranges_with_credentials_of_their_own_and_refuse_other_rows() {
    let (server, redis, local) = (PostgresServer::start(), RedisServer::start(), Local::new());
    let (uri, url) = (server.uri("daily_bars"), redis.url());
    counts(load(&local.path("bars.parquet"), &uri));
    let secret = [("PGPASSWORD", PASSWORD)];
    let serves = [
        "serve",
        "--redis",
        &url,
        "--listen",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
    ];
    let serving = Running::start(coordinator_binary(), serves, &secret);
    let line = serving.line("gRPC http://");
    let grpc = line.split_whitespace().nth(1).expect("the address").to_owned();
    let submitted = scan(&["--bars", &uri, "--coordinator", &grpc, "--no-wait"])
        .run()
        .success();
    let run = submitted
        .stdout
        .split_whitespace()
        .next()
        .expect("the run's id")
        .to_owned();
    // Between submission and work, a row changes.
    let sql = server.sql();
    sql.run("UPDATE daily_bars SET close = close + 1 WHERE symbol = 'AAA' AND date = '2016-02-01'");
    let _worker = Running::start(worker_binary(), ["--redis", &url, "--log", "warn"], &secret);
    let watched = coordinator(["watch", &run, "--coordinator", &grpc]).run();
    assert_eq!(watched.status, Some(1), "{watched:?}");
    assert!(
        watched.stderr.contains("changed since the run was submitted"),
        "{watched:?}"
    );
    let again = scan(&["--bars", &uri, "--coordinator", &grpc, "--out", "x.csv"]).run();
    let _ = again.success();
    let keys = redis.command("KEYS *");
    assert!(!keys.contains(PASSWORD) && !serving.said().contains(PASSWORD));
}

#[test]
fn a_table_of_the_sample_is_as_good_as_its_file() {
    let server = PostgresServer::start();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let all = bars();
    std::fs::write(folder.path().join("a.parquet"), parquet(&all[..200], 64)).expect("a file");
    std::fs::write(folder.path().join("b.csv"), csv(&all[200..])).expect("a file");
    let uri = server.uri("lake");
    let [read, inserted, ..] = counts(load(&folder.path().display().to_string(), &uri));
    assert_eq!((read, inserted), (ROWS, ROWS));
    // From table to table.
    assert_eq!(counts(load(&uri, &server.uri("copy"))), [ROWS, ROWS, 0, 0, 0]);
    let same = "SELECT count(*) FROM (SELECT * FROM lake EXCEPT SELECT * FROM copy) x";
    assert_eq!(server.sql().value(same), "0");
}
