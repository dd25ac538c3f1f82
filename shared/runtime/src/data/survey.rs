//! Submit's one look at the bars: every block's symbols, days and volumes, a digest of its bytes, nothing kept but
//! summaries and what the cache has room for.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_protocol::digest::Digest;
use tickfleet_protocol::facts::{BlockPart, FileFacts, FileFormat};
use tickfleet_protocol::survey::{BlockSummary, Survey, SurveyBuilder, SymbolSummary};

use super::block::Keys;
use super::error::DataError;
use super::file::StoredFile;
use super::inputs::{BarFile, Fetched, Inputs, Want};
use super::surveys::versions;
use super::table::Spellings;
use crate::pool::Pool;

/// Most distinct dates of an input: over seven centuries of sessions. More means that the date column is no date.
pub const DATES_MAX: usize = 200_000;
/// Most distinct symbols of an input: every listed security on earth, several times over.
pub const SYMBOLS_MAX: usize = 2_000_000;
/// Files opened side by side. Unpacking one holds a blocking thread that others must feed, so a runtime needs more
/// blocking threads than this.
pub const OPENING: usize = 8;
/// Day ranges up to this long are indexed by a table, longer ones by search.
const TABLE_DAYS_MAX: usize = 1 << 16;

/// Reads the keys of every block and merges them; files that were surveyed before, in the versions that they have, are not
/// read again while `inputs` remembers what was found. `progress` hears of each block: rows so far, and rows in all, which
/// is 0 where only reading tells.
///
/// # Errors
/// The first file, in input order, that cannot be read; inputs beyond the limits.
pub async fn survey(
    inputs: &Arc<Inputs>,
    pool: &Pool,
    files: Vec<StoredFile>,
    rule: TickerRule,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Survey, DataError> {
    let facts: Vec<FileFacts> = files.iter().map(|file| file.facts.clone()).collect();
    let versions = versions(&facts, rule);
    if let Some(known) = versions.and_then(|versions| inputs.surveys.get(&versions)) {
        progress(known.rows, known.rows);
        return Ok(Survey::clone(&known));
    }
    let opening = stream::iter(files.into_iter().map(|file| inputs.bars(file))).buffered(OPENING);
    let open: Vec<Arc<BarFile>> = opening.try_collect().await?;
    let total = open.iter().map(|file| file.rows()).sum::<Option<u64>>().unwrap_or(0);
    let mut work = Work {
        inputs,
        pool,
        rule,
        input: facts.first().map_or("", |file| &file.uri),
        waiting: VecDeque::new(),
        merged: SurveyBuilder::default(),
        spellings: Spellings::default(),
        rows: 0,
        total,
        progress,
    };
    for (ordinal, file) in (0u32..).zip(&open) {
        match file.as_ref() {
            BarFile::Parquet(parquet) => {
                for group in 0..u32::try_from(parquet.groups()).expect("row groups are numbered in 32 bits") {
                    work.push(ordinal, file, BlockPart::RowGroup(group), None).await?;
                }
            }
            BarFile::Table(_) => work.push(ordinal, file, BlockPart::RowGroup(0), None).await?,
            BarFile::Text(text) => {
                let mut blocks = text.blocks();
                while let Some((part, bytes)) = blocks.next().await? {
                    work.push(ordinal, file, part, Some(bytes)).await?;
                }
            }
        }
    }
    work.drain(0).await?;
    let (merged, spellings) = (work.merged, work.spellings);
    spellings.check(inputs, pool, &open, rule).await?;
    let mut survey = inputs.names().look(|names| merged.finish(facts, names));
    version_rows(&mut survey);
    if let Some(versions) = versions {
        inputs.surveys.keep(versions, &survey);
    }
    Ok(survey)
}

/// Gives ranges of a database their version: the digest of the rows that were read.
fn version_rows(survey: &mut Survey) {
    for block in &survey.blocks {
        let file = &mut survey.files[block.file as usize];
        if file.format == FileFormat::Database {
            file.version = block.digest.to_string();
        }
    }
}

/// A block's file, place and summary.
struct SurveyedBlock {
    file: u32,
    is_table: bool,
    part: BlockPart,
    summary: BlockSummary,
}

type Pending = Pin<Box<dyn Future<Output = Result<SurveyedBlock, DataError>> + Send>>;

/// Blocks under way, at most two a lane, collected in input order.
struct Work<'a> {
    inputs: &'a Arc<Inputs>,
    pool: &'a Pool,
    rule: TickerRule,
    /// The first file, which stands for the input in messages.
    input: &'a str,
    waiting: VecDeque<Pending>,
    merged: SurveyBuilder,
    spellings: Spellings,
    rows: u64,
    total: u64,
    progress: &'a mut (dyn FnMut(u64, u64) + Send),
}

impl Work<'_> {
    async fn push(
        &mut self,
        ordinal: u32,
        file: &Arc<BarFile>,
        part: BlockPart,
        text: Option<bytes::Bytes>,
    ) -> Result<(), DataError> {
        let (inputs, pool, rule, file) = (self.inputs.clone(), self.pool.clone(), self.rule, file.clone());
        let is_table = matches!(file.as_ref(), BarFile::Table(_));
        let task = tokio::spawn(async move {
            let uri = file.file().facts.uri.clone();
            let fetched = match text {
                Some(text) => inputs.fetched_text(file, part, rule, text),
                None => inputs.fetch(file, part, rule, Want::Survey).await?,
            };
            let summary = pool.run(move || summarise(&inputs, &fetched)).await;
            let summary = summary.map_err(|error| DataError::Panicked {
                uri,
                message: error.to_string(),
            })??;
            Ok(SurveyedBlock {
                file: ordinal,
                is_table,
                part,
                summary,
            })
        });
        self.waiting.push_back(Box::pin(async move {
            task.await.unwrap_or_else(|error| {
                Err(DataError::Panicked {
                    uri: String::new(),
                    message: error.to_string(),
                })
            })
        }));
        self.drain(2 * self.pool.lanes()).await
    }

    async fn drain(&mut self, most: usize) -> Result<(), DataError> {
        while self.waiting.len() > most {
            let Some(next) = self.waiting.pop_front() else { break };
            let block = next.await?;
            self.rows += u64::from(block.summary.rows);
            (self.progress)(self.rows, self.total);
            if block.is_table {
                self.spellings
                    .note(block.file, block.summary.symbols.iter().map(|symbol| symbol.symbol));
            }
            let merged = &mut self.merged;
            let names = self.inputs.names();
            names.look(|names| merged.add(block.file, block.part, &block.summary, names));
            self.check()?;
        }
        Ok(())
    }
}

impl Work<'_> {
    /// Refuses inputs whose symbol or date column is something else.
    fn check(&self) -> Result<(), DataError> {
        let symbols = self.inputs.names().count();
        for (what, found, limit) in [
            ("the number of distinct dates", self.merged.dates(), DATES_MAX),
            ("the number of distinct symbols", symbols, SYMBOLS_MAX),
        ] {
            if found > limit {
                return Err(DataError::TooLarge {
                    uri: self.input.to_owned(),
                    what: format!("{what} ({found})"),
                    limit: limit.to_string(),
                });
            }
        }
        Ok(())
    }
}

fn summarise(inputs: &Inputs, fetched: &Fetched) -> Result<BlockSummary, DataError> {
    let digest = fetched.digest();
    let block = inputs.decode(fetched)?;
    Ok(summary(&block.keys, digest))
}

/// What a block holds, from its keys.
fn summary(keys: &Keys, digest: Digest) -> BlockSummary {
    let days = Days::of(keys);
    let words = days.list.len().div_ceil(64);
    let mut places: HashMap<u32, usize> = HashMap::new();
    let (mut symbols, mut traded): (Vec<SymbolSummary>, Vec<u64>) = (Vec::new(), Vec::new());
    for run in &keys.runs {
        let place = *places.entry(run.name).or_insert(symbols.len());
        if place == symbols.len() {
            let (symbol, rows, first_day) = (run.name, 0, i32::MAX);
            symbols.push(SymbolSummary {
                symbol,
                rows,
                first_day,
            });
            traded.resize(traded.len() + words, 0);
        }
        let rows = run.start as usize..run.end as usize;
        symbols[place].rows += run.end - run.start;
        let bits = &mut traded[place * words..(place + 1) * words];
        for (&day, &volume) in keys.days[rows.clone()].iter().zip(&keys.volume[rows]) {
            symbols[place].first_day = symbols[place].first_day.min(day);
            let at = days.ordinal(day);
            bits[at / 64] |= u64::from(volume > 0.0) << (at % 64);
        }
    }
    let rows = u32::try_from(keys.rows()).expect("a block has fewer than 2^32 rows");
    BlockSummary {
        rows,
        unplaced: rows - u32::try_from(keys.placed()).expect("a block has fewer than 2^32 rows"),
        first_unplaced: keys.first_unplaced,
        digest,
        traded,
        symbols,
        days: days.list,
    }
}

/// The distinct days of a block's placed rows, with a way from day to ordinal.
struct Days {
    list: Vec<i32>,
    table: Vec<u32>,
}

impl Days {
    fn of(keys: &Keys) -> Self {
        let rows = || {
            keys.runs
                .iter()
                .flat_map(|run| &keys.days[run.start as usize..run.end as usize])
                .copied()
        };
        let (Some(first), Some(last)) = (rows().min(), rows().max()) else {
            return Self {
                list: Vec::new(),
                table: Vec::new(),
            };
        };
        let span = usize::try_from(i64::from(last) - i64::from(first)).expect("last is not before first") + 1;
        if span > TABLE_DAYS_MAX {
            let mut list: Vec<i32> = rows().collect();
            list.sort_unstable();
            list.dedup();
            return Self {
                list,
                table: Vec::new(),
            };
        }
        let mut table = vec![0u32; span];
        rows().for_each(|day| table[usize::try_from(day - first).expect("within the span")] = 1);
        let mut list = Vec::new();
        for (day, slot) in (first..).zip(&mut table) {
            if *slot == 1 {
                *slot = u32::try_from(list.len()).expect("at most one ordinal a day");
                list.push(day);
            }
        }
        Self { list, table }
    }

    fn ordinal(&self, day: i32) -> usize {
        if self.table.is_empty() {
            return self.list.binary_search(&day).expect("every placed day is listed");
        }
        self.table[usize::try_from(day - self.list[0]).expect("no day before the first")] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::block::RunBuilder;
    use crate::data::names::Names;

    fn keys(names: &Names, rows: &[(&str, Option<i32>, f64)]) -> Keys {
        let mut runs = RunBuilder::default();
        for (row, (name, day, _)) in (0u32..).zip(rows) {
            let name = Some(names.id(name)).filter(|_| day.is_some());
            runs.push(name, row, row + 1);
        }
        let days = rows.iter().map(|row| row.1.unwrap_or_default()).collect();
        runs.finish(days, rows.iter().map(|row| row.2).collect(), Vec::new())
    }

    #[test]
    fn counts_rows_days_and_trading() {
        let names = Names::default();
        let rows = [
            ("A", Some(3), 1.0),
            ("B", Some(3), 0.0),
            ("A", Some(1), f64::NAN),
            ("C", None, 9.0),
            ("B", Some(9), 2.0),
        ];
        let found = summary(&keys(&names, &rows), Digest([0; 32]));
        assert_eq!((found.rows, found.unplaced, found.first_unplaced), (5, 1, Some(3)));
        assert_eq!(found.days, [1, 3, 9]);
        let found_symbols: Vec<_> = found
            .symbols
            .iter()
            .map(|it| (it.symbol, it.rows, it.first_day))
            .collect();
        assert_eq!(found_symbols, [(names.id("A"), 2, 1), (names.id("B"), 2, 3)]);
        assert_eq!(found.traded, [0b010, 0b100]);
    }

    #[test]
    fn far_apart_days_need_no_table() {
        let names = Names::default();
        let rows = [("A", Some(-2_000_000), 1.0), ("A", Some(2_000_000), 1.0)];
        let found = summary(&keys(&names, &rows), Digest([0; 32]));
        assert_eq!((found.days, found.traded), (vec![-2_000_000, 2_000_000], vec![0b11]));
    }
}
