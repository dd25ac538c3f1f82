//! What can go wrong with a result file, and what mends it.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

use super::Format;
use crate::failure::{ExitStatus, Failure};
use crate::objects::upload::UploadError;

/// A result file could not be named, opened, written or put in place.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The file's ending names no format.
    #[error(
        "cannot tell the format of {}: its name must end in {} (or end in / for a folder of Parquet files)",
        path.display(), endings()
    )]
    UnknownEnding {
        /// The path as given.
        path: PathBuf,
    },
    /// A URI with a scheme other than `file`.
    #[error(
        "cannot write to {uri}: results are written to local paths, file://, s3://, gs:// and az://, not to {scheme}://; \
         write a local file and copy it there"
    )]
    UnsupportedScheme {
        /// The URI as given.
        uri: String,
        /// Its scheme.
        scheme: String,
    },
    /// Object storage did not take it.
    #[error(transparent)]
    Upload(UploadError),
    /// A `file://` URI that names no local path.
    #[error("cannot read {uri} as a local path: expected file:///absolute/path, with %XX escapes of UTF-8")]
    BadFileUri {
        /// The URI as given.
        uri: String,
    },
    /// No path at all.
    #[error("the output path is empty: name a file such as ranked.parquet, or a folder such as results/")]
    EmptyPath,
    /// The folder that is to hold the file does not exist.
    #[error("cannot write {}: the folder {} does not exist; create it or choose another", path.display(), folder.display())]
    MissingFolder {
        /// The file that was to be written.
        path: PathBuf,
        /// The folder that is missing.
        folder: PathBuf,
    },
    /// Something that is not a folder stands where a folder is needed.
    #[error("cannot write below {}: it is a file, not a folder; choose another path", path.display())]
    NotAFolder {
        /// The path that is no folder.
        path: PathBuf,
    },
    /// A folder stands where the file is to go.
    #[error("cannot write {}: it is a folder; add a / to its end to write into it, or choose another path", path.display())]
    IsAFolder {
        /// The path that is a folder.
        path: PathBuf,
    },
    /// The folder refuses new files.
    #[error("cannot write {}: its folder is read-only for this user; change its permissions or choose another", path.display())]
    ReadOnly {
        /// The file or folder that was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk or the quota is full.
    #[error("cannot write {}: the disk or the quota is full; free some space or choose another disk", path.display())]
    NoSpace {
        /// The file that was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file reached the most bytes that this process may write to one.
    #[error("cannot write {}: it is larger than a file may be here; raise the limit (ulimit -f) or choose another disk", path.display())]
    TooLarge {
        /// The file that was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Any other failure of the file system.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was attempted: a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A batch has other columns than the file.
    #[error("cannot write {}: a batch has columns ({found}) where the file has ({expected})", path.display())]
    SchemaMismatch {
        /// The file.
        path: PathBuf,
        /// The file's columns and types.
        expected: String,
        /// The batch's columns and types.
        found: String,
    },
    /// The sink is used again after it failed.
    #[error("cannot go on with {}: an earlier write failed", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
    },
    /// The encoder refused a batch.
    #[error("cannot encode {} as {}", path.display(), format.ending())]
    Encode {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: Format,
        /// What the encoder said.
        source: EncodeError,
    },
}

/// What an encoder said.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum EncodeError {
    /// CSV, JSON or Arrow IPC.
    Arrow(#[from] ArrowError),
    /// Parquet.
    Parquet(#[from] ParquetError),
}

impl SinkError {
    /// The error as the user reads it: what cannot be reached now ends a command otherwise than what never works.
    #[must_use]
    pub fn failure(&self, status: ExitStatus) -> Failure {
        match self {
            Self::Upload(error) if error.is_outage() => {
                Failure::from_error(ExitStatus::Unreachable, self).help(error.help())
            }
            Self::Upload(error) => Failure::from_error(status, self).help(error.help()),
            _ => Failure::from_error(status, self),
        }
    }

    /// Names an I/O failure by its kind.
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, source },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path, source },
            io::ErrorKind::FileTooLarge => Self::TooLarge { path, source },
            _ => Self::Io { action, path, source },
        }
    }
}

fn endings() -> String {
    let mut text = String::new();
    for (i, format) in Format::ALL.into_iter().enumerate() {
        text += match i {
            0 => ".",
            _ if i + 1 == Format::ALL.len() => " or .",
            _ => ", .",
        };
        text += format.ending();
    }
    text
}
