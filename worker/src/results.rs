//! Where jobs read results from: those of the stage before, by their identities.
//!
//! Reading goes through [`Results::read`] and nowhere else, writing through the commit in [`crate::publish`].

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tickfleet_protocol::ids::Identity;
use tickfleet_protocol::limits::MAX_BATCH;
use tickfleet_runtime::broker::{Broker, Result};
use tokio_util::sync::CancellationToken;

use crate::backoff::{READ_TRIES, persist};

/// The results that jobs may read.
#[derive(Clone)]
pub enum Results {
    /// All that a broker has, which is asked again while it does not answer, a few times or until the token is cancelled.
    Stored(Arc<dyn Broker>, CancellationToken),
    /// These: for a job that runs in a process of its own, which talks to no broker.
    Given(Arc<HashMap<Identity, Bytes>>),
}

impl Results {
    /// All that a broker has.
    pub const fn stored(broker: Arc<dyn Broker>, cut: CancellationToken) -> Self {
        Self::Stored(broker, cut)
    }

    /// The result under each identity, in order; `None` where there is none, or no longer.
    ///
    /// # Errors
    /// The broker's.
    pub async fn read(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>> {
        match self {
            Self::Stored(broker, cut) => {
                let mut found = Vec::with_capacity(identities.len());
                for batch in identities.chunks(MAX_BATCH) {
                    let (batch, _) = persist("results", READ_TRIES, cut, || broker.results(batch)).await?;
                    found.extend(batch);
                }
                Ok(found)
            }
            Self::Given(results) => Ok(identities
                .iter()
                .map(|identity| results.get(identity).cloned())
                .collect()),
        }
    }
}

impl std::fmt::Debug for Results {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stored(..) => f.write_str("Stored"),
            Self::Given(results) => write!(f, "Given({})", results.len()),
        }
    }
}
