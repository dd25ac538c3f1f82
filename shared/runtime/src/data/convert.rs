//! Arrow arrays of whatever type a file uses, as the few types that kernels take.
//!
//! Text follows the rules for cells (specification: scan, section 1), so a column of text and a column of numbers give
//! the same values. Nothing here knows which table it reads.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::ScalarBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use tickfleet_kernels::scan::cells;

use super::error::DataError;
use super::small_table::{DateCell, date_cell};

/// Where a column comes from, for messages.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The file.
    pub uri: &'a str,
    /// The column's name in the file.
    pub column: &'a str,
}

/// A column of numbers, collected batch by batch: null, unreadable and non-finite are NaN.
///
/// A single batch without any of those is taken over as it is, not copied.
#[derive(Debug, Default)]
pub struct Numbers {
    whole: Option<ScalarBuffer<f64>>,
    values: Vec<f64>,
}

impl Numbers {
    /// Appends a batch.
    ///
    /// # Errors
    /// [`DataError::ColumnType`] for types that hold no numbers.
    pub fn append(&mut self, array: &ArrayRef, origin: Origin<'_>) -> Result<(), DataError> {
        let array = if array.data_type().is_numeric() {
            &cast(array, &DataType::Float64, origin)?
        } else {
            array
        };
        if self.whole.is_none()
            && self.values.is_empty()
            && let Some(clean) = clean(array)
        {
            self.whole = Some(clean);
            return Ok(());
        }
        if let Some(whole) = self.whole.take() {
            self.values.extend_from_slice(&whole);
        }
        append_numbers(&mut self.values, array, origin)
    }

    /// The column.
    pub fn finish(self) -> ScalarBuffer<f64> {
        self.whole.unwrap_or_else(|| self.values.into())
    }
}

/// The values of an f64 array in which none is null or not finite.
fn clean(array: &ArrayRef) -> Option<ScalarBuffer<f64>> {
    let numbers = array
        .as_primitive_opt::<Float64Type>()
        .filter(|numbers| numbers.null_count() == 0)?;
    // Every value is looked at: without an early way out the loop runs in vectors.
    let finite = numbers.values().iter().fold(true, |all, value| all & value.is_finite());
    finite.then(|| numbers.values().clone())
}

/// Appends a column as f64: null, unreadable and non-finite become NaN.
///
/// # Errors
/// [`DataError::ColumnType`] for types that hold no numbers.
fn append_numbers(values: &mut Vec<f64>, array: &ArrayRef, origin: Origin<'_>) -> Result<(), DataError> {
    append_raw_numbers(
        values,
        array,
        origin,
        |value| if value.is_finite() { value } else { f64::NAN },
    )
}

/// Appends a column as f64: null and unreadable become NaN, infinities stay.
///
/// # Errors
/// [`DataError::ColumnType`] for types that hold no numbers.
pub fn append_numbers_with_infinities(
    values: &mut Vec<f64>,
    array: &ArrayRef,
    origin: Origin<'_>,
) -> Result<(), DataError> {
    append_raw_numbers(values, array, origin, |value| value)
}

/// Appends a column as days since 1970-01-01; what is null or unreadable becomes `None` through `missing`.
///
/// # Errors
/// [`DataError::ColumnType`] for types that hold no dates.
pub fn append_days(
    days: &mut Vec<i32>,
    missing: &mut Vec<u32>,
    array: &ArrayRef,
    origin: Origin<'_>,
) -> Result<(), DataError> {
    let base = days.len();
    let mut push = |row: usize, day: Option<i32>| {
        if day.is_none() {
            missing.push(u32::try_from(base + row).expect("a block has fewer than 2^32 rows"));
        }
        days.push(day.unwrap_or_default());
    };
    match array.data_type() {
        DataType::Date32 => {
            let array = array.as_primitive::<Date32Type>();
            if array.null_count() == 0 {
                days.extend_from_slice(array.values());
            } else {
                array.iter().enumerate().for_each(|(row, day)| push(row, day));
            }
        }
        DataType::Date64 | DataType::Timestamp(..) => {
            let micros = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, None), origin)?;
            let micros = micros.as_primitive::<TimestampMicrosecondType>();
            let day = |at: i64| i32::try_from(at.div_euclid(86_400_000_000)).ok();
            micros
                .iter()
                .enumerate()
                .for_each(|(row, at)| push(row, at.and_then(day)));
        }
        kind if kind.is_integer() => {
            let numbers = cast(array, &DataType::Int64, origin)?;
            let day = |digits: i64| cells::date(&format!("{digits:08}"));
            numbers
                .as_primitive::<Int64Type>()
                .iter()
                .enumerate()
                .for_each(|(row, at)| push(row, at.and_then(day)));
        }
        kind if is_text(kind) => {
            let text = as_text(array, origin)?;
            text.iter()
                .enumerate()
                .for_each(|(row, cell)| push(row, cell.and_then(cells::date)));
        }
        _ => {
            return Err(wrong_type(
                array,
                origin,
                "a date, a timestamp, or text such as 2016-06-30",
            ));
        }
    }
    Ok(())
}

/// A column of date cells, which tells the missing from the unreadable.
///
/// # Errors
/// [`DataError::ColumnType`] for types that hold no dates.
pub(super) fn date_cells(array: &ArrayRef, origin: Origin<'_>) -> Result<Vec<DateCell>, DataError> {
    if is_text(array.data_type()) {
        let text = as_text(array, origin)?;
        return Ok(text
            .iter()
            .map(|cell| cell.map_or(DateCell::Missing, date_cell))
            .collect());
    }
    let (mut days, mut missing) = (Vec::with_capacity(array.len()), Vec::new());
    append_days(&mut days, &mut missing, array, origin)?;
    let mut cells: Vec<DateCell> = days.into_iter().map(DateCell::Day).collect();
    for row in missing {
        let row = row as usize;
        cells[row] = if array.is_null(row) {
            DateCell::Missing
        } else {
            DateCell::Unreadable
        };
    }
    Ok(cells)
}

/// A column as text.
///
/// # Errors
/// [`DataError::ColumnType`] for nested types.
pub fn as_text(array: &ArrayRef, origin: Origin<'_>) -> Result<StringArray, DataError> {
    let array = match array.data_type() {
        DataType::Utf8 => array.clone(),
        kind if kind.is_nested() || matches!(kind, DataType::Binary | DataType::LargeBinary) => {
            return Err(wrong_type(array, origin, "text"));
        }
        _ => cast(array, &DataType::Utf8, origin)?,
    };
    Ok(array.as_string::<i32>().clone())
}

/// Casts, with nulls for values that do not fit.
///
/// # Errors
/// [`DataError::Convert`] when Arrow has no such cast.
pub fn cast(array: &ArrayRef, to: &DataType, origin: Origin<'_>) -> Result<ArrayRef, DataError> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    cast_with_options(array, to, &CastOptions::default()).map_err(|source| DataError::Convert {
        uri: origin.uri.to_owned(),
        column: origin.column.to_owned(),
        source,
    })
}

fn append_raw_numbers(
    values: &mut Vec<f64>,
    array: &ArrayRef,
    origin: Origin<'_>,
    keep: impl Fn(f64) -> f64,
) -> Result<(), DataError> {
    let kind = array.data_type();
    if is_text(kind) {
        let text = as_text(array, origin)?;
        values.extend(
            text.iter()
                .map(|cell| cell.and_then(cells::number).map_or(f64::NAN, &keep)),
        );
        return Ok(());
    }
    if !(kind.is_numeric() || matches!(kind, DataType::Null)) {
        return Err(wrong_type(array, origin, "a number, or text such as 1,234.5"));
    }
    let numbers = cast(array, &DataType::Float64, origin)?;
    let numbers = numbers.as_primitive::<Float64Type>();
    if numbers.null_count() == 0 {
        values.extend(numbers.values().iter().map(|&value| keep(value)));
    } else {
        values.extend(numbers.iter().map(|value| value.map_or(f64::NAN, &keep)));
    }
    Ok(())
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

fn wrong_type(array: &ArrayRef, origin: Origin<'_>, expected: &'static str) -> DataError {
    DataError::ColumnType {
        uri: origin.uri.to_owned(),
        column: origin.column.to_owned(),
        found: array.data_type().to_string(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Date64Array, Decimal128Array, Float32Array, Int64Array, LargeStringArray, ListArray, TimestampSecondArray,
    };

    use super::*;

    const AT: Origin<'_> = Origin {
        uri: "f.parquet",
        column: "c",
    };

    fn days(array: &ArrayRef) -> (Vec<i32>, Vec<u32>) {
        let (mut days, mut missing) = (Vec::new(), Vec::new());
        append_days(&mut days, &mut missing, array, AT).unwrap();
        (days, missing)
    }

    #[test]
    fn dates_of_every_type_agree() {
        let expect = (vec![16_982, 0], vec![1]);
        for array in [
            Arc::new(Date64Array::from(vec![Some(16_982 * 86_400_000), None])) as ArrayRef,
            Arc::new(
                TimestampSecondArray::from(vec![Some(16_982 * 86_400 + 5), None]).with_timezone("America/New_York"),
            ),
            Arc::new(Int64Array::from(vec![Some(20_160_630), None])),
            Arc::new(LargeStringArray::from(vec![Some("2016-06-30T20:00:00Z"), Some("June")])),
        ] {
            assert_eq!(days(&array), expect, "{}", array.data_type());
        }
    }

    #[test]
    fn a_missing_date_is_not_an_unreadable_one() {
        use DateCell::{Day, Missing, Unreadable};
        let texts = StringArray::from(vec![Some("20160630"), None, Some(" n/a "), Some("June")]);
        let expect = vec![Day(16_982), Missing, Missing, Unreadable];
        assert_eq!(date_cells(&(Arc::new(texts) as ArrayRef), AT).unwrap(), expect);
        let numbers = Int64Array::from(vec![Some(20_160_630), None, Some(7)]);
        let expect = vec![Day(16_982), Missing, Unreadable];
        assert_eq!(date_cells(&(Arc::new(numbers) as ArrayRef), AT).unwrap(), expect);
    }

    #[test]
    fn numbers_of_every_type_agree() {
        for array in [
            Arc::new(Float32Array::from(vec![Some(1234.5), None])) as ArrayRef,
            Arc::new(
                Decimal128Array::from(vec![Some(123_450), None])
                    .with_precision_and_scale(12, 2)
                    .unwrap(),
            ),
            Arc::new(StringArray::from(vec![Some("$1,234.5"), Some("abc")])),
        ] {
            let mut numbers = Numbers::default();
            numbers.append(&array, AT).unwrap();
            let values = numbers.finish();
            assert_eq!(values[..1], [1234.5], "{}", array.data_type());
            assert!(values[1].is_nan(), "{}", array.data_type());
        }
    }

    #[test]
    fn a_list_is_no_number() {
        let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(vec![Some(vec![
            Some(1.0),
        ])]));
        let error = Numbers::default()
            .append(&list, AT)
            .expect_err("lists are refused")
            .to_string();
        assert!(
            error.contains("f.parquet") && error.contains("`c`") && error.contains("List"),
            "{error}"
        );
    }
}
