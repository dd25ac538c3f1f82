//! Result files: Arrow record batches in, one file or a folder of files out.
//!
//! A file is written beside its place and renamed when it is complete, so a reader never sees half of one. Memory is
//! bounded by a row group whatever the length of the table, and the same rows give the same bytes however they were
//! cut into batches. Nothing here decides a value or an order, and nothing reads a clock.
//!
//! Read next: `target` (what `--out` means), `file` (one file's life), `encode` (the formats).

mod encode;
mod error;
mod file;
mod format;
mod metadata;
mod recorder;
mod target;

pub use error::{EncodeError, SinkError};
pub use file::{ClosedFile, FileSink};
pub use format::Format;
pub use metadata::Metadata;
pub use target::{Target, check_writable};
