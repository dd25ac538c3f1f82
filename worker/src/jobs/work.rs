//! How results came to be: kernels that ran, and results that were found by the content of their input.
//!
//! Results found by identity are counted where they are found, in [`crate::status`].

use std::sync::atomic::{AtomicU64, Ordering};

use tickfleet_protocol::plan::{MAP, REDUCE, stage_name};
use tickfleet_runtime::telemetry::metrics;

use super::Kind;

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
        scan(MAP).executed.add(1);
    }

    /// Counts a reduce kernel that runs.
    pub(super) fn reduce(&self) {
        self.reduces.fetch_add(1, Ordering::Relaxed);
        scan(REDUCE).executed.add(1);
    }

    /// Counts a map result that was found by content.
    pub(super) fn copied(&self) {
        self.copied.fetch_add(1, Ordering::Relaxed);
        scan(MAP).reused.add(1);
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

fn scan(stage: u32) -> std::sync::Arc<metrics::JobMetrics> {
    metrics::shared().jobs.of(Kind::Scan.version(), stage_name(stage))
}
