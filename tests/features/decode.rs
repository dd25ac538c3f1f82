//! Decodes DBN files for the suite. The files are known ones: whatever is wrong with them is a panic.

use std::path::Path;

use dbn::Mbp10Msg;
use dbn::decode::DecodeRecord;
use dbn::decode::dbn::Decoder;
use tickfleet_kernels::features::record::{LEVELS, Record, Side};

/// The first bytes of every zstd frame.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// All MBP-10 records of a file, in its order.
///
/// # Panics
/// When the file can't be read or holds other records.
#[track_caller]
pub(crate) fn records(path: &Path) -> Vec<Record> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("can't read {}: {error}", path.display()));
    let plain = if bytes.starts_with(&ZSTD_MAGIC) {
        zstd::decode_all(bytes.as_slice()).expect("the file is zstd")
    } else {
        bytes
    };
    let mut decoder = Decoder::new(plain.as_slice()).expect("the file is DBN");
    let mut records = Vec::new();
    while let Some(message) = decoder
        .decode_record::<Mbp10Msg>()
        .expect("the file holds MBP-10 records")
    {
        records.push(record(message));
    }
    records
}

fn record(message: &Mbp10Msg) -> Record {
    let (mut bids, mut asks) = (Side::EMPTY, Side::EMPTY);
    for at in 0..LEVELS {
        let level = &message.levels[at];
        (bids.price[at], bids.size[at], bids.count[at]) = (level.bid_px, level.bid_sz, level.bid_ct);
        (asks.price[at], asks.size[at], asks.count[at]) = (level.ask_px, level.ask_sz, level.ask_ct);
    }
    Record {
        ts_event: message.hd.ts_event,
        ts_recv: message.ts_recv,
        sequence: message.sequence,
        price: message.price,
        size: message.size,
        action: message.action.to_ne_bytes()[0],
        side: message.side.to_ne_bytes()[0],
        flags: message.flags.raw(),
        publisher: message.hd.publisher_id,
        instrument: message.hd.instrument_id,
        bids,
        asks,
    }
}
