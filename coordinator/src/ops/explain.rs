//! `explain`: one symbol of a run, its scores term by term, where it stands, or why it has no score.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tickfleet_kernels::scan::cells::format_date;
use tickfleet_kernels::scan::diff::Reject;
use tickfleet_kernels::scan::explain::standing::{Standing, standings};
use tickfleet_kernels::scan::explain::{Row, Score, scores};
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_kernels::scan::ticker;
use tickfleet_protocol::spec::scan::Day;
use tickfleet_runtime::failure::{ExitStatus, Failure, FailureKind};

use super::output::Output;
use super::tables::{DateTables, RowAt, load};
use crate::cluster::{Cluster, Result};
use crate::view::explained;
use crate::view::frame::Frame;
use crate::view::sheet::Sheet;

/// Closes that are shown: a year.
const CLOSES: usize = 252;

/// Explains a symbol of one date.
///
/// # Errors
/// The name fits no run or several, or no file; the run has no results; no table names the symbol; a score is not the
/// sum of its terms.
pub async fn explain(
    cluster: &dyn Cluster,
    name: &str,
    symbol: &str,
    as_of: Option<Day>,
    out: &mut Output,
) -> Result<ExitStatus> {
    let tables = load(cluster, name, as_of, out).await?;
    let symbol = canonical(&tables, symbol);
    if let Some(row) = tables.scored.find(&symbol) {
        let closes = closes(cluster, &tables, &symbol).await;
        let scored = Scored::of(&tables, row)?;
        out.answer([scored.record(&tables, &symbol, &closes)?], |frame| {
            scored.text(&tables, &symbol, &closes, frame)
        })?;
        return Ok(ExitStatus::Succeeded);
    }
    let Some(reject) = tables.reject(&symbol) else {
        return Err(absent(&tables, &symbol));
    };
    out.answer([Rejected::of(&tables, &symbol, reject)], |frame| {
        Sheet::default()
            .line("symbol", symbol.as_str())
            .line("as of", format!("{}, {}", format_date(tables.as_of), tables.from))
            .line("rejected", explained::reason(&reject))
            .render(frame)
    })?;
    Ok(ExitStatus::Succeeded)
}

/// The symbol as the tables spell it.
fn canonical(tables: &DateTables, symbol: &str) -> String {
    let is_any = tables.option("ticker_rule") == Some(Value::from("any"));
    let rule = if is_any { TickerRule::Any } else { TickerRule::Us };
    ticker::canonical(symbol, rule).into_owned()
}

fn absent(tables: &DateTables, symbol: &str) -> Failure {
    let what = format!(
        "no table of {} names {symbol} as of {}",
        tables.from,
        format_date(tables.as_of)
    );
    let failure = Failure::new(ExitStatus::BadInput, what).of_kind(FailureKind::NotFound);
    if tables.rejected.is_none() {
        return failure
            .why("the file holds one table, and no rejected symbols")
            .help("name the run, or the folder that --out DIR/ wrote");
    }
    failure
        .why("it was no candidate: neither the universe nor the bars had it by then")
        .help("check its spelling; --as-of names another date")
}

/// Closes up to the date, the oldest first, or why there are none.
type Closes = std::result::Result<Vec<f64>, String>;

/// The closes behind a row, read again from the run's input.
async fn closes(cluster: &dyn Cluster, tables: &DateTables, symbol: &str) -> Closes {
    let Some(run) = tables.run else {
        return Err("result files do not hold them: explain the run itself".to_owned());
    };
    let closes = cluster.closes(run, symbol, tables.as_of, CLOSES).await;
    closes.map_err(|failure| {
        let why = failure.why.first().map(|why| format!(": {why}")).unwrap_or_default();
        format!("{}{why}", failure.what)
    })
}

/// A row that was scored, taken apart.
struct Scored<'a> {
    row: RowAt<'a>,
    scores: Vec<Score>,
    all: Vec<Standing>,
    sector: Vec<Standing>,
}

impl<'a> Scored<'a> {
    fn of(tables: &'a DateTables, row: RowAt<'a>) -> Result<Self> {
        let scores = scores(&row, tables.weights()).map_err(|error| {
            Failure::new(ExitStatus::Failed, "a score is not the sum of its terms")
                .because(&error)
                .help("the results were made by another version: explain them with that one")
        })?;
        let rows: Vec<RowAt<'_>> = tables.scored.iter().collect();
        let all: Vec<&dyn Row> = rows.iter().map(|row| row as &dyn Row).collect();
        let sector = row.text("sector");
        let peers: Vec<&dyn Row> = all
            .iter()
            .copied()
            .filter(|other| sector.is_some() && other.text("sector") == sector)
            .collect();
        Ok(Self {
            row,
            scores,
            all: standings(&row, &all),
            sector: if peers.is_empty() {
                Vec::new()
            } else {
                standings(&row, &peers)
            },
        })
    }

    fn rank(&self) -> Option<i64> {
        // Ranks are whole numbers up to 100,000.
        #[allow(clippy::cast_possible_truncation)]
        let rank = |rank: f64| rank as i64;
        self.row.number("rank").map(rank)
    }

    /// Its rank among those that have one, or the test that it did not pass.
    fn place(&self, tables: &DateTables) -> String {
        if let Some(rank) = self.rank() {
            let ranked = tables.scored.iter().filter(|row| row.number("rank").is_some()).count();
            return format!("rank {rank} of {ranked}");
        }
        let status = self.row.text("status").unwrap_or("no status");
        let (tested, option) = match status {
            "min_tech_rating" => (self.row.number("tech_rating").map(f64::abs), "min_tech_rating"),
            "min_ics" => (self.row.number("ics"), "min_ics"),
            "min_merit" => (self.row.number("merit"), "min_merit"),
            "sector_cap" => (None, "max_per_sector"),
            other => (None, other),
        };
        let limit = tables.option(option).map(|limit| limit.to_string().replace('"', ""));
        explained::status(status, tested, limit.as_deref())
    }

    fn text(&self, tables: &DateTables, symbol: &str, closes: &Closes, frame: &Frame) -> String {
        let text = |name: &str| self.row.text(name).filter(|text| !text.is_empty());
        let number = |name: &str| self.row.number(name).map(explained::plain);
        let shown = match closes {
            Ok(closes) => explained::sparkline(closes, frame.columns.saturating_sub(10).min(CLOSES)),
            Err(why) => format!("not shown: {why}"),
        };
        let sheet = Sheet::default()
            .line("symbol", symbol)
            .maybe("name", text("name"))
            .maybe("sector", text("sector"))
            .line("as of", format!("{}, {}", format_date(tables.as_of), tables.from))
            .line("place", self.place(tables))
            .maybe("signal", text("signal"))
            .maybe("band", text("band"))
            .maybe("flags", text("flags").map(|flags| flags.replace(',', " ")))
            .maybe("close", number("close"))
            .maybe("entry", number("entry"))
            .maybe("stop", number("stop"))
            .maybe("target", number("target"))
            .line("closes", shown);
        let made = tables.metadata.iter().filter(|(key, _)| *key != "tickfleet.spec");
        let made = made.map(|(key, value)| (key.trim_start_matches("tickfleet.").replace('_', " "), value.clone()));
        let inputs = ["bars", "universe", "fundamentals", "events", "predictions", "model"].into_iter();
        let inputs = inputs.filter_map(|name| Some((name.to_owned(), tables.option(name)?.as_str()?.to_owned())));
        let made: String = made
            .chain(inputs)
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        let inputs: Vec<(String, String)> = self.values().into_iter().collect();
        let parts = [
            sheet.render(frame),
            explained::scores(&self.scores, frame),
            explained::standings(&self.all, &self.sector, frame),
            explained::inputs(&inputs, frame),
            made,
        ];
        parts.join("\n")
    }

    /// The numbers of the row, by column, nulls left out.
    fn values(&self) -> Vec<(String, String)> {
        let batch = self.row.alone();
        let schema = batch.schema();
        let columns = schema.fields().iter().map(|field| field.name().clone());
        columns
            .filter_map(|name| self.row.number(&name).map(|value| (name, explained::compact(value))))
            .collect()
    }

    fn record(&self, tables: &'a DateTables, symbol: &'a str, closes: &'a Closes) -> Result<ScoredLine<'a>> {
        let line = |among: &'static str, standing: &Standing| StandingLine {
            among,
            column: standing.column,
            value: standing.value,
            place: standing.place,
            of: standing.of,
            median: standing.median,
        };
        let all = self.all.iter().map(|standing| line("all", standing));
        let sector = self.sector.iter().map(|standing| line("sector", standing));
        Ok(ScoredLine {
            symbol,
            as_of: format_date(tables.as_of),
            from: &tables.from,
            status: self.row.text("status").unwrap_or_default().to_owned(),
            rank: self.rank(),
            scores: self.scores.iter().map(ScoreLine::of).collect(),
            standings: all.chain(sector).collect(),
            row: json_row(self.row)?,
            closes: closes.as_deref().ok(),
            origin: &tables.metadata,
        })
    }
}

/// A row as JSON, columns as in the result.
fn json_row(row: RowAt<'_>) -> Result<Box<RawValue>> {
    let unprintable = |error: &(dyn std::error::Error + 'static)| Failure::from_error(ExitStatus::Failed, error);
    let options = arrow::json::WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = options.build::<_, arrow::json::writer::LineDelimited>(Vec::new());
    writer.write(&row.alone()).map_err(|error| unprintable(&error))?;
    writer.finish().map_err(|error| unprintable(&error))?;
    let text = String::from_utf8_lossy(&writer.into_inner()).trim().to_owned();
    RawValue::from_string(text).map_err(|error| unprintable(&error))
}

/// A scored symbol, as `--json` prints it.
#[derive(Debug, Serialize)]
struct ScoredLine<'a> {
    symbol: &'a str,
    as_of: String,
    from: &'a str,
    status: String,
    rank: Option<i64>,
    scores: Vec<ScoreLine>,
    standings: Vec<StandingLine>,
    row: Box<RawValue>,
    /// The oldest first; null where they could not be read.
    closes: Option<&'a [f64]>,
    origin: &'a BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct ScoreLine {
    name: &'static str,
    value: f64,
    terms: Vec<TermLine>,
}

#[derive(Debug, Serialize)]
struct TermLine {
    name: &'static str,
    input: Option<f64>,
    weight: Option<f64>,
    points: f64,
}

impl ScoreLine {
    fn of(score: &Score) -> Self {
        let terms = score.terms.iter().map(|term| TermLine {
            name: term.name,
            input: term.input,
            weight: term.weight,
            points: term.points,
        });
        Self {
            name: score.name,
            value: score.value,
            terms: terms.collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct StandingLine {
    among: &'static str,
    column: &'static str,
    value: f64,
    place: usize,
    of: usize,
    median: f64,
}

/// A rejected symbol, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Rejected<'a> {
    symbol: &'a str,
    as_of: String,
    from: &'a str,
    status: &'static str,
    stage: &'a str,
    reason: &'a str,
    value: Option<f64>,
    limit: Option<f64>,
    origin: &'a BTreeMap<String, String>,
}

impl<'a> Rejected<'a> {
    fn of(tables: &'a DateTables, symbol: &'a str, reject: Reject<'a>) -> Self {
        Self {
            symbol,
            as_of: format_date(tables.as_of),
            from: &tables.from,
            status: "rejected",
            stage: reject.stage,
            reason: reject.reason,
            value: reject.value,
            limit: reject.limit,
            origin: &tables.metadata,
        }
    }
}
