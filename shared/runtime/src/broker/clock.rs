//! The time a broker in this process goes by: the system's, or one that a test moves.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tickfleet_protocol::ids::Millis;
use tokio::sync::watch;

/// A source of moments that never run back.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The moment now.
    fn now(&self) -> Millis;

    /// Returns once `now` is `at` or later.
    async fn sleep_until(&self, at: Millis);
}

/// The system's time as of its creation, moved on by the monotonic clock: a step of the system's time ends no lease.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    epoch: Millis,
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            epoch: Millis(whole_ms(since_epoch)),
            started: Instant::now(),
        }
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Millis {
        self.epoch.plus_ms(whole_ms(self.started.elapsed()))
    }

    async fn sleep_until(&self, at: Millis) {
        tokio::time::sleep(Duration::from_millis(at.since_ms(self.now()))).await;
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Millis>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Millis) -> Self {
        Self {
            now: watch::Sender::new(start),
        }
    }

    /// Moves it on, and wakes whoever slept until then.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = now.plus_ms(whole_ms(by)));
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Millis {
        *self.now.borrow()
    }

    async fn sleep_until(&self, at: Millis) {
        let reached = self.now.subscribe().wait_for(|now| *now >= at).await.map(drop);
        reached.expect("a clock that is waited on is not gone");
    }
}

/// A duration in whole milliseconds, rounded down.
pub(super) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn manual_clock_wakes_sleepers_in_time() {
        let clock = ManualClock::new(Millis(100));
        clock.sleep_until(Millis(100)).await;
        let mut sleeper = Box::pin(clock.sleep_until(Millis(150)));
        assert!(futures::poll!(&mut sleeper).is_pending());
        clock.advance(Duration::from_millis(49));
        assert!(futures::poll!(&mut sleeper).is_pending());
        clock.advance(Duration::from_millis(1));
        sleeper.await;
        assert_eq!(clock.now(), Millis(150));
    }

    #[tokio::test]
    async fn system_clock_reaches_what_it_sleeps_until() {
        let clock = SystemClock::default();
        let at = clock.now().plus_ms(2);
        clock.sleep_until(at).await;
        assert!(clock.now() >= at);
        assert!(clock.now().0 > 1_700_000_000_000, "milliseconds since the epoch");
    }
}
