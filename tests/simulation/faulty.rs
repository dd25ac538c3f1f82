//! A broker that fails as networks and machines do, by the memory broker's rules and from a seed.
//!
//! Calls are refused before they are done or go unanswered after, replies with claims are lost, leases end under
//! whoever computes, probes panic. Every fault takes one from a budget, so a run can end. No fault strikes a job twice
//! as a lost worker: two such strikes mean quarantine by the queue's rules, which is another matter.
//!
//! Its clock stands still but for three causes: an injected end of leases, an idle worker with nothing in flight, and a
//! worker that waits while nothing moves, where it runs slower than heartbeats renew.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tickfleet_protocol::fleet::{Orders, WorkerCard, WorkerEntry};
use tickfleet_protocol::ids::{EventId, Identity, JobIndex, JobRef, Millis, RunId, Token, WorkerId};
use tickfleet_runtime::broker::clock::ManualClock;
use tickfleet_runtime::broker::memory::MemoryBroker;
use tickfleet_runtime::broker::token::TokenSource;
use tickfleet_runtime::broker::{
    Audit, Broker, BrokerError, Claim, ClaimRequest, Commit, CommitOutcome, DeadLetter, FailOutcome, Failure, Held,
    NewRun, Progress, Result, RunRecord, RunSummary, Submitted, Sweep,
};
use tickfleet_tests::random::Random;
use tokio::sync::Notify;

/// Lease of every claim, by the broker's clock and by the heartbeat's.
pub(crate) const LEASE: Duration = Duration::from_secs(1);
/// How long a waiting claim looks for a movement before time goes on by [`STILL_STEP`]: heartbeats, three a lease, renew
/// faster than leases end.
const STILL: Duration = Duration::from_millis(350);
const STILL_STEP: Duration = Duration::from_millis(100);
/// How far time goes on where nothing is in flight: towards a retry or the end of a lost claim.
const IDLE_STEP: Duration = Duration::from_millis(200);
/// Steps of idle time in a row: they reach any retry and the end of any lease. Beyond them there is nothing to wait for
/// but a call of someone else's, and a queue that nobody uses must not age until it forgets its runs.
const IDLE_STEPS_MAX: u32 = 500;
/// Calls of one kind that fail one after the other at most: less than a worker's patience.
const IN_A_ROW_MAX: u32 = 4;
const RESULT_BYTES_MAX: u64 = 256 << 20;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// A claim fails before anything is delivered.
    ClaimRefused,
    /// Jobs are delivered and the reply is lost.
    ClaimLost,
    /// A commit fails before it is done.
    CommitRefused,
    /// A commit is done and the reply is lost.
    CommitUnanswered,
    /// Every lease ends just before a commit, which then comes too late.
    LeaseEnds,
    /// A report of failures fails, before or after it is done.
    FailUnanswered,
    /// A stored result or a run's record can't be asked for.
    ReadRefused,
    /// The question for a stored result panics.
    ReadPanics,
    /// A result is said to be stored and is gone when the job is committed.
    ResultVanishes,
}

/// The broker.
pub(crate) struct FaultyBroker {
    inner: MemoryBroker,
    clock: Arc<ManualClock>,
    state: Mutex<State>,
    /// Something ended or was handed back.
    moved: Notify,
}

struct State {
    random: Random,
    /// How often each kind strikes: once in so many calls.
    once_in: BTreeMap<Fault, usize>,
    budget: u32,
    injected: BTreeMap<Fault, u32>,
    in_a_row: u32,
    /// Steps of idle time since something was delivered or moved.
    idle_steps: u32,
    /// Claims that a worker knows of and that have not ended.
    in_flight: HashMap<Token, Claim>,
    committed: BTreeMap<JobRef, u32>,
}

impl State {
    /// Whether this fault strikes now.
    fn strikes(&mut self, fault: Fault) -> bool {
        let Some(&once_in) = self.once_in.get(&fault) else {
            return false;
        };
        let strikes = self.budget > 0 && self.in_a_row < IN_A_ROW_MAX && self.random.once_in(once_in);
        self.in_a_row = if strikes { self.in_a_row + 1 } else { 0 };
        if strikes {
            self.budget -= 1;
            *self.injected.entry(fault).or_default() += 1;
        }
        strikes
    }
}

impl FaultyBroker {
    /// A broker with these faults, each as often as said, `budget` of them in all.
    pub(crate) fn new(seed: u64, faults: &[(Fault, usize)], budget: u32) -> Arc<Self> {
        let clock = Arc::new(ManualClock::new(Millis(1_700_000_000_000)));
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let inner = MemoryBroker::with(RESULT_BYTES_MAX, clock.clone(), TokenSource::seeded(bytes));
        let state = State {
            random: Random::new(seed),
            once_in: faults.iter().copied().collect(),
            budget,
            injected: BTreeMap::new(),
            in_a_row: 0,
            idle_steps: 0,
            in_flight: HashMap::new(),
            committed: BTreeMap::new(),
        };
        Arc::new(Self {
            inner,
            clock,
            state: Mutex::new(state),
            moved: Notify::new(),
        })
    }

    /// How often each fault struck.
    pub(crate) fn injected(&self) -> BTreeMap<Fault, u32> {
        self.lock().injected.clone()
    }

    /// How often each job was committed for the first time, as the broker answered.
    pub(crate) fn committed(&self) -> BTreeMap<JobRef, u32> {
        self.lock().committed.clone()
    }

    /// Lets no fault strike any more.
    pub(crate) fn make_calm(&self) {
        self.lock().budget = 0;
    }

    /// Returns once this many jobs are committed.
    pub(crate) async fn until_committed(&self, jobs: usize) {
        loop {
            let moved = self.moved.notified();
            if self.lock().committed.len() >= jobs {
                return;
            }
            moved.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no fault strikes under the lock")
    }

    fn strikes(&self, fault: Fault) -> bool {
        self.lock().strikes(fault)
    }

    /// Refuses the call where the fault strikes.
    fn refuse(&self, fault: Fault, operation: &'static str) -> Result<()> {
        if self.strikes(fault) {
            Err(unanswered(operation))
        } else {
            Ok(())
        }
    }

    /// Ends every lease where that strikes and no job held lost a worker before.
    fn end_leases(&self) {
        let mut state = self.lock();
        let is_first = state.in_flight.values().all(|claim| claim.kills == 0);
        if is_first && state.strikes(Fault::LeaseEnds) {
            state.in_flight.clear();
            self.clock.advance(LEASE + Duration::from_millis(1));
        }
    }

    fn ended(&self, held: impl Iterator<Item = Held>) {
        for held in held {
            self.lock().in_flight.remove(&held.token);
        }
        self.wake();
    }

    /// Waits for a movement, and lets time go on where there is none.
    async fn idle(&self, moved: impl Future<Output = ()>) {
        let (is_still, steps) = {
            let mut state = self.lock();
            state.idle_steps += 1;
            (state.in_flight.is_empty(), state.idle_steps)
        };
        if is_still && steps > IDLE_STEPS_MAX {
            moved.await;
        } else if is_still {
            self.clock.advance(IDLE_STEP);
            // The other worker may have something to say.
            tokio::task::yield_now().await;
        } else if tokio::time::timeout(STILL, moved).await.is_err() {
            self.clock.advance(STILL_STEP);
        }
    }

    /// Wakes whoever waits for a movement.
    fn wake(&self) {
        self.lock().idle_steps = 0;
        self.moved.notify_waiters();
    }
}

fn unanswered(operation: &'static str) -> BrokerError {
    BrokerError::Unavailable {
        operation,
        source: "an injected fault".into(),
    }
}

#[async_trait]
impl Broker for FaultyBroker {
    async fn submit(&self, run: NewRun) -> Result<Submitted> {
        let submitted = self.inner.submit(run).await;
        self.wake();
        submitted
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claim>> {
        self.refuse(Fault::ClaimRefused, "claim")?;
        loop {
            let moved = self.moved.notified();
            let now = ClaimRequest {
                wait: Duration::ZERO,
                ..request.clone()
            };
            let claims = self.inner.claim(now).await?;
            if claims.is_empty() {
                self.idle(moved).await;
                continue;
            }
            let mut state = self.lock();
            if claims.iter().all(|claim| claim.kills == 0) && state.strikes(Fault::ClaimLost) {
                state.idle_steps = 0;
                return Err(unanswered("claim"));
            }
            state.idle_steps = 0;
            state
                .in_flight
                .extend(claims.iter().map(|claim| (claim.token, claim.clone())));
            return Ok(claims);
        }
    }

    async fn beat(&self, held: &[Held], lease_ms: u64) -> Result<Vec<Token>> {
        self.inner.beat(held, lease_ms).await
    }

    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<CommitOutcome>> {
        self.refuse(Fault::CommitRefused, "commit")?;
        self.end_leases();
        let outcomes = self.inner.commit(commits.clone()).await?;
        let known = || commits.iter().zip(&outcomes);
        for (commit, _) in known().filter(|(_, outcome)| **outcome == CommitOutcome::Committed) {
            *self.lock().committed.entry(commit.job).or_default() += 1;
        }
        let ended = known().filter(|(_, outcome)| **outcome != CommitOutcome::ResultMissing);
        self.ended(ended.map(|(commit, _)| commit.held()));
        self.refuse(Fault::CommitUnanswered, "commit")?;
        Ok(outcomes)
    }

    async fn fail(&self, failures: Vec<Failure>) -> Result<Vec<FailOutcome>> {
        self.refuse(Fault::FailUnanswered, "fail")?;
        let outcomes = self.inner.fail(failures.clone()).await?;
        self.ended(failures.iter().map(Failure::held));
        self.refuse(Fault::FailUnanswered, "fail")?;
        Ok(outcomes)
    }

    async fn hand_back(&self, held: &[Held]) -> Result<()> {
        self.inner.hand_back(held).await?;
        self.ended(held.iter().copied());
        Ok(())
    }

    async fn cancel(&self, run: RunId) -> Result<bool> {
        let cancelled = self.inner.cancel(run).await;
        self.lock().in_flight.retain(|_, claim| claim.job.run != run);
        self.wake();
        cancelled
    }

    async fn run(&self, run: RunId) -> Result<Option<RunRecord>> {
        self.refuse(Fault::ReadRefused, "run")?;
        self.inner.run(run).await
    }

    async fn summary(&self, run: RunId) -> Result<Option<RunSummary>> {
        self.refuse(Fault::ReadRefused, "summary")?;
        self.inner.summary(run).await
    }

    async fn list(&self) -> Result<Vec<RunSummary>> {
        self.inner.list().await
    }

    async fn events(&self, run: RunId, after: EventId, wait: Duration) -> Result<Vec<(EventId, Progress)>> {
        self.inner.events(run, after, wait).await
    }

    async fn results(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>> {
        self.refuse(Fault::ReadRefused, "results")?;
        self.inner.results(identities).await
    }

    async fn stored(&self, identities: &[Identity]) -> Result<Vec<bool>> {
        self.refuse(Fault::ReadRefused, "stored")?;
        assert!(!self.strikes(Fault::ReadPanics), "an injected panic");
        let mut stored = self.inner.stored(identities).await?;
        for is_stored in &mut stored {
            *is_stored |= self.strikes(Fault::ResultVanishes);
        }
        Ok(stored)
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
