//! One date's tables, of a run or of result files, by the names of their columns.
//!
//! It reads and names; it computes nothing. Read next: [`super::compare`], [`super::explain`].

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use futures::TryStreamExt;
use serde_json::Value;
use tickfleet_kernels::scan::cells::format_date;
use tickfleet_kernels::scan::diff::{Ranking, Reject};
use tickfleet_kernels::scan::explain::{Row, Weights};
use tickfleet_protocol::ids::RunId;
use tickfleet_protocol::spec::scan::Day;
use tickfleet_runtime::broker::RunState;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::tables::{ResultFile, ResultFileError};

use super::find;
use super::output::Output;
use super::results::{unfinished, unsuccessful};
use crate::cluster::{Cluster, Part, Result};

/// Share of the predictions where a spec names none.
const ML_WEIGHT: f64 = 0.35;

/// A table's rows by name: a row is a position, its columns are looked up once.
#[derive(Debug, Clone)]
pub struct Rows {
    batch: RecordBatch,
    columns: HashMap<String, usize>,
}

/// One of [`Rows`].
#[derive(Debug, Clone, Copy)]
pub struct RowAt<'a> {
    rows: &'a Rows,
    at: usize,
}

/// One date's tables.
#[derive(Debug, Clone)]
pub struct DateTables {
    /// The run, where it is one that the cluster has.
    pub run: Option<RunId>,
    /// Where they are from, as the user named it or as the run's id.
    pub from: String,
    /// The date.
    pub as_of: Day,
    /// What made them.
    pub metadata: BTreeMap<String, String>,
    /// Scored rows; of a file of the ranking, those with a rank.
    pub scored: Rows,
    /// Rejected symbols; a file alone has none.
    pub rejected: Option<Rows>,
}

impl Rows {
    /// Names the columns of a table.
    #[must_use]
    pub fn new(batch: RecordBatch) -> Self {
        let schema = batch.schema();
        let names = schema.fields().iter().map(|field| field.name().clone());
        let columns = names.zip(0..).collect();
        Self { batch, columns }
    }

    /// Every row, in order.
    pub fn iter(&self) -> impl Iterator<Item = RowAt<'_>> {
        (0..self.batch.num_rows()).map(|at| RowAt { rows: self, at })
    }

    /// The row of a symbol.
    #[must_use]
    pub fn find(&self, symbol: &str) -> Option<RowAt<'_>> {
        self.iter().find(|row| row.text("symbol") == Some(symbol))
    }

    /// The table.
    #[must_use]
    pub const fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    fn column(&self, name: &str, at: usize) -> Option<&dyn Array> {
        let column = self.batch.column(*self.columns.get(name)?);
        column.is_valid(at).then_some(column.as_ref())
    }
}

impl RowAt<'_> {
    /// The row as a table of one.
    #[must_use]
    pub fn alone(&self) -> RecordBatch {
        self.rows.batch.slice(self.at, 1)
    }
}

impl Row for RowAt<'_> {
    fn number(&self, column: &str) -> Option<f64> {
        let array = self.rows.column(column, self.at)?;
        match array.data_type() {
            DataType::Float64 => Some(array.as_primitive::<Float64Type>().value(self.at)),
            DataType::Int32 => Some(f64::from(array.as_primitive::<Int32Type>().value(self.at))),
            // Shares and counts are far below 2^53.
            DataType::Int64 => Some(array.as_primitive::<Int64Type>().value(self.at) as f64),
            _ => None,
        }
    }

    fn text(&self, column: &str) -> Option<&str> {
        let array = self.rows.column(column, self.at)?;
        let texts = array.as_string_opt::<i32>()?;
        Some(texts.value(self.at))
    }
}

impl DateTables {
    /// What of the spec enters the scores.
    #[must_use]
    pub fn weights(&self) -> Weights {
        let spec = self.spec();
        let ml_weight = spec.as_ref().and_then(|spec| named(spec, "ml_weight")?.as_f64());
        Weights {
            ml_weight: ml_weight.unwrap_or(ML_WEIGHT),
        }
    }

    /// The spec that made them.
    #[must_use]
    pub fn spec(&self) -> Option<Value> {
        serde_json::from_str(self.metadata.get("tickfleet.spec")?).ok()
    }

    /// An option of the spec, wherever it stands in it.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<Value> {
        named(&self.spec()?, name).cloned()
    }

    /// Why a symbol was rejected.
    #[must_use]
    pub fn reject(&self, symbol: &str) -> Option<Reject<'_>> {
        rejects(self.rejected.as_ref()?)
            .find(|(named, _)| *named == symbol)
            .map(|(_, reject)| reject)
    }
}

/// The ranking of the tables, over rows that outlive it.
#[must_use]
pub fn ranking<'a>(tables: &'a DateTables, rows: &'a [RowAt<'a>]) -> Ranking<'a> {
    let named = rows
        .iter()
        .filter_map(|row| Some((row.text("symbol")?, row as &dyn Row)));
    Ranking {
        scored: named.collect(),
        rejected: tables.rejected.iter().flat_map(rejects).collect(),
    }
}

fn rejects(rows: &Rows) -> impl Iterator<Item = (&str, Reject<'_>)> {
    let text = |name: &str, at: usize| {
        let texts = rows.column(name, at)?.as_string_opt::<i32>()?;
        Some(texts.value(at))
    };
    (0..rows.batch.num_rows()).filter_map(move |at| {
        let row = RowAt { rows, at };
        let reject = Reject {
            stage: text("stage", at)?,
            reason: text("reason", at)?,
            value: row.number("value"),
            limit: row.number("limit"),
        };
        Some((text("symbol", at)?, reject))
    })
}

/// Whether a name means a result file or folder rather than a run.
#[must_use]
pub fn is_path(name: &str) -> bool {
    name.contains(['/', '\\']) || name.ends_with(".parquet") || Path::new(name).exists()
}

/// The tables of a run, or of a result file or folder; without a date, of the last one.
///
/// # Errors
/// No run fits the name, or several; it has no results; no such file; no such date.
pub async fn load(cluster: &dyn Cluster, name: &str, as_of: Option<Day>, out: &Output) -> Result<DateTables> {
    if is_path(name) {
        let (name, as_of) = (name.to_owned(), as_of);
        return tokio::task::block_in_place(|| of_path(&name, as_of));
    }
    let run = find::run(cluster, name, out.frame().now).await?;
    match run.state {
        RunState::Succeeded => {}
        RunState::Running => return Err(unfinished(&run)),
        state => return Err(unsuccessful(cluster, run.run, state).await),
    }
    of_run(cluster, run.run, as_of).await
}

async fn of_run(cluster: &dyn Cluster, run: RunId, as_of: Option<Day>) -> Result<DateTables> {
    let incomplete = || Failure::new(ExitStatus::Failed, format!("the results of run {run} came incomplete"));
    let mut parts = cluster.results(run).await?;
    let Some(Part::Head(head)) = parts.try_next().await? else {
        return Err(incomplete());
    };
    let wanted = choose(&head.as_of, as_of, &format!("run {run}"))?;
    let at = head.as_of.iter().position(|day| *day == wanted).unwrap_or_default();
    if at > 0 {
        // The head says where the date is: only its tables are fetched.
        parts = cluster.results_from(run, at).await?;
    }
    while let Some(part) = parts.try_next().await? {
        match part {
            Part::Day(day) if head.as_of.get(day.date) == Some(&wanted) => {
                return Ok(DateTables {
                    run: Some(run),
                    from: format!("run {run}"),
                    as_of: wanted,
                    metadata: head.metadata,
                    scored: Rows::new(day.scored),
                    rejected: Some(Rows::new(day.rejected)),
                });
            }
            _ => {}
        }
    }
    Err(incomplete())
}

fn of_path(name: &str, as_of: Option<Day>) -> Result<DateTables> {
    let path = PathBuf::from(name);
    if !path.exists() {
        return Err(Failure::new(ExitStatus::BadInput, format!("{name} does not exist"))
            .help("name a run, a folder that --out DIR/ wrote, or a .parquet file"));
    }
    let (scored, rejected) = if path.is_dir() {
        (path.join("scored.parquet"), Some(path.join("rejected.parquet")))
    } else {
        (path, None)
    };
    if scored.extension().is_none_or(|ending| ending != "parquet") {
        return Err(Failure::new(ExitStatus::BadInput, format!("{name} is no Parquet file"))
            .why("other formats do not say what made them")
            .help("write results with --out DIR/ or --out FILE.parquet"));
    }
    let file = ResultFile::open(&scored).map_err(|error| unread(&error))?;
    let wanted = choose(&file.as_of, as_of, name)?;
    let rejected = rejected.filter(|path| path.exists()).map(|path| {
        let file = ResultFile::open(&path)?;
        file.day(wanted).map(Rows::new)
    });
    Ok(DateTables {
        run: None,
        from: name.to_owned(),
        as_of: wanted,
        scored: Rows::new(file.day(wanted).map_err(|error| unread(&error))?),
        metadata: file.metadata,
        rejected: rejected.transpose().map_err(|error| unread(&error))?,
    })
}

fn unread(error: &ResultFileError) -> Failure {
    Failure::from_error(ExitStatus::BadInput, error)
        .help("name a run, a folder that --out DIR/ wrote, or a .parquet file")
}

/// The date that is wanted, among those that there are.
fn choose(dates: &[Day], wanted: Option<Day>, of: &str) -> Result<Day> {
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else {
        return Err(Failure::new(ExitStatus::BadInput, format!("{of} holds no scored row")));
    };
    match wanted {
        None => Ok(*last),
        Some(day) if dates.contains(&day) => Ok(day),
        Some(day) => Err(
            Failure::new(ExitStatus::BadInput, format!("{of} has no date {}", format_date(day))).help(format!(
                "it has {} between {} and {}",
                crate::view::number::plural(dates.len() as u64, "date", "dates"),
                format_date(*first),
                format_date(*last)
            )),
        ),
    }
}

/// The first value under a key, at any depth.
fn named<'a>(json: &'a Value, key: &str) -> Option<&'a Value> {
    match json {
        Value::Object(fields) => fields
            .get(key)
            .filter(|value| !value.is_null())
            .or_else(|| fields.values().find_map(|value| named(value, key))),
        _ => None,
    }
}
