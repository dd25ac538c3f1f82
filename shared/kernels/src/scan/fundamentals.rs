//! The fundamentals table: a company's figures and the day on which they became public (section 1).
//!
//! A row is used as of a date when it was public by then, and whole: figures of two rows are never mixed. Read next:
//! `factors`.

use super::options::TickerRule;
use super::ticker;

/// When the figures of a row became public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The table does not say: they count as known always.
    Always,
    /// On this day, days since 1970-01-01.
    On(i32),
    /// The table says something that is no date.
    Unreadable,
}

macro_rules! figures {
    ($($name:ident $definition:literal;)*) => {
        /// A company's figures, in quote currency; flows and per-share figures over twelve months; `None` is null.
        #[derive(Debug, Clone, Copy, PartialEq, Default)]
        pub struct Figures {
            $(#[doc = $definition] pub $name: Option<f64>,)*
        }

        /// Names of the figures' columns, in the order of [`Figures::from_cells`].
        pub const FIGURES: &[&str] = &[$(stringify!($name)),*];

        impl Figures {
            /// From the cells of [`FIGURES`], in that order; what is not finite, or beyond the last cell, is null.
            #[must_use]
            pub fn from_cells(cells: impl IntoIterator<Item = Option<f64>>) -> Self {
                let mut cells = cells.into_iter().map(|cell| cell.filter(|x| x.is_finite()));
                Self { $($name: cells.next().flatten(),)* }
            }

            /// The values of [`FIGURES`], in that order.
            #[must_use]
            pub fn values(&self) -> Vec<Option<f64>> {
                vec![$(self.$name),*]
            }
        }
    };
}

figures! {
    shares_outstanding "Shares outstanding.";
    net_income "Net income.";
    operating_cash_flow "Cash flow from operations.";
    free_cash_flow "Operating cash flow less capital expenditure.";
    revenue "Revenue.";
    revenue_prior "Revenue a year before.";
    gross_profit "Revenue less the cost of what was sold.";
    operating_income "Income from operations.";
    ebitda "Earnings before interest, taxes, depreciation and amortisation.";
    interest_expense "Interest paid.";
    total_assets "Assets.";
    total_equity "Shareholders' equity.";
    total_debt "Debt.";
    cash "Cash and equivalents.";
    eps "Earnings a share.";
    eps_prior "Earnings a share a year before.";
    dividend_per_share "Dividends a share.";
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct FundamentalsRow {
    /// Canonical symbol.
    pub symbol: String,
    /// Day of publication; `None` = known always.
    pub published: Option<i32>,
    /// The figures.
    pub figures: Figures,
}

/// The table: sorted by symbol, then day of publication, with one row for each pair.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fundamentals {
    rows: Vec<FundamentalsRow>,
}

/// Gathers rows in input order.
#[derive(Debug)]
pub struct FundamentalsBuilder {
    rule: TickerRule,
    rows: Vec<FundamentalsRow>,
}

impl FundamentalsBuilder {
    /// A builder that makes symbols canonical by this rule.
    #[must_use]
    pub fn new(rule: TickerRule) -> Self {
        Self { rule, rows: Vec::new() }
    }

    /// Takes the next row of the input; false when it has no symbol or an unreadable date, and is skipped.
    pub fn push(&mut self, symbol: &str, published: Published, figures: Figures) -> bool {
        let symbol = ticker::canonical(symbol, self.rule).into_owned();
        let published = match published {
            Published::Always => None,
            Published::On(day) => Some(day),
            Published::Unreadable => return false,
        };
        if symbol.is_empty() {
            return false;
        }
        self.rows.push(FundamentalsRow {
            symbol,
            published,
            figures,
        });
        true
    }

    /// The table: of rows with one symbol and day the last one counts.
    #[must_use]
    pub fn finish(mut self) -> Fundamentals {
        // Reversed, so that the stable sort puts the last row of a key first and `dedup` keeps it.
        self.rows.reverse();
        self.rows.sort_by(|a, b| key(a).cmp(&key(b)));
        self.rows.dedup_by(|later, kept| key(later) == key(kept));
        Fundamentals { rows: self.rows }
    }
}

impl Fundamentals {
    /// The rows, sorted by symbol and day; what is known always comes first.
    #[must_use]
    pub fn rows(&self) -> &[FundamentalsRow] {
        &self.rows
    }

    /// The figures of a canonical symbol that were the latest public ones on a day.
    #[must_use]
    pub fn known(&self, symbol: &str, as_of: i32) -> Option<&Figures> {
        let end = self.rows.partition_point(|row| key(row) <= (symbol, Some(as_of)));
        let row = self.rows[..end].last()?;
        (row.symbol == symbol).then_some(&row.figures)
    }
}

fn key(row: &FundamentalsRow) -> (&str, Option<i32>) {
    (&row.symbol, row.published)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revenue(value: f64) -> Figures {
        Figures {
            revenue: Some(value),
            ..Figures::default()
        }
    }

    #[test]
    fn the_latest_public_row_counts_and_the_last_of_a_day() {
        let mut builder = FundamentalsBuilder::new(TickerRule::Us);
        for (symbol, published, value, placed) in [
            ("B", Published::On(20), 5.0, true),
            ("brk-b", Published::On(10), 1.0, true),
            ("BRK.B", Published::On(30), 3.0, true),
            ("BRK/B", Published::On(10), 2.0, true),
            ("BRK.B", Published::Unreadable, 9.0, false),
            (" ", Published::Always, 9.0, false),
            ("A", Published::Always, 7.0, true),
            ("A", Published::On(15), 8.0, true),
        ] {
            assert_eq!(builder.push(symbol, published, revenue(value)), placed, "{symbol}");
        }
        let table = builder.finish();
        assert_eq!(table.rows().len(), 5);
        for (symbol, as_of, expect) in [
            ("BRK.B", 9, None),
            ("BRK.B", 10, Some(2.0)),
            ("BRK.B", 29, Some(2.0)),
            ("BRK.B", 30, Some(3.0)),
            ("A", -1, Some(7.0)),
            ("A", 15, Some(8.0)),
            ("B", 19, None),
            ("B", 20, Some(5.0)),
            ("C", 99, None),
        ] {
            let found = table.known(symbol, as_of).and_then(|figures| figures.revenue);
            assert_eq!(found, expect, "{symbol} as of {as_of}");
        }
    }

    #[test]
    fn cells_come_in_the_order_of_the_names() {
        let figures = Figures::from_cells([Some(1.0), Some(f64::INFINITY), Some(3.0)]);
        assert_eq!((figures.shares_outstanding, figures.net_income), (Some(1.0), None));
        assert_eq!(figures.operating_cash_flow, Some(3.0));
        assert_eq!((FIGURES.len(), FIGURES[16]), (17, "dividend_per_share"));
        assert_eq!(figures.values()[..4], [Some(1.0), None, Some(3.0), None]);
    }
}
