//! `--stream`: rows while the run goes, which the final ranking replaces and no file holds.

use std::collections::BTreeMap;

use serde_json::Value;
use tickfleet_tests::tables::{floats, known_texts, read_parquet};

use crate::market::csv;
use crate::place::Place;

/// A universe in which one symbol is rejected by name and one is beyond the largest two.
const UNIVERSE: &str = "symbol,market_cap\nAAA,3e9\nBBB,1e9\nNAN,2e9\nTRUE,4e9\nINF,5e8\n";

fn events(stdout: &str) -> Vec<Value> {
    let event = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    stdout.lines().map(event).collect()
}

/// The last rows that were told of each date, in the order of their ranks.
fn last_told(events: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, BTreeMap<u64, String>> = BTreeMap::new();
    for row in events.iter().filter(|event| event["event"] == "row") {
        assert_eq!(row["provisional"], true, "{row}");
        for absent in ["ics", "merit", "rank"] {
            assert_eq!(row.get(absent), None, "{row}");
        }
        assert!(row["done"].as_u64() <= row["total"].as_u64(), "{row}");
        let [as_of, symbol] = ["as_of", "symbol"].map(|key| row[key].as_str().expect("text").to_owned());
        let rank = row["provisional_rank"].as_u64().expect("a rank");
        told.entry(as_of).or_default().insert(rank, symbol);
    }
    let in_order = |(as_of, rows): (String, BTreeMap<u64, String>)| {
        assert!(
            rows.keys().copied().eq(1..=rows.len() as u64),
            "ranks without a gap: {rows:?}"
        );
        (as_of, rows.into_values().collect())
    };
    told.into_iter().map(in_order).collect()
}

/// What the rows so far come to: of each date the scored rows that are wanted, by size of rating and symbol.
fn wanted(place: &Place, top: usize) -> BTreeMap<String, Vec<String>> {
    let scored = read_parquet(&place.path("out/scored.parquet"));
    let (dates, symbols) = (known_texts(&scored, "as_of"), known_texts(&scored, "symbol"));
    let (ratings, statuses) = (floats(&scored, "tech_rating"), known_texts(&scored, "status"));
    let mut rows: Vec<(String, i64, String)> = Vec::new();
    for row in 0..symbols.len() {
        if statuses[row] != "side" && statuses[row] != "min_tech_rating" {
            // Ratings of this market are far enough apart for a coarse key.
            let rating = (ratings[row].expect("a rating").abs() * 1e9).round() as i64;
            rows.push((dates[row].clone(), -rating, symbols[row].clone()));
        }
    }
    rows.sort();
    let mut of_date: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (date, _, symbol) in rows {
        let of_date = of_date.entry(date).or_default();
        if of_date.len() < top {
            of_date.push(symbol);
        }
    }
    of_date
}

#[track_caller]
fn check(options: &str, top: usize) {
    let place = Place::with(&[("b.csv", csv().as_bytes()), ("u.csv", UNIVERSE.as_bytes())]);
    let line = format!("--bars b.csv --shard-size 1 {options} --json");
    let outcome = place.scan(&format!("{line} --stream --out out/"));
    let told = events(&outcome.stdout);
    assert_eq!(told.last().map(|event| &event["event"]), Some(&"final".into()));
    assert_eq!(told.iter().filter(|event| event["event"] == "final").count(), 1);
    let expect = wanted(&place, top);
    assert!(!expect.is_empty(), "{options}: rows are wanted");
    assert_eq!(last_told(&told), expect, "{options}");
    let plain = place.scan(&format!("{line} --out plain/"));
    assert!(
        !plain.stdout.contains("provisional"),
        "rows come only where they are asked for"
    );
    for table in ["ranked", "scored", "rejected", "funnel"] {
        let [streamed, plain] =
            ["out", "plain"].map(|folder| read_parquet(&place.path(&format!("{folder}/{table}.parquet"))));
        assert!(streamed.columns() == plain.columns(), "{options}: {table}");
    }
}

#[test]
fn the_rows_so_far_come_to_what_is_scored_and_wanted() {
    check("--side all", 50);
    check("--side all --from 2016-03-10", 50);
    check("--side all --top 2", 2);
    check(
        "--side all --universe u.csv --sectors all --max-symbols 3 --from 2016-03-10",
        50,
    );
    check(
        "--side all --universe u.csv --sectors all --min-market-cap 1e9 --min-tech-rating 5",
        50,
    );
}

#[test]
fn people_get_a_line_and_the_same_table() {
    let place = Place::with(&[("b.csv", csv().as_bytes())]);
    let streamed = place.scan("--bars b.csv --side all --stream");
    let plain = place.scan("--bars b.csv --side all");
    assert_eq!(streamed.stdout, plain.stdout);
    let line = streamed
        .stderr
        .lines()
        .find(|line| line.starts_with("provisional, as of 2016-03-28, 1/1 map jobs: "));
    assert!(line.is_some(), "{streamed:#?}");
    let quiet = place.scan("--bars b.csv --side all --stream --quiet");
    assert_eq!(
        (quiet.stdout.as_str(), quiet.stderr.as_str()),
        (plain.stdout.as_str(), "")
    );
}

#[test]
fn rows_without_a_run_to_follow_are_refused() {
    let place = Place::with(&[("b.csv", csv().as_bytes())]);
    for other in ["--dry-run", "--no-wait"] {
        place.refuses(&format!("--bars b.csv --stream {other}"), 2, &["--stream", other]);
    }
}
