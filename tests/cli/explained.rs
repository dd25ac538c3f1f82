//! `explain` and `compare` over result folders: sums that add up, reasons that are the tables', and what is refused.

use serde_json::Value;
use tickfleet_tests::program::{Outcome, assert_error};

use crate::market::csv_with;
use crate::place::Place;

/// A place with the results of two sessions: `a/` as of an earlier one, `b/` as of the last, where one symbol is too
/// cheap and one has no universe row.
fn results() -> Place {
    let universe = "symbol,sector\nAAA,Energy\nBBB,Energy\nNAN,Industrials\nTRUE,Industrials\n";
    // The last bar of BBB closes below the least price.
    let cheap = csv_with(2 + 2 * 84 - 1, |line| {
        line.split(',')
            .take(2)
            .chain(["4", "4", "3", "3.5", "9000000"])
            .collect::<Vec<_>>()
            .join(",")
    });
    let place = Place::with(&[("b.csv", cheap.as_bytes()), ("u.csv", universe.as_bytes())]);
    for (as_of, out) in [("2016-03-20", "a/"), ("2016-03-28", "b/")] {
        let options = "--bars b.csv --universe u.csv --side all --max-jump 0 --quiet";
        place.scan(&format!("{options} --as-of {as_of} --out {out}"));
    }
    place
}

fn run(place: &Place, line: &str) -> Outcome {
    place.coordinator(line).run().success()
}

fn json(place: &Place, line: &str) -> Vec<Value> {
    let outcome = run(place, &format!("{line} --json"));
    outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect()
}

#[test]
fn every_score_is_the_sum_of_its_terms() {
    let place = results();
    for symbol in ["AAA", "NAN", "true"] {
        let [told] = &json(&place, &format!("explain b/ {symbol}"))[..] else {
            panic!("one object")
        };
        assert_eq!(told["status"], "ranked");
        assert_eq!(told["row"]["tech_rating"], told["scores"][0]["value"]);
        for score in told["scores"].as_array().expect("scores") {
            let terms = score["terms"].as_array().expect("terms").iter();
            let sum: f64 = terms.map(|term| term["points"].as_f64().expect("points")).sum();
            let value = score["value"].as_f64().expect("a value");
            assert!((sum - value).abs() <= 1e-9 * value.abs().max(1.0), "{score}");
        }
        let of = |among: &str| {
            let standings = told["standings"].as_array().expect("standings").iter();
            let mut of = standings.filter(|standing| standing["among"] == among && standing["column"] == "tech_rating");
            of.next().map(|standing| standing["of"].clone())
        };
        assert_eq!(of("all"), Some(3.into()), "{symbol}");
        assert_eq!(
            of("sector"),
            Some(if symbol == "AAA" { 1 } else { 2 }.into()),
            "{symbol}"
        );
    }
    let text = run(&place, "explain b/ AAA --as-of 2016-03-28").stdout;
    for needle in [
        "as of   2016-03-28, b/",
        "place   rank ",
        " of 3\n",
        "tech_rating ",
        "  trend_score ",
        "bars: /",
    ] {
        assert!(text.contains(needle), "{needle:?} is missing:\n{text}");
    }
}

#[test]
fn a_rejected_symbol_says_by_which_test() {
    let place = results();
    let told = json(&place, "explain b/ BBB");
    assert_eq!(
        ["status", "stage", "reason"].map(|key| told[0][key].as_str()),
        [Some("rejected"), Some("data"), Some("min_price")]
    );
    assert_eq!(
        (told[0]["value"].as_f64(), told[0]["limit"].as_f64()),
        (Some(3.5), Some(5.0))
    );
    let text = run(&place, "explain b/ BBB").stdout;
    assert!(text.ends_with("rejected  data: min_price, 3.5 against 5\n"), "{text}");
    let text = run(&place, "explain b/ INF").stdout;
    assert!(text.ends_with("rejected  universe: not_in_universe\n"), "{text}");
}

#[test]
fn a_comparison_names_who_left_and_why() {
    let place = results();
    let told = json(&place, "compare a/ b/");
    assert_eq!(told[0]["old"]["as_of"], "2016-03-20");
    let counts = ["entered", "left"].map(|key| told[0][key].as_u64());
    assert_eq!(counts, [Some(0), Some(1)]);
    let left: Vec<&Value> = told.iter().filter(|line| line["change"] == "left").collect();
    assert_eq!(
        (&left[0]["symbol"], &left[0]["why"]["reason"]),
        (&"BBB".into(), &"min_price".into())
    );
    assert_eq!(left[0]["why"]["value"].as_f64(), Some(3.5));
    // The other way round it enters, for the same reason.
    let back = json(&place, "compare b/ a/");
    let entered = back.iter().find(|line| line["change"] == "entered").expect("a line");
    assert_eq!((&entered["symbol"], &entered["why"]), (&"BBB".into(), &left[0]["why"]));
    let text = run(&place, "compare a/ b/").stdout;
    assert!(
        text.contains("0 entered, 1 left") && text.contains("data: min_price, 3.5 against 5"),
        "{text}"
    );
    let none = run(&place, "compare b/ b/ --as-of 2016-03-28").stdout;
    assert!(
        none.ends_with("0 entered, 0 left, 0 moved, 3 at the same rank\n"),
        "{none}"
    );
    let _ = run(&place, "compare a/ b/ --out moved.csv");
    let written = String::from_utf8(place.read("moved.csv")).expect("UTF-8");
    assert!(written.contains("left,BBB,"), "{written}");
}

#[test]
fn a_file_of_the_ranking_can_be_compared_and_explained() {
    let place = results();
    let told = json(&place, "compare a/ranked.parquet b/ranked.parquet");
    let left = told.iter().find(|line| line["change"] == "left").expect("a line");
    assert_eq!(
        (&left["symbol"], &left["why"]["stage"]),
        (&"BBB".into(), &"absent".into())
    );
    let _ = run(&place, "explain b/ranked.parquet AAA");
    let outcome = place.coordinator("explain b/ranked.parquet BBB").run();
    assert_error(
        &outcome,
        2,
        &["names BBB as of 2016-03-28", "the folder that --out DIR/ wrote"],
    );
}

#[test]
fn what_is_not_there_is_refused_without_a_cluster() {
    let place = results();
    place.write("x.parquet", "no Parquet");
    for (line, needles) in [
        ("explain no/ AAA", &["no/ does not exist", "--out DIR/"][..]),
        (
            "explain b/ ZZZ",
            &["no table of b/ names ZZZ as of 2016-03-28", "spelling"],
        ),
        (
            "explain b/ AAA --as-of 2016-03-27",
            &["b/ has no date 2016-03-27", "it has 1 date"],
        ),
        ("explain b/ AAA --as-of soon", &["2016-06-30"]),
        ("compare a/ x.parquet", &["x.parquet can't be read as Parquet"]),
        ("compare a/ b.csv", &["b.csv is no Parquet file", "--out DIR/"]),
        ("compare a/ b/ --out no/r.csv", &["the folder no does not exist"]),
    ] {
        assert_error(&place.coordinator(line).run(), 2, needles);
    }
    let outcome = place.coordinator("explain no/ AAA --json").run();
    assert!(outcome.stdout.starts_with("{\"event\":\"error\""), "{outcome:#?}");
}
