//! The bar in the making and the book that stands: takes pieces of time and events, writes a row at each bar's end.

use super::events::{Counts, Target};
use super::row::{Finished, write_row};
use super::sums::{Averages, Sums};
use crate::features::band::Bands;
use crate::features::book::{Book, Change, Class, Measures};
use crate::features::clock::{BAR_NS, Pieces};
use crate::features::columns::BARS;
use crate::features::record::Record;
use crate::features::rows::TableBuilder;
use crate::table::Table;

/// The current book, the sums of its bar and the rows of the bars before.
#[derive(Debug, Clone)]
pub(super) struct OpenBar {
    symbol: String,
    bands: Bands,
    book: Book,
    micro: Option<f64>,
    /// Of the book, but for what changed since.
    measures: Measures,
    change: Change,
    sums: Sums,
    pub(super) counts: Counts,
    rows: TableBuilder,
    /// Rows up to the last bar with an event.
    rows_with_events: usize,
}

impl OpenBar {
    pub(super) fn new(symbol: String, bands: Bands) -> Self {
        Self {
            symbol,
            measures: Measures::of(&Book::EMPTY, None, &bands),
            change: Change::NONE,
            bands,
            book: Book::EMPTY,
            micro: None,
            sums: Sums::default(),
            counts: Counts::default(),
            rows: TableBuilder::new(&BARS),
            rows_with_events: 0,
        }
    }

    pub(super) fn bands(&self) -> &Bands {
        &self.bands
    }

    pub(super) fn class(&self) -> Class {
        self.book.class()
    }

    pub(super) fn micro(&self) -> Option<f64> {
        self.micro
    }

    /// The size that rests at a target's price.
    pub(super) fn resting(&self, target: &Target) -> i64 {
        let side = if target.side == 0 {
            &self.book.bids
        } else {
            &self.book.asks
        };
        side.at(target.price)
    }

    /// Counts the flow of an event before which `before` rested at its price; the book is that after it.
    pub(super) fn count_flow(&mut self, target: &Target, before: i64) {
        let change = self.resting(target) - before;
        self.counts.flow.count(target.side, target.band, target.kind, change);
    }

    /// Takes over a record's book; says whether a level of it is half given.
    pub(super) fn set_book(&mut self, record: &Record) -> bool {
        let change = self.book.replace(record);
        if change.best {
            self.micro = self.book.micro();
        }
        self.change = self.change.then(change);
        change.half_level
    }

    /// The table of all bars from the first to the last with an event.
    pub(super) fn finish(mut self) -> Table {
        self.rows.truncate(self.rows_with_events);
        self.rows.finish()
    }

    fn measure(&mut self) {
        let change = std::mem::replace(&mut self.change, Change::NONE);
        if change.bids || change.asks {
            self.measures.update(&self.book, self.micro, change, &self.bands);
        }
    }
}

impl Pieces for OpenBar {
    fn piece(&mut self, ns: i64) {
        self.measure();
        self.sums.add(&self.measures, ns);
    }

    fn close(&mut self, start: i64, filled: bool) {
        let (sums, counts) = (std::mem::take(&mut self.sums), std::mem::take(&mut self.counts));
        let has_events = counts.msg > 0;
        if self.rows.rows() == 0 && !has_events {
            return;
        }
        self.measure();
        let end = self.measures;
        let averages = if filled {
            Averages::constant(&end, BAR_NS)
        } else {
            sums.averages()
        };
        let bar = Finished {
            start,
            filled,
            book: &self.book,
            end: &end,
            averages: &averages,
            counts: &counts,
        };
        write_row(&mut self.rows, &self.symbol, &self.bands, &bar);
        if has_events {
            self.rows_with_events = self.rows.rows();
        }
    }
}
