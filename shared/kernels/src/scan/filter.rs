//! The data stage: which mapped symbols have bars that a score can rest on (section 3).

use super::columns::Indicators;
use super::compare::{lt, some_ge, some_gt, some_lt};
use super::options::DataOptions;

/// Why a symbol is not scored, in the order of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataReason {
    /// No kept bar.
    NoBars,
    /// Too many sessions missed at the end.
    Stale,
    /// Too few bars.
    MinBars,
    /// Last close too low.
    MinPrice,
    /// Too little money traded.
    MinDollarVolume,
    /// A one-bar jump that hints at an unadjusted split or a reused ticker.
    PriceJump,
    /// Prices too scattered.
    MaxCv,
    /// True range too wide.
    MaxAtrPct,
}

impl DataReason {
    /// Every reason, in the order of the tests.
    pub const ALL: [Self; 8] = [
        Self::NoBars,
        Self::Stale,
        Self::MinBars,
        Self::MinPrice,
        Self::MinDollarVolume,
        Self::PriceJump,
        Self::MaxCv,
        Self::MaxAtrPct,
    ];

    /// The name in the result tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoBars => "no_bars",
            Self::Stale => "stale",
            Self::MinBars => "min_bars",
            Self::MinPrice => "min_price",
            Self::MinDollarVolume => "min_dollar_volume",
            Self::PriceJump => "price_jump",
            Self::MaxCv => "max_cv",
            Self::MaxAtrPct => "max_atr_pct",
        }
    }
}

/// A reject of the data stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DataReject {
    /// The first reason that holds.
    pub reason: DataReason,
    /// The tested value; null for `no_bars`.
    pub value: Option<f64>,
    /// The option it failed; null for `no_bars`.
    pub limit: Option<f64>,
}

/// Tests one symbol's row, `None` when it has no kept bar; `None` = it is scored.
#[must_use]
pub fn data_reject(row: Option<&Indicators>, options: &DataOptions) -> Option<DataReject> {
    use DataReason::{MaxAtrPct, MaxCv, MinBars, MinDollarVolume, MinPrice, NoBars, PriceJump, Stale};
    let Some(row) = row else {
        return Some(DataReject {
            reason: NoBars,
            value: None,
            limit: None,
        });
    };
    let (stale, bars) = (f64::from(row.stale_sessions), f64::from(row.bars));
    let (max_stale, min_bars) = (as_f64(options.max_stale), as_f64(options.min_bars));
    let tests = [
        (Stale, lt(max_stale, stale), Some(stale), max_stale),
        (MinBars, lt(bars, min_bars), Some(bars), min_bars),
        (
            MinPrice,
            some_lt(row.close, options.min_price),
            row.close,
            options.min_price,
        ),
        (
            MinDollarVolume,
            some_lt(row.dollar_vol_20, options.min_dollar_volume),
            row.dollar_vol_20,
            options.min_dollar_volume,
        ),
        (
            PriceJump,
            options.max_jump > 0.0 && some_ge(row.jump_252, options.max_jump),
            row.jump_252,
            options.max_jump,
        ),
        (MaxCv, some_gt(row.cv_20, options.max_cv), row.cv_20, options.max_cv),
        (
            MaxAtrPct,
            some_gt(row.atr_pct, options.max_atr_pct),
            row.atr_pct,
            options.max_atr_pct,
        ),
    ];
    let failed = tests.into_iter().find(|(_, fails, _, _)| *fails);
    failed.map(|(reason, _, value, limit)| DataReject {
        reason,
        value,
        limit: Some(limit),
    })
}

/// Options of this stage are small counts, exact as f64.
#[allow(clippy::cast_precision_loss)]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: DataOptions = DataOptions {
        min_bars: 60,
        max_stale: 0,
        min_price: 5.0,
        min_dollar_volume: 500_000.0,
        max_jump: 3.0,
        max_cv: 0.5,
        max_atr_pct: 1.0,
    };

    fn good() -> Indicators {
        Indicators {
            bars: 60,
            close: Some(5.0),
            dollar_vol_20: Some(5e5),
            jump_252: Some(2.9),
            cv_20: Some(0.5),
            atr_pct: Some(1.0),
            ..Indicators::default()
        }
    }

    #[test]
    fn the_first_reason_holds_with_its_value_and_limit() {
        use DataReason::{MaxAtrPct, MaxCv, MinBars, MinDollarVolume, MinPrice, PriceJump, Stale};
        let mut row = good();
        assert_eq!(data_reject(Some(&row), &OPTIONS), None);
        let mut expect = |change: fn(&mut Indicators), reason, value, limit| {
            change(&mut row);
            let got = data_reject(Some(&row), &OPTIONS);
            assert_eq!(
                got,
                Some(DataReject {
                    reason,
                    value: Some(value),
                    limit: Some(limit)
                })
            );
        };
        // Each later change is an earlier reason, so it hides the one before.
        expect(|row| row.atr_pct = Some(1.1), MaxAtrPct, 1.1, 1.0);
        expect(|row| row.cv_20 = Some(0.6), MaxCv, 0.6, 0.5);
        expect(|row| row.jump_252 = Some(3.0), PriceJump, 3.0, 3.0);
        expect(|row| row.dollar_vol_20 = Some(4.9e5), MinDollarVolume, 4.9e5, 5e5);
        expect(|row| row.close = Some(4.99), MinPrice, 4.99, 5.0);
        expect(|row| row.bars = 59, MinBars, 59.0, 60.0);
        expect(|row| row.stale_sessions = 1, Stale, 1.0, 0.0);
        let none = DataReject {
            reason: DataReason::NoBars,
            value: None,
            limit: None,
        };
        assert_eq!(data_reject(None, &OPTIONS), Some(none));
    }

    #[test]
    fn a_null_fails_no_test_and_the_jump_can_be_off() {
        let row = Indicators {
            bars: 60,
            close: Some(5.0),
            ..Indicators::default()
        };
        assert_eq!(data_reject(Some(&row), &OPTIONS), None);
        let wild = Indicators {
            jump_252: Some(100.0),
            ..good()
        };
        assert_eq!(
            data_reject(
                Some(&wild),
                &DataOptions {
                    max_jump: 0.0,
                    ..OPTIONS
                }
            ),
            None
        );
    }
}
