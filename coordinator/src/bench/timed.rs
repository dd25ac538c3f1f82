//! A broker that notes when jobs were submitted and when they were delivered: the dispatch latency, as a user of the
//! queue meets it, without a word of it in the queue itself.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use tickfleet_protocol::fleet::{Orders, WorkerCard, WorkerEntry};
use tickfleet_protocol::ids::{EventId, Identity, JobIndex, RunId, Token, WorkerId};
use tickfleet_runtime::broker::{
    Audit, Broker, Claim, ClaimRequest, Commit, CommitOutcome, DeadLetter, FailOutcome, Failure, Held, NewRun,
    Progress, Result, RunRecord, RunSummary, Submitted, Sweep,
};

/// A broker with a watch.
pub(super) struct Timed<B> {
    broker: B,
    deliveries: Mutex<Vec<(RunId, Instant)>>,
}

impl<B: Broker> Timed<B> {
    /// Around a broker; remembers at most `deliveries_max` deliveries.
    pub(super) fn new(broker: B, deliveries_max: usize) -> Self {
        Self {
            broker,
            deliveries: Mutex::new(Vec::with_capacity(deliveries_max)),
        }
    }

    /// From a run's submission to each delivery of its jobs, sorted.
    pub(super) fn latencies(&self, submitted: &[(RunId, Instant)]) -> Vec<Duration> {
        let deliveries = self.deliveries.lock().expect("a list is pushed to without panic");
        let since = |(run, at): &(RunId, Instant)| {
            let (_, start) = submitted.iter().find(|(known, _)| known == run)?;
            Some(at.saturating_duration_since(*start))
        };
        let mut latencies: Vec<Duration> = deliveries.iter().filter_map(since).collect();
        latencies.sort_unstable();
        latencies
    }
}

#[async_trait]
impl<B: Broker> Broker for Timed<B> {
    async fn submit(&self, run: NewRun) -> Result<Submitted> {
        self.broker.submit(run).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>> {
        let claims = self.broker.claim(request).await?;
        let now = Instant::now();
        let mut deliveries = self.deliveries.lock().expect("a list is pushed to without panic");
        for claim in &claims {
            if deliveries.len() < deliveries.capacity() {
                deliveries.push((claim.job.run, now));
            }
        }
        Ok(claims)
    }

    async fn beat(&self, held: &[Held], lease_ms: u64) -> Result<Vec<Token>> {
        self.broker.beat(held, lease_ms).await
    }

    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<CommitOutcome>> {
        self.broker.commit(commits).await
    }

    async fn fail(&self, failures: Vec<Failure>) -> Result<Vec<FailOutcome>> {
        self.broker.fail(failures).await
    }

    async fn hand_back(&self, held: &[Held]) -> Result<()> {
        self.broker.hand_back(held).await
    }

    async fn cancel(&self, run: RunId) -> Result<bool> {
        self.broker.cancel(run).await
    }

    async fn run(&self, run: RunId) -> Result<Option<RunRecord>> {
        self.broker.run(run).await
    }

    async fn summary(&self, run: RunId) -> Result<Option<RunSummary>> {
        self.broker.summary(run).await
    }

    async fn list(&self) -> Result<Vec<RunSummary>> {
        self.broker.list().await
    }

    async fn events(&self, run: RunId, after: EventId, wait: Duration) -> Result<Vec<(EventId, Progress)>> {
        self.broker.events(run, after, wait).await
    }

    async fn results(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>> {
        self.broker.results(identities).await
    }

    async fn stored(&self, identities: &[Identity]) -> Result<Vec<bool>> {
        self.broker.stored(identities).await
    }

    async fn keep(&self, results: Vec<(Identity, Bytes)>) -> Result<()> {
        self.broker.keep(results).await
    }

    async fn announce(&self, card: &WorkerCard) -> Result<Orders> {
        self.broker.announce(card).await
    }

    async fn retire(&self, worker: &WorkerId) -> Result<()> {
        self.broker.retire(worker).await
    }

    async fn workers(&self) -> Result<Vec<WorkerEntry>> {
        self.broker.workers().await
    }

    async fn drain(&self, worker: &WorkerId, is_draining: bool) -> Result<bool> {
        self.broker.drain(worker, is_draining).await
    }

    async fn audit(&self, run: RunId, repair: bool) -> Result<Audit> {
        self.broker.audit(run, repair).await
    }

    async fn sweep(&self, repair: bool) -> Result<Sweep> {
        self.broker.sweep(repair).await
    }

    async fn dead(&self, run: RunId) -> Result<Vec<DeadLetter>> {
        self.broker.dead(run).await
    }

    async fn replay_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        self.broker.replay_dead(run, jobs).await
    }

    async fn drop_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        self.broker.drop_dead(run, jobs).await
    }

    async fn forget(&self, run: RunId) -> Result<()> {
        self.broker.forget(run).await
    }
}
