//! What a user can ask of a cluster, behind one trait: it is the same whether the cluster is this process, a Redis, or a
//! coordinator at the other end of a wire.
//!
//! The verbs of the command line know this trait and nothing behind it; the gRPC service is an adapter of it. An answer
//! that is no success is a [`Failure`], ready for a reader, wherever it arose. Read next: [`local`], which does the work
//! on a queue.

pub(crate) mod backoff;
mod connect;
pub mod local;
pub mod queue;

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde::Serialize;
use tickfleet_kernels::scan::provisional::ProvisionalRow;
use tickfleet_proto::convert::{FirstRejects, ScanRun};
use tickfleet_protocol::fleet::WorkerEntry;
use tickfleet_protocol::ids::{EventId, IdempotencyKey, Identity, JobIndex, RunId, WorkerId};
use tickfleet_protocol::spec::scan::{Day, ScanSpec};
use tickfleet_runtime::broker::{Audit, DeadLetter, Durability, Progress, RunSummary};
use tickfleet_runtime::failure::{ExitStatus, Failure};

pub use connect::{connect, direct, nowhere};
pub use local::Local;

use crate::report::Note;

/// What a cluster call gives.
pub type Result<T> = std::result::Result<T, Failure>;

/// A run to submit.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is computed.
    pub spec: ScanSpec,
    /// Symbols in a job; none = planned.
    pub shard_size: Option<usize>,
    /// The same key and spec give the same run; the same key with another spec is refused.
    pub key: IdempotencyKey,
    /// Share of the workers against other runs.
    pub weight: u32,
    /// How safe the run should be before it counts as accepted.
    pub durability: Durability,
    /// The W3C `traceparent` that the run's spans belong under.
    pub trace: Option<String>,
}

/// How far the opening of the inputs is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Opening {
    /// Rows read.
    pub done: u64,
    /// Rows that there are.
    pub total: u64,
}

/// An accepted run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// Its id.
    pub run: RunId,
    /// Whether this call made it; false where the key was known.
    pub created: bool,
    /// How safe it is.
    pub durability: Durability,
    /// Jobs of each stage.
    pub stages: Vec<u64>,
    /// What the user should know, one sentence each.
    pub notices: Vec<String>,
}

/// A run that was not submitted.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What would be submitted.
    pub record: ScanRun,
    /// What the user should know, one sentence each.
    pub notices: Vec<String>,
}

/// What is known of a run's results before the first table.
#[derive(Clone, Debug)]
pub struct Head {
    /// The run.
    pub run: RunId,
    /// What any result file says of its origin.
    pub metadata: BTreeMap<String, String>,
    /// Its as-of dates, ascending.
    pub as_of: Vec<Day>,
    /// Rows without symbol or date.
    pub unplaced_rows: u64,
}

/// The tables of one as-of date.
#[derive(Clone, Debug)]
pub struct DayTables {
    /// Index of the date in [`Head::as_of`].
    pub date: usize,
    /// The ranking.
    pub ranked: RecordBatch,
    /// Every scored symbol.
    pub scored: RecordBatch,
    /// Every rejected symbol, with its reason.
    pub rejected: RecordBatch,
    /// The counts.
    pub funnel: RecordBatch,
    /// The first row of each fault that was not used.
    pub first_rejects: FirstRejects,
}

/// A part of a run's results, in the order of the variants, days in the order of their dates.
#[derive(Clone, Debug)]
pub enum Part {
    /// First.
    Head(Head),
    /// One for each as-of date.
    Day(Box<DayTables>),
    /// Last: rows that were not used, in words.
    Notes(Vec<Note>),
}

/// The best rows of one as-of date among the map jobs that were read so far; the row at position i has the provisional
/// rank i + 1. It replaces what was told of the date before.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvisionalDay {
    /// The date.
    pub as_of: Day,
    /// Map jobs of the date that were read.
    pub done: u64,
    /// Map jobs of the date.
    pub total: u64,
    /// Rows that pass the universe and data stages and are wanted: as many as are ranked at most, and no more than
    /// [`PROVISIONAL_ROWS_MAX`].
    pub rows: Vec<ProvisionalRow>,
}

/// Most provisional rows that are told of a date: one message, whatever `top` is.
pub const PROVISIONAL_ROWS_MAX: usize = 10_000;

/// What the cluster is made of and how it does.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Version of the coordinator that answers.
    pub version: String,
    /// The queue's server, secrets masked, and what it is: `redis 7.0.15, append-only file every second`.
    pub broker: String,
    /// What an operator should change about it.
    pub advice: Vec<String>,
    /// Workers that are there.
    pub workers: u64,
    /// Their lanes.
    pub lanes: u64,
    /// Runs that have not ended.
    pub running: u64,
    /// Runs that are kept, ended ones included.
    pub runs: u64,
    /// Jobs of running runs that nobody holds and that are not done: what waits.
    pub backlog: u64,
    /// Dead letters of the runs that are kept.
    pub dead: u64,
}

/// A cluster.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// Opens every input, plans, and accepts the run as a whole or not at all.
    async fn submit(&self, request: Request, progress: &mut (dyn FnMut(Opening) + Send)) -> Result<Accepted>;

    /// Opens every input and gives the record that would be submitted; submits nothing.
    async fn plan(&self, request: Request, progress: &mut (dyn FnMut(Opening) + Send)) -> Result<Planned>;

    /// A run's state and counts.
    async fn get(&self, run: RunId) -> Result<RunSummary>;

    /// Every run that is kept, the oldest first.
    async fn list(&self) -> Result<Vec<RunSummary>>;

    /// The events of a run that follow `after`, as they come, each once; ends when the run has ended and all of them were
    /// told. It goes on by itself where the cluster is away for a while.
    async fn watch(&self, run: RunId, after: EventId) -> Result<BoxStream<'static, Result<(EventId, Progress)>>>;

    /// The best rows of each as-of date while map jobs finish, told when they change and once a date's map jobs are all
    /// read; of a run that succeeded before, its last ones. Ends when all are told or the run has ended otherwise. Who
    /// reads slowly is told less often, never late.
    async fn provisional(&self, _run: RunId) -> Result<BoxStream<'static, Result<ProvisionalDay>>> {
        Err(Failure::new(
            ExitStatus::Failed,
            "this cluster does not tell rows before a run's end",
        ))
    }

    /// The adjusted closes behind a symbol's row of one as-of date, the oldest first, at most the last `most`: read again
    /// from the run's input.
    async fn closes(&self, _run: RunId, _symbol: &str, _as_of: Day, _most: usize) -> Result<Vec<f64>> {
        Err(Failure::new(
            ExitStatus::Failed,
            "this cluster does not read bars again",
        ))
    }

    /// The tables of a run that succeeded.
    async fn results(&self, run: RunId) -> Result<BoxStream<'static, Result<Part>>>;

    /// As [`Cluster::results`], without the days before one: `from` is an index into the run's as-of dates.
    async fn results_from(&self, run: RunId, from: usize) -> Result<BoxStream<'static, Result<Part>>> {
        let is_wanted = move |part: &Result<Part>| !matches!(part, Ok(Part::Day(day)) if day.date < from);
        let parts = self.results(run).await?;
        Ok(parts.filter(move |part| std::future::ready(is_wanted(part))).boxed())
    }

    /// Ends a run. Gives whether it was running.
    async fn cancel(&self, run: RunId) -> Result<bool>;

    /// Forgets an ended run and its results.
    async fn forget(&self, run: RunId) -> Result<()>;

    /// The dead letters of a run.
    async fn dead(&self, run: RunId) -> Result<Vec<DeadLetter>>;

    /// Makes dead jobs available again, all of them where none are named. Gives how many there were.
    async fn retry(&self, run: RunId, jobs: Option<Vec<JobIndex>>) -> Result<u64>;

    /// Drops dead letters, all of them where none are named. Gives how many there were.
    async fn drop_dead(&self, run: RunId, jobs: Option<Vec<JobIndex>>) -> Result<u64>;

    /// Every worker that is there.
    async fn workers(&self) -> Result<Vec<WorkerEntry>>;

    /// Tells a worker to drain, or no longer to. Gives whether there is such a worker.
    async fn drain(&self, worker: WorkerId, is_draining: bool) -> Result<bool>;

    /// Proves that every job of a run is in exactly one state, or names what is not so; with `repair`, mends it.
    async fn audit(&self, run: RunId, repair: bool) -> Result<Audit>;

    /// What the cluster is made of and how it does.
    async fn status(&self) -> Result<Status>;

    /// Whether a result is stored under each identity, in order.
    async fn stored(&self, _identities: &[Identity]) -> Result<Vec<bool>> {
        Err(Failure::new(
            ExitStatus::Failed,
            "this cluster does not say which results it has",
        ))
    }
}
