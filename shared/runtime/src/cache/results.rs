//! Results of jobs by identity, over all tiers: this machine's, the queue's server, the store for large ones.
//!
//! The same identity has the same bytes for ever, so any tier may answer and none needs to be asked twice. What the
//! queue's server keeps is an envelope: the result, or a pointer to the store. Writing goes through [`Results::pack`]
//! and the queue's commit, reading through [`Results::get`]; nobody else opens an envelope. Read next: `envelope`,
//! [`super::store`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use thiserror::Error;
use tickfleet_protocol::ids::Identity;
use tickfleet_protocol::limits::{MAX_BATCH, MAX_RESULT_BYTES};

use super::counts::{Tier, TierCounts};
use super::envelope::{Envelope, INLINE_OVERHEAD};
use super::store::{ResultStore, StoreError};
use super::upstream::{PATIENCE, Upstream};
use super::{Key, Local};
use crate::broker::{Broker, BrokerError};

/// Look-ups side by side, on disk or in the store.
const READS_MAX: usize = 8;
/// Largest result that fits the queue's server, bytes.
const INLINE_BYTES_MAX: usize = MAX_RESULT_BYTES - INLINE_OVERHEAD;

/// Results that could not be read or written.
#[derive(Debug, Error)]
pub enum ResultsError {
    /// The queue's server.
    #[error("the queue did not give the results")]
    Queue(#[from] BrokerError),
    /// The store.
    #[error("the store of large results")]
    Store(#[from] StoreError),
    /// A result lies in a store, and this process has none.
    #[error(
        "a result lies in {uri}, and this process has no store: give every coordinator and worker the same --store \
         (TICKFLEET_STORE)"
    )]
    NoStore {
        /// The object.
        uri: String,
    },
    /// A result is too large for the queue's server, and there is no store.
    #[error(
        "the result has {bytes} bytes, and the queue keeps at most {limit}: give every coordinator and worker a shared \
         folder for larger ones with --store (TICKFLEET_STORE); what exceeds --inline-result then goes there"
    )]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
}

impl ResultsError {
    /// Whether the same call may succeed later without anyone's doing.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Queue(error) => error.is_retryable(),
            Self::Store(error) => matches!(error, StoreError::Failed { .. } | StoreError::Slow { .. }),
            Self::NoStore { .. } | Self::TooLarge { .. } => false,
        }
    }
}

/// What is known of a job's result before it is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// The queue's server has it: a commit need only name it.
    Stored,
    /// This machine has it, and the queue's server not, or does not say: commit these bytes, packed.
    Held(Bytes),
    /// Nobody has it, as far as could be asked.
    Absent,
}

/// Results of jobs.
pub struct Results {
    upstream: Upstream,
    local: Local,
    store: Option<Arc<ResultStore>>,
    inline_max: usize,
    looks_by_content: bool,
    /// Records that wait to be shared.
    noted: Mutex<Vec<(Identity, Bytes)>>,
}

impl Results {
    /// Results of a queue. Those of more than `inline_max` bytes go to the store; without one, all stay in the queue.
    pub fn new(broker: Arc<dyn Broker>, local: Local, store: Option<Arc<ResultStore>>, inline_max: u64) -> Self {
        Self::with_patience(broker, local, store, inline_max, PATIENCE)
    }

    /// Results of a queue that lives and dies with this process, and nothing beyond it.
    pub fn alone(broker: Arc<dyn Broker>) -> Self {
        Self::beside(broker, Local::new(0, None))
    }

    /// Results of a queue that lives and dies with this process, over tiers that may outlive it.
    pub fn beside(broker: Arc<dyn Broker>, local: Local) -> Self {
        Self {
            looks_by_content: false,
            ..Self::new(broker, local, None, u64::MAX)
        }
    }

    /// Whether a look by content may find what others computed. It costs every job that computes a part of its time, so
    /// a process of its own does without.
    pub const fn looks_by_content(&self) -> bool {
        self.looks_by_content
    }

    fn with_patience(
        broker: Arc<dyn Broker>,
        local: Local,
        store: Option<Arc<ResultStore>>,
        inline_max: u64,
        patience: Duration,
    ) -> Self {
        let inline_max = usize::try_from(inline_max).unwrap_or(usize::MAX).min(INLINE_BYTES_MAX);
        let inline_max = if store.is_some() { inline_max } else { INLINE_BYTES_MAX };
        Self {
            upstream: Upstream::new(broker, patience),
            local,
            store,
            inline_max,
            looks_by_content: true,
            noted: Mutex::default(),
        }
    }

    /// Looks for the results of jobs, in order. Never fails: what cannot be asked is passed over.
    pub async fn probe(&self, identities: &[Identity]) -> Vec<Probe> {
        let stored = match &self.store {
            None => self.upstream.try_stored(identities).await,
            Some(store) => self.try_reachable(identities, store).await,
        };
        let owned = identities.to_vec();
        let probes = stream::iter(owned.into_iter().zip(stored)).map(|(identity, is_stored)| async move {
            if is_stored {
                return Probe::Stored;
            }
            let held = self.local.get_known(Key::result(&identity)).await;
            held.map_or(Probe::Absent, Probe::Held)
        });
        probes.buffered(READS_MAX).collect().await
    }

    /// Whether the queue's server has a result under each identity, in order.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn stored(&self, identities: &[Identity]) -> Result<Vec<bool>, ResultsError> {
        Ok(self.upstream.stored(identities).await?)
    }

    /// The result of each identity, in order; `None` where there is none. Any number of them, but all are held in memory.
    ///
    /// # Errors
    /// A tier that has to be asked does not answer: one that has the result might.
    pub async fn get(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>, ResultsError> {
        let local = stream::iter(identities.to_vec()).map(|identity| self.local.get(Key::result(&identity)));
        let mut found: Vec<Option<Bytes>> = local.buffered(READS_MAX).collect().await;
        let missing: Vec<usize> = (0..found.len()).filter(|&place| found[place].is_none()).collect();
        let wanted: Vec<Identity> = missing.iter().map(|&place| identities[place]).collect();
        let envelopes = self.upstream.results(&wanted).await?;
        let opened =
            stream::iter(wanted.into_iter().zip(envelopes)).map(|(identity, envelope)| self.open(identity, envelope));
        let mut opened = opened.buffered(READS_MAX);
        for place in missing {
            found[place] = opened.next().await.expect("each envelope is opened")?;
        }
        drop(opened);
        Ok(found)
    }

    /// The result of an identity, if someone says so soon. Never fails.
    pub async fn recall(&self, identity: Identity) -> Option<Bytes> {
        if let Some(found) = self.local.get(Key::result(&identity)).await {
            return Some(found);
        }
        let envelope = self.upstream.try_results(&[identity]).await.pop()?;
        self.open(identity, envelope).await.ok().flatten()
    }

    /// Prepares a computed result for its commit: gives what the queue's server is to keep under its identity.
    ///
    /// # Errors
    /// [`ResultsError::TooLarge`], and what the store can meet.
    pub async fn pack(&self, identity: Identity, result: Bytes) -> Result<Bytes, ResultsError> {
        let envelope = match &self.store {
            Some(store) if result.len() > self.inline_max => {
                Envelope::Pointer(store.put(&identity, result.clone()).await?)
            }
            None if result.len() > self.inline_max => {
                return Err(ResultsError::TooLarge {
                    bytes: result.len(),
                    limit: self.inline_max,
                });
            }
            _ => Envelope::Inline(result.clone()),
        };
        self.local.put(Key::result(&identity), result);
        let packed = envelope.encode();
        self.upstream.written(packed.len());
        Ok(packed)
    }

    /// Notes a small record that belongs to no job, under an identity of its own: this machine has it at once, others
    /// after the next [`Results::share`]. [`Results::recall`] finds it. Never waits; it only helps, so beyond a bound it is
    /// dropped.
    pub fn note(&self, identity: Identity, record: Bytes) {
        self.local.put(Key::result(&identity), record.clone());
        let mut noted = self.noted();
        if noted.len() < MAX_BATCH {
            noted.push((identity, Envelope::Inline(record).encode()));
        }
    }

    /// Gives the records noted so far to the queue's server. Never fails.
    pub async fn share(&self) {
        let records = std::mem::take(&mut *self.noted());
        if !records.is_empty() {
            self.upstream.try_keep(records).await;
        }
    }

    /// What each tier has done so far, the nearest first.
    #[must_use]
    pub fn counts(&self) -> Vec<(Tier, TierCounts)> {
        let store = self.store.as_ref().map(|store| (Tier::Store, store.counts()));
        let mut counts = self.local.counts();
        counts.push((Tier::Redis, self.upstream.counts()));
        counts.extend(store);
        counts
    }

    /// Whether the queue's server has each result, and the store what that points to.
    async fn try_reachable(&self, identities: &[Identity], store: &ResultStore) -> Vec<bool> {
        let envelopes = self.upstream.try_results(identities).await;
        let owned = identities.to_vec();
        let looks = stream::iter(owned.into_iter().zip(envelopes)).map(|(identity, envelope)| async move {
            match envelope.as_ref().and_then(Envelope::decode) {
                Some(Envelope::Inline(result)) => {
                    self.local.put(Key::result(&identity), result);
                    true
                }
                Some(Envelope::Pointer(pointer)) => store.has(&pointer).await.unwrap_or(false),
                None => false,
            }
        });
        looks.buffered(READS_MAX).collect().await
    }

    fn noted(&self) -> MutexGuard<'_, Vec<(Identity, Bytes)>> {
        // The list is plain data, valid after any panic.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result of an envelope, which this machine then has as well; `None` where it is gone or damaged.
    async fn open(&self, identity: Identity, envelope: Option<Bytes>) -> Result<Option<Bytes>, ResultsError> {
        let Some(bytes) = envelope else {
            return Ok(None);
        };
        let result = match Envelope::decode(&bytes) {
            Some(Envelope::Inline(result)) => Some(result),
            Some(Envelope::Pointer(pointer)) => match &self.store {
                Some(store) => store.get(&pointer).await?,
                None => return Err(ResultsError::NoStore { uri: pointer.uri }),
            },
            None => {
                tracing::warn!(%identity, "what the queue keeps under this identity is no result of this version");
                None
            }
        };
        if let Some(result) = &result {
            self.local.put(Key::result(&identity), result.clone());
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests;
