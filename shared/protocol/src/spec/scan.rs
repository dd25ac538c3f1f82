//! The canonical spec of a scan.

use serde::{Deserialize, Serialize};
use tickfleet_kernels::scan::options::{DataOptions, MapOptions, RankOptions, SessionOptions, UniverseOptions};

/// Days since 1970-01-01, as in Arrow's date32.
pub type Day = i32;

/// Which sessions are scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateSelection {
    /// The last session at or before the day; without a day, the last session of the data.
    AsOf(Option<Day>),
    /// Every session from the first day to the second, both included; either may be open.
    Range(Option<Day>, Option<Day>),
}

/// A scan, every option resolved (specification: scan, section 8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanSpec {
    /// Daily bars: path, folder, glob or URI.
    pub bars: String,
    /// Universe table, if any.
    pub universe: Option<String>,
    /// Sessions to scan.
    pub dates: DateSelection,
    /// Which dates are sessions.
    pub session: SessionOptions,
    /// What the map stage reads.
    pub map: MapOptions,
    /// What the universe stage reads.
    pub universe_stage: UniverseOptions,
    /// What the data stage reads.
    pub data_stage: DataOptions,
    /// What the ranking reads.
    pub rank: RankOptions,
}
