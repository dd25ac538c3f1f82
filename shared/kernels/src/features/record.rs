//! A decoded MBP-10 record, as a decoder hands it over: raw values, sentinels included. It decodes nothing.
//!
//! Read `book` next for what a valid level is, `reorder` for the order of records.

/// A price that is not there.
pub const UNDEF_PRICE: i64 = i64::MAX;
/// A size that is not there.
pub const UNDEF_SIZE: u32 = u32::MAX;
/// A time that is not there.
pub const UNDEF_TIME: u64 = u64::MAX;
/// Levels a side.
pub const LEVELS: usize = 10;

/// Last record of its event.
pub const F_LAST: u8 = 0x80;
/// Replayed from a snapshot: it sets the book and is no event of the day.
pub const F_SNAPSHOT: u8 = 0x20;
/// The receive time is inaccurate.
pub const F_BAD_TS_RECV: u8 = 0x08;
/// An unrecoverable gap came before.
pub const F_MAYBE_BAD_BOOK: u8 = 0x04;

/// One side of a book, best level first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// Prices in 1e-9 of the quote currency; [`UNDEF_PRICE`] where there is none.
    pub price: [i64; LEVELS],
    /// Sizes in shares or contracts.
    pub size: [u32; LEVELS],
    /// Numbers of orders.
    pub count: [u32; LEVELS],
}

impl Side {
    /// No levels.
    pub const EMPTY: Self = Self {
        price: [UNDEF_PRICE; LEVELS],
        size: [0; LEVELS],
        count: [0; LEVELS],
    };
}

/// An order-book event with the book after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// UTC nanoseconds of the event at the venue, or [`UNDEF_TIME`].
    pub ts_event: u64,
    /// UTC nanoseconds of its receipt, or [`UNDEF_TIME`].
    pub ts_recv: u64,
    /// The venue's sequence number.
    pub sequence: u32,
    /// The event's price in 1e-9, or [`UNDEF_PRICE`].
    pub price: i64,
    /// The event's size, or [`UNDEF_SIZE`].
    pub size: u32,
    /// `A` add, `C` cancel, `M` modify, `T` trade, `F` fill, `R` clear; others count as other.
    pub action: u8,
    /// `B` bid, `A` ask, `N` none; of a trade, the aggressor's.
    pub side: u8,
    /// Bits, of them [`F_LAST`], [`F_SNAPSHOT`], [`F_BAD_TS_RECV`], [`F_MAYBE_BAD_BOOK`].
    pub flags: u8,
    /// Publisher (venue and feed).
    pub publisher: u16,
    /// Instrument.
    pub instrument: u32,
    /// Bids after the event.
    pub bids: Side,
    /// Asks after the event.
    pub asks: Side,
}

impl Record {
    /// Whether the record is replayed from a snapshot.
    #[must_use]
    pub fn is_snapshot(&self) -> bool {
        self.flags & F_SNAPSHOT != 0
    }

    /// The time at which the record counts: of the event, or of receipt for a snapshot record; none if undefined.
    #[must_use]
    pub fn time(&self) -> Option<i64> {
        let raw = if self.is_snapshot() && self.ts_recv != UNDEF_TIME {
            self.ts_recv
        } else {
            self.ts_event
        };
        i64::try_from(raw).ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::features::testing::record;

    use super::*;

    #[test]
    fn a_snapshot_counts_when_it_was_received_if_that_is_known() {
        let check = |flags, ts_event, ts_recv, expect| {
            let record = Record {
                flags,
                ts_event,
                ts_recv,
                ..record(0)
            };
            assert_eq!(record.time(), expect, "{flags:#x} {ts_event} {ts_recv}");
        };
        check(F_LAST, 5, 9, Some(5));
        check(F_LAST, UNDEF_TIME, 9, None);
        check(F_SNAPSHOT, 5, 9, Some(9));
        check(F_SNAPSHOT, 5, UNDEF_TIME, Some(5));
        check(F_SNAPSHOT, UNDEF_TIME, UNDEF_TIME, None);
    }
}
