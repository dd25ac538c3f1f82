//! `coordinator drain WORKER`: takes workers out of service without losing an attempt.

use std::time::Duration;

use clap::{ArgGroup, Args};
use tickfleet_runtime::failure::{ExitStatus, Failure};

use super::reach::{OnCluster, Reach};
use crate::cluster::{Cluster, Result};
use crate::ops::drain::Whom;
use crate::ops::{self, Output};

const EXAMPLES: &str = "\
EXAMPLES
  Take one worker out and wait until it holds nothing:
    coordinator drain host-1:4711 --wait
  Stop the whole fleet, before an upgrade:
    coordinator drain --all --wait --timeout 300
  Let it go on after all:
    coordinator drain host-1:4711 --off

A worker that drains claims nothing more, finishes or hands back what it
holds, and ends. No job loses an attempt.

EXIT STATUS
  0 told, and with --wait drained; 1 --wait ran out of time; 2 the name fits no
  worker or several; 3 no cluster reached; 130 interrupted";

/// Tell workers to finish what they hold and end
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("whom").required(true).args(["worker", "all"]))]
pub(super) struct Drain {
    /// Name of the worker, or the beginning of one
    worker: Option<String>,
    /// Every worker
    #[arg(long)]
    all: bool,
    /// Tell them to go on instead
    #[arg(long)]
    off: bool,
    /// Wait until they hold nothing
    #[arg(long, conflicts_with = "off")]
    wait: bool,
    /// Wait at most so many seconds
    #[arg(long, value_name = "S", default_value_t = 1_200, requires = "wait", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    #[command(flatten)]
    reach: Reach,
}

impl OnCluster for Drain {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        let whom = self.worker.clone().map_or(Whom::All, Whom::One);
        let wait = self.wait.then(|| Duration::from_secs(self.timeout.into()));
        ops::drain::drain(cluster, &whom, !self.off, wait, out).await
    }

    fn detached(&self, same: &str) -> Failure {
        Failure::new(
            ExitStatus::Detached,
            "interrupted: workers that were told to drain go on draining",
        )
        .help(format!(
            "coordinator workers{same} shows how far; drain --off takes it back"
        ))
    }
}
