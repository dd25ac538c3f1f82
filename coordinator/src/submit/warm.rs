//! A run for the cache alone: the lightest of all runs, whose tables nobody fetches.
//!
//! What is stored before and after tells what was computed. Read next: [`crate::cli`], verb `cache`.

use serde::Serialize;
use tickfleet_protocol::identity;
use tickfleet_protocol::ids::{Identity, RunId};
use tickfleet_protocol::limits::MAX_BATCH;
use tickfleet_protocol::plan::{MAP, REDUCE};
use tickfleet_runtime::broker::RunState;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_worker::run::Run;

use super::{Task, opening};
use crate::cluster::local::canonicalise;
use crate::cluster::{self, Cluster};
use crate::events::{Event, Events};
use crate::follow::{Lanes, follow};
use crate::results;
use crate::view::number::{count, duration, plural};

/// Any other run goes first.
const WEIGHT: u32 = 1;

/// What became of the jobs of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Warmed {
    /// Jobs of the run.
    pub jobs: u64,
    /// Jobs that were computed.
    pub computed: u64,
    /// Jobs whose result was stored before, or was found by a worker: on its machine, or computed from the same bars.
    pub reused: u64,
}

/// Submits to a cluster, follows, and tells what was computed.
pub(super) async fn run(
    mut task: Task<'_>,
    events: &mut Events,
    stop: impl Future<Output = ()> + Send + Unpin,
) -> Result<ExitStatus, Failure> {
    let mut stop = stop;
    canonicalise(&mut task.request.spec)?;
    task.request.weight = WEIGHT;
    let warmed = async {
        let cluster = cluster::connect(&task.resolved.settings).await?;
        warm(cluster.as_ref(), &task, events).await
    };
    let (run, warmed) = tokio::select! {
        warmed = warmed => warmed?,
        () = &mut stop => return Err(left()),
    };
    let took = task.started.elapsed();
    events.emit(&Event::Warmed {
        run,
        warmed,
        elapsed_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    })?;
    let jobs = plural(warmed.jobs, "job", "jobs");
    events.print(&format!(
        "run {run}: {jobs} in {}: {} computed, {} reused\n",
        duration(took),
        count(warmed.computed),
        count(warmed.reused)
    ))?;
    Ok(ExitStatus::Succeeded)
}

async fn warm(cluster: &dyn Cluster, task: &Task<'_>, events: &mut Events) -> Result<(RunId, Warmed), Failure> {
    let lanes = Lanes::OfWorkers.count(cluster).await;
    let planned = {
        let mut progress = opening(events, lanes.unwrap_or_default());
        cluster.plan(task.request.clone(), &mut progress).await?
    };
    planned.notices.iter().for_each(|notice| events.note(notice));
    let planned = Run::new(planned.record);
    let missing = missing(cluster, &planned).await?;
    let accepted = {
        let mut progress = opening(events, lanes.unwrap_or_default());
        cluster.submit(task.request.clone(), &mut progress).await?
    };
    if lanes == Some(0) {
        events.note("no worker is there: the run waits for one to start");
    }
    events.emit(&Event::Submitted {
        accepted: &accepted,
        lanes,
    })?;
    let state = follow(cluster, accepted.run, task.shown(), Lanes::OfWorkers, events).await?;
    if state != RunState::Succeeded {
        return Err(results::failure(cluster, accepted.run, state).await);
    }
    let jobs = accepted.stages.iter().sum();
    let computed = missing.len() as u64 - found(cluster, &planned, &missing).await?;
    let warmed = Warmed {
        jobs,
        computed,
        reused: jobs.saturating_sub(computed),
    };
    Ok((accepted.run, warmed))
}

/// Stage and index of the jobs whose results are not stored.
async fn missing(cluster: &dyn Cluster, run: &Run) -> Result<Vec<(u32, u64)>, Failure> {
    let stages = run.plan.stages();
    let jobs: Vec<(u32, u64)> = [MAP, REDUCE]
        .into_iter()
        .zip(stages)
        .flat_map(|(stage, jobs)| (0..jobs).map(move |index| (stage, index)))
        .collect();
    let mut missing = Vec::new();
    for some in jobs.chunks(MAX_BATCH) {
        let stored = cluster.stored(&identities(run, some)).await?;
        let absent = some.iter().zip(stored).filter(|(_, is_stored)| !is_stored);
        missing.extend(absent.map(|(job, _)| *job));
    }
    Ok(missing)
}

/// How many of these jobs' results were found by workers.
async fn found(cluster: &dyn Cluster, run: &Run, jobs: &[(u32, u64)]) -> Result<u64, Failure> {
    let mut found = 0;
    for some in jobs.chunks(MAX_BATCH) {
        let records: Vec<Identity> = identities(run, some).iter().map(identity::found).collect();
        let are_found = cluster.stored(&records).await?;
        found += are_found.into_iter().map(u64::from).sum::<u64>();
    }
    Ok(found)
}

fn identities(run: &Run, jobs: &[(u32, u64)]) -> Vec<Identity> {
    let identities = run.identities();
    let identity = |&(stage, index): &(u32, u64)| {
        let job = run.plan.job(stage, index).expect("the job is in the plan");
        identities.of(&job)
    };
    jobs.iter().map(identity).collect()
}

fn left() -> Failure {
    Failure::new(
        ExitStatus::Detached,
        "interrupted: a run that was accepted goes on without this command",
    )
    .help("coordinator list shows it; coordinator cancel RUN ends it")
}
