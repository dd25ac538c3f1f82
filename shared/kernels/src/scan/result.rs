//! The columns of `scored` and `ranked`, in their order: the one list that the tables and their documentation are made
//! from (section 7).
//!
//! What the map computes is defined in `columns`, the factors in `factors`, the cross-section in `section`; the list
//! here puts them in order and defines the rest. Read next: `reduce`.

use super::columns::{COLUMNS, Cell, ColumnSpec, Indicators, Kind};
use super::events::EventFacts;
use super::factors::{FACTORS, Factors};
use super::merit::Merit;
use super::plan::Plan;
use super::predictions::Prediction;
use super::rank::Place;
use super::score::Signal;
use super::section::{SECTION, Section};
use super::table::{Column, Table};
use super::universe::UniverseRow;

/// All that is known of a scored row.
#[derive(Debug, Clone)]
pub struct ResultRow<'a> {
    /// Canonical symbol.
    pub symbol: &'a str,
    /// Its row of the universe.
    pub meta: Option<&'a UniverseRow>,
    /// Indicators and scores.
    pub indicators: &'a Indicators,
    /// Signal.
    pub signal: Signal,
    /// Market cap, quote currency.
    pub market_cap: Option<f64>,
    /// Factors.
    pub factors: Factors,
    /// What the events say.
    pub events: EventFacts,
    /// Predictions.
    pub prediction: Prediction,
    /// The row against the others.
    pub section: Section,
    /// Trade plan.
    pub plan: Option<Plan>,
    /// Flags, comma-joined.
    pub flags: String,
    /// ICS, MERIT and what they rest on.
    pub merit: Merit,
    /// Status and rank.
    pub place: Place,
}

/// A column of the result: name, definition with its unit, and where its values come from.
#[derive(Debug, Clone, Copy)]
pub struct ResultColumn {
    /// Name in the result tables.
    pub name: &'static str,
    /// Definition and unit.
    pub definition: &'static str,
    source: Source,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    AsOf,
    Text(fn(&ResultRow<'_>) -> Option<String>),
    F64(fn(&ResultRow<'_>) -> Option<f64>),
    I32(fn(&ResultRow<'_>) -> Option<i32>),
    I64(fn(&ResultRow<'_>) -> Option<i64>),
    Map(&'static ColumnSpec),
    Factor(fn(&Factors) -> Option<f64>),
    Section(fn(&Section) -> Option<f64>),
}

macro_rules! list {
    ($($name:ident $source:expr, $definition:literal;)*) => {
        &[$(ResultColumn { name: stringify!($name), definition: $definition, source: $source }),*]
    };
}

/// What comes before the map's columns.
const HEAD: &[ResultColumn] = list! {
    as_of Source::AsOf, "Session that the row is as of.";
    symbol Source::Text(|row| Some(row.symbol.to_owned())), "Canonical symbol.";
    rank Source::I32(|row| row.place.rank), "Rank from 1; null for rows that are not ranked.";
    status Source::Text(|row| Some(row.place.status.name().to_owned())), "`ranked`, or why the row is not.";
    name Source::Text(|row| row.meta?.name.clone()), "Company or fund, from the universe.";
    sector Source::Text(|row| Some(row.meta?.sector?.name().to_owned())), "GICS sector, from the universe.";
    industry Source::Text(|row| row.meta?.industry.clone()), "Industry, from the universe.";
    market_cap Source::F64(|row| row.market_cap), "Filed shares by the close, else the universe's cap, quote currency.";
    signal Source::Text(|row| Some(row.signal.name().to_owned())), "What the rating says to do.";
    merit Source::F64(|row| row.merit.merit), "Score that the ranking goes by, 0 to 100.";
    band Source::Text(|row| row.merit.band().map(str::to_owned)), "Letter of the merit: A+, A, B, C or D.";
    flags Source::Text(|row| Some(row.flags.clone())), "Warnings, comma-joined; empty if there are none.";
    ics Source::F64(|row| row.merit.ics), "Score of the row as an idea in its direction, 0 to 100.";
    alpha_score Source::F64(|row| row.section.alpha_score), "Blend of factor alpha and predictions, damped where little money trades.";
    tech_rating Source::F64(|row| row.indicators.tech_rating), "tech_raw damped by stability, -26 to 26; positive is bullish.";
    entry Source::F64(|row| Some(row.plan?.entry)), "Price at which to enter, quote currency.";
    stop Source::F64(|row| Some(row.plan?.stop)), "Price at which the idea is wrong, quote currency.";
    target Source::F64(|row| Some(row.plan?.target)), "Price at which it has paid, quote currency.";
    shares Source::I64(|row| row.plan?.shares), "Shares within the risk, the account and the money traded.";
    position_value Source::F64(|row| row.plan?.position_value), "Shares at the entry, quote currency.";
    risk_amount Source::F64(|row| row.plan?.risk_amount), "Loss at the stop, quote currency.";
};

/// What comes between the factors and the cross-section.
const JOINED: &[ResultColumn] = list! {
    days_to_earnings Source::I32(|row| row.events.days_to_earnings), "Calendar days to the nearest known earnings.";
    days_since_earnings Source::I32(|row| row.events.days_since_earnings), "Calendar days since the last earnings.";
    last_surprise Source::F64(|row| row.events.last_surprise), "Surprise of the last earnings, a fraction.";
    earnings_streak Source::I32(|row| row.events.earnings_streak), "Length of the run of surprises of one sign, negative for misses.";
    surprise_avg_4 Source::F64(|row| row.events.surprise_avg_4), "Mean of the last surprises, at most four, a fraction.";
    days_to_ex_div Source::I32(|row| row.events.days_to_ex_div), "Calendar days to the nearest known ex-dividend day.";
    pred_5d Source::F64(|row| row.prediction.pred_5d), "Predicted return over 5 sessions, a fraction.";
    pred_10d Source::F64(|row| row.prediction.pred_10d), "Predicted return over 10 sessions, a fraction.";
    win_prob Source::F64(|row| row.prediction.win_prob), "Predicted probability that a long position wins, 0 to 1.";
};

/// What comes last.
const TAIL: &[ResultColumn] = list! {
    event_score Source::F64(|row| Some(row.merit.event_score)), "What earnings and dividends say for the row, 0 to 100.";
};

/// Every column, in the order of the result.
pub fn result_columns() -> impl Iterator<Item = ResultColumn> {
    // The rating stands in the head, beside the signal that it decides.
    let map = COLUMNS.iter().filter(|column| column.name != "tech_rating");
    let map = map.map(|column| ResultColumn {
        name: column.name,
        definition: column.definition,
        source: Source::Map(column),
    });
    let factors = FACTORS.iter().map(|(name, definition, get)| ResultColumn {
        name,
        definition,
        source: Source::Factor(*get),
    });
    let section = SECTION.iter().map(|(name, definition, get)| ResultColumn {
        name,
        definition,
        source: Source::Section(*get),
    });
    let (head, joined, tail) = (HEAD.iter().copied(), JOINED.iter().copied(), TAIL.iter().copied());
    head.chain(map).chain(factors).chain(joined).chain(section).chain(tail)
}

/// The rows of one as-of date as a table.
#[must_use]
pub fn result_table(as_of: i32, rows: &[ResultRow<'_>]) -> Table {
    let columns = result_columns().map(|column| (column.name, column.source.column(as_of, rows)));
    Table::new(columns.collect())
}

impl Source {
    fn column(self, as_of: i32, rows: &[ResultRow<'_>]) -> Column {
        match self {
            Self::AsOf => Column::Date(vec![Some(as_of); rows.len()]),
            Self::Text(get) => Column::Utf8(rows.iter().map(get).collect()),
            Self::F64(get) => floats(rows.iter().map(get)),
            Self::I32(get) => Column::I32(rows.iter().map(get).collect()),
            Self::I64(get) => Column::I64(rows.iter().map(get).collect()),
            Self::Map(column) => map_column(rows, column),
            Self::Factor(get) => floats(rows.iter().map(|row| get(&row.factors))),
            Self::Section(get) => floats(rows.iter().map(|row| get(&row.section))),
        }
    }
}

/// No output is NaN or infinite: what overflowed is null.
fn floats(values: impl Iterator<Item = Option<f64>>) -> Column {
    Column::F64(values.map(|value| value.filter(|x| x.is_finite())).collect())
}

fn map_column(rows: &[ResultRow<'_>], column: &ColumnSpec) -> Column {
    let cells = rows.iter().map(|row| column.get(row.indicators));
    match column.kind {
        Kind::F64 => floats(cells.map(|cell| if let Cell::F64(value) = cell { value } else { None })),
        Kind::I32 => Column::I32(
            cells
                .map(|cell| if let Cell::I32(value) = cell { Some(value) } else { None })
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_once_with_a_definition() {
        let columns: Vec<ResultColumn> = result_columns().collect();
        for (i, column) in columns.iter().enumerate() {
            assert!(column.definition.ends_with('.'), "{}", column.name);
            assert!(
                columns[..i].iter().all(|earlier| earlier.name != column.name),
                "{} twice",
                column.name
            );
        }
        let place = |name: &str| columns.iter().position(|column| column.name == name).unwrap();
        assert!(place("risk_amount") + 1 == place("open") && place("stability") + 1 == place("value_ep"));
        assert!(place("size_log_mcap") + 1 == place("days_to_earnings") && place("win_prob") + 1 == place("tech_z"));
        assert_eq!(columns.last().map(|column| column.name), Some("event_score"));
    }

    #[test]
    fn a_table_without_rows_has_every_type() {
        let table = result_table(7, &[]);
        assert_eq!(table.columns().len(), result_columns().count());
        assert_eq!(table.column("shares"), Some(&Column::I64(vec![])));
        assert_eq!(table.column("bars"), Some(&Column::I32(vec![])));
        assert_eq!(table.column("growth_eps_sz"), Some(&Column::F64(vec![])));
    }
}
