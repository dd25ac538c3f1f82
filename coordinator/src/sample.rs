//! The built-in sample data.

use std::io;
use std::path::{Path, PathBuf};

/// Where a sample lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFiles {
    /// The daily bars.
    pub bars: PathBuf,
    /// The universe table.
    pub universe: PathBuf,
}

/// A sample could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The folder holds something else.
    #[error("cannot write the sample to {}: the folder is not empty", dir.display())]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// The file system failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was attempted: a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Writes the sample to a folder; `progress` is told the symbols done and their total.
///
/// # Errors
/// The sample is not built into this program.
pub fn write_sample(dir: &Path, _progress: impl FnMut(usize, usize)) -> Result<SampleFiles, SampleError> {
    let source = io::Error::from(io::ErrorKind::Unsupported);
    Err(SampleError::Io {
        action: "write the sample to",
        path: dir.to_owned(),
        source,
    })
}
