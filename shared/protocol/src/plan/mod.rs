//! From spec and facts to jobs: pure, deterministic, and never stored.
//!
//! A plan is cut points, not a job list: `job(stage, index)` computes what a job covers. Jobs of the map stage cover
//! mapped symbols x as-of dates exactly once; the reduce stage has one job per as-of date. Read next: [`crate::identity`].

mod shards;
#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use shards::{COST_PER_ROW_NS, COST_PER_WINDOW_NS, SHARD_TARGET_NS};

use crate::facts::ScanFacts;

/// Stage ordinal of the map jobs.
pub const MAP: u32 = 0;
/// Stage ordinal of the reduce jobs.
pub const REDUCE: u32 = 1;

/// Name of a scan's stage.
pub fn stage_name(stage: u32) -> &'static str {
    match stage {
        MAP => "map",
        REDUCE => "reduce",
        _ => "stage",
    }
}

/// How a run is cut into jobs. It decides speed, never a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sharding {
    /// Symbols per map job; `None` = cut by measured cost.
    pub symbols: Option<u32>,
    /// As-of dates per map job; `None` = as many as keep the results of one chunk of dates small.
    pub dates: Option<u32>,
}

/// What a job covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Indicators of some symbols on some dates.
    Map {
        /// Range of [`ScanFacts::mapped`].
        symbols: Range<usize>,
        /// Range of [`ScanFacts::as_of`].
        dates: Range<usize>,
    },
    /// Tables of one date.
    Reduce {
        /// Index into [`ScanFacts::as_of`].
        date: usize,
    },
}

/// The shape of a run: how many jobs, and what each covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Ends of the symbol shards in `mapped`, ascending; the last is its length.
    symbol_ends: Vec<usize>,
    dates: usize,
    dates_per_job: usize,
}

impl Plan {
    /// Plans a scan. Equal facts and sharding give equal plans.
    pub fn new(facts: &ScanFacts, sharding: Sharding) -> Self {
        let dates = facts.as_of.len();
        let dates_per_job = match sharding.dates {
            Some(most) => (most.max(1) as usize).min(dates.max(1)),
            None => shards::dates_per_job(dates, facts.mapped.len()),
        };
        let symbol_ends = match sharding.symbols {
            Some(most) => shards::by_count(facts.mapped.len(), most.max(1) as usize),
            None => shards::by_cost(facts, dates_per_job),
        };
        Self {
            symbol_ends,
            dates,
            dates_per_job,
        }
    }

    /// Job counts of the stages, in order.
    pub fn stages(&self) -> Vec<u64> {
        vec![
            (self.symbol_ends.len() * self.dates.div_ceil(self.dates_per_job)) as u64,
            self.dates as u64,
        ]
    }

    /// What job `index` of `stage` covers; `None` beyond the stage's jobs.
    pub fn job(&self, stage: u32, index: u64) -> Option<Job> {
        let index = usize::try_from(index).ok()?;
        match stage {
            MAP => {
                let shards = self.symbol_ends.len();
                let chunk = index.checked_div(shards)?;
                let first_date = chunk * self.dates_per_job;
                (first_date < self.dates).then(|| Job::Map {
                    symbols: self.symbols_of(index % shards),
                    dates: first_date..(first_date + self.dates_per_job).min(self.dates),
                })
            }
            REDUCE => (index < self.dates).then_some(Job::Reduce { date: index }),
            _ => None,
        }
    }

    /// Map jobs whose dates include `date`, in symbol order.
    pub fn maps_of(&self, date: usize) -> Range<u64> {
        let shards = self.symbol_ends.len() as u64;
        let chunk = (date / self.dates_per_job) as u64;
        chunk * shards..(chunk + 1) * shards
    }

    fn symbols_of(&self, shard: usize) -> Range<usize> {
        let start = if shard == 0 { 0 } else { self.symbol_ends[shard - 1] };
        start..self.symbol_ends[shard]
    }
}
