//! When two columns are equal: the tolerance classes of the specification. It judges; it reads no file.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use tickfleet_tests::tables::column_names;

/// Cells compared, and every way in which the tables differ.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) cells: usize,
    pub(crate) differences: Vec<String>,
}

/// Holds `got` against `expected`, whose symbol and date stand in its folders' names: the same columns in the same
/// order with the same types, nulls and values.
pub(crate) fn compare(table: &str, got: &RecordBatch, expected: &RecordBatch) -> Comparison {
    let mut result = Comparison::default();
    let in_folders = |name: &String| name == "symbol" || name == "date";
    let mut names = column_names(got);
    names.retain(|name| !in_folders(name));
    if names != column_names(expected) {
        let wanted = column_names(expected);
        let first = names.iter().zip(&wanted).find(|(got, wanted)| got != wanted);
        let counts = (names.len(), wanted.len());
        result
            .differences
            .push(format!("{table}: columns differ, {counts:?} of them, first {first:?}"));
        return result;
    }
    if got.num_rows() != expected.num_rows() {
        let text = format!("{table}: {} rows, expected {}", got.num_rows(), expected.num_rows());
        result.differences.push(text);
        return result;
    }
    for name in &names {
        let (got, expected) = (column(got, name), column(expected, name));
        result.cells += got.len();
        if got.data_type() != expected.data_type() {
            let text = format!("{table}.{name}: {}, expected {}", got.data_type(), expected.data_type());
            result.differences.push(text);
        } else if let Some(text) = first_difference(tolerance(table, name), &got, &expected) {
            result.differences.push(format!("{table}.{name}: {text}"));
        }
    }
    result
}

fn column(table: &RecordBatch, name: &str) -> std::sync::Arc<dyn Array> {
    let column = table.column_by_name(name).expect("names are of the table");
    match column.data_type() {
        DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
            cast(column, &DataType::Utf8).expect("text is text")
        }
        _ => column.clone(),
    }
}

fn tolerance(table: &str, column: &str) -> f64 {
    if table == "levels" || (table == "bars" && !column.ends_with("_maxz_eob")) {
        1e-12
    } else {
        1e-9
    }
}

fn first_difference(tolerance: f64, got: &dyn Array, expected: &dyn Array) -> Option<String> {
    let differs = |row: usize| {
        if got.is_null(row) || expected.is_null(row) {
            return got.is_null(row) != expected.is_null(row);
        }
        if got.data_type() != &DataType::Float64 {
            return got.slice(row, 1).to_data() != expected.slice(row, 1).to_data();
        }
        let value = |column: &dyn Array| column.as_primitive::<Float64Type>().value(row);
        let (a, b) = (value(got), value(expected));
        !(a.is_finite() && (a - b).abs() <= tolerance * 1.0_f64.max(a.abs()).max(b.abs()))
    };
    let rows: Vec<usize> = (0..got.len()).filter(|row| differs(*row)).collect();
    let first = *rows.first()?;
    let show = |column: &dyn Array| format!("{:?}", column.slice(first, 1)).replace('\n', " ");
    Some(format!(
        "{} rows, first {first}: got {}, expected {}",
        rows.len(),
        show(got),
        show(expected)
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

    use super::*;

    fn table(x: Option<f64>, n: i64, text: &str) -> RecordBatch {
        let columns: [(&str, ArrayRef); 3] = [
            ("x", Arc::new(Float64Array::from(vec![x]))),
            ("n", Arc::new(Int64Array::from(vec![n]))),
            ("text", Arc::new(StringArray::from(vec![text]))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let expected = table(Some(100.0), 5, "a");
        let check = |name: &str, got: &RecordBatch, differences: usize| {
            let found = compare(name, got, &expected).differences;
            assert_eq!(found.len(), differences, "{found:?}");
        };
        check("bars", &expected, 0);
        check("bars", &table(Some(100.0 + 9e-11), 5, "a"), 0);
        check("bars", &table(Some(100.0 + 2e-10), 5, "a"), 1);
        check("approach", &table(Some(100.0 + 2e-10), 5, "a"), 0);
        check("bars", &table(Some(f64::NAN), 6, "b"), 3);
        check("bars", &table(None, 5, "a"), 1);
        check("bars", &expected.project(&[1, 0, 2]).unwrap(), 1);
        check("bars", &expected.slice(0, 0), 1);
    }
}
