//! Row hygiene: which of a symbol's bars count, and why the others do not (section 1, Row hygiene).
//!
//! One pass over a symbol's placed rows, by date and then input order. It decides nothing that depends on an as-of date
//! but remembers the counts and the bars kept as of each, so a later bar cannot reach an earlier scan.

use super::session::Calendar;

/// Why a placed row is not kept. The first that holds is the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectKind {
    /// A price is null, non-finite or not above 0.
    BadPrice,
    /// The volume is null, non-finite or negative.
    BadVolume,
    /// The date is no session.
    GhostSession,
    /// A later valid row of the same date stands in its place.
    Duplicate,
}

impl RejectKind {
    /// The name in the funnel.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadPrice => "bad_price",
            Self::BadVolume => "bad_volume",
            Self::GhostSession => "ghost_session",
            Self::Duplicate => "duplicate",
        }
    }
}

/// Row counts. `read` is the sum of the four drops and `kept`; the last two are notes on kept rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hygiene {
    /// Placed rows.
    pub read: i64,
    /// Rows dropped for a price.
    pub bad_price: i64,
    /// Rows dropped for their volume.
    pub bad_volume: i64,
    /// Rows dropped because their date is no session.
    pub ghost_session: i64,
    /// Rows superseded by a later one of the same date.
    pub duplicate: i64,
    /// Rows kept.
    pub kept: i64,
    /// Kept rows whose high or low did not span the four prices.
    pub ohlc_repaired: i64,
    /// Kept rows without volume.
    pub zero_volume: i64,
}

impl Hygiene {
    /// The names of the counts, in the order of `counts`.
    pub const NAMES: [&'static str; 8] = [
        "read",
        "bad_price",
        "bad_volume",
        "ghost_session",
        "duplicate",
        "kept",
        "ohlc_repaired",
        "zero_volume",
    ];

    /// The counts, in the order of `NAMES`.
    #[must_use]
    pub const fn counts(&self) -> [i64; 8] {
        [
            self.read,
            self.bad_price,
            self.bad_volume,
            self.ghost_session,
            self.duplicate,
            self.kept,
            self.ohlc_repaired,
            self.zero_volume,
        ]
    }

    /// The inverse of `counts`.
    #[must_use]
    pub const fn from_counts(counts: [i64; 8]) -> Self {
        let [
            read,
            bad_price,
            bad_volume,
            ghost_session,
            duplicate,
            kept,
            ohlc_repaired,
            zero_volume,
        ] = counts;
        Self {
            read,
            bad_price,
            bad_volume,
            ghost_session,
            duplicate,
            kept,
            ohlc_repaired,
            zero_volume,
        }
    }

    /// The sum of two symbols' counts.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = self.counts();
        sum.iter_mut()
            .zip(other.counts())
            .for_each(|(sum, count)| *sum += count);
        Self::from_counts(sum)
    }

    /// True when every row read is either dropped for one reason or kept.
    #[must_use]
    pub const fn adds_up(&self) -> bool {
        self.read == self.bad_price + self.bad_volume + self.ghost_session + self.duplicate + self.kept
    }

    fn drop_row(&mut self, kind: RejectKind) {
        *match kind {
            RejectKind::BadPrice => &mut self.bad_price,
            RejectKind::BadVolume => &mut self.bad_volume,
            RejectKind::GhostSession => &mut self.ghost_session,
            RejectKind::Duplicate => &mut self.duplicate,
        } += 1;
    }
}

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
    let mut hygiene = Hygiene::default();
    let mut sessions = calendar.sessions_between(rows.date.first().copied(), None);
    let mut candidate: Option<usize> = None;
    let mut due = as_of;
    for (row, &date) in rows.date.iter().enumerate() {
        if row > 0 && date != rows.date[row - 1] {
            hygiene.keep(candidate.take(), rows, kept);
        }
        while let [day, rest @ ..] = due
            && *day < date
        {
            snapshots.push(Snapshot {
                hygiene,
                kept: kept.date.len(),
            });
            due = rest;
        }
        while let [session, rest @ ..] = sessions
            && *session < date
        {
            sessions = rest;
        }
        hygiene.read += 1;
        let dropped = match fault(rows, row, sessions.first() == Some(&date)) {
            Some(kind) => Some((row, kind)),
            None => candidate.replace(row).map(|earlier| (earlier, RejectKind::Duplicate)),
        };
        if let Some((row, kind)) = dropped {
            hygiene.drop_row(kind);
            reject(row, kind);
        }
    }
    hygiene.keep(candidate, rows, kept);
    debug_assert!(hygiene.adds_up(), "each row read is dropped once or kept");
    snapshots.resize(
        as_of.len(),
        Snapshot {
            hygiene,
            kept: kept.date.len(),
        },
    );
}

impl Hygiene {
    fn keep(&mut self, row: Option<usize>, rows: &SymbolRows<'_>, kept: &mut Kept) {
        let Some(row) = row else { return };
        let (open, high, low, close) = (rows.open[row], rows.high[row], rows.low[row], rows.close[row]);
        let (top, bottom) = (open.max(high).max(low).max(close), open.min(high).min(low).min(close));
        self.kept += 1;
        self.ohlc_repaired += i64::from(top > high || bottom < low);
        self.zero_volume += i64::from(rows.volume[row] == 0.0);
        kept.date.push(rows.date[row]);
        kept.open.push(open);
        kept.high.push(top);
        kept.low.push(bottom);
        kept.close.push(close);
        kept.volume.push(rows.volume[row]);
        kept.adj_close
            .push(rows.adj_close.map_or(f64::NAN, |column| column[row]));
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

/// The first fault of a row by itself; a NaN fails both bounds.
fn fault(rows: &SymbolRows<'_>, row: usize, session: bool) -> Option<RejectKind> {
    let price = |x: f64| x > 0.0 && x < f64::INFINITY;
    if !(price(rows.open[row]) && price(rows.high[row]) && price(rows.low[row]) && price(rows.close[row])) {
        Some(RejectKind::BadPrice)
    } else if !(rows.volume[row] >= 0.0 && rows.volume[row] < f64::INFINITY) {
        Some(RejectKind::BadVolume)
    } else if !session {
        Some(RejectKind::GhostSession)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::SessionOptions;
    use super::*;

    const NAN: f64 = f64::NAN;

    /// Sessions on days 1, 2, 3 and 5; day 4 is a ghost.
    fn calendar() -> Calendar {
        Calendar::new(
            vec![1, 2, 3, 4, 5],
            &[50, 50, 50, 1, 50],
            &SessionOptions { session_min_frac: 0.1 },
        )
    }

    /// Rows of (date, high, volume) with open 10, low 9 and close 11.
    fn run(rows: &[(i32, f64, f64)], as_of: &[i32]) -> (Kept, Vec<Snapshot>, Vec<(usize, RejectKind)>) {
        let date: Vec<i32> = rows.iter().map(|r| r.0).collect();
        let high: Vec<f64> = rows.iter().map(|r| r.1).collect();
        let volume: Vec<f64> = rows.iter().map(|r| r.2).collect();
        let [open, low, close] = [10.0, 9.0, 11.0].map(|x| vec![x; rows.len()]);
        let rows = SymbolRows {
            date: &date,
            open: &open,
            high: &high,
            low: &low,
            close: &close,
            volume: &volume,
            adj_close: None,
        };
        let (mut kept, mut snapshots, mut rejects) = (Kept::default(), Vec::new(), Vec::new());
        sift(
            &rows,
            &calendar(),
            as_of,
            &mut |row, kind| rejects.push((row, kind)),
            &mut kept,
            &mut snapshots,
        );
        (kept, snapshots, rejects)
    }

    #[test]
    fn the_first_fault_is_the_reason() {
        use RejectKind::{BadPrice, BadVolume, GhostSession};
        for (row, expect) in [
            ((1, NAN, NAN), Some(BadPrice)),
            ((1, 0.0, 5.0), Some(BadPrice)),
            ((1, -1.0, 5.0), Some(BadPrice)),
            ((4, f64::INFINITY, 5.0), Some(BadPrice)),
            ((4, 12.0, -1.0), Some(BadVolume)),
            ((1, 12.0, NAN), Some(BadVolume)),
            ((1, 12.0, f64::INFINITY), Some(BadVolume)),
            ((4, 12.0, 5.0), Some(GhostSession)),
            ((6, 12.0, 5.0), Some(GhostSession)),
            ((1, 12.0, 0.0), None),
        ] {
            let (kept, _, rejects) = run(&[row], &[9]);
            assert_eq!(rejects.first().map(|r| r.1), expect, "{row:?}");
            assert_eq!(kept.date.len(), usize::from(expect.is_none()));
        }
    }

    #[test]
    fn the_last_valid_row_of_a_date_wins() {
        let rows = [
            (1, 12.0, 1.0),
            (1, 13.0, 2.0),
            (1, NAN, 3.0),
            (2, NAN, 1.0),
            (2, 12.0, 4.0),
            (4, 12.0, 1.0),
            (4, 12.0, 2.0),
        ];
        let (kept, snapshots, rejects) = run(&rows, &[9]);
        assert_eq!(kept.date, [1, 2]);
        assert_eq!(kept.volume, [2.0, 4.0]);
        let expect = Hygiene {
            read: 7,
            bad_price: 2,
            ghost_session: 2,
            duplicate: 1,
            kept: 2,
            ..Hygiene::default()
        };
        assert_eq!(snapshots[0].hygiene, expect);
        let duplicates: Vec<_> = rejects.iter().filter(|r| r.1 == RejectKind::Duplicate).collect();
        assert_eq!(duplicates, [&(0, RejectKind::Duplicate)]);
    }

    #[test]
    fn highs_and_lows_are_repaired_and_noted() {
        let (kept, snapshots, _) = run(&[(1, 12.0, 0.0), (2, 9.5, 1.0)], &[9]);
        assert_eq!(kept.high, [12.0, 11.0]);
        assert_eq!(kept.low, [9.0, 9.0]);
        assert_eq!(
            (snapshots[0].hygiene.ohlc_repaired, snapshots[0].hygiene.zero_volume),
            (1, 1)
        );
    }

    #[test]
    fn an_as_of_date_sees_only_rows_up_to_it() {
        let rows = [
            (1, 12.0, 1.0),
            (2, NAN, 1.0),
            (3, 12.0, 1.0),
            (3, 12.0, 1.0),
            (5, 12.0, 1.0),
        ];
        let (_, snapshots, _) = run(&rows, &[0, 1, 2, 3, 4, 5, 6]);
        let seen: Vec<_> = snapshots
            .iter()
            .map(|s| (s.hygiene.read, s.hygiene.duplicate, s.kept))
            .collect();
        assert_eq!(
            seen,
            [
                (0, 0, 0),
                (1, 0, 1),
                (2, 0, 1),
                (4, 1, 2),
                (4, 1, 2),
                (5, 1, 3),
                (5, 1, 3)
            ]
        );
        assert!(snapshots.iter().all(|s| s.hygiene.adds_up()));
    }
}
