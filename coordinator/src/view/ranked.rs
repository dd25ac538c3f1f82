//! The scan's table on the terminal: the ranked rows, the columns a reader decides by first.
//!
//! Shows what it is given in the order it is given; never ranks. Read next: `table`.

use super::colour::Tone;
use super::number;
use super::table::{Cell, Column, table};

/// One ranked row, as much of it as the terminal shows; names as in the result's columns.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct RankedRow {
    pub rank: Option<i32>,
    pub symbol: String,
    pub signal: String,
    pub merit: Option<f64>,
    pub band: Option<String>,
    pub ics: Option<f64>,
    pub tech_rating: Option<f64>,
    pub close: Option<f64>,
    pub entry: Option<f64>,
    pub stop: Option<f64>,
    pub target: Option<f64>,
    pub shares: Option<i64>,
    pub sector: Option<String>,
    pub name: Option<String>,
    pub market_cap: Option<f64>,
    pub flags: String,
}

/// The rows as a table, a newline after each line, no line wider than `columns`.
#[must_use]
pub fn ranked(rows: &[RankedRow], columns: usize, colours: bool) -> String {
    let fixed = |header: &str, priority: u8, decimals: usize, value: fn(&RankedRow) -> Option<f64>| {
        let cells = rows.iter().map(|row| value(row).map(|x| number::fixed(x, decimals)));
        Column::number(header, priority, cells)
    };
    let text = |header: &str, priority: u8, value: fn(&RankedRow) -> Option<&str>| {
        Column::text(header, priority, rows.iter().map(value))
    };
    let shown = [
        Column::number("#", 1, rows.iter().map(|row| row.rank.map(|rank| rank.to_string()))),
        text("symbol", 0, |row| Some(&row.symbol)),
        Column::text("signal", 2, rows.iter().map(|row| signal(&row.signal))),
        fixed("merit", 2, 1, |row| row.merit),
        text("band", 6, |row| row.band.as_deref()),
        fixed("ics", 5, 1, |row| row.ics),
        fixed("tech", 4, 1, |row| row.tech_rating),
        fixed("close", 3, 2, |row| row.close),
        fixed("entry", 7, 2, |row| row.entry),
        fixed("stop", 7, 2, |row| row.stop),
        fixed("target", 7, 2, |row| row.target),
        Column::number("shares", 8, rows.iter().map(|row| row.shares.map(shares))),
        Column::number("cap", 10, rows.iter().map(|row| row.market_cap.map(number::amount))),
        text("sector", 9, |row| row.sector.as_deref()).at_most(22),
        text("name", 12, |row| row.name.as_deref()).at_most(28),
        Column::text("flags", 11, rows.iter().map(|row| flags(&row.flags))).at_most(32),
    ];
    // A column without any value tells nothing and takes the room of one that does.
    let shown: Vec<Column> = shown
        .into_iter()
        .filter(|column| rows.is_empty() || column.has_values())
        .collect();
    table(&shown, columns, colours)
}

/// A signal's name in its colour.
pub(super) fn signal(name: &str) -> Cell {
    let tone = match name {
        "Strong Long" | "Long" => Tone::Good,
        "Strong Short" | "Short" => Tone::Bad,
        _ => Tone::Faint,
    };
    Cell::from(name).tone(tone)
}

fn shares(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", number::count(value.unsigned_abs()))
}

/// No flags is a fact, not a missing value: the cell stays empty.
fn flags(names: &str) -> Cell {
    Cell::from(names.replace(',', " ")).tone(Tone::Notice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<RankedRow> {
        let first = RankedRow {
            rank: Some(1),
            symbol: "QXAB".into(),
            signal: "Strong Long".into(),
            merit: Some(91.26),
            band: Some("A+".into()),
            ics: Some(80.0),
            tech_rating: Some(23.4),
            close: Some(101.5),
            entry: Some(101.7),
            stop: Some(97.25),
            target: Some(110.6),
            shares: Some(1_234),
            sector: Some("Information Technology".into()),
            name: Some("Synthetic 0001 Inc".into()),
            market_cap: Some(2.34e9),
            flags: "EARNINGS_SOON,HIGH_ATR".into(),
        };
        let second = RankedRow {
            rank: Some(2),
            symbol: "ZX".into(),
            signal: "Short".into(),
            ..RankedRow::default()
        };
        vec![first, second]
    }

    #[test]
    fn wide_and_narrow() {
        let check = |columns: usize, expect: &str| assert_eq!(ranked(&rows(), columns, false), expect, "{columns}");
        check(
            200,
            "#  symbol  signal       merit  band   ics  tech   close   entry   stop  target  shares    cap  \
             sector                  name                flags\n\
             1  QXAB    Strong Long   91.3  A+    80.0  23.4  101.50  101.70  97.25  110.60   1,234  2.34B  \
             Information Technology  Synthetic 0001 Inc  EARNINGS_SOON HIGH_ATR\n\
             2  ZX      Short            -  -        -     -       -       -      -       -       -      -  \
             -                       -\n",
        );
        check(
            44,
            "#  symbol  signal       merit  tech   close\n\
             1  QXAB    Strong Long   91.3  23.4  101.50\n\
             2  ZX      Short            -     -       -\n",
        );
        check(9, "#  symbol\n1  QXAB\n2  ZX\n");
        check(6, "symbol\nQXAB\nZX\n");
        check(3, "sy…\nQX…\nZX\n");
    }

    #[test]
    fn signals_have_their_colour() {
        let text = ranked(&rows(), 40, true);
        assert!(
            text.contains("\u{1b}[32mStrong Long\u{1b}[0m") && text.contains("\u{1b}[31mShort\u{1b}[0m"),
            "{text}"
        );
        assert!(!ranked(&rows(), 40, false).contains('\u{1b}'));
    }
}
