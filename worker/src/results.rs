//! Where jobs read results from: those of the stage before, by their identities.
//!
//! Reading goes through [`Results::read`] and nowhere else, writing through the commit in `publish`.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tickfleet_protocol::ids::Identity;
use tickfleet_runtime::cache;
use tickfleet_runtime::cache::ResultsError;
use tokio_util::sync::CancellationToken;

use crate::backoff::{READ_TRIES, persist};
use crate::error::JobError;

/// Results read with one call.
const READ_AT_ONCE: usize = 64;

/// The results that jobs may read.
#[derive(Clone)]
pub enum Results {
    /// All that the cache's tiers and the queue have, which is asked again while it does not answer, a few times or until
    /// the token is cancelled.
    Stored(Arc<cache::Results>, CancellationToken),
    /// These: for a job that runs in a process of its own, which talks to no broker.
    Given(Arc<HashMap<Identity, Bytes>>),
}

impl Results {
    /// The result under each identity, in order; `None` where there is none, or no longer.
    ///
    /// # Errors
    /// The queue or the store does not answer, or refuses.
    pub async fn read(&self, identities: &[Identity]) -> Result<Vec<Option<Bytes>>, JobError> {
        match self {
            Self::Stored(results, cut) => {
                let mut found = Vec::with_capacity(identities.len());
                for some in identities.chunks(READ_AT_ONCE) {
                    let read = || async {
                        match results.get(some).await {
                            Err(ResultsError::Queue(error)) => Err(error),
                            read => Ok(read),
                        }
                    };
                    let (read, _) = persist("results", READ_TRIES, cut, read).await?;
                    found.extend(read?);
                }
                Ok(found)
            }
            Self::Given(results) => Ok(identities
                .iter()
                .map(|identity| results.get(identity).cloned())
                .collect()),
        }
    }

    /// Where results can be found that other jobs computed from the same content; `None` where there can be none.
    pub fn by_content(&self) -> Option<&Arc<cache::Results>> {
        match self {
            Self::Stored(results, _) => Some(results).filter(|results| results.looks_by_content()),
            Self::Given(_) => None,
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
