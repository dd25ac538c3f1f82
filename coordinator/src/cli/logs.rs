//! `coordinator logs RUN`: what happened to a run's jobs.

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use tickfleet_runtime::failure::{ExitStatus, Failure};

use super::reach::{OnCluster, Reach};
use crate::cluster::{Cluster, Result};
use crate::ops::{self, Output};
use crate::view::history::Level;

const EXAMPLES: &str = "\
EXAMPLES
  What went wrong in the newest run:
    coordinator logs latest --level warn
  Follow a run, every commit, for a program:
    coordinator logs 018bcfe5-6801 --follow --level debug --json

LEVELS
  error  a job was given up; the run failed or passed its deadline
  warn   a job failed and is tried again; a worker died; the run was cancelled
  info   the run was submitted, opened a stage, ended; dead jobs were replayed
  debug  jobs were done

Times are UTC. The newest 4,096 events of a run are kept, for a day after its
end.

EXIT STATUS
  0 told; 2 the name fits no run or several; 3 no cluster reached;
  130 interrupted";

/// Tell the history of a run: retries, lost workers, dead letters
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Logs {
    /// Id of the run, the beginning of one, or latest
    run: String,
    /// Go on until the run has ended
    #[arg(long, short)]
    follow: bool,
    /// Leave out what is less grave
    #[arg(long, default_value = "info", value_parser = levels())]
    level: Level,
    #[command(flatten)]
    reach: Reach,
}

impl OnCluster for Logs {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        let query = ops::logs::Query {
            level: self.level,
            follow: self.follow,
        };
        ops::logs::logs(cluster, &self.run, query, out).await
    }

    fn detached(&self, _: &str) -> Failure {
        Failure::new(
            ExitStatus::Detached,
            "interrupted: the run goes on without this command",
        )
    }
}

fn levels() -> impl TypedValueParser<Value = Level> {
    let named = |name: String| Level::ALL.into_iter().find(|level| level.name() == name);
    PossibleValuesParser::new(Level::ALL.map(Level::name)).map(move |name| named(name).expect("one of the names"))
}
