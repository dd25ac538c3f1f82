//! What is wrong with the sample, on purpose: each rule of the scan's row hygiene has rows to find.
//!
//! Only adds, removes and spoils rows of one symbol; never moves a price of a good row. Read next: `write`.

use super::bar::Bar;
use super::listing::Listing;
use super::random::{Purpose, Random};

/// The bars as a careless collector would have stored them, ordered by date.
pub(super) fn soil(seed: u64, listing: &Listing, mut bars: Vec<Bar>, ghosts: &[i32]) -> Vec<Bar> {
    let mut random = Random::new(seed, Purpose::Dirt, listing.index);
    if random.chance(0.012) {
        halt(&mut random, &mut bars);
    }
    if random.chance(0.004) {
        bars.iter_mut().for_each(|bar| bar.adj_close = None);
    }
    if random.chance(0.03) {
        spoil(&mut random, &mut bars);
    }
    if random.chance(0.012) {
        duplicate(&mut random, &mut bars);
    }
    for &date in ghosts {
        if random.chance(0.0015) {
            haunt(&mut bars, date);
        }
    }
    bars
}

/// Removes some sessions in a row.
fn halt(random: &mut Random, bars: &mut Vec<Bar>) {
    let length = 3 + random.below(28);
    if bars.len() > 2 * length {
        let first = 1 + random.below(bars.len() - length - 1);
        bars.drain(first..first + length);
    }
}

/// Makes one row invalid, or its high too low.
fn spoil(random: &mut Random, bars: &mut [Bar]) {
    if bars.is_empty() {
        return;
    }
    let at = random.below(bars.len());
    let bar = &mut bars[at];
    match random.below(3) {
        0 => (bar.open, bar.close) = (0.0, 0.0),
        1 => bar.volume = None,
        _ => bar.high = bar.close * 0.98,
    }
}

/// Puts an earlier, slightly different report of a session before the final one.
fn duplicate(random: &mut Random, bars: &mut Vec<Bar>) {
    if bars.is_empty() {
        return;
    }
    let at = random.below(bars.len());
    let early = Bar {
        close: bars[at].open,
        volume: bars[at].volume.map(|volume| volume / 2),
        ..bars[at]
    };
    bars.insert(at, early);
}

/// Adds a row on a holiday that repeats the last close.
fn haunt(bars: &mut Vec<Bar>, date: i32) {
    let at = bars.partition_point(|bar| bar.date < date);
    let Some(before) = at.checked_sub(1).map(|at| bars[at]).filter(|_| at < bars.len()) else {
        return;
    };
    let close = before.close;
    bars.insert(
        at,
        Bar {
            date,
            open: close,
            high: close,
            low: close,
            volume: Some(0),
            ..before
        },
    );
}
