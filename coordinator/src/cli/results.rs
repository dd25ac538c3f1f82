//! `coordinator results RUN`: the tables of a run that succeeded.

use clap::Args;
use tickfleet_runtime::failure::{ExitStatus, Failure};

use super::reach::{OnCluster, Reach};
use super::takes::OfResults;
use crate::cluster::{Cluster, Result};
use crate::ops::results::Wish;
use crate::ops::{self, Output};

const EXAMPLES: &str = "\
EXAMPLES
  The ranking of the newest run on the terminal:
    coordinator results latest
  Into a file, as submit --out would have written it:
    coordinator results 018bcfe5-6801 --out ranked.parquet
  All four tables into a folder:
    coordinator results 018bcfe5-6801 --out june/

A run and its results are kept for a day after its end.

EXIT STATUS
  0 written; 1 the run goes on, did not succeed, or its results have expired;
  2 bad usage, or a name that fits no run or several; 3 no cluster reached;
  130 interrupted: nothing was written";

/// Fetch the tables of a run that succeeded
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Results {
    /// Id of the run, the beginning of one, or latest
    run: String,
    /// Write the ranking to this .parquet, .csv, .json, .jsonl or .arrow file, or all tables into a folder (DIR/)
    /// [default: a table on the terminal]
    #[arg(long, value_name = "PATH", help_heading = "Output")]
    out: Option<String>,
    /// Print no summary
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    reach: Reach<OfResults>,
}

impl OnCluster<OfResults> for Results {
    fn reach(&self) -> &Reach<OfResults> {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        let wish = Wish {
            out: self.out.clone(),
            quiet: self.quiet,
        };
        ops::results::results(cluster, &self.run, &wish, out).await
    }

    fn detached(&self, same: &str) -> Failure {
        Failure::new(ExitStatus::Detached, "interrupted: nothing was written")
            .help(format!("coordinator results {}{same}", self.run))
    }
}
