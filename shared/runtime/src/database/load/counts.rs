//! What became of the rows of a load: each row that is read is counted once.

use std::ops::AddAssign;

use serde::Serialize;
use tokio_postgres::Row;

use crate::data::inputs::Block;

/// What became of the rows of a load, or of a block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rows that were read: the sum of all others.
    pub read: u64,
    /// New in the table.
    pub inserted: u64,
    /// In place of another row of their symbol and date.
    pub updated: u64,
    /// There already.
    pub unchanged: u64,
    /// Without symbol or date.
    pub unplaced: u64,
    /// With a price that is missing, not finite or not positive.
    pub bad_price: u64,
    /// With a volume that is missing, not finite or negative.
    pub bad_volume: u64,
    /// Followed by another valid row of their symbol and date, in the same piece of a block. A row that is followed by
    /// one in a later piece is inserted first and updated then.
    pub duplicate: u64,
}

impl Counts {
    /// Rows that are in the table now.
    #[must_use]
    pub fn loaded(&self) -> u64 {
        self.inserted + self.updated + self.unchanged
    }

    /// As the ledger keeps them.
    pub(super) fn columns(&self) -> [i64; 8] {
        let all = [
            self.read,
            self.inserted,
            self.updated,
            self.unchanged,
            self.unplaced,
            self.bad_price,
            self.bad_volume,
            self.duplicate,
        ];
        all.map(|count| i64::try_from(count).expect("a block has fewer than 2^32 rows"))
    }

    fn of_columns(columns: [i64; 8]) -> Self {
        let count = |at: usize| u64::try_from(columns[at]).unwrap_or(0);
        Self {
            read: count(0),
            inserted: count(1),
            updated: count(2),
            unchanged: count(3),
            unplaced: count(4),
            bad_price: count(5),
            bad_volume: count(6),
            duplicate: count(7),
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        let (mine, others) = (self.columns(), other.columns());
        *self = Self::of_columns(std::array::from_fn(|at| mine[at] + others[at]));
    }
}

/// Which rows of a block go into the table, and why the others do not.
pub(super) struct Valid {
    /// (row, number of its symbol), in row order.
    pub(super) rows: Vec<(u32, u32)>,
    /// All rows of the block but those that a load has counted: what is rejected here.
    pub(super) counts: Counts,
}

impl Valid {
    pub(super) fn of(block: &Block) -> Self {
        let keys = &block.keys;
        let prices = block.prices.as_ref().expect("a load reads prices");
        let mut counts = Counts {
            read: keys.rows() as u64,
            unplaced: (keys.rows() - keys.placed()) as u64,
            ..Counts::default()
        };
        let mut rows = Vec::with_capacity(keys.placed());
        for run in &keys.runs {
            for row in run.start..run.end {
                let at = row as usize;
                let ohlc = [prices.open[at], prices.high[at], prices.low[at], prices.close[at]];
                let volume = keys.volume[at];
                if !ohlc.iter().all(|price| price.is_finite() && *price > 0.0) {
                    counts.bad_price += 1;
                } else if !(volume.is_finite() && volume >= 0.0) {
                    counts.bad_volume += 1;
                } else {
                    rows.push((row, run.name));
                }
            }
        }
        rows.sort_unstable();
        Self { rows, counts }
    }
}

/// The counts of a line of the ledger.
pub(super) fn counts_of(row: &Row) -> Option<Counts> {
    let columns: Vec<i64> = row.try_get(0).ok()?;
    Some(Counts::of_columns(columns.try_into().ok()?))
}
