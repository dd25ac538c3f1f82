//! How many calls of a kind go side by side, and how many wait for a place: what holds memory or a connection of the
//! queue is bounded.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

/// Submissions and plans that open inputs side by side: each keeps every lane busy.
const OPENINGS: usize = 4;
/// Those that may wait.
const OPENINGS_WAITING: usize = 512;
/// Readers of results side by side: each holds a date's tables.
const READERS: usize = 32;
/// Those that may wait.
const READERS_WAITING: usize = 512;
/// Watches: each takes a connection of the queue now and then.
const WATCHES: usize = 1_024;

/// The places of each kind.
#[derive(Debug)]
pub(super) struct Admission {
    /// For what opens inputs.
    pub(super) openings: Places,
    /// For what reads results.
    pub(super) readers: Places,
    /// For what waits for events.
    pub(super) watches: Places,
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            openings: Places::new("submissions", OPENINGS, OPENINGS_WAITING),
            readers: Places::new("readers of results", READERS, READERS_WAITING),
            watches: Places::new("watches", WATCHES, 0),
        }
    }
}

/// Places of one kind of call.
#[derive(Debug)]
pub(super) struct Places {
    what: &'static str,
    all: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// A place, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _running: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Places {
    fn new(what: &'static str, running: usize, waiting: usize) -> Self {
        Self {
            what,
            all: Arc::new(Semaphore::new(running + waiting)),
            running: Arc::new(Semaphore::new(running)),
        }
    }

    /// Waits for a place; refused where too many wait already.
    pub(super) async fn enter(&self) -> Result<Place, Status> {
        let all = self.all.clone().try_acquire_owned();
        let all = all.map_err(|_| {
            Status::resource_exhausted(format!(
                "too many {}: try again, here or at another coordinator",
                self.what
            ))
        })?;
        let running = self.running.clone().acquire_owned().await;
        Ok(Place {
            _running: running.expect("the semaphore is never closed"),
            _all: all,
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn places_are_given_in_turn_and_the_line_is_bounded() {
        let places = Places::new("tests", 1, 1);
        let first = places.enter().await.expect("a place");
        let mut second = Box::pin(places.enter());
        assert!(second.as_mut().now_or_never().is_none(), "the second waits");
        let third = places.enter().await.expect_err("the line is full");
        assert_eq!(third.code(), tonic::Code::ResourceExhausted);
        drop(first);
        second.await.expect("the place that became free");
    }
}
