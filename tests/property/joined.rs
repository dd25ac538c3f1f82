//! Fundamentals, events and predictions of the made-up market: from a seed, with the dirt of real files, whole or as
//! they were known by a day.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use tickfleet_kernels::scan::cells::{date, format_date, is_null_text, number};
use tickfleet_kernels::scan::fundamentals::FIGURES;
use tickfleet_tests::random::Random;

use crate::market;

/// A table as text: a header, and rows with the day from which each counts.
pub(crate) struct Joined {
    /// Its name, as the option that takes it.
    pub(crate) name: &'static str,
    header: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Clone)]
struct Row {
    /// The row changes no result before this day; `None`: it may change any.
    counts_from: Option<i32>,
    /// A cell that is not known before a day.
    hidden: Option<(usize, i32)>,
    cells: Vec<String>,
}

/// The three tables of a seed.
pub(crate) fn tables(seed: u64) -> [Joined; 3] {
    [fundamentals(seed), events(seed), predictions(seed)]
}

impl Joined {
    /// The table as it was known by the end of a day: later rows left out, later surprises blank.
    pub(crate) fn known(&self, last: i32) -> Self {
        let rows = self
            .rows
            .iter()
            .filter(|row| row.counts_from.is_none_or(|day| day <= last));
        let rows = rows.map(|row| {
            let mut row = row.clone();
            if let Some((cell, _)) = row.hidden.filter(|(_, day)| *day > last) {
                row.cells[cell].clear();
            }
            row
        });
        Self {
            name: self.name,
            header: self.header.clone(),
            rows: rows.collect(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Writes it as CSV and gives the path.
    pub(crate) fn write_csv(&self, folder: &Path) -> PathBuf {
        let lines = std::iter::once(&self.header).chain(self.rows.iter().map(|row| &row.cells));
        let text: String = lines.map(|cells| cells.join(",") + "\n").collect();
        let path = folder.join(format!("{}.csv", self.name));
        std::fs::write(&path, text).expect("a temporary folder takes a file");
        path
    }

    /// Writes it as Parquet: as text, or with days and numbers in types of their own where no cell is lost by that.
    pub(crate) fn write_parquet(&self, folder: &Path, is_typed: bool) -> PathBuf {
        let column = |at: usize| {
            let cells: Vec<&str> = self.rows.iter().map(|row| row.cells[at].as_str()).collect();
            let is_all = |known: &dyn Fn(&str) -> bool| cells.iter().all(|cell| is_null_text(cell) || known(cell));
            let array: ArrayRef = if is_typed && is_all(&|cell| date(cell).is_some()) {
                Arc::new(cells.iter().map(|cell| date(cell)).collect::<Date32Array>())
            } else if is_typed && is_all(&|cell| number(cell).is_some()) {
                Arc::new(cells.iter().map(|cell| number(cell)).collect::<Float64Array>())
            } else {
                Arc::new(StringArray::from(cells))
            };
            (self.header[at].clone(), array, true)
        };
        let batch = RecordBatch::try_from_iter_with_nullable((0..self.header.len()).map(column));
        let batch = batch.expect("columns of equal length");
        let path = folder.join(format!("{}-{is_typed}.parquet", self.name));
        let file = std::fs::File::create(&path).expect("a temporary folder takes a file");
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a schema of Parquet");
        writer.write(&batch).expect("a file takes rows");
        writer.close().expect("a file can be finished");
        path
    }
}

/// Days before, in and after the market.
fn any_day(random: &mut Random) -> i32 {
    let span = usize::try_from(market::days()[market::DAYS - 1] - market::FIRST_DAY).expect("days ascend") + 120;
    market::FIRST_DAY - 60 + i32::try_from(random.below(span)).expect("a few hundred days")
}

fn maybe(random: &mut Random, text: String) -> String {
    if random.once_in(7) {
        ["", "n/a", "-"][random.below(3)].to_owned()
    } else {
        text
    }
}

fn names(header: &[&str]) -> Vec<String> {
    header.iter().map(|name| (*name).to_owned()).collect()
}

fn fundamentals(seed: u64) -> Joined {
    let mut random = Random::new(seed ^ 0xf0);
    let mut header = names(&["Ticker", "Filing Date"]);
    header.extend(FIGURES.iter().map(|figure| figure.to_uppercase()));
    let mut rows = Vec::new();
    for symbol in market::symbols() {
        for _ in 0..random.below(6) {
            let (day, text) = match random.below(12) {
                0 => (None, String::new()),
                1 => (None, "soon".to_owned()),
                _ => {
                    let day = any_day(&mut random);
                    (Some(day), format_date(day))
                }
            };
            let mut cells = vec![symbol.clone(), text];
            for figure in FIGURES {
                let size = if figure.contains("eps") || figure.contains("per_share") {
                    1.0
                } else {
                    1e8
                };
                let value = size * (20.0 * random.unit() - 4.0);
                cells.push(maybe(&mut random, value.to_string()));
            }
            rows.push(Row {
                counts_from: day,
                hidden: None,
                cells,
            });
        }
    }
    Joined {
        name: "fundamentals",
        header,
        rows,
    }
}

fn events(seed: u64) -> Joined {
    let mut random = Random::new(seed ^ 0xe7);
    let header = names(&["symbol", "date", "Type", "surprise", "announced_on"]);
    let mut rows = Vec::new();
    for symbol in market::symbols() {
        for _ in 0..random.below(14) {
            let day = any_day(&mut random);
            let announced = (!random.once_in(3)).then(|| day - i32::try_from(random.below(60)).expect("days") + 5);
            let surprise = 0.2 * random.unit() - 0.1;
            let cells = vec![
                symbol.clone(),
                format_date(day),
                ["earnings", "Earnings", "ex_dividend", "split"][random.below(4)].to_owned(),
                maybe(&mut random, surprise.to_string()),
                announced.map_or_else(String::new, format_date),
            ];
            rows.push(Row {
                counts_from: announced.map(|announced| announced.min(day)),
                hidden: Some((3, day)),
                cells,
            });
        }
    }
    Joined {
        name: "events",
        header,
        rows,
    }
}

fn predictions(seed: u64) -> Joined {
    let mut random = Random::new(seed ^ 0x9d);
    let header = names(&["symbol", "date", "pred_5d", "pred_10d", "win_prob"]);
    let mut rows = Vec::new();
    for symbol in market::symbols() {
        for day in market::days() {
            if random.once_in(4) {
                continue;
            }
            let mut cells = vec![symbol.clone(), format_date(day)];
            for (low, high) in [(-0.1, 0.1), (-0.2, 0.2), (-0.1, 1.1)] {
                let value: f64 = low + (high - low) * random.unit();
                cells.push(maybe(&mut random, value.to_string()));
            }
            rows.push(Row {
                counts_from: Some(day),
                hidden: None,
                cells,
            });
        }
    }
    Joined {
        name: "predictions",
        header,
        rows,
    }
}
