//! The universe table: small, read whole, by submit for the plan and by each reduce.

use std::sync::Arc;

use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_kernels::scan::universe::{Universe, UniverseBuilder, UniverseCells};

use super::columns::UNIVERSE;
use super::error::DataError;
use super::file::StoredFile;
use super::small_table::{CellKind, ReadTable, Shape, read_table};

/// Most bytes of a universe, all files together: a row for every listed company on earth takes a tenth of it.
const BYTES_MAX: u64 = 64 << 20;
/// Its columns are those of [`UNIVERSE`].
const SHAPE: Shape = Shape {
    table: "universe",
    columns: &UNIVERSE,
    kinds: &[
        CellKind::Text,
        CellKind::Text,
        CellKind::Text,
        CellKind::Text,
        CellKind::Number,
    ],
    bytes_max: BYTES_MAX,
};

/// Reads a universe from its files, given in input order.
///
/// # Errors
/// Files that cannot be read, missing columns, more than 64 MiB.
pub async fn read_universe(files: &[StoredFile], rule: TickerRule) -> Result<ReadTable<Universe>, DataError> {
    let mut builder = UniverseBuilder::new(rule);
    let facts = read_table(&SHAPE, files, |row| {
        builder.push(&UniverseCells {
            symbol: row.text(0).unwrap_or_default(),
            name: row.text(1),
            sector: row.text(2),
            industry: row.text(3),
            market_cap: row.number(4),
        })
    })
    .await?;
    Ok(ReadTable {
        rows: Arc::new(builder.finish()),
        facts,
    })
}
