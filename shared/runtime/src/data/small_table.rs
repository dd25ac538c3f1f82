//! Small tables: read whole, by submit for the facts and by each worker that joins them to a run's rows.
//!
//! One reader for all of them, row by row: what a table is called, which columns it has and what its cells mean is the
//! caller's. Cells follow the rules of the scan whether the file is text or Parquet. Nothing here is unbounded: bytes
//! and rows have limits. Read next: [`super::universe`], [`super::joined`].

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use tickfleet_kernels::scan::cells;
use tickfleet_protocol::digest::Digester;
use tickfleet_protocol::facts::{FileFormat, TableFacts};

use super::columns::ColumnNames;
use super::convert::{Origin, append_numbers_with_infinities, as_text, date_cells};
use super::error::DataError;
use super::file::StoredFile;
use super::inputs::read_ranges;
use super::parquet::ParquetFile;
use super::text::TextFile;
use super::text_parse::{cell, records};

/// Most rows of a table, all files together.
const ROWS_MAX: u64 = 2 << 20;

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellKind {
    /// Text as it stands there.
    Text,
    /// A number.
    Number,
    /// A day.
    Date,
}

/// A date cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateCell {
    /// Empty, or the file has no such column.
    Missing,
    /// Days since 1970-01-01.
    Day(i32),
    /// Something that is no date.
    Unreadable,
}

/// A table's shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Its name in messages and digests.
    pub(super) table: &'static str,
    /// Its columns.
    pub(super) columns: &'static [ColumnNames],
    /// What their cells are.
    pub(super) kinds: &'static [CellKind],
    /// Most bytes of all files together, packed or not.
    pub(super) bytes_max: u64,
}

/// A table as read.
#[derive(Debug, Clone)]
pub struct ReadTable<T> {
    /// Its rows by the rules of the scan.
    pub rows: Arc<T>,
    /// Its files, digest and unplaced rows.
    pub facts: TableFacts,
}

/// One row; columns by their ordinals in the shape.
pub(super) struct Row<'a>(Cells<'a>);

enum Cells<'a> {
    Text(&'a TextFile, &'a csv::ByteRecord),
    Columns(&'a [Option<Decoded>], usize),
}

/// A decoded column of a row group.
enum Decoded {
    Text(StringArray),
    Numbers(Vec<f64>),
    Dates(Vec<DateCell>),
}

impl Row<'_> {
    /// A cell of text.
    pub(super) fn text(&self, column: usize) -> Option<&str> {
        match &self.0 {
            Cells::Text(file, record) => cell(record, file.place(column)),
            Cells::Columns(columns, row) => match &columns[column] {
                Some(Decoded::Text(texts)) if texts.is_valid(*row) => Some(texts.value(*row)),
                _ => None,
            },
        }
    }

    /// A number; infinities stay, what is unreadable is null.
    pub(super) fn number(&self, column: usize) -> Option<f64> {
        match &self.0 {
            Cells::Text(..) => self.text(column).and_then(cells::number),
            Cells::Columns(columns, row) => match &columns[column] {
                Some(Decoded::Numbers(values)) => Some(values[*row]).filter(|value| !value.is_nan()),
                _ => None,
            },
        }
    }

    /// A day.
    pub(super) fn date(&self, column: usize) -> DateCell {
        match &self.0 {
            Cells::Text(..) => self.text(column).map_or(DateCell::Missing, date_cell),
            Cells::Columns(columns, row) => match &columns[column] {
                Some(Decoded::Dates(days)) => days[*row],
                _ => DateCell::Missing,
            },
        }
    }

    /// A day; null when missing or unreadable.
    pub(super) fn day(&self, column: usize) -> Option<i32> {
        match self.date(column) {
            DateCell::Day(day) => Some(day),
            DateCell::Missing | DateCell::Unreadable => None,
        }
    }
}

/// What a text says of a date.
pub(super) fn date_cell(text: &str) -> DateCell {
    if cells::is_null_text(text) {
        return DateCell::Missing;
    }
    cells::date(text).map_or(DateCell::Unreadable, DateCell::Day)
}

/// Reads a table from its files, given in input order. `push` takes a row and says whether it could be placed.
///
/// # Errors
/// Files that cannot be read, missing columns, more bytes or rows than the limits.
pub(super) async fn read_table(
    shape: &Shape,
    files: &[StoredFile],
    push: impl FnMut(&Row<'_>) -> bool,
) -> Result<TableFacts, DataError> {
    let mut reading = Reading {
        shape,
        push,
        rows: 0,
        unplaced: 0,
    };
    let mut digester = Digester::new(shape.table);
    let mut room = shape.bytes_max;
    for file in files {
        let bytes = file.read_all(room).await?;
        room -= file.facts.size.min(room);
        digester.part(&bytes);
        match file.facts.format {
            FileFormat::Parquet => reading.parquet(file.clone()).await?,
            _ => reading.text(file.clone()).await?,
        }
    }
    Ok(TableFacts {
        files: files.iter().map(|file| file.facts.clone()).collect(),
        digest: digester.finish(),
        unplaced_rows: reading.unplaced,
    })
}

struct Reading<'a, F> {
    shape: &'a Shape,
    push: F,
    rows: u64,
    unplaced: u64,
}

impl<F: FnMut(&Row<'_>) -> bool> Reading<'_, F> {
    fn push(&mut self, row: &Row<'_>) {
        self.unplaced += u64::from(!(self.push)(row));
    }

    fn count(&mut self, rows: usize, uri: &str) -> Result<(), DataError> {
        self.rows += rows as u64;
        if self.rows <= ROWS_MAX {
            return Ok(());
        }
        Err(DataError::TooLarge {
            uri: uri.to_owned(),
            what: format!("the {} table ({} rows so far)", self.shape.table, self.rows),
            limit: format!("{ROWS_MAX} rows"),
        })
    }

    async fn text(&mut self, file: StoredFile) -> Result<(), DataError> {
        let file = TextFile::open(self.shape.table, self.shape.columns, file).await?;
        let body = file.body(self.shape.bytes_max).await?;
        // A line has a row at most.
        self.count(memchr::memchr_iter(b'\n', &body).count(), &file.file.facts.uri)?;
        records(&body, |_, record| self.push(&Row(Cells::Text(&file, record))));
        Ok(())
    }

    async fn parquet(&mut self, file: StoredFile) -> Result<(), DataError> {
        let file = ParquetFile::open(self.shape.table, self.shape.columns, file).await?;
        let wanted: Vec<usize> = (0..self.shape.columns.len()).collect();
        for group in 0..file.groups() {
            self.count(file.rows(group), &file.file.facts.uri)?;
            let chunks = read_ranges(&file.file, file.ranges(group, &wanted)).await?;
            file.batches(group, chunks, |arrays| {
                let columns = self.decoded(arrays, &file)?;
                let rows = arrays.iter().flatten().next().map_or(0, Array::len);
                (0..rows).for_each(|row| self.push(&Row(Cells::Columns(&columns, row))));
                Ok(())
            })?;
        }
        Ok(())
    }

    fn decoded(&self, arrays: &[Option<ArrayRef>], file: &ParquetFile) -> Result<Vec<Option<Decoded>>, DataError> {
        let column = |(ordinal, array): (usize, &Option<ArrayRef>)| {
            let kind = self.shape.kinds[ordinal];
            let decoded = array.as_ref().map(|array| decode(kind, array, file.origin(ordinal)));
            decoded.transpose()
        };
        arrays.iter().enumerate().map(column).collect()
    }
}

fn decode(kind: CellKind, array: &ArrayRef, origin: Origin<'_>) -> Result<Decoded, DataError> {
    Ok(match kind {
        CellKind::Text => Decoded::Text(as_text(array, origin)?),
        CellKind::Number => {
            let mut values = Vec::with_capacity(array.len());
            append_numbers_with_infinities(&mut values, array, origin)?;
            Decoded::Numbers(values)
        }
        CellKind::Date => Decoded::Dates(date_cells(array, origin)?),
    })
}
