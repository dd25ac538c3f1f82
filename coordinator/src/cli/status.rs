//! `coordinator status`: whether the cluster is well.

use clap::Args;
use tickfleet_runtime::failure::ExitStatus;

use super::reach::{OnCluster, Reach};
use crate::cluster::{Cluster, Result};
use crate::ops::{self, Output};

const EXAMPLES: &str = "\
EXAMPLES
  Is the cluster well?
    coordinator status
  For a monitor:
    coordinator status --json || alert

EXIT STATUS
  0 well; 1 something needs attention: jobs wait and no worker takes them, dead
  letters, advice about the queue's server; 3 no cluster reached";

/// Show how the cluster does, and what needs attention
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Status {
    #[command(flatten)]
    reach: Reach,
}

impl OnCluster for Status {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        ops::status::status(cluster, out).await
    }
}
