//! Kernel tables and map rows as Arrow record batches, and those as bytes.
//!
//! Column names, types and order are the kernels'; nothing is decided here.

mod ipc;
mod map_rows;
mod result_file;
mod table;

use arrow::error::ArrowError;
use thiserror::Error;

pub use ipc::{decode, decode_at, encode};
pub use map_rows::{MapRowsBuilder, map_rows};
pub use result_file::{ResultFile, ResultFileError};
pub use table::batch;

/// Bytes or a batch that are not what they should be.
#[derive(Debug, Error)]
pub enum TableError {
    /// Arrow refused.
    #[error("a result table cannot be {what}")]
    Arrow {
        /// What was tried: `written`, `read`.
        what: &'static str,
        /// What Arrow said.
        #[source]
        source: ArrowError,
    },
    /// A column is missing or has another type.
    #[error("a result table lacks the column `{0}` in its type")]
    Column(String),
    /// A batch is missing.
    #[error("a result holds {found} tables, number {wanted} was wanted")]
    Batch {
        /// Index wanted.
        wanted: usize,
        /// Batches there.
        found: usize,
    },
}
