//! Results of a run that succeeded: tables from the reduce jobs, date by date, into files and a report.
//!
//! Memory holds one date's tables at a time. A file appears when all of it is written, or not at all.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use rayon::prelude::*;
use serde_json::value::RawValue;
use tickfleet_protocol::ids::RunId;
use tickfleet_runtime::broker::RunState;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::sink::{ClosedFile, FileSink, Metadata, SinkError, Target};

use crate::cluster::{Cluster, DayTables, Part};
use crate::events::{Event, Events};
use crate::report::{Report, Written};
use crate::view::letters::job;
use crate::view::ranked::RankedRow;

/// Dead letters named in a failure.
const DEAD_SHOWN: usize = 3;
/// Tables of `--out DIR/`, in the order of writing.
const TABLES: [&str; 4] = ["ranked", "scored", "rejected", "funnel"];

/// Fetches the tables of a run, writes them, and reports.
///
/// # Errors
/// The cluster does not give them; the output cannot be written; nothing half-written is left.
pub async fn collect(
    cluster: &dyn Cluster,
    run: RunId,
    out: Option<&Target>,
    events: &mut Events,
) -> Result<Report, Failure> {
    let mut parts = cluster.results(run).await?;
    let Some(Part::Head(head)) = parts.try_next().await? else {
        return Err(incomplete(run));
    };
    let mut writer = Writer::new(out, head.metadata.into_iter().collect());
    let mut report = Report::new(run, &head.as_of);
    report.unplaced_rows = head.unplaced_rows;
    let (mut days, mut is_whole) = (0, false);
    while let Some(part) = parts.try_next().await? {
        match part {
            Part::Day(day) if day.date == days && days < head.as_of.len() => {
                tokio::task::block_in_place(|| writer.write(&day))?;
                if out.is_none() {
                    emit_rows(&day.ranked, events)?;
                }
                let taken = report.take_day(day.date, ranked_rows(&day.ranked), day.scored.num_rows(), &day.funnel);
                taken.ok_or_else(|| incomplete(run))?;
                days += 1;
            }
            Part::Notes(notes) => {
                report.notes = notes;
                is_whole = days == head.as_of.len();
            }
            Part::Head(_) | Part::Day(_) => return Err(incomplete(run)),
        }
    }
    if !is_whole {
        return Err(incomplete(run));
    }
    // Last, and without an await after it: whoever interrupts the run before this leaves no file.
    report.files = tokio::task::block_in_place(|| writer.finish())?;
    Ok(report)
}

/// What a run that did not succeed tells its user.
pub async fn failure(cluster: &dyn Cluster, run: RunId, state: RunState) -> Failure {
    let what = match state {
        RunState::Cancelled => "the run was cancelled",
        RunState::DeadlineExceeded => "the run's deadline passed before it was done",
        RunState::Running | RunState::Succeeded | RunState::Failed => "the run failed",
    };
    let failure = Failure::new(ExitStatus::Failed, what).at(format!("run {run}"));
    let Ok(dead) = cluster.dead(run).await else {
        return failure;
    };
    let named = dead.iter().take(DEAD_SHOWN).fold(failure, |failure, letter| {
        failure.why(format!("{}: {}", job(&letter.job), letter.reason))
    });
    match dead.len().saturating_sub(DEAD_SHOWN) {
        0 => named,
        more => named.why(format!("and {more} more jobs")),
    }
}

fn incomplete(run: RunId) -> Failure {
    Failure::new(ExitStatus::Failed, format!("the results of run {run} came incomplete"))
        .help("fetch them again; coordinator and client may be of different versions")
}

/// Writes tables as the dates come.
struct Writer<'a> {
    out: Option<&'a Target>,
    metadata: Metadata,
    sinks: Vec<(FileSink, Written)>,
}

impl<'a> Writer<'a> {
    fn new(out: Option<&'a Target>, metadata: Metadata) -> Self {
        Self {
            out,
            metadata,
            sinks: Vec::new(),
        }
    }

    fn write(&mut self, day: &DayTables) -> Result<(), Failure> {
        let tables = [&day.ranked, &day.scored, &day.rejected, &day.funnel];
        let wanted = match self.out {
            None => 0,
            Some(Target::File(..)) => 1,
            Some(Target::Folder(_)) => TABLES.len(),
        };
        for (at, table) in tables.into_iter().take(wanted).enumerate() {
            if self.sinks.len() == at {
                let opened = self.open(TABLES[at], table);
                self.sinks.push(opened.map_err(|error| unwritten(&error))?);
            }
            let (sink, written) = &mut self.sinks[at];
            sink.write(table).map_err(|error| unwritten(&error))?;
            written.rows += table.num_rows() as u64;
        }
        Ok(())
    }

    fn open(&self, name: &'static str, table: &RecordBatch) -> Result<(FileSink, Written), SinkError> {
        let target = self.out.expect("only opened with an output");
        let (path, format) = target.table(name);
        let sink = FileSink::create(&path, table.schema(), format, &self.metadata)?;
        Ok((
            sink,
            Written {
                table: name,
                path: path.display().to_string(),
                rows: 0,
            },
        ))
    }

    /// Puts every file in its place, once all of them are whole. Closing encodes and syncs, so files close side by side;
    /// of several failures the first table's is told.
    fn finish(self) -> Result<Vec<Written>, Failure> {
        let close = |(sink, written): (FileSink, Written)| Ok((sink.close()?, written));
        let closed: Vec<Result<_, SinkError>> = self.sinks.into_par_iter().map(close).collect();
        let closed: Result<Vec<_>, SinkError> = closed.into_iter().collect();
        let publish = |(file, written): (ClosedFile, Written)| file.publish().map(|()| written);
        let published = closed.and_then(|files| files.into_iter().map(publish).collect());
        published.map_err(|error| unwritten(&error))
    }
}

fn unwritten(error: &SinkError) -> Failure {
    error.failure(ExitStatus::Failed)
}

fn ranked_rows(batch: &RecordBatch) -> Vec<RankedRow> {
    let number = |name: &str, row: usize| {
        let column = batch.column_by_name(name)?.as_primitive_opt::<Float64Type>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let text = |name: &str, row: usize| {
        let column = batch.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let rank = |row: usize| {
        let column = batch.column_by_name("rank")?.as_primitive_opt::<Int32Type>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let shares = |row: usize| {
        let column = batch.column_by_name("shares")?.as_primitive_opt::<Int64Type>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let row = |row: usize| RankedRow {
        rank: rank(row),
        symbol: text("symbol", row).unwrap_or_default(),
        signal: text("signal", row).unwrap_or_default(),
        merit: number("merit", row),
        band: text("band", row),
        ics: number("ics", row),
        tech_rating: number("tech_rating", row),
        close: number("close", row),
        entry: number("entry", row),
        stop: number("stop", row),
        target: number("target", row),
        shares: shares(row),
        sector: text("sector", row),
        name: text("name", row),
        market_cap: number("market_cap", row),
        flags: text("flags", row).unwrap_or_default(),
    };
    (0..batch.num_rows()).map(row).collect()
}

/// Ranked rows as events, where events are printed and no file was asked for.
fn emit_rows(ranked: &RecordBatch, events: &mut Events) -> Result<(), Failure> {
    if !events.is_json() {
        return Ok(());
    }
    let unprintable = |error: &(dyn std::error::Error + 'static)| Failure::from_error(ExitStatus::Failed, error);
    let options = arrow::json::WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = options.build::<_, arrow::json::writer::LineDelimited>(Vec::new());
    writer.write(ranked).map_err(|error| unprintable(&error))?;
    writer.finish().map_err(|error| unprintable(&error))?;
    for line in String::from_utf8_lossy(&writer.into_inner()).lines() {
        let row = RawValue::from_string(line.to_owned()).map_err(|error| unprintable(&error))?;
        events.emit(&Event::Ranked { row: &row })?;
    }
    Ok(())
}
