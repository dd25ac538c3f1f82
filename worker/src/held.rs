//! The claims that a worker holds, and how far each one is: the one place that says what may begin, and what has ended.
//!
//! A claim waits, computes on a lane, and is done once its outcome is known; it stays here until the broker has been told,
//! so that its lease is renewed. Whoever takes a claim away (a drain, a revocation) only has to say so here: what has not
//! begun does not begin. Read next: [`crate::heartbeat`].

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tickfleet_protocol::ids::{JobRef, Token};
use tickfleet_runtime::broker::{Claim, Held as HeldClaim};
use tokio::sync::Notify;

/// The claims that a worker holds now.
#[derive(Debug, Default)]
pub struct Held {
    state: Mutex<State>,
    changed: Notify,
}

/// How much a worker has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Claims whose job has not begun.
    pub waiting: usize,
    /// Claims whose job computes, those that hang included.
    pub computing: usize,
    /// Lanes whose job has computed longer than any may.
    pub stuck: usize,
    /// How long the job that computes longest, and does not hang, has done so.
    pub oldest: Option<Duration>,
}

impl Load {
    /// Claims whose outcome is not known.
    pub const fn unended(&self) -> usize {
        self.waiting + self.computing
    }
}

#[derive(Debug, Default)]
struct State {
    claims: HashMap<Token, Entry>,
    added: u64,
    waiting: usize,
    computing: usize,
    stuck: usize,
}

#[derive(Debug)]
struct Entry {
    claim: Claim,
    /// Its place in the order of the claims.
    nth: u64,
    phase: Phase,
    is_revoked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting,
    Computing(Instant),
    /// Computing for longer than any job may: its lease is left to end.
    Stuck,
    Done,
}

impl Held {
    /// Adds claims, which wait.
    pub fn add(&self, claims: &[Claim]) {
        let mut state = self.lock();
        for claim in claims {
            state.added += 1;
            let entry = Entry {
                claim: claim.clone(),
                nth: state.added,
                phase: Phase::Waiting,
                is_revoked: false,
            };
            state.claims.insert(claim.token, entry);
        }
        state.waiting += claims.len();
    }

    /// Begins to compute a job; false where its claim was taken away meanwhile: then it must not.
    pub fn begin(&self, token: &Token) -> bool {
        let mut state = self.lock();
        let begins = state.enter(token, Phase::Computing(Instant::now()), |phase| phase == Phase::Waiting);
        state.waiting -= usize::from(begins);
        state.computing += usize::from(begins);
        begins
    }

    /// Ends a claim, whose outcome is known now; false where it is not held or ended before: then the outcome is nobody's.
    pub fn end(&self, token: &Token) -> bool {
        self.end_if(token, |phase| phase != Phase::Done)
    }

    /// Ends a claim whose job has not begun; false where it has.
    pub fn end_waiting(&self, token: &Token) -> bool {
        self.end_if(token, |phase| phase == Phase::Waiting)
    }

    /// Forgets claims: the broker has been told of their outcome, or they are not this worker's any more.
    pub fn release(&self, tokens: &[Token]) {
        let mut state = self.lock();
        for token in tokens {
            state.remove(token);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Notes claims that the broker took back: those that wait are forgotten, those that compute compute for nobody.
    pub fn revoke(&self, tokens: &[Token]) {
        let mut state = self.lock();
        for token in tokens {
            match state.claims.get_mut(token) {
                Some(entry) if entry.phase == Phase::Waiting => drop(state.remove(token)),
                Some(entry) => entry.is_revoked = true,
                None => {}
            }
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Whether a claim is held.
    pub fn holds(&self, token: &Token) -> bool {
        self.lock().claims.contains_key(token)
    }

    /// Whether the broker took a claim back, or it is not held.
    pub fn is_revoked(&self, token: &Token) -> bool {
        self.lock().claims.get(token).is_none_or(|entry| entry.is_revoked)
    }

    /// Forgets the newest of the claims that wait, all but `keep` of them, and gives them: they are to be handed back.
    pub fn withdraw_waiting(&self, keep: usize) -> Vec<Claim> {
        self.withdraw(keep, |phase| phase == Phase::Waiting)
    }

    /// Forgets the claims that wait or compute, but not those that hang, and gives them: they are to be handed back.
    pub fn withdraw_unended(&self) -> Vec<Claim> {
        self.withdraw(0, |phase| matches!(phase, Phase::Waiting | Phase::Computing(_)))
    }

    /// Gives up the claims whose job has computed for `job_max`, and gives each with its time: their leases are left to
    /// end. Jobs that run alone are not among them; what runs them ends them itself.
    pub fn give_up_overdue(&self, job_max: Duration) -> Vec<(JobRef, Duration)> {
        let mut overdue = Vec::new();
        let mut state = self.lock();
        for entry in state.claims.values_mut().filter(|entry| !entry.claim.solo) {
            if let Phase::Computing(since) = entry.phase
                && since.elapsed() >= job_max
            {
                entry.phase = Phase::Stuck;
                overdue.push((entry.claim.job, since.elapsed()));
            }
        }
        state.stuck += overdue.len();
        drop(state);
        self.changed.notify_one();
        overdue
    }

    /// The claims whose leases are to be renewed.
    pub fn live(&self) -> Vec<HeldClaim> {
        let state = self.lock();
        let is_live = |entry: &&Entry| !entry.is_revoked && entry.phase != Phase::Stuck;
        state
            .claims
            .values()
            .filter(is_live)
            .map(|entry| entry.claim.held())
            .collect()
    }

    /// The jobs held, the oldest first, at most `max` of them, and how many there are.
    pub fn jobs(&self, max: usize) -> (Vec<JobRef>, usize) {
        let state = self.lock();
        let mut jobs: Vec<(u64, JobRef)> = state
            .claims
            .values()
            .map(|entry| (entry.nth, entry.claim.job))
            .collect();
        jobs.sort_unstable_by_key(|(nth, _)| *nth);
        let all = jobs.len();
        (jobs.into_iter().take(max).map(|(_, job)| job).collect(), all)
    }

    /// How much there is to do.
    pub fn load(&self) -> Load {
        let state = self.lock();
        let since = state.claims.values().filter_map(|entry| match entry.phase {
            Phase::Computing(since) => Some(since),
            _ => None,
        });
        Load {
            waiting: state.waiting,
            computing: state.computing,
            stuck: state.stuck,
            oldest: since.min().map(|since| since.elapsed()),
        }
    }

    /// Wakes whoever waits for a change: claims have ended.
    pub fn notify(&self) {
        self.changed.notify_one();
    }

    /// Returns after claims were released, revoked or given up, or after [`Held::notify`]; one waiter at a time.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Forgets the newest of the claims in a phase, all but `keep` of them, and gives them.
    fn withdraw(&self, keep: usize, is_in_phase: impl Fn(Phase) -> bool) -> Vec<Claim> {
        let mut state = self.lock();
        let found = state.claims.values().filter(|entry| is_in_phase(entry.phase));
        let mut found: Vec<(u64, Token)> = found.map(|entry| (entry.nth, entry.claim.token)).collect();
        found.sort_unstable();
        let withdrawn = found.split_off(keep.min(found.len()));
        withdrawn
            .into_iter()
            .filter_map(|(_, token)| state.remove(&token))
            .collect()
    }

    fn end_if(&self, token: &Token, ends: impl Fn(Phase) -> bool) -> bool {
        let mut state = self.lock();
        let Some(before) = state.claims.get(token).map(|entry| entry.phase) else {
            return false;
        };
        if !state.enter(token, Phase::Done, ends) {
            return false;
        }
        state.leave(before);
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is plain data, valid after any panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Moves a claim on to a phase where its present one allows it.
    fn enter(&mut self, token: &Token, phase: Phase, allows: impl Fn(Phase) -> bool) -> bool {
        match self.claims.get_mut(token) {
            Some(entry) if allows(entry.phase) => {
                entry.phase = phase;
                true
            }
            _ => false,
        }
    }

    /// Counts a claim out of the phase that it was in.
    fn leave(&mut self, phase: Phase) {
        match phase {
            Phase::Waiting => self.waiting -= 1,
            Phase::Computing(_) => self.computing -= 1,
            Phase::Stuck => {
                self.computing -= 1;
                self.stuck -= 1;
            }
            Phase::Done => {}
        }
    }

    fn remove(&mut self, token: &Token) -> Option<Claim> {
        let entry = self.claims.remove(token)?;
        self.leave(entry.phase);
        Some(entry.claim)
    }
}

#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;
