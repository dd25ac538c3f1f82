//! The rules by which two tables are equal, cell by cell (the numbers section of the scan's specification).
//!
//! Text, dates and integers are equal exactly. Floats are equal within 1e-9 relative or 1e-12 absolute, the absolute
//! part scaled by the close for columns in price units, and 1e-9 for `cci_20`; predictions come from single precision
//! and have 1e-5. Null equals only null; NaN and infinities equal nothing. It judges; it reads no file.

use std::collections::HashMap;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use tickfleet_tests::tables::{column_names, days, floats, integers, texts};

/// Columns in the price's unit: their absolute tolerance grows with the close.
const PRICE_UNIT: [&str; 20] = [
    "entry",
    "stop",
    "target",
    "position_value",
    "risk_amount",
    "open",
    "high",
    "low",
    "close",
    "atr_14",
    "sma_20",
    "sma_50",
    "sma_200",
    "ema_12",
    "ema_26",
    "macd",
    "macd_signal",
    "macd_hist",
    "bb_upper",
    "bb_lower",
];
/// Columns computed in single precision.
const SINGLE_PRECISION: [&str; 3] = ["pred_5d", "pred_10d", "win_prob"];
/// Differences of one column that are named; the rest is counted.
const NAMED_MAX: usize = 3;

/// A column's values in a form that compares.
enum Values {
    Floats(Vec<Option<f64>>),
    Integers(Vec<Option<i64>>),
    Days(Vec<Option<i32>>),
    Texts(Vec<Option<String>>),
}

impl Values {
    fn of(table: &RecordBatch, name: &str) -> (Self, &'static str) {
        let column = table
            .column_by_name(name)
            .expect("only columns of the table are asked for");
        match column.data_type() {
            DataType::Float64 => (Self::Floats(floats(table, name)), "f64"),
            DataType::Int32 => (Self::Integers(integers(table, name)), "i32"),
            DataType::Int64 => (Self::Integers(integers(table, name)), "i64"),
            DataType::Date32 => (Self::Days(days(table, name)), "date32"),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => (Self::Texts(texts(table, name)), "utf8"),
            other => panic!("{name} is of a type that no result has: {other}"),
        }
    }

    fn show(&self, row: usize) -> String {
        match self {
            Self::Floats(values) => format!("{:?}", values[row]),
            Self::Integers(values) => format!("{:?}", values[row]),
            Self::Days(values) => format!("{:?}", values[row]),
            Self::Texts(values) => format!("{:?}", values[row]),
        }
    }
}

/// Every way in which `got` differs from `expected`: names, order and types of columns, set and order of rows (by the
/// columns of `key`), cells.
pub(crate) fn differences(got: &RecordBatch, expected: &RecordBatch, key: &[&str]) -> Vec<String> {
    let mut found = column_differences(got, expected);
    if !found.is_empty() {
        return found;
    }
    let (got_keys, expected_keys) = (keys(got, key), keys(expected, key));
    let places: HashMap<&String, usize> = got_keys.iter().zip(0..).collect();
    found.extend((places.len() < got_keys.len()).then(|| "a row is there twice".to_owned()));
    let wanted: HashMap<&String, usize> = expected_keys.iter().zip(0..).collect();
    let extra = got_keys.iter().filter(|key| !wanted.contains_key(key));
    found.extend(extra.map(|key| format!("extra row {key}")));
    let missing = expected_keys.iter().filter(|key| !places.contains_key(key));
    found.extend(missing.map(|key| format!("missing row {key}")));
    if found.is_empty() && got_keys != expected_keys {
        found.push("the rows are in another order".to_owned());
    }
    let pairs: Vec<(usize, usize)> = expected_keys
        .iter()
        .enumerate()
        .filter_map(|(at, key)| Some((*places.get(key)?, at)))
        .collect();
    let closes = expected.column_by_name("close").map(|_| floats(expected, "close"));
    for name in &column_names(got) {
        let cells = cell_differences(got, expected, name, &pairs, closes.as_deref());
        let hidden = cells.len().saturating_sub(NAMED_MAX);
        found.extend(
            cells
                .into_iter()
                .take(NAMED_MAX)
                .map(|(row, what)| format!("{} {name}: {what}", expected_keys[row])),
        );
        found.extend((hidden > 0).then(|| format!("{name}: and {hidden} rows more")));
    }
    found
}

/// Columns that one of them lacks, or that stand in another order.
fn column_differences(got: &RecordBatch, expected: &RecordBatch) -> Vec<String> {
    let (got, expected) = (column_names(got), column_names(expected));
    let extra = got.iter().filter(|name| !expected.contains(name));
    let missing = expected.iter().filter(|name| !got.contains(name));
    let mut found: Vec<String> = extra.map(|name| format!("extra column {name}")).collect();
    found.extend(missing.map(|name| format!("missing column {name}")));
    if found.is_empty() && got != expected {
        found.push("the columns are in another order".to_owned());
    }
    found
}

fn keys(table: &RecordBatch, key: &[&str]) -> Vec<String> {
    let columns: Vec<_> = key.iter().map(|name| texts(table, name)).collect();
    (0..table.num_rows())
        .map(|row| {
            let parts: Vec<&str> = columns
                .iter()
                .map(|column| column[row].as_deref().unwrap_or("null"))
                .collect();
            parts.join(" ")
        })
        .collect()
}

/// Rows of `expected` whose cell differs, and how. `pairs` are (row of got, row of expected).
fn cell_differences(
    got: &RecordBatch,
    expected: &RecordBatch,
    name: &str,
    pairs: &[(usize, usize)],
    closes: Option<&[Option<f64>]>,
) -> Vec<(usize, String)> {
    let ((left, left_type), (right, right_type)) = (Values::of(got, name), Values::of(expected, name));
    if left_type != right_type {
        return vec![(0, format!("type {left_type}, expected {right_type}"))];
    }
    let differs = |&(at, row): &(usize, usize)| {
        let close = closes.and_then(|closes| closes[row]);
        let same = match (&left, &right) {
            (Values::Floats(got), Values::Floats(expected)) => floats_equal(name, got[at], expected[row], close),
            (Values::Integers(got), Values::Integers(expected)) => got[at] == expected[row],
            (Values::Days(got), Values::Days(expected)) => got[at] == expected[row],
            (Values::Texts(got), Values::Texts(expected)) => got[at] == expected[row],
            _ => false,
        };
        (!same).then(|| (row, format!("got {}, expected {}", left.show(at), right.show(row))))
    };
    pairs.iter().filter_map(differs).collect()
}

fn floats_equal(name: &str, got: Option<f64>, expected: Option<f64>, close: Option<f64>) -> bool {
    let (Some(got), Some(expected)) = (got, expected) else {
        return got.is_none() && expected.is_none();
    };
    let relative = if SINGLE_PRECISION.contains(&name) { 1e-5 } else { 1e-9 };
    let absolute = if name == "cci_20" { 1e-9 } else { 1e-12 };
    let scale = if PRICE_UNIT.contains(&name) {
        close.unwrap_or(1.0).max(1.0)
    } else {
        1.0
    };
    let tolerance = relative * got.abs().max(expected.abs()) + absolute * scale;
    got.is_finite() && (got - expected).abs() <= tolerance
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int32Array, StringArray};

    use super::*;

    fn table(symbols: &[&str], close: &[Option<f64>], bars: &[i32]) -> RecordBatch {
        let columns: [(&str, ArrayRef); 3] = [
            ("symbol", Arc::new(StringArray::from(symbols.to_vec()))),
            ("close", Arc::new(Float64Array::from(close.to_vec()))),
            ("bars", Arc::new(Int32Array::from(bars.to_vec()))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn cells_rows_and_columns_that_differ_are_found() {
        let expected = table(&["A", "B"], &[Some(1.0), None], &[1, 2]);
        let check = |got: &RecordBatch, expect: &[&str]| {
            assert_eq!(differences(got, &expected, &["symbol"]), expect, "{got:?}");
        };
        check(&expected, &[]);
        check(&expected.project(&[0, 2]).unwrap(), &["missing column close"]);
        check(
            &expected.project(&[2, 0, 1]).unwrap(),
            &["the columns are in another order"],
        );
        let off = table(&["A", "B"], &[Some(1.0 + 1e-8), None], &[1, 3]);
        check(
            &off,
            &[
                "A close: got Some(1.00000001), expected Some(1.0)",
                "B bars: got Some(3), expected Some(2)",
            ],
        );
        check(
            &table(&["B", "A"], &[None, Some(1.0)], &[2, 1]),
            &["the rows are in another order"],
        );
        check(
            &table(&["A", "C"], &[Some(1.0), None], &[1, 2]),
            &["extra row C", "missing row B"],
        );
        let renamed = RecordBatch::try_from_iter([("sign", expected.column(0).clone())]).unwrap();
        check(
            &renamed,
            &[
                "extra column sign",
                "missing column symbol",
                "missing column close",
                "missing column bars",
            ],
        );
    }

    #[test]
    fn tolerances_are_those_of_the_specification() {
        for (name, got, expected, close, same) in [
            ("rsi_14", Some(50.0), Some(50.0 + 4e-8), None, true),
            ("rsi_14", Some(50.0), Some(50.0 + 6e-8), None, false),
            ("ret_1d", Some(0.0), Some(0.9e-12), None, true),
            ("ret_1d", Some(0.0), Some(1.1e-12), None, false),
            ("macd", Some(0.0), Some(90e-12), Some(100.0), true),
            ("macd", Some(0.0), Some(110e-12), Some(100.0), false),
            ("macd", Some(0.0), Some(0.9e-12), Some(0.5), true),
            ("cci_20", Some(0.0), Some(0.9e-9), None, true),
            ("pred_5d", Some(1.0), Some(1.000_009), None, true),
            ("rsi_14", None, None, None, true),
            ("rsi_14", None, Some(1.0), None, false),
            ("rsi_14", Some(f64::NAN), Some(f64::NAN), None, false),
            ("rsi_14", Some(f64::INFINITY), Some(f64::INFINITY), None, false),
        ] {
            assert_eq!(
                floats_equal(name, got, expected, close),
                same,
                "{name} {got:?} {expected:?}"
            );
        }
    }
}
