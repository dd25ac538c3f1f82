//! `dlq` and `retry`: the jobs that were given up, looked at, made ready again, or dropped for good.

use futures::{StreamExt, TryStreamExt, stream};
use tickfleet_protocol::ids::{JobIndex, RunId};
use tickfleet_protocol::state::{DeadLetter, RunState, RunSummary};
use tickfleet_runtime::failure::{ExitStatus, Failure};

use super::find::{self, id_length};
use super::job::{self, JobName};
use super::output::Output;
use super::record::{Done, LetterLine, RunDone};
use crate::cluster::{Cluster, Result};
use crate::view::letters;
use crate::view::number::plural;
use crate::view::runs::state_name;

/// Runs whose letters are fetched at a time.
const SIDE_BY_SIDE: usize = 8;

/// Whether the user wants what can't be undone.
pub type Consent<'a> = &'a mut (dyn FnMut(&str) -> Result<bool> + Send);

/// Lists the dead letters of a run, or of all that are kept, the newest run first; at most `limit`.
///
/// # Errors
/// No run fits the name, or several; the cluster does not answer; standard output cannot be written.
pub async fn list(cluster: &dyn Cluster, name: Option<&str>, limit: usize, out: &mut Output) -> Result<ExitStatus> {
    let (runs, length) = match name {
        Some(name) => one(find::run(cluster, name, out.frame().now).await?),
        None => failed(&cluster.list().await?),
    };
    let mut fetched = stream::iter(runs).map(|run| cluster.dead(run)).buffered(SIDE_BY_SIDE);
    let mut found: Vec<DeadLetter> = Vec::new();
    while found.len() <= limit {
        let Some(letters) = fetched.try_next().await? else {
            break;
        };
        found.extend(letters);
    }
    let is_cut = found.len() > limit;
    found.truncate(limit);
    if found.is_empty() && !is_cut && !out.is_json() {
        out.note("no dead letters");
        return Ok(ExitStatus::Succeeded);
    }
    out.answer(found.iter().map(LetterLine::from), |frame| {
        letters::letters(&found, length, frame)
    })?;
    if is_cut {
        out.note("and more; --limit shows more");
    }
    Ok(ExitStatus::Succeeded)
}

/// Shows one dead letter in full.
///
/// # Errors
/// No run fits the name, or several; the job has no letter; the cluster does not answer;
/// standard output cannot be written.
pub async fn show(cluster: &dyn Cluster, name: &str, job: JobName, out: &mut Output) -> Result<ExitStatus> {
    let run = find::run(cluster, name, out.frame().now).await?;
    let all = cluster.dead(run.run).await?;
    let meant = job::choose(&[job], &all)?;
    out.answer(meant.iter().copied().map(LetterLine::from), |frame| {
        let sheets: Vec<String> = meant.iter().map(|letter| letters::letter(letter, frame)).collect();
        sheets.join("\n")
    })?;
    Ok(ExitStatus::Succeeded)
}

/// Makes dead jobs ready again with clean counters: those named, or all of the run's. A failed run runs again.
///
/// # Errors
/// No run fits the name, or several; a job has no letter; the run is over and not by failing; it failed and has no
/// letters left; the cluster does not answer; standard output cannot be written.
pub async fn replay(cluster: &dyn Cluster, name: &str, jobs: &[JobName], out: &mut Output) -> Result<ExitStatus> {
    let run = find::run(cluster, name, out.frame().now).await?;
    let chosen = chosen(cluster, &run, jobs).await?;
    let replayed = match chosen {
        Some(indexes) if indexes.is_empty() => 0,
        _ if !is_replayable(run.state) => return Err(over(&run)),
        indexes => cluster.retry(run.run, indexes).await?,
    };
    if replayed == 0 && matches!(run.state, RunState::Failed) {
        return Err(no_letters(run.run));
    }
    let record = RunDone {
        run: run.run,
        done: Done::Replayed(replayed),
    };
    out.answer([record], |_| match replayed {
        0 => format!("run {}: no dead letters\n", run.run),
        _ => {
            let jobs = plural(replayed, "dead job", "dead jobs");
            format!("run {}: {jobs} made ready again\n", run.run)
        }
    })?;
    if replayed > 0 {
        out.note(&format!("coordinator watch {} follows it", run.run));
    }
    Ok(ExitStatus::Succeeded)
}

/// Drops dead letters for good: those named, or all of the run's, if the user consents. Their jobs stay failed.
///
/// # Errors
/// No run fits the name, or several; a job has no letter; the user did not consent; the cluster does not answer;
/// standard output cannot be written.
pub async fn drop(
    cluster: &dyn Cluster,
    name: &str,
    jobs: &[JobName],
    consent: Consent<'_>,
    out: &mut Output,
) -> Result<ExitStatus> {
    let run = find::run(cluster, name, out.frame().now).await?;
    let all = cluster.dead(run.run).await?;
    let count = job::choose(jobs, &all)?.len() as u64;
    let letters = plural(count, "dead letter", "dead letters");
    let dropped = if count == 0 {
        0
    } else if consent(&format!("drop {letters} of run {} for good?", run.run))? {
        cluster.drop_dead(run.run, indexes(jobs, &all)?).await?
    } else {
        out.note("nothing was dropped");
        return Ok(ExitStatus::Failed);
    };
    let record = RunDone {
        run: run.run,
        done: Done::Dropped(dropped),
    };
    out.answer([record], |_| match dropped {
        0 => format!("run {}: no dead letters\n", run.run),
        _ => {
            let letters = plural(dropped, "dead letter", "dead letters");
            format!("run {}: {letters} dropped\n", run.run)
        }
    })?;
    Ok(ExitStatus::Succeeded)
}

/// A run, and how many characters of its id name it.
fn one(run: RunSummary) -> (Vec<RunId>, usize) {
    (vec![run.run], id_length(&[run]))
}

/// The runs that have failed jobs, the newest first, and how many characters of its id name one among all.
fn failed(all: &[RunSummary]) -> (Vec<RunId>, usize) {
    let length = id_length(all);
    let failed = all.iter().rev().filter(|run| run.counts().failed > 0);
    (failed.map(|run| run.run).collect(), length)
}

/// The jobs to replay: none where the run has no letters, `None` inside for all.
async fn chosen(cluster: &dyn Cluster, run: &RunSummary, jobs: &[JobName]) -> Result<Option<Vec<JobIndex>>> {
    let letters = cluster.dead(run.run).await?;
    if letters.is_empty() && jobs.is_empty() {
        return Ok(Some(Vec::new()));
    }
    indexes(jobs, &letters)
}

/// What the cluster takes for the jobs that are named: nothing stands for all.
fn indexes(jobs: &[JobName], letters: &[DeadLetter]) -> Result<Option<Vec<JobIndex>>> {
    let meant = job::choose(jobs, letters)?;
    Ok((!jobs.is_empty()).then(|| meant.iter().map(|letter| letter.job.index).collect()))
}

const fn is_replayable(state: RunState) -> bool {
    matches!(state, RunState::Running | RunState::Failed)
}

fn over(run: &RunSummary) -> Failure {
    let what = format!("run {} is over: its dead jobs can't run again", run.run);
    Failure::new(ExitStatus::Failed, what)
        .why(format!("it is {}", state_name(run.state)))
        .help("submit it again: what it has computed is known and not computed again")
}

fn no_letters(run: RunId) -> Failure {
    Failure::new(
        ExitStatus::Failed,
        format!("run {run} failed and has no dead letters left"),
    )
    .why("they were dropped")
    .help("submit it again: what it has computed is known and not computed again")
}
