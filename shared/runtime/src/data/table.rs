//! Daily bars from a database: ranges of a table's symbols as files of one block each.
//!
//! A range is read as PostgreSQL's binary rows in the order of symbol and date, so the same rows are the same bytes, and
//! their digest is their version. Two rows of one symbol and date are refused: a table has no order that would say which
//! one is the last. Read next: [`crate::database::ranges`].

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::buffer::ScalarBuffer;
use bytes::Bytes;
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_kernels::scan::{cells, ticker};
use tickfleet_protocol::facts::{BlockPart, FileFacts, FileFormat};

use super::block::{Keys, Prices, RunBuilder};
use super::error::DataError;
use super::file::StoredFile;
use super::inputs::{BarFile, Inputs, Want};
use super::names::Names;
use crate::database::{DatabaseError, TableName, ranges, wire};
use crate::pool::Pool;

/// A range of a table.
#[derive(Debug)]
pub struct TableRange {
    /// Its name, rows and version.
    pub file: StoredFile,
}

/// The ranges of a table.
///
/// # Errors
/// The database cannot be read, or the table is none of bars.
pub(super) async fn locate(table: &'static str, uri: &str) -> Result<Vec<StoredFile>, DataError> {
    if table != "bars" {
        let uri = TableName::parse(uri)?.0.to_string();
        return Err(DataError::OnlyBars { table, uri });
    }
    let found = ranges::ranges(uri).await?;
    let file = |range: ranges::Range| {
        StoredFile::of_table(FileFacts {
            uri: range.name.to_string(),
            size: range.rows,
            version: String::new(),
            format: FileFormat::Database,
            hive: Vec::new(),
        })
    };
    Ok(found.into_iter().map(file).collect())
}

impl TableRange {
    /// What the bytes of a range mean.
    pub(super) const LAYOUT: &str = "rows of symbol, date, open, high, low, close, volume, adj_close";

    /// Reads the rows.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(super) async fn read(&self) -> Result<Bytes, DataError> {
        ranges::read(&self.file.facts.uri).await
    }

    /// Decodes rows.
    ///
    /// # Errors
    /// Damaged rows, two rows of one key.
    pub(super) fn decode(&self, rows: &[u8], names: &Names, rule: TickerRule) -> Result<(Keys, Prices), DataError> {
        let mut runs = RunBuilder::default();
        let mut days = Vec::new();
        let mut numbers: [Vec<f64>; 6] = Default::default();
        let (mut row, mut last) = (0u32, None::<(&str, Option<u32>)>);
        let read = wire::read(rows, |cells_of| {
            let id = match last {
                Some((symbol, id)) if symbol == cells_of.symbol => id,
                _ => named(cells_of.symbol, names, rule),
            };
            last = Some((cells_of.symbol, id));
            runs.push(id, row, row + 1);
            days.push(cells_of.day);
            for (values, value) in numbers.iter_mut().zip(cells_of.numbers) {
                values.push(value.unwrap_or(f64::NAN));
            }
            row += 1;
        });
        read.map_err(|why| DatabaseError::Damaged {
            uri: self.file.facts.uri.clone(),
            why,
        })?;
        let [open, high, low, close, volume, adj_close] = numbers.map(ScalarBuffer::from);
        let keys = runs.finish(days, volume, Vec::new());
        self.check_keys(&keys, names)?;
        let adj_close = Some(adj_close);
        Ok((
            keys,
            Prices {
                open,
                high,
                low,
                close,
                adj_close,
            },
        ))
    }

    /// Refuses two rows of one symbol and date, however the symbol is spelled.
    fn check_keys(&self, keys: &Keys, names: &Names) -> Result<(), DataError> {
        let rows = |run: &super::block::Run| run.start as usize..run.end as usize;
        let mut seen: Vec<(u32, i32)> = keys
            .runs
            .iter()
            .flat_map(|run| keys.days[rows(run)].iter().map(|&day| (run.name, day)))
            .collect();
        seen.sort_unstable();
        match seen.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some(pair) => Err(DataError::Database(DatabaseError::Duplicate {
                uri: self.file.facts.uri.clone(),
                symbol: names.name(pair[0].0).as_ref().to_owned(),
                day: pair[0].1,
            })),
        }
    }
}

/// Symbols of a table by the ranges that have them. Two spellings of one symbol may fall into different ranges.
#[derive(Debug, Default)]
pub(super) struct Spellings(HashMap<u32, Vec<u32>>);

impl Spellings {
    /// Notes the symbols of a range, by their numbers.
    pub(super) fn note(&mut self, range: u32, symbols: impl Iterator<Item = u32>) {
        for symbol in symbols {
            self.0.entry(symbol).or_default().push(range);
        }
    }

    /// Refuses two rows of one symbol and date in different ranges, which are read again where a symbol is in several.
    ///
    /// # Errors
    /// [`DatabaseError::Duplicate`]; the database cannot be read.
    pub(super) async fn check(
        self,
        inputs: &Arc<Inputs>,
        pool: &Pool,
        open: &[Arc<BarFile>],
        rule: TickerRule,
    ) -> Result<(), DataError> {
        let shared: HashMap<u32, Vec<u32>> = self.0.into_iter().filter(|(_, ranges)| ranges.len() > 1).collect();
        let ranges: BTreeSet<u32> = shared.values().flatten().copied().collect();
        let mut seen = HashSet::new();
        for range in ranges {
            let file = open[range as usize].clone();
            let uri = file.file().facts.uri.clone();
            let fetched = inputs.fetch(file, BlockPart::RowGroup(0), rule, Want::Survey).await?;
            let decoding = inputs.clone();
            let decoded = pool.run(move || decoding.decode(&fetched)).await;
            let keys = decoded
                .map_err(|error| DataError::Panicked {
                    uri: uri.clone(),
                    message: error.to_string(),
                })??
                .keys;
            for run in keys.runs.iter().filter(|run| shared.contains_key(&run.name)) {
                for &day in &keys.days[run.start as usize..run.end as usize] {
                    if !seen.insert((run.name, day)) {
                        let symbol = inputs.names().name(run.name).as_ref().to_owned();
                        return Err(DatabaseError::Duplicate { uri, symbol, day }.into());
                    }
                }
            }
        }
        Ok(())
    }
}

fn named(spelled: &str, names: &Names, rule: TickerRule) -> Option<u32> {
    let text = cells::symbol_text(spelled)?;
    let symbol = ticker::canonical(&text, rule);
    (!symbol.is_empty()).then(|| names.id(&symbol))
}
