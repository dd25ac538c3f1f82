//! What each tier of the cache has done since it was made: numbers that only grow, and that metrics count as well.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

pub use crate::telemetry::metrics::Tier;
use crate::telemetry::metrics::shared;

/// The counts of a tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TierCounts {
    /// Look-ups that found their entry.
    pub hits: u64,
    /// Look-ups that did not, those that were passed over included.
    pub misses: u64,
    /// Bytes that hits gave.
    pub bytes_read: u64,
    /// Bytes that were written.
    pub bytes_written: u64,
    /// Reads and writes that failed, damaged entries included.
    pub errors: u64,
    /// Entries that left for lack of room.
    pub evictions: u64,
    /// Entries that were not written: too large, too many at once, or during a pause.
    pub dropped: u64,
}

impl TierCounts {
    /// The sum of two tiers' counts.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            misses: self.misses + other.misses,
            bytes_read: self.bytes_read + other.bytes_read,
            bytes_written: self.bytes_written + other.bytes_written,
            errors: self.errors + other.errors,
            evictions: self.evictions + other.evictions,
            dropped: self.dropped + other.dropped,
        }
    }
}

/// Counts that threads share.
#[derive(Debug)]
pub(crate) struct Counters {
    tier: Tier,
    hits: AtomicU64,
    misses: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    errors: AtomicU64,
    evictions: AtomicU64,
    dropped: AtomicU64,
}

impl Counters {
    pub(crate) fn new(tier: Tier) -> Self {
        Self {
            tier,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
            bytes_written: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    pub(crate) fn hit(&self, bytes: usize) {
        add(&self.hits, 1);
        add(&self.bytes_read, bytes as u64);
        let counts = shared().tier(self.tier);
        counts.hits.add(1);
        counts.bytes.add(bytes as u64);
    }

    pub(crate) fn miss(&self) {
        add(&self.misses, 1);
        shared().tier(self.tier).misses.add(1);
    }

    /// A look-up that found its entry or did not.
    pub(crate) fn look_up(&self, found: Option<usize>) {
        match found {
            Some(bytes) => self.hit(bytes),
            None => self.miss(),
        }
    }

    pub(crate) fn written(&self, bytes: usize) {
        add(&self.bytes_written, bytes as u64);
    }

    pub(crate) fn error(&self) {
        add(&self.errors, 1);
    }

    pub(crate) fn evicted(&self) {
        add(&self.evictions, 1);
    }

    pub(crate) fn dropped(&self) {
        add(&self.dropped, 1);
    }

    pub(crate) fn counts(&self) -> TierCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TierCounts {
            hits: read(&self.hits),
            misses: read(&self.misses),
            bytes_read: read(&self.bytes_read),
            bytes_written: read(&self.bytes_written),
            errors: read(&self.errors),
            evictions: read(&self.evictions),
            dropped: read(&self.dropped),
        }
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
