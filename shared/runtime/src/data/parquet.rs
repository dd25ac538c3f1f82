//! Daily bars from Parquet: the footer once, then one row group at a time, only the columns asked for.
//!
//! Bytes are fetched by the caller; decoding does no I/O. Read next: [`super::inputs`].

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, new_empty_array};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::FOOTER_SIZE;
use parquet::file::metadata::ParquetMetaDataReader;
use tickfleet_kernels::scan::options::TickerRule;

use super::block::{Keys, Prices};
use super::columns::{ColumnNames, find};
use super::convert::{Numbers, Origin, append_days};
use super::error::{DataError, Undecodable};
use super::file::StoredFile;
use super::names::Names;
use super::ranges::FetchedRanges;
use super::symbol_rows::SymbolRows;

/// Most rows of one row group.
pub const ROW_GROUP_ROWS_MAX: i64 = 16 << 20;
/// Most bytes of a footer.
const FOOTER_BYTES_MAX: u64 = 256 << 20;
/// The end of the file that is fetched first; most footers fit.
const TAIL_BYTES: u64 = 64 << 10;

/// An open Parquet file: its footer and where the wanted columns are.
#[derive(Debug)]
pub struct ParquetFile {
    /// The stored file.
    pub file: StoredFile,
    metadata: ArrowReaderMetadata,
    /// For each wanted column: ordinal of the file's column.
    columns: Vec<Option<usize>>,
}

impl ParquetFile {
    /// Reads the footer and finds the columns.
    ///
    /// # Errors
    /// Truncated or damaged files, missing columns, files beyond the limits.
    pub async fn open(table: &'static str, wanted: &[ColumnNames], file: StoredFile) -> Result<Self, DataError> {
        let metadata = footer(&file).await?;
        let header: Vec<String> = metadata
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let mut with_folders = header.clone();
        with_folders.extend(file.facts.hive.iter().map(|(key, _)| key.clone()));
        let columns = find(table, &file.facts.uri, wanted, &with_folders)?;
        for (ordinal, group) in metadata.metadata().row_groups().iter().enumerate() {
            if group.num_rows() > ROW_GROUP_ROWS_MAX || group.num_rows() < 0 {
                let what = format!("row group {ordinal} ({} rows)", group.num_rows());
                let limit = format!("{ROW_GROUP_ROWS_MAX} rows");
                return Err(DataError::TooLarge {
                    uri: file.facts.uri.clone(),
                    what,
                    limit,
                });
            }
        }
        Ok(Self {
            file,
            metadata,
            columns,
        })
    }

    /// Where each wanted column is, with its type or its folder's value: the same bytes under another layout are
    /// other data.
    pub fn layout(&self) -> String {
        let fields = self.metadata.schema().fields();
        let place = |column: &Option<usize>| match column {
            None => "absent".to_owned(),
            Some(ordinal) => match fields.get(*ordinal) {
                Some(field) => format!("{ordinal} {}", field.data_type()),
                None => format!("folder {:?}", self.file.facts.hive[ordinal - fields.len()].1),
            },
        };
        self.columns.iter().map(place).collect::<Vec<_>>().join("; ")
    }

    /// Refuses columns of bars that can hold no prices: the footer tells, so no job has to find out.
    ///
    /// # Errors
    /// [`DataError::ColumnType`]. Columns of the keys are read whole before any job, and checked there.
    pub fn check_prices(&self) -> Result<(), DataError> {
        for column in PRICES {
            if let Some(ordinal) = self.in_file(column) {
                let empty = new_empty_array(self.metadata.schema().field(ordinal).data_type());
                Numbers::default().append(&empty, self.origin(column))?;
            }
        }
        Ok(())
    }

    /// Row groups.
    pub fn groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Rows of a row group.
    pub fn rows(&self, group: usize) -> usize {
        usize::try_from(self.metadata.metadata().row_group(group).num_rows()).expect("checked when opened")
    }

    /// Byte ranges of some wanted columns (ordinals of the table) in a row group, in column order.
    pub fn ranges(&self, group: usize, wanted: &[usize]) -> Vec<Range<u64>> {
        let group = self.metadata.metadata().row_group(group);
        let mask = self.mask(wanted);
        let leaves = (0..group.num_columns()).filter(|&leaf| mask.leaf_included(leaf));
        leaves
            .map(|leaf| {
                let (start, length) = group.column(leaf).byte_range();
                start..start.saturating_add(length).min(self.file.facts.size)
            })
            .collect()
    }

    /// Decodes symbols, days and volumes of a row group from its fetched ranges.
    ///
    /// # Errors
    /// Damaged pages and columns of the wrong type.
    pub fn keys(
        &self,
        group: usize,
        chunks: FetchedRanges,
        names: &Names,
        rule: TickerRule,
    ) -> Result<Keys, DataError> {
        let rows = self.rows(group);
        let mut symbols = SymbolRows::new(names, rule);
        let (mut days, mut volume) = (Vec::with_capacity(rows), Numbers::default());
        let mut undated = Vec::new();
        self.decode(group, chunks, &[SYMBOL, DATE, VOLUME], |batch| {
            let rows = batch.num_rows();
            symbols.append(&self.column(&batch, SYMBOL, rows)?, self.origin(SYMBOL))?;
            append_days(
                &mut days,
                &mut undated,
                &self.column(&batch, DATE, rows)?,
                self.origin(DATE),
            )?;
            volume.append(&self.column(&batch, VOLUME, rows)?, self.origin(VOLUME))
        })?;
        Ok(symbols.finish(days, &undated, volume.finish()))
    }

    /// Decodes the prices of a row group from its fetched ranges.
    ///
    /// # Errors
    /// As [`ParquetFile::keys`].
    pub fn prices(&self, group: usize, chunks: FetchedRanges) -> Result<Prices, DataError> {
        let mut values: [Numbers; 5] = Default::default();
        let wanted: Vec<usize> = PRICES
            .into_iter()
            .filter(|&column| self.columns[column].is_some())
            .collect();
        self.decode(group, chunks, &wanted, |batch| {
            for &column in &wanted {
                let array = self.column(&batch, column, batch.num_rows())?;
                values[slot(column)].append(&array, self.origin(column))?;
            }
            Ok(())
        })?;
        let [open, high, low, close, adj_close] = values.map(Numbers::finish);
        let adj_close = self.columns[ADJ_CLOSE].map(|_| adj_close);
        Ok(Prices {
            open,
            high,
            low,
            close,
            adj_close,
        })
    }

    /// Decodes whole row groups of a small table, one text or number column after the other.
    ///
    /// # Errors
    /// As [`ParquetFile::keys`].
    pub fn batches(
        &self,
        group: usize,
        chunks: FetchedRanges,
        mut each: impl FnMut(&[Option<ArrayRef>]) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let wanted: Vec<usize> = (0..self.columns.len())
            .filter(|&column| self.columns[column].is_some())
            .collect();
        self.decode(group, chunks, &wanted, |batch| {
            let column = |ordinal: usize| {
                self.columns[ordinal]
                    .map(|_| self.column(&batch, ordinal, batch.num_rows()))
                    .transpose()
            };
            let arrays: Vec<Option<ArrayRef>> = (0..self.columns.len()).map(column).collect::<Result<_, _>>()?;
            each(&arrays)
        })
    }

    /// Name and file of a wanted column, for messages.
    pub fn origin(&self, wanted: usize) -> Origin<'_> {
        let fields = self.metadata.schema().fields();
        let column = self.columns[wanted]
            .and_then(|ordinal| fields.get(ordinal))
            .map_or("", |field| field.name());
        Origin {
            uri: &self.file.facts.uri,
            column,
        }
    }

    fn decode(
        &self,
        group: usize,
        chunks: FetchedRanges,
        wanted: &[usize],
        mut each: impl FnMut(RecordBatch) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let damaged = |source| self.damaged(group, source);
        let mask = self.mask(wanted);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, self.metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(self.rows(group).max(1))
            .build()
            .map_err(damaged)?;
        for batch in reader {
            each(batch.map_err(|source| damaged(source.into()))?)?;
        }
        Ok(())
    }

    /// A wanted column of a batch; the value of its folder for every row if the file does not hold it.
    fn column(&self, batch: &RecordBatch, wanted: usize, rows: usize) -> Result<ArrayRef, DataError> {
        if let Some(ordinal) = self.in_file(wanted) {
            let name = self.metadata.schema().field(ordinal).name();
            let array = batch
                .column_by_name(name)
                .expect("the projection holds every wanted column");
            return Ok(array.clone());
        }
        let fields = self.metadata.schema().fields().len();
        let (_, value) =
            &self.file.facts.hive[self.columns[wanted].expect("only columns that were found are read") - fields];
        Ok(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(
            value, rows,
        ))))
    }

    /// Ordinal of a wanted column among the file's own.
    fn in_file(&self, wanted: usize) -> Option<usize> {
        self.columns[wanted].filter(|&ordinal| ordinal < self.metadata.schema().fields().len())
    }

    fn mask(&self, wanted: &[usize]) -> ProjectionMask {
        let roots = wanted.iter().filter(|&&column| self.columns[column].is_some());
        ProjectionMask::roots(
            self.metadata.parquet_schema(),
            roots.filter_map(|&column| self.in_file(column)),
        )
    }

    fn damaged(&self, group: usize, source: ParquetError) -> DataError {
        DataError::Parquet {
            uri: self.file.facts.uri.clone(),
            place: format!(" (row group {group})"),
            source: Undecodable(source),
        }
    }
}

/// Ordinals in [`super::columns::BARS`].
const SYMBOL: usize = 0;
const DATE: usize = 1;
const VOLUME: usize = 6;
const ADJ_CLOSE: usize = 7;
const PRICES: [usize; 5] = [2, 3, 4, 5, ADJ_CLOSE];

/// Place of a price column in [`Prices`].
fn slot(column: usize) -> usize {
    if column == ADJ_CLOSE { 4 } else { column - 2 }
}

/// Reads the footer: the last 64 KiB first, the rest of it if it is longer.
async fn footer(file: &StoredFile) -> Result<ArrowReaderMetadata, DataError> {
    let size = file.facts.size;
    let damaged = |source| DataError::Parquet {
        uri: file.facts.uri.clone(),
        place: String::new(),
        source: Undecodable(source),
    };
    if size < FOOTER_SIZE as u64 + 4 {
        return Err(damaged(ParquetError::EOF(format!(
            "{size} bytes are too few for a Parquet file"
        ))));
    }
    let mut reader = ParquetMetaDataReader::new();
    let mut want = TAIL_BYTES.min(size);
    let metadata = loop {
        let tail = file.read(size - want..size).await?;
        match reader.try_parse_sized(&tail, size) {
            Ok(()) => break reader.finish().map_err(damaged)?,
            Err(ParquetError::NeedMoreData(more))
                if more as u64 > want && more as u64 <= FOOTER_BYTES_MAX.min(size) =>
            {
                want = more as u64;
            }
            Err(source) => return Err(damaged(source)),
        }
    };
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = Arc::new(metadata);
    let plain = ArrowReaderMetadata::try_new(metadata.clone(), options.clone()).map_err(damaged)?;
    let options = options.with_schema(Arc::new(with_dictionaries(plain.schema())));
    Ok(ArrowReaderMetadata::try_new(metadata, options).unwrap_or(plain))
}

/// Asks for text as dictionaries, so that a repeated symbol is decoded once.
fn with_dictionaries(schema: &Schema) -> Schema {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Arc::new(field.as_ref().clone().with_data_type(kind))
        }
        _ => field.clone(),
    };
    Schema::new_with_metadata(
        schema.fields().iter().map(field).collect::<Vec<_>>(),
        schema.metadata().clone(),
    )
}
