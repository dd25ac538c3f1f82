//! Where to cut: by count when asked, else by cost measured on the benchmark machine.

use crate::facts::ScanFacts;

/// CPU to fetch and decode one bar of all columns, nanoseconds (`tests/bench` measures it).
pub const COST_PER_ROW_NS: u64 = 50;
/// CPU to compute one symbol's indicators on one as-of date, nanoseconds (`tests/bench` measures it).
pub const COST_PER_WINDOW_NS: u64 = 8_000;
/// CPU that an automatic shard aims at, nanoseconds: long against the queue's overhead, short against a run.
pub const SHARD_TARGET_NS: u64 = 25_000_000;

/// Most windows of one symbol in one job, so that a symbol with decades of dates still makes several jobs.
const WINDOWS_PER_SYMBOL_MAX: usize = 1_000;
/// A cut within this fraction of the target moves to the block boundary, so that two jobs seldom read one block.
const ALIGN_FROM: f64 = 0.6;

/// Dates per job: as many as possible, in chunks of equal size.
pub(super) fn dates_per_job(dates: usize) -> usize {
    let chunks = dates.div_ceil(WINDOWS_PER_SYMBOL_MAX).max(1);
    dates.div_ceil(chunks).max(1)
}

/// Shards of `size` symbols.
pub(super) fn by_count(symbols: usize, size: usize) -> Vec<usize> {
    (1..=symbols.div_ceil(size))
        .map(|shard| (shard * size).min(symbols))
        .collect()
}

/// Shards of about [`SHARD_TARGET_NS`], cut where the next symbol begins another block if that is near.
///
/// Where blocks are ordered by date, every job reads every block: then reading dominates and fewer, larger shards win,
/// so the cost of a job counts the whole blocks that it reads.
pub(super) fn by_cost(facts: &ScanFacts, dates: usize) -> Vec<usize> {
    let target = SHARD_TARGET_NS.max(shared_read_ns(facts));
    let windows = dates as u64 * COST_PER_WINDOW_NS;
    let (mut ends, mut cost) = (Vec::new(), 0u64);
    for (position, &ordinal) in facts.mapped.iter().enumerate() {
        let symbol = &facts.symbols[ordinal as usize];
        let next = u64::from(symbol.rows) * COST_PER_ROW_NS + windows;
        let before = position
            .checked_sub(1)
            .map(|p| facts.symbols[facts.mapped[p] as usize].block);
        let new_block = before.is_some_and(|block| block != symbol.block);
        if cost > 0 && (cost + next > target || (new_block && cost as f64 >= ALIGN_FROM * target as f64)) {
            ends.push(position);
            cost = 0;
        }
        cost += next;
    }
    if !facts.mapped.is_empty() {
        ends.push(facts.mapped.len());
    }
    ends
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
