//! `get`: one run in full.

use tickfleet_runtime::failure::ExitStatus;

use super::find;
use super::output::Output;
use super::record::RunSheet;
use crate::cluster::{Cluster, Result};
use crate::view::run::run;

/// Shows one run.
///
/// # Errors
/// No run fits the name, or several; the cluster does not answer; standard output cannot be written.
pub async fn get(cluster: &dyn Cluster, name: &str, out: &mut Output) -> Result<ExitStatus> {
    let now = out.frame().now;
    let found = find::run(cluster, name, now).await?;
    let dead = match found.counts().failed {
        0 => 0,
        _ => cluster.dead(found.run).await?.len() as u64,
    };
    out.answer([RunSheet::new(&found, dead, now)], |frame| run(&found, dead, frame))?;
    if dead > 0 {
        out.note(&format!("coordinator dlq list {} lists its dead letters", found.run));
    }
    Ok(ExitStatus::Succeeded)
}
