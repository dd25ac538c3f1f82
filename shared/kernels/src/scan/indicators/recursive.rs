//! The indicators that remember the whole window, in one pass: their chains of dependent operations overlap.
//!
//! What they know after some bars is all that a longer window with the same first bars needs, so the windows of
//! successive dates share one pass. Only the directional index looks ahead, to the last close, against which its sums
//! count as zero; where that would change an earlier decision, the pass begins anew.

use super::averages::{Ema, Macd};
use super::directional::Directional;
use super::wilder::{Average, Rsi};
use super::{Window, volatility};
use crate::scan::columns::Indicators;

/// What the recursive indicators know after the first bars of a window.
#[derive(Debug, Clone, Copy)]
pub struct Recursive {
    /// Bars seen.
    bars: usize,
    last_close: f64,
    ema_12: Ema,
    macd: Macd,
    atr: Average,
    rsi: Rsi,
    directional: Directional,
}

impl Default for Recursive {
    fn default() -> Self {
        Self::new(0.0)
    }
}

impl Recursive {
    /// No bar seen; `scale` is the close against which sums count as zero.
    fn new(scale: f64) -> Self {
        Self {
            bars: 0,
            last_close: 0.0,
            ema_12: Ema::new(12),
            macd: Macd::new(),
            atr: Average::default(),
            rsi: Rsi::default(),
            directional: Directional::new(scale),
        }
    }

    /// Takes the bars of a window that have not been seen.
    ///
    /// # Panics
    /// When the window has fewer bars than were seen.
    pub(super) fn advance(&mut self, window: &Window<'_>) {
        let last = window.close[window.close.len() - 1];
        if self.bars == 0 || !self.directional.rescale(last) {
            *self = Self::new(last);
        }
        assert!(self.bars <= window.close.len(), "a later window has no fewer bars");
        self.push_all(window);
        self.last_close = last;
    }

    fn push_all(&mut self, window: &Window<'_>) {
        let (high, low, close) = (window.high, window.low, window.close);
        // The state is moved out and back, so that the loop keeps it in registers.
        let mut state = *self;
        if state.bars == 0 {
            state.ema_12.push(close[0]);
            state.macd.push(close[0]);
            state.bars = 1;
        }
        let seen = state.bars;
        let (mut high_0, mut low_0, mut close_0) = (high[seen - 1], low[seen - 1], close[seen - 1]);
        for ((&h, &l), &c) in high[seen..].iter().zip(&low[seen..]).zip(&close[seen..]) {
            let range = volatility::true_range(h, l, close_0);
            state.ema_12.push(c);
            state.macd.push(c);
            state.atr.push(range);
            state.rsi.push(c - close_0);
            state.directional.push(h - high_0, low_0 - l, range);
            (high_0, low_0, close_0) = (h, l, c);
        }
        state.bars = close.len();
        *self = state;
    }

    /// Writes the indicators as of the last bar taken.
    pub(super) fn write(&self, row: &mut Indicators) {
        let last = self.last_close;
        row.ema_12 = self.ema_12.get();
        row.ema_26 = self.macd.slow();
        row.atr_14 = self.atr.get();
        row.atr_pct = row.atr_14.map(|atr| atr / last);
        row.rsi_14 = self.rsi.get(last);
        if let Some((line, signal)) = self.macd.line_and_signal() {
            row.macd = Some(line);
            row.macd_signal = Some(signal);
            row.macd_hist = Some(line - signal);
        }
        if let Some(readings) = self.directional.get() {
            row.adx_14 = Some(readings.adx);
            row.plus_di_14 = Some(readings.plus_di);
            row.minus_di_14 = Some(readings.minus_di);
        }
    }
}
