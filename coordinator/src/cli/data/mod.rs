//! `coordinator data`: data to start with, and data brought to where scans read it. One file an action.

mod load;
mod sample;
mod sync;

use clap::{Args, Subcommand};

use tickfleet_runtime::failure::{ExitStatus, Failure};

const EXAMPLES: &str = "\
EXAMPLES
  Write the sample and scan it as files:
    coordinator data sample demo
    coordinator submit scan --bars demo/bars.parquet --universe demo/universe.csv
  Fill a table of PostgreSQL and scan it:
    coordinator data load --bars demo --to postgres://me@db.example/market
    coordinator submit scan --bars postgres://me@db.example/market
  Bring a year of bars from a service, and scan them:
    coordinator data sync --to lake --from 2024-01-01 --until 2024-12-31
    coordinator submit scan --bars lake";

/// Data to start with, and data brought to where scans read it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Data {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Sample(sample::Sample),
    Load(load::Load),
    Sync(sync::Sync),
}

impl Data {
    pub(super) fn run(self) -> Result<ExitStatus, Failure> {
        match self.action {
            Action::Sample(sample) => sample.run(),
            Action::Load(load) => load.run(),
            Action::Sync(sync) => sync.run(),
        }
    }
}
