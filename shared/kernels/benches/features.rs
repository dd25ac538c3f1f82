//! How many records a second the bars' kernel takes, from records in memory, on one core; its answer is checked first.
//!
//! `cargo bench -p tickfleet-kernels --bench features` prints the best and the median of some passes. The records are
//! made up: adds, cancels and trades on the ten levels of a book a quarter point apart, 60 a second.

use std::time::Instant;

use tickfleet_kernels::features::bars::{BarKernel, Day, DayOptions};
use tickfleet_kernels::features::record::{F_LAST, LEVELS, Record, Side};
use tickfleet_kernels::table::Column;

const RECORDS: usize = 400_000;
const PASSES: usize = 9;
const TICK: i64 = 250_000_000;

fn main() {
    let records = records();
    check(&records, &pass(&records));
    let mut seconds: Vec<f64> = (0..PASSES)
        .map(|_| {
            let start = Instant::now();
            let day = pass(&records);
            let took = start.elapsed().as_secs_f64();
            assert!(day.bars.rows() > 0, "the day has bars");
            took
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    let rate = |seconds: f64| RECORDS as f64 / seconds / 1e6;
    println!(
        "bars from records in memory, 1 core: best {:.2}, median {:.2} million records/s",
        rate(seconds[0]),
        rate(seconds[PASSES / 2])
    );
}

fn pass(records: &[Record]) -> Day {
    let options = DayOptions {
        symbol: "S".into(),
        point: 4 * TICK,
        tick: TICK,
        windows: None,
    };
    let mut kernel = BarKernel::new(&options);
    kernel.push_all(records);
    kernel.finish()
}

/// Holds the bars against sums over the records themselves.
fn check(records: &[Record], day: &Day) {
    let total = |name: &str| day.bars.i64s(name).iter().flatten().sum::<i64>();
    let of = |action: u8| records.iter().filter(move |it| it.action == action);
    let count = |n: usize| i64::try_from(n).expect("there are few records");
    assert_eq!(
        total("bar5s_meta_msg_cnt_sum"),
        count(records.len()),
        "every record is counted"
    );
    assert_eq!(total("bar5s_meta_add_cnt_sum"), count(of(b'A').count()), "adds");
    let traded: i64 = of(b'T').map(|it| i64::from(it.size)).sum();
    assert_eq!(total("bar5s_trade_vol_sum"), traded, "traded volume");
    let last = records.last().expect("there are records");
    let sizes = day.bars.i64s("bar5s_shape_ask_sz_l03_eob");
    assert_eq!(
        sizes.last(),
        Some(&Some(i64::from(last.asks.size[3]))),
        "the last book stands"
    );
    assert!(matches!(day.bars.column("bar5s_meta_is_filled"), Some(Column::Bool(_))));
}

/// A book that is added to, cancelled from and traded with; the price moves a tick now and then.
fn records() -> Vec<Record> {
    let (mut state, mut time, mut bid) = (9_u64, 1_757_322_000_000_000_000_u64, 20_000_i64);
    let mut draw = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut sizes = [[40_u32; LEVELS]; 2];
    let mut records = Vec::with_capacity(RECORDS);
    for sequence in 0..RECORDS {
        time += draw(33_000_000);
        if draw(40) == 0 {
            bid += if draw(2) == 0 { 1 } else { -1 };
        }
        let at = usize::try_from(draw(10).min(draw(10))).expect("a level");
        let side = usize::from(draw(2) == 0);
        let change = u32::try_from(1 + draw(9)).expect("a size");
        let size = &mut sizes[side][at];
        let action = match draw(20) {
            0 => b'T',
            _ if *size > 80 || (*size > 10 && draw(2) == 0) => b'C',
            _ => b'A',
        };
        match action {
            b'A' => *size += change,
            b'C' => *size -= change,
            _ => {}
        }
        let step = i64::try_from(at).expect("a level");
        let price = if side == 0 { bid - step } else { bid + 1 + step } * TICK;
        records.push(Record {
            ts_event: time,
            ts_recv: time,
            sequence: u32::try_from(sequence).expect("a sequence"),
            price,
            size: change,
            action,
            side: if side == 0 { b'B' } else { b'A' },
            flags: F_LAST,
            publisher: 1,
            instrument: 1,
            bids: book_side(bid, -1, sizes[0]),
            asks: book_side(bid + 1, 1, sizes[1]),
        });
    }
    records
}

fn book_side(best: i64, step: i64, size: [u32; LEVELS]) -> Side {
    let mut price = [0; LEVELS];
    let mut next = best;
    for it in &mut price {
        *it = next * TICK;
        next += step;
    }
    Side {
        price,
        size,
        count: size.map(|size| 1 + size / 8),
    }
}
