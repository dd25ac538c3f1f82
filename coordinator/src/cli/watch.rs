//! `coordinator watch RUN`: follows a run to its end.

use std::sync::OnceLock;

use clap::Args;
use tickfleet_protocol::ids::RunId;
use tickfleet_runtime::failure::{ExitStatus, Failure};

use super::reach::{OnCluster, Reach};
use super::takes::OfResults;
use crate::cluster::{Cluster, Result};
use crate::follow::{Shown, Told};
use crate::ops::{self, Output};

const EXAMPLES: &str = "\
EXAMPLES
  The newest run:
    coordinator watch latest
  A run by the beginning of its id, and then its tables:
    coordinator watch 018bcfe5-6801 && coordinator results 018bcfe5-6801
  The best rows while it goes, and the final ranking:
    coordinator watch latest --stream
  Every event that is kept, for a program:
    coordinator watch latest --from-start --json

Ctrl-C leaves the run running, and prints the command that takes it up again.

EXIT STATUS
  0 the run succeeded; 1 it failed, was cancelled or passed its deadline;
  2 the name fits no run or several; 3 no cluster reached; 130 interrupted";

/// Follow a run to its end
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Watch {
    /// Id of the run, the beginning of one, or latest
    run: String,
    /// With --json, print the events before now too
    #[arg(long)]
    from_start: bool,
    /// Show the best rows while the run goes, and the final ranking at its end
    #[arg(long)]
    stream: bool,
    #[command(flatten)]
    reach: Reach<OfResults>,
    /// The run that the name fits.
    #[arg(skip)]
    found: OnceLock<RunId>,
}

impl OnCluster<OfResults> for Watch {
    fn reach(&self) -> &Reach<OfResults> {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        let shown = Shown {
            told: if self.from_start { Told::FromStart } else { Told::News },
            rows: self.stream,
        };
        let found = |run| {
            // A second run of the same verb would name the same run.
            let _ = self.found.set(run);
        };
        ops::watch::watch(cluster, &self.run, shown, found, out).await
    }

    fn detached(&self, same: &str) -> Failure {
        let run = self.found.get().map_or_else(|| self.run.clone(), RunId::to_string);
        let stream = if self.stream { " --stream" } else { "" };
        Failure::new(
            ExitStatus::Detached,
            "interrupted: the run goes on without this command",
        )
        .help(format!("coordinator watch {run}{stream}{same}"))
    }
}
