//! The two streams that a reader sees, opened as often as parts of a program write to them.
//!
//! A test opens buffers instead. Read next: `stdout`, for readers who leave.

use std::io::{self, IsTerminal, Write};

/// Results on one, progress and messages on the other.
pub trait Streams: Send + Sync {
    /// Where results go.
    fn stdout(&self) -> Box<dyn Write + Send>;

    /// Where progress and messages go.
    fn stderr(&self) -> Box<dyn Write + Send>;

    /// Whether progress may be drawn over itself.
    fn is_live(&self) -> bool;
}

/// Those of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfProcess;

impl Streams for OfProcess {
    fn stdout(&self) -> Box<dyn Write + Send> {
        Box::new(io::stdout())
    }

    fn stderr(&self) -> Box<dyn Write + Send> {
        Box::new(io::stderr())
    }

    fn is_live(&self) -> bool {
        io::stderr().is_terminal()
    }
}
