//! How wide a stream's terminal is.

use console::Term;

use super::colour::Stream;

/// Width of what is no terminal: a file or a pipe has room for every column.
const COLUMNS_ELSEWHERE: usize = 240;

/// Columns of a stream's terminal.
#[must_use]
pub fn columns_of(stream: Stream) -> usize {
    let terminal = match stream {
        Stream::Stdout => Term::stdout(),
        Stream::Stderr => Term::stderr(),
    };
    terminal
        .size_checked()
        .map_or(COLUMNS_ELSEWHERE, |(_, columns)| usize::from(columns).max(1))
}
