//! The universe stage: which symbols a scan looks at, and why it leaves the others out (section 2).
//!
//! It reads the universe table, the symbols and first days of the bars, and its options; never a price.

mod stage;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use stage::{BarSymbol, Candidate, UniverseReason, stage};

use super::cells;
use super::options::TickerRule;
use super::sector::{Parsed, Sector, parse};
use super::ticker;

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

fn count(n: usize) -> i64 {
    i64::try_from(n).expect("a count of rows in memory fits i64")
}
