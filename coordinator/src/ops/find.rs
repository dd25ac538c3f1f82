//! What a user names and what there is: runs by id, by the beginning of one or as `latest`, workers by name or its
//! beginning.
//!
//! A name that fits none or several is refused with the candidates before anything is changed.

use tickfleet_protocol::fleet::WorkerEntry;
use tickfleet_protocol::ids::{Millis, RunId};
use tickfleet_protocol::state::RunSummary;
use tickfleet_runtime::failure::{ExitStatus, Failure};

use crate::cluster::{Cluster, Result};
use crate::view::runs::state_name;
use crate::view::unit::ago;

/// Names the newest run.
pub const LATEST: &str = "latest";

/// Characters of a run's id that hold the millisecond of its submission: no run of another one shares them.
const MOMENT_LENGTH: usize = 13;
/// Candidates named in a refusal.
const CANDIDATES: usize = 5;

/// The run that is named.
///
/// # Errors
/// No run fits, or several; the cluster does not answer.
pub async fn run(cluster: &dyn Cluster, name: &str, now: Millis) -> Result<RunSummary> {
    let mut found = runs(cluster, &[name.to_owned()], now).await?;
    Ok(found.remove(0))
}

/// The runs that are named, in the order of their names, each once; at least one where there is a name.
///
/// # Errors
/// For a name, no run fits or several; the cluster does not answer.
pub async fn runs(cluster: &dyn Cluster, names: &[String], now: Millis) -> Result<Vec<RunSummary>> {
    let mut known = None;
    let mut found: Vec<RunSummary> = Vec::new();
    for name in names {
        let run = match by_id(cluster, name).await? {
            Some(run) => run,
            None => {
                if known.is_none() {
                    known = Some(cluster.list().await?);
                }
                let known = known.as_deref().unwrap_or_default();
                choose(name, known).map_err(|why| why.refuse(name, now))?.clone()
            }
        };
        if found.iter().all(|other| other.run != run.run) {
            found.push(run);
        }
    }
    Ok(found)
}

/// The worker that is named.
///
/// # Errors
/// No worker fits, or several; the cluster does not answer.
pub async fn worker(cluster: &dyn Cluster, name: &str) -> Result<WorkerEntry> {
    let workers = cluster.workers().await?;
    if let Some(same) = workers.iter().find(|worker| worker.card.id.as_str() == name) {
        return Ok(same.clone());
    }
    let fits = |worker: &&WorkerEntry| !name.is_empty() && worker.card.id.as_str().starts_with(name);
    let fitting: Vec<&WorkerEntry> = workers.iter().filter(fits).collect();
    match fitting.as_slice() {
        [only] => Ok((*only).clone()),
        _ => Err(refuse_worker(name, &fitting, &workers)),
    }
}

/// How many characters of each id name one run among all, and go on naming it when later runs come.
#[must_use]
pub fn id_length(runs: &[RunSummary]) -> usize {
    let mut ids: Vec<String> = runs.iter().map(|run| run.run.to_string()).collect();
    ids.sort_unstable();
    let shared = |pair: &[String]| pair[0].bytes().zip(pair[1].bytes()).take_while(|(a, b)| a == b).count();
    let longest = ids.windows(2).map(shared).max();
    longest.map_or(MOMENT_LENGTH, |shared| (shared + 1).max(MOMENT_LENGTH))
}

/// Why no run could be chosen.
enum NotOne<'a> {
    Unknown(Vec<&'a RunSummary>),
    Several(Vec<&'a RunSummary>),
}

/// The run of a whole id, without a list of all runs; none where the name is no whole id, or of no run.
async fn by_id(cluster: &dyn Cluster, name: &str) -> Result<Option<RunSummary>> {
    let Ok(id) = name.parse::<RunId>() else {
        return Ok(None);
    };
    match cluster.get(id).await {
        Ok(run) => Ok(Some(run)),
        Err(failure) if failure.status == ExitStatus::Unreachable => Err(failure),
        Err(_) => Ok(None),
    }
}

fn choose<'a>(name: &str, known: &'a [RunSummary]) -> std::result::Result<&'a RunSummary, NotOne<'a>> {
    let unknown = || NotOne::Unknown(known.iter().rev().collect());
    if name == LATEST {
        return known.last().ok_or_else(unknown);
    }
    if let Ok(id) = name.parse::<RunId>() {
        return known.iter().find(|run| run.run == id).ok_or_else(unknown);
    }
    let begins = |run: &&RunSummary| !name.is_empty() && run.run.to_string().starts_with(&name.to_ascii_lowercase());
    let fitting: Vec<&RunSummary> = known.iter().rev().filter(begins).collect();
    match fitting.as_slice() {
        [only] => Ok(only),
        [] => Err(unknown()),
        _ => Err(NotOne::Several(fitting)),
    }
}

impl NotOne<'_> {
    fn refuse(self, name: &str, now: Millis) -> Failure {
        let describe = |run: &&RunSummary| {
            let submitted = ago(now, run.submitted_at);
            format!("{} {}, submitted {submitted}", run.run, state_name(run.state))
        };
        match self {
            Self::Unknown(known) if known.is_empty() => refusal(format!("there is no run `{name}`"))
                .why("no run is kept; a run is kept for a day after its end")
                .help("coordinator submit scan --help says how to submit one"),
            Self::Unknown(known) => refusal(format!("there is no run `{name}`"))
                .why(listing("the newest runs:", known.iter().map(describe)))
                .help("coordinator list; a run is kept for a day after its end"),
            Self::Several(fitting) => refusal(format!("`{name}` may be any of {} runs", fitting.len()))
                .why(listing("they are:", fitting.iter().map(describe)))
                .help("say more of its id"),
        }
    }
}

fn refuse_worker(name: &str, fitting: &[&WorkerEntry], all: &[WorkerEntry]) -> Failure {
    let describe = |worker: &WorkerEntry| format!("{} on {}", worker.card.id, worker.card.host);
    if all.is_empty() {
        return refusal(format!("there is no worker `{name}`"))
            .why("there are no workers")
            .help("worker --help says how to start one");
    }
    if fitting.is_empty() {
        return refusal(format!("there is no worker `{name}`"))
            .why(listing("there are:", all.iter().map(describe)))
            .help("coordinator workers lists them");
    }
    refusal(format!("`{name}` may be any of {} workers", fitting.len()))
        .why(listing("they are:", fitting.iter().map(|worker| describe(worker))))
        .help("say more of its name")
}

fn refusal(what: String) -> Failure {
    Failure::new(ExitStatus::BadInput, what)
}

/// A heading and the first candidates, a line each.
fn listing(heading: &str, candidates: impl ExactSizeIterator<Item = String>) -> String {
    let more = candidates.len().saturating_sub(CANDIDATES);
    let mut text = heading.to_owned();
    for candidate in candidates.take(CANDIDATES) {
        text += &format!("\n{candidate}");
    }
    if more > 0 {
        text += &format!("\nand {more} more");
    }
    text
}
