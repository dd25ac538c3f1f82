//! `coordinator submit JOB`: resolves the settings and hands the job over.

use clap::{Args, Subcommand};

use super::takes::OfAScan;
use crate::events::Events;
use crate::settings::{Request, Resolved, resolve};
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::settings::flags::SettingFlags;

const EXAMPLES: &str = "\
EXAMPLES
  Rank the built-in sample:
    coordinator submit scan --sample
  The last session of your bars, liquid sectors of a universe:
    coordinator submit scan --bars bars.parquet --universe universe.csv
  Every session of a month, both directions, all tables into a folder:
    coordinator submit scan --bars 'bars/*.csv' --from 2016-06-01 \\
      --to 2016-06-30 --side both --out june/
  The best rows while it goes, until the final ranking replaces them:
    coordinator submit scan --sample --stream
  A few symbols, with the thresholds of a profile:
    coordinator submit scan --bars b.csv --symbols AAPL,BRK-B --profile balanced

SETTINGS
  Lists take commas and may be given again. All but the output options may
  also stand in a file or in the environment (TICKFLEET_SCAN_TOP=20):
  coordinator config --help says how.

EXIT STATUS
  0 the run succeeded; 1 it failed; 2 bad usage or bad input, before it ran;
  130 interrupted by Ctrl-C";

/// Run a job and follow it to its result
#[derive(Debug, Args)]
pub(super) struct Submit {
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, Subcommand)]
enum Job {
    Scan(Scan),
}

/// Rank a universe of symbols on daily bars, as of a session
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Scan {
    #[command(flatten)]
    settings: SettingFlags<OfAScan>,
    #[command(flatten)]
    request: Request,
}

impl Submit {
    pub(super) fn run(self) -> Result<ExitStatus, Failure> {
        match self.job {
            Job::Scan(scan) => scan.run(),
        }
    }
}

impl Scan {
    fn run(&self) -> Result<ExitStatus, Failure> {
        let resolved = self.resolve().inspect_err(|failure| {
            if self.request.json {
                Events::json_only().failed(failure);
            }
        })?;
        crate::submit::scan(&resolved)
    }

    fn resolve(&self) -> Result<Resolved, Failure> {
        Ok(resolve(self.settings.layers()?, &self.request)?)
    }
}
