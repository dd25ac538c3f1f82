//! Where a row stands among the scored rows of its date: in the whole cross-section, and in its sector.

use super::super::compare::key;
use super::Row;

/// Columns by which a row is compared with others, each read as larger is first.
pub const COLUMNS: [&str; 8] = [
    "merit",
    "ics",
    "alpha_score",
    "tech_rating",
    "ret_21d",
    "ret_63d",
    "dollar_vol_20",
    "market_cap",
];

/// A row's place in one column among some rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// The column.
    pub column: &'static str,
    /// The row's own value.
    pub value: f64,
    /// Rows with a larger value, and one: ties share their place.
    pub place: usize,
    /// Rows that have a value.
    pub of: usize,
    /// The value in the middle; of an even number of rows the mean of the two.
    pub median: f64,
}

/// Where a row stands among `rows`, itself included, in each of [`COLUMNS`] in which it has a value.
#[must_use]
pub fn standings(row: &dyn Row, rows: &[&dyn Row]) -> Vec<Standing> {
    COLUMNS
        .into_iter()
        .filter_map(|column| standing(row, rows, column))
        .collect()
}

fn standing(row: &dyn Row, rows: &[&dyn Row], column: &'static str) -> Option<Standing> {
    let value = row.number(column)?;
    let mut values: Vec<f64> = rows.iter().filter_map(|other| other.number(column)).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let high = *values.get(middle)?;
    let median = match values.len() % 2 {
        0 => f64::midpoint(values[middle - 1], high),
        _ => high,
    };
    let place = 1 + values.iter().filter(|other| key(**other) > key(value)).count();
    Some(Standing {
        column,
        value,
        place,
        of: values.len(),
        median,
    })
}
