//! The broker of one process: the pure queue behind a mutex, its results and events in memory.
//!
//! It decides nothing: every call is one step of [`tickfleet_protocol::state::Queue`] under the lock, and no lock is
//! held across an await. What it keeps is bounded: results by the bytes given at construction, most of which may lie in a
//! scratch file, runs, events and payloads by [`tickfleet_protocol::limits`]. All of it is gone with the process. Read next: `commit`.

mod audit;
mod commit;
mod history;
mod results;
mod spill;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tickfleet_protocol::{
    fleet::{Orders, Registry, WorkerCard, WorkerEntry},
    ids::{EventId, Identity, JobIndex, Millis, RunId, Token, WorkerId},
    limits::RUN_RETENTION_MS,
    state::{self, DeadError, Effect, Failed, Queue, SubmitError, Tick, Transition},
};
use tokio::sync::watch;

use self::{history::History, results::ResultStore};
use super::{
    Audit, Broker, BrokerError, Claim, ClaimRequest, Commit, CommitOutcome, DeadLetter, Durability, FailOutcome,
    Failure, Held, NewRun, Progress, Result, RunRecord, RunSummary, Submitted, Sweep, bounds,
    clock::{Clock, SystemClock},
    token::TokenSource,
};

/// A broker whose workers and coordinators share its process.
pub struct MemoryBroker {
    shelf: Mutex<Shelf>,
    clock: Arc<dyn Clock>,
    /// Changes whenever a waiting claim should look again.
    work: watch::Sender<()>,
}

/// Everything that is kept.
struct Shelf {
    queue: Queue,
    registry: Registry,
    results: ResultStore,
    runs: BTreeMap<RunId, Kept>,
    tokens: TokenSource,
}

/// What is kept for a run beside its state.
#[derive(Default)]
struct Kept {
    payload: Bytes,
    history: History,
}

impl MemoryBroker {
    /// A broker that goes by the system's clock and keeps at most `result_bytes_max` bytes of results.
    pub fn new(result_bytes_max: u64) -> Self {
        Self::with(
            result_bytes_max,
            Arc::new(SystemClock::default()),
            TokenSource::random(),
        )
    }

    /// A broker with a clock and tokens of the caller's choice.
    pub fn with(result_bytes_max: u64, clock: Arc<dyn Clock>, tokens: TokenSource) -> Self {
        let results = ResultStore::new(result_bytes_max);
        let shelf = Shelf {
            queue: Queue::default(),
            registry: Registry::default(),
            results,
            runs: BTreeMap::new(),
            tokens,
        };
        Self {
            shelf: Mutex::new(shelf),
            clock,
            work: watch::Sender::new(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().expect("no step of the queue panics")
    }

    /// Takes one step at the moment it is now, and carries out what follows.
    fn step<T: Transition>(&self, transition: T) -> T::Outcome {
        let mut shelf = self.lock();
        let now = self.clock.now();
        self.step_at(&mut shelf, transition, now)
    }

    fn step_at<T: Transition>(&self, shelf: &mut Shelf, transition: T, now: Millis) -> T::Outcome {
        let (outcome, effects) = shelf.queue.step(transition, now);
        for effect in effects {
            match effect {
                Effect::Progress { run, progress } => shelf.runs.entry(run).or_default().history.push(progress),
                Effect::Wake => self.work.send_replace(()),
                Effect::Forgotten { run } => {
                    shelf.runs.remove(&run);
                    shelf.results.release(run);
                }
            }
        }
        outcome
    }

    /// The shelf with time brought up to now.
    fn look(&self) -> MutexGuard<'_, Shelf> {
        let mut shelf = self.lock();
        let now = self.clock.now();
        self.step_at(&mut shelf, Tick, now);
        shelf.results.expire(now);
        shelf
    }

    /// Claims what there is, and says when time will next change something.
    fn claim_now(&self, request: &ClaimRequest) -> (Vec<Claim>, Option<Millis>) {
        let mut shelf = self.lock();
        let now = self.clock.now();
        let tokens = shelf.tokens.tokens(request.max);
        let feed = state::Feed {
            worker: &request.worker,
            kinds: &request.kinds,
            tokens: &tokens,
            lease_ms: request.lease_ms,
        };
        let claims = self.step_at(&mut shelf, feed, now);
        (claims, shelf.queue.next_due())
    }

    /// Sleeps until `until`, until time changes something at `due`, or until `signal` changes.
    async fn doze<T>(&self, mut signal: watch::Receiver<T>, until: Millis, due: Option<Millis>) {
        let until = due.map_or(until, |due| due.min(until));
        tokio::select! {
            _ = signal.changed() => {}
            () = self.clock.sleep_until(until) => {}
        }
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    async fn submit(&self, run: NewRun) -> Result<Submitted> {
        let terms = bounds::terms(&run)?;
        let mut shelf = self.lock();
        let now = self.clock.now();
        let id = shelf.tokens.run_id(now);
        let accepted = self
            .step_at(&mut shelf, state::Submit { id, terms }, now)
            .map_err(|error| match error {
                SubmitError::Terms(source) => bounds::refuse("submit")(source),
                SubmitError::KeyReused { run: taken } => BrokerError::KeyReused {
                    key: run.key,
                    run: taken,
                },
                SubmitError::Full => BrokerError::TooManyRuns {
                    max: tickfleet_protocol::limits::MAX_RUNS,
                },
            })?;
        if accepted.created {
            shelf.runs.entry(id).or_default().payload = run.payload;
        }
        Ok(Submitted {
            run: accepted.run,
            created: accepted.created,
            durability: Durability::Memory,
        })
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>> {
        let wait_ms = bounds::claim(&request)?;
        let until = self.clock.now().plus_ms(wait_ms);
        loop {
            let signal = self.work.subscribe();
            let (claims, due) = self.claim_now(&request);
            if !claims.is_empty() || self.clock.now() >= until {
                return Ok(claims);
            }
            self.doze(signal, until, due).await;
        }
    }

    async fn beat(&self, held: &[Held], lease_ms: u64) -> Result<Vec<Token>> {
        bounds::batch("beat", held.len())?;
        bounds::lease("beat", lease_ms)?;
        Ok(self.step(state::Beat { held, lease_ms }))
    }

    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<CommitOutcome>> {
        bounds::commits(&commits)?;
        self.commit_now(&commits)
    }

    async fn fail(&self, failures: Vec<Failure>) -> Result<Vec<FailOutcome>> {
        bounds::batch("fail", failures.len())?;
        let failed = failures.iter().map(|f| Failed {
            held: f.held(),
            reason: &f.reason,
            retryable: f.retryable,
        });
        let failed: Vec<_> = failed.collect();
        Ok(self.step(state::Fail { failures: &failed }))
    }

    async fn hand_back(&self, held: &[Held]) -> Result<()> {
        bounds::batch("hand back", held.len())?;
        self.step(state::HandBack { held });
        Ok(())
    }

    async fn cancel(&self, run: RunId) -> Result<bool> {
        self.step(state::Cancel { run }).ok_or(BrokerError::UnknownRun {
            operation: "cancel",
            run,
        })
    }

    async fn run(&self, run: RunId) -> Result<Option<RunRecord>> {
        let shelf = self.look();
        let record = |kept: &Kept| {
            let summary = shelf.queue.run(run)?.summary();
            Some(RunRecord {
                summary,
                payload: kept.payload.clone(),
            })
        };
        Ok(shelf.runs.get(&run).and_then(record))
    }

    async fn summary(&self, run: RunId) -> Result<Option<RunSummary>> {
        Ok(self.look().queue.run(run).map(state::Run::summary))
    }

    async fn list(&self) -> Result<Vec<RunSummary>> {
        Ok(self.look().queue.summaries().collect())
    }

    async fn events(&self, run: RunId, after: EventId, wait: Duration) -> Result<Vec<(EventId, Progress)>> {
        let until = self.clock.now().plus_ms(bounds::wait("events", wait)?);
        let unknown = || BrokerError::UnknownRun {
            operation: "events",
            run,
        };
        loop {
            let (signal, due) = {
                let shelf = self.look();
                let history = &shelf.runs.get(&run).ok_or_else(unknown)?.history;
                let events = history.after(after);
                let has_ended = shelf.queue.run(run).is_none_or(|run| run.state().is_ended());
                if !events.is_empty() || has_ended || self.clock.now() >= until {
                    return Ok(events);
                }
                (history.watch(), shelf.queue.next_due())
            };
            self.doze(signal, until, due).await;
        }
    }

    async fn results(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>> {
        bounds::batch("results", identities.len())?;
        let mut shelf = self.look();
        let read = |identity| shelf.results.get(identity);
        let read: std::io::Result<_> = identities.iter().map(read).collect();
        read.map_err(|source| BrokerError::Unavailable {
            operation: "results",
            source: Box::new(source),
        })
    }

    async fn stored(&self, identities: &[Identity]) -> Result<Vec<bool>> {
        bounds::batch("stored", identities.len())?;
        let shelf = self.look();
        let is_stored = |identity| shelf.results.has(identity);
        Ok(identities.iter().map(is_stored).collect())
    }

    async fn keep(&self, results: Vec<(Identity, Bytes)>) -> Result<()> {
        bounds::results("keep", results.iter().map(|(_, bytes)| bytes))?;
        let mut shelf = self.look();
        let until = self.clock.now().plus_ms(RUN_RETENTION_MS);
        for (identity, bytes) in results {
            let needed = bytes.len() as u64;
            if !shelf.results.keep(identity, bytes, until) {
                let (used, limit) = shelf.results.usage();
                return Err(BrokerError::ResultsFull {
                    operation: "keep",
                    job: None,
                    needed,
                    used,
                    limit,
                });
            }
        }
        Ok(())
    }

    async fn dead(&self, run: RunId) -> Result<Vec<DeadLetter>> {
        let shelf = self.look();
        let run = shelf.queue.run(run).ok_or(BrokerError::UnknownRun {
            operation: "dead letters",
            run,
        })?;
        Ok(run.dead_letters().cloned().collect())
    }

    async fn replay_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        bounds::batch("replay", jobs.map_or(0, <[_]>::len))?;
        self.step(state::ReplayDead { run, jobs })
            .map_err(dead_error("replay", run))
    }

    async fn drop_dead(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        bounds::batch("drop", jobs.map_or(0, <[_]>::len))?;
        self.step(state::DropDead { run, jobs })
            .map_err(dead_error("drop", run))
    }

    async fn forget(&self, run: RunId) -> Result<()> {
        match self.step(state::Forget { run }) {
            Some(true) => Ok(()),
            Some(false) => Err(BrokerError::RunActive {
                operation: "forget",
                run,
            }),
            None => Err(BrokerError::UnknownRun {
                operation: "forget",
                run,
            }),
        }
    }

    async fn audit(&self, run: RunId, _repair: bool) -> Result<Audit> {
        self.audit_run(run)
    }

    async fn sweep(&self, _repair: bool) -> Result<Sweep> {
        Ok(Sweep::default())
    }

    async fn announce(&self, card: &WorkerCard) -> Result<Orders> {
        let now = self.clock.now();
        let orders = self.lock().registry.announce(card, now);
        orders.map_err(bounds::refuse("announce"))
    }

    async fn retire(&self, worker: &WorkerId) -> Result<()> {
        self.lock().registry.retire(worker);
        Ok(())
    }

    async fn workers(&self) -> Result<Vec<WorkerEntry>> {
        let now = self.clock.now();
        Ok(self.lock().registry.workers(now))
    }

    async fn drain(&self, worker: &WorkerId, is_draining: bool) -> Result<bool> {
        let now = self.clock.now();
        Ok(self.lock().registry.drain(worker, is_draining, now))
    }
}

fn dead_error(operation: &'static str, run: RunId) -> impl Fn(DeadError) -> BrokerError {
    move |error| match error {
        DeadError::UnknownRun => BrokerError::UnknownRun { operation, run },
        DeadError::RunOver => BrokerError::RunOver { operation, run },
    }
}
