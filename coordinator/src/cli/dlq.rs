//! `coordinator dlq`: dead letters, the jobs that were given up.

use clap::{Args, Subcommand};
use tickfleet_runtime::failure::ExitStatus;

use super::ask::ask;
use super::reach::{OnCluster, Reach};
use crate::cluster::{Cluster, Result};
use crate::ops::job::JobName;
use crate::ops::{self, Output};

const EXAMPLES: &str = "\
EXAMPLES
  What was given up, and why:
    coordinator dlq list
  One of them with its whole reason:
    coordinator dlq show 018bcfe5-6801 map/17
  Mend the cause, then compute them again:
    coordinator dlq replay 018bcfe5-6801
  Or give them up for good:
    coordinator dlq drop 018bcfe5-6801 map/17 --yes

EXIT STATUS
  0 done; 1 the run is over, or nothing was dropped; 2 bad usage, a name that
  fits no run or several, or a job without a dead letter; 3 no cluster reached";

/// Look at jobs that were given up, compute them again, or drop them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Dlq {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(List),
    Show(Show),
    Replay(Replay),
    Drop(Discard),
}

/// List dead letters, those of the newest run first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct List {
    /// Id of the run, the beginning of one, or latest [default: every run]
    run: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    #[command(flatten)]
    reach: Reach,
}

/// Show one dead letter with its whole reason
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Show {
    /// Id of the run, the beginning of one, or latest
    run: String,
    /// The job: STAGE/INDEX, such as map/17, or INDEX
    job: JobName,
    #[command(flatten)]
    reach: Reach,
}

/// Compute dead jobs again, with clean counters
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Replay {
    /// Id of the run, the beginning of one, or latest
    run: String,
    /// Only these jobs: STAGE/INDEX or INDEX
    #[arg(value_name = "JOB")]
    jobs: Vec<JobName>,
    #[command(flatten)]
    reach: Reach,
}

/// Drop dead letters for good: their jobs stay failed
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Discard {
    /// Id of the run, the beginning of one, or latest
    run: String,
    /// Only these jobs: STAGE/INDEX or INDEX
    #[arg(value_name = "JOB")]
    jobs: Vec<JobName>,
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    reach: Reach,
}

impl Dlq {
    pub(super) fn run(&self) -> Result<ExitStatus> {
        match &self.action {
            Action::List(list) => list.run(),
            Action::Show(show) => show.run(),
            Action::Replay(replay) => replay.run(),
            Action::Drop(drop) => drop.run(),
        }
    }

    /// What the action does.
    #[cfg(test)]
    pub(super) async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        match &self.action {
            Action::List(list) => list.on(cluster, out).await,
            Action::Show(show) => show.on(cluster, out).await,
            Action::Replay(replay) => replay.on(cluster, out).await,
            Action::Drop(drop) => drop.on(cluster, out).await,
        }
    }
}

impl OnCluster for List {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        ops::dlq::list(cluster, self.run.as_deref(), self.limit as usize, out).await
    }
}

impl OnCluster for Show {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        ops::dlq::show(cluster, &self.run, self.job, out).await
    }
}

impl OnCluster for Replay {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        ops::dlq::replay(cluster, &self.run, &self.jobs, out).await
    }
}

impl OnCluster for Discard {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        let loss = "dropped dead letters can't be had back";
        let mut consent = |question: &str| if self.yes { Ok(true) } else { ask(question, loss) };
        ops::dlq::drop(cluster, &self.run, &self.jobs, &mut consent, out).await
    }
}
