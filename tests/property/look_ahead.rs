//! No look-ahead: what comes after an as-of date, in the same run or in the files, changes nothing as of that date.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use tickfleet_tests::random::seeds;

use crate::layout::{self, DayText, Lacks, Packing, ParquetForm};
use crate::{SEEDS, day, market, small_scan};

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
            let before = small_scan(&all, folder.path(), seed).with(["--as-of", &day(at)]);
            let after = small_scan(&cut, folder.path(), seed);
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
