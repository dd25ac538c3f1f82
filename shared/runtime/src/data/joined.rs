//! The tables that are joined to the scored rows of a date: fundamentals, events, predictions.

use std::sync::Arc;

use tickfleet_kernels::scan::events::{EventCells, Events, EventsBuilder};
use tickfleet_kernels::scan::fundamentals::{FIGURES, Figures, Fundamentals, FundamentalsBuilder, Published};
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_kernels::scan::predictions::{Prediction, Predictions, PredictionsBuilder};
use tickfleet_protocol::facts::{JoinedFacts, TableFacts};

use super::columns::{EVENTS, FUNDAMENTALS, PREDICTIONS};
use super::error::DataError;
use super::file::StoredFile;
use super::locate::reopen;
use super::small_table::{CellKind, DateCell, ReadTable, Shape, read_table};

/// Most bytes of one of these tables, all files together: decades of filings of every US company.
const BYTES_MAX: u64 = 256 << 20;

const FUNDAMENTALS_SHAPE: Shape = Shape {
    table: "fundamentals",
    columns: &FUNDAMENTALS,
    kinds: &{
        let mut kinds = [CellKind::Number; FUNDAMENTALS.len()];
        kinds[0] = CellKind::Text;
        kinds[1] = CellKind::Date;
        kinds
    },
    bytes_max: BYTES_MAX,
};
const EVENTS_SHAPE: Shape = Shape {
    table: "events",
    columns: &EVENTS,
    kinds: &[
        CellKind::Text,
        CellKind::Date,
        CellKind::Text,
        CellKind::Number,
        CellKind::Date,
    ],
    bytes_max: BYTES_MAX,
};
const PREDICTIONS_SHAPE: Shape = Shape {
    table: "predictions",
    columns: &PREDICTIONS,
    kinds: &[
        CellKind::Text,
        CellKind::Date,
        CellKind::Number,
        CellKind::Number,
        CellKind::Number,
    ],
    bytes_max: BYTES_MAX,
};

/// The tables of a run; those that were not given are absent.
#[derive(Debug, Clone, Default)]
pub struct Joined {
    /// Fundamentals.
    pub fundamentals: Option<Arc<Fundamentals>>,
    /// Events.
    pub events: Option<Arc<Events>>,
    /// Predictions.
    pub predictions: Option<Arc<Predictions>>,
}

impl Joined {
    /// Reads the tables of a run as they were at its submission.
    ///
    /// # Errors
    /// A table that changed since, or can no longer be read.
    pub async fn reread(facts: &JoinedFacts, rule: TickerRule) -> Result<Self, DataError> {
        let mut joined = Self::default();
        if let Some(table) = &facts.fundamentals {
            joined.fundamentals = Some(read_fundamentals(&reopened(table)?, rule).await?.rows);
        }
        if let Some(table) = &facts.events {
            joined.events = Some(read_events(&reopened(table)?, rule).await?.rows);
        }
        if let Some(table) = &facts.predictions {
            joined.predictions = Some(read_predictions(&reopened(table)?, rule).await?.rows);
        }
        Ok(joined)
    }
}

fn reopened(table: &TableFacts) -> Result<Vec<StoredFile>, DataError> {
    table.files.iter().map(reopen).collect()
}

/// Reads fundamentals from their files, given in input order.
///
/// # Errors
/// Files that cannot be read, missing columns, more than 256 MiB or two million rows.
pub async fn read_fundamentals(files: &[StoredFile], rule: TickerRule) -> Result<ReadTable<Fundamentals>, DataError> {
    let mut builder = FundamentalsBuilder::new(rule);
    let facts = read_table(&FUNDAMENTALS_SHAPE, files, |row| {
        let published = match row.date(1) {
            DateCell::Missing => Published::Always,
            DateCell::Day(day) => Published::On(day),
            DateCell::Unreadable => Published::Unreadable,
        };
        let figures = Figures::from_cells((0..FIGURES.len()).map(|figure| row.number(2 + figure)));
        builder.push(row.text(0).unwrap_or_default(), published, figures)
    })
    .await?;
    Ok(ReadTable {
        rows: Arc::new(builder.finish()),
        facts,
    })
}

/// Reads events from their files, given in input order.
///
/// # Errors
/// As [`read_fundamentals`].
pub async fn read_events(files: &[StoredFile], rule: TickerRule) -> Result<ReadTable<Events>, DataError> {
    let mut builder = EventsBuilder::new(rule);
    let facts = read_table(&EVENTS_SHAPE, files, |row| {
        builder.push(&EventCells {
            symbol: row.text(0).unwrap_or_default(),
            day: row.day(1),
            kind: row.text(2),
            surprise: row.number(3),
            announced_on: row.day(4),
        })
    })
    .await?;
    Ok(ReadTable {
        rows: Arc::new(builder.finish()),
        facts,
    })
}

/// Reads predictions from their files, given in input order.
///
/// # Errors
/// As [`read_fundamentals`].
pub async fn read_predictions(files: &[StoredFile], rule: TickerRule) -> Result<ReadTable<Predictions>, DataError> {
    let mut builder = PredictionsBuilder::new(rule);
    let facts = read_table(&PREDICTIONS_SHAPE, files, |row| {
        let prediction = Prediction::new(row.number(2), row.number(3), row.number(4));
        builder.push(row.text(0).unwrap_or_default(), row.day(1), prediction)
    })
    .await?;
    Ok(ReadTable {
        rows: Arc::new(builder.finish()),
        facts,
    })
}
