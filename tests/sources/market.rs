//! A small market: seven symbols, 90 sessions, as a table, as CSV and as Parquet; and what a scan of it must give.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Schema;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;
use tickfleet_tests::program::{Invocation, coordinator};
use tickfleet_tests::tables::{TABLES, read_parquet};

/// The symbols, sorted.
pub(crate) const SYMBOLS: [&str; 7] = ["AAA", "BBB", "BRK.B", "CCC", "DDD", "NAN", "ZZZ"];
/// Sessions of each symbol.
pub(crate) const SESSIONS: i32 = 90;
/// The first of them: 2016-01-01.
const FIRST_DAY: i32 = 16_801;

/// A daily bar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) symbol: &'static str,
    /// Days since 1970-01-01.
    pub(crate) day: i32,
    /// Open, high, low, close, adjusted close.
    pub(crate) prices: [f64; 5],
    pub(crate) volume: i64,
}

/// Rising prices with a ripple, by symbol and date.
pub(crate) fn bars() -> Vec<Bar> {
    let mut bars = Vec::new();
    for (at, symbol) in (0i32..).zip(SYMBOLS) {
        for row in 0..SESSIONS {
            let close = f64::from(5_000 + 1_000 * at + 30 * row + 20 * ((row * 7 + at) % 5)) / 100.0;
            bars.push(Bar {
                symbol,
                day: FIRST_DAY + row,
                prices: [close - 0.1, close + 0.5, close - 0.5, close, close / 2.0],
                volume: 1_000_000 + 10 * i64::from(row),
            });
        }
    }
    bars
}

/// A day as text.
pub(crate) fn date(day: i32) -> String {
    tickfleet_kernels::scan::cells::format_date(day)
}

/// Bars as CSV.
pub(crate) fn csv(bars: &[Bar]) -> Vec<u8> {
    let mut text = "symbol,date,open,high,low,close,adj_close,volume\n".to_owned();
    for bar in bars {
        let [open, high, low, close, adjusted] = bar.prices;
        let (symbol, date, volume) = (bar.symbol, date(bar.day), bar.volume);
        text += &format!("{symbol},{date},{open},{high},{low},{close},{adjusted},{volume}\n");
    }
    text.into_bytes()
}

/// Bars as Parquet, `rows` in each row group.
pub(crate) fn parquet(bars: &[Bar], rows: usize) -> Vec<u8> {
    let price =
        |at: usize| -> ArrayRef { Arc::new(Float64Array::from_iter_values(bars.iter().map(|bar| bar.prices[at]))) };
    let symbol: ArrayRef = Arc::new(StringArray::from_iter_values(bars.iter().map(|bar| bar.symbol)));
    let date: ArrayRef = Arc::new(Date32Array::from_iter_values(bars.iter().map(|bar| bar.day)));
    let volume: ArrayRef = Arc::new(Int64Array::from_iter_values(bars.iter().map(|bar| bar.volume)));
    let columns = [
        ("symbol", symbol),
        ("date", date),
        ("open", price(0)),
        ("high", price(1)),
        ("low", price(2)),
        ("close", price(3)),
        ("adj_close", price(4)),
        ("volume", volume),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(rows))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("memory can be written");
    writer.write(&batch).expect("memory can be written");
    writer.close().expect("memory can be written");
    bytes
}

/// The universe of the market, as CSV.
pub(crate) fn universe() -> Vec<u8> {
    let rows = SYMBOLS.map(|symbol| format!("{symbol},{symbol} Inc,Energy,Drilling,1000000000\n"));
    format!("symbol,name,sector,industry,market_cap\n{}", rows.concat()).into_bytes()
}

/// What every scan of these tests has in common.
pub(crate) fn scan(options: &[&str]) -> Invocation {
    let fixed = [
        "submit",
        "scan",
        "--side",
        "all",
        "--from",
        "2016-03-20",
        "--max-jump",
        "0",
        "--quiet",
    ];
    coordinator(fixed.iter().chain(options))
}

/// All tables of a scan that succeeded.
#[derive(Debug)]
pub(crate) struct Tables {
    folder: TempDir,
    /// The batches, in the order of [`TABLES`].
    pub(crate) batches: Vec<RecordBatch>,
}

impl Tables {
    /// Runs a scan with these options and variables, and reads what it wrote.
    #[track_caller]
    pub(crate) fn of(options: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let out = format!("{}/", folder.path().display());
        let options: Vec<&str> = options.iter().copied().chain(["--out", &out]).collect();
        let run = variables
            .iter()
            .fold(scan(&options), |run, (name, value)| run.env(name, value));
        let _ = run.run().success();
        // Without what names run and input: that differs.
        let plain = |table: RecordBatch| {
            let schema = Schema::new(table.schema().fields().clone());
            RecordBatch::try_new(Arc::new(schema), table.columns().to_vec()).expect("the same columns")
        };
        let batches = TABLES.map(|table| plain(read_parquet(&folder.path().join(format!("{table}.parquet")))));
        Self {
            folder,
            batches: batches.into(),
        }
    }

    /// A table's file.
    pub(crate) fn file(&self, table: &str) -> PathBuf {
        self.folder.path().join(format!("{table}.parquet"))
    }
}

/// Bars and universe as local files, and what a scan of them gives.
pub(crate) struct Local {
    folder: TempDir,
}

impl Local {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::write(folder.path().join("bars.parquet"), parquet(&bars(), 100)).expect("a fresh folder takes a file");
        std::fs::write(folder.path().join("universe.csv"), universe()).expect("a fresh folder takes a file");
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The tables of a scan of the Parquet file.
    #[track_caller]
    pub(crate) fn tables(&self) -> Tables {
        let (bars, universe) = (self.path("bars.parquet"), self.path("universe.csv"));
        let tables = Tables::of(&["--bars", &bars, "--universe", &universe], &[]);
        assert!(
            tables.batches[..2].iter().all(|table| table.num_rows() > 0),
            "ranked and scored have rows"
        );
        tables
    }
}
