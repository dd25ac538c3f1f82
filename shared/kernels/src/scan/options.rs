//! The options of a scan that decide values (specification: scan, section 8).
//!
//! Each struct holds what one stage reads and nothing else, so a stage's identity can be taken from its own struct.
//! Never put anything here that only decides how fast or where a scan runs.

use serde::{Deserialize, Serialize};

use super::sector::Sector;

/// How prices are adjusted for splits and dividends (section 1, Adjustment).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adjust {
    /// Chain the events that `adj_close` marks; right for cumulative columns and for day-by-day marks.
    Auto,
    /// No adjustment.
    None,
    /// `adj_close` is a cumulative column: factor relative to the window's last bar.
    AdjClose,
}

/// Which symbols are tickers (section 2, Ticker grammar).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TickerRule {
    /// US grammar: canonical `.X` suffix, preferreds and rights refused.
    Us,
    /// Any text, trimmed.
    Any,
}

/// What happens to a candidate that the universe table lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// Rejected as `not_in_universe`.
    Reject,
    /// Kept, with null metadata.
    Keep,
}

/// Which sectors pass the universe stage.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectorFilter {
    /// All but Materials, Real Estate and Utilities; null passes.
    Liquid,
    /// Every sector and null.
    All,
    /// The sectors listed (sorted, without repeats); `None` is `unknown`, the null sector.
    List(Vec<Option<Sector>>),
}

impl SectorFilter {
    /// True when a row of this sector (`None`: the null sector) passes.
    #[must_use]
    pub fn passes(&self, sector: Option<Sector>) -> bool {
        match self {
            Self::Liquid => sector.is_none_or(Sector::is_liquid),
            Self::All => true,
            Self::List(listed) => listed.contains(&sector),
        }
    }
}

/// Which signals are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// `Long` and `Strong Long`.
    Long,
    /// `Short` and `Strong Short`.
    Short,
    /// Both of them.
    Both,
    /// Everything, `Avoid` too.
    All,
}

/// What the map stage depends on, besides the bars and the sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MapOptions {
    /// Adjustment rule.
    pub adjust: Adjust,
    /// Window length in kept bars, 60..=5000.
    pub lookback: usize,
    /// Ticker grammar; decides which spellings are one symbol.
    pub ticker_rule: TickerRule,
}

/// Which dates are sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionOptions {
    /// A date is a session when its symbol count is at least this fraction of the most in it and the 20 dates before; 0..=1.
    pub session_min_frac: f64,
}

/// The universe stage (section 2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UniverseOptions {
    /// Canonical symbols asked for, sorted, without repeats; empty = every candidate.
    pub symbols: Vec<String>,
    /// Sectors that pass.
    pub sectors: SectorFilter,
    /// Substrings (any case) of which the industry must contain one; empty = no test.
    pub industries: Vec<String>,
    /// Substrings (any case) that reject an industry.
    pub exclude_industries: Vec<String>,
    /// Candidates without a universe row.
    pub unlisted: Unlisted,
    /// Ticker grammar.
    pub ticker_rule: TickerRule,
    /// Leveraged and volatility funds pass.
    pub allow_leveraged: bool,
    /// Smallest known market cap in quote currency; 0 = off.
    pub min_market_cap: f64,
    /// Keep this many by market cap; 0 = off.
    pub max_symbols: usize,
}

/// The data stage (section 3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataOptions {
    /// Fewest bars in the window, 30..=lookback.
    pub min_bars: usize,
    /// Most sessions missed at the end, 0..=250.
    pub max_stale: usize,
    /// Smallest last close, quote currency.
    pub min_price: f64,
    /// Smallest mean of close x volume over 20 bars, quote currency.
    pub min_dollar_volume: f64,
    /// Largest one-bar price ratio of the last 252; 0 = off, else > 1.
    pub max_jump: f64,
    /// Largest coefficient of variation over 20 bars.
    pub max_cv: f64,
    /// Largest ATR as a fraction of the close.
    pub max_atr_pct: f64,
}

/// The ranking (section 6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankOptions {
    /// Signals wanted.
    pub side: Side,
    /// Smallest |tech_rating|, 0..=26.
    pub min_tech_rating: f64,
    /// Smallest ICS, 0..=100.
    pub min_ics: f64,
    /// Smallest MERIT, 0..=100.
    pub min_merit: f64,
    /// Most ranked rows of one sector; 0 = off.
    pub max_per_sector: usize,
    /// Most ranked rows, 1..=100000.
    pub top: usize,
}

/// The blend of factors and predictions (section 5.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlendOptions {
    /// Weight of the predictions where they are known, 0..=1.
    pub ml_weight: f64,
}

/// The trade plan (section 5.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanOptions {
    /// Account, quote currency, above 0.
    pub account: f64,
    /// Percent of the account that a plan may lose, above 0, at most 100.
    pub risk_pct: f64,
    /// Reward for a unit of risk, above 0, at most 100.
    pub rr: f64,
}
