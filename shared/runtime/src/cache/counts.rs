//! What each tier of the cache has done since the process began: numbers that only grow, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// A tier, from the nearest to the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// This process's memory.
    Memory,
    /// A folder on this machine.
    Disk,
    /// The queue's server.
    Queue,
    /// The store that holds results too large for the queue's server.
    Store,
    /// The storage that holds the input.
    Source,
}

impl Tier {
    /// All tiers, the nearest first.
    pub const ALL: [Self; 5] = [Self::Memory, Self::Disk, Self::Queue, Self::Store, Self::Source];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Queue => "queue",
            Self::Store => "store",
            Self::Source => "source",
        }
    }
}

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
#[derive(Debug, Default)]
pub(super) struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    errors: AtomicU64,
    evictions: AtomicU64,
    dropped: AtomicU64,
}

impl Counters {
    pub(super) fn hit(&self, bytes: usize) {
        add(&self.hits, 1);
        add(&self.bytes_read, bytes as u64);
    }

    pub(super) fn miss(&self) {
        add(&self.misses, 1);
    }

    /// A look-up that found its entry or did not.
    pub(super) fn look_up(&self, found: Option<usize>) {
        match found {
            Some(bytes) => self.hit(bytes),
            None => self.miss(),
        }
    }

    pub(super) fn written(&self, bytes: usize) {
        add(&self.bytes_written, bytes as u64);
    }

    pub(super) fn error(&self) {
        add(&self.errors, 1);
    }

    pub(super) fn evicted(&self) {
        add(&self.evictions, 1);
    }

    pub(super) fn dropped(&self) {
        add(&self.dropped, 1);
    }

    pub(super) fn counts(&self) -> TierCounts {
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
