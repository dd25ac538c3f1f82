//! No look-ahead: what comes after an as-of date, in the same run or in the files, changes nothing as of that date.

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use tickfleet_tests::random::seeds;

use crate::joined::{self, Joined};
use crate::layout::{self, DayText, Lacks, Packing, ParquetForm};
use crate::{SEEDS, bare_scan, day, joined_scan, market, small_scan};

#[test]
fn a_range_of_dates_is_the_scans_of_each() {
    for seed in seeds(&SEEDS) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let bars = folder.path().join("bars.parquet");
        layout::write_parquet(&bars, &market::rows(seed), &ParquetForm::default(), Lacks::Nothing);
        let scan = small_scan(&bars, folder.path(), seed);
        let (from, to) = (70, 79);
        let range = scan
            .clone()
            .with(["--from", &day(from), "--to", &day(to)])
            .tables()
            .rows();
        let mut single: Vec<[RecordBatch; 4]> = Vec::new();
        for at in from..=to {
            let tables = scan.clone().with(["--as-of", &day(at)]).tables().rows();
            // The as-of date of a day that is no session is the session before it, which the range has once.
            if single.last().is_none_or(|last| last[3] != tables[3]) {
                single.push(tables);
            }
        }
        assert!(single.len() > 5, "the range has sessions");
        for (at, table) in range.iter().enumerate() {
            let parts = single.iter().map(|tables| &tables[at]);
            let union = concat_batches(&table.schema(), parts).expect("tables of one kind");
            assert_eq!(
                table, &union,
                "seed {seed}: table {at} of the range is not the union of single dates"
            );
        }
    }
}

#[test]
fn deleting_later_rows_changes_no_byte() {
    for seed in seeds(&SEEDS) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let rows = market::rows(seed);
        for at in [45, 75, 100] {
            let last = market::days()[at];
            let mut kept = rows.clone();
            kept.retain(|row| row.day.is_none_or(|day| day <= last));
            assert!(kept.len() < rows.len(), "there are later rows");
            let (all, cut) = (
                folder.path().join("all.csv"),
                folder.path().join(format!("cut-{at}.csv")),
            );
            layout::write_csv(&all, &rows, Packing::Plain, DayText::Iso, Lacks::Nothing);
            layout::write_csv(&cut, &kept, Packing::Plain, DayText::Iso, Lacks::Nothing);
            let universe = folder.path().join("universe.csv");
            std::fs::write(&universe, market::universe(seed)).expect("a temporary folder takes a file");
            let scan = |bars: &Path, name: &str, tables: &[Joined]| {
                let folder = folder.path().join(name);
                std::fs::create_dir_all(&folder).expect("a folder can be made");
                let scan = bare_scan(bars).with(["--universe".into(), universe.clone().into_os_string()]);
                joined_scan(scan, &folder, tables)
            };
            let tables = joined::tables(seed);
            let known = tables.each_ref().map(|table| table.known(last));
            for (known, table) in known.iter().zip(&tables) {
                assert!(known.len() < table.len(), "{} has later rows", table.name);
            }
            let before = scan(&all, "all", &tables).with(["--as-of", &day(at)]);
            let after = scan(&cut, &format!("cut-{at}"), &known);
            assert_eq!(
                before.tables().rows(),
                after.tables().rows(),
                "seed {seed}: as of {}",
                day(at)
            );
            for ending in ["csv", "jsonl"] {
                assert!(
                    before.file(ending) == after.file(ending),
                    "seed {seed}: {ending} as of {}",
                    day(at)
                );
            }
        }
    }
}
