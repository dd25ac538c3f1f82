//! The map stage: one symbol's rows in, one row of counts, indicators and scores per as-of date out (section 9).
//!
//! It depends on the bars of that symbol, the sessions and [`MapOptions`], and on nothing else, so a map row can be used
//! again under any universe, threshold or ranking. Rows dated after an as-of date do not reach its map row.

use std::ops::Range;

use super::adjust;
use super::columns::Indicators;
use super::hygiene::{Hygiene, Kept, RejectKind, Snapshot, SymbolRows, sift};
use super::indicators::{Window, indicators};
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

/// The window's adjusted columns.
#[derive(Debug, Default)]
struct Adjusted {
    factors: Vec<f64>,
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    volume: Vec<f64>,
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
    /// Adjusts the kept bars of a window and computes its row.
    fn row(&mut self, kept: &Kept, window: Range<usize>, options: &MapOptions, stale_sessions: usize) -> Indicators {
        let [open, high, low, close, volume, adj_close] = [
            &kept.open,
            &kept.high,
            &kept.low,
            &kept.close,
            &kept.volume,
            &kept.adj_close,
        ]
        .map(|column| &column[window.clone()]);
        let mut bars = Window {
            open,
            high,
            low,
            close,
            volume,
            raw_close: close,
            raw_volume: volume,
            adj_factor: 1.0,
            stale_sessions,
        };
        adjust::factors(options.adjust, close, adj_close, &mut self.factors);
        if !adjust::all_one(&self.factors) {
            self.scale(&bars);
            bars.open = &self.open;
            bars.high = &self.high;
            bars.low = &self.low;
            bars.close = &self.close;
            bars.volume = &self.volume;
            bars.adj_factor = self.factors[0];
        }
        let mut row = indicators(&bars);
        score(&mut row);
        row
    }

    /// Multiplies prices by the factors and divides volume by them.
    fn scale(&mut self, raw: &Window<'_>) {
        for (adjusted, raw) in [
            (&mut self.open, raw.open),
            (&mut self.high, raw.high),
            (&mut self.low, raw.low),
            (&mut self.close, raw.close),
        ] {
            adjusted.clear();
            adjusted.extend(raw.iter().zip(&self.factors).map(|(price, factor)| price * factor));
        }
        self.volume.clear();
        self.volume.extend(
            raw.volume
                .iter()
                .zip(&self.factors)
                .map(|(volume, factor)| volume / factor),
        );
    }
}

#[cfg(test)]
mod tests;
