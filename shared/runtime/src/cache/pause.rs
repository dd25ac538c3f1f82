//! A tier that fails is left alone for a while: a second first, then twice as long each time, up to a minute.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Whether a tier may be tried.
#[derive(Debug, Default)]
pub(super) struct Pause {
    state: Mutex<Option<Paused>>,
}

#[derive(Debug, Clone, Copy)]
struct Paused {
    until: Instant,
    length: Duration,
}

impl Pause {
    /// Whether the tier is to be passed over at this moment.
    pub(super) fn is_on(&self, now: Instant) -> bool {
        self.lock().is_some_and(|paused| now < paused.until)
    }

    /// The tier failed. True when this begins a pause: of failures side by side only the first one does.
    pub(super) fn failed(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let length = match *state {
            None => FIRST,
            Some(paused) if now < paused.until => return false,
            Some(paused) => (paused.length * 2).min(LONGEST),
        };
        *state = Some(Paused {
            until: now + length,
            length,
        });
        true
    }

    /// The tier worked.
    pub(super) fn succeeded(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Paused>> {
        // The state is plain data, valid after any panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_failures_and_end_with_a_success() {
        let (pause, start) = (Pause::default(), Instant::now());
        assert!(!pause.is_on(start));
        let mut now = start;
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(pause.failed(now), "a failure after the pause begins another");
            assert!(!pause.failed(now), "one within it does not");
            assert!(pause.is_on(now + Duration::from_secs(seconds) - Duration::from_millis(1)));
            now += Duration::from_secs(seconds);
            assert!(!pause.is_on(now), "{seconds}");
        }
        pause.succeeded();
        assert!(
            pause.failed(now) && !pause.is_on(now + FIRST),
            "the first pause is short again"
        );
    }
}
