//! `drain`: tells workers to claim nothing more, finish or hand back what they hold, and end.

use std::time::Duration;

use tickfleet_protocol::fleet::WorkerEntry;
use tickfleet_protocol::ids::WorkerId;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tokio::time::sleep;

use super::find;
use super::output::Output;
use super::record::DrainLine;
use crate::cluster::{Cluster, Result};
use crate::view::number::plural;

/// Between two looks at the workers.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Which workers.
#[derive(Debug, Clone)]
pub enum Whom {
    /// The one of this name, or of this beginning of one.
    One(String),
    /// Every one that is there.
    All,
}

/// Tells workers to drain, or with `is_draining` false to go on; may wait, at most so long, until they hold nothing.
///
/// # Errors
/// No worker fits the name, or several; some still hold jobs when the wait is over; the cluster does not answer;
/// standard output cannot be written.
pub async fn drain(
    cluster: &dyn Cluster,
    whom: &Whom,
    is_draining: bool,
    wait: Option<Duration>,
    out: &mut Output,
) -> Result<ExitStatus> {
    let workers = match whom {
        Whom::One(name) => vec![find::worker(cluster, name).await?],
        Whom::All => cluster.workers().await?,
    };
    if workers.is_empty() {
        out.note("no workers");
    }
    let mut told = Vec::new();
    for worker in &workers {
        if cluster.drain(worker.card.id.clone(), is_draining).await? {
            say(worker, is_draining, out)?;
            told.push(worker.card.id.clone());
        } else {
            out.note(&format!("worker {} has ended meanwhile", worker.card.id));
        }
    }
    match wait.filter(|_| is_draining) {
        Some(most) => wait_for(cluster, told, most, out).await,
        None => Ok(ExitStatus::Succeeded),
    }
}

fn say(worker: &WorkerEntry, is_draining: bool, out: &mut Output) -> Result<()> {
    let card = &worker.card;
    let record = DrainLine {
        worker: &card.id,
        told_to_drain: is_draining,
        held: Some(card.held),
    };
    out.answer([record], |_| {
        let order = if is_draining { "told to drain" } else { "told to go on" };
        format!(
            "worker {}: {order}, holds {}\n",
            card.id,
            plural(card.held, "job", "jobs")
        )
    })
}

/// Waits until each has ended, or drains and holds nothing.
async fn wait_for(cluster: &dyn Cluster, told: Vec<WorkerId>, most: Duration, out: &mut Output) -> Result<ExitStatus> {
    let looks = most.as_millis() / LOOK_EVERY.as_millis();
    let mut left = look(cluster, told, out).await?;
    for _ in 0..looks {
        if left.is_empty() {
            break;
        }
        sleep(out.wait(LOOK_EVERY)).await;
        let ids = left.into_iter().map(|(id, _)| id).collect();
        left = look(cluster, ids, out).await?;
    }
    if left.is_empty() {
        Ok(ExitStatus::Succeeded)
    } else {
        Err(unfinished(&left))
    }
}

/// Tells which workers are through, and gives the others with the jobs that they hold.
async fn look(cluster: &dyn Cluster, ids: Vec<WorkerId>, out: &mut Output) -> Result<Vec<(WorkerId, u64)>> {
    let workers = cluster.workers().await?;
    let mut left = Vec::new();
    for id in ids {
        let entry = workers.iter().find(|worker| worker.card.id == id);
        match entry {
            Some(entry) if !entry.card.is_draining || entry.card.held > 0 => left.push((id, entry.card.held)),
            _ => drained(&id, entry.map(|entry| entry.card.held), out)?,
        }
    }
    Ok(left)
}

fn drained(id: &WorkerId, held: Option<u64>, out: &mut Output) -> Result<()> {
    let record = DrainLine {
        worker: id,
        told_to_drain: true,
        held,
    };
    out.answer([record], |_| match held {
        Some(_) => format!("worker {id}: holds nothing\n"),
        None => format!("worker {id}: has ended\n"),
    })
}

fn unfinished(busy: &[(WorkerId, u64)]) -> Failure {
    /// Workers named.
    const NAMED: usize = 5;
    let what = plural(
        busy.len() as u64,
        "worker has not drained yet",
        "workers have not drained yet",
    );
    let failure = Failure::new(ExitStatus::Failed, what);
    let named = busy.iter().take(NAMED).fold(failure, |failure, (id, held)| {
        failure.why(format!("{id} holds {}", plural(*held, "job", "jobs")))
    });
    let named = match busy.len().saturating_sub(NAMED) {
        0 => named,
        more => named.why(format!("and {more} more")),
    };
    named.help("they go on draining; coordinator workers shows how far, --timeout waits longer")
}
