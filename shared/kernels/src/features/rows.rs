//! Builds a table by its list of columns, cell by cell or column by column, and checks every type on the way.

use super::columns::{ColumnSpec, Kind};
use crate::table::{Column, Table};

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Float64.
    F64(Option<f64>),
    /// Int64.
    I64(Option<i64>),
    /// Int8.
    I8(Option<i8>),
    /// Boolean.
    Bool(Option<bool>),
    /// Text.
    Utf8(Option<String>),
    /// Days since 1970-01-01.
    Date(Option<i32>),
}

/// A table under construction.
#[derive(Debug, Clone)]
pub struct TableBuilder {
    specs: &'static [ColumnSpec],
    columns: Vec<Column>,
    at: usize,
}

impl TableBuilder {
    /// An empty table of these columns.
    #[must_use]
    pub fn new(specs: &'static [ColumnSpec]) -> Self {
        Self {
            specs,
            columns: specs.iter().map(|spec| spec.kind.empty()).collect(),
            at: 0,
        }
    }

    /// Puts the next cell of the row; with the last, the row is complete.
    ///
    /// # Panics
    /// When the column at this place is of another type.
    pub fn put(&mut self, cell: impl Into<Cell>) {
        match (&mut self.columns[self.at], cell.into()) {
            (Column::F64(values), Cell::F64(value)) => values.push(value),
            (Column::I64(values), Cell::I64(value)) => values.push(value),
            (Column::I8(values), Cell::I8(value)) => values.push(value),
            (Column::Bool(values), Cell::Bool(value)) => values.push(value),
            (Column::Utf8(values), Cell::Utf8(value)) => values.push(value),
            (Column::Date(values), Cell::Date(value)) => values.push(value),
            (_, cell) => panic!("{} does not take {cell:?}", self.specs[self.at].name),
        }
        self.at = (self.at + 1) % self.specs.len();
    }

    /// Puts a cell into each of the next columns.
    pub fn put_all<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        for cell in cells {
            self.put(cell);
        }
    }

    /// Appends many values to the next column; with the last column, the block of rows is complete.
    ///
    /// # Panics
    /// When the column at this place is of another type.
    pub fn extend(&mut self, block: Column) {
        match (&mut self.columns[self.at], block) {
            (Column::F64(values), Column::F64(more)) => values.extend(more),
            (Column::I64(values), Column::I64(more)) => values.extend(more),
            (Column::I8(values), Column::I8(more)) => values.extend(more),
            (Column::Bool(values), Column::Bool(more)) => values.extend(more),
            (Column::Utf8(values), Column::Utf8(more)) => values.extend(more),
            (Column::Date(values), Column::Date(more)) => values.extend(more),
            _ => panic!("{} takes another type", self.specs[self.at].name),
        }
        self.at = (self.at + 1) % self.specs.len();
    }

    /// Complete rows so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.last().map_or(0, Column::len)
    }

    /// Drops all rows from this one on.
    pub fn truncate(&mut self, rows: usize) {
        for column in &mut self.columns {
            column.truncate(rows);
        }
    }

    /// The table.
    ///
    /// # Panics
    /// When a row is not complete.
    #[must_use]
    pub fn finish(self) -> Table {
        assert!(self.at == 0, "a row has a cell for every column");
        let names = self.specs.iter().map(|spec| spec.name.as_str());
        Table::new(names.zip(self.columns).collect())
    }
}

impl Kind {
    fn empty(self) -> Column {
        match self {
            Self::F64 => Column::F64(Vec::new()),
            Self::I64 => Column::I64(Vec::new()),
            Self::I8 => Column::I8(Vec::new()),
            Self::Bool => Column::Bool(Vec::new()),
            Self::Utf8 => Column::Utf8(Vec::new()),
            Self::Date => Column::Date(Vec::new()),
        }
    }
}

macro_rules! cells {
    ($($type:ty => $kind:ident),*) => {$(
        impl From<$type> for Cell {
            fn from(value: $type) -> Self {
                Self::$kind(Some(value))
            }
        }

        impl From<Option<$type>> for Cell {
            fn from(value: Option<$type>) -> Self {
                Self::$kind(value)
            }
        }
    )*};
}

cells!(f64 => F64, i64 => I64, i8 => I8, bool => Bool, String => Utf8);
