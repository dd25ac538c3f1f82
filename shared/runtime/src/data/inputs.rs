//! Open inputs and their decoded blocks: fetching moves bytes, decoding is CPU, and a bounded cache stands in between.
//!
//! A block is decoded once while the cache has room for it, whoever asks: survey, job or a second job that shares it.
//! Under it, ranges of files that are far away are kept on disk ([`crate::cache::ranges`]). The cache never decides a
//! value; without room everything is read again. Read next: [`super::gather`].

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_protocol::digest::{Digest, Digester};
use tickfleet_protocol::facts::{BlockPart, FileFormat};

use super::block::{Keys, Prices};
use super::columns::BARS;
use super::error::DataError;
use super::file::StoredFile;
use super::names::Names;
use super::parquet::ParquetFile;
use super::ranges::FetchedRanges;
use super::surveys::Surveys;
use super::table::TableRange;
use super::text::TextFile;
use super::text_parse;
use crate::cache::counts::{Counters, Tier, TierCounts};
use crate::cache::ranges::Ranges;

/// Column chunks closer than this are fetched with one read.
const COALESCE_BYTES: u64 = 1 << 20;
/// Most files that stay open.
const OPEN_FILES_MAX: u64 = 4_096;
/// Ordinals of [`BARS`] that make the keys, and those that make the prices.
const KEY_COLUMNS: [usize; 3] = [0, 1, 6];
const PRICE_COLUMNS: [usize; 5] = [2, 3, 4, 5, 7];

/// A file of daily bars, open.
#[derive(Debug)]
pub enum BarFile {
    /// Parquet.
    Parquet(ParquetFile),
    /// CSV, packed or not.
    Text(TextFile),
    /// Rows of a database.
    Table(TableRange),
}

impl BarFile {
    /// The stored file.
    pub fn file(&self) -> &StoredFile {
        match self {
            Self::Parquet(parquet) => &parquet.file,
            Self::Text(text) => &text.file,
            Self::Table(range) => &range.file,
        }
    }

    /// Where each column of the table is and what type it has, as text for digests.
    fn layout(&self) -> String {
        match self {
            Self::Parquet(parquet) => parquet.layout(),
            Self::Text(text) => text.layout(),
            Self::Table(_) => TableRange::LAYOUT.to_owned(),
        }
    }

    /// Its rows, where the format tells them.
    pub fn rows(&self) -> Option<u64> {
        match self {
            Self::Parquet(parquet) => Some((0..parquet.groups()).map(|group| parquet.rows(group) as u64).sum()),
            Self::Text(_) => None,
            Self::Table(range) => Some(range.file.facts.size),
        }
    }
}

/// How much of a block is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Keys, and the bytes of all columns for the digest.
    Survey,
    /// Keys and prices.
    All,
}

/// A decoded block.
#[derive(Debug, Clone)]
pub struct Block {
    /// Symbols, days, volumes.
    pub keys: Arc<Keys>,
    /// Prices; absent after a survey.
    pub prices: Option<Arc<Prices>>,
}

/// A block's bytes, or what the cache already had of it.
#[derive(Debug)]
pub struct Fetched {
    file: Arc<BarFile>,
    part: BlockPart,
    rule: TickerRule,
    want: Want,
    keys: Option<Arc<Keys>>,
    prices: Option<Arc<Prices>>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Cached,
    Ranges(FetchedRanges),
    Text(Bytes),
    Rows(Bytes),
}

/// The inputs of one process.
#[derive(Debug)]
pub struct Inputs {
    names: Names,
    open: Cache<FileKey, Arc<BarFile>>,
    keys: Cache<BlockKey, Arc<Keys>>,
    prices: Cache<BlockKey, Arc<Prices>>,
    pub(super) surveys: Surveys,
    memory: Counters,
    ranges: Arc<Ranges>,
}

type FileKey = (String, String);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct BlockKey {
    file: FileKey,
    part: BlockPart,
    rule: TickerRule,
}

impl Inputs {
    /// Inputs whose decoded blocks take at most `cache_bytes`.
    ///
    /// Half of it is for keys, which the survey reads and jobs read again, half for prices, which text gives with its
    /// keys and neighbouring jobs share.
    pub fn new(cache_bytes: u64) -> Self {
        Self::over(cache_bytes, Ranges::new(None))
    }

    /// Inputs as [`Inputs::new`] makes them, over ranges of files on disk.
    pub fn over(cache_bytes: u64, ranges: Ranges) -> Self {
        Self {
            names: Names::default(),
            open: bounded(OPEN_FILES_MAX, |_| 1),
            keys: bounded(cache_bytes / 2, |keys: &Arc<Keys>| keys.bytes()),
            prices: bounded(cache_bytes / 2, |prices: &Arc<Prices>| prices.bytes()),
            surveys: Surveys::new(cache_bytes / 16),
            memory: Counters::new(Tier::Memory),
            ranges: Arc::new(ranges),
        }
    }

    /// What was found decoded, and what was read at the source.
    pub fn counts(&self) -> [(Tier, TierCounts); 2] {
        [(Tier::Memory, self.memory.counts()), self.ranges.counts()]
    }

    /// Lets decoded blocks go: nobody is expected to ask for them soon. Whoever does has them decoded again.
    pub fn let_go(&self) {
        self.keys.invalidate_all();
        self.prices.invalidate_all();
        // Until its own housekeeping comes by, a cache keeps what is no longer valid.
        self.keys.run_pending_tasks();
        self.prices.run_pending_tasks();
    }

    /// The symbols that blocks name by number.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Opens a file of daily bars, or finds it open.
    ///
    /// # Errors
    /// What opening can meet: damaged files, missing columns.
    pub async fn bars(&self, file: StoredFile) -> Result<Arc<BarFile>, DataError> {
        let key = (file.facts.uri.clone(), file.facts.version.clone());
        if let Some(open) = self.open.get(&key) {
            return Ok(open);
        }
        let file = file.through(self.ranges.clone()).await;
        let open = Arc::new(match file.facts.format {
            FileFormat::Parquet => {
                let file = ParquetFile::open("bars", &BARS, file).await?;
                file.check_prices()?;
                BarFile::Parquet(file)
            }
            FileFormat::Database => BarFile::Table(TableRange { file }),
            _ => BarFile::Text(TextFile::open("bars", &BARS, file).await?),
        });
        self.open.insert(key, open.clone());
        Ok(open)
    }

    /// Fetches what the cache lacks of a block. Moves bytes only.
    ///
    /// # Errors
    /// I/O.
    pub async fn fetch(
        &self,
        file: Arc<BarFile>,
        part: BlockPart,
        rule: TickerRule,
        want: Want,
    ) -> Result<Fetched, DataError> {
        let mut fetched = Fetched {
            file,
            part,
            rule,
            want,
            keys: None,
            prices: None,
            source: Source::Cached,
        };
        if want == Want::All {
            fetched.keys = self.keys.get(&key(&fetched));
            fetched.prices = self.prices.get(&key(&fetched));
            if let (Some(keys), Some(prices)) = (&fetched.keys, &fetched.prices) {
                self.memory.hit(keys.bytes() + prices.bytes());
                return Ok(fetched);
            }
            self.memory.miss();
        }
        fetched.source = match (fetched.file.as_ref(), part) {
            (BarFile::Parquet(parquet), BlockPart::RowGroup(group)) => {
                let mut wanted = Vec::with_capacity(BARS.len());
                if fetched.keys.is_none() {
                    wanted.extend(KEY_COLUMNS);
                }
                if want == Want::Survey || fetched.prices.is_none() {
                    wanted.extend(PRICE_COLUMNS);
                }
                let ranges = parquet.ranges(group as usize, &wanted);
                Source::Ranges(read_ranges(&parquet.file, ranges).await?)
            }
            (BarFile::Text(text), BlockPart::Text { start, end, .. }) => Source::Text(text.read(start..end).await?),
            (BarFile::Table(range), _) => Source::Rows(range.read().await?),
            (file, part) => unreachable!("facts pair {:?} with {part:?}", file.file().facts.format),
        };
        if matches!(fetched.source, Source::Rows(_)) {
            fetched.check_rows()?;
        }
        Ok(fetched)
    }

    /// A block of text whose bytes are at hand.
    pub fn fetched_text(&self, file: Arc<BarFile>, part: BlockPart, rule: TickerRule, text: Bytes) -> Fetched {
        Fetched {
            file,
            part,
            rule,
            want: Want::Survey,
            keys: None,
            prices: None,
            source: Source::Text(text),
        }
    }

    /// Decodes a block and leaves it in the cache. CPU only: call it on the pool.
    ///
    /// # Errors
    /// Damaged pages, columns of a wrong type.
    pub fn decode(&self, fetched: &Fetched) -> Result<Block, DataError> {
        let (mut keys, mut prices) = (fetched.keys.clone(), fetched.prices.clone());
        match (fetched.file.as_ref(), &fetched.source) {
            (BarFile::Parquet(parquet), Source::Ranges(ranges)) => {
                let BlockPart::RowGroup(group) = fetched.part else {
                    unreachable!("ranges come from row groups")
                };
                if keys.is_none() {
                    let decoded = Arc::new(parquet.keys(group as usize, ranges.clone(), &self.names, fetched.rule)?);
                    self.keys.insert(key(fetched), decoded.clone());
                    keys = Some(decoded);
                }
                if prices.is_none() && fetched.want == Want::All {
                    let decoded = Arc::new(parquet.prices(group as usize, ranges.clone())?);
                    self.prices.insert(key(fetched), decoded.clone());
                    prices = Some(decoded);
                }
            }
            (BarFile::Text(text), Source::Text(bytes)) => {
                let (parsed, values) = text_parse::bars(text, bytes, &self.names, fetched.rule);
                let (parsed, values) = (Arc::new(parsed), Arc::new(values));
                self.keys.insert(key(fetched), parsed.clone());
                self.prices.insert(key(fetched), values.clone());
                (keys, prices) = (Some(parsed), Some(values));
            }
            (BarFile::Table(range), Source::Rows(bytes)) => {
                let (read, values) = range.decode(bytes, &self.names, fetched.rule)?;
                let (read, values) = (Arc::new(read), Arc::new(values));
                self.keys.insert(key(fetched), read.clone());
                self.prices.insert(key(fetched), values.clone());
                (keys, prices) = (Some(read), Some(values));
            }
            _ => {}
        }
        Ok(Block {
            keys: keys.expect("decoded or cached"),
            prices,
        })
    }
}

impl Fetched {
    /// Bytes held until the block is decoded.
    pub fn bytes(&self) -> usize {
        match &self.source {
            Source::Cached => 0,
            Source::Ranges(ranges) => ranges.bytes(),
            Source::Text(bytes) | Source::Rows(bytes) => bytes.len(),
        }
    }

    /// Digest of the block's bytes and of what they mean: which column is which, and what folders add.
    pub fn digest(&self) -> Digest {
        let mut digester = Digester::new("block");
        digester.part(self.file.layout().as_bytes());
        match &self.source {
            Source::Cached => {}
            Source::Ranges(ranges) => ranges.parts().for_each(|bytes| {
                digester.part(&bytes);
            }),
            Source::Text(bytes) | Source::Rows(bytes) => {
                digester.part(bytes);
            }
        }
        digester.finish()
    }

    /// Refuses rows of a database that are not those of the survey: their digest is their version.
    fn check_rows(&self) -> Result<(), DataError> {
        let facts = &self.file.file().facts;
        if self.want == Want::Survey || self.digest().to_string() == facts.version {
            return Ok(());
        }
        Err(DataError::Changed { uri: facts.uri.clone() })
    }
}

fn key(fetched: &Fetched) -> BlockKey {
    let facts = &fetched.file.file().facts;
    // Rows of a database have no version before they are read: it is their digest.
    let version = match (fetched.want, &fetched.source) {
        (Want::Survey, Source::Rows(_)) => fetched.digest().to_string(),
        _ => facts.version.clone(),
    };
    BlockKey {
        file: (facts.uri.clone(), version),
        part: fetched.part,
        rule: fetched.rule,
    }
}

/// A cache that holds values of at most `capacity` together, the least recently used ones leaving first.
fn bounded<K, V>(capacity: u64, weigh: impl Fn(&V) -> usize + Send + Sync + 'static) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .eviction_policy(EvictionPolicy::lru())
        .weigher(move |_, value| u32::try_from(weigh(value)).unwrap_or(u32::MAX))
        .max_capacity(capacity)
        .build()
}

/// Reads byte ranges of a file, near ones with one read.
pub(super) async fn read_ranges(file: &StoredFile, mut ranges: Vec<Range<u64>>) -> Result<FetchedRanges, DataError> {
    ranges.sort_by_key(|range| range.start);
    let mut spans: Vec<Range<u64>> = Vec::new();
    for range in &ranges {
        match spans.last_mut() {
            Some(last) if range.start <= last.end + COALESCE_BYTES => last.end = last.end.max(range.end),
            _ => spans.push(range.clone()),
        }
    }
    let mut chunks = Vec::with_capacity(spans.len());
    for span in spans {
        chunks.push((span.start, file.read(span).await?));
    }
    Ok(FetchedRanges::new(file.facts.size, chunks, ranges))
}

#[cfg(test)]
mod tests;
