//! The funnel: how many symbols and rows every stage took and left, each line always, and proof that it adds up.

use super::super::compare::gt;
use super::super::filter::DataReason;
use super::super::hygiene::Hygiene;
use super::super::rank::{Place, Status};
use super::super::table::{Column, Table};
use super::super::universe::{Universe, UniverseReason};
use super::{DayInput, RejectReason, ScoredRow, Sorted};

/// How far the window's first factor must be from 1 for a symbol to count as adjusted.
const ADJUSTED: f64 = 1e-6;

/// One line of the funnel: stage, reason, count.
type Line = (&'static str, &'static str, i64);

pub(super) fn funnel_table(input: &DayInput<'_>, sorted: &Sorted<'_>, places: &[Place]) -> Table {
    let mut lines = Vec::with_capacity(38);
    lines.extend(filter_lines(input, sorted));
    lines.extend(Status::ALL.map(|status| {
        (
            "rank",
            status.name(),
            count(places.iter().filter(|place| place.status == status).count()),
        )
    }));
    let adjusted = |row: &&ScoredRow<'_>| {
        row.row
            .adj_factor
            .is_some_and(|factor| gt((factor - 1.0).abs(), ADJUSTED))
    };
    lines.extend([
        (
            "note",
            "universe_duplicate",
            input.universe.map_or(0, Universe::superseded),
        ),
        (
            "note",
            "sector_unmapped",
            input.universe.map_or(0, Universe::sector_unmapped),
        ),
        ("note", "ohlc_repaired", sorted.hygiene.ohlc_repaired),
        ("note", "zero_volume", sorted.hygiene.zero_volume),
        (
            "note",
            "adjusted_symbols",
            count(sorted.scored.iter().filter(adjusted).count()),
        ),
    ]);
    assert_adds_up(&lines);
    let steps = (1..).take(lines.len()).map(Some).collect();
    let text =
        |cell: fn(&Line) -> &'static str| Column::Utf8(lines.iter().map(|line| Some(cell(line).to_owned())).collect());
    Table::new(vec![
        ("as_of", Column::Date(vec![Some(input.as_of); lines.len()])),
        ("step", Column::I32(steps)),
        ("stage", text(|line| line.0)),
        ("reason", text(|line| line.1)),
        ("count", Column::I64(lines.iter().map(|line| Some(line.2)).collect())),
    ])
}

/// The lines of the universe stage, the rows and the data stage.
fn filter_lines(input: &DayInput<'_>, sorted: &Sorted<'_>) -> Vec<Line> {
    let rejects = |reason: RejectReason| count(sorted.rejected.iter().filter(|reject| reject.reason == reason).count());
    let passed = count(
        input
            .candidates
            .iter()
            .filter(|candidate| candidate.reason.is_none())
            .count(),
    );
    let mut lines = vec![("universe", "candidates", count(input.candidates.len()))];
    let universe =
        UniverseReason::ALL.map(|reason| ("universe", reason.name(), rejects(RejectReason::Universe(reason))));
    lines.extend(universe);
    lines.push(("universe", "passed", passed));
    let rows = Hygiene::NAMES.iter().zip(sorted.hygiene.counts()).take(6);
    lines.extend(rows.map(|(name, count)| ("rows", *name, count)));
    lines.extend(DataReason::ALL.map(|reason| ("data", reason.name(), rejects(RejectReason::Data(reason)))));
    lines.push(("data", "passed", count(sorted.scored.len())));
    lines
}

fn assert_adds_up(lines: &[Line]) {
    let find = |stage, reason| {
        let line = lines.iter().find(|line| line.0 == stage && line.1 == reason);
        line.expect("the funnel has every line").2
    };
    let rest = |stage, but: &[&str]| -> i64 {
        lines
            .iter()
            .filter(|line| line.0 == stage && !but.contains(&line.1))
            .map(|line| line.2)
            .sum()
    };
    let (candidates, passed, scored) = (
        find("universe", "candidates"),
        find("universe", "passed"),
        find("data", "passed"),
    );
    assert_eq!(
        candidates,
        rest("universe", &["candidates"]),
        "candidates are the universe rejects and the passed"
    );
    assert_eq!(
        find("rows", "read"),
        rest("rows", &["read"]),
        "rows read are the drops and the kept"
    );
    assert_eq!(
        passed,
        rest("data", &[]),
        "passed symbols are the data rejects and the scored"
    );
    assert_eq!(scored, rest("rank", &[]), "scored symbols have one status each");
}

fn count(n: usize) -> i64 {
    i64::try_from(n).expect("a count of rows in memory fits i64")
}
