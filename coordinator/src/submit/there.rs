//! A run on a cluster: it goes on without this command, so an interrupt only leaves it.

use tickfleet_protocol::ids::{IdempotencyKey, RunId};
use tickfleet_runtime::broker::RunState;
use tickfleet_runtime::failure::{ExitStatus, Failure, FailureKind};
use tickfleet_runtime::settings::{mask, registry};
use tickfleet_runtime::telemetry::trace;
use tickfleet_worker::run::Run;
use tracing::Span;

use super::{Task, dry_run, opening};
use crate::cluster::local::canonicalise;
use crate::cluster::{self, Accepted, Cluster, Request};
use crate::events::{Event, Events};
use crate::follow::{Lanes, follow};
use crate::results;
use crate::view::number::plural;

/// Submits to the coordinator that the settings name; unless told not to wait, follows and collects.
pub(super) async fn run(
    mut task: Task<'_>,
    events: &mut Events,
    stop: impl Future<Output = ()> + Send + Unpin,
) -> Result<ExitStatus, Failure> {
    let mut stop = stop;
    let key = task.request.key.clone();
    canonicalise(&mut task.request.spec)?;
    let begun = async {
        let cluster = cluster::connect(&task.resolved.settings).await?;
        let lanes = Lanes::OfWorkers.count(cluster.as_ref()).await;
        if task.resolved.run.dry_run {
            plan(cluster.as_ref(), &task.request, lanes, events).await?;
            return Ok(None);
        }
        let accepted = submit(cluster.as_ref(), &task.request, lanes, events).await?;
        Ok::<_, Failure>(Some((cluster, accepted)))
    };
    let begun = tokio::select! {
        begun = begun => begun?,
        () = &mut stop => return Err(unknown_whether_accepted(&key)),
    };
    let Some((cluster, accepted)) = begun else {
        return Ok(ExitStatus::Succeeded);
    };
    let run = accepted.run;
    if task.resolved.run.no_wait {
        events.print(&format!("{run}\n"))?;
        return Ok(ExitStatus::Succeeded);
    }
    let followed = async {
        let state = follow(cluster.as_ref(), run, task.shown(), Lanes::OfWorkers, events).await?;
        if state != RunState::Succeeded {
            let failure = results::failure(cluster.as_ref(), run, state).await;
            return Err(failure.help(format!(
                "coordinator retry {run} {} computes its failed jobs again",
                at(&task)
            )));
        }
        results::collect(cluster.as_ref(), run, task.out.as_ref(), events).await
    };
    let report = tokio::select! {
        followed = followed => followed.map_err(|failure| resumable(failure, &task, run))?,
        () = &mut stop => return Err(detached(&task, run)),
    };
    events.finish(&report, task.started.elapsed())?;
    Ok(ExitStatus::Succeeded)
}

async fn plan(
    cluster: &dyn Cluster,
    request: &Request,
    lanes: Option<u64>,
    events: &mut Events,
) -> Result<(), Failure> {
    let mut progress = opening(events, lanes.unwrap_or_default());
    let planned = cluster.plan(request.clone(), &mut progress).await;
    drop(progress);
    let planned = planned.map_err(|failure| seen_from(failure, request))?;
    planned.notices.iter().for_each(|notice| events.note(notice));
    dry_run::print(&Run::new(planned.record), events)
}

async fn submit(
    cluster: &dyn Cluster,
    request: &Request,
    lanes: Option<u64>,
    events: &mut Events,
) -> Result<Accepted, Failure> {
    let mut progress = opening(events, lanes.unwrap_or_default());
    let accepted = cluster.submit(request.clone(), &mut progress).await;
    drop(progress);
    let accepted = accepted.map_err(|failure| seen_from(failure, request))?;
    trace::of_run(&Span::current(), accepted.run);
    accepted.notices.iter().for_each(|notice| events.note(notice));
    let jobs = plural(accepted.stages.iter().sum(), "job", "jobs");
    events.note(&match accepted.created {
        true => format!("run {} of {jobs}", accepted.run),
        false => format!("run {} of {jobs} was submitted under this key before", accepted.run),
    });
    if lanes == Some(0) {
        events.note("no worker is there: the run waits for one to start");
    }
    events.emit(&Event::Submitted {
        accepted: &accepted,
        lanes,
    })?;
    Ok(accepted)
}

/// Adds what explains a file that is here and not there.
fn seen_from(failure: Failure, request: &Request) -> Failure {
    let tables = [Some(&request.spec.bars), request.spec.universe.as_ref()];
    let mut inputs = tables.into_iter().flatten().chain(request.spec.joined.uris());
    let is_here = |uri: &&String| std::path::Path::new(uri).exists() && failure.what.contains(uri.as_str());
    if failure.kind != FailureKind::NotFound || !inputs.any(|uri| is_here(&uri)) {
        return failure;
    }
    failure
        .why("it exists on this machine, but the coordinator does not see it")
        .help("put it where coordinator and workers see it under the same path")
}

/// `--coordinator URL`, for commands that are shown.
fn at(task: &Task<'_>) -> String {
    let url = task.resolved.settings.text(&registry::COORDINATOR).unwrap_or_default();
    format!("{} {}", registry::COORDINATOR.flag(), mask(url))
}

/// The run goes on whatever became of the command.
fn resumable(failure: Failure, task: &Task<'_>, run: RunId) -> Failure {
    if failure.status != ExitStatus::Unreachable {
        return failure;
    }
    let at = at(task);
    failure.help(format!(
        "the run goes on without this command: coordinator watch {run} {at} follows it again"
    ))
}

fn detached(task: &Task<'_>, run: RunId) -> Failure {
    let at = at(task);
    Failure::new(
        ExitStatus::Detached,
        "interrupted: the run goes on without this command",
    )
    .at(format!("run {run}"))
    .help(format!("coordinator watch {run} {at}"))
}

fn unknown_whether_accepted(key: &IdempotencyKey) -> Failure {
    Failure::new(ExitStatus::Detached, "interrupted before the run was accepted")
        .why("the coordinator may accept it still")
        .help(format!("the same command with --key {key} takes it up"))
}
