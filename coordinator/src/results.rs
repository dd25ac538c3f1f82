//! Results of a run that succeeded: tables from the reduce jobs, date by date, into files and a report.
//!
//! Memory holds one date's tables at a time. A file appears when all of it is written, or not at all.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use arrow::record_batch::RecordBatch;
use rayon::prelude::*;
use serde_json::value::RawValue;
use tickfleet_kernels::scan::cells::format_date;
use tickfleet_proto::convert::{FirstRejects, ReduceOutput};
use tickfleet_protocol::identity::{KERNEL_VERSION, canonical};
use tickfleet_protocol::ids::RunId;
use tickfleet_protocol::plan::{Job, stage_name};
use tickfleet_runtime::broker::{Broker, RunState};
use tickfleet_runtime::cache;
use tickfleet_runtime::data::describe::{RowFault, describe};
use tickfleet_runtime::sink::{ClosedFile, FileSink, Metadata, SinkError, Target};
use tickfleet_runtime::tables::decode;
use tickfleet_worker::run::Run;

use crate::embedded::Embedded;
use crate::events::{Event, Events};
use crate::report::{Note, Report, Written};
use crate::view::ranked::RankedRow;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::settings::mask;

/// Dead letters named in a failure.
const DEAD_SHOWN: usize = 3;
/// Tables of `--out DIR/`, in the order of writing.
const TABLES: [&str; 4] = ["ranked", "scored", "rejected", "funnel"];

/// Fetches the tables of a run, writes them, and reports.
///
/// # Errors
/// The output cannot be written; nothing half-written is left.
pub async fn collect(
    cluster: &Embedded,
    id: RunId,
    run: &Run,
    out: Option<&Target>,
    events: &mut Events,
) -> Result<Report, Failure> {
    let facts = &run.record.facts;
    let mut writer = Writer::new(out, metadata(id, run));
    let mut report = Report::new(id, &facts.as_of);
    let mut first = FirstRejects::default();
    for date in 0..facts.as_of.len() {
        let day = day(&cluster.broker, run, date).await?;
        first = first.merge(day.first_rejects);
        tokio::task::block_in_place(|| writer.write(&day))?;
        if out.is_none() {
            emit_rows(&day.ranked, events)?;
        }
        report.take_day(date, ranked_rows(&day.ranked), day.scored.num_rows(), &day.funnel);
    }
    report.unplaced_rows = facts.unplaced_rows;
    report.notes = notes(cluster, run, first).await?;
    // Last, and without an await after it: whoever interrupts the run before this leaves no file.
    report.files = tokio::task::block_in_place(|| writer.finish())?;
    Ok(report)
}

/// What a run that did not succeed tells its user.
pub async fn failure(broker: &dyn Broker, run: RunId, state: RunState) -> Failure {
    let what = match state {
        RunState::Cancelled => "the run was cancelled",
        RunState::DeadlineExceeded => "the run's deadline passed before it was done",
        RunState::Running | RunState::Succeeded | RunState::Failed => "the run failed",
    };
    let failure = Failure::new(ExitStatus::Failed, what)
        .at(format!("run {run}"))
        .help("run it again with --log warn to see each attempt that failed");
    let Ok(dead) = broker.dead(run).await else {
        return failure;
    };
    let named = dead.iter().take(DEAD_SHOWN).fold(failure, |failure, letter| {
        let stage = stage_name(u32::from(letter.job.stage.0));
        failure.why(format!("{stage} job {}: {}", letter.job.index.0, letter.reason))
    });
    match dead.len().saturating_sub(DEAD_SHOWN) {
        0 => named,
        more => named.why(format!("and {more} jobs more")),
    }
}

/// Tables of one date.
struct Day {
    ranked: RecordBatch,
    scored: RecordBatch,
    rejected: RecordBatch,
    funnel: RecordBatch,
    first_rejects: FirstRejects,
}

async fn day(broker: &Arc<dyn Broker>, run: &Run, date: usize) -> Result<Day, Failure> {
    let lost = |error: &(dyn std::error::Error + 'static)| {
        let as_of = format_date(run.record.facts.as_of[date]);
        Failure::new(ExitStatus::Failed, format!("the result of {as_of} cannot be read")).because(error)
    };
    let identity = run.identities().of(&Job::Reduce { date });
    let found = cache::Results::alone(broker.clone()).get(&[identity]).await;
    let bytes = found.map_err(|error| lost(&error))?.pop().flatten();
    let bytes = bytes.ok_or_else(|| lost(&std::io::Error::other("it has expired")))?;
    let output = ReduceOutput::decode(bytes).map_err(|error| lost(&error))?;
    let table = |bytes| decode(bytes).map_err(|error| lost(&error));
    Ok(Day {
        ranked: table(&output.ranked)?,
        scored: table(&output.scored)?,
        rejected: table(&output.rejected)?,
        funnel: table(&output.funnel)?,
        first_rejects: output.first_rejects,
    })
}

/// What any result file says of its origin.
fn metadata(id: RunId, run: &Run) -> Metadata {
    let mut spec = run.record.spec.clone();
    spec.bars = mask(&spec.bars);
    spec.universe = spec.universe.map(|uri| mask(&uri));
    let mut metadata = Metadata::new();
    metadata.insert("tickfleet.run_id", id.to_string());
    metadata.insert(
        "tickfleet.spec",
        String::from_utf8_lossy(&canonical(&spec)).into_owned(),
    );
    metadata.insert("tickfleet.kernel_version", KERNEL_VERSION);
    metadata.insert("tickfleet.input_digest", run.record.facts.input_digest().to_string());
    metadata
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

    fn write(&mut self, day: &Day) -> Result<(), Failure> {
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
    Failure::from_error(ExitStatus::Failed, error)
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

/// Rows that were not used: for each fault the count as of the last date, and the first such row in words.
async fn notes(cluster: &Embedded, run: &Run, first: FirstRejects) -> Result<Vec<Note>, Failure> {
    let record = &run.record;
    let places = [
        (RowFault::Unplaced, "unplaced", record.facts.first_unplaced),
        (RowFault::BadPrice, "bad_price", first.bad_price),
        (RowFault::BadVolume, "bad_volume", first.bad_volume),
        (RowFault::GhostSession, "ghost_session", first.ghost_session),
        (RowFault::Duplicate, "duplicate", first.duplicate),
    ];
    let mut notes = Vec::new();
    for (fault, reason, place) in places {
        let Some(place) = place else { continue };
        let rule = record.spec.map.ticker_rule;
        let described = describe(&cluster.inputs, &record.facts, rule, place, fault).await;
        let row = described.map_err(|error| Failure::from_error(ExitStatus::Failed, &error).help(error.help()))?;
        notes.push(Note {
            reason,
            place: row.place,
            why: row.why,
        });
    }
    Ok(notes)
}
