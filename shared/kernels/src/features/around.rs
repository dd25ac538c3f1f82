//! The second pass over a day's records: the book and its flow around each level, in the bars of its episodes.
//!
//! Distances are exact integers: a level of the book at the price itself is neither below nor above. Read `approach`
//! next for what becomes of it.

use super::band::{BANDS, Bands};
use super::bars::Flow;
use super::book::Book;
use super::clock::{BAR_NS, BarClock, Pieces, bar_of};
use super::episodes::Episode;
use super::levels::{LEVEL_TYPES, Level};
use super::numbers::px;
use super::record::{LEVELS, Record, UNDEF_PRICE};
use super::wall::Wall;

/// A level's surroundings in one bar.
#[derive(Debug, Clone, Default)]
pub struct LevelBar {
    /// The book at the bar's end.
    pub end: Around,
    /// Time-weighted sizes below and above by band.
    pub depth_twa: [[f64; BANDS]; 2],
    /// Distance of the first strong level of each side, points.
    pub strong_distance: [Option<f64>; 2],
    /// Order flow by the distance from the level.
    pub(super) flow: Flow,
}

/// A book as seen from a level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Around {
    /// Sizes of both sides below and above the level by band.
    pub depth: [[i64; BANDS]; 2],
    /// Bid and ask sizes at the level.
    pub at: [i64; 2],
    /// The first bid and ask level of the book at it, 0 best.
    pub index: [Option<i64>; 2],
    /// Sizes within a point, within two, and beyond.
    pub rings: [i64; 3],
    /// Σ sizes of both sides.
    pub total: i64,
}

/// The bars of one level, by rows of the day's bars.
#[derive(Debug, Clone)]
struct Watched {
    level: Level,
    /// By row: whether an episode of the level has it.
    wanted: Vec<bool>,
    bars: Vec<Option<LevelBar>>,
    /// Of the current book; none until it is asked for.
    around: Option<Around>,
    depth_ns: [[f64; BANDS]; 2],
    flow: Flow,
}

#[derive(Debug, Clone)]
struct Watch {
    bands: Bands,
    book: Book,
    levels: Vec<Watched>,
    first_bar: i64,
    bar: i64,
    ns: i64,
}

/// The pass over the records of the day whose bars and episodes are known.
#[derive(Debug, Clone)]
pub struct AroundKernel {
    clock: BarClock,
    watch: Watch,
}

/// By level (its place among all levels) and row of the day's bars.
#[derive(Debug, Clone, Default)]
pub struct LevelBars {
    bars: [Vec<Option<LevelBar>>; LEVEL_TYPES.len()],
}

/// An add, cancel or modify with a side and a price: 0 bid, 1 ask; 0 add, 1 cancel, 2 modify.
#[derive(Debug, Clone, Copy)]
struct Target {
    side: usize,
    price: i64,
    kind: usize,
}

impl Target {
    fn of(record: &Record) -> Option<Self> {
        let kind = b"ACM".iter().position(|action| *action == record.action)?;
        let side = b"BA".iter().position(|side| *side == record.side)?;
        (record.price != UNDEF_PRICE).then_some(Self {
            side,
            price: record.price,
            kind,
        })
    }
}

impl LevelBars {
    /// A level's bar.
    ///
    /// # Panics
    /// When no episode of the level has that row.
    #[must_use]
    pub fn get(&self, level: usize, row: usize) -> &LevelBar {
        self.bars[level][row]
            .as_ref()
            .expect("the rows of episodes were watched")
    }
}

impl AroundKernel {
    /// A pass over a day of `rows` bars, the first of which starts at `first_bar`; `point` is in 1e-9 units.
    #[must_use]
    pub fn new(point: i64, first_bar: i64, rows: usize, episodes: &[Episode]) -> Self {
        let mut levels: Vec<Watched> = Vec::new();
        for episode in episodes {
            if levels.last().is_none_or(|last| last.level != episode.level) {
                levels.push(Watched::new(episode.level, rows));
            }
            let [first, _, last] = episode.rows;
            levels.last_mut().expect("one was pushed").wanted[first..=last].fill(true);
        }
        let watch = Watch {
            bands: Bands::new(point),
            book: Book::EMPTY,
            levels,
            first_bar,
            bar: 0,
            ns: 0,
        };
        Self {
            clock: BarClock::default(),
            watch,
        }
    }

    /// Takes the next record of the day.
    ///
    /// # Panics
    /// When the record has no time, or one before the last record's.
    pub fn push(&mut self, record: &Record) {
        let time = record.time().expect("records of a day have a time");
        let is_first = self.clock.now().is_none();
        if is_first {
            self.watch.bar = bar_of(time);
        }
        self.clock.record_at(time, &mut self.watch);
        let target = if is_first || record.is_snapshot() {
            None
        } else {
            Target::of(record)
        };
        let before = target.map(|target| self.watch.resting(&target));
        self.watch.set_book(record);
        if let (Some(target), Some(before)) = (target, before) {
            self.watch.count_flow(&target, before);
        }
    }

    /// Takes the next records of the day.
    ///
    /// # Panics
    /// As [`AroundKernel::push`].
    pub fn push_all<'a>(&mut self, records: impl IntoIterator<Item = &'a Record>) {
        for record in records {
            self.push(record);
        }
    }

    /// Ends the day.
    #[must_use]
    pub fn finish(mut self) -> LevelBars {
        self.clock.finish(&mut self.watch);
        let mut bars = LevelBars::default();
        for watched in self.watch.levels {
            bars.bars[watched.level.index] = watched.bars;
        }
        bars
    }
}

impl Watch {
    /// The current bar's row; none before the first bar.
    fn row(&self) -> Option<usize> {
        usize::try_from((self.bar - self.first_bar) / BAR_NS)
            .ok()
            .filter(|_| self.bar >= self.first_bar)
    }

    fn set_book(&mut self, record: &Record) {
        let change = self.book.replace(record);
        if change.bids || change.asks {
            for watched in &mut self.levels {
                watched.around = None;
            }
        }
    }

    /// The size that rests at a target's price.
    fn resting(&self, target: &Target) -> i64 {
        let side = if target.side == 0 {
            &self.book.bids
        } else {
            &self.book.asks
        };
        side.at(target.price)
    }

    /// Counts the flow of an event before which `before` rested at its price; the book is that after it.
    fn count_flow(&mut self, target: &Target, before: i64) {
        let change = self.resting(target) - before;
        let Some(row) = self.row() else {
            return;
        };
        for watched in self.levels.iter_mut().filter(|it| it.wants(row)) {
            let distance = target.price.saturating_sub(watched.level.price).saturating_abs();
            if let Some(band) = self.bands.of_units(distance) {
                watched.flow.count(target.side, band, target.kind, change);
            }
        }
    }
}

impl Pieces for Watch {
    fn piece(&mut self, ns: i64) {
        let Some(row) = self.row() else {
            return;
        };
        self.ns += ns;
        for watched in self.levels.iter_mut().filter(|it| it.wants(row)) {
            let around = watched.around(&self.book, &self.bands);
            for side in 0..2 {
                for band in 0..BANDS {
                    watched.depth_ns[side][band] += around.depth[side][band] as f64 * ns as f64;
                }
            }
        }
    }

    fn close(&mut self, start: i64, filled: bool) {
        let row = self.row();
        let length = std::mem::take(&mut self.ns) as f64;
        self.bar = start + BAR_NS;
        let Some(row) = row else {
            return;
        };
        for watched in self.levels.iter_mut().filter(|it| it.wants(row)) {
            let end = watched.around(&self.book, &self.bands);
            let sums = std::mem::take(&mut watched.depth_ns);
            let depth_twa = if filled {
                end.depth.map(|side| side.map(|size| size as f64))
            } else {
                sums.map(|side| side.map(|sum| sum / length))
            };
            let level = px(watched.level.price);
            let distance = |at: usize| {
                let side = if at == 0 { &self.book.bids } else { &self.book.asks };
                let price = Wall::of(side).strong_price(side)?;
                Some(if at == 0 { level - price } else { price - level } / self.bands.pt)
            };
            let strong_distance = [distance(0), distance(1)];
            let flow = std::mem::take(&mut watched.flow);
            watched.bars[row] = Some(LevelBar {
                end,
                depth_twa,
                strong_distance,
                flow,
            });
        }
    }
}

impl Watched {
    fn new(level: Level, rows: usize) -> Self {
        Self {
            level,
            wanted: vec![false; rows],
            bars: vec![None; rows],
            around: None,
            depth_ns: Default::default(),
            flow: Flow::default(),
        }
    }

    fn wants(&self, row: usize) -> bool {
        self.wanted.get(row) == Some(&true)
    }

    fn around(&mut self, book: &Book, bands: &Bands) -> Around {
        *self
            .around
            .get_or_insert_with(|| Around::of(book, self.level.price, bands))
    }
}

impl Around {
    fn of(book: &Book, level: i64, bands: &Bands) -> Self {
        let mut around = Self::default();
        for (at, side) in [&book.bids, &book.asks].into_iter().enumerate() {
            for index in (0..LEVELS).filter(|index| side.size[*index] > 0) {
                let size = i64::from(side.size[index]);
                let difference = side.price[index].saturating_sub(level);
                let distance = difference.saturating_abs();
                around.total += size;
                let ring = if distance <= bands.point {
                    0
                } else {
                    1 + usize::from(distance > 2 * bands.point)
                };
                around.rings[ring] += size;
                if difference == 0 {
                    around.at[at] += size;
                    let index = i64::try_from(index).expect("a level's index is small");
                    around.index[at].get_or_insert(index);
                } else if let Some(band) = bands.of_units(distance) {
                    around.depth[usize::from(difference > 0)][band] += size;
                }
            }
        }
        around
    }
}

#[cfg(test)]
mod tests {
    use crate::features::testing::{POINT, record, with_level};

    use super::*;

    #[test]
    fn a_book_level_at_the_price_is_neither_below_nor_above() {
        let mut it = record(0);
        with_level(&mut it.bids, 2, 95 * POINT, 7);
        with_level(&mut it.asks, 2, 120 * POINT, 5);
        let book = Book::of(&it);
        let around = Around::of(&book, 99 * POINT, &Bands::new(POINT));
        assert_eq!((around.at, around.index), ([10, 0], [Some(0), None]));
        assert_eq!(around.depth, [[10, 0, 0, 7, 0], [0, 10, 10, 0, 0]]);
        assert_eq!((around.rings, around.total), ([20, 10, 22], 52));
    }
}
