//! From a job's input to its result: kernels between decoding and encoding. CPU only, on a lane of the pool.

use std::ops::Range;

use bytes::Bytes;
use tickfleet_kernels::scan::hygiene::RejectKind;
use tickfleet_kernels::scan::map::{MapRow, Mapper};
use tickfleet_kernels::scan::predictions::Prediction;
use tickfleet_kernels::scan::reduce::{DayInput, MappedSymbol, ReduceOptions, ScoredDay, finish, score};
use tickfleet_kernels::scan::table::Table;
use tickfleet_kernels::scan::universe::stage;
use tickfleet_proto::convert::{FirstRejects, MapOutput, ReduceOutput, RejectedRow};
use tickfleet_protocol::facts::bar_symbols;
use tickfleet_protocol::plan::{Job, MAP};
use tickfleet_runtime::data::gather::{Rows, Scratch, gather};
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::data::select::Wanted;
use tickfleet_runtime::tables::{MapRowsBuilder, batch, decode_at, encode, map_rows};

use super::fetch::{Input, MapInput, ReduceInput};
use super::run::Run;
use crate::error::JobError;

/// Rows that a map job drops and that are listed at most; a result with more is not found by content.
const REJECTS_MAX: usize = 1 << 16;

/// Computes a job's result bytes.
///
/// # Errors
/// Damaged input.
///
/// # Panics
/// When a kernel's invariant breaks; the pool catches it and the job fails.
pub fn compute(run: &Run, inputs: &Inputs, job: &Job, input: Input) -> Result<Bytes, JobError> {
    match (job, input) {
        (Job::Map { symbols, dates }, Input::Map(mut input)) => {
            input.unpack(inputs, &run.symbols(symbols.clone()))?;
            Ok(map(run, inputs, symbols.clone(), dates.clone(), &input)?.result)
        }
        (Job::Reduce { date }, Input::Reduce(input)) => reduce_day(run, *date, &input),
        (job, _) => unreachable!("the input of {job:?} was fetched for it"),
    }
}

/// What a map job computes.
pub(super) struct Mapped {
    /// Its result.
    pub(super) result: Bytes,
    /// The rows that it dropped, unless there are too many to list.
    pub(super) rejects: Option<Vec<RejectedRow>>,
}

/// Computes a map job from its unpacked input.
pub(super) fn map(
    run: &Run,
    inputs: &Inputs,
    symbols: Range<usize>,
    dates: Range<usize>,
    input: &MapInput,
) -> Result<Mapped, JobError> {
    let names = run.symbols(symbols);
    let as_of = &run.record.facts.as_of[dates];
    let gathered = gather(&input.loaded, &Wanted::new(inputs.names(), &names));
    let mut mapper = Mapper::new(&run.calendar, &run.record.spec.map);
    let mut days: Vec<MapRowsBuilder> = as_of.iter().map(|_| MapRowsBuilder::new(names.len())).collect();
    let (mut first, mut scratch) = (FirstRejects::default(), Scratch::default());
    let mut rejects = Some(Vec::new());
    let last = as_of.last().copied().unwrap_or(i32::MIN);
    for (symbol, name) in (0u32..).zip(&names) {
        let rows = gathered.rows(symbol as usize, &mut scratch);
        mapper.map(
            &rows.columns,
            as_of,
            &mut |row, reason| {
                if rows.columns.date[row] <= last {
                    first = first.merge(reject(&rows, row, reason));
                    list(&mut rejects, symbol, row, reason);
                }
            },
            &mut |day, row| days[day].push(name, row),
        );
    }
    let batches: Vec<_> = days.into_iter().map(MapRowsBuilder::finish).collect::<Result<_, _>>()?;
    let output = MapOutput {
        rows: encode(&MapRowsBuilder::schema(), &batches)?,
        first_rejects: first,
    };
    Ok(Mapped {
        result: output.encode(),
        rejects,
    })
}

/// Lists a dropped row; a list that gets too long is given up.
fn list(rejects: &mut Option<Vec<RejectedRow>>, symbol: u32, row: usize, reason: RejectKind) {
    let row = u32::try_from(row).ok();
    match (rejects.as_mut(), row) {
        (Some(listed), Some(row)) if listed.len() < REJECTS_MAX => listed.push(RejectedRow { symbol, row, reason }),
        _ => *rejects = None,
    }
}

/// A dropped row as the first of its kind.
pub(super) fn reject(rows: &Rows<'_>, row: usize, kind: RejectKind) -> FirstRejects {
    let place = Some(rows.place(row));
    let none = FirstRejects::default();
    match kind {
        RejectKind::BadPrice => FirstRejects {
            bad_price: place,
            ..none
        },
        RejectKind::BadVolume => FirstRejects {
            bad_volume: place,
            ..none
        },
        RejectKind::GhostSession => FirstRejects {
            ghost_session: place,
            ..none
        },
        RejectKind::Duplicate => FirstRejects {
            duplicate: place,
            ..none
        },
    }
}

fn reduce_day(run: &Run, date: usize, input: &ReduceInput) -> Result<Bytes, JobError> {
    let (facts, spec) = (&run.record.facts, &run.record.spec);
    let (symbols, rows, first_rejects) = mapped_rows(run, date, &input.results)?;
    let mapped = symbols.iter().zip(rows);
    let mapped: Vec<MappedSymbol<'_>> = mapped.map(|(symbol, row)| MappedSymbol { symbol, row }).collect();
    let (universe, bars) = (input.universe.as_deref(), bar_symbols(&facts.symbols));
    let as_of = facts.as_of[date];
    let candidates = stage(universe, &bars, as_of, &spec.universe_stage);
    let options = ReduceOptions {
        universe: spec.universe_stage.clone(),
        data: spec.data_stage.clone(),
        blend: spec.blend.clone(),
        plan: spec.plan.clone(),
        rank: spec.rank.clone(),
    };
    let day = score(
        &DayInput {
            as_of,
            universe,
            candidates: &candidates,
            mapped: &mapped,
            fundamentals: input.joined.fundamentals.as_deref(),
            events: input.joined.events.as_deref(),
        },
        &options,
    );
    let tables = finish(&day, &predictions(&day, input)?, &options);
    let ipc = |table: &Table| -> Result<Bytes, JobError> {
        let batch = batch(table)?;
        Ok(encode(&batch.schema(), &[batch])?)
    };
    let output = ReduceOutput {
        ranked: ipc(&tables.ranked())?,
        scored: ipc(&tables.scored)?,
        rejected: ipc(&tables.rejected)?,
        funnel: ipc(&tables.funnel)?,
        first_rejects,
    };
    Ok(output.encode())
}

/// The map rows of a date, sorted by symbol, and the first rows that the maps dropped.
fn mapped_rows(
    run: &Run,
    date: usize,
    results: &[Bytes],
) -> Result<(Vec<String>, Vec<MapRow>, FirstRejects), JobError> {
    let first_map = run.plan.maps_of(date).start;
    let Some(Job::Map { dates, .. }) = run.plan.job(MAP, first_map).or_else(|| empty_map(date)) else {
        unreachable!("the map stage holds map jobs");
    };
    let mut first = FirstRejects::default();
    let count = run.record.facts.mapped.len();
    let (mut symbols, mut rows) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for result in results {
        let output = MapOutput::decode(result.clone())?;
        first = first.merge(output.first_rejects);
        let (some, of_them) = map_rows(&decode_at(&output.rows, date - dates.start)?)?;
        symbols.extend(some);
        rows.extend(of_them);
    }
    Ok((symbols, rows, first))
}

/// What the table or the model predicts of a day's scored rows; empty where there is neither.
fn predictions(day: &ScoredDay<'_>, input: &ReduceInput) -> Result<Vec<Prediction>, JobError> {
    match (&input.joined.predictions, &input.model) {
        (Some(table), _) => Ok(day.predicted(table)),
        (None, Some(model)) => Ok(model.predict(day.rows())?),
        (None, None) => Ok(Vec::new()),
    }
}

/// Without mapped symbols there are no map jobs, and every date begins its own chunk.
fn empty_map(date: usize) -> Option<Job> {
    Some(Job::Map {
        symbols: 0..0,
        dates: date..date + 1,
    })
}
