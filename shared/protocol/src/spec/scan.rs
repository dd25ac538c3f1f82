//! The canonical spec of a scan.

use serde::{Deserialize, Serialize};
use tickfleet_kernels::scan::options::{
    BlendOptions, DataOptions, MapOptions, PlanOptions, RankOptions, SessionOptions, UniverseOptions,
};

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
    /// What is joined to the scored rows.
    pub joined: JoinedInputs,
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
    /// How factors and predictions are blended.
    pub blend: BlendOptions,
    /// What the trade plan reads.
    pub plan: PlanOptions,
    /// What the ranking reads.
    pub rank: RankOptions,
}

/// Inputs that are joined to the scored rows of each date, by path or URI.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JoinedInputs {
    /// Fundamentals table, if any.
    pub fundamentals: Option<String>,
    /// Events table, if any.
    pub events: Option<String>,
    /// Predictions table, if any.
    pub predictions: Option<String>,
    /// ONNX model that predicts, if any; never beside a table of predictions.
    pub model: Option<String>,
    /// Where the model runs.
    pub model_device: ModelDevice,
}

/// Where a model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelDevice {
    /// On one thread of the processor: the same digits everywhere.
    #[default]
    Cpu,
    /// On a CUDA device: digits may differ in the last places.
    Gpu,
}

impl JoinedInputs {
    /// Those that are given, each with the name of its setting.
    pub fn given_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut String)> {
        let all = [
            ("fundamentals", &mut self.fundamentals),
            ("events", &mut self.events),
            ("predictions", &mut self.predictions),
            ("model", &mut self.model),
        ];
        all.into_iter().filter_map(|(name, uri)| Some((name, uri.as_mut()?)))
    }

    /// The paths and URIs that are given.
    pub fn uris(&self) -> impl Iterator<Item = &String> {
        let all = [&self.fundamentals, &self.events, &self.predictions, &self.model];
        all.into_iter().flatten()
    }
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
