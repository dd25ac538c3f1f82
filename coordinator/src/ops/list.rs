//! `list`: the runs that are kept, the newest first.

use tickfleet_protocol::state::RunState;
use tickfleet_runtime::failure::ExitStatus;

use super::find::id_length;
use super::output::Output;
use super::record::RunLine;
use crate::cluster::{Cluster, Result};
use crate::view::number::plural;
use crate::view::runs::{runs, state_name};

/// Which runs are listed.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    /// Only those in this state.
    pub state: Option<RunState>,
    /// At most so many.
    pub limit: usize,
}

/// Lists runs.
///
/// # Errors
/// The cluster does not answer; standard output cannot be written.
pub async fn list(cluster: &dyn Cluster, query: Query, out: &mut Output) -> Result<ExitStatus> {
    let all = cluster.list().await?;
    let length = id_length(&all);
    let is_wanted = |state| query.state.is_none_or(|wanted| wanted == state);
    let mut wanted: Vec<_> = all.into_iter().rev().filter(|run| is_wanted(run.state)).collect();
    let more = wanted.len().saturating_sub(query.limit);
    wanted.truncate(query.limit);
    if wanted.is_empty() && more == 0 && !out.is_json() {
        out.note(&query.state.map_or_else(
            || "no run is kept; a run is kept for a day after its end".to_owned(),
            |state| format!("no run is {}", state_name(state)),
        ));
        return Ok(ExitStatus::Succeeded);
    }
    out.answer(wanted.iter().map(RunLine::from), |frame| runs(&wanted, length, frame))?;
    if more > 0 {
        let more = plural(more as u64, "more run", "more runs");
        out.note(&format!("and {more}; --limit shows more"));
    }
    Ok(ExitStatus::Succeeded)
}
