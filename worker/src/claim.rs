//! The worker's loop: claim as many jobs as lanes and read-ahead can take, start each, and drain when told to.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tickfleet_protocol::identity::KERNEL_VERSION;
use tickfleet_protocol::ids::{JobKind, WorkerId};
use tickfleet_protocol::limits::MAX_CLAIMS_PER_CALL;
use tickfleet_runtime::broker::{Broker, Claim, ClaimRequest};
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::pool::Pool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::compute::compute;
use crate::error::JobError;
use crate::fetch::fetch;
use crate::heartbeat::{Heartbeat, Held};
use crate::publish::{Outbox, Outcome, outbox, publish};
use crate::run::Runs;

/// How long one claim waits for work before it asks again.
const CLAIM_WAIT: Duration = Duration::from_secs(1);
/// Longest pause while the broker does not answer.
const OUTAGE_PAUSE_MAX: Duration = Duration::from_secs(5);

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Its name in claims.
    pub id: WorkerId,
    /// Jobs whose input is read while others compute.
    pub read_ahead: usize,
    /// Lease of a claim.
    pub lease: Duration,
    /// Longest a job may compute before its lease is no longer renewed.
    pub job_max: Duration,
}

/// A worker.
#[derive(Clone)]
pub struct Worker {
    broker: Arc<dyn Broker>,
    inputs: Arc<Inputs>,
    pool: Pool,
    options: WorkerOptions,
    runs: Arc<Runs>,
    held: Arc<Held>,
}

impl Worker {
    /// A worker of a broker's jobs that computes on a pool.
    pub fn new(broker: Arc<dyn Broker>, inputs: Arc<Inputs>, pool: Pool, options: WorkerOptions) -> Self {
        Self {
            broker,
            inputs,
            pool,
            options,
            runs: Arc::default(),
            held: Arc::default(),
        }
    }

    /// Works until `drain` turns true: then claims nothing more, finishes what computes and hands the rest back.
    ///
    /// # Errors
    /// The heartbeat thread cannot be started, or the publisher ended: without it nothing that is computed counts.
    pub async fn run(self, mut drain: watch::Receiver<bool>) -> std::io::Result<()> {
        let (lease, job_max) = (self.options.lease, self.options.job_max);
        let heartbeat = Heartbeat::start(self.broker.clone(), self.held.clone(), lease, job_max)?;
        let (outbox, outcomes) = outbox();
        let mut publisher = tokio::spawn(publish(self.broker.clone(), self.held.clone(), outcomes));
        let mut jobs = JoinSet::new();
        tokio::select! {
            () = self.claim_until(&mut drain, &outbox, &mut jobs) => {}
            ended = &mut publisher => return Err(publisher_ended(ended)),
        }
        while let Some(ended) = jobs.join_next().await {
            report(ended);
        }
        drop(outbox);
        publisher.await.map_err(|error| publisher_ended(Err(error)))?;
        let left: Vec<_> = self.held.claims().iter().map(Claim::held).collect();
        if !left.is_empty()
            && let Err(error) = self.broker.hand_back(&left).await
        {
            tracing::warn!(%error, "claims could not be handed back; their leases will end");
        }
        drop(heartbeat);
        Ok(())
    }

    async fn claim_until(&self, drain: &mut watch::Receiver<bool>, outbox: &Outbox, jobs: &mut JoinSet<()>) {
        let room = Arc::new(Semaphore::new(self.pool.lanes() + self.options.read_ahead));
        let mut pause = Duration::from_millis(50);
        while !*drain.borrow() {
            while let Some(ended) = jobs.try_join_next() {
                report(ended);
            }
            let permits = tokio::select! {
                permits = acquire(&room) => permits,
                _ = drain.changed() => continue,
            };
            let request = ClaimRequest {
                worker: self.options.id.clone(),
                kinds: vec![JobKind::new(KERNEL_VERSION).expect("a valid name")],
                max: permits.len(),
                lease_ms: u64::try_from(self.options.lease.as_millis()).unwrap_or(u64::MAX),
                wait: CLAIM_WAIT,
            };
            let claims = tokio::select! {
                claims = self.broker.claim(request) => claims,
                _ = drain.changed() => continue,
            };
            match claims {
                Ok(claims) => {
                    pause = Duration::from_millis(50);
                    self.held.add(&claims);
                    for (claim, permit) in claims.into_iter().zip(permits) {
                        jobs.spawn(self.clone().work(claim, permit, outbox.clone()));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "no claim");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(OUTAGE_PAUSE_MAX);
                }
            }
        }
    }

    /// One job, from claim to outcome.
    async fn work(self, claim: Claim, permit: OwnedSemaphorePermit, outbox: Outbox) {
        // A task that ended by a panic would leave its claim among those held, and the heartbeat would renew it.
        let attempt = AssertUnwindSafe(self.attempt(&claim)).catch_unwind().await;
        let outcome = match attempt.unwrap_or_else(|panic| Err(JobError::panicked(panic.as_ref()))) {
            Ok(Some(outcome)) => outcome,
            Ok(None) => {
                self.held.release(&[claim.token]);
                return;
            }
            Err(error) => Outcome::Failed(error),
        };
        // The publisher lives until every sender is gone.
        let _ = outbox.send((claim, outcome)).await;
        drop(permit);
    }

    /// `None` when the claim is no longer this worker's.
    async fn attempt(&self, claim: &Claim) -> Result<Option<Outcome>, JobError> {
        if claim.solo {
            return Err(JobError::Solo { kills: claim.kills });
        }
        let Some(run) = self.runs.get(self.broker.as_ref(), claim.job.run).await? else {
            return Ok(None);
        };
        let job = run.job(&claim.job)?;
        let identity = run.identities().of(&job);
        if self.broker.result(identity).await?.is_some() {
            return Ok(Some(Outcome::Done(identity, None)));
        }
        let input = fetch(&run, &self.inputs, &self.pool, self.broker.as_ref(), &job).await?;
        let (inputs, held, token) = (self.inputs.clone(), self.held.clone(), claim.token);
        let task = move || {
            if held.is_revoked(&token) {
                return Ok(None);
            }
            compute(&run, &inputs, &job, input).map(Some)
        };
        let result = self.pool.run(task).await??;
        Ok(result.map(|bytes| Outcome::Done(identity, Some(bytes))))
    }
}

/// The leases end by themselves and return the jobs.
fn publisher_ended(ended: Result<(), tokio::task::JoinError>) -> std::io::Error {
    std::io::Error::other(match ended {
        Ok(()) => "the publisher ended before its jobs".to_owned(),
        Err(error) => format!("the publisher failed: {error}"),
    })
}

/// At least one permit, and as many more as are free.
async fn acquire(room: &Arc<Semaphore>) -> Vec<OwnedSemaphorePermit> {
    let first = room
        .clone()
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    let mut permits = vec![first];
    while permits.len() < MAX_CLAIMS_PER_CALL
        && let Ok(permit) = room.clone().try_acquire_owned()
    {
        permits.push(permit);
    }
    permits
}

/// Tasks are only cancelled with the whole runtime, when the process ends: that is nobody's fault.
fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && !error.is_cancelled()
    {
        tracing::error!(%error, "a job's task ended early; its lease will return the job");
    }
}
