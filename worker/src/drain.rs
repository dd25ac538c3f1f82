//! The end of a worker: what has not begun goes back at once, what computes may end within a bound, then goes back too.
//! Handing back charges no job anything.
//!
//! Nothing here waits longer than it may, whatever the broker does: what could not be told is left to the leases. A job
//! that hangs is not handed back: its lease ends, and that is charged, or it would go round the fleet for ever.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tickfleet_runtime::fault;
use tickfleet_runtime::shutdown::{Shutdown, reached};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::claim::Shared;
use crate::error::WorkerError;

/// Longest time to tell the broker what became of claims, once nothing computes any more.
const TELL_MAX: Duration = Duration::from_secs(5);
/// The same for a worker that is asked to end at once.
const TELL_AT_ONCE_MAX: Duration = Duration::from_secs(2);
/// Longest time for waits to notice that they were cut.
const CUT_MAX: Duration = Duration::from_secs(1);
/// How often it is looked whether something computes still.
const LOOK: Duration = Duration::from_millis(50);

/// Brings a worker that claims nothing more to its end.
///
/// # Errors
/// [`WorkerError::Untold`], and what the publisher died of.
pub(crate) async fn drain(
    shared: &Shared,
    mut publisher: JoinHandle<()>,
    asked: &mut watch::Receiver<Shutdown>,
) -> Result<(), WorkerError> {
    if let Err(injected) = fault::point("worker.in_drain") {
        tracing::warn!(%injected, "draining all the same");
    }
    let untold_before = shared.status.untold.load(Ordering::Relaxed);
    shared.hand_back(shared.held.withdraw_waiting());
    tokio::select! {
        () = computed(shared) => {}
        () = reached(asked, Shutdown::Ending) => {}
    }
    shared.hand_back(shared.held.withdraw_unended());
    shared.outbox.close();
    let is_told = tokio::select! {
        ended = tokio::time::timeout(TELL_MAX, &mut publisher) => ended.ok(),
        () = at_once(asked) => None,
    };
    shared.cut.cancel();
    let ended = match is_told {
        Some(ended) => Some(ended),
        None => tokio::time::timeout(CUT_MAX, &mut publisher).await.ok(),
    };
    publisher.abort();
    shared.tasks.close();
    let _ = tokio::time::timeout(CUT_MAX, shared.tasks.wait()).await;
    match ended {
        Some(Err(died)) => Err(WorkerError::Publisher(Some(died))),
        _ => untold(shared, untold_before),
    }
}

/// Returns when nothing computes but what hangs, or when that takes too long.
async fn computed(shared: &Shared) {
    let began = Instant::now();
    while began.elapsed() < shared.options.drain_max {
        if shared.held.load().progressing() == 0 {
            return;
        }
        let _ = tokio::time::timeout(LOOK, shared.held.changed()).await;
    }
    tracing::warn!("jobs that still compute are handed back");
}

async fn at_once(asked: &mut watch::Receiver<Shutdown>) {
    reached(asked, Shutdown::Ending).await;
    tokio::time::sleep(TELL_AT_ONCE_MAX).await;
}

fn untold(shared: &Shared, untold_before: u64) -> Result<(), WorkerError> {
    let load = shared.held.load();
    let (_, held) = shared.held.jobs(0);
    let claims = shared.outbox.waiting() + held - load.stuck;
    let claims = claims as u64 + shared.status.untold.load(Ordering::Relaxed) - untold_before;
    if claims == 0 {
        Ok(())
    } else {
        Err(WorkerError::Untold { claims })
    }
}
