//! The worker and its loop: claim as much as there is room for, bring it on its way, and end when told to.
//!
//! The path of a claim is in the files: `batch`, `lane`, `publish`, with [`crate::held`] saying
//! how far each is, and `heartbeat` beside them. Every wait here is bounded. Read next: `drain`.

use std::sync::Arc;
use std::time::Duration;

use tickfleet_protocol::ids::{JobKind, WorkerId};
use tickfleet_runtime::broker::{Broker, Claim, ClaimRequest};
use tickfleet_runtime::cache;
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::pool::Pool;
use tickfleet_runtime::shutdown::{Shutdown, reached};
use tickfleet_runtime::telemetry::metrics;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff::{Backoff, bounded};
use crate::batch;
use crate::drain::drain;
use crate::error::{JobError, WorkerError};
use crate::heartbeat::Heartbeat;
use crate::held::Held;
use crate::jobs::Tools;
use crate::observe::Observe;
use crate::outbox::{Outbox, Outcome};
use crate::publish::publish;
use crate::results::Results;
use crate::room::Room;
use crate::runs::Runs;
use crate::solo::SoloOptions;
use crate::status::{Observer, Status};

/// How long one claim waits for work before it asks again.
pub const CLAIM_WAIT: Duration = Duration::from_secs(1);
/// How long jobs may go on computing once a worker is told to end, unless it is said otherwise: below the half minute that
/// orchestrators grant.
pub const DRAIN_MAX: Duration = Duration::from_secs(20);
/// How often a worker without room looks whether it has some.
const LOOK: Duration = Duration::from_millis(50);

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Its name in claims.
    pub id: WorkerId,
    /// Jobs whose input is read while others compute.
    pub read_ahead: usize,
    /// Lease of a claim.
    pub lease: Duration,
    /// Longest a job may compute before it counts as hung.
    pub job_max: Duration,
    /// Longest that jobs may go on computing once the worker is told to end; then they are handed back.
    pub drain_max: Duration,
    /// What it claims; at least one, each of [`Kind::ALL`](crate::jobs::Kind::ALL).
    pub kinds: Vec<JobKind>,
    /// How a job runs that must run alone; without it, such jobs fail.
    pub solo: Option<SoloOptions>,
}

impl WorkerOptions {
    pub(crate) fn lease_ms(&self) -> u64 {
        u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A worker.
#[derive(Debug)]
pub struct Worker {
    shared: Arc<Shared>,
}

/// What the parts of a worker share.
pub(crate) struct Shared {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) results: Arc<cache::Results>,
    pub(crate) tools: Tools,
    pub(crate) options: WorkerOptions,
    pub(crate) runs: Runs,
    pub(crate) held: Held,
    pub(crate) outbox: Outbox,
    pub(crate) room: Room,
    pub(crate) status: Status,
    pub(crate) observe: Observe,
    /// Whose turn it is to run alone.
    pub(crate) solo_turn: Semaphore,
    pub(crate) tasks: TaskTracker,
    /// Ends every wait: nobody wants an outcome any more.
    pub(crate) cut: CancellationToken,
}

impl Worker {
    /// A worker of a broker's jobs that computes on a pool, in the process in which that broker lives.
    pub fn new(broker: Arc<dyn Broker>, inputs: Arc<Inputs>, pool: Pool, options: WorkerOptions) -> Self {
        let results = Arc::new(cache::Results::alone(Arc::clone(&broker)));
        Self::with_results(broker, results, inputs, pool, options)
    }

    /// A worker of a broker's jobs that reads and writes their results over the tiers of a cache.
    pub fn with_results(
        broker: Arc<dyn Broker>,
        results: Arc<cache::Results>,
        inputs: Arc<Inputs>,
        pool: Pool,
        options: WorkerOptions,
    ) -> Self {
        let cut = CancellationToken::new();
        metrics::shared().worker.lanes.set(pool.lanes() as u64);
        let shared = Shared {
            room: Room::new(pool.lanes(), options.read_ahead),
            tools: Tools {
                inputs,
                results: Results::Stored(Arc::clone(&results), cut.clone()),
                pool,
                work: Arc::default(),
            },
            results,
            broker,
            options,
            runs: Runs::default(),
            held: Held::default(),
            outbox: Outbox::default(),
            status: Status::default(),
            observe: Observe::default(),
            solo_turn: Semaphore::new(1),
            tasks: TaskTracker::new(),
            cut,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// A look at it from outside, which outlives it.
    pub fn observer(&self) -> Observer {
        Observer::new(Arc::clone(&self.shared))
    }

    /// Works until it is asked to drain: then claims nothing more, hands back what has not begun, and finishes what
    /// computes within its bound. Asked to end at once, it hands that back too.
    ///
    /// # Errors
    /// The heartbeat thread cannot be started, the publisher ended, every lane hangs, or the broker did not answer at the
    /// end.
    pub async fn run(self, mut asked: watch::Receiver<Shutdown>) -> Result<(), WorkerError> {
        let shared = self.shared;
        let _cut = CutOnDrop(Arc::clone(&shared));
        let heartbeat = Heartbeat::start(Arc::clone(&shared)).map_err(WorkerError::Heartbeat)?;
        let publishing = Arc::clone(&shared);
        let mut publisher = tokio::spawn(async move { publish(&publishing).await });
        let claimed = tokio::select! {
            claimed = claim_until(&shared, &mut asked) => claimed,
            ended = &mut publisher => return Err(WorkerError::Publisher(ended.err())),
        };
        let drained = drain(&shared, publisher, &mut asked).await;
        heartbeat.stop().await;
        claimed.and(drained)
    }
}

/// Lets nothing of a worker outlive its loop, however that ends.
struct CutOnDrop(Arc<Shared>);

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        self.0.cut.cancel();
        self.0.outbox.close();
    }
}

impl Shared {
    /// Ends a claim, unless it ended before or was taken away.
    pub(crate) fn conclude(&self, claim: &Claim, outcome: Outcome) {
        if self.held.end(&claim.token) {
            self.outbox.put_now(claim.clone(), outcome);
        }
    }

    /// Ends a claim by an error: as the job's failure, or handed back where the job had no part in it.
    pub(crate) fn conclude_failed(&self, claim: &Claim, error: &JobError) {
        self.conclude(claim, Outcome::of(error));
    }

    /// Hands claims back that were withdrawn.
    pub(crate) fn hand_back(&self, withdrawn: Vec<Claim>) {
        for claim in withdrawn {
            self.outbox.put_now(claim, Outcome::HandedBack);
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Claims until it is asked to drain.
async fn claim_until(shared: &Arc<Shared>, asked: &mut watch::Receiver<Shutdown>) -> Result<(), WorkerError> {
    let mut backoff = Backoff::default();
    loop {
        let max = tokio::select! {
            max = room(shared) => max?,
            () = reached(asked, Shutdown::Draining) => return Ok(()),
        };
        let request = ClaimRequest {
            worker: shared.options.id.clone(),
            kinds: shared.options.kinds.clone(),
            max,
            lease_ms: shared.options.lease_ms(),
            wait: CLAIM_WAIT,
        };
        let claims = tokio::select! {
            claims = bounded("claim", shared.broker.claim(request)) => claims,
            () = reached(asked, Shutdown::Draining) => return Ok(()),
        };
        match claims {
            Ok(claims) => {
                backoff.reset();
                shared.status.answered();
                take(shared, claims);
            }
            Err(error) => {
                let pause = backoff.pause();
                tracing::warn!(%error, failures = backoff.failures(), "no claim");
                shared.status.unanswered(&error);
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = reached(asked, Shutdown::Draining) => return Ok(()),
                }
            }
        }
    }
}

fn take(shared: &Arc<Shared>, claims: Vec<Claim>) {
    if claims.is_empty() {
        return;
    }
    Status::add(&shared.status.claimed, claims.len());
    shared.held.add(&claims);
    shared.tasks.spawn(batch::start(Arc::clone(shared), claims));
}

/// Waits until there is room for claims, and says for how many; hands back what waits behind jobs that turned out long.
async fn room(shared: &Shared) -> Result<usize, WorkerError> {
    loop {
        let load = shared.held.load();
        if load.stuck >= shared.room.lanes() {
            return Err(WorkerError::AllStuck {
                lanes: load.stuck,
                job_max: shared.options.job_max,
            });
        }
        if let Some(keep) = shared.room.may_wait(&load) {
            shared.hand_back(shared.held.withdraw_surplus(keep));
        }
        let wanted = shared.room.wanted(&load);
        let is_full = wanted == 0 || !shared.outbox.has_room();
        shared.status.set_full(is_full);
        if !is_full {
            return Ok(wanted);
        }
        // Bounded: how long a job computes is no event.
        let _ = tokio::time::timeout(LOOK, shared.held.changed()).await;
    }
}

#[cfg(test)]
#[path = "claim_tests.rs"]
mod tests;
