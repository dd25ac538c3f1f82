//! The best rows of a date while its map jobs finish: a table on a terminal, one line elsewhere.
//!
//! Shows what it is given in the order it is given. Read next: `ranked`, the table that replaces this one.

use tickfleet_kernels::scan::cells::format_date;
use tickfleet_kernels::scan::provisional::ProvisionalRow;

use super::number::{count, fixed};
use super::ranked::signal;
use super::table::{Column, table};
use super::text::printable;
use crate::cluster::ProvisionalDay;

/// Rows named in one line.
const NAMED: usize = 5;

/// The first rows below a heading that says they are not the last word; no line wider than `columns`.
#[must_use]
pub fn rows_so_far(day: &ProvisionalDay, rows: usize, columns: usize, colours: bool) -> String {
    let shown = &day.rows[..rows.min(day.rows.len())];
    let number = |header: &str, priority: u8, decimals: usize, value: fn(&ProvisionalRow) -> f64| {
        Column::number(header, priority, shown.iter().map(|row| fixed(value(row), decimals)))
    };
    let ranks = (1..=shown.len()).map(|rank| rank.to_string());
    let shown = [
        Column::number("#", 1, ranks),
        Column::text("symbol", 0, shown.iter().map(|row| row.symbol.as_str())),
        Column::text("signal", 2, shown.iter().map(|row| signal(row.signal.name()))),
        number("tech", 3, 1, |row| row.tech_rating),
        number("close", 4, 2, |row| row.close),
    ];
    let heading = super::text::cut(&heading(day), columns).into_owned();
    format!("{heading}\n{}", table(&shown, columns, colours))
}

/// The first rows in one line: `provisional, as of 2026-01-05, 4/12 map jobs: QZAC 24.3, JXOD 24.1, …`.
#[must_use]
pub fn line_so_far(day: &ProvisionalDay) -> String {
    let named = day.rows.iter().take(NAMED);
    let mut rows: Vec<String> = named
        .map(|row| format!("{} {}", printable(&row.symbol), fixed(row.tech_rating, 1)))
        .collect();
    if day.rows.len() > NAMED {
        rows.push("…".to_owned());
    }
    if rows.is_empty() {
        rows.push("no row yet".to_owned());
    }
    format!("{}: {}", heading(day), rows.join(", "))
}

fn heading(day: &ProvisionalDay) -> String {
    let (done, total) = (count(day.done), count(day.total));
    format!("provisional, as of {}, {done}/{total} map jobs", format_date(day.as_of))
}

#[cfg(test)]
mod tests {
    use tickfleet_kernels::scan::score::Signal;

    use super::*;

    fn day(rows: usize) -> ProvisionalDay {
        let row = |at: usize| ProvisionalRow {
            symbol: format!("S{at}"),
            signal: if at == 1 { Signal::StrongShort } else { Signal::Long },
            tech_rating: if at == 1 { -24.26 } else { 20.0 - at as f64 },
            close: 1_234.5 / at as f64,
        };
        ProvisionalDay {
            as_of: 20_458,
            done: 4,
            total: 1_200,
            rows: (1..=rows).map(row).collect(),
        }
    }

    #[test]
    fn a_table_shows_the_first_rows() {
        assert_eq!(
            rows_so_far(&day(3), 2, 60, false),
            "provisional, as of 2026-01-05, 4/1,200 map jobs\n\
             #  symbol  signal         tech    close\n\
             1  S1      Strong Short  -24.3  1234.50\n\
             2  S2      Long           18.0   617.25\n"
        );
        let narrow = rows_so_far(&day(3), 9, 20, false);
        assert!(narrow.lines().all(|line| line.chars().count() <= 20), "{narrow}");
        assert_eq!(narrow.lines().count(), 5);
    }

    #[test]
    fn a_line_names_a_few() {
        let check = |rows: usize, expect: &str| {
            let line = line_so_far(&day(rows));
            assert_eq!(
                line,
                format!("provisional, as of 2026-01-05, 4/1,200 map jobs: {expect}")
            );
        };
        check(0, "no row yet");
        check(2, "S1 -24.3, S2 18.0");
        check(6, "S1 -24.3, S2 18.0, S3 17.0, S4 16.0, S5 15.0, …");
    }
}
