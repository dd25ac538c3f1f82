//! `coordinator get RUN`: one run in full.

use clap::Args;
use tickfleet_runtime::failure::ExitStatus;

use super::reach::{OnCluster, Reach};
use crate::cluster::{Cluster, Result};
use crate::ops::{self, Output};

const EXAMPLES: &str = "\
EXAMPLES
  The newest run:
    coordinator get latest
  A run by the beginning of its id, for a program:
    coordinator get 018bcfe5-6801 --json

EXIT STATUS
  0 shown; 2 the name fits no run or several; 3 no cluster reached";

/// Show one run: state, stages with counts, times, rate, dead letters
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Get {
    /// Id of the run, the beginning of one, or latest
    run: String,
    #[command(flatten)]
    reach: Reach,
}

impl OnCluster for Get {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        ops::get::get(cluster, &self.run, out).await
    }
}
