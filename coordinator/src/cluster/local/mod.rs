//! The cluster as seen by a process that reaches its queue: it opens inputs, plans and reads results itself.
//!
//! It keeps nothing that another process would need: what it remembers of runs can be read again from the queue. Used by
//! the embedded mode (queue in memory), by `coordinator serve`, and by verbs that go straight to Redis.
//!
//! The files are the path of a run: `open`, `submit`, `watch`, `provisional`, `results`, `closes`; `runs` remembers, `fault` words
//! the queue's refusals.

mod closes;
mod fault;
mod joined;
mod open;
mod provisional;
mod results;
mod runs;
mod submit;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use tickfleet_protocol::fleet::WorkerEntry;
use tickfleet_protocol::ids::{EventId, Identity, JobIndex, RunId, WorkerId};
use tickfleet_protocol::spec::scan::Day;
use tickfleet_runtime::broker::{Audit, Broker, DeadLetter, Progress, RunState, RunSummary};
use tickfleet_runtime::cache::{self, ResultsError};
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::pool::Pool;

pub use self::open::{bad_input, canonicalise};

use self::fault::{refusal, unknown_run};
use self::runs::Runs;
use super::{Accepted, Cluster, Opening, Part, Planned, ProvisionalDay, Request, Result, Status};

/// Which inputs a submission is opened with.
#[derive(Clone, Debug)]
pub enum Reading {
    /// Those of the worker beside it, which finds decoded what the submission has read.
    Shared(Arc<Inputs>),
    /// Its own, gone with it: a process that serves many submissions keeps nothing of their symbols and files.
    Apart,
}

impl Reading {
    fn inputs(&self) -> Arc<Inputs> {
        match self {
            Self::Shared(inputs) => inputs.clone(),
            Self::Apart => Arc::new(Inputs::new(0)),
        }
    }
}

/// What is said of the queue's server.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Where it is, secrets masked, and what it is.
    pub broker: String,
    /// What an operator should change about it.
    pub advice: Vec<String>,
}

/// A cluster whose queue this process reaches. Clones share all of it.
#[derive(Clone)]
pub struct Local {
    broker: Arc<dyn Broker>,
    stored: Arc<cache::Results>,
    reading: Reading,
    pool: Pool,
    about: Arc<About>,
    runs: Arc<Runs>,
}

impl Local {
    /// The cluster of a queue; inputs are opened as `reading` says and decoded on the lanes of `pool`.
    pub fn new(broker: Arc<dyn Broker>, reading: Reading, pool: Pool, about: About) -> Self {
        let results = Arc::new(cache::Results::alone(broker.clone()));
        Self::with_results(broker, results, reading, pool, about)
    }

    /// The cluster of a queue whose results may lie elsewhere too.
    pub fn with_results(
        broker: Arc<dyn Broker>,
        results: Arc<cache::Results>,
        reading: Reading,
        pool: Pool,
        about: About,
    ) -> Self {
        Self {
            broker,
            stored: results,
            reading,
            pool,
            about: Arc::new(about),
            runs: Arc::default(),
        }
    }

    /// What is said of the queue's server.
    pub fn about(&self) -> &About {
        &self.about
    }
}

#[async_trait]
impl Cluster for Local {
    async fn submit(&self, request: Request, progress: &mut (dyn FnMut(Opening) + Send)) -> Result<Accepted> {
        self.submit_run(request, progress).await
    }

    async fn plan(&self, request: Request, progress: &mut (dyn FnMut(Opening) + Send)) -> Result<Planned> {
        open::open(&request, &self.reading.inputs(), &self.pool, progress).await
    }

    async fn get(&self, run: RunId) -> Result<RunSummary> {
        let summary = self.broker.summary(run).await.map_err(|error| refusal(&error))?;
        summary.ok_or_else(|| unknown_run(run))
    }

    async fn list(&self) -> Result<Vec<RunSummary>> {
        self.broker.list().await.map_err(|error| refusal(&error))
    }

    async fn watch(&self, run: RunId, after: EventId) -> Result<BoxStream<'static, Result<(EventId, Progress)>>> {
        self.get(run).await?;
        Ok(watch::watch(self.broker.clone(), run, after))
    }

    async fn provisional(&self, run: RunId) -> Result<BoxStream<'static, Result<ProvisionalDay>>> {
        provisional::provisional(self.clone(), run).await
    }

    async fn closes(&self, run: RunId, symbol: &str, as_of: Day, most: usize) -> Result<Vec<f64>> {
        closes::closes(self, run, symbol, as_of, most).await
    }

    async fn results(&self, run: RunId) -> Result<BoxStream<'static, Result<Part>>> {
        results::results(self.clone(), run, 0).await
    }

    async fn results_from(&self, run: RunId, from: usize) -> Result<BoxStream<'static, Result<Part>>> {
        results::results(self.clone(), run, from).await
    }

    async fn cancel(&self, run: RunId) -> Result<bool> {
        self.broker.cancel(run).await.map_err(|error| refusal(&error))
    }

    async fn forget(&self, run: RunId) -> Result<()> {
        self.broker.forget(run).await.map_err(|error| refusal(&error))?;
        self.runs.forget(run);
        Ok(())
    }

    async fn dead(&self, run: RunId) -> Result<Vec<DeadLetter>> {
        self.broker.dead(run).await.map_err(|error| refusal(&error))
    }

    async fn retry(&self, run: RunId, jobs: Option<Vec<JobIndex>>) -> Result<u64> {
        let replayed = self.broker.replay_dead(run, jobs.as_deref()).await;
        replayed.map_err(|error| refusal(&error))
    }

    async fn drop_dead(&self, run: RunId, jobs: Option<Vec<JobIndex>>) -> Result<u64> {
        let dropped = self.broker.drop_dead(run, jobs.as_deref()).await;
        dropped.map_err(|error| refusal(&error))
    }

    async fn workers(&self) -> Result<Vec<WorkerEntry>> {
        self.broker.workers().await.map_err(|error| refusal(&error))
    }

    async fn drain(&self, worker: WorkerId, is_draining: bool) -> Result<bool> {
        let told = self.broker.drain(&worker, is_draining).await;
        told.map_err(|error| refusal(&error))
    }

    async fn audit(&self, run: RunId, repair: bool) -> Result<Audit> {
        self.broker.audit(run, repair).await.map_err(|error| refusal(&error))
    }

    async fn status(&self) -> Result<Status> {
        let (runs, workers) = (self.list().await?, self.workers().await?);
        let running = || runs.iter().filter(|run| run.state == RunState::Running);
        let counts = || runs.iter().map(RunSummary::counts);
        let open: u64 = running()
            .map(RunSummary::counts)
            .map(|counts| counts.total - counts.done - counts.failed)
            .sum();
        let held: u64 = workers.iter().map(|worker| worker.card.held).sum();
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            broker: self.about.broker.clone(),
            advice: self.about.advice.clone(),
            workers: workers.len() as u64,
            lanes: workers.iter().map(|worker| u64::from(worker.card.lanes)).sum(),
            running: running().count() as u64,
            runs: runs.len() as u64,
            // Cards are a few seconds old, so what they hold may be done already.
            backlog: open.saturating_sub(held),
            dead: counts().map(|counts| counts.failed).sum(),
        })
    }

    async fn stored(&self, identities: &[Identity]) -> Result<Vec<bool>> {
        self.stored.stored(identities).await.map_err(|error| match &error {
            ResultsError::Queue(error) => refusal(error),
            error => Failure::from_error(ExitStatus::Failed, error),
        })
    }
}
