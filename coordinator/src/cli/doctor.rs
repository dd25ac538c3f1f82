//! `coordinator doctor`: proves that no job is lost or doubled.

use clap::Args;
use tickfleet_runtime::failure::{ExitStatus, Failure};

use super::reach::{OnCluster, Reach};
use crate::cluster::{Cluster, Result};
use crate::ops::{self, Output};

const EXAMPLES: &str = "\
EXAMPLES
  Every running run:
    coordinator doctor
  Two runs, ended or not; mend what can be mended:
    coordinator doctor latest 018bcfe5-6801 --repair

A run is audited while it goes on: each of its jobs must be in exactly one
place, the counts must agree with the places, each claim must have its lease.
A fault is a defect of the program or a loss of the queue's data. --repair
never loses or doubles a job.

EXIT STATUS
  0 no fault, or all mended; 1 faults; 2 a name that fits no run or several;
  3 no cluster reached";

/// Prove that every job is in exactly one place, or name what is not so
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Doctor {
    /// Ids of runs, the beginnings of some, or latest [default: every running run]
    #[arg(value_name = "RUN")]
    runs: Vec<String>,
    /// Mend what can be mended
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    reach: Reach,
}

impl OnCluster for Doctor {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        ops::doctor::doctor(cluster, &self.runs, self.repair, out).await
    }

    fn detached(&self, _: &str) -> Failure {
        Failure::new(ExitStatus::Detached, "interrupted: not every run was audited")
    }
}
