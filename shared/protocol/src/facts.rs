//! What submit found out about the input by opening it: the catalog facts that planning and computing rest on.
//!
//! Facts are values: they are taken once at submit, travel with the run, and every worker sees the same ones. An input
//! that changed since is refused by its version, never read as if it were the same. Read next: [`crate::plan`].

use tickfleet_kernels::scan::universe::BarSymbol;

use crate::digest::Digest;
use crate::spec::scan::Day;

/// How a file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// Parquet.
    Parquet,
    /// Comma-separated text.
    Csv,
    /// Comma-separated text, gzip.
    CsvGzip,
    /// Comma-separated text, Zstandard.
    CsvZstd,
    /// An ONNX model: no table.
    Onnx,
    /// The rows of a range of symbols of a database table.
    Database,
}

/// One file of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Absolute URI or path.
    pub uri: String,
    /// Length in bytes; of a range of a database table: rows.
    pub size: u64,
    /// The store's version of the content (entity tag), or the digest of what a database gave; changed content has
    /// another.
    pub version: String,
    /// Encoding.
    pub format: FileFormat,
    /// Columns that its folders name (`key=value`), outermost first.
    pub hive: Vec<(String, String)>,
}

/// Where a block lies in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockPart {
    /// A Parquet row group, by ordinal; the rows of a database range are its one group, 0.
    RowGroup(u32),
    /// A byte range of the (unpacked) text that begins and ends between records.
    Text {
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
        /// Line number of the first record, from 1.
        line: u64,
    },
}

/// A block: the smallest piece of an input that is read at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockFacts {
    /// Ordinal of the file.
    pub file: u32,
    /// Place in the file.
    pub part: BlockPart,
    /// Rows, placed or not.
    pub rows: u32,
    /// Smallest and largest symbol of placed rows, as ordinals into [`ScanFacts::symbols`]; `None` without placed rows.
    pub symbols: Option<(u32, u32)>,
    /// First and last day of placed rows.
    pub days: Option<(Day, Day)>,
    /// Digest of the block's bytes.
    pub digest: Digest,
}

/// One symbol that has placed rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolFacts {
    /// Canonical symbol.
    pub symbol: String,
    /// Day of its first placed row.
    pub first_day: Day,
    /// Placed rows.
    pub rows: u32,
    /// Ordinal of the first block that holds one of them.
    pub block: u32,
}

/// Symbols as the universe stage takes them.
pub fn bar_symbols(symbols: &[SymbolFacts]) -> Vec<BarSymbol<'_>> {
    let bars = symbols.iter().map(|facts| BarSymbol {
        symbol: &facts.symbol,
        first_day: facts.first_day,
    });
    bars.collect()
}

/// A row of an input, for messages: block ordinal and row in the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowPlace {
    /// Ordinal into [`ScanFacts::blocks`].
    pub block: u32,
    /// Row in the block, from 0.
    pub row: u32,
}

/// A small table that jobs read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFacts {
    /// Its files, in input order.
    pub files: Vec<FileFacts>,
    /// Digest of their bytes.
    pub digest: Digest,
    /// Rows without a symbol or a readable date, which are skipped.
    pub unplaced_rows: u64,
}

/// A model that predicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFacts {
    /// Its file.
    pub file: FileFacts,
    /// Digest of its bytes.
    pub digest: Digest,
    /// The columns that it reads, in its order.
    pub features: Vec<String>,
}

/// What is joined to the scored rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JoinedFacts {
    /// The fundamentals table.
    pub fundamentals: Option<TableFacts>,
    /// The events table.
    pub events: Option<TableFacts>,
    /// The predictions table.
    pub predictions: Option<TableFacts>,
    /// The model.
    pub model: Option<ModelFacts>,
    /// For each as-of date: digest of what the tables say that was known by then ([`crate::known`]).
    pub known: Vec<Digest>,
}

impl JoinedFacts {
    /// The tables that are given.
    pub fn tables(&self) -> impl Iterator<Item = &TableFacts> {
        [&self.fundamentals, &self.events, &self.predictions]
            .into_iter()
            .flatten()
    }
}

/// The facts of a scan's inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanFacts {
    /// Files of the bars, in input order (by URI bytes).
    pub files: Vec<FileFacts>,
    /// Blocks of those files, in input order.
    pub blocks: Vec<BlockFacts>,
    /// Every date of a placed row, ascending.
    pub dates: Vec<Day>,
    /// For each of `dates`: distinct symbols with a row of positive volume, over the whole input.
    pub traded: Vec<u32>,
    /// Sessions to scan, ascending.
    pub as_of: Vec<Day>,
    /// Symbols with placed rows, sorted by UTF-8 bytes.
    pub symbols: Vec<SymbolFacts>,
    /// Ordinals into `symbols`, ascending, of those that pass the universe stage on some as-of date.
    pub mapped: Vec<u32>,
    /// Rows of the bars without a readable symbol or date.
    pub unplaced_rows: u64,
    /// The first of them.
    pub first_unplaced: Option<RowPlace>,
    /// The universe table.
    pub universe: Option<TableFacts>,
    /// What is joined to the scored rows.
    pub joined: JoinedFacts,
}

impl ScanFacts {
    /// Digest of everything that was read: bars, tables and model.
    pub fn input_digest(&self) -> Digest {
        let mut digester = crate::digest::Digester::new("tickfleet input");
        self.blocks.iter().for_each(|block| {
            digester.digest(&block.digest);
        });
        if let Some(universe) = &self.universe {
            digester.digest(&universe.digest);
        }
        self.joined.tables().for_each(|table| {
            digester.digest(&table.digest);
        });
        if let Some(model) = &self.joined.model {
            digester.digest(&model.digest);
        }
        digester.finish()
    }

    /// Rows of all inputs without a symbol or a readable date.
    pub fn unplaced_rows_of_all(&self) -> u64 {
        let tables = self.universe.iter().chain(self.joined.tables());
        self.unplaced_rows + tables.map(|table| table.unplaced_rows).sum::<u64>()
    }

    /// Ordinals of the blocks that may hold rows of the symbols (ordinals into `symbols`, inclusive) dated up to `day`.
    pub fn blocks_of(&self, symbols: (u32, u32), day: Day) -> impl Iterator<Item = u32> + '_ {
        (0u32..).zip(&self.blocks).filter_map(move |(ordinal, block)| {
            let (low, high) = block.symbols?;
            let (first, _) = block.days?;
            (low <= symbols.1 && symbols.0 <= high && first <= day).then_some(ordinal)
        })
    }
}
