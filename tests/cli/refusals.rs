//! Lines and inputs that are refused before anything runs: status 2, and a message that mends.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};

use crate::market::{HEADER, csv, csv_with, write};
use crate::place::{Place, assert_readable};
use tickfleet_tests::program::assert_error;

#[test]
fn bad_lines() {
    let place = Place::with(&[("b.csv", csv().as_bytes())]);
    let cases: &[(&str, &[&str])] = &[
        ("", &["no daily bars are named", "--bars URI", "--sample"]),
        (
            "--bars b.csv --tpo 3",
            &["unexpected argument '--tpo'", "similar argument exists: '--top'"],
        ),
        (
            "--bars b.csv --top 0",
            &["top: 0", "flag --top", "1 to 100000", "--help"],
        ),
        ("--bars b.csv --top x", &["top: x", "a whole number"]),
        ("--bars b.csv --lanes 0", &["lanes: 0", "1 to 1024"]),
        ("--bars b.csv --shard-size 0", &["shard_size: 0", "1 or more"]),
        ("--bars b.csv --memory 1B", &["memory: 1B", "256MB", "1MB or more"]),
        ("--bars b.csv --side up", &["'up'", "long, short, both, all"]),
        ("--bars b.csv --sectors Foo", &["sectors: Foo", "Energy"]),
        ("--bars b.csv --as-of 2016-02-30", &["as_of: 2016-02-30", "YYYY-MM-DD"]),
        (
            "--bars b.csv --from 2016-03-01 --to 2016-02-01",
            &["from is after to", "--from", "--to", "swap them"],
        ),
        (
            "--bars b.csv --as-of 2016-03-01 --from 2016-02-01",
            &["exclude each other", "--as-of"],
        ),
        (
            "--bars b.csv --as-of 2015-01-01",
            &["no session at or before 2015-01-01", "2016-01-01 and 2016-03-28"],
        ),
        (
            "--bars b.csv --from 2017-01-01",
            &["no session from 2017-01-01", "choose dates"],
        ),
        (
            "--bars b.csv --min-bars 600",
            &["min_bars (600)", "lookback (504)", "flag --min-bars"],
        ),
        (
            "--bars b.csv --no-wait",
            &["--no-wait needs a cluster", "drop --no-wait"],
        ),
        (
            "--bars b.csv --coordinator https://h:1",
            &["https://h:1", "without TLS only", "flag --coordinator"],
        ),
        (
            "--bars b.csv --universe u.csv",
            &["universe: u.csv does not exist", "check the path"],
        ),
        (
            "--bars b.csv --out x.xyz",
            &["x.xyz", ".parquet, .csv, .json, .jsonl or .arrow"],
        ),
        (
            "--bars b.csv --out no/x.csv",
            &["folder no does not exist", "create it"],
        ),
        ("--bars b.csv --out b.csv/x.csv", &["b.csv: it is a file"]),
        ("--bars b.csv --out ftp://h/x.csv", &["ftp://h/x.csv", "local"]),
        ("--bars ftp://h/x.csv", &["ftp://h/x.csv", "no reader"]),
        (
            "--bars b.csv --config no.toml",
            &["no.toml can't be read", "No such file"],
        ),
    ];
    for (options, needles) in cases {
        place.refuses(options, 2, needles);
    }
    assert_eq!(place.names("."), ["b.csv"], "a refused run leaves nothing");
}

#[test]
fn bad_settings_are_named_with_their_line() {
    let cases: &[(&str, &[&str])] = &[
        (
            "[scan]\nbars = \"b.csv\n",
            &["not valid TOML", "t.toml:2:", "mend the line"],
        ),
        (
            "[scan]\ntpo = 1\n",
            &["unknown key `tpo`", "t.toml:2:1", "did you mean top?"],
        ),
        ("[scan]\ntop = \"x\"\n", &["top: \"x\"", "t.toml:2:7", "1 to 100000"]),
        (
            "[scna]\n",
            &["unknown table [scna]", "t.toml:1:2", "did you mean [scan]?"],
        ),
    ];
    for (text, needles) in cases {
        Place::with(&[("t.toml", text.as_bytes())]).refuses("--config t.toml", 2, needles);
    }
    let place = Place::with(&[]);
    for (variable, value, needles) in [
        (
            "TICKFLEET_SCAN_TPO",
            "3",
            ["did you mean TICKFLEET_SCAN_TOP?", "unknown environment variable"],
        ),
        (
            "TICKFLEET_SCAN_TOP",
            "0",
            ["top: 0", "environment variable TICKFLEET_SCAN_TOP"],
        ),
        (
            "TICKFLEET_COORDINATOR",
            "https://h:1",
            ["without TLS only", "environment variable TICKFLEET_COORDINATOR"],
        ),
    ] {
        let outcome = place.coordinator("submit scan --bars b.csv").env(variable, value).run();
        assert_error(&outcome, 2, &needles);
        assert_readable(&outcome);
    }
}

#[test]
fn bad_bars() {
    let unclosed = csv_with(7, |line| format!("\"{line}"));
    let nul = [HEADER.as_bytes(), b"\0\n"].concat();
    let long = format!("{},x\n", "y".repeat(5_000));
    let cases: &[(&str, &[u8], &[&str])] = &[
        ("b.csv", b"", &["b.csv: the file is empty", "header line"]),
        (
            "b.csv",
            b"symbol,date,open,high,low,close,volume\n",
            &["b.csv has no row"],
        ),
        (
            "b.csv",
            b"sym,when\nA,2016-01-01\n",
            &["b.csv: no column `symbol`", "symbol, ticker", "sym, when", "rename"],
        ),
        (
            "b.csv",
            b"symbol,date,open,high,low,volume\n",
            &["no column `close`", "close, c", "b.csv"],
        ),
        (
            "b.csv",
            b"symbol,date,open,high,low,close,volume\n,,,,,,\n",
            &["no readable symbol and date in its one row"],
        ),
        ("b.csv", &nul, &["b.csv:1", "no text"]),
        ("b.csv", long.as_bytes(), &["no column `symbol`", "yyy…"]),
        ("b.csv", unclosed.as_bytes(), &["b.csv:7", "a quote", "never closed"]),
        ("b.txt", b"x", &["b.txt: neither Parquet nor CSV", ".csv.gz"]),
        (
            "b.parquet",
            b"",
            &["b.parquet: not a readable Parquet file", "truncated or damaged"],
        ),
        (
            "b.parquet",
            b"symbol,date\n0123456789\n",
            &["b.parquet: not a readable Parquet file", "orrupt footer"],
        ),
        (
            "b.csv.gz",
            b"plain text",
            &["b.csv.gz: cannot be unpacked", "check the archive"],
        ),
        (
            "b.csv.zst",
            b"plain text",
            &["b.csv.zst: cannot be unpacked", "check the archive"],
        ),
    ];
    for (name, bytes, needles) in cases {
        let outcome = Place::with(&[(name, bytes)]).refuses(&format!("--bars {name}"), 2, needles);
        assert!(outcome.stderr.len() < 1_000, "too long to read: {outcome:#?}");
    }
}

#[test]
fn bars_that_are_not_there() {
    let place = Place::with(&[("folder/notes.txt", b"x"), ("folder/_hidden.csv", b"x")]);
    for (bars, needles) in [
        ("no.csv", ["no.csv does not exist", "check the path"]),
        ("folder", ["folder holds no Parquet or CSV file", "name a file"]),
        ("folder/*.csv", ["folder/*.csv holds no Parquet or CSV file", "pattern"]),
        ("no/*.csv", ["no/*.csv does not exist", "check the path"]),
        ("folder/[.csv", ["not a valid pattern", "patterns take"]),
    ] {
        place.refuses(&format!("--bars {bars}"), 2, &needles);
    }
}

#[test]
fn damaged_and_foreign_parquet() {
    let whole = crate::market::parquet(crate::market::Dates::Date);
    let mut pages = whole.clone();
    pages[4..200].fill(0xff);
    let texts = || Arc::new(StringArray::from(vec!["A"])) as ArrayRef;
    let foreign = write(&[("as_of", texts()), ("merit", texts())]);
    let truth: ArrayRef = Arc::new(arrow::array::BooleanArray::from(vec![true]));
    let number = || Arc::new(Int64Array::from(vec![20_160_104])) as ArrayRef;
    let mut columns = vec![("symbol", texts()), ("date", number()), ("open", truth)];
    columns.extend(["high", "low", "close", "volume"].map(|name| (name, number())));
    let wrong = write(&columns);
    let cases: &[(&[u8], &[&str])] = &[
        (
            &wrong,
            &[
                "b.parquet: column `open` has type Boolean",
                "expected a number",
                "store the column",
            ],
        ),
        (
            &whole[..whole.len() / 2],
            &[
                "b.parquet: not a readable Parquet file",
                "orrupt footer",
                "fetch or write it again",
            ],
        ),
        (
            &pages,
            &["b.parquet: not a readable Parquet file", "fetch or write it again"],
        ),
        (
            &foreign,
            &["b.parquet: no column `symbol`", "as_of, merit", "name the right file"],
        ),
    ];
    for (bytes, needles) in cases {
        Place::with(&[("b.parquet", bytes)]).refuses("--bars b.parquet", 2, needles);
    }
}

#[test]
fn archives_that_break_off_or_never_end() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gz, csv().as_bytes()).expect("memory can be written");
    let gz = gz.finish().expect("memory can be written");
    let half = &gz[..gz.len() / 2];
    let place = Place::with(&[("b.csv.gz", half)]);
    place.refuses(
        "--bars b.csv.gz",
        2,
        &["b.csv.gz: cannot be unpacked", "check the archive"],
    );

    let header = format!("{HEADER}\n");
    let blank = std::io::Read::take(std::io::repeat(b'\n'), 80 << 20);
    let bomb = zstd::encode_all(std::io::Read::chain(header.as_bytes(), blank), 1).expect("memory can be written");
    let place = Place::with(&[("b.csv.zst", &bomb)]);
    place.refuses(
        "--bars b.csv.zst",
        2,
        &["b.csv.zst: unpacks to more than", "times its size", "unpack it"],
    );
}
