//! `workers`: the machines of the cluster and what they do.

use tickfleet_runtime::failure::ExitStatus;

use super::output::Output;
use super::record::WorkerLine;
use crate::cluster::{Cluster, Result};
use crate::view::fleet;

/// Lists workers.
///
/// # Errors
/// The cluster does not answer; standard output cannot be written.
pub async fn workers(cluster: &dyn Cluster, out: &mut Output) -> Result<ExitStatus> {
    let found = cluster.workers().await?;
    if found.is_empty() && !out.is_json() {
        out.note("no workers; worker --help says how to start one");
        return Ok(ExitStatus::Succeeded);
    }
    out.answer(found.iter().map(WorkerLine::from), |frame| {
        fleet::workers(&found, frame)
    })?;
    Ok(ExitStatus::Succeeded)
}
