//! The reduce stage: one as-of date's candidates and map rows in, that day's tables out (sections 3, 6 and 7).
//!
//! It runs in symbol order over what it is given, so no sharding, order of arrival or cache can change a byte. The
//! funnel accounts for every candidate and every row, and the sums are asserted.

mod funnel;
#[cfg(test)]
mod tests;

use funnel::funnel_table;
use serde::{Deserialize, Serialize};

use super::columns::{COLUMNS, Cell, ColumnSpec, Indicators, Kind};
use super::filter::{DataReason, DataReject, data_reject};
use super::hygiene::Hygiene;
use super::map::MapRow;
use super::options::{DataOptions, RankOptions, UniverseOptions};
use super::rank::{Place, Scored, rank};
use super::score::Signal;
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
}

/// The options that the reduce reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReduceOptions {
    /// Universe stage; the limits reported with its rejects.
    pub universe: UniverseOptions,
    /// Data stage.
    pub data: DataOptions,
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

/// A candidate that passed every filter.
struct ScoredRow<'a> {
    symbol: &'a str,
    meta: Option<&'a UniverseRow>,
    row: &'a Indicators,
    signal: Signal,
}

/// A candidate that did not.
struct Reject<'a> {
    symbol: &'a str,
    reason: RejectReason,
    value: Option<f64>,
    limit: Option<f64>,
}

#[derive(Clone, Copy, PartialEq)]
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
struct Sorted<'a> {
    scored: Vec<ScoredRow<'a>>,
    rejected: Vec<Reject<'a>>,
    hygiene: Hygiene,
}

/// Filters, ranks and tabulates one as-of date.
///
/// # Panics
/// When candidates or map rows are not sorted by symbol, or a sum of the funnel does not add up.
#[must_use]
pub fn reduce(input: &DayInput<'_>, options: &ReduceOptions) -> DayTables {
    assert!(
        input.candidates.is_sorted_by(|a, b| a.symbol < b.symbol),
        "candidates are sorted by symbol"
    );
    assert!(
        input.mapped.is_sorted_by(|a, b| a.symbol < b.symbol),
        "map rows are sorted by symbol"
    );
    let sorted = sort_candidates(input, options);
    let rows: Vec<Scored> = sorted
        .scored
        .iter()
        .map(|scored| Scored {
            signal: scored.signal,
            tech_rating: scored.row.tech_rating.unwrap_or(0.0),
            sector: scored.meta.and_then(|meta| meta.sector),
        })
        .collect();
    let places = rank(&rows, &options.rank);
    DayTables {
        scored: scored_table(input.as_of, &sorted.scored, &places),
        rejected: rejected_table(input.as_of, &sorted.rejected),
        funnel: funnel_table(input, &sorted, &places),
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
            (None, Some(row)) => sorted.scored.push(ScoredRow {
                symbol,
                meta,
                row,
                signal: row.signal(),
            }),
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

fn scored_table(as_of: i32, rows: &[ScoredRow<'_>], places: &[Place]) -> Table {
    let text = |cell: &dyn Fn(&ScoredRow<'_>) -> Option<String>| Column::Utf8(rows.iter().map(cell).collect());
    let statuses = places
        .iter()
        .map(|place| Some(place.status.name().to_owned()))
        .collect();
    let mut columns = vec![
        ("as_of", Column::Date(vec![Some(as_of); rows.len()])),
        ("symbol", text(&|row| Some(row.symbol.to_owned()))),
        ("rank", Column::I32(places.iter().map(|place| place.rank).collect())),
        ("status", Column::Utf8(statuses)),
        ("name", text(&|row| row.meta?.name.clone())),
        ("sector", text(&|row| Some(row.meta?.sector?.name().to_owned()))),
        ("industry", text(&|row| row.meta?.industry.clone())),
        (
            "market_cap",
            Column::F64(rows.iter().map(|row| row.meta?.market_cap).collect()),
        ),
        ("signal", text(&|row| Some(row.signal.name().to_owned()))),
        (
            "tech_rating",
            Column::F64(rows.iter().map(|row| row.row.tech_rating).collect()),
        ),
    ];
    let rest = COLUMNS.iter().filter(|column| column.name != "tech_rating");
    columns.extend(rest.map(|column| (column.name, map_column(rows, column))));
    Table::new(columns)
}

fn map_column(rows: &[ScoredRow<'_>], column: &ColumnSpec) -> Column {
    let cells = rows.iter().map(|row| column.get(row.row));
    match column.kind {
        Kind::F64 => Column::F64(
            cells
                .map(|cell| if let Cell::F64(value) = cell { value } else { None })
                .collect(),
        ),
        Kind::I32 => Column::I32(
            cells
                .map(|cell| if let Cell::I32(value) = cell { Some(value) } else { None })
                .collect(),
        ),
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
