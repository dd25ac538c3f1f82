//! The universe stage: which symbols a scan looks at, and why it leaves the others out (section 2).
//!
//! It reads the universe table, the symbols and first days of the bars, and its options; never a price.

use std::borrow::Cow;

use super::cells;
use super::compare::{descending, lt};
use super::options::{TickerRule, UniverseOptions, Unlisted};
use super::sector::{Parsed, Sector, parse};
use super::ticker::{self, Ticker};

/// A row of the universe table as it was read; text is not cleaned yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct UniverseCells<'a> {
    /// Symbol in any spelling.
    pub symbol: &'a str,
    /// Company or fund name.
    pub name: Option<&'a str>,
    /// Sector in any taxonomy.
    pub sector: Option<&'a str>,
    /// Industry.
    pub industry: Option<&'a str>,
    /// Market capitalisation, quote currency; non-finite or not above 0 means unknown.
    pub market_cap: Option<f64>,
}

/// A row of the universe.
#[derive(Debug, Clone, PartialEq)]
pub struct UniverseRow {
    /// Canonical symbol.
    pub symbol: String,
    /// Company or fund name.
    pub name: Option<String>,
    /// Sector; null when unknown or in no taxonomy.
    pub sector: Option<Sector>,
    /// Industry.
    pub industry: Option<String>,
    /// Market capitalisation, quote currency, above 0.
    pub market_cap: Option<f64>,
}

/// The universe: one row a symbol, sorted by symbol.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Universe {
    rows: Vec<UniverseRow>,
    superseded: i64,
    sector_unmapped: i64,
}

/// Gathers universe rows in input order.
#[derive(Debug)]
pub struct UniverseBuilder {
    rule: TickerRule,
    rows: Vec<(UniverseRow, bool)>,
}

/// Why a candidate is left out, in the order of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UniverseReason {
    /// No universe row, and unlisted symbols are not wanted.
    NotInUniverse,
    /// No ticker by the grammar.
    BadTicker,
    /// A preferred share, right, unit or warrant.
    NotCommon,
    /// A leveraged, inverse or volatility fund.
    LeveragedEtf,
    /// An industry that is excluded.
    ExcludedIndustry,
    /// A sector that is not wanted.
    Sector,
    /// None of the industries wanted.
    Industry,
    /// Known market cap below the least.
    MarketCap,
    /// Beyond the largest by market cap.
    MaxSymbols,
}

impl UniverseReason {
    /// Every reason, in the order of the tests.
    pub const ALL: [Self; 9] = [
        Self::NotInUniverse,
        Self::BadTicker,
        Self::NotCommon,
        Self::LeveragedEtf,
        Self::ExcludedIndustry,
        Self::Sector,
        Self::Industry,
        Self::MarketCap,
        Self::MaxSymbols,
    ];

    /// The name in the result tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotInUniverse => "not_in_universe",
            Self::BadTicker => "bad_ticker",
            Self::NotCommon => "not_common",
            Self::LeveragedEtf => "leveraged_etf",
            Self::ExcludedIndustry => "excluded_industry",
            Self::Sector => "sector",
            Self::Industry => "industry",
            Self::MarketCap => "market_cap",
            Self::MaxSymbols => "max_symbols",
        }
    }
}

/// A symbol of the bars and the date of its first placed row, in days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarSymbol<'a> {
    /// Canonical symbol.
    pub symbol: &'a str,
    /// First date with a placed row.
    pub first_day: i32,
}

/// A symbol that the scan looks at, and the first reason to leave it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Canonical symbol.
    pub symbol: &'a str,
    /// Its row in the universe.
    pub row: Option<usize>,
    /// Why it is left out; `None` = it passes.
    pub reason: Option<UniverseReason>,
}

impl UniverseBuilder {
    /// A builder that makes symbols canonical by this rule.
    #[must_use]
    pub fn new(rule: TickerRule) -> Self {
        Self { rule, rows: Vec::new() }
    }

    /// Takes the next row of the input; false when it has no symbol and is skipped.
    pub fn push(&mut self, cells: &UniverseCells<'_>) -> bool {
        let symbol = ticker::canonical(cells.symbol, self.rule).into_owned();
        if symbol.is_empty() {
            return false;
        }
        let text = |cell: Option<&str>| cell.and_then(cells::text).map(Cow::into_owned);
        let sector = cells.sector.and_then(cells::text).map(|name| parse(&name));
        let row = UniverseRow {
            symbol,
            name: text(cells.name),
            sector: if let Some(Parsed::Known(sector)) = sector {
                Some(sector)
            } else {
                None
            },
            industry: text(cells.industry),
            market_cap: cells.market_cap.filter(|cap| cap.is_finite() && *cap > 0.0),
        };
        self.rows.push((row, sector == Some(Parsed::Unmapped)));
        true
    }

    /// The universe: of rows with one symbol the last one counts.
    #[must_use]
    pub fn finish(mut self) -> Universe {
        let read = self.rows.len();
        // Reversed, so that the stable sort puts the last row of a symbol first and `dedup` keeps it.
        self.rows.reverse();
        self.rows.sort_by(|(a, _), (b, _)| a.symbol.cmp(&b.symbol));
        self.rows.dedup_by(|(later, _), (kept, _)| later.symbol == kept.symbol);
        Universe {
            superseded: count(read - self.rows.len()),
            sector_unmapped: count(self.rows.iter().filter(|(_, unmapped)| *unmapped).count()),
            rows: self.rows.into_iter().map(|(row, _)| row).collect(),
        }
    }
}

impl Universe {
    /// The rows, sorted by symbol.
    #[must_use]
    pub fn rows(&self) -> &[UniverseRow] {
        &self.rows
    }

    /// Rows superseded by a later one of the same symbol.
    #[must_use]
    pub fn superseded(&self) -> i64 {
        self.superseded
    }

    /// Symbols whose sector name is in no taxonomy.
    #[must_use]
    pub fn sector_unmapped(&self) -> i64 {
        self.sector_unmapped
    }

    /// The row number of a canonical symbol.
    #[must_use]
    pub fn find(&self, symbol: &str) -> Option<usize> {
        self.rows.binary_search_by(|row| row.symbol.as_str().cmp(symbol)).ok()
    }
}

/// Lists the candidates as of one date, sorted by symbol, each with the first reason that holds.
///
/// Candidates are the universe's symbols and those of the bars whose first day is not after `as_of`; with
/// `options.symbols` exactly those. `bars` is sorted by symbol without repeats.
///
/// # Panics
/// When `bars` or `options.symbols` is not sorted.
#[must_use]
pub fn stage<'a>(
    universe: Option<&'a Universe>,
    bars: &[BarSymbol<'a>],
    as_of: i32,
    options: &'a UniverseOptions,
) -> Vec<Candidate<'a>> {
    assert!(
        bars.is_sorted_by(|a, b| a.symbol < b.symbol),
        "the symbols of the bars are sorted"
    );
    assert!(
        options.symbols.is_sorted_by(|a, b| a < b),
        "the symbols asked for are sorted"
    );
    let tests = Tests::new(universe, options);
    let mut candidates: Vec<Candidate<'a>> = symbols(universe, bars, as_of, options)
        .into_iter()
        .map(|symbol| {
            let row = universe.and_then(|universe| universe.find(symbol));
            Candidate {
                symbol,
                row,
                reason: tests.reason(symbol, row),
            }
        })
        .collect();
    tests.cut_to_largest(&mut candidates);
    candidates
}

/// The options in the form that the tests need.
struct Tests<'a> {
    universe: Option<&'a Universe>,
    options: &'a UniverseOptions,
    exclude_industries: Vec<String>,
    industries: Vec<String>,
}

impl<'a> Tests<'a> {
    fn new(universe: Option<&'a Universe>, options: &'a UniverseOptions) -> Self {
        let lower = |list: &[String]| list.iter().map(|text| text.to_lowercase()).collect();
        Self {
            universe,
            options,
            exclude_industries: lower(&options.exclude_industries),
            industries: lower(&options.industries),
        }
    }

    /// The metadata of a universe row.
    fn row(&self, row: Option<usize>) -> Option<&'a UniverseRow> {
        Some(&self.universe?.rows[row?])
    }

    /// The first reason that holds, but for the cut to the largest.
    fn reason(&self, symbol: &str, row: Option<usize>) -> Option<UniverseReason> {
        let options = self.options;
        if self.universe.is_some() && row.is_none() && options.unlisted == Unlisted::Reject {
            return Some(UniverseReason::NotInUniverse);
        }
        match ticker::verdict(symbol, options.ticker_rule) {
            Ticker::Bad => return Some(UniverseReason::BadTicker),
            Ticker::NotCommon => return Some(UniverseReason::NotCommon),
            Ticker::Fine => {}
        }
        if !options.allow_leveraged && ticker::is_leveraged(symbol) {
            return Some(UniverseReason::LeveragedEtf);
        }
        let row = self.row(row);
        let industry = row.and_then(|row| row.industry.as_deref()).map(str::to_lowercase);
        let contains_one = |list: &[String]| {
            industry
                .as_ref()
                .is_some_and(|text| list.iter().any(|part| text.contains(part)))
        };
        if contains_one(&self.exclude_industries) {
            Some(UniverseReason::ExcludedIndustry)
        } else if !options.sectors.passes(row.and_then(|row| row.sector)) {
            Some(UniverseReason::Sector)
        } else if !self.industries.is_empty() && !contains_one(&self.industries) {
            Some(UniverseReason::Industry)
        } else if options.min_market_cap > 0.0
            && row
                .and_then(|row| row.market_cap)
                .is_some_and(|cap| lt(cap, options.min_market_cap))
        {
            Some(UniverseReason::MarketCap)
        } else {
            None
        }
    }

    /// Leaves out what is beyond the largest `max_symbols`, by market cap, null last, then symbol.
    fn cut_to_largest(&self, candidates: &mut [Candidate<'_>]) {
        let max = self.options.max_symbols;
        let mut passing: Vec<usize> = (0..candidates.len())
            .filter(|i| candidates[*i].reason.is_none())
            .collect();
        if max == 0 || passing.len() <= max {
            return;
        }
        // The sort is stable and candidates are in symbol order, so equal caps stay in symbol order.
        let cap = |i: usize| self.row(candidates[i].row).and_then(|row| row.market_cap);
        passing.sort_by(|a, b| descending(cap(*a), cap(*b)));
        for beyond in passing.split_off(max) {
            candidates[beyond].reason = Some(UniverseReason::MaxSymbols);
        }
    }
}

/// The candidates' symbols, sorted, without repeats.
fn symbols<'a>(
    universe: Option<&'a Universe>,
    bars: &[BarSymbol<'a>],
    as_of: i32,
    options: &'a UniverseOptions,
) -> Vec<&'a str> {
    if !options.symbols.is_empty() {
        return options.symbols.iter().map(String::as_str).collect();
    }
    let listed = universe
        .map_or(&[][..], Universe::rows)
        .iter()
        .map(|row| row.symbol.as_str());
    let traded = bars.iter().filter(|bar| bar.first_day <= as_of).map(|bar| bar.symbol);
    let mut symbols: Vec<&str> = listed.chain(traded).collect();
    symbols.sort_unstable();
    symbols.dedup();
    symbols
}

fn count(n: usize) -> i64 {
    i64::try_from(n).expect("a count of rows in memory fits i64")
}

#[cfg(test)]
mod tests {
    use super::super::options::SectorFilter;
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
}
