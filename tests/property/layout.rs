//! Rows on disk in every form that a scan reads: CSV and Parquet in their variants, and folders of many files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampNanosecondType};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::market::Row;

/// How the bytes of a text file are packed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// How a day is written in text.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DayText {
    Iso,
    Compact,
    Moment,
}

/// A Parquet file's form.
#[derive(Clone, Debug)]
pub(crate) struct ParquetForm {
    pub(crate) row_group: usize,
    pub(crate) dictionary: bool,
    pub(crate) compression: Compression,
    pub(crate) symbol: DataType,
    pub(crate) day: DataType,
    pub(crate) volume: DataType,
}

impl Default for ParquetForm {
    fn default() -> Self {
        Self {
            row_group: 1_000,
            dictionary: true,
            compression: Compression::ZSTD(ZstdLevel::default()),
            symbol: DataType::Utf8,
            day: DataType::Date32,
            volume: DataType::Int64,
        }
    }
}

/// Columns of a file; a folder's `key=value` names stand in for those that it lacks.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Lacks {
    Nothing,
    Symbol,
    Day,
}

/// Every layout: its name, and what a scan is told to read. Files are made below `folder`.
pub(crate) fn all(rows: &[Row], folder: &Path) -> Vec<(String, PathBuf)> {
    let mut layouts = Vec::new();
    for (packing, ending) in [
        (Packing::Plain, "csv"),
        (Packing::Gzip, "csv.gz"),
        (Packing::Zstd, "csv.zst"),
    ] {
        for day in [DayText::Iso, DayText::Compact, DayText::Moment] {
            let path = folder.join(format!("bars-{day:?}.{ending}"));
            write_csv(&path, rows, packing, day, Lacks::Nothing);
            layouts.push((format!("CSV {packing:?} {day:?}"), path));
        }
    }
    for (at, form) in parquet_forms().into_iter().enumerate() {
        let path = folder.join(format!("bars-{at}.parquet"));
        write_parquet(&path, rows, &form, Lacks::Nothing);
        layouts.push((format!("{form:?}"), path));
    }
    for seed in [11, 12] {
        let shuffled = crate::market::shuffled(rows, seed);
        let (csv, parquet) = (
            folder.join(format!("shuffled-{seed}.csv")),
            folder.join(format!("shuffled-{seed}.parquet")),
        );
        write_csv(&csv, &shuffled, Packing::Plain, DayText::Iso, Lacks::Nothing);
        write_parquet(&parquet, &shuffled, &ParquetForm::default(), Lacks::Nothing);
        layouts.extend([
            (format!("shuffled CSV {seed}"), csv),
            (format!("shuffled Parquet {seed}"), parquet),
        ]);
    }
    layouts.extend(folders(rows, folder));
    layouts
}

fn parquet_forms() -> Vec<ParquetForm> {
    let form = ParquetForm::default;
    let moment = |unit, zone: Option<&str>| DataType::Timestamp(unit, zone.map(Arc::from));
    vec![
        form(),
        ParquetForm {
            row_group: 37,
            ..form()
        },
        ParquetForm {
            row_group: 1_000_000,
            ..form()
        },
        ParquetForm {
            dictionary: false,
            ..form()
        },
        ParquetForm {
            dictionary: false,
            row_group: 100,
            compression: Compression::UNCOMPRESSED,
            ..form()
        },
        ParquetForm {
            compression: Compression::SNAPPY,
            symbol: DataType::LargeUtf8,
            ..form()
        },
        ParquetForm {
            compression: Compression::LZ4_RAW,
            symbol: DataType::Utf8View,
            ..form()
        },
        ParquetForm {
            symbol: DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            ..form()
        },
        ParquetForm {
            day: moment(TimeUnit::Microsecond, None),
            volume: DataType::Float64,
            ..form()
        },
        ParquetForm {
            day: moment(TimeUnit::Nanosecond, Some("UTC")),
            ..form()
        },
        ParquetForm {
            day: moment(TimeUnit::Millisecond, None),
            dictionary: false,
            ..form()
        },
        ParquetForm {
            day: DataType::Utf8,
            ..form()
        },
    ]
}

/// Many files: by symbol, by day, in hive folders, and of both formats side by side.
fn folders(rows: &[Row], folder: &Path) -> Vec<(String, PathBuf)> {
    let by_symbol = parts(rows, |row| row.symbol.clone());
    let by_day = parts(rows, |row| row.day.map(iso));
    let parquet = ParquetForm::default();
    let root = |name: &str| folder.join(name);
    for (symbol, rows) in &by_symbol {
        let symbol = symbol.as_deref().unwrap_or("none");
        write_csv(
            &root("by-symbol").join(format!("{symbol}.csv")),
            rows,
            Packing::Plain,
            DayText::Iso,
            Lacks::Nothing,
        );
        if symbol != "none" {
            let part = root("hive-symbol").join(format!("symbol={symbol}/part.parquet"));
            write_parquet(&part, rows, &parquet, Lacks::Symbol);
        }
    }
    for (at, (day, rows)) in by_day.iter().enumerate() {
        let day = day.as_deref().unwrap_or("none");
        write_parquet(
            &root("by-day").join(format!("{day}.parquet")),
            rows,
            &parquet,
            Lacks::Nothing,
        );
        if day != "none" {
            let part = root("hive-day").join(format!("year={}/date={day}/part.csv.gz", &day[..4]));
            write_csv(&part, rows, Packing::Gzip, DayText::Iso, Lacks::Day);
        }
        if at % 2 == 0 {
            write_parquet(
                &root("mixed").join(format!("{day}.parquet")),
                rows,
                &parquet,
                Lacks::Nothing,
            );
        } else {
            let path = root("mixed").join(format!("{day}.csv"));
            write_csv(&path, rows, Packing::Plain, DayText::Iso, Lacks::Nothing);
        }
    }
    let mut found: Vec<(String, PathBuf)> = ["by-symbol", "hive-symbol", "by-day", "hive-day", "mixed"]
        .map(|name| (name.to_owned(), root(name)))
        .into();
    found.push(("glob by day".to_owned(), root("by-day/*.parquet")));
    found
}

/// Rows by a part of theirs, each part in input order.
fn parts(rows: &[Row], part: impl Fn(&Row) -> Option<String>) -> BTreeMap<Option<String>, Vec<Row>> {
    let mut parts: BTreeMap<Option<String>, Vec<Row>> = BTreeMap::new();
    for row in rows {
        parts.entry(part(row)).or_default().push(row.clone());
    }
    parts
}

fn iso(day: i32) -> String {
    tickfleet_kernels::scan::cells::format_date(day)
}

/// Writes rows as CSV, the columns in another order than usual, under other names of theirs.
pub(crate) fn write_csv(path: &Path, rows: &[Row], packing: Packing, day_text: DayText, lacks: Lacks) {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let mut text = String::new();
    let header = [
        ("Vol", false),
        (" Date ", lacks == Lacks::Day),
        ("O", false),
        ("ticker", lacks == Lacks::Symbol),
    ];
    let header = header
        .into_iter()
        .chain(["H", "low", "Close", "Adj Close", "note"].map(|name| (name, false)));
    let header: Vec<&str> = header.filter(|(_, lacking)| !lacking).map(|(name, _)| name).collect();
    text.push_str(&header.join(","));
    text.push('\n');
    for row in rows {
        let day = row.day.map(iso).unwrap_or_default();
        let day = match day_text {
            DayText::Iso => day,
            DayText::Compact => day.replace('-', ""),
            DayText::Moment if day.is_empty() => day,
            DayText::Moment => format!("{day}T00:00:00Z"),
        };
        let [open, high, low, close] = row.prices.map(number);
        let mut cells = vec![row.volume.map(|volume| volume.to_string()).unwrap_or_default()];
        cells.extend((lacks != Lacks::Day).then_some(day));
        cells.push(open);
        cells.extend((lacks != Lacks::Symbol).then(|| row.symbol.clone().unwrap_or_default()));
        cells.extend([high, low, close, number(row.adj_close), "\"a, b\"".to_owned()]);
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    write(path, &pack(text.as_bytes(), packing));
}

fn pack(text: &[u8], packing: Packing) -> Vec<u8> {
    match packing {
        Packing::Plain => text.to_vec(),
        Packing::Gzip => {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(text).expect("memory takes bytes");
            packer.finish().expect("memory takes bytes")
        }
        Packing::Zstd => zstd::encode_all(text, 1).expect("memory takes bytes"),
    }
}

/// Writes rows as Parquet.
pub(crate) fn write_parquet(path: &Path, rows: &[Row], form: &ParquetForm, lacks: Lacks) {
    let price = |at: usize| Arc::new(rows.iter().map(|row| row.prices[at]).collect::<Float64Array>()) as ArrayRef;
    let symbols: StringArray = rows.iter().map(|row| row.symbol.clone()).collect();
    let days: Date32Array = rows.iter().map(|row| row.day).collect();
    let volumes: Int64Array = rows.iter().map(|row| row.volume).collect();
    let adjusted: Float64Array = rows.iter().map(|row| row.adj_close).collect();
    let as_type = |column: &dyn arrow::array::Array, wanted: &DataType| cast(column, wanted).expect("a lossless cast");
    let mut columns = vec![
        ("symbol", as_type(&symbols, &form.symbol)),
        ("date", days_as(&days, &form.day)),
        ("open", price(0)),
        ("high", price(1)),
        ("low", price(2)),
        ("close", price(3)),
        ("volume", as_type(&volumes, &form.volume)),
        ("adj_close", Arc::new(adjusted)),
    ];
    columns.retain(|(name, _)| match lacks {
        Lacks::Nothing => true,
        Lacks::Symbol => *name != "symbol",
        Lacks::Day => *name != "date",
    });
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .expect("columns of equal length");
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(form.row_group))
        .set_dictionary_enabled(form.dictionary)
        .set_compression(form.compression)
        .build();
    fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder can be made");
    let file = File::create(path).expect("a file can be made");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a schema of Parquet");
    writer.write(&batch).expect("a file takes rows");
    writer.close().expect("a file can be finished");
}

/// The days in another type. A time zone is only named: midnight UTC is the day's beginning.
fn days_as(days: &Date32Array, wanted: &DataType) -> ArrayRef {
    let DataType::Timestamp(TimeUnit::Nanosecond, Some(zone)) = wanted else {
        return cast(days, wanted).expect("a lossless cast");
    };
    let moments = cast(days, &DataType::Timestamp(TimeUnit::Nanosecond, None)).expect("a lossless cast");
    let moments = moments.as_primitive::<TimestampNanosecondType>().clone();
    Arc::new(moments.with_timezone(zone.clone()))
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder can be made");
    fs::write(path, bytes).expect("a folder takes a file");
}
