//! The sample on disk: `bars.parquet`, `universe.csv` and a README, in a folder that is complete or not there.
//!
//! The folder is made under another name beside its place and renamed at the end. Symbols are made a few at a time, so
//! memory does not grow with the data. Read next: `mod`, which names the content.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Builder, Float64Builder, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tickfleet_runtime::sink::{FileSink, Format, Metadata, SinkError};

use super::{Bar, Listing, SEED, SYMBOLS, Sample, UniverseRow, VERSION};

const BARS: &str = "bars.parquet";
const UNIVERSE: &str = "universe.csv";
const README: &str = "README.md";
const MANIFEST: &str = "sample.json";
/// Symbols made at a time.
const SYMBOLS_AT_ONCE: usize = 128;

/// Where a sample lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFiles {
    /// The daily bars.
    pub bars: PathBuf,
    /// The universe table.
    pub universe: PathBuf,
    /// BLAKE3 of both files' bytes, bars first, in hexadecimal.
    pub digest: String,
}

/// A sample could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The folder holds something else.
    #[error("cannot write the sample to {}: the folder is not empty; name a new one or empty it", dir.display())]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// The file system failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was attempted: a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A table could not be written.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// Whoever asked for it no longer wants it.
    #[error("making the sample was broken off")]
    BrokenOff,
    /// A table could not be built.
    #[error("cannot build a batch of the sample")]
    Batch(#[from] ArrowError),
}

/// What the folder says of itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    version: u32,
    digest: String,
    bars_bytes: u64,
    universe_bytes: u64,
}

/// The name of a folder for the current sample: another version of the content has another name.
#[must_use]
pub fn folder_name() -> String {
    format!("sample-v{VERSION}")
}

/// Whether a folder holds the whole sample in its current version.
#[must_use]
pub fn is_complete(dir: &Path) -> bool {
    open(dir).is_some()
}

/// The sample that a folder holds, if it is whole and in its current version. Reads no data.
#[must_use]
pub fn open(dir: &Path) -> Option<SampleFiles> {
    let manifest: Manifest = serde_json::from_slice(&fs::read(dir.join(MANIFEST)).ok()?).ok()?;
    let (bars, universe) = (dir.join(BARS), dir.join(UNIVERSE));
    let bytes = |path: &Path| {
        fs::metadata(path)
            .ok()
            .filter(fs::Metadata::is_file)
            .map(|found| found.len())
    };
    let is_whole = manifest.version == VERSION
        && bytes(&bars) == Some(manifest.bars_bytes)
        && bytes(&universe) == Some(manifest.universe_bytes);
    is_whole.then_some(SampleFiles {
        bars,
        universe,
        digest: manifest.digest,
    })
}

/// Writes the sample to a folder that is new or empty; `progress` is told the symbols done and their total, and may
/// break it off.
///
/// # Errors
/// The folder holds something, the file system failed, or it was broken off; nothing is left behind then.
pub fn write_sample(
    dir: &Path,
    progress: impl FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<SampleFiles, SampleError> {
    write(dir, &Sample::new(SEED), usize::MAX, progress)
}

/// Writes the first `symbols_max` symbols of a sample.
pub(super) fn write(
    dir: &Path,
    sample: &Sample,
    symbols_max: usize,
    progress: impl FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<SampleFiles, SampleError> {
    refuse_content(dir)?;
    let parent = dir
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed("create the folder", parent))?;
    let temporary = tempfile::Builder::new()
        .prefix(".tickfleet-sample-")
        .tempdir_in(parent)
        .map_err(failed("create a folder in", parent))?;
    let inside = |name: &str| temporary.path().join(name);
    write_bars(&inside(BARS), sample, symbols_max, progress)?;
    write_universe(&inside(UNIVERSE), &sample.universe())?;
    write_text(&inside(README), readme().as_bytes())?;
    write_manifest(temporary.path())?;
    put_in_place(temporary, dir)
}

fn refuse_content(dir: &Path) -> Result<(), SampleError> {
    match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(SampleError::NotEmpty { dir: dir.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("look into", dir)(error)),
    }
}

/// Renames the finished folder; another process that finished the same one first is as good.
fn put_in_place(temporary: tempfile::TempDir, dir: &Path) -> Result<SampleFiles, SampleError> {
    share(temporary.path())?;
    if let Err(error) = fs::rename(temporary.path(), dir)
        && !is_complete(dir)
    {
        return Err(failed("rename the finished sample to", dir)(error));
    }
    // Renamed or superseded, nothing of the temporary folder is wanted any more.
    drop(temporary);
    let missing = || failed("read back", dir)(io::ErrorKind::NotFound.into());
    open(dir).ok_or_else(missing)
}

/// A temporary folder is private to its user; a finished one has the permissions of any folder.
#[cfg(unix)]
fn share(folder: &Path) -> Result<(), SampleError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(failed("share", folder))
}

#[cfg(not(unix))]
fn share(_: &Path) -> Result<(), SampleError> {
    Ok(())
}

fn write_bars(
    path: &Path,
    sample: &Sample,
    symbols_max: usize,
    mut progress: impl FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<(), SampleError> {
    let metadata = [("tickfleet.sample", VERSION.to_string())]
        .into_iter()
        .collect::<Metadata>();
    let mut sink = FileSink::create(path, bars_schema(), Format::Parquet, &metadata)?;
    let listings = &sample.listings()[..symbols_max.min(sample.listings().len())];
    let mut done = 0;
    for chunk in listings.chunks(SYMBOLS_AT_ONCE) {
        if progress(done, listings.len()).is_break() {
            return Err(SampleError::BrokenOff);
        }
        let batches: Vec<_> = chunk.par_iter().map(|one| bars_batch(one, &sample.bars(one))).collect();
        for batch in batches {
            sink.write(&batch?)?;
        }
        done += chunk.len();
    }
    if progress(done, listings.len()).is_break() {
        return Err(SampleError::BrokenOff);
    }
    Ok(sink.finish()?)
}

fn bars_schema() -> SchemaRef {
    let price = |name: &str| Field::new(name, DataType::Float64, true);
    SchemaRef::new(Schema::new(vec![
        Field::new("symbol", DataType::Utf8, false),
        Field::new("date", DataType::Date32, false),
        price("open"),
        price("high"),
        price("low"),
        price("close"),
        Field::new("volume", DataType::Int64, true),
        price("adj_close"),
    ]))
}

fn bars_batch(listing: &Listing, bars: &[Bar]) -> Result<RecordBatch, ArrowError> {
    let mut symbols = StringBuilder::with_capacity(bars.len(), bars.len() * listing.symbol.len());
    let mut dates = Date32Builder::with_capacity(bars.len());
    let mut prices: [Float64Builder; 5] = std::array::from_fn(|_| Float64Builder::with_capacity(bars.len()));
    let mut volumes = Int64Builder::with_capacity(bars.len());
    for bar in bars {
        symbols.append_value(&listing.symbol);
        dates.append_value(bar.date);
        let row = [
            Some(bar.open),
            Some(bar.high),
            Some(bar.low),
            Some(bar.close),
            bar.adj_close,
        ];
        for (builder, price) in prices.iter_mut().zip(row) {
            builder.append_option(price);
        }
        volumes.append_option(bar.volume);
    }
    let [open, high, low, close, adj_close] = prices.map(|mut builder| Arc::new(builder.finish()) as ArrayRef);
    let (symbols, dates, volumes) = (
        Arc::new(symbols.finish()),
        Arc::new(dates.finish()),
        Arc::new(volumes.finish()),
    );
    RecordBatch::try_new(
        bars_schema(),
        vec![symbols, dates, open, high, low, close, volumes, adj_close],
    )
}

fn write_universe(path: &Path, rows: &[UniverseRow]) -> Result<(), SampleError> {
    let fields = ["symbol", "name", "sector", "industry", "market_cap"];
    let schema = SchemaRef::new(Schema::new(
        fields.map(|name| Field::new(name, DataType::Utf8, true)).to_vec(),
    ));
    let values: [fn(&UniverseRow) -> &String; 5] = [
        |row| &row.symbol,
        |row| &row.name,
        |row| &row.sector,
        |row| &row.industry,
        |row| &row.market_cap,
    ];
    let columns = values.map(|value| {
        let mut texts = StringBuilder::new();
        rows.iter().for_each(|row| texts.append_value(value(row)));
        Arc::new(texts.finish()) as ArrayRef
    });
    let mut sink = FileSink::create(path, schema.clone(), Format::Csv, &Metadata::new())?;
    sink.write(&RecordBatch::try_new(schema, columns.to_vec())?)?;
    Ok(sink.finish()?)
}

fn write_manifest(folder: &Path) -> Result<(), SampleError> {
    let (bars, universe) = (folder.join(BARS), folder.join(UNIVERSE));
    let mut hasher = blake3::Hasher::new();
    let mut digest = |path: &Path| {
        let file = File::open(path).map_err(failed("open", path))?;
        let before = hasher.count();
        hasher.update_reader(file).map_err(failed("read", path))?;
        Ok::<_, SampleError>(hasher.count() - before)
    };
    let (bars_bytes, universe_bytes) = (digest(&bars)?, digest(&universe)?);
    let manifest = Manifest {
        version: VERSION,
        digest: hasher.finalize().to_string(),
        bars_bytes,
        universe_bytes,
    };
    let mut text = serde_json::to_vec_pretty(&manifest).expect("numbers and a text are always JSON");
    text.push(b'\n');
    write_text(&folder.join(MANIFEST), &text)
}

/// Synced before the folder is renamed: a folder that is there after a power cut is whole.
fn write_text(path: &Path, text: &[u8]) -> Result<(), SampleError> {
    let mut file = File::create(path).map_err(failed("create", path))?;
    file.write_all(text)
        .and_then(|()| file.sync_all())
        .map_err(failed("write", path))
}

fn readme() -> String {
    format!(
        "# Synthetic market, version {VERSION}\n\n\
         Everything here is made up by a random number generator with seed {SEED}: {SYMBOLS} symbols and their names,\n\
         sectors, prices and volumes. No row describes a real company or fund, and nothing can be learnt from it about\n\
         any market. The few tickers of leveraged funds are there because a scan knows such funds by their ticker.\n\n\
         - `{BARS}`: daily bars of 504 sessions (symbol, date, open, high, low, close, volume, adj_close), by symbol\n  \
         and date. Prices are as traded; adj_close is cumulative, for splits and dividends.\n\
         - `{UNIVERSE}`: symbol, name, sector, industry, market_cap.\n\
         - `{MANIFEST}`: version, lengths, and the BLAKE3 digest of the two files above.\n\n\
         The dirt is on purpose: splits that adj_close does not know, rows on holidays, halts, late and early listings,\n\
         idle days, prices of zero, missing volumes, highs below the close, repeated rows, sectors in several\n\
         vocabularies or none, missing market caps, preferreds, warrants, units and odd tickers.\n"
    )
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SampleError {
    let path = path.to_owned();
    move |source| SampleError::Io { action, path, source }
}
