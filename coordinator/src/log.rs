//! Diagnostics on standard error, for whoever asks with `--log`: what the parts of the program say while they work.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use tickfleet_runtime::failure::{ExitStatus, Failure};

/// Starts to print diagnostics of a level (`warn`) or by a filter (`tickfleet_worker=debug`).
///
/// # Errors
/// The filter cannot be read.
pub fn start(filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::new(ExitStatus::BadInput, format!("`{filter}` is no log level or filter"))
            .because(&error)
            .help("--log takes off, error, warn, info, debug, trace, or target=level")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second run in one process keeps the first one's settings.
    let _ = builder.with_ansi(std::io::stderr().is_terminal()).try_init();
    Ok(())
}
