//! Records in, bars of five seconds out: the one pass over a day, in memory that grows with its bars only.
//!
//! Records come in ascending (time, sequence, input order); how they are grouped on the way decides nothing. It decodes,
//! sorts and reads nothing. Read `open` for a bar in the making, `row` for what a finished one says.

mod events;
mod open;
mod row;
mod sums;
#[cfg(test)]
mod tests;

pub(super) use self::events::Flow;
use self::events::Target;
use self::open::OpenBar;
use super::band::Bands;
use super::clock::BarClock;
use super::levels::{LevelTracker, Windows};
use super::quality::Quality;
use super::record::{F_LAST, Record};
use crate::table::{Column, Table};

/// What a symbol's day is computed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayOptions {
    /// The symbol.
    pub symbol: String,
    /// A point in 1e-9 units of the quote currency.
    pub point: i64,
    /// The tick in the same units.
    pub tick: i64,
    /// The day's windows; none on a closed date.
    pub windows: Option<Windows>,
}

/// The pass over the records of one symbol and trading day.
#[derive(Debug, Clone)]
pub struct BarKernel {
    tick: i64,
    clock: BarClock,
    open: OpenBar,
    levels: LevelTracker,
    quality: Quality,
    /// Microprice of the latest committed book.
    reference: Option<f64>,
    /// Flags of the latest record, as long as its book is not known to stand.
    uncommitted: Option<u8>,
}

/// What a day's pass gives.
#[derive(Debug, Clone)]
pub struct Day {
    /// `bars`.
    pub bars: Table,
    /// The day's counters; those of the reordering are for its owner to fill in.
    pub quality: Quality,
    /// The day's levels.
    pub levels: LevelTracker,
}

impl BarKernel {
    /// A day without records.
    ///
    /// # Panics
    /// When point or tick is not positive.
    #[must_use]
    pub fn new(options: &DayOptions) -> Self {
        Self {
            tick: options.tick,
            clock: BarClock::default(),
            open: OpenBar::new(options.symbol.clone(), Bands::new(options.point)),
            levels: LevelTracker::new(options.windows, options.tick),
            quality: Quality::default(),
            reference: None,
            uncommitted: None,
        }
    }

    /// Takes the next record of the day.
    ///
    /// # Panics
    /// When the record has no time, or one before the last record's.
    pub fn push(&mut self, record: &Record) {
        let time = record.time().expect("records of a day have a time");
        let later = self.clock.now().is_some_and(|now| time > now);
        if let Some(flags) = self.uncommitted.filter(|flags| later || flags & F_LAST != 0) {
            self.commit(flags);
        }
        self.clock.record_at(time, &mut self.open);
        let target = if record.is_snapshot() {
            None
        } else {
            self.event(record, time)
        };
        let before = target.as_ref().map(|target| self.open.resting(target));
        let half_level = self.open.set_book(record);
        if let (Some(target), Some(before)) = (target, before) {
            self.open.count_flow(&target, before);
        }
        self.quality.count_state(record, self.open.class(), half_level);
        self.uncommitted = Some(record.flags);
    }

    /// Takes the next records of the day.
    ///
    /// # Panics
    /// As [`BarKernel::push`].
    pub fn push_all<'a>(&mut self, records: impl IntoIterator<Item = &'a Record>) {
        for record in records {
            self.push(record);
        }
    }

    /// Ends the day: its last book stands to the end of its bar.
    #[must_use]
    pub fn finish(mut self) -> Day {
        if let Some(flags) = self.uncommitted {
            self.commit(flags);
        }
        self.clock.finish(&mut self.open);
        let bars = self.open.finish();
        let mut quality = self.quality;
        let count = |n: usize| i64::try_from(n).expect("a day has few bars");
        quality.bars = count(bars.rows());
        if let Some(Column::Bool(filled)) = bars.column("bar5s_meta_is_filled") {
            quality.filled_bars = count(filled.iter().filter(|it| **it == Some(true)).count());
        }
        if let Some(Column::F64(micro)) = bars.column("bar5s_microprice_eob") {
            quality.unpriced_bars = count(micro.iter().filter(|it| it.is_none()).count());
        }
        Day {
            bars,
            quality,
            levels: self.levels,
        }
    }

    fn commit(&mut self, flags: u8) {
        self.quality.count_commit(flags, self.open.class());
        self.reference = self.open.micro();
        self.uncommitted = None;
    }

    /// Counts an event of the day; gives where its flow goes, if it has any.
    fn event(&mut self, record: &Record, time: i64) -> Option<Target> {
        self.quality.count_event(record, time, self.tick);
        match record.action {
            b'T' => {
                self.open.counts.trade(record);
                self.levels.trade(record, time);
                None
            }
            b'A' | b'C' | b'M' => {
                self.open.counts.action(record.action);
                let target = Target::of(record, self.reference, self.open.bands());
                let quality = &mut self.quality;
                match target {
                    Ok(target) => {
                        quality.flow += 1;
                        return Some(target);
                    }
                    Err(events::NoFlow::Side) => {
                        quality.side_none_event += 1;
                        self.open.counts.side_none += 1;
                    }
                    Err(events::NoFlow::Price) => quality.undef_price_event += 1,
                    Err(events::NoFlow::Reference) => quality.flow_noref += 1,
                    Err(events::NoFlow::OutOfBand) => quality.flow_out_of_band += 1,
                }
                None
            }
            action => {
                self.open.counts.action(action);
                None
            }
        }
    }
}
