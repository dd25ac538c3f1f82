//! The tier that machines share: the queue's server, whose results expire.
//!
//! What only helps (is it there? keep this record) is passed over while the server does not answer; what a job cannot do
//! without is asked for all the same, and the failure told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tickfleet_protocol::ids::Identity;
use tickfleet_protocol::limits::MAX_BATCH;

use super::counts::{Counters, Tier, TierCounts};
use super::pause::Pause;
use crate::broker::{Broker, BrokerError};

/// Results asked for in one call: at the largest inline size, some tens of megabytes.
const READ_AT_ONCE: usize = 16;
/// Longest time to wait for an answer that only helps.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// The queue's server as a tier.
pub(super) struct Upstream {
    broker: Arc<dyn Broker>,
    patience: Duration,
    counters: Counters,
    pause: Pause,
}

impl Upstream {
    pub(super) fn new(broker: Arc<dyn Broker>, patience: Duration) -> Self {
        Self {
            broker,
            patience,
            counters: Counters::new(Tier::Redis),
            pause: Pause::default(),
        }
    }

    pub(super) fn counts(&self) -> TierCounts {
        self.counters.counts()
    }

    /// Notes bytes that a commit is about to write here.
    pub(super) fn written(&self, bytes: usize) {
        self.counters.written(bytes);
    }

    /// What is kept under each identity, in order.
    pub(super) async fn results(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>, BrokerError> {
        let mut found = Vec::with_capacity(identities.len());
        for some in identities.chunks(READ_AT_ONCE) {
            let results = self.noted(self.broker.results(some).await)?;
            for result in &results {
                self.counters.look_up(result.as_ref().map(Bytes::len));
            }
            found.extend(results);
        }
        Ok(found)
    }

    /// Whether something is kept under each identity, in order.
    pub(super) async fn stored(&self, identities: &[Identity]) -> Result<Vec<bool>, BrokerError> {
        let mut found = Vec::with_capacity(identities.len());
        for some in identities.chunks(MAX_BATCH) {
            found.extend(self.noted(self.broker.stored(some).await)?);
        }
        Ok(found)
    }

    /// What is kept under each identity, in order, as far as the server says so soon.
    pub(super) async fn try_results(&self, identities: &[Identity]) -> Vec<Option<Bytes>> {
        let found = self.try_to(self.results(identities)).await;
        found.unwrap_or_else(|| vec![None; identities.len()])
    }

    /// Whether something is kept under each identity, in order, as far as the server says so soon.
    pub(super) async fn try_stored(&self, identities: &[Identity]) -> Vec<bool> {
        let found = self.try_to(self.stored(identities)).await;
        found.unwrap_or_else(|| vec![false; identities.len()])
    }

    /// Keeps records that only help.
    pub(super) async fn try_keep(&self, records: Vec<(Identity, Bytes)>) {
        let bytes = records.iter().map(|(_, record)| record.len()).sum();
        let kept = async { self.noted(self.broker.keep(records).await) };
        match self.try_to(kept).await {
            Some(()) => self.counters.written(bytes),
            None => self.counters.dropped(),
        }
    }

    /// Waits for an answer that only helps; `None` where there is none, or during a pause.
    async fn try_to<T>(&self, call: impl Future<Output = Result<T, BrokerError>>) -> Option<T> {
        if self.pause.is_on(Instant::now()) {
            return None;
        }
        match tokio::time::timeout(self.patience, call).await {
            Ok(answer) => answer.ok(),
            Err(_) => {
                self.counters.error();
                self.pause.failed(Instant::now());
                None
            }
        }
    }

    /// Begins a pause with an answer that did not come, and ends it with one that did.
    fn noted<T>(&self, answer: Result<T, BrokerError>) -> Result<T, BrokerError> {
        match &answer {
            Ok(_) => self.pause.succeeded(),
            Err(error) => {
                self.counters.error();
                if error.is_retryable() && self.pause.failed(Instant::now()) {
                    tracing::warn!(%error, "the queue's server does not answer; its results are passed over for a while");
                }
            }
        }
        answer
    }
}
