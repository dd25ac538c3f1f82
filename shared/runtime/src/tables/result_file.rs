//! One date of a result table that was written as Parquet, and what the file says of its origin.
//!
//! Memory holds one date's rows and one batch; files of any number of dates are read in passing.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Date32Type};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use thiserror::Error;

/// Rows decoded at once.
const BATCH_ROWS: usize = 8_192;
/// The column that tells a row's date.
const AS_OF: &str = "as_of";

/// A result file that can't be read.
#[derive(Debug, Error)]
pub enum ResultFileError {
    /// The file itself.
    #[error("can't open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Its bytes.
    #[error("{} can't be read as Parquet", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: ParquetError,
    },
    /// Its rows.
    #[error("{} is damaged", path.display())]
    Rows {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: ArrowError,
    },
    /// Its columns.
    #[error("{} is no table of a scan: it has no column as_of of dates", path.display())]
    NoDates {
        /// The file.
        path: PathBuf,
    },
}

/// A result table in a file.
#[derive(Debug, Clone)]
pub struct ResultFile {
    path: PathBuf,
    /// What it says of its origin, keys that begin with `tickfleet.`.
    pub metadata: BTreeMap<String, String>,
    /// The days of its rows, ascending.
    pub as_of: Vec<i32>,
}

impl ResultFile {
    /// Opens a file and reads its dates.
    ///
    /// # Errors
    /// It can't be read, or is no result table.
    pub fn open(path: &Path) -> Result<Self, ResultFileError> {
        let builder = builder(path)?;
        let pairs = builder.metadata().file_metadata().key_value_metadata().cloned();
        let ours = pairs
            .into_iter()
            .flatten()
            .filter(|pair| pair.key.starts_with("tickfleet."));
        let metadata = ours.filter_map(|pair| Some((pair.key, pair.value?))).collect();
        let schema = builder.schema();
        let column = schema.column_with_name(AS_OF);
        let Some((at, _)) = column.filter(|(_, field)| *field.data_type() == DataType::Date32) else {
            return Err(ResultFileError::NoDates { path: path.to_owned() });
        };
        let only_dates = ProjectionMask::roots(builder.parquet_schema(), [at]);
        let reader = built(path, builder.with_projection(only_dates))?;
        let mut as_of: Vec<i32> = Vec::new();
        for batch in reader {
            let batch = batch.map_err(|source| rows(path, source))?;
            let days = batch.column(0).as_primitive::<Date32Type>().iter().flatten();
            as_of.extend(days);
            as_of.sort_unstable();
            as_of.dedup();
        }
        Ok(Self {
            path: path.to_owned(),
            metadata,
            as_of,
        })
    }

    /// The rows of one day, in their order.
    ///
    /// # Errors
    /// It can't be read.
    pub fn day(&self, as_of: i32) -> Result<RecordBatch, ResultFileError> {
        let builder = builder(&self.path)?;
        let schema = builder.schema().clone();
        let mut kept = Vec::new();
        for batch in built(&self.path, builder)? {
            let batch = batch.map_err(|source| rows(&self.path, source))?;
            let days = batch
                .column_by_name(AS_OF)
                .and_then(|days| days.as_primitive_opt::<Date32Type>());
            let Some(days) = days else {
                return Err(ResultFileError::NoDates {
                    path: self.path.clone(),
                });
            };
            let is_wanted: BooleanArray = days.iter().map(|day| Some(day == Some(as_of))).collect();
            if is_wanted.true_count() > 0 {
                let wanted = filter_record_batch(&batch, &is_wanted);
                kept.push(wanted.map_err(|source| rows(&self.path, source))?);
            }
        }
        concat_batches(&schema, &kept).map_err(|source| rows(&self.path, source))
    }
}

fn builder(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, ResultFileError> {
    let file = File::open(path).map_err(|source| ResultFileError::Open {
        path: path.to_owned(),
        source,
    })?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|source| parquet(path, source))?;
    Ok(builder.with_batch_size(BATCH_ROWS))
}

fn built(
    path: &Path,
    builder: ParquetRecordBatchReaderBuilder<File>,
) -> Result<ParquetRecordBatchReader, ResultFileError> {
    builder.build().map_err(|source| parquet(path, source))
}

fn parquet(path: &Path, source: ParquetError) -> ResultFileError {
    ResultFileError::Parquet {
        path: path.to_owned(),
        source,
    }
}

fn rows(path: &Path, source: ArrowError) -> ResultFileError {
    ResultFileError::Rows {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, StringArray};

    use super::*;
    use crate::sink::{FileSink, Format, Metadata};

    fn write(path: &Path, column: &str, days: Vec<i32>) {
        let symbols: Vec<String> = (0..days.len()).map(|at| format!("S{at}")).collect();
        let (days, symbols): (ArrayRef, ArrayRef) =
            (Arc::new(Date32Array::from(days)), Arc::new(StringArray::from(symbols)));
        let batch = RecordBatch::try_from_iter([(column, days), ("symbol", symbols)]).unwrap();
        let metadata: Metadata = [("tickfleet.run_id", "7"), ("other", "1")].into_iter().collect();
        let mut sink = FileSink::create(path, batch.schema(), Format::Parquet, &metadata).unwrap();
        sink.write(&batch).unwrap();
        sink.finish().unwrap();
    }

    #[test]
    fn a_day_is_read_whole_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scored.parquet");
        // Two days that alternate, over more rows than are decoded at once.
        let rows = i32::try_from(2 * BATCH_ROWS + 3).unwrap();
        write(&path, AS_OF, (0..rows).map(|row| 9 - row % 2).collect());
        let file = ResultFile::open(&path).unwrap();
        assert_eq!(file.as_of, [8, 9]);
        assert_eq!(file.metadata, [("tickfleet.run_id".to_owned(), "7".to_owned())].into());
        let day = file.day(8).unwrap();
        assert_eq!(day.num_rows(), BATCH_ROWS + 1);
        let symbols = day.column(1).as_string::<i32>();
        assert_eq!((symbols.value(0), symbols.value(1)), ("S1", "S3"));
        assert_eq!(file.day(7).unwrap().num_rows(), 0);
    }

    #[test]
    fn what_is_no_result_table_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert!(matches!(
            ResultFile::open(&path("none")),
            Err(ResultFileError::Open { .. })
        ));
        std::fs::write(path("text"), "no Parquet").unwrap();
        assert!(matches!(
            ResultFile::open(&path("text")),
            Err(ResultFileError::Parquet { .. })
        ));
        write(&path("other"), "date", vec![1]);
        assert!(matches!(
            ResultFile::open(&path("other")),
            Err(ResultFileError::NoDates { .. })
        ));
    }
}
