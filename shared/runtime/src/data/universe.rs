//! The universe table: small, read whole, by submit for the plan and by each reduce.

use std::sync::Arc;

use arrow::array::{Array, StringArray};
use tickfleet_kernels::scan::cells;
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_kernels::scan::universe::{Universe, UniverseBuilder, UniverseCells};
use tickfleet_protocol::digest::Digester;
use tickfleet_protocol::facts::{FileFormat, TableFacts};

use super::columns::UNIVERSE;
use super::convert::{append_numbers_with_infinities, as_text};
use super::error::DataError;
use super::file::StoredFile;
use super::inputs::read_ranges;
use super::parquet::ParquetFile;
use super::text::TextFile;
use super::text_parse::{cell, records};

/// Most bytes of a universe, all files together: a row for every listed company on earth takes a tenth of it.
const BYTES_MAX: u64 = 64 << 20;
/// Ordinals in [`UNIVERSE`].
const SYMBOL: usize = 0;
const NAME: usize = 1;
const SECTOR: usize = 2;
const INDUSTRY: usize = 3;
const MARKET_CAP: usize = 4;

/// A universe as read.
#[derive(Debug, Clone)]
pub struct UniverseTable {
    /// Its rows by the rules of the scan.
    pub universe: Arc<Universe>,
    /// Its files and digest.
    pub facts: TableFacts,
    /// Rows without a symbol.
    pub unplaced_rows: u64,
}

/// Reads a universe from its files, given in input order.
///
/// # Errors
/// Files that cannot be read, missing columns, more than 64 MiB.
pub async fn read_universe(files: &[StoredFile], rule: TickerRule) -> Result<UniverseTable, DataError> {
    let mut reading = Reading {
        builder: UniverseBuilder::new(rule),
        unplaced: 0,
    };
    let mut digester = Digester::new("universe");
    let mut room = BYTES_MAX;
    for file in files {
        let bytes = file.read_all(room).await?;
        room -= file.facts.size.min(room);
        digester.part(&bytes);
        match file.facts.format {
            FileFormat::Parquet => reading.parquet(file.clone()).await?,
            _ => reading.text(file.clone()).await?,
        }
    }
    Ok(UniverseTable {
        universe: Arc::new(reading.builder.finish()),
        facts: TableFacts {
            files: files.iter().map(|file| file.facts.clone()).collect(),
            digest: digester.finish(),
        },
        unplaced_rows: reading.unplaced,
    })
}

struct Reading {
    builder: UniverseBuilder,
    unplaced: u64,
}

impl Reading {
    fn push(&mut self, cells: &UniverseCells<'_>) {
        self.unplaced += u64::from(!self.builder.push(cells));
    }

    async fn text(&mut self, file: StoredFile) -> Result<(), DataError> {
        let file = TextFile::open("universe", &UNIVERSE, file).await?;
        let body = file.body(BYTES_MAX).await?;
        records(&body, |_, record| {
            let text = |column: usize| cell(record, file.place(column));
            self.push(&UniverseCells {
                symbol: text(SYMBOL).unwrap_or_default(),
                name: text(NAME),
                sector: text(SECTOR),
                industry: text(INDUSTRY),
                market_cap: text(MARKET_CAP).and_then(cells::number),
            });
        });
        Ok(())
    }

    async fn parquet(&mut self, file: StoredFile) -> Result<(), DataError> {
        let file = ParquetFile::open("universe", &UNIVERSE, file).await?;
        let wanted: Vec<usize> = (0..UNIVERSE.len()).collect();
        for group in 0..file.groups() {
            let chunks = read_ranges(&file.file, file.ranges(group, &wanted)).await?;
            file.batches(group, chunks, |columns| {
                let mut texts: Vec<Option<StringArray>> = Vec::with_capacity(MARKET_CAP);
                for (ordinal, column) in columns[..MARKET_CAP].iter().enumerate() {
                    texts.push(
                        column
                            .as_ref()
                            .map(|array| as_text(array, file.origin(ordinal)))
                            .transpose()?,
                    );
                }
                let mut caps = Vec::new();
                if let Some(array) = &columns[MARKET_CAP] {
                    append_numbers_with_infinities(&mut caps, array, file.origin(MARKET_CAP))?;
                }
                let text = |column: usize, row: usize| {
                    texts[column]
                        .as_ref()
                        .filter(|array| array.is_valid(row))
                        .map(|array| array.value(row))
                };
                for row in 0..texts[SYMBOL].as_ref().map_or(0, Array::len) {
                    self.push(&UniverseCells {
                        symbol: text(SYMBOL, row).unwrap_or_default(),
                        name: text(NAME, row),
                        sector: text(SECTOR, row),
                        industry: text(INDUSTRY, row),
                        market_cap: caps.get(row).copied(),
                    });
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}
