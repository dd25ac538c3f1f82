//! Every score of every golden row is the sum of the terms that `explain` takes it apart into.

use std::collections::BTreeMap;

use tickfleet_coordinator::ops::tables::Rows;
use tickfleet_kernels::scan::explain::{Row, Weights, ranked_by, scores};
use tickfleet_tests::beside::data;
use tickfleet_tests::tables::read_parquet;

/// A golden, its share of predictions, and how many rows have some of the scores.
fn hold(folder: &str, ml_weight: f64, expect: &[&str]) {
    let Some(golden) = data(folder) else { return };
    let rows = Rows::new(read_parquet(&golden.join("expected/scored.parquet")));
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows.iter() {
        let symbol = row.text("symbol").expect("a symbol");
        let scores = scores(&row, Weights { ml_weight }).unwrap_or_else(|error| panic!("{folder}, {symbol}: {error}"));
        for score in &scores {
            *found.entry(score.name).or_default() += 1;
        }
        let by = ranked_by(&row).unwrap_or_else(|error| panic!("{folder}, {symbol}: {error}"));
        assert_eq!(by.map(|score| score.name), Some("merit"), "{folder}, {symbol}");
    }
    let every = rows.batch().num_rows();
    for name in [
        "tech_rating",
        "factor_alpha",
        "blend",
        "alpha_score",
        "event_score",
        "ics",
        "merit",
    ] {
        assert_eq!(found.get(name), Some(&every), "{folder}: {name}");
    }
    for name in expect {
        assert!(found.get(name).is_some_and(|count| *count > 0), "{folder}: {name}");
    }
}

#[test]
fn golden_scores_are_the_sums_of_their_terms() {
    hold("scan/golden/base", 0.35, &["factor_momentum"]);
    hold(
        "scan/golden/factors",
        0.5,
        &["factor_momentum", "factor_value", "factor_quality", "factor_growth"],
    );
    hold("scan/golden/model", 0.35, &["factor_momentum"]);
}
