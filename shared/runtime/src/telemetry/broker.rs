//! A broker whose calls are timed: every call of the one behind it, and nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use tickfleet_protocol::fleet::{Orders, WorkerCard, WorkerEntry};
use tickfleet_protocol::ids::{EventId, Identity, JobIndex, RunId, Token, WorkerId};

use super::metrics::shared;
use crate::broker::{
    Audit, Broker, BrokerError, Claim, ClaimRequest, Commit, CommitOutcome, DeadLetter, FailOutcome, Failure, Held,
    NewRun, Progress, Result, RunRecord, RunSummary, Submitted, Sweep,
};

/// The broker to use in the place of `broker`, so that the duration of each of its calls is a metric.
///
/// What waits for work or events counts only when some came: an idle fleet would else look like a slow queue.
pub fn observed(broker: Arc<dyn Broker>) -> Arc<dyn Broker> {
    Arc::new(Observed { broker })
}

struct Observed {
    broker: Arc<dyn Broker>,
}

impl Observed {
    async fn timed<T>(&self, operation: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
        let started = Instant::now();
        let answer = call.await;
        note(operation, started, &answer);
        answer
    }

    async fn waited<T>(&self, operation: &'static str, call: impl Future<Output = Result<Vec<T>>>) -> Result<Vec<T>> {
        let started = Instant::now();
        let answer = call.await;
        if !matches!(&answer, Ok(came) if came.is_empty()) {
            note(operation, started, &answer);
        }
        answer
    }
}

fn note<T>(operation: &'static str, started: Instant, answer: &Result<T>) {
    let error = answer.as_ref().err().map(kind);
    shared().operated(operation, started.elapsed(), error);
}

/// The kind of an error, as an attribute.
const fn kind(error: &BrokerError) -> &'static str {
    match error {
        BrokerError::OutOfBounds { .. } => "out_of_bounds",
        BrokerError::KeyReused { .. } => "key_reused",
        BrokerError::UnknownRun { .. } => "unknown_run",
        BrokerError::RunActive { .. } => "run_active",
        BrokerError::RunOver { .. } => "run_over",
        BrokerError::TooManyRuns { .. } => "too_many_runs",
        BrokerError::ResultsFull { .. } => "results_full",
        BrokerError::Unavailable { .. } => "unavailable",
        BrokerError::Unfit { .. } => "unfit",
    }
}

#[async_trait]
impl Broker for Observed {
    async fn submit(&self, run: NewRun) -> Result<Submitted> {
        self.timed("submit", self.broker.submit(run)).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>> {
        self.waited("claim", self.broker.claim(request)).await
    }

    async fn beat(&self, held: &[Held], lease_ms: u64) -> Result<Vec<Token>> {
        self.timed("beat", self.broker.beat(held, lease_ms)).await
    }

    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<CommitOutcome>> {
        self.timed("commit", self.broker.commit(commits)).await
    }

    async fn fail(&self, failures: Vec<Failure>) -> Result<Vec<FailOutcome>> {
        self.timed("fail", self.broker.fail(failures)).await
    }

    async fn hand_back(&self, held: &[Held]) -> Result<()> {
        self.timed("hand_back", self.broker.hand_back(held)).await
    }

    async fn cancel(&self, run: RunId) -> Result<bool> {
        self.timed("cancel", self.broker.cancel(run)).await
    }

    async fn run(&self, run: RunId) -> Result<Option<RunRecord>> {
        self.timed("run", self.broker.run(run)).await
    }

    async fn summary(&self, run: RunId) -> Result<Option<RunSummary>> {
        self.timed("summary", self.broker.summary(run)).await
    }

    async fn list(&self) -> Result<Vec<RunSummary>> {
        self.timed("list", self.broker.list()).await
    }

    async fn events(&self, run: RunId, after: EventId, wait: Duration) -> Result<Vec<(EventId, Progress)>> {
        self.waited("events", self.broker.events(run, after, wait)).await
    }

    async fn results(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>> {
        self.timed("results", self.broker.results(identities)).await
    }

    async fn result(&self, identity: Identity) -> Result<Option<Bytes>> {
        self.timed("result", self.broker.result(identity)).await
    }

    async fn stored(&self, identities: &[Identity]) -> Result<Vec<bool>> {
        self.timed("stored", self.broker.stored(identities)).await
    }

    async fn keep(&self, results: Vec<(Identity, Bytes)>) -> Result<()> {
        self.timed("keep", self.broker.keep(results)).await
    }

    async fn announce(&self, card: &WorkerCard) -> Result<Orders> {
        self.timed("announce", self.broker.announce(card)).await
    }

    async fn retire(&self, worker: &WorkerId) -> Result<()> {
        self.timed("retire", self.broker.retire(worker)).await
    }

    async fn workers(&self) -> Result<Vec<WorkerEntry>> {
        self.timed("workers", self.broker.workers()).await
    }

    async fn drain(&self, worker: &WorkerId, is_draining: bool) -> Result<bool> {
        self.timed("drain", self.broker.drain(worker, is_draining)).await
    }

    async fn audit(&self, run: RunId, repair: bool) -> Result<Audit> {
        self.timed("audit", self.broker.audit(run, repair)).await
    }

    async fn sweep(&self, repair: bool) -> Result<Sweep> {
        self.timed("sweep", self.broker.sweep(repair)).await
    }

    async fn dead(&self, run: RunId) -> Result<Vec<DeadLetter>> {
        self.timed("dead", self.broker.dead(run)).await
    }

    async fn replay_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        self.timed("replay_dead", self.broker.replay_dead(run, jobs)).await
    }

    async fn drop_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        self.timed("drop_dead", self.broker.drop_dead(run, jobs)).await
    }

    async fn forget(&self, run: RunId) -> Result<()> {
        self.timed("forget", self.broker.forget(run)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tickfleet_protocol::ids::Millis;

    use super::*;
    use crate::broker::clock::ManualClock;
    use crate::broker::conformance::{self, Harness};
    use crate::broker::memory::MemoryBroker;
    use crate::broker::token::TokenSource;

    struct Manual(Mutex<Arc<ManualClock>>);

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::new(Millis(1_700_000_000_000)))
    }

    #[async_trait]
    impl Harness for Manual {
        async fn broker(&self) -> Arc<dyn Broker> {
            let clock = clock();
            *self.0.lock().unwrap() = Arc::clone(&clock);
            let broker = MemoryBroker::with(64 << 20, clock, TokenSource::seeded([3; 32]));
            observed(Arc::new(broker))
        }

        async fn advance(&self, by: Duration) {
            self.0.lock().unwrap().advance(by);
        }
    }

    /// A call that were not handed on would break a law.
    #[tokio::test]
    async fn it_keeps_the_laws_of_the_broker_behind_it() {
        conformance::run_all(&Manual(Mutex::new(clock()))).await;
    }
}
