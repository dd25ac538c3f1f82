//! Indicators of a window of adjusted bars at its last bar (section 4).
//!
//! Own code with TA-Lib's semantics; flat series and zero sums answer as the specification says. All start at the
//! window's first bar. The recursive ones share one pass, which the window of a later date goes on with, the others read only the bars they need. One file a family.

mod averages;
mod directional;
mod levels;
mod oscillators;
mod recursive;
mod returns;
mod stats;
#[cfg(test)]
mod tests;
mod volatility;
mod volume;
mod wilder;

pub use recursive::Recursive;

use super::columns::Indicators;

/// A symbol's window: kept bars, oldest first, all slices equally long.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    /// Adjusted opening prices.
    pub open: &'a [f64],
    /// Adjusted highest prices.
    pub high: &'a [f64],
    /// Adjusted lowest prices.
    pub low: &'a [f64],
    /// Adjusted closing prices.
    pub close: &'a [f64],
    /// Adjusted volumes, shares.
    pub volume: &'a [f64],
    /// Closing prices as traded.
    pub raw_close: &'a [f64],
    /// Volumes as traded.
    pub raw_volume: &'a [f64],
    /// Adjustment factor of the first bar.
    pub adj_factor: f64,
    /// Sessions after the last bar, up to the as-of date.
    pub stale_sessions: usize,
}

/// Computes every indicator of section 4; the scores stay 0 and null. A value that overflows is null.
///
/// `recursive` holds what the recursive indicators know of the window's first bars, or nothing; the same bits come of
/// either. Cost: one pass over the bars that it has not seen, plus reads of at most the window's last 253.
///
/// # Panics
/// When the window is empty, its slices differ in length, or it has fewer bars than `recursive` has seen.
#[must_use]
pub fn indicators(window: &Window<'_>, recursive: &mut Recursive) -> Indicators {
    let bars = window.close.len();
    assert!(bars > 0, "a window has a bar");
    for column in [
        window.open,
        window.high,
        window.low,
        window.volume,
        window.raw_close,
        window.raw_volume,
    ] {
        assert_eq!(column.len(), bars, "a window's columns are equally long");
    }
    let mut row = Indicators {
        open: window.open.last().copied(),
        high: window.high.last().copied(),
        low: window.low.last().copied(),
        close: window.close.last().copied(),
        volume: window.volume.last().copied(),
        bars: saturated(bars),
        stale_sessions: saturated(window.stale_sessions),
        adj_factor: Some(window.adj_factor),
        ..Indicators::default()
    };
    returns_and_levels(window, &mut row);
    spreads_and_averages(window, &mut row);
    oscillators_and_volume(window, &mut row);
    recursive.advance(window);
    recursive.write(&mut row);
    row.null_non_finite();
    row
}

fn returns_and_levels(window: &Window<'_>, row: &mut Indicators) {
    let close = window.close;
    let last = close[close.len() - 1];
    row.ret_1d = returns::over(close, 1);
    row.ret_5d = returns::over(close, 5);
    row.ret_21d = returns::over(close, 21);
    row.ret_63d = returns::over(close, 63);
    row.ret_126d = returns::over(close, 126);
    row.ret_252d = returns::over(close, 252);
    row.mom_12_1 = returns::between(close, 252, 21);
    row.reversal_5 = row.ret_5d.map(|r| -r);
    row.jump_252 = returns::largest_jump(close, 252);
    row.dist_high_20 = levels::from_high(last, close, 20);
    row.dist_low_20 = levels::from_low(last, close, 20);
    row.dist_high_252 = levels::from_high(last, window.high, 252);
    row.dist_low_252 = levels::from_low(last, window.low, 252);
}

fn spreads_and_averages(window: &Window<'_>, row: &mut Indicators) {
    let close = window.close;
    row.vol_20 = volatility::annual(close);
    row.cv_20 = volatility::coefficient(close);
    row.gap_mean_10 = volatility::mean_gap(window.open, close);
    row.sma_20 = averages::sma(close, 20);
    row.sma_50 = averages::sma(close, 50);
    row.sma_200 = averages::sma(close, 200);
    row.ma_slope_20 = averages::sma_slope(close);
    if let Some(bands) = volatility::bollinger(close) {
        row.bb_upper = Some(bands.upper);
        row.bb_lower = Some(bands.lower);
        row.bb_pctb = Some(bands.pctb);
        row.bb_width = Some(bands.width);
    }
}

fn oscillators_and_volume(window: &Window<'_>, row: &mut Indicators) {
    const MOST_TYPICAL: usize = 20;
    let mut typical = [0.0; MOST_TYPICAL];
    let bars = window.close.len();
    let used = bars.min(MOST_TYPICAL);
    for (p, i) in typical.iter_mut().zip(bars - used..bars) {
        *p = (window.high[i] + window.low[i] + window.close[i]) / 3.0;
    }
    let typical = &typical[..used];
    row.cci_20 = oscillators::cci(typical);
    row.mfi_14 = volume::mfi(typical, window.volume);
    row.obv_slope_20 = volume::obv_slope(window.close, window.volume);
    row.zero_vol_20 = volume::days_without(window.volume);
    if let Some((k, d)) = oscillators::stochastic(window.high, window.low, window.close) {
        row.stoch_k = Some(k);
        row.stoch_d = Some(d);
    }
    if let Some((mean, spike)) = volume::dollar_volume(window.raw_close, window.raw_volume) {
        row.dollar_vol_20 = Some(mean);
        row.vol_spike = spike;
    }
}

fn saturated(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
