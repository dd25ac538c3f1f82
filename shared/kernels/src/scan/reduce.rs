//! The reduce stage: one as-of date's candidates and map rows in, that day's tables out (sections 3, 5, 6 and 7).
//!
//! It has two steps, because a model may stand between them: [`score`] says which rows are scored, [`finish`] takes what
//! is predicted of these and makes the tables. Both run in symbol order over what they are given, so no sharding, order
//! of arrival or cache can change a byte. The funnel accounts for every candidate and every row, and the sums are
//! asserted.

mod funnel;
#[cfg(test)]
mod tests;

use funnel::funnel_table;
use serde::{Deserialize, Serialize};

use super::columns::Indicators;
use super::events::{EventFacts, Events};
use super::factors::{Factors, factors, market_cap};
use super::filter::{DataReason, DataReject, data_reject};
use super::flags::{FlagInput, flags, names, penalties};
use super::fundamentals::{Figures, Fundamentals};
use super::hygiene::Hygiene;
use super::map::MapRow;
use super::merit::{MeritInput, merit};
use super::options::{BlendOptions, DataOptions, PlanOptions, RankOptions, UniverseOptions};
use super::plan::plan;
use super::predictions::{Prediction, Predictions};
use super::rank::{Place, Scored, Status, rank};
use super::result::{ResultRow, result_table};
use super::score::Signal;
use super::section::{Section, SectionInput, section};
use super::table::{Column, Table};
use super::universe::{Candidate, Universe, UniverseReason, UniverseRow};

/// A symbol's map row.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedSymbol<'a> {
    /// Canonical symbol.
    pub symbol: &'a str,
    /// What the map knows of it as of the day.
    pub row: MapRow,
}

/// What the reduce of one as-of date reads.
#[derive(Debug, Clone, Copy)]
pub struct DayInput<'a> {
    /// The as-of date, days since 1970-01-01.
    pub as_of: i32,
    /// The universe that the candidates' rows refer to.
    pub universe: Option<&'a Universe>,
    /// Candidates with their universe reasons, sorted by symbol.
    pub candidates: &'a [Candidate<'a>],
    /// Map rows sorted by symbol; a candidate without one has no bars. Others are not looked at.
    pub mapped: &'a [MappedSymbol<'a>],
    /// Fundamentals, if a table was given.
    pub fundamentals: Option<&'a Fundamentals>,
    /// Events, if a table was given.
    pub events: Option<&'a Events>,
}

/// The options that the reduce reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReduceOptions {
    /// Universe stage; the limits reported with its rejects.
    pub universe: UniverseOptions,
    /// Data stage.
    pub data: DataOptions,
    /// Blend of factors and predictions.
    pub blend: BlendOptions,
    /// Trade plan.
    pub plan: PlanOptions,
    /// Ranking.
    pub rank: RankOptions,
}

/// The tables of one as-of date.
#[derive(Debug, Clone, PartialEq)]
pub struct DayTables {
    /// Every scored symbol, by symbol.
    pub scored: Table,
    /// Every candidate left out by the universe or data stage, by symbol.
    pub rejected: Table,
    /// The count of every stage and reason, by step.
    pub funnel: Table,
}

impl DayTables {
    /// The scored rows that have a rank, by rank.
    #[must_use]
    pub fn ranked(&self) -> Table {
        let Some(Column::I32(ranks)) = self.scored.column("rank") else {
            unreachable!("the scored table has an i32 column `rank`");
        };
        let mut rows: Vec<(i32, usize)> = ranks
            .iter()
            .enumerate()
            .filter_map(|(row, rank)| Some(((*rank)?, row)))
            .collect();
        rows.sort_unstable();
        self.scored.take(&rows.iter().map(|(_, row)| *row).collect::<Vec<_>>())
    }
}

/// A candidate that passed every filter, with what is known of it alone.
#[derive(Debug)]
struct ScoredRow<'a> {
    symbol: &'a str,
    meta: Option<&'a UniverseRow>,
    row: &'a Indicators,
    signal: Signal,
    market_cap: Option<f64>,
    factors: Factors,
    events: EventFacts,
}

/// One as-of date after the filters: what a model reads, and what [`finish`] makes tables of.
#[derive(Debug)]
pub struct ScoredDay<'a> {
    input: DayInput<'a>,
    sorted: Sorted<'a>,
}

impl<'a> ScoredDay<'a> {
    /// Indicators of the scored rows, in symbol order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &'a Indicators> {
        self.sorted.scored.iter().map(|scored| scored.row)
    }

    /// What a table predicts of the scored rows, in symbol order.
    #[must_use]
    pub fn predicted(&self, table: &Predictions) -> Vec<Prediction> {
        let scored = self.sorted.scored.iter();
        scored.map(|row| table.find(row.symbol, self.input.as_of)).collect()
    }
}

/// A candidate that did not.
#[derive(Debug)]
struct Reject<'a> {
    symbol: &'a str,
    reason: RejectReason,
    value: Option<f64>,
    limit: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum RejectReason {
    Universe(UniverseReason),
    Data(DataReason),
}

impl RejectReason {
    const fn stage(self) -> &'static str {
        match self {
            Self::Universe(_) => "universe",
            Self::Data(_) => "data",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Universe(reason) => reason.name(),
            Self::Data(reason) => reason.name(),
        }
    }
}

/// Candidates sorted into scored and rejected, with the rows they were read from.
#[derive(Debug)]
struct Sorted<'a> {
    scored: Vec<ScoredRow<'a>>,
    rejected: Vec<Reject<'a>>,
    hygiene: Hygiene,
}

/// Filters one as-of date's candidates and takes what is known of each scored row alone.
///
/// # Panics
/// When candidates or map rows are not sorted by symbol.
#[must_use]
pub fn score<'a>(input: &DayInput<'a>, options: &ReduceOptions) -> ScoredDay<'a> {
    assert!(
        input.candidates.is_sorted_by(|a, b| a.symbol < b.symbol),
        "candidates are sorted by symbol"
    );
    assert!(
        input.mapped.is_sorted_by(|a, b| a.symbol < b.symbol),
        "map rows are sorted by symbol"
    );
    ScoredDay {
        input: *input,
        sorted: sort_candidates(input, options),
    }
}

/// Holds the scored rows against each other, ranks and tabulates them. `predictions` are those of the scored rows, in
/// symbol order; empty where nothing is predicted.
///
/// # Panics
/// When there are predictions for another number of rows, or a sum of the funnel does not add up.
#[must_use]
pub fn finish(day: &ScoredDay<'_>, predictions: &[Prediction], options: &ReduceOptions) -> DayTables {
    let (input, sorted) = (&day.input, &day.sorted);
    let none = vec![Prediction::default(); sorted.scored.len()];
    let predictions = if predictions.is_empty() { &none } else { predictions };
    assert_eq!(
        predictions.len(),
        sorted.scored.len(),
        "one prediction for each scored row"
    );
    let inputs = sorted
        .scored
        .iter()
        .zip(predictions)
        .map(|(scored, prediction)| SectionInput {
            indicators: scored.row,
            sector: scored.meta.and_then(|meta| meta.sector),
            factors: &scored.factors,
            prediction,
        });
    let sections = section(&inputs.collect::<Vec<_>>(), &options.blend);
    let with_others = sorted.scored.iter().zip(sections).zip(predictions);
    let has_fundamentals = input.fundamentals.is_some();
    let mut rows: Vec<ResultRow<'_>> = with_others
        .map(|((scored, section), prediction)| result_row(scored, section, prediction, has_fundamentals, options))
        .collect();
    let scored: Vec<Scored> = rows.iter().map(ranked_by).collect();
    let places = rank(&scored, &options.rank);
    for (row, place) in rows.iter_mut().zip(&places) {
        row.place = *place;
    }
    DayTables {
        scored: result_table(input.as_of, &rows),
        rejected: rejected_table(input.as_of, &sorted.rejected),
        funnel: funnel_table(input, sorted, &places),
    }
}

/// Plan, flags and merit of a row; it has no place yet.
fn result_row<'a>(
    scored: &ScoredRow<'a>,
    section: Section,
    prediction: &Prediction,
    has_fundamentals: bool,
    options: &ReduceOptions,
) -> ResultRow<'a> {
    let plan = plan(scored.row, scored.signal, &options.plan);
    let flags = flags(&FlagInput {
        indicators: scored.row,
        events: &scored.events,
        market_cap: scored.market_cap,
        lacks_quality: has_fundamentals && section.quality_score.is_none(),
        lacks_plan: plan.is_none() && scored.signal != Signal::Avoid,
    });
    let merit = merit(&MeritInput {
        signal: scored.signal,
        section: &section,
        events: &scored.events,
        dividend_yield: scored.factors.dividend_yield,
        win_prob: prediction.win_prob,
        penalties: penalties(&flags),
    });
    ResultRow {
        symbol: scored.symbol,
        meta: scored.meta,
        indicators: scored.row,
        signal: scored.signal,
        market_cap: scored.market_cap,
        factors: scored.factors,
        events: scored.events,
        prediction: *prediction,
        section,
        plan,
        flags: names(&flags),
        merit,
        place: Place {
            status: Status::Ranked,
            rank: None,
        },
    }
}

fn ranked_by(row: &ResultRow<'_>) -> Scored {
    Scored {
        signal: row.signal,
        tech_rating: row.indicators.tech_rating.unwrap_or(0.0),
        merit: row.merit.merit,
        ics: row.merit.ics,
        sector: row.meta.and_then(|meta| meta.sector),
    }
}

fn sort_candidates<'a>(input: &DayInput<'a>, options: &ReduceOptions) -> Sorted<'a> {
    let mut sorted = Sorted {
        scored: Vec::new(),
        rejected: Vec::new(),
        hygiene: Hygiene::default(),
    };
    for candidate in input.candidates {
        let symbol = candidate.symbol;
        let meta = candidate.row.and_then(|row| input.universe?.rows().get(row));
        if let Some(reason) = candidate.reason {
            sorted
                .rejected
                .push(universe_reject(symbol, reason, meta, &options.universe));
            continue;
        }
        let mapped = input
            .mapped
            .binary_search_by(|mapped| mapped.symbol.cmp(symbol))
            .ok()
            .map(|at| &input.mapped[at].row);
        if let Some(mapped) = mapped {
            sorted.hygiene = sorted.hygiene.plus(&mapped.hygiene);
        }
        let row = mapped.and_then(|mapped| mapped.indicators.as_ref());
        match (data_reject(row, &options.data), row) {
            (None, Some(row)) => sorted.scored.push(scored_row(input, symbol, meta, row)),
            (Some(DataReject { reason, value, limit }), _) => {
                sorted.rejected.push(Reject {
                    symbol,
                    reason: RejectReason::Data(reason),
                    value,
                    limit,
                });
            }
            (None, None) => unreachable!("a symbol without bars is rejected"),
        }
    }
    sorted
}

/// What is known of a scored row alone.
fn scored_row<'a>(
    input: &DayInput<'a>,
    symbol: &'a str,
    meta: Option<&'a UniverseRow>,
    row: &'a Indicators,
) -> ScoredRow<'a> {
    let known = input.fundamentals.and_then(|table| table.known(symbol, input.as_of));
    let figures = known.copied().unwrap_or_else(Figures::default);
    let market_cap = market_cap(&figures, row.close, meta.and_then(|meta| meta.market_cap));
    let events = input.events.map(|table| table.facts(symbol, input.as_of));
    ScoredRow {
        symbol,
        meta,
        row,
        signal: row.signal(),
        market_cap,
        factors: factors(&figures, row.close, market_cap),
        events: events.unwrap_or_default(),
    }
}

/// A reject of the universe stage; only `market_cap` has a value and a limit.
fn universe_reject<'a>(
    symbol: &'a str,
    reason: UniverseReason,
    meta: Option<&UniverseRow>,
    options: &UniverseOptions,
) -> Reject<'a> {
    let (value, limit) = match reason {
        UniverseReason::MarketCap => (meta.and_then(|meta| meta.market_cap), Some(options.min_market_cap)),
        _ => (None, None),
    };
    Reject {
        symbol,
        reason: RejectReason::Universe(reason),
        value,
        limit,
    }
}

fn rejected_table(as_of: i32, rows: &[Reject<'_>]) -> Table {
    let text = |name: fn(RejectReason) -> &'static str| {
        Column::Utf8(rows.iter().map(|row| Some(name(row.reason).to_owned())).collect())
    };
    Table::new(vec![
        ("as_of", Column::Date(vec![Some(as_of); rows.len()])),
        (
            "symbol",
            Column::Utf8(rows.iter().map(|row| Some(row.symbol.to_owned())).collect()),
        ),
        ("stage", text(RejectReason::stage)),
        ("reason", text(RejectReason::name)),
        ("value", Column::F64(rows.iter().map(|row| row.value).collect())),
        ("limit", Column::F64(rows.iter().map(|row| row.limit).collect())),
    ])
}
