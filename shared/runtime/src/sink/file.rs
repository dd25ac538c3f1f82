//! One result file: created beside its place, filled, synced, renamed; or created in the temporary folder and uploaded.
//!
//! Blocking I/O; call it off the async threads. A sink that is dropped without [`FileSink::finish`] leaves nothing
//! behind. Read next: `encode`.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::compute::BatchCoalescer;
use arrow::datatypes::{Schema, SchemaRef};
use tempfile::{Builder, NamedTempFile, TempPath};

use super::encode::Encoder;
use super::error::EncodeError;
use super::recorder::{ErrorSlot, Recorder};
use super::target::remote_uri;
use super::{Format, Metadata, SinkError};
use crate::objects::upload;

/// Rows that are encoded at a time: input batches are recut to this, so that their cuts leave no trace in the bytes.
const BATCH_ROWS: usize = 8_192;
/// Bytes gathered before each write to the file.
const BUFFER_BYTES: usize = 256 << 10;

/// A result file in the middle of being written.
pub struct FileSink {
    path: PathBuf,
    format: Format,
    schema: SchemaRef,
    batches: BatchCoalescer,
    /// `None` once a write has failed: what is there can never become the file.
    encoder: Option<Encoder>,
    errors: ErrorSlot,
    temporary: TempPath,
}

impl FileSink {
    /// Opens a temporary file in the folder of `path` and writes the format's header. What goes to object storage waits
    /// in the system's temporary folder.
    ///
    /// Metadata that the schema carries itself is kept; `metadata` comes on top of it.
    ///
    /// # Errors
    /// The folder is missing or refuses files, `path` is a folder, or the disk is full.
    pub fn create(path: &Path, schema: SchemaRef, format: Format, metadata: &Metadata) -> Result<Self, SinkError> {
        let (file, temporary) = match remote_uri(path) {
            Some(_) => temporary_beside(&std::env::temp_dir().join("result"))?.into_parts(),
            None => temporary_beside(path)?.into_parts(),
        };
        let errors = ErrorSlot::default();
        let output = BufWriter::with_capacity(BUFFER_BYTES, Recorder::new(file, errors.clone()));
        let encoder = Encoder::open(format, &schema, metadata, output)
            .map_err(|error| encode_error(path, format, &errors, error))?;
        let batches = BatchCoalescer::new(SchemaRef::new(Schema::new(schema.fields().clone())), BATCH_ROWS);
        Ok(Self {
            path: path.to_owned(),
            format,
            schema,
            batches,
            encoder: Some(encoder),
            errors,
            temporary,
        })
    }

    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// The batch has other columns than the file, or the disk failed; after an error the sink is of no more use.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        if batch.schema_ref().fields() != self.schema.fields() {
            return Err(SinkError::SchemaMismatch {
                path: self.path.clone(),
                expected: columns(&self.schema),
                found: columns(batch.schema_ref()),
            });
        }
        let pushed = self.batches.push_batch(batch.clone());
        pushed.map_err(|error| self.fail(error.into()))?;
        self.drain()
    }

    /// Ends the file, syncs it and renames it to its place.
    ///
    /// # Errors
    /// As [`FileSink::close`] and [`ClosedFile::publish`].
    pub fn finish(self) -> Result<(), SinkError> {
        self.close()?.publish()
    }

    /// Ends the file and syncs it, still under its temporary name.
    ///
    /// # Errors
    /// The disk failed, now or in an earlier write; nothing is left behind.
    pub fn close(mut self) -> Result<ClosedFile, SinkError> {
        let flushed = self.batches.finish_buffered_batch();
        flushed.map_err(|error| self.fail(error.into()))?;
        self.drain()?;
        let encoder = self.encoder.take().ok_or_else(|| SinkError::Failed {
            path: self.path.clone(),
        })?;
        let output = encoder.finish().map_err(|error| self.fail(error))?;
        // The encoder has flushed, so nothing is lost with the buffer.
        let (recorder, _) = output.into_parts();
        recorder
            .into_file()
            .sync_all()
            .map_err(|error| SinkError::io("sync", &self.path, error))?;
        Ok(ClosedFile {
            path: self.path,
            temporary: self.temporary,
        })
    }

    fn drain(&mut self) -> Result<(), SinkError> {
        while let Some(batch) = self.batches.next_completed_batch() {
            let encoder = self.encoder.as_mut().ok_or_else(|| SinkError::Failed {
                path: self.path.clone(),
            })?;
            encoder.write(&batch).map_err(|error| self.fail(error))?;
        }
        Ok(())
    }

    fn fail(&mut self, error: EncodeError) -> SinkError {
        self.encoder = None;
        encode_error(&self.path, self.format, &self.errors, error)
    }
}

/// A result file that is whole but not yet in its place: files that belong together are closed, then published.
///
/// Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct ClosedFile {
    path: PathBuf,
    temporary: TempPath,
}

impl ClosedFile {
    /// Renames the file to its place, or uploads it there.
    ///
    /// # Errors
    /// The folder refuses the new name, or the store the upload.
    pub fn publish(self) -> Result<(), SinkError> {
        if let Some(uri) = remote_uri(&self.path) {
            return upload::put(&self.temporary, uri).map_err(SinkError::Upload);
        }
        self.temporary
            .persist(&self.path)
            .map_err(|error| SinkError::io("rename into place", &self.path, error.error))
    }
}

/// The folder that holds a path.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A new file in the folder of `path`, gone when dropped; its permissions are those of any new file.
pub(super) fn temporary_beside(path: &Path) -> Result<NamedTempFile, SinkError> {
    let folder = folder_of(path);
    if path.is_dir() {
        return Err(SinkError::IsAFolder { path: path.to_owned() });
    }
    match fs::metadata(folder) {
        Ok(found) if !found.is_dir() => {
            return Err(SinkError::NotAFolder {
                path: folder.to_owned(),
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SinkError::MissingFolder {
                path: path.to_owned(),
                folder: folder.to_owned(),
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(SinkError::NotAFolder {
                path: folder.to_owned(),
            });
        }
        _ => {}
    }
    // Opened here rather than by the builder, whose errors name the temporary file: nobody asked for that one.
    let open = |name: &Path| OpenOptions::new().read(true).write(true).create_new(true).open(name);
    let named = Builder::new()
        .prefix(".tickfleet-")
        .suffix(".tmp")
        .make_in(folder, open);
    named.map_err(|error| SinkError::io("create a file beside", path, error))
}

fn encode_error(path: &Path, format: Format, errors: &ErrorSlot, error: EncodeError) -> SinkError {
    match errors.take() {
        Some(source) => SinkError::io("write", path, source),
        None => SinkError::Encode {
            path: path.to_owned(),
            format,
            source: error,
        },
    }
}

fn columns(schema: &Schema) -> String {
    let names: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| format!("{} {}", field.name(), field.data_type()))
        .collect();
    names.join(", ")
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
