//! The command line.
use std::process::ExitCode;
/// Parses, builds and runs.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(2)
}
