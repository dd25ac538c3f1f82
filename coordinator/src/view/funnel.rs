//! The funnel on the terminal: how many candidates became ranked rows, and what stopped the rest.
//!
//! Input are the lines of the result's `funnel` table; counts of zero are left out, except where they are the news: an
//! empty ranking is told with the stage that emptied it. Read next: `number`.

use super::colour::Tone;
use super::number::count;
use super::text::{cut, spaces, width};

/// One line of the `funnel` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunnelLine<'a> {
    /// `universe`, `rows`, `data`, `rank` or `note`.
    pub stage: &'a str,
    /// The reason, or the name of a total such as `candidates`.
    pub reason: &'a str,
    /// How many.
    pub count: i64,
}

/// The names of lines that are totals, not reasons.
const TOTALS: [&str; 5] = ["candidates", "passed", "read", "kept", "ranked"];

/// The funnel as text, a newline after each line, no line wider than `columns`.
///
/// Lines of several dates may be given one after another: equal stages and reasons are summed.
#[must_use]
pub fn funnel(lines: &[FunnelLine<'_>], columns: usize, colours: bool) -> String {
    let sums = Sums::of(lines);
    let steps = [
        ("candidates", sums.get("universe", "candidates"), "universe"),
        ("passed", sums.get("universe", "passed"), "data"),
        ("scored", sums.get("data", "passed"), "rank"),
        ("ranked", sums.get("rank", "ranked"), ""),
    ];
    let counts = steps.map(|(_, total, _)| number(total));
    let count_width = counts.iter().map(|text| width(text)).max().unwrap_or(0);
    let mut text = Text {
        columns: columns.max(1),
        colours,
        out: String::new(),
    };
    for ((name, _, stage), total) in steps.iter().zip(&counts) {
        text.line(&format!("{name:<10}  {total:>count_width$}"), Tone::Strong);
        text.reasons(&sums.reasons(stage), 14 + count_width);
    }
    rows_and_notes(&sums, &mut text);
    if let Some(sentence) = emptied(&sums) {
        text.line(&sentence, Tone::Notice);
    }
    text.out
}

/// Which stage left nothing to rank and by what, in one sentence; `None` if something is ranked.
fn emptied(sums: &Sums<'_>) -> Option<String> {
    if sums.get("rank", "ranked") > 0 {
        return None;
    }
    if sums.get("universe", "candidates") == 0 {
        return Some("nothing is ranked: there are no candidates".to_owned());
    }
    let stage = match (sums.get("universe", "passed"), sums.get("data", "passed")) {
        (0, _) => "universe",
        (_, 0) => "data",
        _ => "rank",
    };
    let mut reasons = sums.reasons(stage);
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let named: Vec<_> = reasons
        .iter()
        .take(3)
        .map(|(reason, sum)| format!("{reason} {}", number(*sum)))
        .collect();
    Some(format!(
        "nothing is ranked: the {stage} stage left none ({})",
        named.join(", ")
    ))
}

fn rows_and_notes(sums: &Sums<'_>, text: &mut Text) {
    let dropped = sums.reasons("rows");
    if !dropped.is_empty() {
        let total: i64 = dropped.iter().map(|(_, count)| count).sum();
        text.line(
            &format!("dropped {} of {} rows", number(total), number(sums.get("rows", "read"))),
            Tone::Plain,
        );
        text.reasons(&dropped, 2);
    }
    let notes = sums.reasons("note");
    if !notes.is_empty() {
        text.line("noted", Tone::Plain);
        text.reasons(&notes, 2);
    }
}

/// Lines summed over their dates, in the order in which they first came.
struct Sums<'a>(Vec<FunnelLine<'a>>);

impl<'a> Sums<'a> {
    fn of(lines: &[FunnelLine<'a>]) -> Self {
        let mut sums: Vec<FunnelLine<'a>> = Vec::new();
        for line in lines {
            match sums
                .iter_mut()
                .find(|sum| sum.stage == line.stage && sum.reason == line.reason)
            {
                Some(sum) => sum.count = sum.count.saturating_add(line.count),
                None => sums.push(*line),
            }
        }
        Self(sums)
    }

    fn get(&self, stage: &str, reason: &str) -> i64 {
        self.0
            .iter()
            .find(|line| line.stage == stage && line.reason == reason)
            .map_or(0, |line| line.count)
    }

    fn reasons(&self, stage: &str) -> Vec<(&'a str, i64)> {
        let lines = self.0.iter().filter(|line| line.stage == stage && line.count != 0);
        lines
            .filter(|line| !TOTALS.contains(&line.reason))
            .map(|line| (line.reason, line.count))
            .collect()
    }
}

struct Text {
    columns: usize,
    colours: bool,
    out: String,
}

impl Text {
    fn line(&mut self, text: &str, tone: Tone) {
        self.out += &tone.paint(&cut(text, self.columns), self.colours);
        self.out.push('\n');
    }

    /// Reasons with their counts, as many on a line as fit; indented unless that leaves them no room.
    fn reasons(&mut self, reasons: &[(&str, i64)], indent: usize) {
        let indent = if indent * 2 > self.columns {
            self.columns.min(2) / 2
        } else {
            indent
        };
        let mut line = String::new();
        for (reason, sum) in reasons {
            let item = format!("{reason} {}", number(*sum));
            if !line.is_empty() && indent + width(&line) + 2 + width(&item) > self.columns {
                self.line(&format!("{}{line}", spaces(indent)), Tone::Faint);
                line.clear();
            }
            line += if line.is_empty() { "" } else { ", " };
            line += &item;
        }
        if !line.is_empty() {
            self.line(&format!("{}{line}", spaces(indent)), Tone::Faint);
        }
    }
}

fn number(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", count(value.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: [(&str, &str, i64); 17] = [
        ("universe", "candidates", 5_277),
        ("universe", "bad_ticker", 0),
        ("universe", "not_common", 30),
        ("universe", "sector", 300),
        ("universe", "passed", 4_947),
        ("rows", "read", 2_600_000),
        ("rows", "bad_price", 12),
        ("rows", "kept", 2_599_988),
        ("data", "stale", 47),
        ("data", "min_price", 2_000),
        ("data", "min_dollar_volume", 1_200),
        ("data", "passed", 1_700),
        ("rank", "side", 1_600),
        ("rank", "top", 50),
        ("rank", "ranked", 50),
        ("note", "ohlc_repaired", 3),
        ("note", "zero_volume", 0),
    ];

    fn lines<'a>(table: &[(&'a str, &'a str, i64)]) -> Vec<FunnelLine<'a>> {
        table
            .iter()
            .map(|&(stage, reason, count)| FunnelLine { stage, reason, count })
            .collect()
    }

    #[test]
    fn shows_what_is_not_zero() {
        assert_eq!(
            funnel(&lines(&FULL), 80, false),
            "candidates  5,277\n                   \
             not_common 30, sector 300\n\
             passed      4,947\n                   \
             stale 47, min_price 2,000, min_dollar_volume 1,200\n\
             scored      1,700\n                   \
             side 1,600, top 50\n\
             ranked         50\n\
             dropped 12 of 2,600,000 rows\n  bad_price 12\n\
             noted\n  ohlc_repaired 3\n"
        );
    }

    #[test]
    fn breaks_and_cuts_at_any_width() {
        for columns in 0..90 {
            let text = funnel(&lines(&FULL), columns, false);
            for line in text.lines() {
                assert!(width(line) <= columns.max(1), "{columns}: {line:?}");
            }
        }
        let narrow = funnel(&lines(&FULL), 30, false);
        assert!(
            narrow.contains(" stale 47, min_price 2,000\n min_dollar_volume 1,200\n"),
            "{narrow}"
        );
    }

    #[test]
    fn dates_are_summed() {
        let twice: Vec<_> = lines(&FULL).into_iter().chain(lines(&FULL)).collect();
        let text = funnel(&twice, 80, false);
        assert!(
            text.contains("candidates  10,554\n") && text.contains("side 3,200, top 100\n"),
            "{text}"
        );
    }

    #[test]
    fn an_empty_ranking_names_its_stage() {
        let check = |table: &[(&str, &str, i64)], expect: &str| {
            let text = funnel(&lines(table), 120, false);
            assert_eq!(text.lines().last(), Some(expect));
        };
        check(&[], "nothing is ranked: there are no candidates");
        check(
            &[
                ("universe", "candidates", 7),
                ("universe", "bad_ticker", 2),
                ("universe", "sector", 5),
            ],
            "nothing is ranked: the universe stage left none (sector 5, bad_ticker 2)",
        );
        check(
            &[
                ("universe", "candidates", 7),
                ("universe", "passed", 7),
                ("data", "stale", 7),
                ("data", "passed", 0),
            ],
            "nothing is ranked: the data stage left none (stale 7)",
        );
        check(
            &[
                ("universe", "candidates", 1_007),
                ("universe", "passed", 1_007),
                ("data", "passed", 1_007),
                ("rank", "side", 1_001),
                ("rank", "min_ics", 6),
                ("rank", "ranked", 0),
            ],
            "nothing is ranked: the rank stage left none (side 1,001, min_ics 6)",
        );
    }
}
