//! Scores, rating and signal of one symbol (section 5.1).
//!
//! All from the indicators of the same row; a null input contributes 0. Scores mirror, so shorts exist.

use super::columns::Indicators;
use super::compare::{cmp, ge, le, some_ge, some_gt, some_le, some_lt};

/// What the rating says to do. The order is by strength, shorts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// Strong downward rating, trend and momentum.
    StrongShort,
    /// Downward rating and trend.
    Short,
    /// Neither.
    Avoid,
    /// Upward rating and trend.
    Long,
    /// Strong upward rating, trend and momentum.
    StrongLong,
}

impl Signal {
    /// The name in the result tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StrongShort => "Strong Short",
            Self::Short => "Short",
            Self::Avoid => "Avoid",
            Self::Long => "Long",
            Self::StrongLong => "Strong Long",
        }
    }

    /// The signal of a rating with its trend and momentum scores.
    #[must_use]
    pub fn of(tech_rating: f64, trend: i32, momentum: i32) -> Self {
        if ge(tech_rating, 22.0) && trend >= 2 && momentum >= 1 {
            Self::StrongLong
        } else if ge(tech_rating, 16.0) && trend >= 1 {
            Self::Long
        } else if le(tech_rating, -22.0) && trend <= -2 && momentum <= -1 {
            Self::StrongShort
        } else if le(tech_rating, -16.0) && trend <= -1 {
            Self::Short
        } else {
            Self::Avoid
        }
    }
}

impl Indicators {
    /// The signal of this row; it always agrees with its rating.
    #[must_use]
    pub fn signal(&self) -> Signal {
        Signal::of(self.tech_rating.unwrap_or(0.0), self.trend_score, self.momentum_score)
    }
}

/// Fills the score columns of a row from its indicators.
pub fn score(row: &mut Indicators) {
    row.trend_score = trend(row);
    row.momentum_score = momentum(row);
    row.volume_score = volume(row);
    row.volatility_score = volatility(row);
    row.oscillator_score = oscillator(row);
    row.breakout_score = breakout(row);
    let direction =
        3 * row.trend_score + 3 * row.momentum_score + 2 * row.volume_score + row.oscillator_score + row.breakout_score;
    row.tech_raw = direction + direction.signum() * row.volatility_score;
    row.stability = row.atr_pct.map(|atr| ((0.08 - atr) / 0.07).clamp(0.0, 1.0));
    row.tech_rating = Some(f64::from(row.tech_raw) * (0.7 + 0.3 * row.stability.unwrap_or(0.0)));
}

fn trend(row: &Indicators) -> i32 {
    cmp(row.sma_20, row.sma_50) + cmp(row.sma_50, row.sma_200) + cmp(row.close, row.sma_50)
}

fn momentum(row: &Indicators) -> i32 {
    let hist = row.macd_hist.zip(row.close).map(|(hist, close)| hist / close);
    let score = i32::from(some_gt(row.rsi_14, 55.0)) + i32::from(some_gt(row.rsi_14, 65.0))
        - i32::from(some_lt(row.rsi_14, 45.0))
        - i32::from(some_lt(row.rsi_14, 35.0))
        + cmp(hist, Some(0.0))
        + i32::from(some_gt(row.dist_high_20, -0.03))
        - i32::from(some_lt(row.dist_low_20, 0.03));
    score.clamp(-3, 3)
}

fn volume(row: &Indicators) -> i32 {
    let size = if some_gt(row.vol_spike, 1.5) {
        2
    } else if some_gt(row.vol_spike, 1.2) {
        1
    } else {
        -i32::from(some_lt(row.vol_spike, 0.7))
    };
    cmp(row.ret_1d, Some(0.0)) * size
}

fn volatility(row: &Indicators) -> i32 {
    i32::from(some_lt(row.atr_pct, 0.01)) - i32::from(some_gt(row.atr_pct, 0.03))
}

fn oscillator(row: &Indicators) -> i32 {
    let within = |low, high| some_ge(row.rsi_14, low) && some_le(row.rsi_14, high);
    i32::from(within(55.0, 65.0)) - i32::from(within(35.0, 45.0)) - i32::from(some_gt(row.rsi_14, 70.0))
        + i32::from(some_lt(row.rsi_14, 30.0))
}

fn breakout(row: &Indicators) -> i32 {
    i32::from(some_gt(row.dist_high_20, -0.01)) - i32::from(some_lt(row.dist_low_20, 0.01))
        + i32::from(some_gt(row.ret_5d, 0.02))
        - i32::from(some_lt(row.ret_5d, -0.02))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(change: impl FnOnce(&mut Indicators)) -> Indicators {
        let mut row = Indicators {
            close: Some(100.0),
            ..Indicators::default()
        };
        change(&mut row);
        score(&mut row);
        row
    }

    #[test]
    fn nulls_contribute_nothing() {
        let row = scored(|_| {});
        assert_eq!((row.tech_raw, row.tech_rating, row.stability), (0, Some(0.0), None));
        assert_eq!(row.signal(), Signal::Avoid);
    }

    #[test]
    fn momentum_by_rsi_and_extremes() {
        for (rsi, hist, high, low, expect) in [
            (70.0, 1.0, -0.01, 0.2, 3),
            (60.0, -1.0, -0.5, 0.5, 0),
            (60.0, 0.0, -0.03, 0.03, 1),
            (50.0, 1e-11, -0.5, 0.5, 0),
            (30.0, -1.0, -0.5, 0.01, -3),
            (40.0, 1.0, -0.01, 0.01, 0),
        ] {
            let row = scored(|row| {
                row.rsi_14 = Some(rsi);
                row.macd_hist = Some(hist);
                row.dist_high_20 = Some(high);
                row.dist_low_20 = Some(low);
            });
            assert_eq!(row.momentum_score, expect, "rsi {rsi}, hist {hist}, {high}, {low}");
        }
    }

    #[test]
    fn small_scores() {
        for (rsi, expect) in [
            (55.0, 1),
            (65.0, 1),
            (66.0, 0),
            (71.0, -1),
            (45.0, -1),
            (35.0, -1),
            (34.0, 0),
            (29.0, 1),
        ] {
            assert_eq!(
                scored(|row| row.rsi_14 = Some(rsi)).oscillator_score,
                expect,
                "rsi {rsi}"
            );
        }
        for (atr, expect, stability) in [
            (0.005, 1, 1.0),
            (0.01, 0, 1.0),
            (0.03, 0, 0.05 / 0.07),
            (0.045, -1, 0.5),
            (0.2, -1, 0.0),
        ] {
            let row = scored(|row| row.atr_pct = Some(atr));
            assert_eq!(row.volatility_score, expect, "atr {atr}");
            assert!((row.stability.unwrap() - stability).abs() < 1e-12);
        }
        for (ret, spike, expect) in [
            (0.1, 1.6, 2),
            (0.1, 1.5, 1),
            (-0.1, 1.3, -1),
            (-0.1, 0.6, 1),
            (0.1, 1.0, 0),
            (0.0, 2.0, 0),
        ] {
            let row = scored(|row| (row.ret_1d, row.vol_spike) = (Some(ret), Some(spike)));
            assert_eq!(row.volume_score, expect, "ret {ret}, spike {spike}");
        }
        for (high, low, ret, expect) in [(0.0, 0.5, 0.03, 2), (-0.5, 0.0, -0.03, -2), (-0.01, 0.01, 0.02, 0)] {
            let row =
                scored(|row| (row.dist_high_20, row.dist_low_20, row.ret_5d) = (Some(high), Some(low), Some(ret)));
            assert_eq!(row.breakout_score, expect);
        }
    }

    #[test]
    fn volatility_pushes_in_the_direction_of_the_rest() {
        // Trend -1 or +1 (times 3), breakout -1 or +1, and a wild atr_pct that takes one off the size.
        for (sma_20, ret_5d, expect) in [(90.0, -0.03, -4 + 1), (110.0, 0.03, 4 - 1), (100.0, 0.0, 0)] {
            let row = scored(|row| {
                (row.sma_20, row.sma_50) = (Some(sma_20), Some(100.0));
                (row.atr_pct, row.ret_5d) = (Some(0.05), Some(ret_5d));
            });
            assert_eq!(row.tech_raw, expect, "sma_20 {sma_20}");
        }
    }

    #[test]
    fn signals() {
        use Signal::{Avoid, Long, Short, StrongLong, StrongShort};
        for (rating, trend, momentum, expect) in [
            (22.0, 2, 1, StrongLong),
            (22.0 - 1e-13, 2, 1, StrongLong),
            (22.0, 1, 1, Long),
            (22.0, 2, 0, Long),
            (16.0, 1, -3, Long),
            (16.0, 0, 3, Avoid),
            (15.9, 3, 3, Avoid),
            (-16.0, -1, 3, Short),
            (-22.0, -2, -1, StrongShort),
            (-22.0, -2, 0, Short),
            (-26.0, 1, -3, Avoid),
        ] {
            assert_eq!(
                Signal::of(rating, trend, momentum),
                expect,
                "{rating} {trend} {momentum}"
            );
        }
    }
}
