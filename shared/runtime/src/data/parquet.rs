//! Daily bars from Parquet: the footer once, then one row group at a time, only the columns asked for.
//!
//! Bytes are fetched by the caller; decoding does no I/O. Read next: [`super::inputs`].

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use bytes::{Buf, Bytes};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::FOOTER_SIZE;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::reader::{ChunkReader, Length};
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_kernels::scan::{cells, ticker};

use super::block::{Keys, Prices, RunBuilder};
use super::columns::{ColumnNames, find};
use super::convert::{Origin, append_days, append_numbers, as_text};
use super::error::DataError;
use super::file::StoredFile;

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
        with_folders.extend(file.hive.iter().map(|(key, _)| key.clone()));
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
    pub fn keys(&self, group: usize, chunks: FetchedRanges, rule: TickerRule) -> Result<Keys, DataError> {
        let rows = self.rows(group);
        let mut symbols = SymbolRows::new(rule);
        let (mut days, mut volume) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
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
            append_numbers(&mut volume, &self.column(&batch, VOLUME, rows)?, self.origin(VOLUME))
        })?;
        Ok(symbols.finish(days, &undated, volume))
    }

    /// Decodes the prices of a row group from its fetched ranges.
    ///
    /// # Errors
    /// As [`ParquetFile::keys`].
    pub fn prices(&self, group: usize, chunks: FetchedRanges) -> Result<Prices, DataError> {
        let rows = self.rows(group);
        let mut values: [Vec<f64>; 5] = std::array::from_fn(|_| Vec::with_capacity(rows));
        let wanted: Vec<usize> = PRICES
            .into_iter()
            .filter(|&column| self.columns[column].is_some())
            .collect();
        self.decode(group, chunks, &wanted, |batch| {
            for &column in &wanted {
                let array = self.column(&batch, column, batch.num_rows())?;
                append_numbers(&mut values[slot(column)], &array, self.origin(column))?;
            }
            Ok(())
        })?;
        let [open, high, low, close, adj_close] = values;
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
        let (_, value) = &self.file.hive[self.columns[wanted].expect("only columns that were found are read") - fields];
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
            source,
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

/// Byte ranges of a file, fetched beforehand, as the Parquet decoder's input.
#[derive(Debug, Clone)]
pub struct FetchedRanges {
    length: u64,
    chunks: Arc<Vec<(u64, Bytes)>>,
    wanted: Arc<Vec<Range<u64>>>,
}

impl FetchedRanges {
    /// Chunks of a file of `length` bytes, each with the position of its first byte, that hold the ranges `wanted`.
    pub fn new(length: u64, chunks: Vec<(u64, Bytes)>, wanted: Vec<Range<u64>>) -> Self {
        Self {
            length,
            chunks: Arc::new(chunks),
            wanted: Arc::new(wanted),
        }
    }

    /// The bytes of the ranges asked for, in file order, without those that merely lie between them.
    pub fn parts(&self) -> impl Iterator<Item = Bytes> + '_ {
        self.wanted.iter().filter_map(|range| {
            let length = usize::try_from(range.end - range.start).ok()?;
            self.tail(range.start)
                .ok()
                .map(|tail| tail.slice(..length.min(tail.len())))
        })
    }

    fn tail(&self, start: u64) -> Result<Bytes, ParquetError> {
        let hold = |&&(first, ref bytes): &&(u64, Bytes)| first <= start && start < first + bytes.len() as u64;
        let (first, bytes) = self
            .chunks
            .iter()
            .find(hold)
            .ok_or_else(|| ParquetError::EOF(format!("no data at byte {start}")))?;
        Ok(bytes.slice(usize::try_from(start - first).expect("an offset in a slice")..))
    }
}

impl Length for FetchedRanges {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for FetchedRanges {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.tail(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let tail = self.tail(start)?;
        if tail.len() < length {
            return Err(ParquetError::EOF(format!(
                "{length} bytes wanted at byte {start}, {} there",
                tail.len()
            )));
        }
        Ok(tail.slice(..length))
    }
}

/// Reads the footer: the last 64 KiB first, the rest of it if it is longer.
async fn footer(file: &StoredFile) -> Result<ArrowReaderMetadata, DataError> {
    let size = file.facts.size;
    let damaged = |source| DataError::Parquet {
        uri: file.facts.uri.clone(),
        place: String::new(),
        source,
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

/// Symbol columns, batch by batch, as runs.
struct SymbolRows {
    rule: TickerRule,
    runs: RunBuilder,
    /// (ordinal of the name, first row, end), before undated rows are taken out.
    pending: Vec<(Option<u32>, u32, u32)>,
    rows: u32,
}

impl SymbolRows {
    fn new(rule: TickerRule) -> Self {
        Self {
            rule,
            runs: RunBuilder::default(),
            pending: Vec::new(),
            rows: 0,
        }
    }

    fn append(&mut self, array: &ArrayRef, origin: Origin<'_>) -> Result<(), DataError> {
        if let Some(dictionary) = array
            .as_dictionary_opt::<Int32Type>()
            .filter(|it| it.values().data_type() == &DataType::Utf8)
        {
            let names = dictionary.values().as_string::<i32>();
            let ordinals: Vec<Option<u32>> = names.iter().map(|cell| self.name(cell)).collect();
            let keys = dictionary.keys();
            if keys.null_count() == 0 {
                for run in keys.values().chunk_by(|a, b| a == b) {
                    let ordinal = usize::try_from(run[0])
                        .ok()
                        .and_then(|key| ordinals.get(key).copied())
                        .flatten();
                    self.push(ordinal, run.len());
                }
            } else {
                for key in keys {
                    self.push(
                        key.and_then(|key| ordinals.get(usize::try_from(key).ok()?).copied())
                            .flatten(),
                        1,
                    );
                }
            }
            return Ok(());
        }
        let text = as_text(array, origin)?;
        let mut last: (Option<&str>, Option<u32>) = (None, None);
        for cell in &text {
            if cell != last.0 || cell.is_none() {
                last = (cell, self.name(cell));
            }
            self.push(last.1, 1);
        }
        Ok(())
    }

    fn name(&mut self, cell: Option<&str>) -> Option<u32> {
        let text = cells::symbol_text(cell?)?;
        let symbol = ticker::canonical(&text, self.rule);
        (!symbol.is_empty()).then(|| self.runs.name(&symbol))
    }

    fn push(&mut self, name: Option<u32>, rows: usize) {
        let end = self.rows + u32::try_from(rows).expect("a block has fewer than 2^32 rows");
        match self.pending.last_mut() {
            Some(last) if last.0 == name => last.2 = end,
            _ => self.pending.push((name, self.rows, end)),
        }
        self.rows = end;
    }

    /// Cuts the runs at rows without a date and builds the keys.
    fn finish(mut self, days: Vec<i32>, undated: &[u32], volume: Vec<f64>) -> Keys {
        let mut next = 0;
        for (name, start, end) in std::mem::take(&mut self.pending) {
            let mut from = start;
            while let Some(&row) = undated.get(next).filter(|&&row| row < end) {
                self.runs.push(name, from, row);
                self.runs.push(None, row, row + 1);
                from = row + 1;
                next += 1;
            }
            self.runs.push(name, from, end);
        }
        self.runs.finish(days, volume, Vec::new())
    }
}
