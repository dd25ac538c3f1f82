//! Every column of every table against the goldens.

use arrow::array::RecordBatch;
use tickfleet_kernels::features::bars::{BarKernel, Day};
use tickfleet_kernels::features::quality::Found;
use tickfleet_kernels::features::record::Record;
use tickfleet_kernels::features::reorder::Reorder;
use tickfleet_kernels::table::Table;
use tickfleet_runtime::tables::batch;
use tickfleet_tests::beside::data;
use tickfleet_tests::tables::read_parquet;

use crate::cases::{AAPL, Case, SYN5, TINY};
use crate::compare::compare;
use crate::decode::records;

const REORDER_NS: i64 = 10_000_000_000;

/// The records of a case in the order in which they are processed, and those that had to be moved.
fn ordered(case: &Case) -> Option<(Vec<Record>, i64)> {
    let path = data(&format!("features/in/{}", case.file))?;
    let (mut reorder, mut ordered) = (Reorder::new(REORDER_NS), Vec::new());
    for record in records(&path) {
        reorder.push(&record, |it| ordered.push(*it)).expect("no record is too late");
    }
    reorder.finish(|it| ordered.push(*it));
    Some((ordered, reorder.reordered()))
}

fn day(case: &Case, records: &[Record]) -> Day {
    let mut kernel = BarKernel::new(&case.options());
    kernel.push_all(records);
    kernel.finish()
}

/// Holds a table against its golden; gives the number of cells compared.
#[track_caller]
fn hold(case: &Case, name: &str, table: &Table) -> usize {
    let leaf = format!("{name}/symbol={}/date={}/part-00000.parquet", case.symbol, case.date);
    let path = data(&format!("features/golden/{}/{leaf}", case.golden)).expect("records lie beside their goldens");
    let got: RecordBatch = batch(table).expect("columns are equally long");
    let found = compare(name, &got, &read_parquet(&path));
    let (first, rest) = found.differences.split_at(found.differences.len().min(12));
    assert!(first.is_empty(), "{} {}: {first:#?} and {} more", case.file, case.date, rest.len());
    found.cells
}

#[track_caller]
fn hold_day(case: &Case) {
    let Some((records, reordered)) = ordered(case) else {
        return;
    };
    let mut day = day(case, &records);
    day.quality.reordered = reordered;
    let mut cells = hold(case, "bars", &day.bars);
    cells += hold(case, "levels", &day.levels.table(case.symbol, case.day));
    let levels = day.levels.levels().len();
    let found = Found { levels: i64::try_from(levels).unwrap(), ..Found::default() };
    if case.golden != "syn5" {
        cells += hold(case, "quality", &day.quality.table(case.symbol, case.day, &found));
    }
    println!("{} {}: {cells} cells", case.symbol, case.date);
}

#[test]
fn a_share_of_a_real_feed() {
    hold_day(&AAPL);
}

#[test]
fn two_records_in_every_version_of_the_format() {
    TINY.iter().for_each(hold_day);
}

#[test]
fn synthetic_days_with_every_kind_of_dirt() {
    SYN5.iter().for_each(hold_day);
}
