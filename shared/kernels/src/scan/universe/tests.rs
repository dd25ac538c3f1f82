//! The universe table and its stage by example.

use super::super::options::{SectorFilter, UniverseOptions, Unlisted};
use super::*;

fn options() -> UniverseOptions {
    UniverseOptions {
        symbols: Vec::new(),
        sectors: SectorFilter::Liquid,
        industries: Vec::new(),
        exclude_industries: vec!["closed-end".into(), "Exchange Traded Fund".into()],
        unlisted: Unlisted::Reject,
        ticker_rule: TickerRule::Us,
        allow_leveraged: false,
        min_market_cap: 0.0,
        max_symbols: 0,
    }
}

/// Rows of (symbol, sector, industry, market cap).
fn universe(rows: &[(&str, &str, &str, f64)]) -> Universe {
    let mut builder = UniverseBuilder::new(TickerRule::Us);
    for (symbol, sector, industry, cap) in rows {
        let placed = builder.push(&UniverseCells {
            symbol,
            name: None,
            sector: Some(sector),
            industry: Some(industry),
            market_cap: Some(*cap),
        });
        assert_eq!(placed, !symbol.is_empty());
    }
    builder.finish()
}

fn reasons(universe: &Universe, options: &UniverseOptions) -> Vec<(String, Option<UniverseReason>)> {
    stage(Some(universe), &[], 0, options)
        .iter()
        .map(|c| (c.symbol.to_owned(), c.reason))
        .collect()
}

#[track_caller]
fn check(universe: &Universe, options: &UniverseOptions, expect: &[(&str, Option<UniverseReason>)]) {
    let expect: Vec<_> = expect.iter().map(|(s, r)| ((*s).to_owned(), *r)).collect();
    assert_eq!(reasons(universe, options), expect);
}

#[test]
fn the_last_row_of_a_symbol_counts() {
    let universe = universe(&[
        ("BRK-B", "Magic", "", 0.0),
        ("A", "unknown", "na", f64::INFINITY),
        ("", "Energy", "", 1.0),
        ("brk/b", "Finance", "Insurance", 5.0),
        ("B", "Magic", "", -1.0),
    ]);
    let symbols: Vec<_> = universe.rows().iter().map(|row| row.symbol.as_str()).collect();
    assert_eq!(symbols, ["A", "B", "BRK.B"]);
    assert_eq!((universe.superseded(), universe.sector_unmapped()), (1, 1));
    let row = &universe.rows()[universe.find("BRK.B").unwrap()];
    assert_eq!((row.sector, row.market_cap), (Some(Sector::Financials), Some(5.0)));
    let first = &universe.rows()[0];
    assert_eq!(
        (first.sector, first.industry.as_deref(), first.market_cap),
        (None, None, None)
    );
}

#[test]
fn the_first_reason_holds() {
    use UniverseReason::{BadTicker, ExcludedIndustry, LeveragedEtf, NotCommon, Sector};
    let universe = universe(&[
        ("A", "Energy", "oil", 1.0),
        ("ABC1", "Utilities", "", 1.0),
        ("ABCDW", "Utilities", "", 1.0),
        ("CEF", "Utilities", "A Closed-End fund", 1.0),
        ("ETF", "Energy", "exchange traded FUNDS", 1.0),
        ("TQQQ", "Utilities", "closed-end", 1.0),
        ("U", "Utilities", "", 1.0),
        ("X", "", "", 1.0),
    ]);
    check(
        &universe,
        &options(),
        &[
            ("A", None),
            ("ABC1", Some(BadTicker)),
            ("ABCDW", Some(NotCommon)),
            ("CEF", Some(ExcludedIndustry)),
            ("ETF", Some(ExcludedIndustry)),
            ("TQQQ", Some(LeveragedEtf)),
            ("U", Some(Sector)),
            ("X", None),
        ],
    );
}

#[test]
fn industries_and_market_cap() {
    use UniverseReason::{Industry, MarketCap};
    let universe = universe(&[
        ("A", "", "Software", 10.0),
        ("B", "", "", 10.0),
        ("C", "", "software", 9.0),
        ("D", "", "software", 0.0),
    ]);
    let options = UniverseOptions {
        industries: vec!["SOFT".into()],
        min_market_cap: 10.0,
        ..options()
    };
    check(
        &universe,
        &options,
        &[("A", None), ("B", Some(Industry)), ("C", Some(MarketCap)), ("D", None)],
    );
}

#[test]
fn the_largest_are_kept() {
    use UniverseReason::MaxSymbols;
    let universe = universe(&[
        ("A", "", "", 0.0),
        ("B", "", "", 5.0),
        ("C", "", "", 9.0),
        ("D", "", "", 5.0),
    ]);
    let options = UniverseOptions {
        max_symbols: 2,
        ..options()
    };
    check(
        &universe,
        &options,
        &[
            ("A", Some(MaxSymbols)),
            ("B", None),
            ("C", None),
            ("D", Some(MaxSymbols)),
        ],
    );
    let options = UniverseOptions {
        max_symbols: 4,
        ..options
    };
    assert!(reasons(&universe, &options).iter().all(|(_, reason)| reason.is_none()));
}

#[test]
fn candidates_are_the_universe_and_what_traded_by_then() {
    let universe = universe(&[("B", "", "", 1.0)]);
    let bars = [("A", 5), ("B", 9), ("C", 6)].map(|(symbol, first_day)| BarSymbol { symbol, first_day });
    let listed = |universe, as_of, options: &UniverseOptions| -> Vec<(String, Option<UniverseReason>)> {
        stage(universe, &bars, as_of, options)
            .iter()
            .map(|c| (c.symbol.to_owned(), c.reason))
            .collect()
    };
    let not_in = Some(UniverseReason::NotInUniverse);
    assert_eq!(
        listed(Some(&universe), 5, &options()),
        [("A".into(), not_in), ("B".into(), None)]
    );
    let keep = UniverseOptions {
        unlisted: Unlisted::Keep,
        ..options()
    };
    assert_eq!(
        listed(Some(&universe), 5, &keep),
        [("A".into(), None), ("B".into(), None)]
    );
    assert_eq!(listed(None, 6, &options()), [("A".into(), None), ("C".into(), None)]);
    let asked = UniverseOptions {
        symbols: vec!["C".into(), "Z".into()],
        ..keep
    };
    assert_eq!(
        listed(Some(&universe), 5, &asked),
        [("C".into(), None), ("Z".into(), None)]
    );
}
