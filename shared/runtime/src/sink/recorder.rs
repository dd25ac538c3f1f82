//! A file that remembers why it failed.
//!
//! The encoders wrap or flatten I/O errors to text; the slot keeps the original so that "disk full" can be told from
//! the rest. Never retries, never buffers.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// The first I/O error of a file, shared between the writer and its owner.
#[derive(Debug, Clone, Default)]
pub(super) struct ErrorSlot(Arc<Mutex<Option<io::Error>>>);

impl ErrorSlot {
    /// Takes the error out, if there was one.
    pub(super) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, error: io::Error) -> io::Error {
        let echo = io::Error::from(error.kind());
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
        echo
    }
}

/// Writes to a file and keeps its first error in a slot.
#[derive(Debug)]
pub(super) struct Recorder {
    file: File,
    slot: ErrorSlot,
}

impl Recorder {
    pub(super) fn new(file: File, slot: ErrorSlot) -> Self {
        Self { file, slot }
    }

    pub(super) fn into_file(self) -> File {
        self.file
    }
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.file.write(bytes) {
            // The caller repeats an interrupted write; it is no failure.
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(self.slot.keep(error)),
            done => done,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|error| self.slot.keep(error))
    }
}
