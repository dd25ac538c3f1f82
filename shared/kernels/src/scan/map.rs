//! The map stage: one symbol's rows in, one row of counts, indicators and scores per as-of date out (section 9).
//!
//! It depends on the bars of that symbol, the sessions and [`MapOptions`], and on nothing else, so a map row can be used
//! again under any universe, threshold or ranking. Rows dated after an as-of date do not reach its map row.
//!
//! Successive dates' windows have most of their bars in common. What was computed of these is used again where their
//! adjusted prices are the same bit for bit, so any set of dates gives the bits that each date by itself gives.

use std::ops::Range;

use super::adjust;
use super::columns::Indicators;
use super::hygiene::{Hygiene, Kept, RejectKind, Snapshot, SymbolRows, sift};
use super::indicators::{Recursive, Window, indicators};
use super::options::MapOptions;
use super::score::score;
use super::session::Calendar;

/// What the map knows of one symbol as of one date.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MapRow {
    /// Counts of the rows dated on or before the as-of date.
    pub hygiene: Hygiene,
    /// Indicators and scores; `None` when no bar was kept.
    pub indicators: Option<Indicators>,
}

/// Computes map rows, symbol after symbol, in memory that it uses again.
#[derive(Debug)]
pub struct Mapper<'a> {
    calendar: &'a Calendar,
    options: &'a MapOptions,
    kept: Kept,
    snapshots: Vec<Snapshot>,
    adjusted: Adjusted,
}

/// A window's adjusted columns, and what was computed of them.
#[derive(Debug, Default)]
struct Adjusted {
    window: Range<usize>,
    /// One a bar of the window, and those of the next one while they are compared.
    factors: Vec<f64>,
    next_factors: Vec<f64>,
    /// The first bars, scaled; none where no factor changes a price.
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    volume: Vec<f64>,
    recursive: Recursive,
    row: Indicators,
}

impl<'a> Mapper<'a> {
    /// A mapper for the sessions of one bars input.
    #[must_use]
    pub fn new(calendar: &'a Calendar, options: &'a MapOptions) -> Self {
        Self {
            calendar,
            options,
            kept: Kept::default(),
            snapshots: Vec::new(),
            adjusted: Adjusted::default(),
        }
    }

    /// Maps one symbol for each as-of date, ascending.
    ///
    /// `reject` is told the position and fault of each dropped row, once whatever the number of dates, later rows too.
    /// `emit` gets the ordinal of the as-of date and its row, in order, one for each date; a symbol without rows up to
    /// that date has counts of 0.
    ///
    /// # Panics
    /// When the columns differ in length, or rows or as-of dates are out of order.
    pub fn map(
        &mut self,
        rows: &SymbolRows<'_>,
        as_of: &[i32],
        reject: &mut dyn FnMut(usize, RejectKind),
        emit: &mut dyn FnMut(usize, &MapRow),
    ) {
        sift(rows, self.calendar, as_of, reject, &mut self.kept, &mut self.snapshots);
        self.adjusted.forget();
        for (ordinal, (&day, snapshot)) in as_of.iter().zip(&self.snapshots).enumerate() {
            let start = snapshot.kept.saturating_sub(self.options.lookback);
            let window = (start < snapshot.kept).then_some(start..snapshot.kept);
            let indicators = window.map(|window| {
                let stale = self.calendar.sessions_after(self.kept.date[window.end - 1], day);
                self.adjusted.row(&self.kept, window, self.options, stale)
            });
            emit(
                ordinal,
                &MapRow {
                    hygiene: snapshot.hygiene,
                    indicators,
                },
            );
        }
    }
}

impl Adjusted {
    /// Forgets what was computed: the next window is another symbol's.
    fn forget(&mut self) {
        self.window = 0..0;
        self.factors.clear();
        self.restart();
    }

    /// Adjusts the kept bars of a window and computes its row.
    fn row(&mut self, kept: &Kept, window: Range<usize>, options: &MapOptions, stale_sessions: usize) -> Indicators {
        if window != self.window {
            self.compute(kept, window, options);
        }
        self.row.stale_sessions = i32::try_from(stale_sessions).unwrap_or(i32::MAX);
        self.row.clone()
    }

    fn compute(&mut self, kept: &Kept, window: Range<usize>, options: &MapOptions) {
        let columns = [&kept.open, &kept.high, &kept.low, &kept.close, &kept.volume];
        let [open, high, low, close, volume] = columns.map(|column| &column[window.clone()]);
        adjust::factors(
            options.adjust,
            close,
            &kept.adj_close[window.clone()],
            &mut self.next_factors,
        );
        if window.start != self.window.start || !has_prefix(&self.next_factors, &self.factors) {
            self.restart();
        }
        std::mem::swap(&mut self.factors, &mut self.next_factors);
        self.window = window;
        let mut bars = Window {
            open,
            high,
            low,
            close,
            volume,
            raw_close: close,
            raw_volume: volume,
            adj_factor: 1.0,
            stale_sessions: 0,
        };
        if !adjust::all_one(&self.factors) {
            self.scale(&bars);
            bars.open = &self.open;
            bars.high = &self.high;
            bars.low = &self.low;
            bars.close = &self.close;
            bars.volume = &self.volume;
            bars.adj_factor = self.factors[0];
        }
        self.row = indicators(&bars, &mut self.recursive);
        score(&mut self.row);
    }

    /// Begins anew with the window's first bar.
    fn restart(&mut self) {
        self.recursive = Recursive::default();
        for column in [
            &mut self.open,
            &mut self.high,
            &mut self.low,
            &mut self.close,
            &mut self.volume,
        ] {
            column.clear();
        }
    }

    /// Multiplies the prices of bars that are not scaled yet by the factors and divides their volume by them.
    fn scale(&mut self, raw: &Window<'_>) {
        let scaled = self.volume.len();
        let factors = &self.factors[scaled..];
        for (adjusted, raw) in [
            (&mut self.open, raw.open),
            (&mut self.high, raw.high),
            (&mut self.low, raw.low),
            (&mut self.close, raw.close),
        ] {
            let pairs = raw[scaled..].iter().zip(factors);
            adjusted.extend(pairs.map(|(price, factor)| price * factor));
        }
        let pairs = raw.volume[scaled..].iter().zip(factors);
        self.volume.extend(pairs.map(|(volume, factor)| volume / factor));
    }
}

/// Whether `values` begin with the bits of `prefix`.
fn has_prefix(values: &[f64], prefix: &[f64]) -> bool {
    // Without an early exit the loop has no branches.
    let pairs = values.iter().zip(prefix);
    values.len() >= prefix.len() && pairs.fold(true, |so_far, (a, b)| so_far & (a.to_bits() == b.to_bits()))
}

#[cfg(test)]
mod tests;
