//! Rows that were not used, in words: the file, the line, and what stands there.
//!
//! Called for one row of each kind at the end of a run, so it reads the row's block again rather than keep any text.

use tickfleet_kernels::scan::cells;
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_protocol::facts::{BlockPart, RowPlace, ScanFacts};

use super::columns::BARS;
use super::error::DataError;
use super::inputs::{BarFile, Block, Inputs, Want};
use super::locate::reopen;
use super::names::Names;
use super::text::TextFile;
use super::text_parse::{cell, records};

/// Why a row was not used (specification: scan, section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFault {
    /// No readable symbol or date.
    Unplaced,
    /// A price is missing, not finite, or not positive.
    BadPrice,
    /// The volume is missing, not finite, or negative.
    BadVolume,
    /// The date is no session.
    GhostSession,
    /// A later valid row has the same symbol and date.
    Duplicate,
}

/// A row in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowNote {
    /// `FILE:LINE`, or `FILE, row N` where there are no lines.
    pub place: String,
    /// What stands there.
    pub why: String,
}

/// Ordinals in [`BARS`].
const SYMBOL: usize = 0;
const DATE: usize = 1;
const PRICES: std::ops::RangeInclusive<usize> = 2..=5;
const VOLUME: usize = 6;

/// Describes a row of the bars.
///
/// # Errors
/// The file can no longer be read.
pub async fn describe(
    inputs: &Inputs,
    facts: &ScanFacts,
    rule: TickerRule,
    place: RowPlace,
    fault: RowFault,
) -> Result<RowNote, DataError> {
    let block = &facts.blocks[place.block as usize];
    let file = inputs.bars(reopen(&facts.files[block.file as usize])?).await?;
    let uri = file.file().facts.uri.clone();
    match (file.as_ref(), block.part) {
        (BarFile::Text(text), BlockPart::Text { start, end, line }) => {
            let bytes = text.read(start..end).await?;
            let (at, cells) = record(text, &bytes, place.row);
            let why = of_cells(&cells, fault);
            Ok(RowNote {
                place: format!("{uri}:{}", line + u64::from(at)),
                why,
            })
        }
        _ => {
            let before = facts.blocks[..place.block as usize]
                .iter()
                .filter(|other| other.file == block.file);
            let row = before.map(|other| u64::from(other.rows)).sum::<u64>() + u64::from(place.row) + 1;
            let decoded = inputs.decode(&inputs.fetch(file, block.part, rule, Want::All).await?)?;
            let why = of_values(inputs.names(), &decoded, place.row as usize, fault);
            Ok(RowNote {
                place: format!("{uri}, row {row}"),
                why,
            })
        }
    }
}

/// Line and cells of one record of a block.
fn record(file: &TextFile, text: &[u8], row: u32) -> (u32, Vec<Option<String>>) {
    let (mut at, mut found) = (0, (0, Vec::new()));
    records(text, |line, record| {
        if at == row {
            let cells =
                (0..BARS.len()).map(|column| cell(record, file.place(column)).map(|text| text.trim().to_owned()));
            found = (line, cells.collect());
        }
        at += 1;
    });
    found
}

fn of_cells(cells: &[Option<String>], fault: RowFault) -> String {
    let text = |column: usize| cells.get(column).and_then(Option::as_deref).unwrap_or("");
    let shown = |column: usize| format!("{} is `{}`", BARS[column].name, shortened(text(column)));
    let positive = |column: usize| cells::number(text(column)).is_some_and(|value| value.is_finite() && value > 0.0);
    match fault {
        RowFault::Unplaced if cells::symbol_text(text(SYMBOL)).is_none() => "symbol is empty".to_owned(),
        RowFault::Unplaced => shown(DATE),
        RowFault::BadPrice => PRICES
            .into_iter()
            .find(|&column| !positive(column))
            .map_or_else(String::new, shown),
        RowFault::BadVolume => shown(VOLUME),
        RowFault::GhostSession | RowFault::Duplicate => format!("{} on {}", text(SYMBOL), text(DATE)),
    }
}

fn of_values(names: &Names, block: &Block, row: usize, fault: RowFault) -> String {
    let keys = &block.keys;
    let shown = |name: &str, value: f64| {
        if value.is_nan() {
            format!("{name} is missing or no number")
        } else {
            format!("{name} is {value}")
        }
    };
    match (fault, &block.prices) {
        (RowFault::BadPrice, Some(prices)) => {
            let columns = [&prices.open, &prices.high, &prices.low, &prices.close];
            let columns_named = PRICES.map(|column| BARS[column].name);
            let found = columns_named
                .zip(columns)
                .find(|(_, values)| values[row].is_nan() || values[row] <= 0.0);
            found.map_or_else(String::new, |(name, values)| shown(name, values[row]))
        }
        (RowFault::BadVolume, _) => shown("volume", keys.volume[row]),
        (RowFault::Unplaced, _) | (RowFault::BadPrice, None) => "symbol or date is missing or unreadable".to_owned(),
        (RowFault::GhostSession | RowFault::Duplicate, _) => {
            let run = keys
                .runs
                .iter()
                .find(|run| (run.start as usize..run.end as usize).contains(&row));
            let name = run.map_or_else(|| "".into(), |run| names.name(run.name));
            format!("{name} on {}", cells::format_date(keys.days[row]))
        }
    }
}

/// The start of a long cell.
fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        text.to_owned()
    } else {
        text.chars().take(MOST).chain(['…']).collect()
    }
}
