//! `coordinator cancel RUN`: ends a run at once.

use clap::Args;
use tickfleet_runtime::failure::ExitStatus;

use super::reach::{OnCluster, Reach};
use crate::cluster::{Cluster, Result};
use crate::ops::{self, Output};

const EXAMPLES: &str = "\
EXAMPLES
  The newest run:
    coordinator cancel latest

A cancelled run computes nothing more, and can't be set running again. What
it has computed is known: submitted again, it is not computed again. A run
that had ended stays as it was.

EXIT STATUS
  0 the run is over; 2 the name fits no run or several; 3 no cluster reached";

/// End a run at once
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Cancel {
    /// Id of the run, the beginning of one, or latest
    run: String,
    #[command(flatten)]
    reach: Reach,
}

impl OnCluster for Cancel {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        ops::cancel::cancel(cluster, &self.run, out).await
    }
}
