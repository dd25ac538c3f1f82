//! Jobs that run alone: those that workers have died of, each in a process of its own, so that blame is exact and one
//! poisonous job cannot walk through the fleet.
//!
//! The process has a memory limit and a time limit, talks to nobody but this worker, and may die in whatever way: that is
//! then the job's failure, for good, in words that say how. Read next: [`child`], which is the other side.

pub mod child;
mod frame;
mod parent;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tickfleet_protocol::ids::Token;
use tickfleet_runtime::fault;
use tracing::Instrument;

use self::frame::{Order, OrderHead};
use self::parent::{Death, Verdict};
use crate::backoff::{READ_TRIES, persist};
use crate::batch::Named;
use crate::claim::Shared;
use crate::error::JobError;
use crate::outbox::Outcome;
use crate::status::Status;

/// The option that makes a `worker` the other side.
pub const FLAG: &str = "--solo";
/// How often it is looked whether the broker took the claim back.
const LOOK: Duration = Duration::from_millis(250);

/// How jobs run alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoloOptions {
    /// The `worker` program, which is started with [`FLAG`].
    pub program: PathBuf,
    /// Memory that such a job may use, bytes.
    pub memory_bytes: u64,
    /// Bound of its input cache, bytes.
    pub cache_bytes: u64,
}

/// The program that runs now, even if its file has been replaced since it started.
///
/// # Errors
/// The system does not say.
pub fn this_program() -> std::io::Result<PathBuf> {
    let linux = PathBuf::from("/proc/self/exe");
    if linux.exists() {
        Ok(linux)
    } else {
        std::env::current_exe()
    }
}

/// Runs a job alone, after those before it, and ends its claim.
pub(crate) async fn run(shared: &Arc<Shared>, named: Named) -> Result<(), JobError> {
    let (token, kills) = (named.claim.token, named.claim.kills);
    let Some(options) = &shared.options.solo else {
        return Err(JobError::Solo { kills });
    };
    let _turn = shared.solo_turn.acquire().await.expect("the turn is never closed");
    let order = order(shared, &named, options).await?;
    fault::point("worker.after_fetch")?;
    if !shared.held.begin(&token) {
        return Ok(());
    }
    tracing::warn!(job = %named.claim.job, kills, "workers died holding this job: it runs alone");
    let alone = parent::run(&options.program, &order, shared.options.job_max);
    let verdict = tokio::select! {
        verdict = alone.instrument(shared.observe.executing(&token)) => verdict,
        () = revoked(shared, &token) => {
            shared.held.release(&[token]);
            shared.observe.lose(std::iter::once(token));
            return Ok(());
        }
    };
    Status::add(&shared.status.computed, 1);
    match verdict.map_err(JobError::StartAlone)? {
        Verdict::Done(result) => shared.conclude(&named.claim, Outcome::Done(named.identity, Some(result))),
        Verdict::Failed { reason, is_retryable } => return Err(JobError::FailedAlone { reason, is_retryable }),
        Verdict::Died(Death::Told) => shared.conclude(&named.claim, Outcome::HandedBack),
        Verdict::Died(Death::Of(how)) => return Err(JobError::DiedAlone { kills, how }),
    }
    Ok(())
}

/// All that a job needs whose process talks to no queue.
async fn order(shared: &Shared, named: &Named, options: &SoloOptions) -> Result<Order, JobError> {
    let job = named.claim.job;
    let read = persist("run", READ_TRIES, &shared.cut, || shared.broker.run(job.run)).await?;
    let record = read.0.ok_or(JobError::RunGone)?;
    let identities = named.run.reads(&job)?;
    let found = shared.tools.results.read(&identities).await?;
    let all = found.len();
    let results: Vec<_> = found.into_iter().flatten().collect();
    if results.len() < all {
        return Err(JobError::ResultsGone {
            missing: all - results.len(),
            all,
        });
    }
    Ok(Order {
        head: OrderHead {
            version: frame::VERSION.to_owned(),
            kind: record.summary.kind,
            job,
            memory_bytes: options.memory_bytes,
            cache_bytes: options.cache_bytes.min(options.memory_bytes / 4),
            identities,
        },
        payload: record.payload,
        results,
    })
}

async fn revoked(shared: &Shared, token: &Token) {
    while !shared.held.is_revoked(token) {
        tokio::time::sleep(LOOK).await;
    }
}
