//! Where to cut: by count when asked, else by cost measured on the benchmark machine.
//!
//! Cuts by cost are stable: they lie where the symbols' names say, and the rows of a symbol decide only whether the
//! shard that holds it is cut once more. So a result stays usable when another symbol's rows change.

use std::ops::Range;

use crate::digest::digest_of;
use crate::facts::ScanFacts;

/// CPU to fetch and decode one bar of all columns, nanoseconds (`tests/bench` measures it).
pub const COST_PER_ROW_NS: u64 = 50;
/// CPU to compute one symbol's indicators on one as-of date, nanoseconds (`tests/bench` measures it).
pub const COST_PER_WINDOW_NS: u64 = 8_000;
/// Most CPU of an automatic shard of several symbols, nanoseconds: long against the queue's overhead, short against a
/// run.
pub const SHARD_TARGET_NS: u64 = 25_000_000;

/// Map results of one chunk of dates, bytes: a reduce reads those of its whole chunk, and neighbours share them while they
/// are in memory.
const CHUNK_BYTES: usize = 24 << 20;
/// A map row as published, about, bytes.
const MAP_ROW_BYTES: usize = 512;
/// A range is cut between these eighths of its symbols: wide enough to find a block boundary and to let names decide,
/// narrow enough that no part is much the larger.
const CUT_FROM_EIGHTHS: usize = 3;
const CUT_TO_EIGHTHS: usize = 5;

/// Dates per job: as many as [`CHUNK_BYTES`] allow of a stage's results, a power of two, so that a few symbols more or
/// less leave the cuts where they are.
pub(super) fn dates_per_job(dates: usize, symbols: usize) -> usize {
    let fit = CHUNK_BYTES / (symbols.max(1) * MAP_ROW_BYTES);
    let most = if fit == 0 { 1 } else { 1 << fit.ilog2() };
    dates.clamp(1, most)
}

/// Shards of `size` symbols.
pub(super) fn by_count(symbols: usize, size: usize) -> Vec<usize> {
    (1..=symbols.div_ceil(size))
        .map(|shard| (shard * size).min(symbols))
        .collect()
}

/// Shards of at most [`SHARD_TARGET_NS`], cut where a symbol begins another block if there is such a place.
///
/// Where blocks are ordered by date, every job reads every block: then reading dominates and fewer, larger shards win,
/// so the cost of a job counts the whole blocks that it reads.
pub(super) fn by_cost(facts: &ScanFacts, dates: usize) -> Vec<usize> {
    let symbols = facts.mapped.len();
    if symbols == 0 {
        return Vec::new();
    }
    let windows_ns = dates as u64 * COST_PER_WINDOW_NS;
    let costs = facts.mapped.iter().scan(0u64, |sum, &ordinal| {
        let rows = u64::from(facts.symbols[ordinal as usize].rows);
        *sum += rows * COST_PER_ROW_NS + windows_ns;
        Some(*sum)
    });
    let bisection = Bisection {
        facts,
        cost_to: std::iter::once(0).chain(costs).collect(),
        target: SHARD_TARGET_NS.max(coarse(shared_read_ns(facts))),
    };
    let mut ends = Vec::new();
    bisection.cut(0..symbols, &mut ends);
    ends
}

/// Cuts ranges of mapped symbols in two until each costs no more than the target.
struct Bisection<'a> {
    facts: &'a ScanFacts,
    /// Cost of the symbols before each position.
    cost_to: Vec<u64>,
    target: u64,
}

impl Bisection<'_> {
    /// Appends the ends of the range's shards. The range is halved at each step, so the depth is a logarithm.
    fn cut(&self, range: Range<usize>, ends: &mut Vec<usize>) {
        let cost = self.cost_to[range.end] - self.cost_to[range.start];
        if range.len() == 1 || cost <= self.target {
            ends.push(range.end);
            return;
        }
        let middle = self.middle(&range);
        self.cut(range.start..middle, ends);
        self.cut(middle..range.end, ends);
    }

    /// Where to cut a range of two symbols or more. Costs have no say in it, so that rows move no cut; names have, so
    /// that a symbol which comes or goes seldom moves one.
    fn middle(&self, range: &Range<usize>) -> usize {
        let first = (range.len() * CUT_FROM_EIGHTHS / 8).max(1);
        let last = (range.len() * CUT_TO_EIGHTHS / 8).max(first);
        let places = range.start + first..=range.start + last;
        let middle = places.min_by_key(|&place| (!self.begins_block(place), self.name_hash(place)));
        middle.expect("two symbols have a place between them")
    }

    /// Whether the symbol at a place begins in another block than the one before it: then two jobs seldom read one block.
    fn begins_block(&self, place: usize) -> bool {
        let block = |place: usize| self.facts.symbols[self.facts.mapped[place] as usize].block;
        block(place) != block(place - 1)
    }

    fn name_hash(&self, place: usize) -> [u8; 32] {
        let symbol = &self.facts.symbols[self.facts.mapped[place] as usize];
        digest_of(symbol.symbol.as_bytes()).0
    }
}

/// CPU to read, once, the blocks that overlap in symbols with the block before them: what each further job repeats.
fn shared_read_ns(facts: &ScanFacts) -> u64 {
    let mut shared_rows = 0u64;
    let mut highest: Option<u32> = None;
    for block in &facts.blocks {
        let Some((low, high)) = block.symbols else { continue };
        if highest.is_some_and(|highest| low < highest) {
            shared_rows += u64::from(block.rows);
        }
        highest = highest.max(Some(high));
    }
    shared_rows * COST_PER_ROW_NS
}

/// The number with its three leading bits, rounded up: a few rows more or less seldom change it.
fn coarse(ns: u64) -> u64 {
    let step = 1u64 << ns.checked_ilog2().unwrap_or(0).saturating_sub(2);
    ns.div_ceil(step).saturating_mul(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarse_numbers_are_a_little_larger() {
        for (ns, expect) in [
            (0, 0),
            (1, 1),
            (7, 7),
            (9, 10),
            (1_000, 1_024),
            (1_025, 1_280),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(coarse(ns), expect, "{ns}");
        }
    }
}
