//! tech_rating: the weighted scores of one symbol, damped by its calm (section 5.1).

use super::{Row, Score, Term};

/// The rating's terms: each score with its weight, then what wildness takes away.
pub(super) fn tech_rating(row: &dyn Row) -> Option<Score> {
    let value = row.number("tech_rating")?;
    let weighted = [
        ("trend_score", 3.0),
        ("momentum_score", 3.0),
        ("volume_score", 2.0),
        ("oscillator_score", 1.0),
        ("breakout_score", 1.0),
    ];
    let mut terms: Vec<Term> = weighted
        .into_iter()
        .map(|(name, weight)| Term::weighted(name, row.number(name), weight))
        .collect();
    let push = terms.iter().fold(0.0, |sum, term| sum + term.points);
    let sign = if push == 0.0 { 0.0 } else { push.signum() };
    terms.push(Term::weighted("volatility_score", row.number("volatility_score"), sign));
    let raw = terms.iter().fold(0.0, |sum, term| sum + term.points);
    let stability = row.number("stability");
    let lost = -0.3 * raw * (1.0 - stability.unwrap_or(0.0));
    terms.push(Term::points("stability", stability, lost));
    Some(Score {
        name: "tech_rating",
        value,
        terms,
    })
}
