//! A range of dates as one run: a whole process from its start to the tables of every date in a folder.

use std::fs::File;
use std::path::Path;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tickfleet_kernels::scan::cells::format_date;
use tickfleet_tests::tables::{days, read_parquet};

use crate::cold::{Usage, run, scan};
use crate::input::Input;

/// Dates of the range, as far as the input has so many.
const DATES: usize = 250;

/// The runs of a range.
pub(crate) struct Range {
    /// As-of dates.
    pub(crate) dates: usize,
    /// Scored rows of all of them.
    pub(crate) rows: usize,
    /// Runs of the program.
    pub(crate) scans: Vec<Usage>,
}

/// Scans the last dates of an input, `repeat` times; a first run is not counted.
///
/// # Panics
/// When the last date of the range has another ranking than a scan of that date by itself.
pub(crate) fn measure(input: &Input, repeat: usize) -> Range {
    let folder = || tempfile::tempdir().expect("a temporary folder can be made");
    // Sessions are those of the whole input, whatever the symbols.
    let sessions = folder();
    run(&mut scan(
        input,
        sessions.path(),
        &["--from", "1900-01-01", "--symbols", "A"],
    ));
    let sessions = dates(sessions.path());
    let from = format_date(sessions[sessions.len().saturating_sub(DATES)]);
    let single = folder();
    run(&mut scan(input, single.path(), &[]));
    let mut range = Range {
        dates: sessions.len().min(DATES),
        rows: 0,
        scans: Vec::new(),
    };
    for at in 0..=repeat {
        let out = folder();
        let usage = run(&mut scan(input, out.path(), &["--from", &from]));
        range.scans.extend((at > 0).then_some(usage));
        if at == 0 {
            assert_eq!(
                dates(out.path()).len(),
                range.dates,
                "every session of the range is scanned"
            );
            range.rows = check(single.path(), out.path());
        }
    }
    range
}

/// The as-of dates of a run, ascending.
fn dates(folder: &Path) -> Vec<i32> {
    let mut dates: Vec<i32> = days(&read_parquet(&folder.join("funnel.parquet")), "as_of")
        .into_iter()
        .flatten()
        .collect();
    dates.dedup();
    dates
}

/// Holds the last date's ranking against that of a scan of the date, and gives the number of all scored rows. The scored
/// table is not read: a child's peak of memory begins at its parent's.
fn check(single: &Path, range: &Path) -> usize {
    let [of_date, all] = [single, range].map(|folder| read_parquet(&folder.join("ranked.parquet")));
    let before = all.num_rows() - of_date.num_rows();
    let last = all.slice(before, of_date.num_rows());
    assert_eq!(
        last.columns(),
        of_date.columns(),
        "a date has the same rows in any range"
    );
    let scored = File::open(range.join("scored.parquet")).expect("a run leaves its tables");
    let scored = ParquetRecordBatchReaderBuilder::try_new(scored).expect("a table is a Parquet file");
    usize::try_from(scored.metadata().file_metadata().num_rows()).expect("rows are counted from 0")
}
