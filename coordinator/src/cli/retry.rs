//! `coordinator retry RUN`: computes dead jobs again. The same as `dlq replay`, under the name that a run's user looks for.

use clap::Args;
use tickfleet_runtime::failure::ExitStatus;

use super::reach::{OnCluster, Reach};
use crate::cluster::{Cluster, Result};
use crate::ops::job::JobName;
use crate::ops::{self, Output};

const EXAMPLES: &str = "\
EXAMPLES
  Every dead job of the newest run, once its cause is mended:
    coordinator retry latest && coordinator watch latest
  Two of them:
    coordinator retry 018bcfe5-6801 --job map/17 --job map/120

EXIT STATUS
  0 made ready again, or there was none; 1 the run is over; 2 the name fits no
  run or several, or a job has no dead letter; 3 no cluster reached";

/// Compute the dead jobs of a run again
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Retry {
    /// Id of the run, the beginning of one, or latest
    run: String,
    /// Only this job; may be given again
    #[arg(long = "job", value_name = "STAGE/INDEX")]
    jobs: Vec<JobName>,
    #[command(flatten)]
    reach: Reach,
}

impl OnCluster for Retry {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        ops::dlq::replay(cluster, &self.run, &self.jobs, out).await
    }
}
