//! Leases renewed from an OS thread of their own: computing starves async timers, and a starved beat loses jobs.
//!
//! A claim that computes longer than its bound is no longer renewed: its lease ends and the job is delivered anew.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tickfleet_protocol::ids::Token;
use tickfleet_runtime::broker::{Broker, Claim};

/// The claims that a worker holds now.
#[derive(Debug, Default)]
pub struct Held {
    state: Mutex<State>,
    stopped: Condvar,
}

#[derive(Debug, Default)]
struct State {
    claims: HashMap<Token, (Claim, Instant)>,
    revoked: HashSet<Token>,
    stop: bool,
}

impl Held {
    /// Adds claims.
    pub fn add(&self, claims: &[Claim]) {
        let now = Instant::now();
        self.lock()
            .claims
            .extend(claims.iter().map(|claim| (claim.token, (claim.clone(), now))));
    }

    /// Forgets claims that have ended.
    pub fn release(&self, tokens: &[Token]) {
        let mut state = self.lock();
        for token in tokens {
            state.claims.remove(token);
            state.revoked.remove(token);
        }
    }

    /// Whether the broker took a claim back.
    pub fn is_revoked(&self, token: &Token) -> bool {
        self.lock().revoked.contains(token)
    }

    /// The claims held.
    pub fn claims(&self) -> Vec<Claim> {
        self.lock().claims.values().map(|(claim, _)| claim.clone()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // The state is plain data, valid after any panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that renews leases; it ends when dropped.
#[derive(Debug)]
pub struct Heartbeat {
    held: Arc<Held>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    /// Renews the leases of `held` three times a lease, each claim for at most `job_max`.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        broker: Arc<dyn Broker>,
        held: Arc<Held>,
        lease: Duration,
        job_max: Duration,
    ) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let beating = held.clone();
        let thread = std::thread::Builder::new()
            .name("heartbeat".to_owned())
            .spawn(move || {
                while !wait(&beating, lease / 3) {
                    runtime.block_on(beat(broker.as_ref(), &beating, lease, job_max));
                }
            })?;
        Ok(Self {
            held,
            thread: Some(thread),
        })
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.held.lock().stop = true;
        self.held.stopped.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the heartbeat thread panicked");
        }
    }
}

/// Waits one interval; true when it is time to stop.
fn wait(held: &Held, interval: Duration) -> bool {
    let waited = held
        .stopped
        .wait_timeout_while(held.lock(), interval, |state| !state.stop);
    waited.unwrap_or_else(PoisonError::into_inner).0.stop
}

async fn beat(broker: &dyn Broker, held: &Held, lease: Duration, job_max: Duration) {
    let live: Vec<_> = {
        let state = held.lock();
        let live = state
            .claims
            .values()
            .filter(|(claim, since)| since.elapsed() < job_max && !state.revoked.contains(&claim.token));
        live.map(|(claim, _)| claim.held()).collect()
    };
    let lease_ms = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
    for batch in live.chunks(tickfleet_protocol::limits::MAX_BATCH) {
        match tokio::time::timeout(lease / 3, broker.beat(batch, lease_ms)).await {
            Ok(Ok(revoked)) => held.lock().revoked.extend(revoked),
            Ok(Err(error)) => tracing::warn!(%error, "a heartbeat failed"),
            Err(_) => tracing::warn!("a heartbeat timed out"),
        }
    }
}
