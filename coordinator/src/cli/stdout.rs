//! Standard output of the short verbs.

use std::io::{self, ErrorKind, Write};

use tickfleet_runtime::failure::{ExitStatus, Failure};

/// Writes everything. A reader that went away early (`| head`) is no error.
pub(super) fn write(bytes: &[u8]) -> Result<ExitStatus, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(ExitStatus::Failed, "standard output can't be written").because(&error))
        }
        _ => Ok(ExitStatus::Succeeded),
    }
}
