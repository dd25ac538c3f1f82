//! A scored row taken apart: each score as the sum of its terms, from the row's own columns.
//!
//! The formulas are those of the specification (sections 5.1 to 5.7), read backwards: nothing is computed from bars, and
//! a sum that is not the score is refused, never shown. Columns that a table does not have are null, and a score that is
//! null has no terms. Read next: `technical`, `alpha` and `merit` for the scores, `standing` for a row among others.

mod alpha;
mod merit;
pub mod standing;
mod technical;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

/// How far a sum of terms may be from its score, relative to the larger of the score and 1.
const TOLERANCE: f64 = 1e-9;

/// A scored row by the names of its columns.
pub trait Row {
    /// A number; `None` where it is null, no number, or no column of this table.
    fn number(&self, column: &str) -> Option<f64>;
    /// A text; `None` as for numbers.
    fn text(&self, column: &str) -> Option<&str>;
}

/// One value of a row that is held by names.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl Row for BTreeMap<&str, Value> {
    fn number(&self, column: &str) -> Option<f64> {
        match self.get(column) {
            Some(Value::Number(value)) => Some(*value),
            _ => None,
        }
    }

    fn text(&self, column: &str) -> Option<&str> {
        match self.get(column) {
            Some(Value::Text(value)) => Some(value),
            _ => None,
        }
    }
}

/// One term of a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// Its name: a column, a letter of the specification, or a flag.
    pub name: &'static str,
    /// What it is made of, in the score's own direction; `None` where it is null, or no single number.
    pub input: Option<f64>,
    /// What the input is multiplied by, where that is how it enters.
    pub weight: Option<f64>,
    /// What it adds to the score.
    pub points: f64,
}

impl Term {
    /// A weighted input; null adds nothing.
    fn weighted(name: &'static str, input: Option<f64>, weight: f64) -> Self {
        Self {
            name,
            input,
            weight: Some(weight),
            points: input.map_or(0.0, |input| weight * input),
        }
    }

    /// A term whose points are no product.
    const fn points(name: &'static str, input: Option<f64>, points: f64) -> Self {
        Self {
            name,
            input,
            weight: None,
            points,
        }
    }
}

/// A score and the terms that add up to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Its column; `blend` has none.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Its terms, in the order of the formula. What a bound took away or added is a term too.
    pub terms: Vec<Term>,
}

impl Score {
    /// The sum of the terms, left to right.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.terms.iter().fold(0.0, |sum, term| sum + term.points)
    }

    /// A sum bound to a range: the bound's own part becomes a term.
    fn clipped(name: &'static str, value: f64, mut terms: Vec<Term>, range: (f64, f64)) -> Self {
        let sum = terms.iter().fold(0.0, |sum, term| sum + term.points);
        let bound = sum.clamp(range.0, range.1);
        if sum < range.0 || sum > range.1 {
            terms.push(Term::points("bound", Some(bound), bound - sum));
        }
        Self { name, value, terms }
    }

    fn is_sum(&self) -> bool {
        (self.value - self.sum()).abs() <= TOLERANCE * self.value.abs().max(1.0)
    }
}

/// A score that is not the sum of its terms: the row was made by other formulas, or damaged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unbalanced {
    /// The score's column.
    pub score: &'static str,
    /// Its value.
    pub value: f64,
    /// What its terms add up to.
    pub sum: f64,
}

impl std::fmt::Display for Unbalanced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { score, value, sum } = self;
        write!(f, "{score} is {value}, and its terms add up to {sum}")
    }
}

impl std::error::Error for Unbalanced {}

/// What of the run's options enters the scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Share of the predictions in the blend, 0 to 1.
    pub ml_weight: f64,
}

/// Every score that the row has, from the rating to the merit.
///
/// # Errors
/// A score is not the sum of its terms.
pub fn scores(row: &dyn Row, weights: Weights) -> Result<Vec<Score>, Unbalanced> {
    let mut scores = Vec::new();
    scores.extend(technical::tech_rating(row));
    scores.extend(alpha::factors(row));
    scores.extend(alpha::factor_alpha(row));
    scores.extend(alpha::blended(row, weights));
    scores.extend(merit::event_score(row));
    scores.extend(merit::ics(row));
    scores.extend(merit::merit(row));
    match scores.iter().find(|score| !score.is_sum()) {
        None => Ok(scores),
        Some(score) => Err(Unbalanced {
            score: score.name,
            value: score.value,
            sum: score.sum(),
        }),
    }
}

/// The score that the ranking goes by: the merit where the row has one, else the rating.
///
/// # Errors
/// It is not the sum of its terms.
pub fn ranked_by(row: &dyn Row) -> Result<Option<Score>, Unbalanced> {
    let score = merit::merit(row).or_else(|| technical::tech_rating(row));
    match score {
        Some(score) if !score.is_sum() => Err(Unbalanced {
            score: score.name,
            value: score.value,
            sum: score.sum(),
        }),
        score => Ok(score),
    }
}

/// 1 where the row is read as a long, -1 as a short (section 5.7).
fn direction(row: &dyn Row) -> f64 {
    match row.text("signal") {
        Some("Short" | "Strong Short") => -1.0,
        _ => 1.0,
    }
}
