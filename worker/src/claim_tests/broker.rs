//! A broker in memory whose calls are counted, and that a test cuts off and brings back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tickfleet_protocol::fleet::{Orders, WorkerCard, WorkerEntry};
use tickfleet_protocol::ids::{EventId, Identity, JobIndex, RunId, Token, WorkerId};
use tickfleet_runtime::broker::memory::MemoryBroker;
use tickfleet_runtime::broker::{
    Audit, Broker, BrokerError, Claim, ClaimRequest, Commit, CommitOutcome, DeadLetter, FailOutcome, Failure, Held,
    NewRun, Progress, Result, RunRecord, RunSummary, Submitted, Sweep,
};

/// The memory broker, with calls counted, and cut off where a test says so.
pub(super) struct Counted {
    inner: MemoryBroker,
    pub(super) is_away: AtomicBool,
    pub(super) claims: AtomicUsize,
    pub(super) looks: AtomicUsize,
    pub(super) commits: AtomicUsize,
    pub(super) largest_claim: AtomicUsize,
}

impl Counted {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryBroker::new(1 << 30),
            is_away: AtomicBool::new(false),
            claims: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
            commits: AtomicUsize::new(0),
            largest_claim: AtomicUsize::new(0),
        })
    }

    fn reach(&self, operation: &'static str) -> Result<()> {
        if self.is_away.load(Ordering::SeqCst) {
            let source = "away".into();
            return Err(BrokerError::Unavailable { operation, source });
        }
        Ok(())
    }
}

#[async_trait]
impl Broker for Counted {
    async fn submit(&self, run: NewRun) -> Result<Submitted> {
        self.inner.submit(run).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>> {
        self.reach("claim")?;
        let claims = self.inner.claim(request).await?;
        self.claims.fetch_add(1, Ordering::SeqCst);
        self.largest_claim.fetch_max(claims.len(), Ordering::SeqCst);
        Ok(claims)
    }

    async fn beat(&self, held: &[Held], lease_ms: u64) -> Result<Vec<Token>> {
        self.reach("beat")?;
        self.inner.beat(held, lease_ms).await
    }

    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<CommitOutcome>> {
        self.reach("commit")?;
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.inner.commit(commits).await
    }

    async fn fail(&self, failures: Vec<Failure>) -> Result<Vec<FailOutcome>> {
        self.reach("fail")?;
        self.inner.fail(failures).await
    }

    async fn hand_back(&self, held: &[Held]) -> Result<()> {
        self.reach("hand back")?;
        self.inner.hand_back(held).await
    }

    async fn cancel(&self, run: RunId) -> Result<bool> {
        self.inner.cancel(run).await
    }

    async fn run(&self, run: RunId) -> Result<Option<RunRecord>> {
        self.inner.run(run).await
    }

    async fn summary(&self, run: RunId) -> Result<Option<RunSummary>> {
        self.inner.summary(run).await
    }

    async fn list(&self) -> Result<Vec<RunSummary>> {
        self.inner.list().await
    }

    async fn events(&self, run: RunId, after: EventId, wait: Duration) -> Result<Vec<(EventId, Progress)>> {
        self.inner.events(run, after, wait).await
    }

    async fn results(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>> {
        self.reach("results")?;
        self.inner.results(identities).await
    }

    async fn stored(&self, identities: &[Identity]) -> Result<Vec<bool>> {
        self.reach("stored")?;
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.inner.stored(identities).await
    }

    async fn keep(&self, results: Vec<(Identity, Bytes)>) -> Result<()> {
        self.inner.keep(results).await
    }

    async fn announce(&self, card: &WorkerCard) -> Result<Orders> {
        self.inner.announce(card).await
    }

    async fn retire(&self, worker: &WorkerId) -> Result<()> {
        self.inner.retire(worker).await
    }

    async fn workers(&self) -> Result<Vec<WorkerEntry>> {
        self.inner.workers().await
    }

    async fn drain(&self, worker: &WorkerId, is_draining: bool) -> Result<bool> {
        self.inner.drain(worker, is_draining).await
    }

    async fn audit(&self, run: RunId, repair: bool) -> Result<Audit> {
        self.inner.audit(run, repair).await
    }

    async fn sweep(&self, repair: bool) -> Result<Sweep> {
        self.inner.sweep(repair).await
    }

    async fn dead(&self, run: RunId) -> Result<Vec<DeadLetter>> {
        self.inner.dead(run).await
    }

    async fn replay_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        self.inner.replay_dead(run, jobs).await
    }

    async fn drop_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        self.inner.drop_dead(run, jobs).await
    }

    async fn forget(&self, run: RunId) -> Result<()> {
        self.inner.forget(run).await
    }
}
