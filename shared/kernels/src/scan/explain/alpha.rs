//! The four factors, factor_alpha, its blend with predictions, and alpha_score (sections 5.4 and 5.5).

use super::{Row, Score, Term, Weights};

/// Turnover a day from which a symbol's alpha counts in full, quote currency.
const LIQUID: f64 = 20e6;

/// A factor's column, and the columns whose mean it is, each with its sign.
type Factor = (&'static str, &'static [(&'static str, f64)]);

const FACTORS: [Factor; 4] = [
    (
        "factor_momentum",
        &[("ret_21d_z", 1.0), ("ret_63d_z", 1.0), ("mom_12_1_z", 1.0)],
    ),
    (
        "factor_value",
        &[
            ("value_ep_sz", 1.0),
            ("value_cfp_sz", 1.0),
            ("value_fcf_sz", 1.0),
            ("value_ebitda_ev_sz", 1.0),
            ("value_sales_ev_sz", 1.0),
            ("dividend_yield_sz", 1.0),
        ],
    ),
    (
        "factor_quality",
        &[
            ("quality_roe_sz", 1.0),
            ("quality_roa_sz", 1.0),
            ("quality_gpm_sz", 1.0),
            ("margin_op_sz", 1.0),
            ("margin_net_sz", 1.0),
            ("leverage_de_sz", -1.0),
            ("interest_coverage_sz", 1.0),
        ],
    ),
    ("factor_growth", &[("growth_rev_sz", 1.0), ("growth_eps_sz", 1.0)]),
];

/// The factors that the row has: each the mean of those of its parts that are known.
pub(super) fn factors(row: &dyn Row) -> Vec<Score> {
    FACTORS.iter().filter_map(|factor| mean(row, *factor)).collect()
}

/// factor_alpha; a factor that is null is average and adds nothing.
pub(super) fn factor_alpha(row: &dyn Row) -> Option<Score> {
    let weights = [
        ("tech_z", 0.40),
        ("factor_momentum", 0.25),
        ("factor_value", 0.15),
        ("factor_quality", 0.15),
        ("factor_growth", 0.05),
    ];
    let terms = weights.map(|(name, weight)| Term::weighted(name, row.number(name), weight));
    Some(Score {
        name: "factor_alpha",
        value: row.number("factor_alpha")?,
        terms: terms.to_vec(),
    })
}

/// The blend with predictions, and the alpha that is left of it where little is traded.
pub(super) fn blended(row: &dyn Row, weights: Weights) -> Vec<Score> {
    let Some((factor_alpha, alpha_score)) = row.number("factor_alpha").zip(row.number("alpha_score")) else {
        return Vec::new();
    };
    let ml_z = row.number("ml_z");
    let share = ml_z.map_or(0.0, |_| weights.ml_weight);
    let mut blend = Score {
        name: "blend",
        value: 0.0,
        terms: vec![
            Term::weighted("factor_alpha", Some(factor_alpha), 1.0 - share),
            Term::weighted("ml_z", ml_z, share),
        ],
    };
    // It has no column: it is what it adds up to, and the alpha's own sum tests it.
    blend.value = blend.sum();
    let turnover = row.number("dollar_vol_20");
    let liquid = turnover.map_or(0.0, |turnover| (turnover / LIQUID).min(1.0));
    let alpha = Score {
        name: "alpha_score",
        value: alpha_score,
        terms: vec![
            Term::weighted("blend", Some(blend.value), 1.0),
            Term::points("liquidity", turnover, blend.value * (liquid - 1.0)),
        ],
    };
    vec![blend, alpha]
}

fn mean(row: &dyn Row, (name, parts): Factor) -> Option<Score> {
    let value = row.number(name)?;
    let known: Vec<(&'static str, f64, f64)> = parts
        .iter()
        .filter_map(|&(part, sign)| Some((part, row.number(part)?, sign)))
        .collect();
    // Fifteen parts at most: exact as f64.
    #[allow(clippy::cast_precision_loss)]
    let count = known.len() as f64;
    let terms = known
        .into_iter()
        .map(|(part, input, sign)| Term::weighted(part, Some(input), sign / count))
        .collect();
    Some(Score { name, value, terms })
}
