//! How the results of scans came to be: kernels that ran, and map results that were found by the content of their input.
//!
//! Those found by identity are counted where they are found, in [`crate::status`], and all of it by kind and stage in
//! [`crate::observe`].

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of a worker, shared by its lanes.
#[derive(Debug, Default)]
pub struct Work {
    maps: AtomicU64,
    reduces: AtomicU64,
    copied: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkCounts {
    /// Map kernels that ran, in whatever way that ended.
    pub maps: u64,
    /// Reduce kernels that ran.
    pub reduces: u64,
    /// Map results that another job had computed from the same content.
    pub copied: u64,
}

impl Work {
    /// Counts a map kernel that runs.
    pub(super) fn map(&self) {
        self.maps.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a reduce kernel that runs.
    pub(super) fn reduce(&self) {
        self.reduces.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a map result that was found by content.
    pub(super) fn copied(&self) {
        self.copied.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts now.
    pub fn counts(&self) -> WorkCounts {
        WorkCounts {
            maps: self.maps.load(Ordering::Relaxed),
            reduces: self.reduces.load(Ordering::Relaxed),
            copied: self.copied.load(Ordering::Relaxed),
        }
    }
}
