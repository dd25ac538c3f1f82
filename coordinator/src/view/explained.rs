//! A scored row taken apart, as text: what it is, what its scores are made of, where it stands.

use tickfleet_kernels::scan::diff::Reject;
use tickfleet_kernels::scan::explain::standing::Standing;
use tickfleet_kernels::scan::explain::{Score, Term};

use super::colour::Tone;
use super::frame::Frame;
use super::number::{amount, fixed};
use super::table::{Column, table};

/// The eight heights of a sparkline.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A number with its sign, in as many decimals as tell it.
#[must_use]
pub fn signed(value: f64) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", plain(value))
}

/// A reject in words: `data: min_price, 3.2 against 5`.
#[must_use]
pub fn reason(reject: &Reject<'_>) -> String {
    let tested = match (reject.value, reject.limit) {
        (Some(value), Some(limit)) => format!(", {} against {}", tested(value), tested(limit)),
        (None, Some(limit)) => format!(", unknown against {}", tested(limit)),
        _ => String::new(),
    };
    format!("{}: {}{tested}", reject.stage, reject.reason)
}

/// Why a scored row is not ranked: the status, and what was tested against which option.
#[must_use]
pub fn status(status: &str, tested_value: Option<f64>, limit: Option<&str>) -> String {
    match (tested_value, limit) {
        (Some(value), Some(limit)) => format!("not ranked: {status}, {} against {limit}", tested(value)),
        (None, Some(limit)) => format!("not ranked: {status}, {limit} wanted"),
        _ => format!("not ranked: {status}"),
    }
}

/// Each score over the terms that add up to it.
#[must_use]
pub fn scores(scores: &[Score], frame: &Frame) -> String {
    scores
        .iter()
        .map(|score| one(score, frame))
        .collect::<Vec<_>>()
        .join("\n")
}

fn one(score: &Score, frame: &Frame) -> String {
    let heading = format!("{} {}", score.name, plain(score.value));
    let terms: Vec<&Term> = score.terms.iter().collect();
    let of = |term: &Term| match (term.input, term.weight) {
        (Some(input), Some(weight)) => format!("{} × {}", plain(weight), plain(input)),
        (Some(input), None) => plain(input),
        (None, _) if term.points == 0.0 => "unknown".to_owned(),
        (None, _) => String::new(),
    };
    let columns = [
        Column::text("term", 0, terms.iter().map(|term| format!("  {}", term.name))),
        Column::number("points", 1, terms.iter().map(|term| signed(term.points))),
        Column::text("of", 2, terms.iter().map(|term| of(term))),
    ];
    let body = table(&columns, frame.columns, frame.colours);
    // The heading of the columns is said by the score's own.
    let body = body.split_once('\n').map_or("", |(_, body)| body);
    format!("{}\n{body}", Tone::Strong.paint(&heading, frame.colours))
}

/// Where a row stands, among all and in its sector.
#[must_use]
pub fn standings(all: &[Standing], sector: &[Standing], frame: &Frame) -> String {
    let of_sector = |column: &str| sector.iter().find(|standing| standing.column == column);
    let place = |standing: &Standing| format!("{} of {}", standing.place, standing.of);
    let columns = [
        Column::text("", 0, all.iter().map(|standing| standing.column)),
        Column::number("value", 0, all.iter().map(|standing| compact(standing.value))),
        Column::number("place", 1, all.iter().map(place)),
        Column::number("median", 3, all.iter().map(|standing| compact(standing.median))),
        Column::number(
            "in sector",
            2,
            all.iter().map(|standing| of_sector(standing.column).map(place)),
        ),
        Column::number(
            "median",
            4,
            all.iter()
                .map(|standing| of_sector(standing.column).map(|standing| compact(standing.median))),
        ),
    ];
    table(&columns, frame.columns, frame.colours)
}

/// The columns of a row and their values, as many side by side as fit.
#[must_use]
pub fn inputs(values: &[(String, String)], frame: &Frame) -> String {
    let name = values.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let value = values.iter().map(|(_, value)| value.chars().count()).max().unwrap_or(0);
    let beside = (frame.columns / (name + value + 4)).max(1);
    let rows = values.len().div_ceil(beside);
    let line = |row: usize| {
        let cells = (0..beside).filter_map(|column| values.get(column * rows + row));
        let cells: Vec<String> = cells.map(|(n, v)| format!("{n:name$} {v:>value$}")).collect();
        cells.join("   ").trim_end().to_owned() + "\n"
    };
    (0..rows).map(line).collect()
}

/// Closes as a line of blocks, at most `columns` of them: the lowest is lowest, the highest highest.
#[must_use]
pub fn sparkline(closes: &[f64], columns: usize) -> String {
    let shown = &closes[closes.len().saturating_sub(columns)..];
    let low = shown.iter().copied().fold(f64::INFINITY, f64::min);
    let high = shown.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let height = |close: f64| {
        let part = if high > low { (close - low) / (high - low) } else { 0.5 };
        // Between 0 and 7: casts of floats saturate.
        #[allow(clippy::cast_sign_loss)]
        let at = (part * 7.0).round() as usize;
        HEIGHTS[at.min(HEIGHTS.len() - 1)]
    };
    shown.iter().map(|close| height(*close)).collect()
}

/// A number for people: four or so digits that matter.
#[must_use]
pub fn plain(value: f64) -> String {
    let text = match value.abs() {
        x if x >= 100.0 => fixed(value, 1),
        x if x >= 0.1 || x == 0.0 => fixed(value, 3),
        _ => fixed(value, 5),
    };
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if text.contains('.') { short.to_owned() } else { text }
}

/// A number of any size in few characters: `21.2B`.
#[must_use]
pub fn compact(value: f64) -> String {
    if value.abs() < 1e5 { plain(value) } else { amount(value) }
}

/// A tested value, near its limit to the last digit that tells.
fn tested(value: f64) -> String {
    if value.abs() < 1e5 {
        plain(value)
    } else {
        fixed(value, 0)
    }
}

#[cfg(test)]
mod tests {
    use tickfleet_protocol::ids::Millis;

    use super::*;

    const FRAME: Frame = Frame {
        now: Millis(0),
        columns: 60,
        colours: false,
    };

    #[test]
    fn numbers_keep_the_digits_that_matter() {
        for (value, expect) in [
            (0.0, "0"),
            (24.25, "24.25"),
            (100.0, "100"),
            (-0.000_04, "-0.00004"),
            (1_234.56, "1234.6"),
            (0.3, "0.3"),
        ] {
            assert_eq!(plain(value), expect);
        }
        assert_eq!(
            (signed(3.0), signed(-3.0), signed(0.0)),
            ("+3".into(), "-3".into(), "0".into())
        );
    }

    #[test]
    fn a_score_stands_over_its_terms() {
        let term = |name, input, weight, points| Term {
            name,
            input,
            weight,
            points,
        };
        let score = Score {
            name: "merit",
            value: 11.0,
            terms: vec![
                term("T", Some(90.0), Some(0.26), 23.4),
                term("Q", None, Some(0.14), 0.0),
                term("HIGH_ATR", None, None, -8.0),
            ],
        };
        assert_eq!(
            scores(&[score], &FRAME),
            "merit 11\n  T          +23.4  0.26 × 90\n  Q              0  unknown\n  HIGH_ATR      -8\n"
        );
    }

    #[test]
    fn a_line_of_closes_spans_all_heights() {
        assert_eq!(sparkline(&[1.0, 2.0, 3.0, 8.0], 9), "▁▂▃█");
        assert_eq!(sparkline(&[1.0, 5.0, 5.0], 2), "▅▅");
        assert_eq!(sparkline(&[], 9), "");
    }

    #[test]
    fn a_reject_says_what_was_tested() {
        let reject = |value, limit| Reject {
            stage: "data",
            reason: "min_price",
            value,
            limit,
        };
        assert_eq!(
            reason(&reject(Some(3.25), Some(5.0))),
            "data: min_price, 3.25 against 5"
        );
        assert_eq!(reason(&reject(None, None)), "data: min_price");
    }

    #[test]
    fn inputs_stand_side_by_side() {
        let values = [("a", "1"), ("bb", "22"), ("c", "3")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        let frame = Frame { columns: 20, ..FRAME };
        assert_eq!(inputs(&values, &frame), "a   1   c   3\nbb 22\n");
    }
}
