//! `cancel`: ends a run at once. What it has computed stays known; what it holds is lost to its workers.

use tickfleet_runtime::failure::ExitStatus;

use super::find;
use super::output::Output;
use super::record::{Done, RunDone};
use crate::cluster::{Cluster, Result};
use crate::view::runs::state_name;

/// Cancels a run. One that had ended stays as it was, and that is no failure.
///
/// # Errors
/// No run fits the name, or several; the cluster does not answer; standard output cannot be written.
pub async fn cancel(cluster: &dyn Cluster, name: &str, out: &mut Output) -> Result<ExitStatus> {
    let found = find::run(cluster, name, out.frame().now).await?;
    let run = found.run;
    let was_running = cluster.cancel(run).await?;
    let record = RunDone {
        run,
        done: Done::Cancelled(was_running),
    };
    let text = if was_running {
        format!("run {run}: cancelled\n")
    } else {
        let state = cluster.get(run).await?.state;
        format!("run {run}: {} already, nothing to cancel\n", state_name(state))
    };
    out.answer([record], |_| text)?;
    Ok(ExitStatus::Succeeded)
}
