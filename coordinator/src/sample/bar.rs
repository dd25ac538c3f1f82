//! One row of the bars table.

/// A symbol's day; prices in quote currency as traded, before any adjustment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Days since 1970-01-01.
    pub date: i32,
    /// First price.
    pub open: f64,
    /// Highest price; a few bad rows have one below the close.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price; 0 in a few bad rows.
    pub close: f64,
    /// Units traded; missing in a few bad rows.
    pub volume: Option<i64>,
    /// Close adjusted for all later marked splits and dividends, as one cumulative column; missing for a few symbols.
    pub adj_close: Option<f64>,
}
