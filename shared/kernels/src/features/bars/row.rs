//! Writes the row of a finished bar, family by family in the order of its columns.

use super::events::Counts;
use super::sums::Averages;
use crate::features::band::{BANDS, Bands};
use crate::features::book::{Book, Levels, Measures};
use crate::features::clock::BAR_NS;
use crate::features::numbers::{px, ratio_or_zero};
use crate::features::record::LEVELS;
use crate::features::rows::TableBuilder;
use crate::features::wall::Wall;

/// A bar that is over.
pub(super) struct Finished<'a> {
    pub(super) start: i64,
    pub(super) filled: bool,
    /// The book at its end, with its measures.
    pub(super) book: &'a Book,
    pub(super) end: &'a Measures,
    pub(super) averages: &'a Averages,
    pub(super) counts: &'a Counts,
}

pub(super) fn write_row(rows: &mut TableBuilder, symbol: &str, bands: &Bands, bar: &Finished<'_>) {
    rows.put(bar.start);
    rows.put(symbol.to_owned());
    let priced = bar.end.priced.as_ref();
    rows.put(priced.map(|it| it.micro));
    rows.put(priced.map(|it| it.mid));
    let counts = bar.counts;
    rows.put_all([
        counts.msg,
        counts.clear,
        counts.add,
        counts.cancel,
        counts.modify,
        counts.trades,
    ]);
    write_state(rows, bar);
    write_depth(rows, bar);
    write_ladder(rows, bands, bar.book);
    write_shape(rows, bar.book);
    write_flow(rows, bar);
    rows.put_all([
        counts.trades,
        counts.volume,
        counts.bought,
        counts.sold,
        counts.bought - counts.sold,
    ]);
    write_walls(rows, bands, bar);
    rows.put_all([counts.fill, counts.other, counts.side_none, counts.unsided]);
    rows.put(counts.prices.map(|(high, ..)| px(high)));
    rows.put(counts.prices.map(|(_, low, _)| px(low)));
    rows.put(counts.prices.map(|(.., last)| px(last)));
    rows.put(bar.averages.priced.map(|it| it.micro));
    rows.put(bar.averages.priced_ns as f64 / BAR_NS as f64);
    rows.put(bar.filled);
}

fn write_state(rows: &mut TableBuilder, bar: &Finished<'_>) {
    let (end, averages) = (bar.end, bar.averages);
    rows.put(averages.priced.map(|it| it.spread));
    rows.put(end.priced.map(|it| it.spread));
    rows.put_all([averages.booked.obi0, end.obi0, averages.booked.obi10, end.obi10]);
    for band in 0..BANDS {
        rows.put(averages.priced.map(|it| it.cdi[band]));
        rows.put(end.priced.map(|it| it.cdi[band]));
    }
}

fn write_depth(rows: &mut TableBuilder, bar: &Finished<'_>) {
    let (end, averages) = (bar.end, bar.averages);
    for side in 0..2 {
        rows.put(averages.booked.depth10[side]);
        rows.put(end.depth10[side]);
    }
    for side in 0..2 {
        for band in 0..BANDS {
            rows.put(averages.priced.map(|it| it.depth[side][band]));
            rows.put(
                end.priced
                    .map(|it| if side == 0 { it.below[band] } else { it.above[band] }),
            );
        }
    }
    for side in 0..2 {
        for band in 0..BANDS {
            rows.put(averages.priced.map(|it| it.share[side][band]));
            rows.put(end.priced.map(|it| {
                if side == 0 {
                    it.below_frac[band]
                } else {
                    it.above_frac[band]
                }
            }));
        }
    }
}

/// Largest and mean distance of neighbours that are both there, asks first.
fn write_ladder(rows: &mut TableBuilder, bands: &Bands, book: &Book) {
    let gaps = |side: &Levels| {
        let pairs = (1..LEVELS).filter(|at| side.size[at - 1] > 0 && side.size[*at] > 0);
        let gaps: Vec<i64> = pairs.map(|at| (side.price[at] - side.price[at - 1]).abs()).collect();
        let largest = gaps.iter().max().map(|gap| bands.points(*gap));
        (
            largest,
            largest.map(|_| bands.points(gaps.iter().sum()) / gaps.len() as f64),
        )
    };
    for side in [&book.asks, &book.bids] {
        let (largest, mean) = gaps(side);
        rows.put_all([largest, mean]);
    }
}

fn write_shape(rows: &mut TableBuilder, book: &Book) {
    let sides = [(&book.bids, &book.bid_counts), (&book.asks, &book.ask_counts)];
    for (side, _) in sides {
        rows.put_all((0..LEVELS).map(|at| (side.size[at] > 0).then(|| px(side.price[at]))));
    }
    for (side, _) in sides {
        rows.put_all(side.size.map(i64::from));
    }
    for (_, counts) in sides {
        rows.put_all(counts.map(i64::from));
    }
    let shares = |of: &[u32; LEVELS]| {
        let total: i64 = of.iter().map(|it| i64::from(*it)).sum();
        of.map(|it| ratio_or_zero(f64::from(it), total as f64))
    };
    for (side, _) in sides {
        rows.put_all(shares(&side.size));
    }
    for (_, counts) in sides {
        rows.put_all(shares(counts));
    }
}

fn write_flow(rows: &mut TableBuilder, bar: &Finished<'_>) {
    let flow = &bar.counts.flow;
    let net = flow.net();
    for sums in [
        &flow.added,
        &flow.removed,
        &net,
        &flow.events[0],
        &flow.events[1],
        &flow.events[2],
    ] {
        rows.put_all(sums.iter().flatten().copied());
    }
    for (side, sums) in net.iter().enumerate() {
        for (band, sum) in sums.iter().enumerate() {
            let depth = bar.averages.priced.map_or(0.0, |it| it.depth[side][band]);
            rows.put(*sum as f64 / depth.max(1.0));
        }
    }
}

fn write_walls(rows: &mut TableBuilder, bands: &Bands, bar: &Finished<'_>) {
    let sides = [&bar.book.bids, &bar.book.asks];
    let walls = sides.map(Wall::of);
    let micro = bar.end.priced.map(|it| it.micro);
    let distance = |side: usize| {
        let price = walls[side].strong_price(sides[side])?;
        let away = if side == 0 { micro? - price } else { price - micro? };
        Some(away / bands.pt)
    };
    rows.put_all(walls.map(|wall| wall.max_z));
    rows.put_all(walls.map(|wall| wall.max_index));
    rows.put_all([distance(0), distance(1)]);
    rows.put_all(walls.map(|wall| wall.strong_index));
}
