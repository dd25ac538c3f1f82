//! `status`: whether the cluster is well, and if not, what to do about it.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use tickfleet_protocol::fleet::WorkerEntry;
use tickfleet_protocol::ids::JobKind;
use tickfleet_protocol::state::{RunState, RunSummary};
use tickfleet_runtime::failure::ExitStatus;

use super::output::Output;
use super::record::StatusLine;
use crate::cluster::{Cluster, Result, Status};
use crate::view::health::{Concern, health};
use crate::view::number::plural;

/// Runs whose letters are counted at a time.
const SIDE_BY_SIDE: usize = 8;

/// Shows the cluster. Gives [`ExitStatus::Failed`] where something needs attention.
///
/// # Errors
/// The cluster does not answer; standard output cannot be written.
pub async fn status(cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
    let mut status = cluster.status().await?;
    // Without running runs and failed jobs there is nothing to look into.
    let runs = if status.running > 0 || status.dead > 0 {
        cluster.list().await?
    } else {
        Vec::new()
    };
    let workers = if status.running > 0 {
        cluster.workers().await?
    } else {
        Vec::new()
    };
    if status.dead > 0 {
        // Failed jobs are counted there, those whose letters were dropped among them: nobody needs to look at these.
        status.dead = letters(cluster, &runs).await?;
    }
    let concerns = concerns(&status, &runs, &workers);
    out.answer([StatusLine::new(&status, &concerns)], |frame| {
        health(&status, &concerns, frame)
    })?;
    Ok(if concerns.is_empty() {
        ExitStatus::Succeeded
    } else {
        ExitStatus::Failed
    })
}

/// Dead letters that are kept, of all runs.
async fn letters(cluster: &dyn Cluster, runs: &[RunSummary]) -> Result<u64> {
    let failed = runs.iter().filter(|run| run.counts().failed > 0).map(|run| run.run);
    let letters = stream::iter(failed.map(|run| cluster.dead(run))).buffered(SIDE_BY_SIDE);
    letters
        .try_fold(0, async |sum, letters| Ok(sum + letters.len() as u64))
        .await
}

/// What needs attention, the most pressing first.
fn concerns(status: &Status, runs: &[RunSummary], workers: &[WorkerEntry]) -> Vec<Concern> {
    let mut concerns = idle(status, workers);
    if concerns.is_empty() {
        concerns.extend(unserved(runs, workers));
    }
    concerns.extend((status.dead > 0).then(|| Concern {
        what: format!(
            "{} for someone to look",
            plural(status.dead, "dead letter waits", "dead letters wait")
        ),
        help: Some("coordinator dlq list; then dlq replay or dlq drop".to_owned()),
    }));
    concerns.extend(status.advice.iter().map(|advice| Concern {
        what: advice.clone(),
        help: None,
    }));
    concerns
}

/// Work that waits while nobody takes any.
fn idle(status: &Status, workers: &[WorkerEntry]) -> Vec<Concern> {
    if status.backlog == 0 {
        return Vec::new();
    }
    let wait = plural(status.backlog, "job waits", "jobs wait");
    let is_draining = |worker: &WorkerEntry| worker.card.is_draining || worker.is_told_to_drain;
    if status.workers == 0 {
        return vec![Concern {
            what: format!("{wait} and there are no workers"),
            help: Some("start one; worker --help says how".to_owned()),
        }];
    }
    if !workers.is_empty() && workers.iter().all(is_draining) {
        return vec![Concern {
            what: format!("{wait} and every worker is draining"),
            help: Some("start another, or coordinator drain --all --off".to_owned()),
        }];
    }
    Vec::new()
}

/// Kinds of jobs that running runs need and no worker can compute.
fn unserved(runs: &[RunSummary], workers: &[WorkerEntry]) -> Vec<Concern> {
    let served: BTreeSet<&JobKind> = workers.iter().flat_map(|worker| &worker.card.kinds).collect();
    let running = runs.iter().filter(|run| run.state == RunState::Running);
    let wanted: BTreeSet<&JobKind> = running.map(|run| &run.kind).collect();
    let unserved = wanted.difference(&served).map(|kind| Concern {
        what: format!("running runs need {kind}, which no worker computes"),
        help: Some("start workers of the version that computes it; coordinator workers lists kinds".to_owned()),
    });
    unserved.collect()
}
