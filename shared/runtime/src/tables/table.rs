//! Kernel tables as record batches.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int8Array, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use tickfleet_kernels::scan::table::{Column, Table};

use super::TableError;

/// A table as a record batch: same names, types and order. Every column may hold nulls.
///
/// # Errors
/// [`TableError::Arrow`] if the columns differ in length.
pub fn batch(table: &Table) -> Result<RecordBatch, TableError> {
    let arrays: Vec<ArrayRef> = table.columns().iter().map(|(_, column)| array(column)).collect();
    let fields: Vec<Field> = table
        .columns()
        .iter()
        .zip(&arrays)
        .map(|((name, _), it)| Field::new(*name, it.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|source| TableError::Arrow { what: "built", source })
}

fn array(column: &Column) -> ArrayRef {
    match column {
        Column::F64(values) => Arc::new(Float64Array::from(values.clone())),
        Column::I32(values) => Arc::new(Int32Array::from(values.clone())),
        Column::I64(values) => Arc::new(Int64Array::from(values.clone())),
        Column::Utf8(values) => Arc::new(StringArray::from_iter(values)),
        Column::Date(values) => Arc::new(Date32Array::from(values.clone())),
        Column::I8(values) => Arc::new(Int8Array::from(values.clone())),
        Column::Bool(values) => Arc::new(BooleanArray::from(values.clone())),
    }
}
