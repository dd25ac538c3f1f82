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
    AsOf(#[serde(with = "day")] Option<Day>),
    /// Every session from the first day to the second, both included; either may be open.
    Range(#[serde(with = "day")] Option<Day>, #[serde(with = "day")] Option<Day>),
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

/// Days as `YYYY-MM-DD`, so that a spec reads like what was typed.
mod day {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
    use tickfleet_kernels::scan::cells;

    use super::Day;

    pub(super) fn serialize<S: Serializer>(day: &Option<Day>, to: S) -> Result<S::Ok, S::Error> {
        day.map(cells::format_date).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Day>, D::Error> {
        let parse = |text: String| {
            cells::date(&text).ok_or_else(|| de::Error::custom(format!("`{text}` is no date such as 2016-06-30")))
        };
        Option::<String>::deserialize(from)?.map(parse).transpose()
    }
}
