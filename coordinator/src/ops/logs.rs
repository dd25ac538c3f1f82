//! `logs`: the history of a run's jobs from its events: retries, expired leases, dead letters, with reasons and times.

use std::time::Duration;

use futures::TryStreamExt;
use tickfleet_protocol::ids::EventId;
use tickfleet_runtime::failure::ExitStatus;
use tokio::time::timeout;

use super::find;
use super::output::Output;
use super::record::EventLine;
use crate::cluster::{Cluster, Result};
use crate::view::history::{self, Level};
use crate::view::number::plural;

/// Without `--follow`, the history of a running run is taken to be told after so long without an event.
const QUIET: Duration = Duration::from_secs(1);

/// Which events are printed.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    /// The least grave level.
    pub level: Level,
    /// Go on until the run has ended.
    pub follow: bool,
}

/// Prints the history of a run, the oldest first.
///
/// # Errors
/// No run fits the name, or several; the cluster does not answer; standard output cannot be written.
pub async fn logs(cluster: &dyn Cluster, name: &str, query: Query, out: &mut Output) -> Result<ExitStatus> {
    let found = find::run(cluster, name, out.frame().now).await?;
    let waits = query.follow || found.state.is_ended();
    let known = found.counts().done;
    let mut events = cluster.watch(found.run, EventId::START).await?;
    let mut before = EventId::START;
    loop {
        let next = if waits || before == EventId::START {
            events.try_next().await?
        } else {
            // Elapsed: the stream waits for what has not happened yet.
            timeout(out.wait(QUIET), events.try_next()).await.unwrap_or(Ok(None))?
        };
        let Some((id, event)) = next else { break };
        if !waits && event.counts.done > known {
            break;
        }
        let lost = id.0.saturating_sub(before.next().0);
        if lost > 0 {
            out.note(&format!(
                "{} are no longer kept",
                plural(lost, "older event", "older events")
            ));
        }
        before = id;
        if Level::of(&event.kind) <= query.level {
            out.answer([EventLine::new(found.run, id.0, &event)], |frame| {
                history::event(&event, frame)
            })?;
        }
        if out.is_closed() {
            break;
        }
    }
    Ok(ExitStatus::Succeeded)
}
