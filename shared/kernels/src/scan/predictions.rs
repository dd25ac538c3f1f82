//! Predicted returns: a table of them, or what a model made of a day's scored rows (section 5.6).

use super::options::TickerRule;
use super::ticker;

/// What is predicted of one symbol as of one date.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Prediction {
    /// Return over the next 5 sessions, a fraction.
    pub pred_5d: Option<f64>,
    /// Return over the next 10 sessions, a fraction.
    pub pred_10d: Option<f64>,
    /// Probability that a long position wins, 0 to 1.
    pub win_prob: Option<f64>,
}

impl Prediction {
    /// From cells: non-finite is null, the probability is clipped to 0..1.
    #[must_use]
    pub fn new(pred_5d: Option<f64>, pred_10d: Option<f64>, win_prob: Option<f64>) -> Self {
        let finite = |cell: Option<f64>| cell.filter(|x| x.is_finite());
        Self {
            pred_5d: finite(pred_5d),
            pred_10d: finite(pred_10d),
            win_prob: finite(win_prob).map(|p| p.clamp(0.0, 1.0)),
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionRow {
    /// Canonical symbol.
    pub symbol: String,
    /// The as-of date it is meant for, days since 1970-01-01.
    pub day: i32,
    /// What is predicted.
    pub prediction: Prediction,
}

/// The table: sorted by symbol and day, with one row for each pair.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Predictions {
    rows: Vec<PredictionRow>,
}

/// Gathers rows in input order.
#[derive(Debug)]
pub struct PredictionsBuilder {
    rule: TickerRule,
    rows: Vec<PredictionRow>,
}

impl PredictionsBuilder {
    /// A builder that makes symbols canonical by this rule.
    #[must_use]
    pub fn new(rule: TickerRule) -> Self {
        Self { rule, rows: Vec::new() }
    }

    /// Takes the next row of the input; false when it has no symbol or date and is skipped.
    pub fn push(&mut self, symbol: &str, day: Option<i32>, prediction: Prediction) -> bool {
        let symbol = ticker::canonical(symbol, self.rule).into_owned();
        let (false, Some(day)) = (symbol.is_empty(), day) else {
            return false;
        };
        self.rows.push(PredictionRow {
            symbol,
            day,
            prediction,
        });
        true
    }

    /// The table: of rows with one symbol and day the last one counts.
    #[must_use]
    pub fn finish(mut self) -> Predictions {
        // Reversed, so that the stable sort puts the last row of a key first and `dedup` keeps it.
        self.rows.reverse();
        self.rows.sort_by(|a, b| key(a).cmp(&key(b)));
        self.rows.dedup_by(|later, kept| key(later) == key(kept));
        Predictions { rows: self.rows }
    }
}

impl Predictions {
    /// The rows, sorted by symbol and day.
    #[must_use]
    pub fn rows(&self) -> &[PredictionRow] {
        &self.rows
    }

    /// What is predicted of a canonical symbol for exactly this day; nulls where there is no row.
    #[must_use]
    pub fn find(&self, symbol: &str, as_of: i32) -> Prediction {
        let found = self.rows.binary_search_by(|row| key(row).cmp(&(symbol, as_of)));
        found.map_or_else(|_| Prediction::default(), |at| self.rows[at].prediction)
    }
}

fn key(row: &PredictionRow) -> (&str, i32) {
    (&row.symbol, row.day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_day_and_the_last_row_of_it() {
        let mut builder = PredictionsBuilder::new(TickerRule::Us);
        let of = |x| Prediction::new(Some(x), None, None);
        for (symbol, day, value, placed) in [
            ("a", Some(5), 1.0, true),
            ("A", Some(6), 2.0, true),
            ("A ", Some(5), 3.0, true),
            ("A", None, 4.0, false),
            ("", Some(5), 5.0, false),
        ] {
            assert_eq!(builder.push(symbol, day, of(value)), placed);
        }
        let table = builder.finish();
        assert_eq!(table.rows().len(), 2);
        assert_eq!(table.find("A", 5), of(3.0));
        assert_eq!(table.find("A", 7), Prediction::default());
        assert_eq!(table.find("B", 5), Prediction::default());
    }

    #[test]
    fn probabilities_are_clipped_and_what_is_not_finite_is_null() {
        for (cell, expect) in [(1.5, Some(1.0)), (-0.1, Some(0.0)), (0.3, Some(0.3)), (f64::NAN, None)] {
            assert_eq!(Prediction::new(None, None, Some(cell)).win_prob, expect);
        }
        let prediction = Prediction::new(Some(f64::INFINITY), Some(-2.0), None);
        assert_eq!((prediction.pred_5d, prediction.pred_10d), (None, Some(-2.0)));
    }
}
