//! Row hygiene: which of a symbol's bars count, and why the others do not (section 1, Row hygiene).
//!
//! One pass over a symbol's placed rows, by date and then input order. It decides nothing that depends on an as-of date
//! but remembers the counts and the bars kept as of each, so a later bar cannot reach an earlier scan.

mod counts;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use counts::{Hygiene, RejectKind};

use super::session::Calendar;

/// One symbol's placed rows, by date and then input order. All slices are equally long; null and non-finite is NaN.
#[derive(Debug, Clone, Copy)]
pub struct SymbolRows<'a> {
    /// Days since 1970-01-01, never descending.
    pub date: &'a [i32],
    /// Opening price, quote currency.
    pub open: &'a [f64],
    /// Highest price, quote currency.
    pub high: &'a [f64],
    /// Lowest price, quote currency.
    pub low: &'a [f64],
    /// Closing price, quote currency.
    pub close: &'a [f64],
    /// Shares traded.
    pub volume: &'a [f64],
    /// Adjusted close, quote currency, where the input has the column.
    pub adj_close: Option<&'a [f64]>,
}

impl SymbolRows<'_> {
    fn assert_shape(&self) {
        let rows = self.date.len();
        for column in [self.open, self.high, self.low, self.close, self.volume] {
            assert_eq!(column.len(), rows, "a symbol's columns are equally long");
        }
        assert!(
            self.adj_close.is_none_or(|column| column.len() == rows),
            "a symbol's columns are equally long"
        );
        assert!(self.date.is_sorted(), "a symbol's rows are sorted by date");
    }
}

/// Kept bars: valid, of sessions, one a date, high and low repaired. Columns of equal length, ascending dates.
#[derive(Debug, Default)]
pub struct Kept {
    /// Days since 1970-01-01.
    pub date: Vec<i32>,
    /// Opening prices.
    pub open: Vec<f64>,
    /// Highest prices, at least the other three.
    pub high: Vec<f64>,
    /// Lowest prices, at most the other three.
    pub low: Vec<f64>,
    /// Closing prices.
    pub close: Vec<f64>,
    /// Shares traded.
    pub volume: Vec<f64>,
    /// Adjusted closes, NaN where there is none.
    pub adj_close: Vec<f64>,
}

/// What is known on the evening of one as-of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Counts of the rows dated on or before it.
    pub hygiene: Hygiene,
    /// How many kept bars are dated on or before it.
    pub kept: usize,
}

/// Sorts a symbol's rows into kept bars and rejects.
///
/// `as_of` ascends; `snapshots` gets one entry for each. `reject` is told the position of each dropped row; positions of
/// one kind come in ascending order. `kept` and `snapshots` are cleared first, so their memory can be used again.
///
/// # Panics
/// When the columns differ in length, or dates or as-of dates are out of order.
pub fn sift(
    rows: &SymbolRows<'_>,
    calendar: &Calendar,
    as_of: &[i32],
    reject: &mut dyn FnMut(usize, RejectKind),
    kept: &mut Kept,
    snapshots: &mut Vec<Snapshot>,
) {
    rows.assert_shape();
    assert!(as_of.is_sorted(), "as-of dates ascend");
    kept.clear();
    snapshots.clear();
    let sessions = calendar.sessions_between(rows.date.first().copied(), None);
    let mut sieve = Sieve {
        rows,
        sessions,
        hygiene: Hygiene::default(),
        reject,
        kept,
    };
    let mut start = 0;
    for &day in as_of {
        let end = start + rows.date[start..].partition_point(|date| *date <= day);
        sieve.sift(start..end);
        snapshots.push(Snapshot {
            hygiene: sieve.hygiene,
            kept: sieve.kept.date.len(),
        });
        start = end;
    }
    sieve.sift(start..rows.date.len());
    debug_assert!(sieve.hygiene.adds_up(), "each row read is dropped once or kept");
}

/// The state of one symbol's pass. Ranges of rows come in order and never split a date.
struct Sieve<'a> {
    rows: &'a SymbolRows<'a>,
    /// The sessions not before the next row.
    sessions: &'a [i32],
    hygiene: Hygiene,
    reject: &'a mut dyn FnMut(usize, RejectKind),
    kept: &'a mut Kept,
}

impl Sieve<'_> {
    fn sift(&mut self, range: Range<usize>) {
        let Some(&first) = self.rows.date[range.clone()].first() else {
            return;
        };
        self.skip_sessions_before(first);
        if self.is_clean(range.clone()) {
            self.sessions = &self.sessions[range.len()..];
            self.keep_all(range);
        } else {
            self.sift_rows(range);
        }
    }

    /// True when the range has one valid row for each of the next sessions: nearly every symbol of a clean source.
    fn is_clean(&self, range: Range<usize>) -> bool {
        let rows = self.rows;
        self.sessions.get(..range.len()) == Some(&rows.date[range.clone()])
            && [rows.open, rows.high, rows.low, rows.close]
                .iter()
                .all(|column| all(&column[range.clone()], is_price))
            && all(&rows.volume[range], is_volume)
    }

    fn sift_rows(&mut self, range: Range<usize>) {
        let rows = self.rows;
        let mut candidate: Option<usize> = None;
        for row in range.clone() {
            let date = rows.date[row];
            if row > range.start && date != rows.date[row - 1] {
                self.keep(candidate.take());
                self.skip_sessions_before(date);
            }
            let dropped = match fault(rows, row, self.sessions.first() == Some(&date)) {
                Some(kind) => Some((row, kind)),
                None => candidate.replace(row).map(|earlier| (earlier, RejectKind::Duplicate)),
            };
            if let Some((row, kind)) = dropped {
                self.hygiene.read += 1;
                self.hygiene.drop_row(kind);
                (self.reject)(row, kind);
            }
        }
        self.keep(candidate);
    }

    fn keep(&mut self, row: Option<usize>) {
        if let Some(row) = row {
            self.keep_all(row..row + 1);
        }
    }

    /// Keeps valid rows, with highs and lows repaired.
    fn keep_all(&mut self, range: Range<usize>) {
        let (rows, kept) = (self.rows, &mut *self.kept);
        let [open, high, low, close] =
            [rows.open, rows.high, rows.low, rows.close].map(|column| &column[range.clone()]);
        let prices = || open.iter().zip(high).zip(low).zip(close);
        let (start, volume) = (kept.date.len(), &rows.volume[range.clone()]);
        kept.date.extend_from_slice(&rows.date[range.clone()]);
        kept.open.extend_from_slice(open);
        kept.high
            .extend(prices().map(|(((o, h), l), c)| larger(larger(*h, *o), larger(*l, *c))));
        kept.low
            .extend(prices().map(|(((o, h), l), c)| smaller(smaller(*l, *o), smaller(*h, *c))));
        kept.close.extend_from_slice(close);
        kept.volume.extend_from_slice(volume);
        match rows.adj_close {
            Some(column) => kept.adj_close.extend_from_slice(&column[range]),
            None => kept.adj_close.resize(start + volume.len(), f64::NAN),
        }
        let spans = kept.high[start..]
            .iter()
            .zip(&kept.low[start..])
            .zip(high.iter().zip(low));
        let repaired: i64 = spans
            .map(|((top, bottom), (high, low))| i64::from((top > high) | (bottom < low)))
            .sum();
        let zero: i64 = volume.iter().map(|volume| i64::from(*volume == 0.0)).sum();
        let count = i64::try_from(volume.len()).expect("a count of rows in memory fits i64");
        self.hygiene.read += count;
        self.hygiene.kept += count;
        self.hygiene.ohlc_repaired += repaired;
        self.hygiene.zero_volume += zero;
    }

    fn skip_sessions_before(&mut self, date: i32) {
        while let [session, rest @ ..] = self.sessions
            && *session < date
        {
            self.sessions = rest;
        }
    }
}

impl Kept {
    fn clear(&mut self) {
        self.date.clear();
        for column in [
            &mut self.open,
            &mut self.high,
            &mut self.low,
            &mut self.close,
            &mut self.volume,
            &mut self.adj_close,
        ] {
            column.clear();
        }
    }
}

/// The first fault of a row by itself.
fn fault(rows: &SymbolRows<'_>, row: usize, session: bool) -> Option<RejectKind> {
    if ![rows.open, rows.high, rows.low, rows.close]
        .iter()
        .all(|column| is_price(column[row]))
    {
        Some(RejectKind::BadPrice)
    } else if !is_volume(rows.volume[row]) {
        Some(RejectKind::BadVolume)
    } else if !session {
        Some(RejectKind::GhostSession)
    } else {
        None
    }
}

/// Finite and above 0; a NaN fails both bounds.
fn is_price(x: f64) -> bool {
    (x > 0.0) & (x < f64::INFINITY)
}

/// Finite and not negative; a NaN fails both bounds.
fn is_volume(x: f64) -> bool {
    (0.0..f64::INFINITY).contains(&x)
}

/// `Iterator::all` without the early exit, which keeps the loop free of branches.
fn all(values: &[f64], test: impl Fn(f64) -> bool) -> bool {
    values.iter().fold(true, |so_far, x| so_far & test(*x))
}

fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}
