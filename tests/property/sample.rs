//! The same laws on larger input: some hundred symbols of the built-in sample, and the data beside the checkout.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use arrow::csv::Writer;
use tickfleet_coordinator::sample::{SEED, Sample};
use tickfleet_tests::beside::data;
use tickfleet_tests::tables::read_parquet;

use crate::layout::{self, DayText, Lacks, Packing, ParquetForm};
use crate::market::Row;
use crate::scan::Scan;

/// Every so many-th symbol of the sample.
const STRIDE: usize = 17;

fn rows() -> Vec<Row> {
    let sample = Sample::new(SEED);
    let listings = sample.listings().iter().step_by(STRIDE);
    let bars = listings.flat_map(|listing| {
        sample.bars(listing).into_iter().map(|bar| Row {
            symbol: Some(listing.symbol.clone()),
            day: Some(bar.date),
            prices: [bar.open, bar.high, bar.low, bar.close].map(Some),
            volume: bar.volume,
            adj_close: bar.adj_close,
        })
    });
    bars.collect()
}

#[test]
fn a_sample_of_hundreds_of_symbols_keeps_its_bytes() {
    let rows = rows();
    assert!(rows.len() > 100_000, "the sample is large: {} rows", rows.len());
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = |name: &str| folder.path().join(name);
    let form = ParquetForm {
        row_group: 20_000,
        ..ParquetForm::default()
    };
    layout::write_parquet(&path("bars.parquet"), &rows, &form, Lacks::Nothing);
    layout::write_csv(
        &path("bars.csv.zst"),
        &rows,
        Packing::Zstd,
        DayText::Iso,
        Lacks::Nothing,
    );
    layout::write_parquet(
        &path("shuffled.parquet"),
        &crate::market::shuffled(&rows, 5),
        &form,
        Lacks::Nothing,
    );
    let scan = |name: &str| Scan::of(&path(name)).with(["--side", "all", "--max-per-sector", "0", "--top", "100000"]);
    let ordered = scan("bars.parquet");
    let tables = ordered.tables();
    let (expected, bytes, text) = (tables.rows(), tables.bytes(), ordered.file("jsonl"));
    assert!(expected[1].num_rows() > 100, "many symbols are scored");
    for cut in [
        ["--lanes", "1", "--shard-size", "5000"],
        ["--lanes", "7", "--shard-size", "1"],
    ] {
        assert!(
            ordered.clone().with(cut).tables().bytes() == bytes,
            "{cut:?} changes a table"
        );
    }
    let small = ordered
        .clone()
        .with(["--lanes", "2", "--shard-size", "50", "--memory", "1MB"]);
    assert!(small.tables().bytes() == bytes, "a small cache changes a table");
    for name in ["bars.csv.zst", "shuffled.parquet"] {
        assert_eq!(scan(name).tables().rows(), expected, "{name}");
        assert!(scan(name).file("jsonl") == text, "the ranking of {name} differs");
    }
}

#[test]
fn the_real_data_keeps_its_bytes() {
    let Some(bars) = data("scan/us_daily_2015_2016h1.parquet") else {
        return;
    };
    let universe = data("scan/universe_technic.csv").expect("the data beside the checkout is whole");
    let scan = |bars: &Path| Scan::of(bars).with(["--universe".into(), universe.clone().into_os_string()]);
    let expected = scan(&bars).with(["--lanes", "1"]).tables();
    let small = scan(&bars).with(["--lanes", "7", "--shard-size", "50", "--memory", "1MB"]);
    assert!(
        small.tables().bytes() == expected.bytes(),
        "lanes, shards or a small cache change a table"
    );
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let csv = folder.path().join("bars.csv");
    let mut writer = Writer::new(BufWriter::new(File::create(&csv).expect("a file can be made")));
    writer.write(&read_parquet(&bars)).expect("a file takes rows");
    drop(writer);
    assert_eq!(
        scan(&csv).tables().rows(),
        expected.rows(),
        "CSV and Parquet give the same tables"
    );
}
