//! Two rankings side by side: a line for each symbol whose place differs.

use tickfleet_kernels::scan::diff::{Change, Difference, Unranked};

use super::colour::Tone;
use super::explained::{reason, signed};
use super::frame::Frame;
use super::number::fixed;
use super::table::{Cell, Column, table as lay_out};

/// The lines under a heading; empty where nothing differs.
#[must_use]
pub fn table(rows: &[Difference<'_>], frame: &Frame) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let rank = |rank: Option<i64>| rank.map(|rank| rank.to_string());
    let score = rows.iter().find_map(|row| row.score).unwrap_or("score");
    let value = |value: Option<f64>| value.map(|value| fixed(value, 1));
    let columns = [
        Column::text("", 3, rows.iter().map(|row| change(row.change))),
        Column::text("symbol", 0, rows.iter().map(|row| row.symbol)),
        Column::number("was", 1, rows.iter().map(|row| rank(row.old_rank))),
        Column::number("is", 1, rows.iter().map(|row| rank(row.new_rank))),
        Column::number(
            &format!("{score} was"),
            5,
            rows.iter().map(|row| value(row.values.map(|(old, _)| old))),
        ),
        Column::number("is", 5, rows.iter().map(|row| value(row.values.map(|(_, new)| new)))),
        Column::text("moved by", 2, rows.iter().map(moved_by)),
        Column::text(
            "why it is, or was, not ranked",
            4,
            rows.iter().map(|row| row.why.map(why).unwrap_or_default()),
        ),
    ];
    lay_out(&columns, frame.columns, frame.colours)
}

fn change(change: Change) -> Cell {
    let tone = match change {
        Change::Entered => Tone::Good,
        Change::Left => Tone::Bad,
        Change::Moved => Tone::Plain,
    };
    Cell::from(change.name()).tone(tone)
}

fn moved_by(row: &Difference<'_>) -> String {
    match (row.largest, row.values) {
        (Some(term), _) => format!("{} {}", term.name, signed(term.points())),
        (None, Some(_)) => "others".to_owned(),
        (None, None) => String::new(),
    }
}

fn why(why: Unranked<'_>) -> String {
    match why {
        Unranked::Status(status) => status.to_owned(),
        Unranked::Rejected(reject) => reason(&reject),
        Unranked::Absent => "in no table".to_owned(),
    }
}
