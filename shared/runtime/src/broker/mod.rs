//! The queue that coordinators and workers share, behind one trait.
//!
//! The rules are those of [`tickfleet_protocol::state`]; an implementation adds where the state lives and how the
//! results are kept, never a rule of its own. Every call is one round trip, takes a batch where there can be one, is
//! safe to send again, and loses nothing if its future is dropped. Read next: [`memory`], and
//! `conformance`, which says all this as tests.

mod bounds;
pub mod clock;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
pub mod memory;
mod message;
pub mod redis;
pub mod token;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
pub use error::BrokerError;
pub use message::{Audit, AuditFault, ClaimRequest, Commit, Durability, Failure, NewRun, RunRecord, Submitted, Sweep};
use tickfleet_protocol::fleet::{Orders, WorkerCard, WorkerEntry};
use tickfleet_protocol::ids::{EventId, Identity, JobIndex, RunId, Token, WorkerId};
pub use tickfleet_protocol::state::{
    Claim, CommitOutcome, Counts, DeadCause, DeadLetter, FailOutcome, Held, Progress, ProgressKind, RunState,
    RunSummary, StageCounts,
};

/// What a broker call gives.
pub type Result<T> = std::result::Result<T, BrokerError>;

/// A queue of runs, their jobs, and the results of these.
///
/// Time is the broker's own. A lease that has ended, a retry that is due and a deadline that has passed take effect
/// with the next call that could notice. Batched calls answer item by item, in order, and take at most
/// [`MAX_BATCH`](tickfleet_protocol::limits::MAX_BATCH) items. Each call may fail with
/// [`BrokerError::OutOfBounds`] and [`BrokerError::Unavailable`]; others are named where they arise.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Accepts a run and opens its first stage, or gives the run that this key and digest made before.
    ///
    /// Fails with [`BrokerError::KeyReused`] and [`BrokerError::TooManyRuns`].
    async fn submit(&self, run: NewRun) -> Result<Submitted>;

    /// Delivers jobs, run by run in weighted-fair order, each with a fresh token. Waits for the first one at most as
    /// long as asked, and gives an empty list where none came; never waits for more than the first.
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>>;

    /// Renews live claims for `lease_ms` from now, and gives back the tokens that are not live: their jobs must be
    /// abandoned.
    async fn beat(&self, held: &[Held], lease_ms: u64) -> Result<Vec<Token>>;

    /// Ends claims with their results. For each: the result is stored unless its identity has one; then, in one atomic
    /// step, if the token is live and the job not done, the job is marked done, the run is counted forward, and its
    /// next stage opens at the last job. A done job always has its result; whether the result of a commit that was
    /// lost is stored is left open, since its identity makes it as good as any.
    ///
    /// Fails with [`BrokerError::ResultsFull`].
    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<CommitOutcome>>;

    /// Ends claims with failures: each job is tried again after a backoff, or dead-lettered.
    async fn fail(&self, failures: Vec<Failure>) -> Result<Vec<FailOutcome>>;

    /// Ends claims without a verdict (drain): the jobs are available at once and nothing is charged. Tokens that are
    /// not live are passed over.
    async fn hand_back(&self, held: &[Held]) -> Result<()>;

    /// Ends a run at once, whatever its size: nothing more is delivered, live tokens are lost. Gives whether it was
    /// running; cancelling an ended run changes nothing.
    ///
    /// Fails with [`BrokerError::UnknownRun`].
    async fn cancel(&self, run: RunId) -> Result<bool>;

    /// A run with its payload, or `None` where there is none or it has expired.
    async fn run(&self, run: RunId) -> Result<Option<RunRecord>>;

    /// A run without its payload, or `None` as [`Broker::run`].
    async fn summary(&self, run: RunId) -> Result<Option<RunSummary>>;

    /// Every run that is kept, in the order of their ids, which is that of their submission.
    async fn list(&self) -> Result<Vec<RunSummary>>;

    /// The events of a run that follow `after`, oldest first, at most
    /// [`MAX_BATCH`](tickfleet_protocol::limits::MAX_BATCH) of them. Waits for a first one at most as long as asked,
    /// but not once the run has ended. A first id that does not follow `after` says that the oldest were dropped.
    ///
    /// Fails with [`BrokerError::UnknownRun`].
    async fn events(&self, run: RunId, after: EventId, wait: Duration) -> Result<Vec<(EventId, Progress)>>;

    /// The result stored under each identity, in order.
    async fn results(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>>;

    /// The result stored under an identity.
    async fn result(&self, identity: Identity) -> Result<Option<Bytes>> {
        Ok(self.results(&[identity]).await?.pop().flatten())
    }

    /// Whether a result is stored under each identity, in order: a look that moves no result.
    async fn stored(&self, identities: &[Identity]) -> Result<Vec<bool>>;

    /// Stores results that belong to no claim, each unless its identity has one; they expire as any result. Whatever is
    /// stored so may be dropped at any time: it is a cache.
    ///
    /// Fails with [`BrokerError::ResultsFull`].
    async fn keep(&self, results: Vec<(Identity, Bytes)>) -> Result<()>;

    /// Shows or renews a worker's card, which expires after
    /// [`CARD_LIFE_MS`](tickfleet_protocol::limits::CARD_LIFE_MS), and gives the worker its orders.
    ///
    /// Fails with [`BrokerError::OutOfBounds`] where
    /// [`MAX_WORKERS`](tickfleet_protocol::limits::MAX_WORKERS) others are there.
    async fn announce(&self, card: &WorkerCard) -> Result<Orders>;

    /// Takes a worker's card away: it has ended.
    async fn retire(&self, worker: &WorkerId) -> Result<()>;

    /// Every worker whose card has not expired, in the order of their ids.
    async fn workers(&self) -> Result<Vec<WorkerEntry>>;

    /// Tells a worker to drain, or no longer to. Gives whether there is such a worker.
    async fn drain(&self, worker: &WorkerId, is_draining: bool) -> Result<bool>;

    /// Proves that every job of a run is in exactly one place and that the counters agree, or names what is not so;
    /// with `repair`, mends what can be mended without losing or doubling a job. Of jobs that are in no place, a million
    /// are looked for at a time.
    ///
    /// Fails with [`BrokerError::UnknownRun`].
    async fn audit(&self, run: RunId, repair: bool) -> Result<Audit>;

    /// Looks for what is left of runs that are gone, and for runs that no list has; with `repair`, lets the former go
    /// and lists the latter. Costs a look at every key that is kept.
    async fn sweep(&self, repair: bool) -> Result<Sweep>;

    /// The dead letters of a run, in the order of their jobs.
    ///
    /// Fails with [`BrokerError::UnknownRun`].
    async fn dead(&self, run: RunId) -> Result<Vec<DeadLetter>>;

    /// Makes dead jobs of the open stage available again with clean counters, and sets a failed run running again.
    /// With no indexes given, all of them. Gives how many there were.
    ///
    /// Fails with [`BrokerError::UnknownRun`], and with [`BrokerError::RunOver`] where the run succeeded, was
    /// cancelled or is past its deadline.
    async fn replay_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64>;

    /// Drops dead letters: their jobs stay failed and can't be replayed. With no indexes given, all of them. Gives how
    /// many there were.
    ///
    /// Fails with [`BrokerError::UnknownRun`].
    async fn drop_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64>;

    /// Forgets an ended run: its record, its events, and those results that no other run has committed.
    ///
    /// Fails with [`BrokerError::UnknownRun`] and [`BrokerError::RunActive`].
    async fn forget(&self, run: RunId) -> Result<()>;
}
