//! Session levels: extremes of the trades in the pre-market and in the opening range, on the tick grid.
//!
//! Windows are instants; whoever knows the calendar and the time zone makes them. Read `episodes` next.

use super::columns::LEVELS;
use super::numbers::px;
use super::record::{Record, UNDEF_PRICE};
use super::rows::{Cell, TableBuilder};
use crate::table::Table;

/// A stretch of time: from its start to before its end, ns UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First instant.
    pub start: i64,
    /// First instant after it.
    pub end: i64,
}

/// The windows of an open trading day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Before the session.
    pub premarket: Window,
    /// The session's first part.
    pub opening_range: Window,
    /// The session.
    pub session: Window,
}

/// The names of the levels, in their order everywhere.
pub const LEVEL_TYPES: [&str; 4] = ["PM_HIGH", "PM_LOW", "OR_HIGH", "OR_LOW"];
/// 1 for a high, -1 for a low, in the same order.
pub const POLARITIES: [i8; 4] = [1, -1, 1, -1];

/// A level of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Its place in [`LEVEL_TYPES`].
    pub index: usize,
    /// Price in 1e-9 units, on the tick grid.
    pub price: i64,
    /// It counts from here, ns UTC.
    pub valid_from: i64,
    /// To before here, ns UTC.
    pub valid_to: i64,
}

/// An extreme trade price, 1e-9 units, with the time of the first trade at it.
type Extreme = Option<(i64, i64)>;

/// Follows a day's trades through its windows; without windows (a closed date) it has no levels.
#[derive(Debug, Clone)]
pub struct LevelTracker {
    windows: Option<Windows>,
    tick: i64,
    trades: [i64; 2],
    extremes: [Extreme; 4],
}

impl LevelTracker {
    /// Nothing seen of a day with these windows.
    ///
    /// # Panics
    /// When the tick is not positive.
    #[must_use]
    pub fn new(windows: Option<Windows>, tick: i64) -> Self {
        assert!(tick > 0, "a tick is positive");
        Self {
            windows,
            tick,
            trades: [0; 2],
            extremes: [None; 4],
        }
    }

    /// Takes a trade of the day that is from no snapshot.
    pub fn trade(&mut self, record: &Record, time: i64) {
        let Some(windows) = self.windows.filter(|_| record.price != UNDEF_PRICE) else {
            return;
        };
        for (at, window) in [windows.premarket, windows.opening_range].into_iter().enumerate() {
            if window.start <= time && time < window.end {
                self.trades[at] += 1;
                let price = record.price;
                let high = &mut self.extremes[2 * at];
                if high.is_none_or(|(extreme, _)| price > extreme) {
                    *high = Some((price, time));
                }
                let low = &mut self.extremes[2 * at + 1];
                if low.is_none_or(|(extreme, _)| price < extreme) {
                    *low = Some((price, time));
                }
            }
        }
    }

    /// The levels that have a price, in their order.
    #[must_use]
    pub fn levels(&self) -> Vec<Level> {
        let Some(windows) = self.windows else {
            return Vec::new();
        };
        let of = |index: usize| {
            let (extreme, _) = self.extremes[index]?;
            let (_, valid_from, valid_to) = windows.of(index);
            Some(Level {
                index,
                price: nearest_tick(extreme, self.tick),
                valid_from,
                valid_to,
            })
        };
        (0..LEVEL_TYPES.len()).filter_map(of).collect()
    }

    /// The rows of `levels` for a symbol and date (days since 1970-01-01).
    #[must_use]
    pub fn table(&self, symbol: &str, date: i32) -> Table {
        let mut rows = TableBuilder::new(&LEVELS);
        for (index, name) in LEVEL_TYPES.into_iter().enumerate() {
            rows.put(symbol.to_owned());
            rows.put(Cell::Date(Some(date)));
            rows.put(name.to_owned());
            rows.put(POLARITIES[index]);
            let times = self.windows.map(|windows| windows.of(index));
            rows.put_all([
                times.map(|(window, ..)| window.start),
                times.map(|(window, ..)| window.end),
                times.map(|(_, from, _)| from),
                times.map(|(.., to)| to),
            ]);
            rows.put(self.trades[index / 2]);
            rows.put(self.extremes[index].map(|(price, _)| px(nearest_tick(price, self.tick))));
            rows.put(self.extremes[index].map(|(_, time)| time));
        }
        rows.finish()
    }
}

impl Windows {
    /// A level's window, and from when to when the level counts.
    fn of(&self, index: usize) -> (Window, i64, i64) {
        let window = if index < 2 { self.premarket } else { self.opening_range };
        (window, self.session.start.max(window.end), self.session.end)
    }
}

/// The multiple of the tick that is nearest, halves up; exact in integers.
fn nearest_tick(price: i64, tick: i64) -> i64 {
    let (price, wide) = (i128::from(price), i128::from(tick));
    let steps = (2 * price + wide).div_euclid(2 * wide);
    i64::try_from(steps * wide).expect("a price on the grid is near a price")
}

#[cfg(test)]
mod tests {
    use crate::features::testing::{POINT, trade};

    use super::*;

    const WINDOWS: Windows = Windows {
        premarket: Window { start: 100, end: 200 },
        opening_range: Window { start: 200, end: 250 },
        session: Window { start: 150, end: 900 },
    };

    #[test]
    fn the_nearest_tick_takes_halves_up() {
        for (price, expect) in [(10, 12), (9, 8), (12, 12), (-10, -8), (-11, -12), (14, 16), (-6, -4)] {
            assert_eq!(nearest_tick(price, 4), expect, "{price}");
        }
    }

    #[test]
    fn a_window_holds_its_start_and_not_its_end_and_the_first_of_equals_is_the_extreme() {
        let mut tracker = LevelTracker::new(Some(WINDOWS), POINT / 4);
        for (time, price) in [(99, 9), (100, 5), (150, 7), (160, 7), (199, 5), (200, 30), (250, 1)] {
            tracker.trade(&trade(time, price * POINT, 1, b'N'), time);
        }
        assert_eq!(tracker.extremes[..2], [Some((7 * POINT, 150)), Some((5 * POINT, 100))]);
        assert_eq!(tracker.trades, [4, 1]);
        let levels = tracker.levels();
        assert_eq!(
            (levels[0].valid_from, levels[2].valid_from, levels[0].valid_to),
            (200, 250, 900)
        );
    }

    #[test]
    fn a_closed_date_and_a_window_without_trades_have_no_levels() {
        let mut closed = LevelTracker::new(None, 1);
        closed.trade(&trade(120, POINT, 1, b'B'), 120);
        assert!(closed.levels().is_empty());
        assert_eq!(closed.table("S", 1).rows(), 4);
        let mut unpriced = LevelTracker::new(Some(WINDOWS), 1);
        unpriced.trade(&trade(120, UNDEF_PRICE, 1, b'B'), 120);
        assert!(unpriced.levels().is_empty());
    }
}
