//! `doctor`: proves of each run that every job is in exactly one place, or names and mends what is not so.

use futures::{StreamExt, TryStreamExt, stream};
use tickfleet_protocol::state::{RunState, RunSummary};
use tickfleet_runtime::failure::ExitStatus;

use super::find;
use super::output::Output;
use super::record::AuditLine;
use crate::cluster::{Cluster, Result};
use crate::view::audits::{Audited, audits};
use crate::view::number::{count, plural};

/// Runs audited at a time.
const SIDE_BY_SIDE: usize = 4;

/// Audits the runs that are named, or every running one; with `repair`, mends. Gives [`ExitStatus::Failed`] where a
/// fault is left.
///
/// # Errors
/// For a name, no run fits or several; the cluster does not answer; standard output cannot be written.
pub async fn doctor(cluster: &dyn Cluster, names: &[String], repair: bool, out: &mut Output) -> Result<ExitStatus> {
    let (runs, length) = wanted(cluster, names, out).await?;
    if runs.is_empty() && !out.is_json() {
        out.note("no run is running, so nothing is audited; coordinator doctor RUN audits an ended one");
        return Ok(ExitStatus::Succeeded);
    }
    let audit = |run: &RunSummary| {
        let (id, state) = (run.run, run.state);
        async move { cluster.audit(id, repair).await.map(|audit| Audited::new(state, audit)) }
    };
    let mut audited = stream::iter(runs.iter().map(audit)).buffered(SIDE_BY_SIDE);
    let mut shown = Vec::new();
    let (mut faults, mut mended, mut faulty) = (0, 0, 0);
    while let Some(run) = audited.try_next().await? {
        faults += run.faults;
        mended += run.mended;
        faulty += u64::from(run.faults > 0);
        if out.is_json() {
            out.answer([AuditLine::from(&run)], |_| String::new())?;
            continue;
        }
        shown.push(run.shortened());
    }
    if !out.is_json() {
        let summary = summary(runs.len() as u64, faulty, faults, mended);
        out.answer(no_records(), |frame| audits(&shown, length, frame) + &summary)?;
        if faults > mended && !repair {
            out.note("coordinator doctor --repair mends what can be mended without losing or doubling a job");
        }
    }
    Ok(if faults > mended {
        ExitStatus::Failed
    } else {
        ExitStatus::Succeeded
    })
}

async fn wanted(cluster: &dyn Cluster, names: &[String], out: &Output) -> Result<(Vec<RunSummary>, usize)> {
    if !names.is_empty() {
        let named = find::runs(cluster, names, out.frame().now).await?;
        let length = find::id_length(&named);
        return Ok((named, length));
    }
    let all = cluster.list().await?;
    let length = find::id_length(&all);
    let running = all.into_iter().filter(|run| run.state == RunState::Running);
    Ok((running.collect(), length))
}

fn summary(runs: u64, faulty: u64, faults: u64, mended: u64) -> String {
    let audited = plural(runs, "run audited", "runs audited");
    if faults == 0 {
        return format!("\n{audited}: every job is in exactly one place\n");
    }
    format!(
        "\n{audited}: {} in {}, {} mended\n",
        plural(faults, "fault", "faults"),
        plural(faulty, "run", "runs"),
        count(mended)
    )
}

fn no_records() -> [AuditLine; 0] {
    []
}
