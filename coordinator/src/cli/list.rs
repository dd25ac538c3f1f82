//! `coordinator list`: the runs that are kept.

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use tickfleet_protocol::state::RunState;
use tickfleet_runtime::failure::ExitStatus;

use super::reach::{OnCluster, Reach};
use crate::cluster::{Cluster, Result};
use crate::ops::{self, Output};
use crate::view::runs::state_name;

const EXAMPLES: &str = "\
EXAMPLES
  The newest runs:
    coordinator list
  Runs that failed, for a program:
    coordinator list --state failed --limit 1000 --json

EXIT STATUS
  0 listed; 3 no cluster reached";

/// The states, in the order of the help.
const STATES: [RunState; 5] = [
    RunState::Running,
    RunState::Succeeded,
    RunState::Failed,
    RunState::Cancelled,
    RunState::DeadlineExceeded,
];

/// List runs, the newest first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct List {
    /// Only runs in this state
    #[arg(long, value_parser = states())]
    state: Option<RunState>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    reach: Reach,
}

impl OnCluster for List {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    async fn on(&self, cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
        let query = ops::list::Query {
            state: self.state,
            limit: self.limit as usize,
        };
        ops::list::list(cluster, query, out).await
    }
}

fn states() -> impl TypedValueParser<Value = RunState> {
    let named = |name: String| STATES.into_iter().find(|&state| state_name(state) == name);
    PossibleValuesParser::new(STATES.map(state_name)).map(move |name| named(name).expect("one of the names"))
}
