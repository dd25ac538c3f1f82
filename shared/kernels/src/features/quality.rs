//! Counts of what a day's records are like: no record leaves uncounted. It judges nothing.

use super::book::Class;
use super::columns::QUALITY;
use super::record::{F_BAD_TS_RECV, F_LAST, F_MAYBE_BAD_BOOK, Record, UNDEF_PRICE, UNDEF_SIZE};
use super::rows::{Cell, TableBuilder};
use crate::table::Table;

/// The counters that one pass over a day's records fills.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the names are those of the table, whose columns say what they mean"
)]
pub struct Quality {
    pub records: i64,
    pub undef_ts: i64,
    pub snapshot: i64,
    pub reordered: i64,
    pub add: i64,
    pub cancel: i64,
    pub modify: i64,
    pub trade: i64,
    pub fill: i64,
    pub clear: i64,
    pub other: i64,
    pub side_none_event: i64,
    pub side_none_trade: i64,
    pub undef_price_event: i64,
    pub undef_price_trade: i64,
    pub undef_size: i64,
    pub offgrid_trade: i64,
    pub bad_level: i64,
    pub book_empty: i64,
    pub book_one_sided: i64,
    pub book_locked: i64,
    pub book_crossed: i64,
    pub crossed_committed: i64,
    pub commit_no_last: i64,
    pub bad_ts_recv: i64,
    pub maybe_bad_book: i64,
    pub flow: i64,
    pub flow_noref: i64,
    pub flow_out_of_band: i64,
    pub bars: i64,
    pub filled_bars: i64,
    pub unpriced_bars: i64,
    pub first_ts: Option<i64>,
    pub last_ts: Option<i64>,
}

/// What later stages found, for the same row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Levels that are not null.
    pub levels: i64,
    /// Episodes.
    pub episodes: i64,
    /// Sessions in the profile.
    pub profile_days: i64,
    /// Earlier sessions that could not be read.
    pub profile_skipped: i64,
    /// Oldest and newest session in the profile, days since 1970-01-01.
    pub profile_dates: Option<(i32, i32)>,
}

impl Quality {
    /// Counts what every record has, snapshots included: flags and the class of its book.
    pub(super) fn count_state(&mut self, record: &Record, class: Class, half_level: bool) {
        self.records += 1;
        self.snapshot += i64::from(record.is_snapshot());
        self.bad_level += i64::from(half_level);
        self.bad_ts_recv += i64::from(record.flags & F_BAD_TS_RECV != 0);
        self.maybe_bad_book += i64::from(record.flags & F_MAYBE_BAD_BOOK != 0);
        match class {
            Class::Empty => self.book_empty += 1,
            Class::OneSided => self.book_one_sided += 1,
            Class::Locked => self.book_locked += 1,
            Class::Crossed => self.book_crossed += 1,
            Class::Normal => {}
        }
    }

    /// Counts that the book of a record with these flags stands.
    pub(super) fn count_commit(&mut self, flags: u8, class: Class) {
        self.crossed_committed += i64::from(class == Class::Crossed);
        self.commit_no_last += i64::from(flags & F_LAST == 0);
    }

    /// Counts what an event of the day has: its time, size and action.
    pub(super) fn count_event(&mut self, record: &Record, time: i64, tick: i64) {
        self.first_ts.get_or_insert(time);
        self.last_ts = Some(time);
        self.undef_size += i64::from(record.size == UNDEF_SIZE);
        match record.action {
            b'A' => self.add += 1,
            b'C' => self.cancel += 1,
            b'M' => self.modify += 1,
            b'T' => self.count_trade(record, tick),
            b'F' => self.fill += 1,
            b'R' => self.clear += 1,
            _ => self.other += 1,
        }
    }

    fn count_trade(&mut self, record: &Record, tick: i64) {
        self.trade += 1;
        self.side_none_trade += i64::from(!matches!(record.side, b'A' | b'B'));
        if record.price == UNDEF_PRICE {
            self.undef_price_trade += 1;
        } else {
            self.offgrid_trade += i64::from(record.price % tick != 0);
        }
    }

    /// The one row of `quality` for a symbol and date (days since 1970-01-01).
    #[must_use]
    pub fn table(&self, symbol: &str, date: i32, found: &Found) -> Table {
        let mut rows = TableBuilder::new(&QUALITY);
        rows.put(symbol.to_owned());
        rows.put(Cell::Date(Some(date)));
        rows.put_all(self.counts());
        rows.put_all([found.levels, found.episodes, found.profile_days, found.profile_skipped]);
        rows.put_all([self.first_ts, self.last_ts]);
        rows.put(Cell::Date(found.profile_dates.map(|it| it.0)));
        rows.put(Cell::Date(found.profile_dates.map(|it| it.1)));
        rows.finish()
    }

    fn counts(&self) -> [i64; 32] {
        [
            self.records,
            self.undef_ts,
            self.snapshot,
            self.reordered,
            self.add,
            self.cancel,
            self.modify,
            self.trade,
            self.fill,
            self.clear,
            self.other,
            self.side_none_event,
            self.side_none_trade,
            self.undef_price_event,
            self.undef_price_trade,
            self.undef_size,
            self.offgrid_trade,
            self.bad_level,
            self.book_empty,
            self.book_one_sided,
            self.book_locked,
            self.book_crossed,
            self.crossed_committed,
            self.commit_no_last,
            self.bad_ts_recv,
            self.maybe_bad_book,
            self.flow,
            self.flow_noref,
            self.flow_out_of_band,
            self.bars,
            self.filled_bars,
            self.unpriced_bars,
        ]
    }
}
