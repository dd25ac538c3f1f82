//! What computing gave, on its way to the publisher: a queue that is bounded in items and in bytes.
//!
//! Lanes wait here while the broker does not answer; that is what holds a worker back. Async code never waits: what it
//! puts in is small, and no more claims are taken while there is no room. Read next: `publish`.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tickfleet_protocol::ids::Identity;
use tickfleet_protocol::limits::MAX_BATCH;
use tickfleet_runtime::broker::Claim;
use tokio::sync::Notify;

use crate::error::JobError;

/// Outcomes that wait at most before lanes are held back.
const ITEMS_MAX: usize = 2 * MAX_BATCH;
/// Bytes of results that wait at most before lanes are held back.
const BYTES_MAX: usize = 256 << 20;
/// Bytes of results that are published at once: one call of the broker.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// What became of a claim.
#[derive(Debug)]
pub enum Outcome {
    /// A result, or `None` when one is already stored under the identity.
    Done(Identity, Option<Bytes>),
    /// A failure, in words, and whether another attempt may succeed.
    Failed(String, bool),
    /// Nothing that is the job's doing: it is handed back, and nothing is charged.
    HandedBack,
}

impl Outcome {
    /// What an error makes of a claim: the job's failure, or nothing where the job had no part in it.
    pub fn of(error: &JobError) -> Self {
        if error.is_outage() {
            Self::HandedBack
        } else {
            Self::Failed(error.chain(), error.retryable())
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Done(_, Some(result)) => result.len(),
            _ => 0,
        }
    }
}

/// The outcomes that wait.
#[derive(Debug, Default)]
pub struct Outbox {
    state: Mutex<State>,
    room: Condvar,
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Claim, Outcome)>,
    bytes: usize,
    is_closed: bool,
}

impl State {
    fn is_full(&self) -> bool {
        self.waiting.len() >= ITEMS_MAX || self.bytes >= BYTES_MAX
    }
}

impl Outbox {
    /// Puts an outcome in, as soon as there is room: for lanes, never for async threads. Dropped once nobody publishes.
    pub fn put(&self, claim: Claim, outcome: Outcome) {
        let waited = self
            .room
            .wait_while(self.lock(), |state| state.is_full() && !state.is_closed);
        let state = waited.unwrap_or_else(PoisonError::into_inner);
        self.put_in(state, claim, outcome);
    }

    /// Puts an outcome in, at once.
    pub fn put_now(&self, claim: Claim, outcome: Outcome) {
        self.put_in(self.lock(), claim, outcome);
    }

    /// Whether there is room for the outcomes of more claims.
    pub fn has_room(&self) -> bool {
        !self.lock().is_full()
    }

    /// Outcomes that wait.
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Takes what one call of the broker carries, as soon as there is something; nothing once it is closed and empty.
    pub async fn take(&self) -> Vec<(Claim, Outcome)> {
        loop {
            let news = self.news.notified();
            let (batch, is_closed) = {
                let mut state = self.lock();
                (state.batch(), state.is_closed)
            };
            if !batch.is_empty() || is_closed {
                self.room.notify_all();
                return batch;
            }
            news.await;
        }
    }

    /// Lets nothing more in, and no lane wait.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.room.notify_all();
        self.news.notify_one();
    }

    fn put_in(&self, mut state: MutexGuard<'_, State>, claim: Claim, outcome: Outcome) {
        if state.is_closed {
            return;
        }
        state.bytes += outcome.bytes();
        state.waiting.push_back((claim, outcome));
        drop(state);
        self.news.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is plain data, valid after any panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first outcomes: at least one, and as many more as one call carries.
    fn batch(&mut self) -> Vec<(Claim, Outcome)> {
        let (mut items, mut bytes) = (0, 0);
        for (_, outcome) in self.waiting.iter().take(MAX_BATCH) {
            bytes += outcome.bytes();
            if items > 0 && bytes > BATCH_BYTES_MAX {
                break;
            }
            items += 1;
        }
        let batch: Vec<_> = self.waiting.drain(..items).collect();
        self.bytes -= batch.iter().map(|(_, outcome)| outcome.bytes()).sum::<usize>();
        batch
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tickfleet_protocol::ids::{JobIndex, JobRef, Millis, RunId, StageIndex, Token};

    use super::*;

    fn claim(index: u64) -> Claim {
        Claim {
            job: JobRef {
                run: RunId::from_parts(Millis(7), [1; 10]),
                stage: StageIndex(0),
                index: JobIndex(index),
            },
            token: Token(u128::from(index)),
            attempts: 0,
            kills: 0,
            solo: false,
            lease_until: Millis(0),
        }
    }

    fn done(bytes: usize) -> Outcome {
        Outcome::Done(Identity([0; 32]), Some(Bytes::from(vec![0; bytes])))
    }

    #[tokio::test]
    async fn batches_are_bounded_in_items_and_bytes() {
        let check = async |sizes: &[usize], expect: &[usize]| {
            let outbox = Outbox::default();
            sizes.iter().for_each(|&bytes| outbox.put_now(claim(0), done(bytes)));
            outbox.close();
            for &items in expect.iter().chain(&[0]) {
                assert_eq!(outbox.take().await.len(), items, "{} outcomes", sizes.len());
            }
        };
        check(&[], &[]).await;
        check(&[0; MAX_BATCH + 1], &[MAX_BATCH, 1]).await;
        check(&[BATCH_BYTES_MAX, 1, 1], &[1, 2]).await;
        check(&[2 * BATCH_BYTES_MAX, 2 * BATCH_BYTES_MAX], &[1, 1]).await;
    }

    #[tokio::test]
    async fn a_lane_waits_for_room_and_for_no_longer_than_somebody_publishes() {
        let outbox = Arc::new(Outbox::default());
        (0..ITEMS_MAX).for_each(|_| outbox.put_now(claim(0), Outcome::HandedBack));
        assert!(!outbox.has_room());
        let put = |index| {
            let outbox = Arc::clone(&outbox);
            std::thread::spawn(move || outbox.put(claim(index), Outcome::HandedBack))
        };
        let first = put(1);
        assert_eq!(outbox.take().await.len(), MAX_BATCH);
        first.join().expect("there is room now");
        (0..MAX_BATCH).for_each(|_| outbox.put_now(claim(0), Outcome::HandedBack));
        let second = put(2);
        outbox.close();
        second.join().expect("nobody waits for nobody");
        let mut indexes = Vec::new();
        loop {
            let batch = outbox.take().await;
            if batch.is_empty() {
                break;
            }
            indexes.extend(batch.iter().map(|(claim, _)| claim.job.index.0));
        }
        assert!(indexes.contains(&1) && !indexes.contains(&2));
    }

    #[tokio::test]
    async fn what_comes_late_is_taken() {
        let outbox = Arc::new(Outbox::default());
        let taking = tokio::spawn({
            let outbox = Arc::clone(&outbox);
            async move { outbox.take().await.len() }
        });
        tokio::task::yield_now().await;
        outbox.put_now(claim(0), Outcome::HandedBack);
        assert_eq!(taking.await.expect("it does not panic"), 1);
    }
}
