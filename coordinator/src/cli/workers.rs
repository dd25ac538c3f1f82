//! `coordinator workers`: the machines of the cluster.

use clap::Args;
use tickfleet_runtime::failure::ExitStatus;

use super::reach::{OnCluster, Reach};
use crate::cluster::{Cluster, Result};
use crate::ops::{self, Output};

const EXAMPLES: &str = "\
EXAMPLES
  Who works, and who has not been seen for a while:
    coordinator workers
  The jobs that each holds:
    coordinator workers --json

A worker that ends takes its card away; that of one that died expires after
20 seconds.

EXIT STATUS
  0 listed; 3 no cluster reached";

/// List the workers: what each may use, holds and has done
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Workers {
    #[command(flatten)]
    reach: Reach,
}

impl OnCluster for Workers {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        ops::workers::workers(cluster, out).await
    }
}
