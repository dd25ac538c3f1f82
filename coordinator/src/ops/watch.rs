//! `watch`: follows a run to its end, from this machine or another, now or again.

use std::time::Duration;

use tickfleet_protocol::ids::RunId;
use tickfleet_protocol::state::RunState;
use tickfleet_runtime::failure::ExitStatus;

use super::find;
use super::output::Output;
use super::results::unsuccessful;
use crate::cluster::{Cluster, Result};
use crate::events::Events;
use crate::follow::{Lanes, Shown, follow};
use crate::results;
use crate::view::number::plural;
use crate::view::unit::span;

/// Follows a run until it ends. `found` hears which run it is before it is waited for.
///
/// # Errors
/// No run fits the name, or several; the run did not succeed; the cluster does not answer; standard output cannot be
/// written.
pub async fn watch(
    cluster: &dyn Cluster,
    name: &str,
    shown: Shown,
    found: impl FnOnce(RunId) + Send,
    out: &mut Output,
) -> Result<ExitStatus> {
    let run = find::run(cluster, name, out.frame().now).await?.run;
    found(run);
    let mut events = out.events(false);
    if !out.is_json() {
        events.note(&format!("run {run}; Ctrl-C leaves it running"));
    }
    let state = follow(cluster, run, shown, Lanes::OfWorkers, &mut events).await?;
    events.end();
    if state != RunState::Succeeded {
        return Err(unsuccessful(cluster, run, state).await);
    }
    if shown.rows {
        return finish(cluster, run, &mut events).await;
    }
    let run = cluster.get(run).await?;
    let jobs = plural(run.counts().done, "job", "jobs");
    let took = span(run.submitted_at, run.ended_at.unwrap_or(run.submitted_at));
    // Programs have been told by its last event.
    out.answer(Option::<()>::None, |_| {
        format!("run {}: succeeded, {jobs} in {took}\n", run.run)
    })?;
    out.note(&format!("coordinator results {} gives its tables", run.run));
    Ok(ExitStatus::Succeeded)
}

/// The final ranking in place of the rows so far.
async fn finish(cluster: &dyn Cluster, run: RunId, events: &mut Events) -> Result<ExitStatus> {
    let report = results::collect(cluster, run, None, events).await?;
    let run = cluster.get(run).await?;
    let ended = run.ended_at.unwrap_or(run.submitted_at);
    events.finish(&report, Duration::from_millis(ended.since_ms(run.submitted_at)))?;
    Ok(ExitStatus::Succeeded)
}
