//! `coordinator data sample`: the built-in sample as files.

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;

use crate::cli::stdout;
use crate::sample::{self, SampleError};
use tickfleet_runtime::failure::{ExitStatus, Failure};

const EXAMPLES: &str = "\
EXAMPLES
  Write the sample and scan it as files:
    coordinator data sample demo
    coordinator submit scan --bars demo/bars.parquet --universe demo/universe.csv";

/// Write the built-in sample as files, and print their paths
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Sample {
    /// Folder to write into; new or empty
    dir: PathBuf,
}

impl Sample {
    pub(super) fn run(&self) -> Result<ExitStatus, Failure> {
        let files = sample::write_sample(&self.dir, |_, _| ControlFlow::Continue(()));
        let files = files.map_err(|error| failure(&error))?;
        stdout::write(format!("{}\n{}\n", files.bars.display(), files.universe.display()).as_bytes())
    }
}

/// A folder that holds something is the user's to change; anything else failed here.
fn failure(error: &SampleError) -> Failure {
    let status = match error {
        SampleError::NotEmpty { .. } => ExitStatus::BadInput,
        _ => ExitStatus::Failed,
    };
    Failure::from_error(status, error)
}
