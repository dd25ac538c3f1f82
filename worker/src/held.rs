//! The claims that a worker holds, and how far each one is: the one place that says what may begin, and what has ended.
//!
//! A claim waits, computes on a lane, and is done once its outcome is known; it stays here until the broker has been told,
//! so that its lease is renewed. Whoever takes a claim away (a drain, a revocation) only has to say so here: what has not
//! begun does not begin. Read next: `heartbeat`.

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

/// How much a worker has to do. Jobs that run alone need no lane, and are counted apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Claims whose job waits for a lane.
    pub waiting: usize,
    /// Claims whose job is on a lane, those that hang included.
    pub computing: usize,
    /// Lanes whose job has computed longer than any may.
    pub stuck: usize,
    /// Claims whose job waits to run alone.
    pub alone_waiting: usize,
    /// Claims whose job runs alone: one, or none.
    pub alone_computing: usize,
    /// How long the job on a lane that computes longest, and does not hang, has done so.
    pub oldest: Option<Duration>,
}

impl Load {
    /// Claims whose outcome is not known.
    pub const fn unended(&self) -> usize {
        self.waiting + self.computing + self.alone_waiting + self.alone_computing
    }

    /// Claims whose job computes and does not hang, wherever it does.
    pub const fn progressing(&self) -> usize {
        self.computing - self.stuck + self.alone_computing
    }

    fn enter(&mut self, phase: Phase, is_alone: bool) {
        self.count_of(phase, is_alone).into_iter().for_each(|count| *count += 1);
        self.stuck += usize::from(phase == Phase::Stuck);
    }

    fn leave(&mut self, phase: Phase, is_alone: bool) {
        self.count_of(phase, is_alone).into_iter().for_each(|count| *count -= 1);
        self.stuck -= usize::from(phase == Phase::Stuck);
    }

    /// The count that a claim in this phase is part of.
    const fn count_of(&mut self, phase: Phase, is_alone: bool) -> Option<&mut usize> {
        Some(match (phase, is_alone) {
            (Phase::Waiting, false) => &mut self.waiting,
            (Phase::Waiting, true) => &mut self.alone_waiting,
            (Phase::Computing(_) | Phase::Stuck, false) => &mut self.computing,
            (Phase::Computing(_) | Phase::Stuck, true) => &mut self.alone_computing,
            (Phase::Done, _) => return None,
        })
    }
}

#[derive(Debug, Default)]
struct State {
    claims: HashMap<Token, Entry>,
    added: u64,
    /// But for the oldest, which is looked for when it is asked for.
    load: Load,
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
            state.load.enter(Phase::Waiting, claim.solo);
            state.claims.insert(claim.token, entry);
        }
    }

    /// Begins to compute a job; false where its claim was taken away meanwhile: then it must not.
    pub fn begin(&self, token: &Token) -> bool {
        let computing = Phase::Computing(Instant::now());
        self.lock().enter(token, computing, |phase| phase == Phase::Waiting)
    }

    /// Ends a claim, whose outcome is known now; false where it is not held or ended before: then the outcome is nobody's.
    pub fn end(&self, token: &Token) -> bool {
        self.lock().enter(token, Phase::Done, |phase| phase != Phase::Done)
    }

    /// Ends a claim whose job has not begun; false where it has.
    pub fn end_waiting(&self, token: &Token) -> bool {
        self.lock().enter(token, Phase::Done, |phase| phase == Phase::Waiting)
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

    /// Forgets the claims that wait, and gives them: they are to be handed back.
    pub fn withdraw_waiting(&self) -> Vec<Claim> {
        self.withdraw(0, |entry| entry.phase == Phase::Waiting)
    }

    /// Forgets the newest of the claims that wait for a lane, all but `keep` of them, and gives them: they are to be handed
    /// back.
    pub fn withdraw_surplus(&self, keep: usize) -> Vec<Claim> {
        self.withdraw(keep, |entry| entry.phase == Phase::Waiting && !entry.claim.solo)
    }

    /// Forgets the claims that wait or compute, but not those that hang, and gives them: they are to be handed back.
    pub fn withdraw_unended(&self) -> Vec<Claim> {
        self.withdraw(0, |entry| matches!(entry.phase, Phase::Waiting | Phase::Computing(_)))
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
        state.load.stuck += overdue.len();
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
        let on_lanes = state.claims.values().filter(|entry| !entry.claim.solo);
        let since = on_lanes.filter_map(|entry| match entry.phase {
            Phase::Computing(since) => Some(since),
            _ => None,
        });
        Load {
            oldest: since.min().map(|since| since.elapsed()),
            ..state.load
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

    /// Forgets the newest of those claims, all but `keep` of them, and gives them.
    fn withdraw(&self, keep: usize, is_one: impl Fn(&Entry) -> bool) -> Vec<Claim> {
        let mut state = self.lock();
        let found = state.claims.values().filter(|entry| is_one(entry));
        let mut found: Vec<(u64, Token)> = found.map(|entry| (entry.nth, entry.claim.token)).collect();
        found.sort_unstable();
        let withdrawn = found.split_off(keep.min(found.len()));
        withdrawn
            .into_iter()
            .filter_map(|(_, token)| state.remove(&token))
            .collect()
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
                let before = std::mem::replace(&mut entry.phase, phase);
                self.load.leave(before, entry.claim.solo);
                self.load.enter(phase, entry.claim.solo);
                true
            }
            _ => false,
        }
    }

    fn remove(&mut self, token: &Token) -> Option<Claim> {
        let entry = self.claims.remove(token)?;
        self.load.leave(entry.phase, entry.claim.solo);
        Some(entry.claim)
    }
}
#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;
