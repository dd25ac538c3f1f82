//! Tables of typed columns, the form in which results leave the kernels. No formats, no I/O.

/// A column's values; `None` is null.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Finite 64-bit floats.
    F64(Vec<Option<f64>>),
    /// 32-bit integers.
    I32(Vec<Option<i32>>),
    /// 64-bit integers.
    I64(Vec<Option<i64>>),
    /// Text.
    Utf8(Vec<Option<String>>),
    /// Days since 1970-01-01.
    Date(Vec<Option<i32>>),
    /// 8-bit integers.
    I8(Vec<Option<i8>>),
    /// Truth values.
    Bool(Vec<Option<bool>>),
}

impl Column {
    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F64(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::Utf8(values) => values.len(),
            Self::Date(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::Bool(values) => values.len(),
        }
    }

    /// True when there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops the values from this place on.
    pub fn truncate(&mut self, rows: usize) {
        match self {
            Self::F64(values) => values.truncate(rows),
            Self::I32(values) => values.truncate(rows),
            Self::I64(values) => values.truncate(rows),
            Self::Utf8(values) => values.truncate(rows),
            Self::Date(values) => values.truncate(rows),
            Self::I8(values) => values.truncate(rows),
            Self::Bool(values) => values.truncate(rows),
        }
    }

    /// The values at these positions, in this order.
    fn take(&self, rows: &[usize]) -> Self {
        fn pick<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|row| values[*row].clone()).collect()
        }
        match self {
            Self::F64(values) => Self::F64(pick(values, rows)),
            Self::I32(values) => Self::I32(pick(values, rows)),
            Self::I64(values) => Self::I64(pick(values, rows)),
            Self::Utf8(values) => Self::Utf8(pick(values, rows)),
            Self::Date(values) => Self::Date(pick(values, rows)),
            Self::I8(values) => Self::I8(pick(values, rows)),
            Self::Bool(values) => Self::Bool(pick(values, rows)),
        }
    }
}

/// Named columns of equal length, in the order of the result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    columns: Vec<(&'static str, Column)>,
}

impl Table {
    /// A table of these columns.
    ///
    /// # Panics
    /// When the columns differ in length.
    #[must_use]
    pub fn new(columns: Vec<(&'static str, Column)>) -> Self {
        let rows = columns.first().map_or(0, |(_, column)| column.len());
        assert!(
            columns.iter().all(|(_, column)| column.len() == rows),
            "the columns of a table are equally long"
        );
        Self { columns }
    }

    /// Names and columns, in order.
    #[must_use]
    pub fn columns(&self) -> &[(&'static str, Column)] {
        &self.columns
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|(column, _)| *column == name)
            .map(|(_, column)| column)
    }

    /// The values of a column of 64-bit floats.
    ///
    /// # Panics
    /// When there is no such column.
    #[must_use]
    pub fn f64s(&self, name: &str) -> &[Option<f64>] {
        match self.column(name) {
            Some(Column::F64(values)) => values,
            _ => panic!("{name} is no column of 64-bit floats"),
        }
    }

    /// The values of a column of 64-bit integers.
    ///
    /// # Panics
    /// When there is no such column.
    #[must_use]
    pub fn i64s(&self, name: &str) -> &[Option<i64>] {
        match self.column(name) {
            Some(Column::I64(values)) => values,
            _ => panic!("{name} is no column of 64-bit integers"),
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// The rows at these positions, in this order, under the same columns.
    ///
    /// # Panics
    /// When a position is beyond the last row.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        Self {
            columns: self
                .columns
                .iter()
                .map(|(name, column)| (*name, column.take(rows)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_in_the_order_asked() {
        let table = Table::new(vec![
            ("a", Column::I32(vec![Some(1), None, Some(3)])),
            ("b", Column::Utf8(vec![None, Some("x".into()), Some("y".into())])),
        ]);
        let taken = table.take(&[2, 0]);
        assert_eq!(taken.rows(), 2);
        assert_eq!(taken.column("a"), Some(&Column::I32(vec![Some(3), Some(1)])));
        assert_eq!(taken.column("b"), Some(&Column::Utf8(vec![Some("y".into()), None])));
        assert_eq!(taken.column("c"), None);
    }

    #[test]
    #[should_panic(expected = "equally long")]
    fn ragged_columns_are_refused() {
        let _ = Table::new(vec![("a", Column::Date(vec![Some(1)])), ("b", Column::I64(vec![]))]);
    }
}
