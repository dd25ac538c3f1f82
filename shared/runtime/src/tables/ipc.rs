//! Record batches as Arrow IPC files in memory: uncompressed, so that reading is a look-up.

use std::io::Cursor;

use arrow::datatypes::Schema;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;

use super::TableError;

/// Batches of one schema as an IPC file.
///
/// # Errors
/// [`TableError::Arrow`].
pub fn encode(schema: &Schema, batches: &[RecordBatch]) -> Result<Bytes, TableError> {
    let write = || {
        let size: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
        let mut writer = FileWriter::try_new(Vec::with_capacity(size + 4_096), schema)?;
        batches.iter().try_for_each(|batch| writer.write(batch))?;
        writer.into_inner()
    };
    write().map(Bytes::from).map_err(|source| TableError::Arrow {
        what: "written",
        source,
    })
}

/// The only batch of an IPC file.
///
/// # Errors
/// [`TableError::Arrow`] for damaged bytes, [`TableError::Batch`] for an empty file.
pub fn decode(bytes: &Bytes) -> Result<RecordBatch, TableError> {
    decode_at(bytes, 0)
}

/// Batch `at` of an IPC file; the others are not read.
///
/// # Errors
/// As [`decode`].
pub fn decode_at(bytes: &Bytes, at: usize) -> Result<RecordBatch, TableError> {
    let read = |source| TableError::Arrow { what: "read", source };
    let mut reader = FileReader::try_new(Cursor::new(bytes), None).map_err(read)?;
    let found = reader.num_batches();
    if at >= found {
        return Err(TableError::Batch { wanted: at, found });
    }
    reader.set_index(at).map_err(read)?;
    reader
        .next()
        .ok_or(TableError::Batch { wanted: at, found })?
        .map_err(read)
}
