//! The tests of the universe stage: every candidate and the first reason to leave it out.

use super::super::compare::{descending, lt};
use super::super::options::{UniverseOptions, Unlisted};
use super::super::ticker::{self, Ticker};
use super::{Universe, UniverseRow};

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
