//! What a formatter must know of where and when its text is read.
//!
//! Read once, at the edge, by [`Frame::stdout`]; formatters are told. Read next: `sheet`, `runs`.

use tickfleet_protocol::ids::Millis;

use super::colour::{Stream, colours};
use super::terminal::columns_of;

/// The moment and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// What ages are counted to.
    pub now: Millis,
    /// No line is wider.
    pub columns: usize,
    /// Whether colours are wanted.
    pub colours: bool,
}

impl Frame {
    /// Standard output, at this moment.
    #[must_use]
    pub fn stdout(now: Millis) -> Self {
        Self {
            now,
            columns: columns_of(Stream::Stdout),
            colours: colours(Stream::Stdout),
        }
    }
}
