//! Record batches to bytes, one variant a format.
//!
//! Every option that could make bytes differ between two writes of the same rows is fixed here: no timestamps, one
//! `created_by`, one compression, row groups by count. Never touches a path. Read next: `file`.

use std::io::{BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::csv;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::ipc::writer::FileWriter;
use arrow::json::{ArrayWriter, LineDelimitedWriter, WriterBuilder};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::error::EncodeError;
use super::recorder::Recorder;
use super::{Format, Metadata};

/// Rows in a Parquet row group.
const ROW_GROUP_ROWS: usize = 131_072;
/// Bytes at which a row group of wide rows is closed early: what bounds the memory of a Parquet file being written.
const ROW_GROUP_BYTES: usize = 24 << 20;
/// Zstandard level: smaller files than the fastest level at nearly its speed.
const ZSTD_LEVEL: i32 = 3;

type Output = BufWriter<Recorder>;

/// An encoder in the middle of a file.
pub(super) enum Encoder {
    Parquet(Box<ArrowWriter<Output>>),
    Csv(Box<csv::Writer<Output>>),
    Json(ArrayWriter<Output>),
    Jsonl(LineDelimitedWriter<Output>),
    Arrow(Box<FileWriter<Output>>),
}

impl Encoder {
    /// Opens an encoder; formats with a header write it now, so a table without rows is a valid file.
    pub(super) fn open(
        format: Format,
        schema: &SchemaRef,
        metadata: &Metadata,
        output: Output,
    ) -> Result<Self, EncodeError> {
        let json = WriterBuilder::new().with_explicit_nulls(true);
        Ok(match format {
            Format::Parquet => {
                let properties = parquet_properties(schema, metadata)?;
                // Some readers look at the file's pairs, others only at those of the embedded Arrow schema.
                let described = SchemaRef::new(with_metadata(schema, metadata));
                Self::Parquet(Box::new(ArrowWriter::try_new(output, described, Some(properties))?))
            }
            Format::Csv => {
                let mut writer = csv::WriterBuilder::new().with_header(true).build(output);
                writer.write(&RecordBatch::new_empty(schema.clone()))?;
                Self::Csv(Box::new(writer))
            }
            Format::Json => Self::Json(json.build(output)),
            Format::Jsonl => Self::Jsonl(json.build(output)),
            Format::Arrow => {
                let described = with_metadata(schema, metadata);
                Self::Arrow(Box::new(FileWriter::try_new(output, &described)?))
            }
        })
    }

    /// Adds the rows of a batch.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        match self {
            Self::Parquet(writer) => writer.write(batch)?,
            Self::Csv(writer) => writer.write(batch)?,
            Self::Json(writer) => writer.write(batch)?,
            Self::Jsonl(writer) => writer.write(batch)?,
            Self::Arrow(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    /// Writes what ends the file and gives the output back, flushed.
    pub(super) fn finish(self) -> Result<Output, EncodeError> {
        let mut output = match self {
            Self::Parquet(writer) => writer.into_inner()?,
            Self::Csv(writer) => writer.into_inner(),
            Self::Json(mut writer) => {
                writer.finish()?;
                writer.into_inner()
            }
            Self::Jsonl(mut writer) => {
                writer.finish()?;
                writer.into_inner()
            }
            Self::Arrow(writer) => writer.into_inner()?,
        };
        output.flush().map_err(arrow::error::ArrowError::from)?;
        Ok(output)
    }
}

fn parquet_properties(schema: &Schema, metadata: &Metadata) -> Result<WriterProperties, EncodeError> {
    let pairs = metadata
        .iter()
        .map(|(key, value)| KeyValue::new(key.to_owned(), value.to_owned()))
        .collect();
    let properties = WriterProperties::builder()
        .set_created_by("tickfleet".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_key_value_metadata(Some(pairs));
    // Numbers that hardly repeat gain nothing by a dictionary, and one for each of their columns would take most of the
    // memory.
    let floats = schema
        .fields()
        .iter()
        .filter(|field| field.data_type() == &DataType::Float64);
    let properties = floats.fold(properties, |properties, field| {
        properties.set_column_dictionary_enabled(ColumnPath::from(field.name().as_str()), false)
    });
    Ok(properties.build())
}

fn with_metadata(schema: &Schema, metadata: &Metadata) -> Schema {
    let mut pairs = schema.metadata().clone();
    pairs.extend(metadata.iter());
    schema.clone().with_metadata(pairs)
}
