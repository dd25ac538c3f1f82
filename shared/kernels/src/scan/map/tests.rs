//! The map by example, and its laws: nulls exactly below the bars needed, no NaN or infinity, no look-ahead.

use proptest::prelude::*;

use super::super::columns::{COLUMNS, Cell};
use super::super::options::{Adjust, SessionOptions, TickerRule};
use super::*;

/// A symbol's columns, owned.
#[derive(Debug, Clone, Default)]
struct Bars {
    date: Vec<i32>,
    columns: [Vec<f64>; 6],
}

impl Bars {
    fn push(&mut self, date: i32, values: [f64; 6]) {
        self.date.push(date);
        self.columns
            .iter_mut()
            .zip(values)
            .for_each(|(column, value)| column.push(value));
    }

    fn rows(&self, len: usize) -> SymbolRows<'_> {
        let [open, high, low, close, volume, adj_close] = self.columns.each_ref().map(|column| &column[..len]);
        SymbolRows {
            date: &self.date[..len],
            open,
            high,
            low,
            close,
            volume,
            adj_close: Some(adj_close),
        }
    }
}

fn options(adjust: Adjust, lookback: usize) -> MapOptions {
    MapOptions {
        adjust,
        lookback,
        ticker_rule: TickerRule::Us,
    }
}

/// Days 0 to 399; every tenth is a ghost.
fn calendar() -> Calendar {
    let traded: Vec<u32> = (0..400).map(|day| if day % 10 == 9 { 1 } else { 100 }).collect();
    Calendar::new((0..400).collect(), &traded, &SessionOptions { session_min_frac: 0.1 })
}

fn map(bars: &Bars, len: usize, as_of: &[i32], options: &MapOptions) -> Vec<MapRow> {
    let calendar = calendar();
    let (mut rows, mut rejects) = (Vec::new(), 0_i64);
    let mut emit = |ordinal: usize, row: &MapRow| {
        assert_eq!(ordinal, rows.len(), "rows come in the order of the dates");
        rows.push(row.clone());
    };
    Mapper::new(&calendar, options).map(&bars.rows(len), as_of, &mut |_, _| rejects += 1, &mut emit);
    let last = map_last(bars, len, options);
    assert_eq!(rejects, last.read - last.kept, "each dropped row is reported once");
    rows
}

fn map_last(bars: &Bars, len: usize, options: &MapOptions) -> Hygiene {
    let calendar = calendar();
    let mut last = Hygiene::default();
    Mapper::new(&calendar, options).map(&bars.rows(len), &[i32::MAX], &mut |_, _| {}, &mut |_, row| {
        last = row.hygiene;
    });
    last
}

/// Closes that rise by one a session, with a 2:1 split before the last bar.
fn split_ramp(sessions: usize) -> Bars {
    let mut bars = Bars::default();
    for (i, date) in (0..400).filter(|day| day % 10 != 9).take(sessions).enumerate() {
        let last = i + 1 == sessions;
        let close = (100.0 + f64::from(u32::try_from(i).unwrap())) * if last { 0.5 } else { 1.0 };
        let marked = if i + 2 == sessions { 0.5 * close } else { close };
        bars.push(date, [close, close + 1.0, close - 1.0, close, 1000.0, marked]);
    }
    bars
}

#[test]
fn a_window_ends_at_the_as_of_date_and_is_adjusted_to_its_last_bar() {
    let bars = split_ramp(70);
    let last = bars.date[69];
    let rows = map(&bars, 70, &[bars.date[68], last, last + 3], &options(Adjust::Auto, 504));
    let row = |i: usize| rows[i].indicators.as_ref().unwrap();
    assert_eq!(
        (row(0).bars, row(0).adj_factor, row(0).close),
        (69, Some(1.0), Some(168.0))
    );
    assert_eq!(
        (row(1).bars, row(1).adj_factor, row(1).close),
        (70, Some(0.5), Some(84.5))
    );
    assert_eq!(row(1).ret_1d, Some(84.5 / 84.0 - 1.0));
    assert_eq!(
        (row(1).stale_sessions, row(2).stale_sessions),
        (0, 2),
        "a ghost is no session"
    );
    let dollars = (149..=168).map(f64::from).sum::<f64>() - 149.0 + 84.5;
    assert!(
        (row(1).dollar_vol_20.unwrap() - dollars * 50.0).abs() < 1e-6,
        "dollar volume is as traded"
    );
}

#[test]
fn the_window_is_the_last_bars_of_the_lookback() {
    let bars = split_ramp(100);
    let rows = map(&bars, 100, &[399], &options(Adjust::None, 60));
    let row = rows[0].indicators.as_ref().unwrap();
    assert_eq!(
        (row.bars, row.adj_factor, row.jump_252),
        (60, Some(1.0), Some(198.0 / 99.5))
    );
    assert_eq!(row.ret_63d, None);
}

#[test]
fn a_symbol_without_rows_yet_has_counts_of_zero() {
    let bars = split_ramp(30);
    let rows = map(&bars, 0, &[5, 6], &options(Adjust::Auto, 504));
    assert_eq!(rows, vec![MapRow::default(); 2]);
    let rows = map(&bars, 30, &[-1], &options(Adjust::Auto, 504));
    assert_eq!(rows, vec![MapRow::default()]);
}

#[test]
fn columns_are_null_exactly_below_the_bars_they_need() {
    let bars = split_ramp(300);
    let as_of = &bars.date;
    for (n, row) in (1..).zip(map(&bars, 300, as_of, &options(Adjust::Auto, 504))) {
        let row = row.indicators.unwrap();
        for column in COLUMNS {
            if let Cell::F64(value) = column.get(&row) {
                assert_eq!(value.is_some(), n >= column.bars, "{} with {n} bars", column.name);
            }
        }
    }
}

/// A price or volume that may be missing, absurd or ordinary.
fn dirty(ordinary: std::ops::Range<f64>) -> impl Strategy<Value = f64> {
    prop_oneof![
        12 => ordinary,
        1 => Just(0.0),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, -1.0, 1e-308, 1e300, f64::MAX, f64::MIN_POSITIVE]),
    ]
}

fn dirty_bars() -> impl Strategy<Value = Bars> {
    let row = (
        0..4_i32,
        dirty(9.0..11.0),
        dirty(9.0..11.0),
        dirty(9.0..11.0),
        dirty(9.0..11.0),
        dirty(0.0..1e6),
        dirty(9.0..11.0),
    );
    prop::collection::vec(row, 0..160).prop_map(|rows| {
        let (mut bars, mut date) = (Bars::default(), 0);
        for (step, open, high, low, close, volume, adj_close) in rows {
            date += step;
            bars.push(date, [open, high, low, close, volume, adj_close]);
        }
        bars
    })
}

/// Rows that are nearly all sound, so windows grow long.
fn sound_bars() -> impl Strategy<Value = Bars> {
    let row = (
        9.0..11.0,
        9.0..11.0,
        prop_oneof![9 => 0.0..1e6, 1 => Just(0.0)],
        prop_oneof![9 => Just(1.0), 1 => 0.4..2.0],
    );
    prop::collection::vec(row, 0..330).prop_map(|rows| {
        let mut bars = Bars::default();
        for (date, (open, close, volume, ratio)) in (0..400).filter(|day| day % 10 != 9).zip(rows) {
            bars.push(
                date,
                [open, open.max(close), open.min(close), close, volume, close * ratio],
            );
        }
        bars
    })
}

fn adjusts() -> impl Strategy<Value = Adjust> {
    prop::sample::select(vec![Adjust::Auto, Adjust::None, Adjust::AdjClose])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_output_is_nan_or_infinite(bars in prop_oneof![dirty_bars(), sound_bars()], adjust in adjusts()) {
        let as_of = [10, 60, 200, 500];
        for row in map(&bars, bars.date.len(), &as_of, &options(adjust, 100)) {
            prop_assert!(row.hygiene.adds_up());
            let Some(row) = row.indicators else { continue };
            for column in COLUMNS {
                if let Cell::F64(Some(value)) = column.get(&row) {
                    prop_assert!(value.is_finite(), "{} = {}", column.name, value);
                }
            }
        }
    }

    #[test]
    fn later_rows_change_no_earlier_scan(bars in prop_oneof![dirty_bars(), sound_bars()], cut in 0..330_usize, adjust in adjusts()) {
        let cut = cut.min(bars.date.len());
        prop_assume!(cut > 0 && (cut == bars.date.len() || bars.date[cut] > bars.date[cut - 1]));
        let as_of = bars.date[cut - 1];
        let options = options(adjust, 100);
        let early = map(&bars, cut, &[as_of], &options);
        prop_assert_eq!(&early, &map(&bars, bars.date.len(), &[as_of], &options));
        let many = map(&bars, bars.date.len(), &[as_of - 1, as_of, as_of + 9], &options);
        prop_assert_eq!(&early[0], &many[1]);
    }

    /// Prices of very different sizes make sums count as zero on one date and not on the next, events move the factors of
    /// all bars before them, and a short lookback moves the window's start: each date's row is its own in any company.
    #[test]
    fn a_date_has_the_same_row_in_any_company(
        bars in prop_oneof![dirty_bars(), sound_bars()],
        some in prop::collection::btree_set(0..330_i32, 1..40),
        adjust in adjusts(),
        lookback in prop::sample::select(vec![20, 100, 504]),
    ) {
        let (as_of, options) = (some.into_iter().collect::<Vec<_>>(), options(adjust, lookback));
        let together = map(&bars, bars.date.len(), &as_of, &options);
        for (day, row) in as_of.iter().zip(&together) {
            let alone = map(&bars, bars.date.len(), &[*day], &options);
            prop_assert_eq!(format!("{:?}", &alone[0]), format!("{row:?}"), "day {}", day);
        }
    }
}
