//! Calls at an even pace, and pauses that do not fall together.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// Lets so many calls a minute begin, evenly.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(calls_per_minute: u64) -> Self {
        let calls = u32::try_from(calls_per_minute.max(1)).unwrap_or(u32::MAX);
        Self {
            every: Duration::from_secs(60) / calls,
            next: Mutex::new(None),
        }
    }

    /// Waits until a call may begin.
    pub(super) async fn wait(&self) {
        let mut next = self.next.lock().await;
        if let Some(at) = *next {
            tokio::time::sleep_until(at).await;
        }
        *next = Some(Instant::now() + self.every);
    }
}

/// A pause of half to all of this length, at random: programs that failed together try again apart.
pub(super) fn jittered(pause: Duration) -> Duration {
    let dice = RandomState::new().build_hasher().finish() % 1_000;
    let part = 500 + u32::try_from(dice / 2).unwrap_or(0);
    pause * part / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_half_of_its_length_at_least() {
        let pause = Duration::from_secs(2);
        for _ in 0..100 {
            assert!((pause / 2..=pause).contains(&jittered(pause)));
        }
    }
}
