//! A normalised order book and the measures that hang on it alone. Prices are integers in 1e-9 units.
//!
//! A level is valid when its price is there and its size is there and above 0; else it is absent: no price, size 0,
//! count 0. A book is priced when both best levels are there and not crossed.

use super::band::{BANDS, Bands};
use super::numbers::{imbalance, px, ratio_or_zero};
use super::record::{LEVELS, Record, Side, UNDEF_PRICE, UNDEF_SIZE};

/// Prices and sizes of a side; an absent level has size 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// Prices, best first.
    pub price: [i64; LEVELS],
    /// Sizes, best first.
    pub size: [u32; LEVELS],
}

impl Levels {
    /// Σ sizes.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.size.iter().map(|size| u64::from(*size)).sum::<u64>().cast_signed()
    }

    /// Σ sizes of the levels at exactly this price.
    #[must_use]
    pub fn at(&self, price: i64) -> i64 {
        let mut sum = 0;
        for level in 0..LEVELS {
            sum += if self.price[level] == price {
                u64::from(self.size[level])
            } else {
                0
            };
        }
        sum.cast_signed()
    }
}

/// The state after a record, absent levels normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Book {
    /// Bids.
    pub bids: Levels,
    /// Asks.
    pub asks: Levels,
    /// Orders at the bid levels.
    pub bid_counts: [u32; LEVELS],
    /// Orders at the ask levels.
    pub ask_counts: [u32; LEVELS],
}

/// What a record did to a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// A bid price or size is another.
    pub bids: bool,
    /// An ask price or size is.
    pub asks: bool,
    /// A best price or size is.
    pub best: bool,
    /// A level of the record has only one of price and size.
    pub half_level: bool,
}

/// How the best levels stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// No best level.
    Empty,
    /// One best level.
    OneSided,
    /// Bid above ask.
    Crossed,
    /// Bid equal to ask.
    Locked,
    /// Bid below ask.
    Normal,
}

impl Class {
    /// Whether a microprice exists.
    #[must_use]
    pub fn is_priced(self) -> bool {
        matches!(self, Self::Locked | Self::Normal)
    }
}

impl Book {
    /// No levels on either side.
    pub const EMPTY: Self = Self {
        bids: Levels {
            price: [UNDEF_PRICE; LEVELS],
            size: [0; LEVELS],
        },
        asks: Levels {
            price: [UNDEF_PRICE; LEVELS],
            size: [0; LEVELS],
        },
        bid_counts: [0; LEVELS],
        ask_counts: [0; LEVELS],
    };

    /// The book of a record.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let mut book = Self::EMPTY;
        book.replace(record);
        book
    }

    /// Takes over a record's book, in place, for it is done for every record.
    pub fn replace(&mut self, record: &Record) -> Change {
        let best = |book: &Self| {
            (
                book.bids.price[0],
                book.bids.size[0],
                book.asks.price[0],
                book.asks.size[0],
            )
        };
        let before = best(self);
        let (bids, half_bid) = replace(&mut self.bids, &mut self.bid_counts, &record.bids);
        let (asks, half_ask) = replace(&mut self.asks, &mut self.ask_counts, &record.asks);
        Change {
            bids,
            asks,
            best: before != best(self),
            half_level: half_bid || half_ask,
        }
    }

    /// The class by the best levels.
    #[must_use]
    pub fn class(&self) -> Class {
        match (self.bids.size[0] > 0, self.asks.size[0] > 0) {
            (false, false) => Class::Empty,
            (true, true) => match self.bids.price[0].cmp(&self.asks.price[0]) {
                std::cmp::Ordering::Greater => Class::Crossed,
                std::cmp::Ordering::Equal => Class::Locked,
                std::cmp::Ordering::Less => Class::Normal,
            },
            _ => Class::OneSided,
        }
    }

    /// The best prices weighted by the opposite sizes; null unless the book is priced.
    #[must_use]
    pub fn micro(&self) -> Option<f64> {
        self.class().is_priced().then(|| {
            let (bid_size, ask_size) = (f64::from(self.bids.size[0]), f64::from(self.asks.size[0]));
            let weighted = px(self.asks.price[0]) * bid_size + px(self.bids.price[0]) * ask_size;
            weighted / (bid_size + ask_size)
        })
    }
}

/// What is averaged over time, of one book.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// Best-size imbalance, -1 to 1.
    pub obi0: f64,
    /// Ten-level imbalance, -1 to 1.
    pub obi10: f64,
    /// Σ bid and ask sizes of ten levels.
    pub depth10: [i64; 2],
    /// What only a priced book has.
    pub priced: Option<Priced>,
}

/// What only a priced book has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Priced {
    /// Microprice, quote currency.
    pub micro: f64,
    /// Midprice, quote currency.
    pub mid: f64,
    /// Ask less bid, points.
    pub spread: f64,
    /// Bid sizes below the microprice by band.
    pub below: [i64; BANDS],
    /// Ask sizes above it by band.
    pub above: [i64; BANDS],
    /// Depth imbalance by band, -1 to 1.
    pub cdi: [f64; BANDS],
    /// `below` as a share of the bids.
    pub below_frac: [f64; BANDS],
    /// `above` as a share of the asks.
    pub above_frac: [f64; BANDS],
}

impl Change {
    /// Everything may be another.
    pub const ALL: Self = Self {
        bids: true,
        asks: true,
        best: true,
        half_level: false,
    };
    /// Nothing is.
    pub const NONE: Self = Self {
        bids: false,
        asks: false,
        best: false,
        half_level: false,
    };

    /// What this change and a later one did together.
    #[must_use]
    pub fn then(self, later: Self) -> Self {
        Self {
            bids: self.bids | later.bids,
            asks: self.asks | later.asks,
            best: self.best | later.best,
            half_level: later.half_level,
        }
    }
}

impl Measures {
    /// The measures of a book whose microprice is `micro`.
    #[must_use]
    pub fn of(book: &Book, micro: Option<f64>, bands: &Bands) -> Self {
        let mut measures = Self {
            obi0: 0.0,
            obi10: 0.0,
            depth10: [0; 2],
            priced: None,
        };
        measures.update(book, micro, Change::ALL, bands);
        measures
    }

    /// Makes the measures those of a book that differs by `change` from the one they are of; most records change one
    /// side below its best level, and leave the other's sums as they are.
    pub fn update(&mut self, book: &Book, micro: Option<f64>, change: Change, bands: &Bands) {
        if change.bids {
            self.depth10[0] = book.bids.total();
        }
        if change.asks {
            self.depth10[1] = book.asks.total();
        }
        self.obi10 = imbalance(self.depth10[0], self.depth10[1]);
        if change.best {
            self.obi0 = imbalance(i64::from(book.bids.size[0]), i64::from(book.asks.size[0]));
            self.priced = micro.map(|micro| Priced::at(book, micro, bands));
        }
        if let Some(priced) = &mut self.priced {
            priced.update(book, self.depth10, change, bands);
        }
    }
}

impl Priced {
    /// The prices of a book; its bands are empty.
    fn at(book: &Book, micro: f64, bands: &Bands) -> Self {
        let (bid, ask) = (book.bids.price[0], book.asks.price[0]);
        Self {
            micro,
            mid: (bid + ask) as f64 / 2e9,
            spread: bands.points(ask - bid),
            below: [0; BANDS],
            above: [0; BANDS],
            cdi: [0.0; BANDS],
            below_frac: [0.0; BANDS],
            above_frac: [0.0; BANDS],
        }
    }

    fn update(&mut self, book: &Book, depth10: [i64; 2], change: Change, bands: &Bands) {
        if change.bids | change.best {
            self.below = bands.sums::<false>(&book.bids, self.micro);
            self.below_frac = shares(&self.below, depth10[0]);
        }
        if change.asks | change.best {
            self.above = bands.sums::<true>(&book.asks, self.micro);
            self.above_frac = shares(&self.above, depth10[1]);
        }
        for band in 0..BANDS {
            self.cdi[band] = imbalance(self.below[band], self.above[band]);
        }
    }
}

fn shares(sums: &[i64; BANDS], total: i64) -> [f64; BANDS] {
    sums.map(|sum| {
        if sum == 0 {
            0.0
        } else {
            ratio_or_zero(sum as f64, total as f64)
        }
    })
}

/// Normalises a side into its place; says whether a price or size is another, and whether a level is half given.
fn replace(levels: &mut Levels, counts: &mut [u32; LEVELS], side: &Side) -> (bool, bool) {
    let (mut prices, mut sizes, mut half_level) = (0, 0, false);
    for (at, count) in counts.iter_mut().enumerate() {
        let priced = side.price[at] != UNDEF_PRICE;
        let sized = (side.size[at] != 0) & (side.size[at] != UNDEF_SIZE);
        half_level |= priced != sized;
        let valid = priced & sized;
        let price = if valid { side.price[at] } else { UNDEF_PRICE };
        let size = if valid { side.size[at] } else { 0 };
        prices |= price ^ levels.price[at];
        sizes |= size ^ levels.size[at];
        levels.price[at] = price;
        levels.size[at] = size;
        *count = if valid { side.count[at] } else { 0 };
    }
    (prices != 0 || sizes != 0, half_level)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::features::testing::{POINT, days, record, with_level};

    use super::*;

    fn book(bid: (i64, u32), ask: (i64, u32)) -> Book {
        let mut it = record(0);
        it.bids = Side::EMPTY;
        it.asks = Side::EMPTY;
        with_level(&mut it.bids, 0, bid.0, bid.1);
        with_level(&mut it.asks, 0, ask.0, ask.1);
        Book::of(&it)
    }

    #[test]
    fn a_level_needs_both_price_and_size() {
        for (price, size, valid, half) in [
            (POINT, 3, true, false),
            (POINT, 0, false, true),
            (POINT, UNDEF_SIZE, false, true),
            (UNDEF_PRICE, 3, false, true),
            (UNDEF_PRICE, 0, false, false),
            (UNDEF_PRICE, UNDEF_SIZE, false, false),
            (0, 3, true, false),
            (-POINT, 3, true, false),
        ] {
            let mut it = record(0);
            it.bids.price[4] = price;
            it.bids.size[4] = size;
            it.bids.count[4] = 9;
            let mut book = Book::EMPTY;
            let bad = book.replace(&it).half_level;
            assert_eq!((book.bids.size[4] > 0, bad), (valid, half), "{price} {size}");
            assert_eq!(book.bid_counts[4], if valid { 9 } else { 0 });
        }
    }

    #[test]
    fn only_locked_and_normal_books_are_priced() {
        for (bid, ask, class, micro) in [
            ((100 * POINT, 3), (101 * POINT, 1), Class::Normal, Some(100.75)),
            ((100 * POINT, 3), (100 * POINT, 1), Class::Locked, Some(100.0)),
            ((102 * POINT, 3), (101 * POINT, 1), Class::Crossed, None),
            ((UNDEF_PRICE, 0), (101 * POINT, 1), Class::OneSided, None),
            ((UNDEF_PRICE, 0), (UNDEF_PRICE, 0), Class::Empty, None),
        ] {
            let book = book(bid, ask);
            assert_eq!((book.class(), book.micro()), (class, micro));
        }
    }

    #[test]
    fn imbalance_exists_without_a_price() {
        let bands = Bands::new(POINT);
        let one_sided = book((100 * POINT, 4), (UNDEF_PRICE, 0));
        let measures = Measures::of(&one_sided, one_sided.micro(), &bands);
        assert_eq!((measures.obi0, measures.obi10, measures.priced), (1.0, 1.0, None));
        let empty = Measures::of(&Book::EMPTY, None, &bands);
        assert_eq!((empty.obi0, empty.obi10), (0.0, 0.0));
    }

    proptest! {
        #[test]
        fn measures_brought_up_to_date_are_those_of_the_book(day in days(), every in 1..4_usize) {
            let bands = Bands::new(POINT);
            let (mut book, mut change) = (Book::EMPTY, Change::NONE);
            let mut measures = Measures::of(&book, None, &bands);
            for (at, record) in day.iter().enumerate() {
                change = change.then(book.replace(record));
                if at % every == 0 {
                    measures.update(&book, book.micro(), change, &bands);
                    change = Change::NONE;
                    prop_assert_eq!(measures, Measures::of(&book, book.micro(), &bands));
                }
            }
        }
    }
}
