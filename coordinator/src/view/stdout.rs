//! Standard output whose reader may leave: after `| head` has seen enough, writing stops quietly.
//!
//! Every other failure (a full disk behind `>`) is an error as always.

use std::io::{self, Write};

/// A writer that takes a broken pipe for the reader's choice.
#[derive(Debug)]
pub struct Out<W> {
    writer: W,
    closed: bool,
}

impl Out<io::Stdout> {
    /// Standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }
}

impl<W: Write> Out<W> {
    /// Wraps any writer.
    pub const fn new(writer: W) -> Self {
        Self { writer, closed: false }
    }

    /// Whether the reader has left; whoever produces output in a loop may stop.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    fn forgive<T>(&mut self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(instead)
            }
            other => other,
        }
    }
}

impl<W: Write> Write for Out<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        let written = self.writer.write(bytes);
        self.forgive(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let flushed = self.writer.flush();
        self.forgive(flushed, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes one write, then fails.
    struct Pipe {
        got: Vec<u8>,
        then: io::ErrorKind,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.got.is_empty() {
                self.got.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
            Err(self.then.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_leaves_is_no_error() {
        let mut out = Out::new(Pipe {
            got: Vec::new(),
            then: io::ErrorKind::BrokenPipe,
        });
        out.write_all(b"a\n").unwrap();
        assert!(!out.is_closed());
        out.write_all(b"b\n").unwrap();
        assert!(out.is_closed());
        out.write_all(b"c\n").unwrap();
        out.flush().unwrap();
        assert_eq!(out.writer.got, b"a\n");
    }

    #[test]
    fn other_failures_are_errors() {
        let mut out = Out::new(Pipe {
            got: Vec::new(),
            then: io::ErrorKind::StorageFull,
        });
        out.write_all(b"a\n").unwrap();
        assert_eq!(out.write_all(b"b\n").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(!out.is_closed());
    }
}
