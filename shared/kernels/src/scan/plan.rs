//! The trade plan of a row: entry, stop, target and size (section 5.8).
//!
//! Prices are those of the last bar, in real money. A plan that cannot be had is null, never a guess.

use super::columns::Indicators;
use super::options::PlanOptions;
use super::score::Signal;

/// Share of the mean daily money traded that a position may take.
const VOLUME_SHARE: f64 = 0.05;

/// A plan, quote currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Price at which to enter.
    pub entry: f64,
    /// Price at which the idea is wrong.
    pub stop: f64,
    /// Price at which it has paid.
    pub target: f64,
    /// Shares; null when the money traded is not known.
    pub shares: Option<i64>,
    /// Shares at the entry.
    pub position_value: Option<f64>,
    /// Loss at the stop.
    pub risk_amount: Option<f64>,
}

impl Signal {
    /// -1 for shorts, 1 for everything else: the direction in which a row's scores are read.
    #[must_use]
    pub const fn direction(self) -> f64 {
        match self {
            Self::Short | Self::StrongShort => -1.0,
            Self::Avoid | Self::Long | Self::StrongLong => 1.0,
        }
    }
}

/// The plan of a row; `None` for `Avoid`, and where there is no risk to size or a price would not be above 0.
#[must_use]
pub fn plan(row: &Indicators, signal: Signal, options: &PlanOptions) -> Option<Plan> {
    if signal == Signal::Avoid {
        return None;
    }
    let (close, high, low, atr) = (row.close?, row.high?, row.low?, row.atr_14?);
    let side = signal.direction();
    let entry = close + side * 0.1 * atr;
    let stop = if side > 0.0 {
        low.min(close - 1.5 * atr).clamp(close - 3.0 * atr, close - 0.5 * atr)
    } else {
        high.max(close + 1.5 * atr).clamp(close + 0.5 * atr, close + 3.0 * atr)
    };
    let risk = side * (entry - stop);
    let target = entry + side * options.rr * risk;
    if risk <= 1e-12 * close || stop <= 0.0 || target <= 0.0 || !target.is_finite() {
        return None;
    }
    let shares = row.dollar_vol_20.map(|traded| shares(entry, risk, traded, options));
    Some(Plan {
        entry,
        stop,
        target,
        shares,
        position_value: shares.map(|shares| as_f64(shares) * entry),
        risk_amount: shares.map(|shares| as_f64(shares) * risk),
    })
}

/// Whole shares within the risk, the account and the money traded.
fn shares(entry: f64, risk: f64, traded: f64, options: &PlanOptions) -> i64 {
    let by_risk = options.account * options.risk_pct / 100.0 / risk;
    let by_account = options.account / entry;
    let by_volume = VOLUME_SHARE * traded / entry;
    let least = by_risk.min(by_account).min(by_volume);
    // Beyond 2^63 the cast saturates.
    (least + 1e-9).floor() as i64
}

#[allow(clippy::cast_precision_loss)]
fn as_f64(shares: i64) -> f64 {
    shares as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: PlanOptions = PlanOptions {
        account: 10_000.0,
        risk_pct: 1.0,
        rr: 2.0,
    };

    fn row(low: f64, high: f64, atr: f64) -> Indicators {
        Indicators {
            close: Some(100.0),
            low: Some(low),
            high: Some(high),
            atr_14: Some(atr),
            dollar_vol_20: Some(1e9),
            ..Indicators::default()
        }
    }

    #[test]
    fn stops_are_within_bounds_and_mirror() {
        for (low, high, stop_long, stop_short) in [
            (99.0, 101.0, 97.0, 103.0),
            (96.0, 104.0, 96.0, 104.0),
            (90.0, 110.0, 94.0, 106.0),
        ] {
            let row = row(low, high, 2.0);
            let long = plan(&row, Signal::Long, &OPTIONS).unwrap();
            let short = plan(&row, Signal::StrongShort, &OPTIONS).unwrap();
            assert_eq!((long.entry, long.stop), (100.2, stop_long));
            assert_eq!((short.entry, short.stop), (99.8, stop_short));
            let risk = 100.2 - stop_long;
            assert!((long.target - (100.2 + 2.0 * risk)).abs() < 1e-12);
            assert!((short.target - (99.8 - 2.0 * (stop_short - 99.8))).abs() < 1e-12);
        }
    }

    #[test]
    fn the_least_of_three_sizes() {
        let size = |options: PlanOptions, traded| {
            let row = Indicators {
                dollar_vol_20: traded,
                ..row(96.0, 104.0, 2.0)
            };
            plan(&row, Signal::Long, &options).unwrap()
        };
        let plan = size(OPTIONS, Some(1e9));
        assert_eq!(plan.shares, Some(23), "100 of risk over 4.2 a share");
        assert!((plan.risk_amount.unwrap() - 23.0 * 4.2).abs() < 1e-9);
        assert!((plan.position_value.unwrap() - 23.0 * 100.2).abs() < 1e-9);
        let bold = PlanOptions {
            risk_pct: 100.0,
            ..OPTIONS
        };
        assert_eq!(size(bold, Some(1e9)).shares, Some(99), "the account");
        assert_eq!(
            size(OPTIONS, Some(20_040.0)).shares,
            Some(10),
            "a twentieth of the money traded"
        );
        assert_eq!(
            (size(OPTIONS, None).shares, size(OPTIONS, None).position_value),
            (None, None)
        );
    }

    #[test]
    fn no_plan() {
        assert_eq!(plan(&row(96.0, 104.0, 2.0), Signal::Avoid, &OPTIONS), None);
        assert_eq!(plan(&row(100.0, 100.0, 0.0), Signal::Long, &OPTIONS), None, "no risk");
        assert_eq!(
            plan(&row(1.0, 104.0, 80.0), Signal::Long, &OPTIONS),
            None,
            "a stop below 0"
        );
        assert_eq!(
            plan(&row(96.0, 160.0, 40.0), Signal::Short, &OPTIONS),
            None,
            "a target below 0"
        );
        let unknown = Indicators {
            atr_14: None,
            ..row(96.0, 104.0, 2.0)
        };
        assert_eq!(plan(&unknown, Signal::Long, &OPTIONS), None);
    }
}
