//! The end of a run in words and numbers: what was ranked, what was left out, what was written.

use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use serde::Serialize;
use tickfleet_kernels::scan::cells::format_date;
use tickfleet_protocol::ids::RunId;

use crate::view::colour::Stream;
use crate::view::funnel::{FunnelLine, funnel};
use crate::view::number::{duration, plural};
use crate::view::ranked::{RankedRow, ranked};
use crate::view::terminal::columns_of;

/// A result file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Name of its table.
    pub table: &'static str,
    /// Where it is.
    pub path: String,
    /// Its rows.
    pub rows: u64,
}

/// The first row, in input order, that was not used for a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The reason, as in the funnel.
    pub reason: String,
    /// Where the row is.
    pub place: String,
    /// What stands there.
    pub why: String,
}

/// A line of the funnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunnelEntry {
    /// As-of date.
    pub as_of: String,
    /// Stage.
    pub stage: String,
    /// Reason, or name of a total.
    pub reason: String,
    /// How many.
    pub count: i64,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The run.
    pub run: RunId,
    /// Always `succeeded`: other ends are failures.
    pub state: &'static str,
    /// As-of dates.
    pub as_of: Vec<String>,
    /// Scored rows, over all dates.
    pub scored: u64,
    /// Ranked rows, over all dates.
    pub ranked: u64,
    /// Rows of the bars without a readable symbol or date.
    pub unplaced_rows: u64,
    /// The funnels of all dates.
    pub funnel: Vec<FunnelEntry>,
    /// Rows that were not used.
    pub notes: Vec<Note>,
    /// Files written.
    pub files: Vec<Written>,
    /// Ranked rows of the last date, for the terminal.
    #[serde(skip)]
    shown: Vec<RankedRow>,
}

impl Report {
    /// A report of a run over these dates, empty so far.
    pub fn new(run: RunId, as_of: &[i32]) -> Self {
        Self {
            run,
            state: "succeeded",
            as_of: as_of.iter().map(|&day| format_date(day)).collect(),
            scored: 0,
            ranked: 0,
            unplaced_rows: 0,
            funnel: Vec::new(),
            notes: Vec::new(),
            files: Vec::new(),
            shown: Vec::new(),
        }
    }

    /// Takes in one date. `None` where the funnel is no funnel: then nothing was taken.
    pub fn take_day(&mut self, date: usize, ranked: Vec<RankedRow>, scored: usize, funnel: &RecordBatch) -> Option<()> {
        let text = |name: &str| funnel.column_by_name(name)?.as_string_opt::<i32>();
        let (stages, reasons) = (text("stage")?, text("reason")?);
        let counts = funnel.column_by_name("count")?.as_primitive_opt::<Int64Type>()?;
        let as_of = self.as_of.get(date)?;
        self.funnel.extend((0..funnel.num_rows()).map(|row| FunnelEntry {
            as_of: as_of.clone(),
            stage: stages.value(row).to_owned(),
            reason: reasons.value(row).to_owned(),
            count: counts.value(row),
        }));
        self.scored += scored as u64;
        self.ranked += ranked.len() as u64;
        self.shown = ranked;
        Some(())
    }

    /// The last date's ranking for standard output; empty when files were written instead.
    pub fn table(&self, colours: bool) -> String {
        if !self.files.is_empty() || self.shown.is_empty() {
            return String::new();
        }
        ranked(&self.shown, columns_of(Stream::Stdout), colours)
    }

    /// The rest for standard error: the last date's funnel, notes, files, and how long it took.
    pub fn summary(&self, elapsed: Duration, colours: bool) -> String {
        let columns = columns_of(Stream::Stderr);
        let last = self.as_of.last().map_or("", String::as_str);
        let mut text = match self.as_of.as_slice() {
            [first, .., last] => format!(
                "\nscan of {} sessions, {first} to {last}; below, {last}\n",
                self.as_of.len()
            ),
            _ => format!("\nscan as of {last}\n"),
        };
        let lines: Vec<FunnelLine<'_>> = self
            .funnel
            .iter()
            .filter(|entry| entry.as_of == last)
            .map(|entry| FunnelLine {
                stage: &entry.stage,
                reason: &entry.reason,
                count: entry.count,
            })
            .collect();
        text += &funnel(&lines, columns, colours);
        if self.unplaced_rows > 0 {
            text += &format!(
                "skipped {} without a readable symbol or date\n",
                plural(self.unplaced_rows, "row", "rows")
            );
        }
        for note in &self.notes {
            text += &format!("first {}: {}: {}\n", note.reason, note.place, note.why);
        }
        for file in &self.files {
            text += &format!("wrote {}: {}\n", file.path, plural(file.rows, "row", "rows"));
        }
        text + &format!("took {}\n", duration(elapsed))
    }
}
