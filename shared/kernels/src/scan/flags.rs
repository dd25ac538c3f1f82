//! Flags of a scored row: what a reader should know before acting on it, and what each costs in merit (section 5.7).

use super::columns::Indicators;
use super::compare::{some_ge, some_gt, some_lt};
use super::events::EventFacts;

/// A flag. The order is that of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// Earnings within 3 days.
    EarningsSoon,
    /// Earnings in 4 to 7 days.
    Earnings7d,
    /// Little money trades.
    LowLiquidity,
    /// A wide true range.
    HighAtr,
    /// A very wide true range.
    VeryHighAtr,
    /// A market cap below a billion.
    SmallCap,
    /// A market cap below 300 million.
    MicroCap,
    /// Yearly volatility above 100 %.
    UltraRisk,
    /// The market cap is not known.
    NoMarketCap,
    /// A fundamentals table was given and knows nothing of the quality.
    NoQuality,
    /// Less than a year of bars.
    ShortHistory,
    /// Days without volume among the last 20.
    ZeroVolumeDays,
    /// No trade plan could be made.
    NoPlan,
}

impl Flag {
    /// The name in the result tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EarningsSoon => "EARNINGS_SOON",
            Self::Earnings7d => "EARNINGS_7D",
            Self::LowLiquidity => "LOW_LIQUIDITY",
            Self::HighAtr => "HIGH_ATR",
            Self::VeryHighAtr => "VERY_HIGH_ATR",
            Self::SmallCap => "SMALL_CAP",
            Self::MicroCap => "MICRO_CAP",
            Self::UltraRisk => "ULTRA_RISK",
            Self::NoMarketCap => "NO_MARKET_CAP",
            Self::NoQuality => "NO_QUALITY",
            Self::ShortHistory => "SHORT_HISTORY",
            Self::ZeroVolumeDays => "ZERO_VOLUME_DAYS",
            Self::NoPlan => "NO_PLAN",
        }
    }

    /// Points of merit that it costs.
    #[must_use]
    pub const fn penalty(self) -> f64 {
        match self {
            Self::EarningsSoon => 12.0,
            Self::Earnings7d | Self::SmallCap => 6.0,
            Self::LowLiquidity | Self::HighAtr => 8.0,
            Self::VeryHighAtr => 14.0,
            Self::MicroCap => 20.0,
            Self::UltraRisk => 25.0,
            Self::NoMarketCap | Self::NoQuality | Self::ShortHistory | Self::ZeroVolumeDays | Self::NoPlan => 0.0,
        }
    }
}

/// What flags are raised by, beside the indicators.
#[derive(Debug, Clone, Copy)]
pub struct FlagInput<'a> {
    /// Indicators.
    pub indicators: &'a Indicators,
    /// What the events say.
    pub events: &'a EventFacts,
    /// Market cap, quote currency.
    pub market_cap: Option<f64>,
    /// A fundamentals table was given and the row has no quality score.
    pub lacks_quality: bool,
    /// The row wants a plan and has none.
    pub lacks_plan: bool,
}

/// The flags of a row, in the order of the result.
#[must_use]
pub fn flags(input: &FlagInput<'_>) -> Vec<Flag> {
    let (row, cap) = (input.indicators, input.market_cap);
    let days = input.events.days_to_earnings;
    [
        (Flag::EarningsSoon, days.is_some_and(|days| days <= 3)),
        (Flag::Earnings7d, days.is_some_and(|days| (4..=7).contains(&days))),
        (Flag::LowLiquidity, some_lt(row.dollar_vol_20, 10e6)),
        (Flag::HighAtr, some_gt(row.atr_pct, 0.08) && !some_gt(row.atr_pct, 0.12)),
        (Flag::VeryHighAtr, some_gt(row.atr_pct, 0.12)),
        (Flag::SmallCap, some_ge(cap, 300e6) && some_lt(cap, 1e9)),
        (Flag::MicroCap, some_lt(cap, 300e6)),
        (Flag::UltraRisk, some_gt(row.vol_20, 1.0)),
        (Flag::NoMarketCap, cap.is_none()),
        (Flag::NoQuality, input.lacks_quality),
        (Flag::ShortHistory, row.bars < 253),
        (Flag::ZeroVolumeDays, row.zero_vol_20 > 0),
        (Flag::NoPlan, input.lacks_plan),
    ]
    .into_iter()
    .filter_map(|(flag, raised)| raised.then_some(flag))
    .collect()
}

/// Names, comma-joined; empty if there are none.
#[must_use]
pub fn names(flags: &[Flag]) -> String {
    flags.iter().map(|flag| flag.name()).collect::<Vec<_>>().join(",")
}

/// Points of merit that they cost together.
#[must_use]
pub fn penalties(flags: &[Flag]) -> f64 {
    flags.iter().map(|flag| flag.penalty()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Indicators, &mut EventFacts, &mut Option<f64>), expect: &str, cost: f64) {
        let mut row = Indicators {
            bars: 253,
            dollar_vol_20: Some(10e6),
            atr_pct: Some(0.08),
            vol_20: Some(1.0),
            ..Indicators::default()
        };
        let (mut events, mut cap) = (EventFacts::default(), Some(1e9));
        change(&mut row, &mut events, &mut cap);
        let found = flags(&FlagInput {
            indicators: &row,
            events: &events,
            market_cap: cap,
            lacks_quality: false,
            lacks_plan: false,
        });
        assert_eq!((names(&found).as_str(), penalties(&found)), (expect, cost));
    }

    #[test]
    fn each_at_its_threshold() {
        check(|_, _, _| {}, "", 0.0);
        check(|_, events, _| events.days_to_earnings = Some(3), "EARNINGS_SOON", 12.0);
        check(|_, events, _| events.days_to_earnings = Some(4), "EARNINGS_7D", 6.0);
        check(|_, events, _| events.days_to_earnings = Some(8), "", 0.0);
        check(|row, _, _| row.dollar_vol_20 = Some(9.9e6), "LOW_LIQUIDITY", 8.0);
        check(|row, _, _| row.atr_pct = Some(0.12), "HIGH_ATR", 8.0);
        check(|row, _, _| row.atr_pct = Some(0.121), "VERY_HIGH_ATR", 14.0);
        check(|_, _, cap| *cap = Some(300e6), "SMALL_CAP", 6.0);
        check(|_, _, cap| *cap = Some(299e6), "MICRO_CAP", 20.0);
        check(|row, _, _| row.vol_20 = Some(1.01), "ULTRA_RISK", 25.0);
        check(|_, _, cap| *cap = None, "NO_MARKET_CAP", 0.0);
        check(
            |row, _, _| (row.bars, row.zero_vol_20) = (252, 1),
            "SHORT_HISTORY,ZERO_VOLUME_DAYS",
            0.0,
        );
    }

    #[test]
    fn all_of_them_in_order() {
        let row = Indicators {
            bars: 1,
            ..Indicators::default()
        };
        let found = flags(&FlagInput {
            indicators: &row,
            events: &EventFacts::default(),
            market_cap: None,
            lacks_quality: true,
            lacks_plan: true,
        });
        assert_eq!(names(&found), "NO_MARKET_CAP,NO_QUALITY,SHORT_HISTORY,NO_PLAN");
        assert!(found.is_sorted());
    }
}
