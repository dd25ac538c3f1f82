//! Recall: a claim whose answer was lost, or whose caller went away, gives its jobs back at once.
//!
//! Without it those jobs would be held until their leases end, and count as those of a dead worker.

use std::{sync::Arc, time::Duration};

use tickfleet_protocol::ids::Token;
use tokio::{runtime::Handle, task::JoinSet};

use super::{RedisBroker, scripts, server::Server};

/// Most recalls under way; what is not recalled comes back when its lease ends.
const RECALLS_MAX: usize = 64;

/// The pause before a recall is tried again.
const RETRY: Duration = Duration::from_millis(250);

/// A claim under way on one shard. Dropped before it is [settled](Outstanding::settle), it is recalled.
pub(super) struct Outstanding<'a> {
    broker: &'a RedisBroker,
    shard: u16,
    tokens: Vec<Token>,
    lease_ms: u64,
}

impl<'a> Outstanding<'a> {
    /// A claim that is about to be sent under these tokens.
    pub(super) const fn new(broker: &'a RedisBroker, shard: u16, tokens: Vec<Token>, lease_ms: u64) -> Self {
        Self {
            broker,
            shard,
            tokens,
            lease_ms,
        }
    }

    /// The tokens of the claim.
    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Notes that its jobs reach their worker, or that there are none.
    pub(super) fn settle(mut self) {
        self.tokens.clear();
    }
}

impl Drop for Outstanding<'_> {
    fn drop(&mut self) {
        if self.tokens.is_empty() || Handle::try_current().is_err() {
            return;
        }
        let mut recalls = self.broker.recalls.lock().expect("nothing panics under this lock");
        while recalls.try_join_next().is_some() {}
        if recalls.len() < RECALLS_MAX {
            let server = Arc::clone(&self.broker.server);
            recalls.spawn(recall(
                server,
                self.shard,
                std::mem::take(&mut self.tokens),
                self.lease_ms,
            ));
        }
    }
}

/// Recalls that end with their broker.
pub(super) type Recalls = std::sync::Mutex<JoinSet<()>>;

/// Recalls a claim; tries until its leases have ended by themselves.
async fn recall(server: Arc<Server>, shard: u16, tokens: Vec<Token>, lease_ms: u64) {
    let trying = async {
        loop {
            let mut recall = server.call(&scripts::RECALL, shard);
            recall.arg(lease_ms);
            for token in &tokens {
                recall.arg(token.to_string());
            }
            match server.run::<u64>("recall", &scripts::RECALL, &recall).await {
                Ok(jobs) => return tracing::debug!(jobs, "a claim was recalled"),
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    };
    if tokio::time::timeout(Duration::from_millis(lease_ms), trying)
        .await
        .is_err()
    {
        tracing::debug!("a claim was not recalled before its leases ended");
    }
}
