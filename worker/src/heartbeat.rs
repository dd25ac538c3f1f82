//! Leases renewed on time, and the watch over jobs that hang, from an OS thread of their own: computing starves timers of
//! threads that share its cores, and a starved beat loses jobs.
//!
//! A job that computes longer than its bound is given up: its lease is no longer renewed, ends, and the job is delivered
//! anew. The calls themselves travel over the worker's own runtime, whose threads never compute.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tickfleet_protocol::limits::MAX_BATCH;
use tickfleet_runtime::broker::{Held as HeldClaim, Result};
use tickfleet_runtime::telemetry::metrics;
use tokio::runtime::Handle;

use crate::backoff::within;
use crate::claim::Shared;
use crate::status::Status;

/// Longest time between two looks at what hangs, before a failed beat is tried again, and for the thread to end.
const LOOK: Duration = Duration::from_secs(1);
/// Longest that a beat may take: a lease that it would renew later has nearly ended.
const BEAT_MAX: Duration = Duration::from_secs(5);

/// The thread that renews leases; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    is_asked: Mutex<bool>,
    asked: Condvar,
}

impl Heartbeat {
    /// Renews the leases of what a worker holds three times a lease.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(crate) fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let stop = Arc::<Stop>::default();
        let (asked, runtime) = (Arc::clone(&stop), Handle::current());
        let beats = move || {
            let interval = shared.options.lease / 3;
            let mut due = Instant::now() + interval;
            while !asked.wait(LOOK.min(interval)) {
                give_up_overdue(&shared);
                if Instant::now() < due {
                    continue;
                }
                let is_renewed = runtime.block_on(beat(&shared));
                due = Instant::now() + if is_renewed { interval } else { LOOK.min(interval) };
            }
        };
        let thread = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(beats)?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Heartbeat {
    /// Ends the thread, and waits for it as long as a beat usually takes.
    pub(crate) async fn stop(mut self) {
        self.stop.ask();
        let Some(thread) = self.thread.take() else {
            return;
        };
        match tokio::time::timeout(LOOK, tokio::task::spawn_blocking(move || thread.join())).await {
            Ok(Ok(Ok(()))) => {}
            Ok(_) => tracing::error!("the heartbeat thread panicked"),
            Err(_) => tracing::warn!("the heartbeat thread does not end"),
        }
    }
}

impl Drop for Heartbeat {
    /// The thread ends by itself; to wait for it here could block the runtime that its call needs.
    fn drop(&mut self) {
        self.stop.ask();
    }
}

impl Stop {
    fn ask(&self) {
        *self.is_asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.asked.notify_all();
    }

    /// Waits one interval; true when it is time to stop.
    fn wait(&self, interval: Duration) -> bool {
        let is_asked = self.is_asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.asked.wait_timeout_while(is_asked, interval, |asked| !*asked);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

fn give_up_overdue(shared: &Shared) {
    let overdue = shared.held.give_up_overdue(shared.options.job_max);
    for (job, age) in &overdue {
        tracing::error!(%job, age_s = age.as_secs(), "a job hangs: its lease is left to end, its lane is lost");
    }
    Status::add(&shared.status.given_up, overdue.len());
    metrics::shared().worker.hung.add(overdue.len() as u64);
}

/// Renews every lease; false where a call failed.
async fn beat(shared: &Shared) -> bool {
    let mut is_renewed = true;
    for batch in shared.held.live().chunks(MAX_BATCH) {
        match renew(shared, batch).await {
            Ok(()) => shared.status.answered(),
            Err(error) => {
                tracing::warn!(%error, "leases were not renewed");
                shared.status.unanswered(&error);
                is_renewed = false;
            }
        }
    }
    is_renewed
}

async fn renew(shared: &Shared, batch: &[HeldClaim]) -> Result<()> {
    let beat = shared.broker.beat(batch, shared.options.lease_ms());
    let revoked = within(BEAT_MAX.min(shared.options.lease / 3), "beat", beat).await?;
    shared.held.revoke(&revoked);
    // One that is still held ends as any other: it may have been committed a moment ago.
    shared
        .observe
        .lose(revoked.into_iter().filter(|token| !shared.held.holds(token)));
    Ok(())
}
