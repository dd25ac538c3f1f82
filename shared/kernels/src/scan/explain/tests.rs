//! Rows computed by hand from the formulas; the golden suite adds thousands of real ones.

use std::collections::BTreeMap;

use super::standing::{Standing, standings};
use super::*;

type Cells = BTreeMap<&'static str, Value>;

fn row(numbers: &[(&'static str, f64)], texts: &[(&'static str, &str)]) -> Cells {
    let numbers = numbers.iter().map(|(name, value)| (*name, Value::Number(*value)));
    let texts = texts
        .iter()
        .map(|(name, value)| (*name, Value::Text((*value).to_owned())));
    numbers.chain(texts).collect()
}

const WEIGHTS: Weights = Weights { ml_weight: 0.35 };

/// The terms of one score, as `name points`.
#[track_caller]
fn check(row: &Cells, score: &str, expect: &[(&str, f64)]) {
    let scores = scores(row, WEIGHTS).unwrap();
    let found = scores.iter().find(|found| found.name == score).expect(score);
    let terms: Vec<(&str, f64)> = found.terms.iter().map(|term| (term.name, term.points)).collect();
    assert_eq!(terms.len(), expect.len(), "{terms:?}");
    for ((name, points), (expect_name, expect_points)) in terms.iter().zip(expect) {
        assert_eq!(name, expect_name, "{terms:?}");
        assert!(
            (points - expect_points).abs() < 1e-12,
            "{name}: {points}, not {expect_points}"
        );
    }
}

#[test]
fn a_rating_is_its_scores_less_what_wildness_takes() {
    let mut wild = row(
        &[
            ("trend_score", 3.0),
            ("momentum_score", 2.0),
            ("volume_score", 1.0),
            ("oscillator_score", 1.0),
            ("breakout_score", 2.0),
            ("volatility_score", -1.0),
            ("stability", 0.5),
            ("tech_rating", 19.0 * 0.85),
        ],
        &[],
    );
    let terms = [
        ("trend_score", 9.0),
        ("momentum_score", 6.0),
        ("volume_score", 2.0),
        ("oscillator_score", 1.0),
        ("breakout_score", 2.0),
        ("volatility_score", -1.0),
        ("stability", -2.85),
    ];
    check(&wild, "tech_rating", &terms);
    for name in [
        "trend_score",
        "momentum_score",
        "volume_score",
        "oscillator_score",
        "breakout_score",
    ] {
        let Some(Value::Number(value)) = wild.get_mut(name) else {
            panic!("{name}")
        };
        *value = -*value;
    }
    wild.insert("tech_rating", Value::Number(-19.0 * 0.85));
    check(&wild, "tech_rating", &terms.map(|(name, points)| (name, -points)));
    wild.remove("stability");
    wild.insert("tech_rating", Value::Number(-19.0 * 0.7));
    let lost = scores(&wild, WEIGHTS).unwrap()[0].terms[6].points;
    assert!((lost - 19.0 * 0.3).abs() < 1e-12, "{lost}");
}

#[test]
fn an_alpha_is_its_factors_its_predictions_and_what_thin_trading_takes() {
    let known = row(
        &[
            ("tech_z", 1.0),
            ("ret_21d_z", 2.0),
            ("mom_12_1_z", 1.0),
            ("factor_momentum", 1.5),
            ("quality_roe_sz", 1.0),
            ("leverage_de_sz", 2.0),
            ("factor_quality", -0.5),
            ("factor_alpha", 0.4 + 0.375 - 0.075),
            ("ml_z", 2.0),
            ("dollar_vol_20", 5e6),
            ("alpha_score", (0.65 * 0.7 + 0.7) * 0.25),
        ],
        &[],
    );
    check(&known, "factor_momentum", &[("ret_21d_z", 1.0), ("mom_12_1_z", 0.5)]);
    check(
        &known,
        "factor_quality",
        &[("quality_roe_sz", 0.5), ("leverage_de_sz", -1.0)],
    );
    check(
        &known,
        "factor_alpha",
        &[
            ("tech_z", 0.4),
            ("factor_momentum", 0.375),
            ("factor_value", 0.0),
            ("factor_quality", -0.075),
            ("factor_growth", 0.0),
        ],
    );
    check(&known, "blend", &[("factor_alpha", 0.455), ("ml_z", 0.7)]);
    check(&known, "alpha_score", &[("blend", 1.155), ("liquidity", -0.86625)]);
    let mut liquid = known.clone();
    liquid.remove("ml_z");
    liquid.insert("dollar_vol_20", Value::Number(3e7));
    liquid.insert("alpha_score", Value::Number(0.7));
    check(&liquid, "blend", &[("factor_alpha", 0.7), ("ml_z", 0.0)]);
    check(&liquid, "alpha_score", &[("blend", 0.7), ("liquidity", 0.0)]);
}

/// A short read in its direction: its percentiles are turned, its calm and its liquidity are not.
fn short() -> Cells {
    row(
        &[
            ("tech_pct", 10.0),
            ("alpha_pct", 30.0),
            ("liquidity_pct", 60.0),
            ("stability_pct", 40.0),
            ("days_to_earnings", 3.0),
            ("days_since_earnings", 10.0),
            ("last_surprise", -0.02),
            ("earnings_streak", -10.0),
            ("surprise_avg_4", -0.02),
            ("dividend_yield", 0.1),
            ("event_score", 50.0 - 10.0 + 5.0 + 4.0 + 1.2 + 5.0),
            ("win_prob", 0.2),
            ("ics", 25.2 + 15.4 + 9.0 + 4.8 + 6.0 + 5.52),
            (
                "merit",
                23.4 + 15.4 + 14.4 + 0.14 * 65.92 + 7.0 + 2.4 + 0.8 + 6.0 - 12.0 - 8.0,
            ),
        ],
        &[("signal", "Short"), ("flags", "EARNINGS_SOON,HIGH_ATR,NO_MARKET_CAP")],
    )
}

#[test]
fn a_merit_is_its_terms_less_its_penalties() {
    let mut short = short();
    check(
        &short,
        "event_score",
        &[
            ("start", 50.0),
            ("days_to_earnings", -10.0),
            ("last_surprise", 5.0),
            ("days_to_ex_div", 0.0),
            ("earnings_streak", 4.0),
            ("surprise_avg_4", 1.2),
            ("dividend_yield", 5.0),
        ],
    );
    check(
        &short,
        "ics",
        &[
            ("T", 25.2),
            ("A", 15.4),
            ("Q", 9.0),
            ("V", 4.8),
            ("L", 6.0),
            ("event_score", 5.52),
        ],
    );
    let terms = [
        ("T", 23.4),
        ("A", 15.4),
        ("W", 14.4),
        ("ics", 0.14 * 65.92),
        ("Q", 7.0),
        ("L", 2.4),
        ("V", 0.8),
        ("agreement", 6.0),
        ("EARNINGS_SOON", -12.0),
        ("HIGH_ATR", -8.0),
    ];
    check(&short, "merit", &terms);
    // Without a chance of winning, the alpha stands for it.
    short.remove("win_prob");
    short.insert(
        "merit",
        Value::Number(23.4 + 15.4 + 12.6 + 0.14 * 65.92 + 7.0 + 2.4 + 0.8 + 6.0 - 20.0),
    );
    assert_eq!(
        ranked_by(&short).unwrap().unwrap().terms[2],
        Term::weighted("W", Some(70.0), 0.18)
    );
}

#[test]
fn what_a_bound_took_is_a_term() {
    let mut short = short();
    short.insert(
        "flags",
        Value::Text("MICRO_CAP,ULTRA_RISK,VERY_HIGH_ATR,LOW_LIQUIDITY,EARNINGS_SOON".into()),
    );
    short.insert("merit", Value::Number(0.0));
    let merit = ranked_by(&short).unwrap().unwrap();
    assert_eq!((merit.name, merit.sum()), ("merit", 0.0));
    assert_eq!(merit.terms.last().map(|term| term.name), Some("bound"));
}

#[test]
fn a_table_without_the_columns_has_fewer_scores() {
    let early = row(&[("tech_rating", 0.0)], &[]);
    let names: Vec<&str> = scores(&early, WEIGHTS)
        .unwrap()
        .iter()
        .map(|score| score.name)
        .collect();
    assert_eq!(names, ["tech_rating"]);
    assert_eq!(scores(&row(&[], &[]), WEIGHTS), Ok(Vec::new()));
    assert_eq!(ranked_by(&row(&[], &[])), Ok(None));
}

#[test]
fn a_sum_that_is_not_the_score_is_refused() {
    let mut short = short();
    short.insert("ics", Value::Number(66.0));
    let refused = scores(&short, WEIGHTS).unwrap_err();
    assert_eq!((refused.score, refused.value), ("ics", 66.0));
}

#[test]
fn a_standing_counts_who_is_ahead() {
    let rows: Vec<Cells> = [30.0, 10.0, 20.0, 20.0 + 1e-13]
        .into_iter()
        .map(|merit| row(&[("merit", merit), ("tech_rating", -merit)], &[]))
        .chain([row(&[], &[])])
        .collect();
    let all: Vec<&dyn Row> = rows.iter().map(|row| row as &dyn Row).collect();
    let expect = |column, value, place, median| Standing {
        column,
        value,
        place,
        of: 4,
        median,
    };
    let found = standings(&rows[2], &all);
    assert_eq!(
        found,
        [
            expect("merit", 20.0, 2, f64::midpoint(20.0, 20.0 + 1e-13)),
            expect("tech_rating", -20.0, 2, -f64::midpoint(20.0, 20.0 + 1e-13)),
        ]
    );
    assert_eq!(standings(&rows[0], &all[..1])[0].of, 1);
}
