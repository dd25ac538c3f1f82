//! A run's events as a stream that waits for more, gets over an outage of the queue, and ends with the run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, BoxStream, StreamExt};
use tickfleet_protocol::ids::{EventId, RunId};
use tickfleet_runtime::broker::{Broker, BrokerError, Progress};

use super::fault::refusal;
use crate::cluster::Result;
use crate::cluster::backoff::Backoff;

/// How long one look at the events waits.
const WAIT: Duration = Duration::from_secs(5);
/// How long the queue may be away before the watch ends with the failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// The events after one, as they come.
pub(super) fn watch(
    broker: Arc<dyn Broker>,
    run: RunId,
    after: EventId,
) -> BoxStream<'static, Result<(EventId, Progress)>> {
    let watcher = Watcher {
        broker,
        run,
        after,
        has_ended: false,
    };
    let batches = stream::unfold(Some(watcher), |watcher| async move {
        let mut watcher = watcher?;
        match watcher.next().await {
            Ok(events) if events.is_empty() => None,
            Ok(events) => Some((events.into_iter().map(Ok).collect::<Vec<_>>(), Some(watcher))),
            Err(error) => Some((vec![Err(refusal(&error))], None)),
        }
    });
    batches.flat_map(stream::iter).boxed()
}

struct Watcher {
    broker: Arc<dyn Broker>,
    run: RunId,
    after: EventId,
    /// Whether the run was seen to have ended before the last look at its events.
    has_ended: bool,
}

impl Watcher {
    /// The next events; none when the run has ended and all were told.
    async fn next(&mut self) -> std::result::Result<Vec<(EventId, Progress)>, BrokerError> {
        let (mut backoff, mut away_since) = (Backoff::default(), None);
        loop {
            match self.look().await {
                Ok(Some(events)) => return Ok(events),
                Ok(None) => away_since = None,
                Err(error) if error.is_retryable() => {
                    if away_since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
                        return Err(error);
                    }
                    backoff.pause().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One look: events, an empty list at the end, or nothing yet.
    async fn look(&mut self) -> std::result::Result<Option<Vec<(EventId, Progress)>>, BrokerError> {
        let events = self.broker.events(self.run, self.after, WAIT).await?;
        if let Some((last, _)) = events.last() {
            self.after = *last;
            // A failed run may have been set running again since: only a look without events tells the end.
            self.has_ended = false;
            return Ok(Some(events));
        }
        if self.has_ended {
            return Ok(Some(Vec::new()));
        }
        // Its last event may have come between the two looks, so the events are looked at once more.
        let summary = self.broker.summary(self.run).await?;
        self.has_ended = summary.is_none_or(|summary| summary.state.is_ended());
        Ok(None)
    }
}
