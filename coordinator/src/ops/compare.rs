//! `compare`: two rankings side by side, and which term moved whom.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use serde::Serialize;
use tickfleet_kernels::scan::cells::format_date;
use tickfleet_kernels::scan::diff::{Change, Difference, Differences, TermChange, Unranked, differences};
use tickfleet_protocol::spec::scan::Day;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::sink::{FileSink, Metadata, Target, check_writable};

use super::output::Output;
use super::tables::{DateTables, RowAt, load, ranking};
use crate::cluster::{Cluster, Result};
use crate::view::differences::table;

/// What is compared.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Run, file or folder of the ranking before.
    pub old: String,
    /// And of the one after.
    pub new: String,
    /// The date of both; none = the last one of each.
    pub as_of: Option<Day>,
    /// A file or folder for the differences; none = they are printed.
    pub out: Option<String>,
}

/// Compares two rankings and prints or writes what differs.
///
/// # Errors
/// A name fits no run or several, or no file; a run has no results; the output can't be written.
pub async fn compare(cluster: &dyn Cluster, wish: &Wish, out: &mut Output) -> Result<ExitStatus> {
    let target = wish.out.as_deref().map(check_writable).transpose();
    let target = target.map_err(|error| Failure::from_error(ExitStatus::BadInput, &error))?;
    let old = load(cluster, &wish.old, wish.as_of, out).await?;
    let new = load(cluster, &wish.new, wish.as_of, out).await?;
    let (old_rows, new_rows): (Vec<RowAt<'_>>, Vec<RowAt<'_>>) =
        (old.scored.iter().collect(), new.scored.iter().collect());
    let found = differences(&ranking(&old, &old_rows), &ranking(&new, &new_rows));
    let found = found.map_err(|error| {
        Failure::new(ExitStatus::Failed, "a score is not the sum of its terms")
            .because(&error)
            .help("the results were made by another version: compare them with that one")
    })?;
    let summary = Summary::of(&old, &new, &found);
    if let Some(target) = &target {
        tokio::task::block_in_place(|| write(target, &old, &new, &found))?;
    }
    let lines = found.rows.iter().map(Line::of).filter(|_| target.is_none());
    let records: Vec<Record<'_>> = std::iter::once(Record::Summary(&summary))
        .chain(lines.map(|line| Record::Line(Box::new(line))))
        .collect();
    let is_printed = target.is_none();
    out.answer(records, |frame| {
        let rows = if is_printed {
            table(&found.rows, frame)
        } else {
            String::new()
        };
        format!("{}\n{rows}", summary.text())
    })?;
    if let Some(target) = &target {
        let (path, _) = target.table(TABLE);
        out.note(&format!("wrote {}", path.display()));
    }
    Ok(ExitStatus::Succeeded)
}

/// The table that a folder gets.
const TABLE: &str = "compare";

#[derive(Serialize)]
#[serde(untagged)]
enum Record<'a> {
    Summary(&'a Summary),
    Line(Box<Line<'a>>),
}

/// What was compared, and how many symbols differ.
#[derive(Debug, Serialize)]
struct Summary {
    old: Compared,
    new: Compared,
    entered: usize,
    left: usize,
    moved: usize,
    unmoved: usize,
}

#[derive(Debug, Serialize)]
struct Compared {
    from: String,
    as_of: String,
}

impl Summary {
    fn of(old: &DateTables, new: &DateTables, found: &Differences<'_>) -> Self {
        let compared = |tables: &DateTables| Compared {
            from: tables.from.clone(),
            as_of: format_date(tables.as_of),
        };
        let count = |change| found.rows.iter().filter(|row| row.change == change).count();
        Self {
            old: compared(old),
            new: compared(new),
            entered: count(Change::Entered),
            left: count(Change::Left),
            moved: count(Change::Moved),
            unmoved: found.unmoved,
        }
    }

    fn text(&self) -> String {
        let Self {
            old,
            new,
            entered,
            left,
            moved,
            unmoved,
        } = self;
        format!(
            "from {} ({})\nto   {} ({})\n{entered} entered, {left} left, {moved} moved, {unmoved} at the same rank",
            old.as_of, old.from, new.as_of, new.from
        )
    }
}

/// A symbol whose place differs.
#[derive(Debug, Serialize)]
struct Line<'a> {
    change: &'static str,
    symbol: &'a str,
    old_rank: Option<i64>,
    new_rank: Option<i64>,
    /// The score that the ranking goes by.
    score: Option<&'static str>,
    old_score: Option<f64>,
    new_score: Option<f64>,
    /// The term that changed most; null where others moved it.
    moved_by: Option<TermLine>,
    terms: Vec<TermLine>,
    /// Why it is not ranked where it is not.
    why: Option<Why<'a>>,
}

#[derive(Debug, Serialize)]
struct TermLine {
    term: &'static str,
    old: Option<f64>,
    new: Option<f64>,
    change: f64,
}

impl From<&TermChange> for TermLine {
    fn from(term: &TermChange) -> Self {
        Self {
            term: term.name,
            old: term.old,
            new: term.new,
            change: term.points(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Why<'a> {
    stage: &'a str,
    reason: Option<&'a str>,
    value: Option<f64>,
    limit: Option<f64>,
}

impl<'a> Why<'a> {
    const fn of(why: Unranked<'a>) -> Self {
        let (stage, reason, value, limit) = match why {
            Unranked::Status(status) => ("rank", Some(status), None, None),
            Unranked::Rejected(reject) => (reject.stage, Some(reject.reason), reject.value, reject.limit),
            Unranked::Absent => ("absent", None, None, None),
        };
        Self {
            stage,
            reason,
            value,
            limit,
        }
    }
}

impl<'a> Line<'a> {
    fn of(row: &Difference<'a>) -> Self {
        Self {
            change: row.change.name(),
            symbol: row.symbol,
            old_rank: row.old_rank,
            new_rank: row.new_rank,
            score: row.score,
            old_score: row.values.map(|(old, _)| old),
            new_score: row.values.map(|(_, new)| new),
            moved_by: row.largest.as_ref().map(TermLine::from),
            terms: row.terms.iter().map(TermLine::from).collect(),
            why: row.why.map(Why::of),
        }
    }
}

/// Writes the differences, one a row, with the origin of both sides.
fn write(target: &Target, old: &DateTables, new: &DateTables, found: &Differences<'_>) -> Result<()> {
    let unwritten = |error: &(dyn std::error::Error + 'static)| Failure::from_error(ExitStatus::Failed, error);
    let origin = |side: &'static str, tables: &DateTables| -> Vec<(String, String)> {
        let pairs = tables.metadata.iter();
        let named = pairs.map(|(key, value)| {
            (
                key.replacen("tickfleet.", &format!("tickfleet.{side}."), 1),
                value.clone(),
            )
        });
        named.collect()
    };
    let metadata: Metadata = origin("old", old).into_iter().chain(origin("new", new)).collect();
    let batch = batch(found).map_err(|error| unwritten(&error))?;
    let (path, format) = target.table(TABLE);
    let mut sink = FileSink::create(&path, batch.schema(), format, &metadata).map_err(|error| unwritten(&error))?;
    sink.write(&batch).map_err(|error| unwritten(&error))?;
    sink.finish().map_err(|error| unwritten(&error))
}

fn batch(found: &Differences<'_>) -> std::result::Result<RecordBatch, arrow::error::ArrowError> {
    let lines: Vec<Line<'_>> = found.rows.iter().map(Line::of).collect();
    let text = |value: &dyn Fn(&Line<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(lines.iter().map(value).collect::<StringArray>())
    };
    let whole = |value: &dyn Fn(&Line<'_>) -> Option<i64>| -> ArrayRef {
        Arc::new(lines.iter().map(value).collect::<Int64Array>())
    };
    let number = |value: &dyn Fn(&Line<'_>) -> Option<f64>| -> ArrayRef {
        Arc::new(lines.iter().map(value).collect::<Float64Array>())
    };
    RecordBatch::try_from_iter_with_nullable([
        ("change", text(&|line| Some(line.change.to_owned())), true),
        ("symbol", text(&|line| Some(line.symbol.to_owned())), true),
        ("old_rank", whole(&|line| line.old_rank), true),
        ("new_rank", whole(&|line| line.new_rank), true),
        ("score", text(&|line| line.score.map(str::to_owned)), true),
        ("old_score", number(&|line| line.old_score), true),
        ("new_score", number(&|line| line.new_score), true),
        (
            "moved_by",
            text(&|line| Some(line.moved_by.as_ref()?.term.to_owned())),
            true,
        ),
        (
            "moved_by_points",
            number(&|line| Some(line.moved_by.as_ref()?.change)),
            true,
        ),
        (
            "why_stage",
            text(&|line| Some(line.why.as_ref()?.stage.to_owned())),
            true,
        ),
        (
            "why_reason",
            text(&|line| line.why.as_ref()?.reason.map(str::to_owned)),
            true,
        ),
        ("why_value", number(&|line| line.why.as_ref()?.value), true),
        ("why_limit", number(&|line| line.why.as_ref()?.limit), true),
    ])
}
