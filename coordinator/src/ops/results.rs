//! `results`: the tables of a run that succeeded, later and from another machine, as `submit` would have given them.

use std::time::Duration;

use tickfleet_protocol::ids::RunId;
use tickfleet_protocol::state::{RunState, RunSummary};
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::sink::check_writable;

use super::find;
use super::output::Output;
use crate::cluster::{Cluster, Result};
use crate::results;
use crate::view::number::plural;

/// What becomes of the tables.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Where they go: a file or a folder; none = the ranking is printed.
    pub out: Option<String>,
    /// No summary.
    pub quiet: bool,
}

/// Fetches the tables of a run and writes or prints them.
///
/// # Errors
/// No run fits the name, or several; the output can't be written; the run has not succeeded, or its results have
/// expired; the cluster does not answer.
pub async fn results(cluster: &dyn Cluster, name: &str, wish: &Wish, out: &mut Output) -> Result<ExitStatus> {
    let run = find::run(cluster, name, out.frame().now).await?;
    match run.state {
        RunState::Succeeded => {}
        RunState::Running => return Err(unfinished(&run)),
        state => return Err(unsuccessful(cluster, run.run, state).await),
    }
    let target = wish.out.as_deref().map(check_writable).transpose();
    let target = target.map_err(|error| error.failure(ExitStatus::BadInput))?;
    let mut events = out.events(wish.quiet);
    let report = results::collect(cluster, run.run, target.as_ref(), &mut events).await?;
    let ended = run.ended_at.unwrap_or(run.submitted_at);
    events.finish(&report, Duration::from_millis(ended.since_ms(run.submitted_at)))?;
    Ok(ExitStatus::Succeeded)
}

/// What a run that did not succeed tells whoever waits for it.
pub(super) async fn unsuccessful(cluster: &dyn Cluster, run: RunId, state: RunState) -> Failure {
    let failure = results::failure(cluster, run, state).await;
    match state {
        RunState::Failed => failure
            .help(format!("coordinator dlq list {run} lists its dead letters"))
            .help(format!(
                "coordinator retry {run} computes them again, once their cause is mended"
            )),
        _ => failure.help("submit it again: what it has computed is known and not computed again"),
    }
}

/// A run whose results are not there yet.
pub(super) fn unfinished(run: &RunSummary) -> Failure {
    let counts = run.counts();
    let (id, jobs) = (run.run, plural(counts.total, "job", "jobs"));
    Failure::new(ExitStatus::Failed, "the run goes on: it has no results yet")
        .at(format!("run {id}"))
        .why(format!("{} of {jobs} done", counts.done))
        .help(format!("coordinator watch {id} && coordinator results {id}"))
}
