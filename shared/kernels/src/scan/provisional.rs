//! The ranking of a date while its map jobs are under way: the best rows so far, by what the map alone decides.
//!
//! A row is taken only where the final tables may rank it: its universe and data stages are passed, its signal is wanted
//! and its rating is large enough. The order of arrival never shows. Nothing here has a merit or reaches a file. Read
//! next: `rank`, the ranking that replaces this one.

use std::cmp::Ordering;

use super::columns::Indicators;
use super::compare::{descending, lt};
use super::filter::data_reject;
use super::options::{DataOptions, RankOptions, Side};
use super::score::Signal;

/// A row that may be ranked.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvisionalRow {
    /// Canonical symbol.
    pub symbol: String,
    /// Its signal, one of those wanted.
    pub signal: Signal,
    /// Rating, -26 to 26.
    pub tech_rating: f64,
    /// Close of its last bar, quote currency.
    pub close: f64,
}

/// Which rows the ranking wants, as far as the map alone decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// Signals.
    pub side: Side,
    /// Smallest |tech_rating|.
    pub min_tech_rating: f64,
}

impl From<&RankOptions> for Wanted {
    fn from(options: &RankOptions) -> Self {
        Self {
            side: options.side,
            min_tech_rating: options.min_tech_rating,
        }
    }
}

/// The first rows so far of one as-of date; the row at position i has the provisional rank i + 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Leaders {
    most: usize,
    rows: Vec<ProvisionalRow>,
}

impl Leaders {
    /// No rows yet, and at most so many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, rows: Vec::new() }
    }

    /// Takes a symbol that passes the universe stage, where it may be ranked. Gives whether the rows changed; the same
    /// row again changes nothing.
    ///
    /// Cost: O(log n) to find its place among n rows, O(n) to take it.
    pub fn offer(&mut self, symbol: &str, row: Option<&Indicators>, data: &DataOptions, wanted: Wanted) -> bool {
        let Some(row) = row.filter(|row| data_reject(Some(row), data).is_none()) else {
            return false;
        };
        let (signal, tech_rating) = (row.signal(), row.tech_rating.unwrap_or(0.0));
        let Some(close) = row.close else { return false };
        if !wanted.side.wants(signal) || lt(tech_rating.abs(), wanted.min_tech_rating) {
            return false;
        }
        let place = self.rows.binary_search_by(|known| order(known, tech_rating, symbol));
        match place {
            Err(place) if place < self.most => {
                self.rows.truncate(self.most - 1);
                let symbol = symbol.to_owned();
                let row = ProvisionalRow {
                    symbol,
                    signal,
                    tech_rating,
                    close,
                };
                self.rows.insert(place, row);
                true
            }
            _ => false,
        }
    }

    /// The rows, the first of the ranking first.
    #[must_use]
    pub fn rows(&self) -> &[ProvisionalRow] {
        &self.rows
    }
}

/// Where a known row stands to a rating and symbol: k(|tech_rating|) descending, then symbol.
fn order(known: &ProvisionalRow, tech_rating: f64, symbol: &str) -> Ordering {
    let by_rating = descending(Some(known.tech_rating.abs()), Some(tech_rating.abs()));
    by_rating.then_with(|| known.symbol.as_str().cmp(symbol))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DATA: DataOptions = DataOptions {
        min_bars: 60,
        max_stale: 0,
        min_price: 5.0,
        min_dollar_volume: 0.0,
        max_jump: 3.0,
        max_cv: 0.5,
        max_atr_pct: 1.0,
    };
    const BOTH: Wanted = Wanted {
        side: Side::Both,
        min_tech_rating: 17.0,
    };

    fn row(tech_rating: f64) -> Indicators {
        Indicators {
            close: Some(10.0),
            bars: 504,
            trend_score: if tech_rating > 0.0 { 1 } else { -1 },
            tech_rating: Some(tech_rating),
            ..Indicators::default()
        }
    }

    /// The symbols in the order of their ranks, after these were offered.
    fn leaders(most: usize, wanted: Wanted, offers: &[(&str, Indicators)]) -> Vec<String> {
        let mut leaders = Leaders::new(most);
        for (symbol, row) in offers {
            let before = leaders.rows().to_vec();
            let is_news = leaders.offer(symbol, Some(row), &DATA, wanted);
            assert_eq!(
                is_news,
                before != leaders.rows(),
                "{symbol}: whether the rows changed is told"
            );
            assert!(
                !leaders.offer(symbol, Some(row), &DATA, wanted),
                "{symbol} again is no news"
            );
        }
        leaders.rows().iter().map(|row| row.symbol.clone()).collect()
    }

    #[test]
    fn rows_stand_by_size_of_rating_then_symbol() {
        let offers = [
            ("C", row(18.0)),
            ("B", row(-20.0)),
            ("A", row(18.0 + 1e-14)),
            ("D", row(19.0)),
        ];
        assert_eq!(leaders(9, BOTH, &offers), ["B", "D", "A", "C"]);
        assert_eq!(leaders(2, BOTH, &offers), ["B", "D"]);
        assert_eq!(leaders(0, BOTH, &offers), [""; 0]);
        let long = Wanted {
            side: Side::Long,
            ..BOTH
        };
        assert_eq!(leaders(9, long, &offers), ["D", "A", "C"]);
    }

    #[test]
    fn what_the_final_tables_would_not_rank_is_not_shown() {
        let check = |what: &str, change: fn(&mut Indicators)| {
            let mut changed = row(20.0);
            change(&mut changed);
            assert_eq!(leaders(9, BOTH, &[("A", changed)]), [""; 0], "{what}");
        };
        check("stale", |row| row.stale_sessions = 1);
        check("too few bars", |row| row.bars = 59);
        check("too cheap", |row| row.close = Some(4.99));
        check("a jump", |row| row.jump_252 = Some(3.0));
        check("no signal", |row| row.tech_rating = Some(15.9));
        check("a rating below the least", |row| row.tech_rating = Some(16.5));
        assert!(!Leaders::new(9).offer("A", None, &DATA, BOTH), "no bars");
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_never_shows(
            ratings in prop::collection::vec(16u8..27, 0..40),
            seed in any::<u64>(),
            most in 0usize..12,
        ) {
            let names: Vec<String> = (0..ratings.len()).map(|at| format!("S{at:02}")).collect();
            let offers: Vec<(&str, Indicators)> = names
                .iter()
                .zip(&ratings)
                .map(|(name, rating)| (name.as_str(), row(f64::from(*rating))))
                .collect();
            let mut shuffled = offers.clone();
            shuffled.sort_by_key(|(name, _)| name.bytes().fold(seed, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(17)
            }));
            let whole = leaders(usize::MAX, BOTH, &offers);
            prop_assert_eq!(&leaders(most, BOTH, &shuffled), &whole[..most.min(whole.len())]);
        }
    }
}
