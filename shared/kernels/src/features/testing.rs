//! Records for the tests of the kernels.

use proptest::prelude::*;

use super::record::{F_LAST, F_SNAPSHOT, LEVELS, Record, Side, UNDEF_PRICE, UNDEF_SIZE};

/// A point, 1e-9 units.
pub(crate) const POINT: i64 = 1_000_000_000;

/// Sets one level of a side, one order in it.
pub(crate) fn with_level(side: &mut Side, at: usize, price: i64, size: u32) {
    side.price[at] = price;
    side.size[at] = size;
    side.count[at] = 1;
}

/// A fill at `time` with bids 99 and 98, asks 101 and 102, all of size 10.
pub(crate) fn record(time: u64) -> Record {
    let (mut bids, mut asks) = (Side::EMPTY, Side::EMPTY);
    for (at, step) in [(0, 1), (1, 2)] {
        with_level(&mut bids, at, (100 - step) * POINT, 10);
        with_level(&mut asks, at, (100 + step) * POINT, 10);
    }
    Record {
        ts_event: time,
        ts_recv: time,
        sequence: 0,
        price: UNDEF_PRICE,
        size: 0,
        action: b'F',
        side: b'N',
        flags: F_LAST,
        publisher: 1,
        instrument: 1,
        bids,
        asks,
    }
}

/// A trade.
pub(crate) fn trade(time: i64, price: i64, size: u32, side: u8) -> Record {
    let time = u64::try_from(time).unwrap();
    Record {
        action: b'T',
        price,
        size,
        side,
        ..record(time)
    }
}

/// An event on a side's level: the level has `size` after it.
pub(crate) fn event(time: u64, action: u8, side: u8, level: usize, size: u32) -> Record {
    let mut it = Record {
        action,
        side,
        ..record(time)
    };
    let levels = if side == b'B' { &mut it.bids } else { &mut it.asks };
    levels.size[level] = size;
    it.price = levels.price[level];
    it
}

/// Days of records in ascending time: every action and side, books of every class, snapshots, absent values.
pub(crate) fn days() -> impl Strategy<Value = Vec<Record>> {
    prop::collection::vec((gaps(), kinds(), side(true), side(false)), 1..60).prop_map(|parts| {
        let mut time = 1_000_000_000_000_u64;
        let mut day = Vec::new();
        for (gap, (action, side, flags, price, size), bids, asks) in parts {
            time += gap;
            day.push(Record {
                action,
                side,
                flags,
                price,
                size,
                bids,
                asks,
                ..record(time)
            });
        }
        day
    })
}

fn gaps() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(0),
        5 => 1..900_000_000_u64,
        2 => 1_000_000_000..12_000_000_000_u64,
        1 => Just(5_000_000_000),
    ]
}

fn kinds() -> impl Strategy<Value = (u8, u8, u8, i64, u32)> {
    let action = prop::sample::select(b"AAACCMMTTTFRN".to_vec());
    let side = prop::sample::select(b"AAABBBN".to_vec());
    let flags = prop::sample::select(vec![F_LAST, F_LAST, F_LAST, 0, 0, F_LAST | F_SNAPSHOT]);
    let price = prop_oneof![9 => (85..115_i64).prop_map(|p| p * POINT), 1 => Just(UNDEF_PRICE)];
    let size = prop_oneof![9 => 0..60_u32, 1 => Just(UNDEF_SIZE)];
    (action, side, flags, price, size)
}

fn side(bid: bool) -> impl Strategy<Value = Side> {
    let level = prop_oneof![8 => 1..90_u32, 1 => Just(0), 1 => Just(UNDEF_SIZE)];
    (0..=LEVELS, 0..3_i64, prop::array::uniform10(level)).prop_map(move |(depth, from, sizes)| {
        let mut side = Side::EMPTY;
        for (at, size) in sizes.into_iter().enumerate().take(depth) {
            let step = from + i64::try_from(at).unwrap();
            with_level(&mut side, at, if bid { 100 - step } else { 100 + step } * POINT, size);
        }
        side
    })
}
