//! The same bars in other clothes give the same bytes, and dirt in them is counted and named, never fatal.

use std::io::Write;

use crate::market::{self, Dates, HEADER, csv, csv_with, lines, text};
use crate::place::Place;

/// The ranking of a scan as CSV text.
fn ranked(place: &Place, bars: &str) -> String {
    place.scan(&format!("--bars {bars} --side all --out out.csv"));
    String::from_utf8(place.read("out.csv")).expect("CSV is UTF-8")
}

fn expected() -> String {
    ranked(&Place::with(&[("b.csv", csv().as_bytes())]), "b.csv")
}

#[test]
fn symbols_that_look_like_values_are_ranked() {
    let found = expected();
    for symbol in market::SYMBOLS {
        assert!(found.contains(&format!(",{symbol},")), "{symbol}: {found}");
    }
}

#[test]
fn every_spelling_of_the_bars_gives_the_same_bytes() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(csv().as_bytes()).expect("memory can be written");
    let noted: Vec<String> = lines()
        .iter()
        .map(|line| format!("{line},\"a \"\"b\"\",\nc\""))
        .collect();
    let renamed = csv().replacen(HEADER, " Ticker,DAY,o,H,l,C,Vol ", 1);
    let spellings: Vec<(&str, Vec<u8>)> = vec![
        ("crlf.csv", text(HEADER, &lines(), "\r\n").into()),
        ("bom.csv", format!("\u{feff}{}", csv()).into()),
        ("blank.csv", text(HEADER, &lines(), "\n\n").into()),
        ("open.csv", csv().trim_end().into()),
        ("quoted.csv", text(&format!("{HEADER},note"), &noted, "\n").into()),
        ("aliases.csv", renamed.into()),
        ("text.csv", csv().replace("2016-02-", "201602").into()),
        ("b.csv.gz", gz.finish().expect("memory can be written")),
        (
            "b.csv.zst",
            zstd::encode_all(csv().as_bytes(), 1).expect("memory can be written"),
        ),
        ("date.parquet", market::parquet(Dates::Date)),
        ("timestamp.parquet", market::parquet(Dates::Timestamp)),
        ("digits.parquet", market::parquet(Dates::Digits)),
        ("text.parquet", market::parquet(Dates::Text)),
    ];
    let expect = expected();
    for (name, bytes) in spellings {
        assert_eq!(ranked(&Place::with(&[(name, &bytes)]), name), expect, "{name}");
    }
}

#[test]
fn folders_and_patterns_are_one_table() {
    let place = Place::with(&[]);
    for symbol in market::SYMBOLS {
        let own = lines()
            .into_iter()
            .filter_map(|line| line.strip_prefix(&format!("{symbol},")).map(str::to_owned));
        let own: Vec<String> = own.collect();
        let header = HEADER.split_once(',').expect("the first column is the symbol").1;
        place.write(&format!("hive/symbol={symbol}/part-0.csv"), text(header, &own, "\n"));
    }
    let halves = lines();
    let (first, second) = halves.split_at(halves.len() / 2);
    place.write("split/a.csv", text(HEADER, first, "\n"));
    place.write("split/deeper/b.csv", text(HEADER, second, "\n"));
    place.write("split/notes.txt", "no data");
    for bars in ["hive", "split", "split/**/*.csv"] {
        assert_eq!(ranked(&place, bars), expected(), "{bars}");
    }
}

#[test]
fn of_files_that_overlap_the_last_name_wins() {
    let last = lines()
        .into_iter()
        .find(|line| line.starts_with("AAA,2016-03-28"))
        .expect("AAA has a last bar");
    let other = text(HEADER, &["AAA,2016-03-28,99,100,98,99.5,77777".to_owned()], "\n");
    let close = |name: &str| {
        let place = Place::with(&[("m/b.csv", csv().as_bytes()), (name, other.as_bytes())]);
        let outcome = place.scan("--bars m --symbols AAA --side all");
        assert!(outcome.stderr.contains("first duplicate: ") && outcome.stderr.contains("AAA on 2016-03-28"));
        outcome.stdout
    };
    let own: f64 = last
        .split(',')
        .nth(5)
        .and_then(|cell| cell.parse().ok())
        .expect("a close");
    let shows = |table: &str, close: f64| table.split_whitespace().any(|cell| cell == format!("{close:.2}"));
    assert!(shows(&close("m/c.csv"), 99.5));
    assert!(shows(&close("m/a.csv"), own));
}

#[test]
fn dirt_is_counted_and_its_first_row_named() {
    let cell = |at: usize, value: &'static str| {
        move |line: &str| {
            let mut cells: Vec<&str> = line.split(',').collect();
            cells[at] = value;
            cells.join(",")
        }
    };
    let twice = |line: &str| format!("{line}\n{line}\n{line}");
    let crlf = csv_with(7, cell(1, "2016-13-45")).replace('\n', "\r\n");
    let after_blanks = csv_with(7, cell(1, "soon")).replacen('\n', "\n\n\n", 1);
    let cases: Vec<(String, &[&str])> = vec![
        (
            csv_with(7, cell(1, "2016-13-45")),
            &[
                "skipped 1 row without",
                "first unplaced: ",
                "b.csv:7: date is `2016-13-45`",
            ],
        ),
        (crlf, &["b.csv:7: date is `2016-13-45`"]),
        (after_blanks, &["b.csv:9: date is `soon`"]),
        (csv_with(7, cell(0, "")), &["skipped 1 row", "b.csv:7: symbol is empty"]),
        (
            csv_with(7, cell(4, "abc")),
            &["dropped 1 of 420 rows", "bad_price 1", "b.csv:7: low is `abc`"],
        ),
        (csv_with(7, cell(5, "-1")), &["bad_price 1", "b.csv:7: close is `-1`"]),
        (csv_with(7, cell(6, "-3")), &["bad_volume 1", "b.csv:7: volume is `-3`"]),
        (
            csv_with(7, twice),
            &["dropped 2 of 422 rows", "duplicate 2", "b.csv:7: AAA on 2016-01-06"],
        ),
    ];
    for (csv, needles) in cases {
        let outcome = Place::with(&[("b.csv", csv.as_bytes())]).scan("--bars b.csv --side all");
        for needle in needles {
            assert!(outcome.stderr.contains(needle), "{needle:?} is missing: {outcome:#?}");
        }
        assert!(outcome.stderr.contains("ranked      5"), "{outcome:#?}");
    }
}

#[test]
fn a_universe_may_name_symbols_without_bars() {
    let universe = "Symbol,Sector,MarketCap\nAAA,Technology,1e9\nBBB,Finance,2B\nZZZ,Energy,1\nYYY,Blah,0\n";
    let place = Place::with(&[("b.csv", csv().as_bytes()), ("u.csv", universe.as_bytes())]);
    let outcome = place.scan("--bars b.csv --universe u.csv --side all --sectors all");
    for needle in [
        "candidates  7",
        "not_in_universe 3",
        "no_bars 2",
        "ranked      2",
        "sector_unmapped 1",
    ] {
        assert!(outcome.stderr.contains(needle), "{needle:?} is missing: {outcome:#?}");
    }
}
