//! The real, dirty bars beside the checkout: a month of sessions, a funnel that adds up, notes with their rows.

use std::collections::BTreeMap;

use serde_json::Value;
use tickfleet_tests::beside::data;

use crate::place::Place;

#[test]
fn a_month_of_sessions_ends_like_its_last_day_alone() {
    let Some(folder) = data("scan") else { return };
    let (bars, universe) = (
        folder.join("us_daily_2015_2016h1.parquet"),
        folder.join("universe_technic.csv"),
    );
    let input = format!("--bars {} --universe {}", bars.display(), universe.display());
    let place = Place::with(&[]);
    let month = place.scan(&format!("{input} --from 2016-06-01 --to 2016-06-30 --out month.csv"));
    assert!(
        month.stderr.contains("scan of 22 sessions, 2016-06-01 to 2016-06-30"),
        "{month:#?}"
    );
    place.scan(&format!("{input} --as-of 2016-06-30 --out day.csv"));
    let text = |name: &str| String::from_utf8(place.read(name)).expect("CSV is UTF-8");
    let last = |text: String| {
        text.lines()
            .filter(|line| line.starts_with("2016-06-30,"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let day = last(text("day.csv"));
    assert_eq!(day.len(), text("day.csv").lines().count() - 1);
    assert_eq!(last(text("month.csv")), day);
    assert!(day.len() > 10, "{day:?}");
}

#[test]
fn the_funnel_of_real_bars_adds_up() {
    let Some(folder) = data("scan") else { return };
    let bars = folder.join("us_daily_2015_2016h1.parquet");
    let place = Place::with(&[]);
    let run = place.coordinator(&format!("submit scan --json --top 10 --bars {}", bars.display()));
    let outcome = run.run().success();
    let last = outcome.stdout.lines().last().expect("a run ends with an event");
    let end: Value = serde_json::from_str(last).expect("events are JSON");
    let mut counts: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for line in end["funnel"].as_array().expect("the end has a funnel") {
        let text = |name: &str| line[name].as_str().expect("names are texts");
        counts.insert(
            (text("stage"), text("reason")),
            line["count"].as_i64().expect("counts are numbers"),
        );
    }
    let of = |stage: &str| {
        counts
            .iter()
            .filter(|((of, _), _)| *of == stage)
            .map(|(_, count)| count)
            .sum::<i64>()
    };
    let get = |stage, reason| counts[&(stage, reason)];
    assert_eq!(
        get("universe", "candidates"),
        of("universe") - get("universe", "candidates")
    );
    assert_eq!(get("rows", "read"), of("rows") - get("rows", "read"));
    assert_eq!(get("universe", "passed"), of("data"));
    assert_eq!(get("data", "passed"), of("rank"));
    assert_eq!((get("rank", "ranked"), get("universe", "candidates")), (10, 6_695));
    let reasons: Vec<&str> = end["notes"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|note| note["reason"].as_str())
        .collect();
    assert_eq!(reasons, ["bad_price", "ghost_session"]);
}
