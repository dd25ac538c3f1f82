//! What a job needs of a block: the whole of it, or copies of the rows of its own symbols. Read next: [`super::gather`].

use std::sync::Arc;

use arrow::buffer::ScalarBuffer;

use super::block::{Keys, Prices, Run};
use super::inputs::Block;
use super::names::Names;

/// The symbols that a job asks for, by their numbers.
#[derive(Debug)]
pub struct Wanted {
    /// For each number, the place among the symbols asked for.
    places: Vec<Option<u32>>,
    pub(super) count: usize,
}

impl Wanted {
    /// The symbols of a job, in their order.
    pub fn new(names: &Names, symbols: &[&str]) -> Self {
        let mut places = Vec::new();
        for (place, symbol) in (0u32..).zip(symbols) {
            // A symbol without a number is in no block.
            let Some(id) = names.find(symbol) else { continue };
            if places.len() <= id as usize {
                places.resize(id as usize + 1, None);
            }
            places[id as usize] = Some(place);
        }
        let count = symbols.len();
        Self { places, count }
    }

    pub(super) fn index(&self, name: u32) -> Option<u32> {
        self.places.get(name as usize).copied().flatten()
    }
}

/// A block's rows in memory: all of them, or copies of those that a job wants.
#[derive(Debug)]
pub struct LoadedBlock {
    pub(super) ordinal: u32,
    pub(super) block: Block,
    /// Rows in the file, where only some were kept.
    pub(super) rows: Option<Vec<u32>>,
}

impl LoadedBlock {
    /// A block as decoded, with its ordinal in the run's facts.
    pub fn whole(ordinal: u32, block: Block) -> Self {
        Self {
            ordinal,
            block,
            rows: None,
        }
    }

    /// What a job needs of a block. Where that is less than half of it, the rows are copied and the block
    /// can go: blocks ordered by date hold a little of every symbol, and a job reads all of them.
    pub fn select(ordinal: u32, block: Block, symbols: &Wanted) -> Self {
        let keys = &block.keys;
        let runs: Vec<Run> = keys
            .runs
            .iter()
            .filter(|run| symbols.index(run.name).is_some())
            .copied()
            .collect();
        let rows: Vec<u32> = runs.iter().flat_map(|run| run.start..run.end).collect();
        if rows.len() * 2 >= keys.rows() {
            return Self::whole(ordinal, block);
        }
        let mut start = 0;
        let runs = runs.iter().map(|run| {
            let end = start + (run.end - run.start);
            let moved = Run {
                name: run.name,
                start,
                end,
            };
            start = end;
            moved
        });
        let keys = Keys {
            runs: runs.collect(),
            days: rows.iter().map(|&row| keys.days[row as usize]).collect(),
            volume: rows.iter().map(|&row| keys.volume[row as usize]).collect(),
            first_unplaced: None,
            lines: Vec::new(),
        };
        let pick = |values: &ScalarBuffer<f64>| rows.iter().map(|&row| values[row as usize]).collect();
        let prices = block.prices.as_ref().map(|prices| {
            Arc::new(Prices {
                open: pick(&prices.open),
                high: pick(&prices.high),
                low: pick(&prices.low),
                close: pick(&prices.close),
                adj_close: prices.adj_close.as_ref().map(pick),
            })
        });
        let block = Block {
            keys: Arc::new(keys),
            prices,
        };
        Self {
            ordinal,
            block,
            rows: Some(rows),
        }
    }
}
