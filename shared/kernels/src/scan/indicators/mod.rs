//! Indicators of a window of adjusted bars at its last bar (section 4).
//!
//! Own code with TA-Lib's semantics; flat series and zero sums answer as the specification says. All start at the
//! window's first bar. The recursive ones share one pass, the others read only the bars they need. One file a family.

mod averages;
mod directional;
mod levels;
mod oscillators;
mod returns;
pub(super) mod stats;
#[cfg(test)]
mod tests;
mod volatility;
mod volume;
mod wilder;

use averages::{Ema, Macd};
use directional::Directional;
use wilder::{Average, Rsi};

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
/// Cost: one pass over the window for the recursive indicators, plus reads of at most its last 253 bars.
///
/// # Panics
/// When the window is empty or its slices differ in length.
#[must_use]
pub fn indicators(window: &Window<'_>) -> Indicators {
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
    recursive(window, &mut row);
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

/// The indicators that remember the whole window, in one pass: their chains of dependent operations overlap.
fn recursive(window: &Window<'_>, row: &mut Indicators) {
    let (high, low, close) = (window.high, window.low, window.close);
    let last = close[close.len() - 1];
    let (mut ema_12, mut macd) = (Ema::new(12), Macd::new());
    let (mut atr, mut rsi, mut directional) = (Average::default(), Rsi::default(), Directional::new(last));
    ema_12.push(close[0]);
    macd.push(close[0]);
    let (mut high_0, mut low_0, mut close_0) = (high[0], low[0], close[0]);
    for ((&h, &l), &c) in high.iter().zip(low).zip(close).skip(1) {
        let range = volatility::true_range(h, l, close_0);
        ema_12.push(c);
        macd.push(c);
        atr.push(range);
        rsi.push(c - close_0);
        directional.push(h - high_0, low_0 - l, range);
        (high_0, low_0, close_0) = (h, l, c);
    }
    row.ema_12 = ema_12.get();
    row.ema_26 = macd.slow();
    row.atr_14 = atr.get();
    row.atr_pct = row.atr_14.map(|atr| atr / last);
    row.rsi_14 = rsi.get(last);
    if let Some((line, signal)) = macd.line_and_signal() {
        row.macd = Some(line);
        row.macd_signal = Some(signal);
        row.macd_hist = Some(line - signal);
    }
    if let Some(readings) = directional.get() {
        row.adx_14 = Some(readings.adx);
        row.plus_di_14 = Some(readings.plus_di);
        row.minus_di_14 = Some(readings.minus_di);
    }
}

fn saturated(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
