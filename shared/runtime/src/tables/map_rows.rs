//! Map rows as a record batch and back: the symbol, the hygiene counts, then every indicator column.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type, Schema};
use arrow::record_batch::RecordBatch;
use tickfleet_kernels::scan::columns::{COLUMNS, Cell, Indicators, Kind};
use tickfleet_kernels::scan::hygiene::Hygiene;
use tickfleet_kernels::scan::map::MapRow;

use super::TableError;

/// Name of the column that tells whether a symbol has any kept bar.
const HAS_BARS: &str = "has_bars";

/// Collects the map rows of one as-of date, column by column.
#[derive(Debug)]
pub struct MapRowsBuilder {
    symbols: Vec<String>,
    has_bars: Vec<bool>,
    counts: [Vec<i64>; Hygiene::NAMES.len()],
    columns: Vec<Values>,
    absent: Indicators,
}

#[derive(Debug)]
enum Values {
    F64(Vec<Option<f64>>),
    I32(Vec<i32>),
}

impl MapRowsBuilder {
    /// Room for `rows` rows.
    pub fn new(rows: usize) -> Self {
        let values = |kind: Kind| match kind {
            Kind::F64 => Values::F64(Vec::with_capacity(rows)),
            Kind::I32 => Values::I32(Vec::with_capacity(rows)),
        };
        Self {
            symbols: Vec::with_capacity(rows),
            has_bars: Vec::with_capacity(rows),
            counts: std::array::from_fn(|_| Vec::with_capacity(rows)),
            columns: COLUMNS.iter().map(|column| values(column.kind)).collect(),
            absent: Indicators::default(),
        }
    }

    /// The schema of every batch of map rows.
    pub fn schema() -> Schema {
        let mut fields = vec![
            Field::new("symbol", DataType::Utf8, false),
            Field::new(HAS_BARS, DataType::Boolean, false),
        ];
        fields.extend(Hygiene::NAMES.map(|name| Field::new(format!("rows_{name}"), DataType::Int64, false)));
        fields.extend(COLUMNS.iter().map(|column| match column.kind {
            Kind::F64 => Field::new(column.name, DataType::Float64, true),
            Kind::I32 => Field::new(column.name, DataType::Int32, false),
        }));
        Schema::new(fields)
    }

    /// Appends a symbol's row.
    pub fn push(&mut self, symbol: &str, row: &MapRow) {
        self.symbols.push(symbol.to_owned());
        self.has_bars.push(row.indicators.is_some());
        for (column, count) in self.counts.iter_mut().zip(row.hygiene.counts()) {
            column.push(count);
        }
        let indicators = row.indicators.as_ref().unwrap_or(&self.absent);
        for (values, column) in self.columns.iter_mut().zip(COLUMNS) {
            match (values, column.get(indicators)) {
                (Values::F64(values), Cell::F64(value)) => values.push(value),
                (Values::I32(values), Cell::I32(value)) => values.push(value),
                _ => unreachable!("columns keep their kind"),
            }
        }
    }

    /// The rows as a batch.
    ///
    /// # Errors
    /// [`TableError::Arrow`].
    pub fn finish(self) -> Result<RecordBatch, TableError> {
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(self.symbols)),
            Arc::new(BooleanArray::from(self.has_bars)),
        ];
        arrays.extend(self.counts.map(|counts| Arc::new(Int64Array::from(counts)) as ArrayRef));
        arrays.extend(self.columns.into_iter().map(|values| match values {
            Values::F64(values) => Arc::new(Float64Array::from(values)) as ArrayRef,
            Values::I32(values) => Arc::new(Int32Array::from(values)) as ArrayRef,
        }));
        RecordBatch::try_new(Arc::new(Self::schema()), arrays)
            .map_err(|source| TableError::Arrow { what: "built", source })
    }
}

/// Reads a batch of map rows back, in its row order: symbols, and the row of each.
///
/// # Errors
/// [`TableError::Column`] when the batch is of another schema.
pub fn map_rows(batch: &RecordBatch) -> Result<(Vec<String>, Vec<MapRow>), TableError> {
    let column = |name: &str, kind: &DataType| {
        let found = batch.column_by_name(name).filter(|array| array.data_type() == kind);
        found.ok_or_else(|| TableError::Column(name.to_owned()))
    };
    let symbols = column("symbol", &DataType::Utf8)?.as_string::<i32>();
    let has_bars = column(HAS_BARS, &DataType::Boolean)?.as_boolean();
    let mut counts = Vec::with_capacity(Hygiene::NAMES.len());
    for name in Hygiene::NAMES {
        counts.push(column(&format!("rows_{name}"), &DataType::Int64)?.as_primitive::<Int64Type>());
    }
    let mut indicators = vec![Indicators::default(); batch.num_rows()];
    for spec in COLUMNS {
        match spec.kind {
            Kind::F64 => {
                let array = column(spec.name, &DataType::Float64)?.as_primitive::<Float64Type>();
                for (row, value) in indicators.iter_mut().zip(array) {
                    spec.set(row, Cell::F64(value));
                }
            }
            Kind::I32 => {
                let array = column(spec.name, &DataType::Int32)?.as_primitive::<Int32Type>();
                for (row, value) in indicators.iter_mut().zip(array.values()) {
                    spec.set(row, Cell::I32(*value));
                }
            }
        }
    }
    let hygiene = |row: usize| Hygiene::from_counts(std::array::from_fn(|at| counts[at].value(row)));
    let rows = indicators.into_iter().enumerate().map(|(row, indicators)| MapRow {
        hygiene: hygiene(row),
        indicators: has_bars.value(row).then_some(indicators),
    });
    let rows = rows.collect();
    Ok((symbols.iter().flatten().map(str::to_owned).collect(), rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_went() {
        let mut first = Indicators::default();
        for (at, column) in COLUMNS.iter().enumerate() {
            let cell = match column.kind {
                Kind::F64 => Cell::F64((at % 3 != 0).then_some(at as f64 + 0.1)),
                Kind::I32 => Cell::I32(i32::try_from(at).unwrap()),
            };
            column.set(&mut first, cell);
        }
        let rows = [
            (
                "A".to_owned(),
                MapRow {
                    hygiene: Hygiene::from_counts([1, 2, 3, 4, 5, 6, 7, 8]),
                    indicators: Some(first),
                },
            ),
            ("B".to_owned(), MapRow::default()),
        ];
        let mut builder = MapRowsBuilder::new(2);
        rows.iter().for_each(|(symbol, row)| builder.push(symbol, row));
        let bytes = super::super::encode(&MapRowsBuilder::schema(), &[builder.finish().unwrap()]).unwrap();
        let (symbols, back) = map_rows(&super::super::decode(&bytes).unwrap()).unwrap();
        assert_eq!(symbols.into_iter().zip(back).collect::<Vec<_>>(), rows);
        assert!(matches!(
            super::super::decode_at(&bytes, 1),
            Err(TableError::Batch { wanted: 1, found: 1 })
        ));
    }
}
