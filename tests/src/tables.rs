//! Reads result tables and other Parquet files into memory, column by column, in the plainest types.
//!
//! It goes by the file format's own library and by nothing of the product, so that a suite can hold the product's
//! reading and writing against it. It judges nothing.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// The tables that `--out DIR/` writes.
pub const TABLES: [&str; 4] = ["ranked", "scored", "rejected", "funnel"];

/// All rows of a Parquet file.
///
/// # Panics
/// When the file can't be read.
#[track_caller]
pub fn read_parquet(path: &Path) -> RecordBatch {
    let file = File::open(path).unwrap_or_else(|error| panic!("can't open {}: {error}", path.display()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap_or_else(|error| panic!("{} is no Parquet file: {error}", path.display()));
    let schema = builder.schema().clone();
    let reader = builder.build().expect("an open Parquet file can be read");
    let batches: Vec<RecordBatch> = reader
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{} is damaged: {error}", path.display()));
    concat_batches(&schema, &batches).expect("batches of one file have one schema")
}

/// The key-value pairs of a Parquet file's metadata, in order.
///
/// # Panics
/// When the file can't be read.
#[track_caller]
pub fn parquet_metadata(path: &Path) -> Vec<(String, Option<String>)> {
    let file = File::open(path).unwrap_or_else(|error| panic!("can't open {}: {error}", path.display()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap_or_else(|error| panic!("{} is no Parquet file: {error}", path.display()));
    let pairs = builder.metadata().file_metadata().key_value_metadata();
    let pairs = pairs.into_iter().flatten();
    pairs.map(|pair| (pair.key.clone(), pair.value.clone())).collect()
}

/// The names of a table's columns, in order.
pub fn column_names(table: &RecordBatch) -> Vec<String> {
    table
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect()
}

/// A column as text; integers, numbers and dates as they print.
///
/// # Panics
/// When there is no such column.
#[track_caller]
pub fn texts(table: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = as_type(table, name, &DataType::Utf8);
    let values = column.as_string::<i32>();
    values.iter().map(|value| value.map(str::to_owned)).collect()
}

/// A column of text that has no nulls.
///
/// # Panics
/// When there is no such column, or it has a null.
#[track_caller]
pub fn known_texts(table: &RecordBatch, name: &str) -> Vec<String> {
    let values = texts(table, name).into_iter();
    values
        .map(|value| value.unwrap_or_else(|| panic!("{name} has a null")))
        .collect()
}

/// A column as 64-bit floats.
///
/// # Panics
/// When there is no such column of numbers.
#[track_caller]
pub fn floats(table: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    let column = as_type(table, name, &DataType::Float64);
    column.as_primitive::<Float64Type>().iter().collect()
}

/// A column as 64-bit integers.
///
/// # Panics
/// When there is no such column of integers.
#[track_caller]
pub fn integers(table: &RecordBatch, name: &str) -> Vec<Option<i64>> {
    let column = as_type(table, name, &DataType::Int64);
    column.as_primitive::<Int64Type>().iter().collect()
}

/// A column of dates as days since 1970-01-01.
///
/// # Panics
/// When there is no such column of dates.
#[track_caller]
pub fn days(table: &RecordBatch, name: &str) -> Vec<Option<i32>> {
    let column = as_type(table, name, &DataType::Date32);
    column.as_primitive::<Date32Type>().iter().collect()
}

#[track_caller]
fn as_type(table: &RecordBatch, name: &str, wanted: &DataType) -> std::sync::Arc<dyn Array> {
    let column = table
        .column_by_name(name)
        .unwrap_or_else(|| panic!("the table has no column {name}"));
    cast(column, wanted).unwrap_or_else(|error| panic!("{name} can't be read as {wanted}: {error}"))
}
