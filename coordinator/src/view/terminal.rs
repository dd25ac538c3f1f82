//! How large a stream's terminal is.

use console::Term;

use super::colour::Stream;

/// Width of what is no terminal: a file or a pipe has room for every column.
const COLUMNS_ELSEWHERE: usize = 240;

/// Rows of what is no terminal, or does not say.
const ROWS_ELSEWHERE: usize = 24;

/// Rows of a stream's terminal.
#[must_use]
pub fn rows_of(stream: Stream) -> usize {
    let rows = terminal(stream)
        .size_checked()
        .map(|(rows, _)| usize::from(rows).max(1));
    rows.unwrap_or(ROWS_ELSEWHERE)
}

/// Columns of a stream's terminal.
#[must_use]
pub fn columns_of(stream: Stream) -> usize {
    terminal(stream)
        .size_checked()
        .map_or(COLUMNS_ELSEWHERE, |(_, columns)| usize::from(columns).max(1))
}

fn terminal(stream: Stream) -> Term {
    match stream {
        Stream::Stdout => Term::stdout(),
        Stream::Stderr => Term::stderr(),
    }
}
