//! Fundamentals, events and predictions in a user's hands: what is refused before anything runs, what is skipped and
//! said, what they change.

use tickfleet_tests::tables::{floats, integers, known_texts, read_parquet, texts};

use crate::market::csv;
use crate::place::Place;

#[test]
fn tables_that_cannot_be_read_are_refused() {
    let place = Place::with(&[
        ("b.csv", csv().as_bytes()),
        ("no-symbol.csv", b"name,date,revenue\nAAA,2016-01-01,1\n"),
        ("no-date.csv", b"symbol,event,pred_5d\nAAA,earnings,1\n"),
        ("no-kind.csv", b"symbol,date\nAAA,2016-01-01\n"),
        ("empty.csv", b""),
        (
            "open.csv",
            b"symbol,date,event\nAAA,2016-01-01,\"earn\nBBB,2016-01-01,x\n",
        ),
    ]);
    let cases: &[(&str, &[&str])] = &[
        (
            "--fundamentals no.csv",
            &["fundamentals: no.csv does not exist", "check the path"],
        ),
        (
            "--fundamentals no-symbol.csv",
            &[
                "no-symbol.csv: no column `symbol` for the fundamentals table",
                "accepted names: symbol, ticker",
                "name, date, revenue",
            ],
        ),
        (
            "--events no-date.csv",
            &["no column `date` for the events table", "accepted names: date"],
        ),
        (
            "--events no-kind.csv",
            &["no column `event` for the events table", "event, type"],
        ),
        ("--events open.csv", &["open.csv:2", "never closed"]),
        (
            "--predictions no-date.csv",
            &["no column `date` for the predictions table"],
        ),
        ("--predictions empty.csv", &["empty.csv", "expected a header line"]),
        ("--min-ics 200", &["min_ics: 200", "flag --min-ics", "0 to 100"]),
        ("--min-merit -1", &["min_merit: -1", "0 to 100"]),
        ("--ml-weight 2", &["ml_weight: 2", "0 to 1"]),
        ("--account 0", &["account: 0", "more than 0"]),
        ("--rr 101", &["rr: 101", "more than 0, up to 100"]),
    ];
    for (options, needles) in cases {
        place.refuses(&format!("--bars b.csv {options}"), 2, needles);
    }
}

#[test]
fn rows_that_cannot_be_placed_are_skipped_and_counted() {
    let fundamentals = "Ticker,Filing Date,revenue\nAAA,2016-01-05,1\n,2016-01-05,1\nBBB,soon,1\nBBB,,1\n";
    let events = "symbol,date,event\nAAA,2016-01-05,earnings\nAAA,,earnings\nAAA,2016-01-05,split\n";
    let place = Place::with(&[
        ("b.csv", csv().as_bytes()),
        ("f.csv", fundamentals.as_bytes()),
        ("e.csv", events.as_bytes()),
    ]);
    let outcome = place.scan("--bars b.csv --fundamentals f.csv --events e.csv");
    for needle in [
        "fundamentals: skipped 2 rows without a symbol or a readable date",
        "events: skipped 1 row without a symbol or a readable date",
        "skipped 3 rows without a readable symbol or date",
    ] {
        assert!(outcome.stderr.contains(needle), "{needle}: {outcome:#?}");
    }
}

#[test]
fn what_is_joined_shows_in_the_row_and_its_verdict() {
    // The last session is 2016-03-28.
    let fundamentals = "symbol,date,shares_outstanding,net_income,total_equity\n\
        AAA,2016-02-01,1000000,1000000,10000000\nAAA,2016-03-29,1,1,1\nBBB,,,5,-1\n";
    let events = "symbol,date,event,surprise\nAAA,2016-03-30,Earnings,0.5\nAAA,2016-03-18,earnings,0.1\n\
        AAA,2016-04-01,ex_dividend,\n";
    let predictions = "symbol,date,pred_5d,pred_10d,win_prob\nAAA,2016-03-28,0.01,0.02,1.5\nBBB,2016-03-28,,0.05,\n\
        NAN,2016-03-27,9,9,9\n";
    let place = Place::with(&[
        ("b.csv", csv().as_bytes()),
        ("f.csv", fundamentals.as_bytes()),
        ("e.csv", events.as_bytes()),
        ("p.csv", predictions.as_bytes()),
    ]);
    place.scan(
        "--bars b.csv --fundamentals f.csv --events e.csv --predictions p.csv --side all --min-dollar-volume 0 --out out/",
    );
    let scored = read_parquet(&place.path("out/scored.parquet"));
    let symbols = known_texts(&scored, "symbol");
    assert_eq!(symbols, ["AAA", "BBB", "INF", "NAN", "TRUE"]);
    let close = floats(&scored, "close")[0].expect("a close");
    assert_eq!(floats(&scored, "market_cap")[..2], [Some(1e6 * close), None]);
    assert_eq!(floats(&scored, "quality_roe")[..2], [Some(0.1), None]);
    assert_eq!(integers(&scored, "days_to_earnings"), [Some(2), None, None, None, None]);
    assert_eq!(integers(&scored, "days_since_earnings")[0], Some(10));
    assert_eq!(floats(&scored, "last_surprise")[0], Some(0.1));
    assert_eq!(integers(&scored, "days_to_ex_div")[0], Some(4));
    assert_eq!(floats(&scored, "win_prob")[0], Some(1.0));
    assert_eq!(floats(&scored, "pred_10d")[..4], [Some(0.02), Some(0.05), None, None]);
    let flags = texts(&scored, "flags");
    let flags: Vec<&str> = flags.iter().map(|text| text.as_deref().expect("never null")).collect();
    assert!(
        flags[0].starts_with("EARNINGS_SOON") && !flags[0].contains("NO_QUALITY"),
        "{flags:?}"
    );
    assert!(flags[1].contains("NO_MARKET_CAP,NO_QUALITY"), "{flags:?}");
    let plain = place.scan("--bars b.csv --side all --min-dollar-volume 0 --quiet");
    assert!(
        plain.stdout.contains("merit") && plain.stdout.contains("flags"),
        "{plain:#?}"
    );
}
