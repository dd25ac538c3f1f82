//! A run in this very process: it lives as long as the command, so an interrupt ends it.

use std::sync::Arc;

use tickfleet_runtime::broker::RunState;
use tickfleet_runtime::cache::{DiskTier, open};
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::settings::{InForce, Origin, registry};
use tickfleet_runtime::telemetry::trace;
use tickfleet_worker::run::Run;
use tracing::Span;

use super::{Task, dry_run, interrupted, opening};
use crate::cluster::Cluster;
use crate::embedded::Embedded;
use crate::events::{Event, Events};
use crate::follow::{Lanes, follow};
use crate::results;

/// Submits to a cluster of this process, follows, collects.
pub(super) async fn run(
    task: Task<'_>,
    events: &mut Events,
    stop: impl Future<Output = ()> + Send + Unpin,
) -> Result<ExitStatus, Failure> {
    let mut stop = stop;
    let options = &task.resolved.run;
    let mut embedded = Embedded::start(options.lanes, options.memory_bytes, disk(&task.resolved.settings))?;
    let (cluster, lanes) = (embedded.cluster.clone(), embedded.lanes as u64);
    if options.dry_run {
        let planned = tokio::select! {
            planned = plan(&cluster, &task, lanes, events) => planned?,
            () = &mut stop => return Err(ended_with_it()),
        };
        embedded.stop().await?;
        dry_run::print(&planned, events)?;
        return Ok(ExitStatus::Succeeded);
    }
    let accepted = {
        let mut progress = opening(events, lanes);
        tokio::select! {
            accepted = cluster.submit(task.request.clone(), &mut progress) => accepted?,
            () = &mut stop => return Err(ended_with_it()),
        }
    };
    trace::of_run(&Span::current(), accepted.run);
    accepted.notices.iter().for_each(|notice| events.note(notice));
    events.emit(&Event::Submitted {
        accepted: &accepted,
        lanes: Some(lanes),
    })?;
    let state = tokio::select! {
        state = follow(&cluster, accepted.run, task.shown(), Lanes::Here(lanes), events) => state?,
        ended = embedded.ended() => return ended.and_then(|()| Err(unfinished())),
        () = &mut stop => {
            events.note("stopping: Ctrl-C again ends at once");
            cluster.cancel(accepted.run).await?;
            embedded.stop().await?;
            return Err(ended_with_it());
        }
    };
    if state != RunState::Succeeded {
        let failure = results::failure(&cluster, accepted.run, state).await;
        return Err(failure.help("run it again with --log warn to see each attempt that failed"));
    }
    embedded.let_input_go();
    let report = tokio::select! {
        report = results::collect(&cluster, accepted.run, task.out.as_ref(), events) => report?,
        () = &mut stop => return Err(ended_with_it()),
    };
    embedded.stop().await?;
    events.finish(&report, task.started.elapsed())?;
    Ok(ExitStatus::Succeeded)
}

async fn plan(cluster: &dyn Cluster, task: &Task<'_>, lanes: u64, events: &mut Events) -> Result<Run, Failure> {
    let planned = cluster.plan(task.request.clone(), &mut opening(events, lanes)).await?;
    planned.notices.iter().for_each(|notice| events.note(notice));
    Ok(Run::new(planned.record))
}

/// The run was interrupted, and there is nothing left of it.
fn ended_with_it() -> Failure {
    interrupted().why("the run lived in this process and ended with it")
}

fn unfinished() -> Failure {
    Failure::new(ExitStatus::Failed, "the worker ended before the run")
}

/// The disk cache, where somebody asked for one: a command that is run without settings leaves nothing on disk.
fn disk(settings: &InForce) -> Option<Arc<DiskTier>> {
    let is_asked_for = [&registry::CACHE_DIR, &registry::CACHE_DISK]
        .into_iter()
        .any(|setting| !matches!(settings.origin(setting), Origin::Default(_) | Origin::Unset));
    is_asked_for.then(|| open::disk(settings)).flatten()
}
