//! How often a call is tried: the next address at once, the same one after a pause, and not for ever.

use std::time::{Duration, Instant};

use tickfleet_runtime::failure::{ExitStatus, Failure};

use crate::cluster::backoff::Backoff;

/// How long a call that finds no coordinator is tried before the first answer.
pub(super) const AT_FIRST: Duration = Duration::from_secs(2);
/// How long what was under way is taken up again: a coordinator that restarts is back by then.
pub(super) const MIDWAY: Duration = Duration::from_secs(60);

/// Tries since the last success.
#[derive(Debug)]
pub(super) struct Tries {
    patience: Duration,
    addresses: usize,
    since: Option<Instant>,
    /// The last reason of each address, in the order of failing.
    reasons: Vec<(String, String)>,
    /// Failures since the last pause.
    in_row: usize,
    backoff: Backoff,
}

impl Tries {
    /// No try yet; gives up after `patience` without success.
    pub(super) fn new(addresses: usize, patience: Duration) -> Self {
        Self {
            patience,
            addresses,
            since: None,
            reasons: Vec::new(),
            in_row: 0,
            backoff: Backoff::default(),
        }
    }

    /// Something came: what failed before counts no more, and from here on the call is under way.
    pub(super) fn progressed(&mut self) {
        *self = Self::new(self.addresses, MIDWAY);
    }

    /// Notes a failed try, and pauses when all addresses have failed since the last pause.
    ///
    /// # Errors
    /// It was tried long enough.
    pub(super) async fn failed(&mut self, address: &str, why: String) -> Result<(), Failure> {
        self.reasons.retain(|(known, _)| known != address);
        self.reasons.push((address.to_owned(), why));
        self.in_row += 1;
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.in_row < self.addresses {
            return Ok(());
        }
        if since.elapsed() >= self.patience {
            return Err(self.unreachable());
        }
        self.in_row = 0;
        self.backoff.pause().await;
        Ok(())
    }

    /// What is said when nothing answers.
    fn unreachable(&self) -> Failure {
        let failure = Failure::new(ExitStatus::Unreachable, "no coordinator answers");
        let failure = self.reasons.iter().fold(failure, |failure, (address, why)| {
            failure.why(format!("{address}: {why}"))
        });
        failure.help("start one with coordinator serve, or name another with --coordinator URL")
    }
}
