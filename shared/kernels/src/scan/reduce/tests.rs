//! A day's tables by example, and the law that every candidate has one place.

use proptest::prelude::*;

use super::super::options::{SectorFilter, Side, TickerRule, Unlisted};
use super::super::result::result_columns;
use super::super::universe::{UniverseBuilder, UniverseCells};
use super::*;

/// Both steps, with nothing predicted.
fn reduce(input: &DayInput<'_>, options: &ReduceOptions) -> DayTables {
    finish(&score(input, options), &[], options)
}

fn options() -> ReduceOptions {
    ReduceOptions {
        universe: UniverseOptions {
            symbols: Vec::new(),
            sectors: SectorFilter::All,
            industries: Vec::new(),
            exclude_industries: Vec::new(),
            unlisted: Unlisted::Keep,
            ticker_rule: TickerRule::Us,
            allow_leveraged: false,
            min_market_cap: 50.0,
            max_symbols: 0,
        },
        data: DataOptions {
            min_bars: 60,
            max_stale: 0,
            min_price: 5.0,
            min_dollar_volume: 0.0,
            max_jump: 3.0,
            max_cv: 0.5,
            max_atr_pct: 1.0,
        },
        blend: BlendOptions { ml_weight: 0.35 },
        plan: PlanOptions {
            account: 10_000.0,
            risk_pct: 1.0,
            rr: 2.0,
        },
        rank: RankOptions {
            side: Side::Long,
            min_tech_rating: 0.0,
            min_ics: 0.0,
            min_merit: 0.0,
            max_per_sector: 1,
            top: 50,
        },
    }
}

fn universe() -> Universe {
    let mut builder = UniverseBuilder::new(TickerRule::Us);
    for (symbol, sector, cap) in [
        ("A", "Energy", 90.0),
        ("B", "Energy", 80.0),
        ("C", "Energy", 1.0),
        ("D", "Magic", 70.0),
        ("A", "Energy", 60.0),
    ] {
        builder.push(&UniverseCells {
            symbol,
            name: Some("Name"),
            sector: Some(sector),
            industry: None,
            market_cap: Some(cap),
        });
    }
    builder.finish()
}

fn mapped(symbol: &str, tech_rating: f64, bars: i32) -> MappedSymbol<'_> {
    let indicators = Indicators {
        bars,
        close: Some(10.0),
        adj_factor: Some(if symbol == "A" { 0.5 } else { 1.0 }),
        tech_rating: Some(tech_rating),
        trend_score: 3,
        ..Indicators::default()
    };
    let hygiene = Hygiene {
        read: 70,
        bad_price: 3,
        kept: 67,
        zero_volume: 2,
        ..Hygiene::default()
    };
    MappedSymbol {
        symbol,
        row: MapRow {
            hygiene,
            indicators: Some(indicators),
        },
    }
}

/// A and B scored in one sector, C too small, D too short, E (no metadata) scored, F without bars.
fn day() -> DayTables {
    let (universe, options) = (universe(), options());
    let candidate = |symbol, reason| Candidate {
        symbol,
        row: universe.find(symbol),
        reason,
    };
    let candidates = [
        candidate("A", None),
        candidate("B", None),
        candidate("C", Some(UniverseReason::MarketCap)),
        candidate("D", None),
        candidate("E", None),
        candidate("F", None),
    ];
    let mapped = [
        mapped("A", 17.0, 60),
        mapped("B", 18.0, 60),
        mapped("C", 26.0, 99),
        mapped("D", 26.0, 59),
        mapped("E", 19.0, 60),
    ];
    reduce(
        &DayInput {
            as_of: 7,
            universe: Some(&universe),
            candidates: &candidates,
            mapped: &mapped,
            fundamentals: None,
            events: None,
        },
        &options,
    )
}

fn texts(table: &Table, name: &str) -> Vec<Option<String>> {
    let Some(Column::Utf8(values)) = table.column(name) else {
        panic!("no text column {name}")
    };
    values.clone()
}

fn some(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| Some((*value).to_owned())).collect()
}

#[test]
fn scored_rows_carry_metadata_status_and_rank() {
    let day = day();
    assert_eq!(texts(&day.scored, "symbol"), some(&["A", "B", "E"]));
    assert_eq!(texts(&day.scored, "status"), some(&["sector_cap", "ranked", "ranked"]));
    assert_eq!(
        day.scored.column("rank"),
        Some(&Column::I32(vec![None, Some(2), Some(1)]))
    );
    assert_eq!(
        day.scored.column("market_cap"),
        Some(&Column::F64(vec![Some(60.0), Some(80.0), None]))
    );
    assert_eq!(texts(&day.scored, "sector")[1..], [Some("Energy".to_owned()), None]);
    assert_eq!(day.scored.column("as_of"), Some(&Column::Date(vec![Some(7); 3])));
}

#[test]
fn ranked_rows_are_scored_rows_by_rank() {
    let day = day();
    let ranked = day.ranked();
    assert_eq!(texts(&ranked, "symbol"), some(&["E", "B"]));
    assert_eq!(ranked.column("rank"), Some(&Column::I32(vec![Some(1), Some(2)])));
    assert_eq!(ranked.columns().len(), day.scored.columns().len());
}

#[test]
fn rejects_carry_value_and_limit() {
    let rejected = day().rejected;
    assert_eq!(texts(&rejected, "symbol"), some(&["C", "D", "F"]));
    assert_eq!(texts(&rejected, "stage"), some(&["universe", "data", "data"]));
    assert_eq!(texts(&rejected, "reason"), some(&["market_cap", "min_bars", "no_bars"]));
    assert_eq!(
        rejected.column("value"),
        Some(&Column::F64(vec![Some(1.0), Some(59.0), None]))
    );
    assert_eq!(
        rejected.column("limit"),
        Some(&Column::F64(vec![Some(50.0), Some(60.0), None]))
    );
}

#[test]
fn the_funnel_has_every_line_in_order() {
    let funnel = day().funnel;
    let Some(Column::I64(counts)) = funnel.column("count") else {
        panic!("counts are i64")
    };
    let lines: Vec<_> = texts(&funnel, "stage")
        .into_iter()
        .zip(texts(&funnel, "reason"))
        .zip(counts)
        .map(|((stage, reason), count)| format!("{} {} {}", stage.unwrap(), reason.unwrap(), count.unwrap()))
        .collect();
    let expect = "universe candidates 6, universe not_in_universe 0, universe bad_ticker 0, universe not_common 0, \
        universe leveraged_etf 0, universe excluded_industry 0, universe sector 0, universe industry 0, \
        universe market_cap 1, universe max_symbols 0, universe passed 5, rows read 280, rows bad_price 12, \
        rows bad_volume 0, rows ghost_session 0, rows duplicate 0, rows kept 268, data no_bars 1, data stale 0, \
        data min_bars 1, data min_price 0, data min_dollar_volume 0, data price_jump 0, data max_cv 0, \
        data max_atr_pct 0, data passed 3, rank side 0, rank min_tech_rating 0, rank min_ics 0, rank min_merit 0, \
        rank sector_cap 1, rank top 0, rank ranked 2, note universe_duplicate 1, note sector_unmapped 1, \
        note ohlc_repaired 0, note zero_volume 8, note adjusted_symbols 1";
    assert_eq!(lines.join(", "), expect);
    assert_eq!(funnel.column("step"), Some(&Column::I32((1..=38).map(Some).collect())));
}

#[test]
fn a_day_without_candidates_has_empty_tables_and_a_full_funnel() {
    let input = DayInput {
        as_of: 7,
        universe: None,
        candidates: &[],
        mapped: &[],
        fundamentals: None,
        events: None,
    };
    let day = reduce(&input, &options());
    assert_eq!(
        (
            day.scored.rows(),
            day.rejected.rows(),
            day.funnel.rows(),
            day.ranked().rows()
        ),
        (0, 0, 38, 0)
    );
    assert_eq!(day.scored.columns().len(), result_columns().count());
}

#[test]
#[should_panic(expected = "sorted by symbol")]
fn unsorted_map_rows_are_refused() {
    let mapped = [mapped("B", 1.0, 60), mapped("A", 1.0, 60)];
    let _ = reduce(
        &DayInput {
            as_of: 7,
            universe: None,
            candidates: &[],
            mapped: &mapped,
            fundamentals: None,
            events: None,
        },
        &options(),
    );
}

proptest! {
    #[test]
    fn every_candidate_has_one_place(
        days in prop::collection::vec((0..4_u8, -26.0..26.0, 30..200_i32, 1.0..20.0, 0..2_i32, 0..99_i64), 0..40),
        side in prop::sample::select(vec![Side::Long, Side::Short, Side::Both, Side::All]),
        top in 1..20_usize,
    ) {
        let symbols: Vec<String> = (0..days.len()).map(|i| format!("S{i:02}")).collect();
        let mut candidates = Vec::new();
        let mut mapped_rows = Vec::new();
        for (symbol, (kind, rating, bars, close, stale, kept)) in symbols.iter().zip(&days) {
            let reason = (*kind == 0).then_some(UniverseReason::BadTicker);
            candidates.push(Candidate { symbol, row: None, reason });
            if *kind < 3 {
                let mut mapped = mapped(symbol, *rating, *bars);
                mapped.row.hygiene = Hygiene { read: kept + 1, duplicate: 1, kept: *kept, ..Hygiene::default() };
                let indicators = mapped.row.indicators.as_mut().unwrap();
                (indicators.close, indicators.stale_sessions) = (Some(*close), *stale);
                indicators.trend_score = if *rating > 0.0 { 3 } else { -3 };
                mapped_rows.push(mapped);
            }
        }
        let mut options = options();
        (options.rank.side, options.rank.top) = (side, top);
        let input = DayInput { as_of: 7, universe: None, candidates: &candidates, mapped: &mapped_rows, fundamentals: None, events: None };
        // The funnel's own assertions run inside; the tables must agree with it.
        let day = reduce(&input, &options);
        prop_assert_eq!(day.scored.rows() + day.rejected.rows(), candidates.len());
        let ranked = day.ranked();
        prop_assert!(ranked.rows() <= top);
        let ranks: Vec<_> = (1..).take(ranked.rows()).map(Some).collect();
        prop_assert_eq!(ranked.column("rank"), Some(&Column::I32(ranks)));
    }
}
