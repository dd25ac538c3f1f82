//! `coordinator explain RUN SYMBOL`: what a symbol's scores are made of, or why it has none.

use clap::Args;
use tickfleet_protocol::spec::scan::Day;
use tickfleet_runtime::failure::{ExitStatus, Failure};

use super::compare::day;
use super::reach::{OnCluster, Reach};
use super::takes::OfResults;
use crate::cluster::{Cluster, Result};
use crate::ops::tables::is_path;
use crate::ops::{self, Output};

const EXAMPLES: &str = "\
EXAMPLES
  Why the newest run ranked a symbol where it did:
    coordinator explain latest QZAC
  Why a symbol is not in it, as of an earlier date of a run:
    coordinator explain 018bcfe5-6801 BRK-B --as-of 2016-06-01
  From a folder that --out wrote, for a program:
    coordinator explain june/ QZAC --json

Every score is shown with the terms that add up to it.

EXIT STATUS
  0 explained; 1 the run has no results; 2 bad usage, a name that fits no run
  or several, no such symbol, file or date; 3 no cluster reached";

/// Explain a symbol of a run: its scores term by term, where it stands, or why it was rejected
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Explain {
    /// Id of the run, the beginning of one, latest, a result folder, or a .parquet file
    run: String,
    /// The symbol, in any spelling
    symbol: String,
    /// The date [default: the last one]
    #[arg(long, value_name = "DATE", value_parser = day)]
    as_of: Option<Day>,
    #[command(flatten)]
    reach: Reach<OfResults>,
}

impl OnCluster<OfResults> for Explain {
    fn reach(&self) -> &Reach<OfResults> {
        &self.reach
    }

    fn is_alone(&self) -> bool {
        is_path(&self.run)
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        ops::explain::explain(cluster, &self.run, &self.symbol, self.as_of, out).await
    }

    fn detached(&self, same: &str) -> Failure {
        Failure::new(ExitStatus::Detached, "interrupted")
            .help(format!("coordinator explain {} {}{same}", self.run, self.symbol))
    }
}
