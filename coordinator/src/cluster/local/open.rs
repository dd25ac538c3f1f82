//! Opens every input and takes the facts that the run rests on: files, blocks, symbols, sessions, what is mapped.

use std::sync::Arc;

use tickfleet_kernels::scan::cells::format_date;
use tickfleet_kernels::scan::session::Calendar;
use tickfleet_kernels::scan::universe::{Universe, stage};
use tickfleet_proto::convert::ScanRun;
use tickfleet_protocol::facts::{JoinedFacts, ScanFacts, TableFacts, bar_symbols};
use tickfleet_protocol::plan::Sharding;
use tickfleet_protocol::spec::scan::{DateSelection, Day, ScanSpec};
use tickfleet_protocol::survey::Survey;
use tickfleet_runtime::data::DataError;
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::data::locate::{canonical_uri, locate};
use tickfleet_runtime::data::small_table::ReadTable;
use tickfleet_runtime::data::survey::survey;
use tickfleet_runtime::data::universe::read_universe;
use tickfleet_runtime::failure::{ExitStatus, Failure, FailureKind};
use tickfleet_runtime::pool::Pool;

use super::joined;
use crate::cluster::{Opening, Planned, Request, Result};
use crate::view::number::plural;

/// Opens the inputs of a request.
pub(super) async fn open(
    request: &Request,
    inputs: &Arc<Inputs>,
    pool: &Pool,
    progress: &mut (dyn FnMut(Opening) + Send),
) -> Result<Planned> {
    let mut spec = request.spec.clone();
    let rule = spec.map.ticker_rule;
    let files = locate("bars", &spec.bars).await.map_err(|error| bad_input(&error))?;
    let universe = match &spec.universe {
        Some(uri) => {
            let files = locate("universe", uri).await.map_err(|error| bad_input(&error))?;
            Some(read_universe(&files, rule).await.map_err(|error| bad_input(&error))?)
        }
        None => None,
    };
    let opened = joined::open(&spec.joined, rule, pool).await?;
    let mut progress = |done, total| progress(Opening { done, total });
    let survey = survey(inputs, pool, files, rule, &mut progress).await;
    let survey = survey.map_err(|error| bad_input(&error))?;
    if survey.dates.is_empty() {
        let error = DataError::NoRows {
            table: "bars",
            uri: spec.bars,
            rows: survey.rows,
        };
        return Err(bad_input(&error));
    }
    let calendar = Calendar::new(survey.dates.clone(), &survey.traded, &spec.session);
    let as_of = sessions(&calendar, spec.dates)?;
    let mapped = mapped(&spec, &survey, universe.as_ref(), &as_of);
    let sharding = Sharding {
        symbols: request.shard_size.and_then(|size| u32::try_from(size).ok()),
        dates: None,
    };
    canonicalise(&mut spec)?;
    let joined = opened.facts(&as_of);
    let tables = universe.iter().map(|table| ("universe", &table.facts));
    let notices = tables.chain(joined::named(&joined)).filter_map(unplaced).collect();
    let facts = facts(survey, as_of, mapped, universe, joined);
    let record = ScanRun { spec, facts, sharding };
    Ok(Planned { record, notices })
}

/// Spells the inputs of a spec in the one way that means the same wherever this machine's files are seen.
///
/// # Errors
/// A scheme that this version cannot read.
pub fn canonicalise(spec: &mut ScanSpec) -> Result<()> {
    spec.bars = canonical_uri("bars", &spec.bars).map_err(|error| bad_input(&error))?;
    let universe = spec.universe.as_mut().map(|uri| ("universe", uri));
    for (table, uri) in universe.into_iter().chain(spec.joined.given_mut()) {
        *uri = canonical_uri(table, uri).map_err(|error| bad_input(&error))?;
    }
    Ok(())
}

/// What is said of a table's rows that could not be placed.
fn unplaced((name, table): (&str, &TableFacts)) -> Option<String> {
    let rows = plural(table.unplaced_rows, "row", "rows");
    let lack = match name {
        "universe" => "symbol",
        _ => "symbol or a readable date",
    };
    (table.unplaced_rows > 0).then(|| format!("{name}: skipped {rows} without a {lack}"))
}

fn facts(
    survey: Survey,
    as_of: Vec<Day>,
    mapped: Vec<u32>,
    universe: Option<ReadTable<Universe>>,
    joined: JoinedFacts,
) -> ScanFacts {
    ScanFacts {
        files: survey.files,
        blocks: survey.blocks,
        dates: survey.dates,
        traded: survey.traded,
        as_of,
        symbols: survey.symbols,
        mapped,
        unplaced_rows: survey.unplaced_rows,
        first_unplaced: survey.first_unplaced,
        universe: universe.map(|table| table.facts),
        joined,
    }
}

/// The as-of dates that the options ask for.
fn sessions(calendar: &Calendar, dates: DateSelection) -> Result<Vec<Day>> {
    let (found, asked) = match dates {
        DateSelection::AsOf(None) => (calendar.sessions().last().copied().into_iter().collect(), String::new()),
        DateSelection::AsOf(Some(day)) => {
            let found = calendar.last_at_or_before(day).into_iter().collect();
            (found, format!(" at or before {}", format_date(day)))
        }
        DateSelection::Range(from, to) => {
            let ends = [
                from.map(|day| format!(" from {}", format_date(day))),
                to.map(|day| format!(" to {}", format_date(day))),
            ];
            (
                calendar.sessions_between(from, to).to_vec(),
                ends.into_iter().flatten().collect(),
            )
        }
    };
    if found.is_empty() {
        let failure = Failure::new(ExitStatus::BadInput, format!("the bars have no session{asked}"));
        return Err(match (calendar.sessions().first(), calendar.sessions().last()) {
            (Some(&first), Some(&last)) => failure.help(format!(
                "choose dates between {} and {}, the first and last session of the bars",
                format_date(first),
                format_date(last)
            )),
            _ => failure.help("--session-min-frac 0 takes every date for a session"),
        });
    }
    Ok(found)
}

/// Ordinals of the symbols that pass the universe stage on some as-of date: the others need no indicators.
fn mapped(spec: &ScanSpec, survey: &Survey, universe: Option<&ReadTable<Universe>>, as_of: &[Day]) -> Vec<u32> {
    let bars = bar_symbols(&survey.symbols);
    let universe = universe.map(|table| table.rows.as_ref());
    // The stage depends on the date only through who is a candidate yet and, with a cap on their number, through who
    // is among the largest: then each date is asked, else the last one has all.
    let dates = if spec.universe_stage.max_symbols > 0 {
        as_of
    } else {
        &as_of[as_of.len() - 1..]
    };
    let mut passes = vec![false; bars.len()];
    for &day in dates {
        for candidate in stage(universe, &bars, day, &spec.universe_stage) {
            if candidate.reason.is_none()
                && let Ok(at) = bars.binary_search_by(|known| known.symbol.cmp(candidate.symbol))
            {
                passes[at] = true;
            }
        }
    }
    (0u32..)
        .zip(passes)
        .filter_map(|(ordinal, passes)| passes.then_some(ordinal))
        .collect()
}

/// An input that cannot be opened, as the user reads it.
pub fn bad_input(error: &DataError) -> Failure {
    let kind = match error {
        DataError::NotFound { .. } => FailureKind::NotFound,
        _ => FailureKind::Other,
    };
    let status = if error.is_outage() {
        ExitStatus::Unreachable
    } else {
        ExitStatus::BadInput
    };
    Failure::from_error(status, error).of_kind(kind).help(error.help())
}
