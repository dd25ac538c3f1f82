//! `coordinator data`: data to start with.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::stdout;
use crate::error::{ExitStatus, Failure};
use crate::sample;

const EXAMPLES: &str = "\
EXAMPLES
  Write the sample and scan it as files:
    coordinator data sample demo
    coordinator submit scan --bars demo/bars.csv --universe demo/universe.csv";

/// Data to start with
#[derive(Debug, Args)]
pub(super) struct Data {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Sample(Sample),
}

/// Write the built-in sample as files
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Sample {
    /// Folder to write into; made if it doesn't exist
    dir: PathBuf,
}

impl Data {
    pub(super) fn run(self) -> Result<ExitStatus, Failure> {
        let Action::Sample(Sample { dir }) = self.action;
        let written = sample::write_sample(&dir)?;
        let lines: String = written.iter().map(|path| format!("{}\n", path.display())).collect();
        stdout::write(lines.as_bytes())
    }
}
