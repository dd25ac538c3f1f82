//! The funnel of the whole data set: it adds up, and every count that can be had without the product equals one that
//! is counted here, from the files, row by row and in the plainest way.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use tickfleet_tests::beside::data;
use tickfleet_tests::program::coordinator;
use tickfleet_tests::tables::{days, floats, integers, known_texts, read_parquet, texts};

/// Dates before a date that its count of symbols is held against, and the part of the most that makes a session.
const LOOK_BACK: usize = 20;
const SESSION_MIN_FRAC: f64 = 0.1;

/// Counts of one scan, by (stage, reason).
struct Funnel(BTreeMap<(String, String), i64>);

impl Funnel {
    fn read(out: &Path) -> Self {
        let table = read_parquet(&out.join("funnel.parquet"));
        let names = known_texts(&table, "stage")
            .into_iter()
            .zip(known_texts(&table, "reason"));
        let counts = integers(&table, "count")
            .into_iter()
            .map(|count| count.expect("a count is never null"));
        Self(names.zip(counts).collect())
    }

    #[track_caller]
    fn get(&self, stage: &str, reason: &str) -> i64 {
        let line = self.0.get(&(stage.to_owned(), reason.to_owned()));
        *line.unwrap_or_else(|| panic!("the funnel has no line {stage} {reason}"))
    }

    /// The sum of a stage's lines but one.
    fn rest(&self, stage: &str, but: &str) -> i64 {
        let lines = self
            .0
            .iter()
            .filter(|((found, reason), _)| found == stage && reason != but);
        lines.map(|(_, count)| count).sum()
    }
}

/// Placed rows of the bars file.
struct Bars {
    symbol: Vec<String>,
    day: Vec<i32>,
    prices: [Vec<Option<f64>>; 4],
    volume: Vec<Option<f64>>,
}

impl Bars {
    fn read(path: &Path) -> Self {
        let table = read_parquet(path);
        let day = days(&table, "date")
            .into_iter()
            .map(|day| day.expect("every row of the data has a date"));
        Self {
            symbol: known_texts(&table, "symbol")
                .iter()
                .map(|symbol| canonical(symbol))
                .collect(),
            day: day.collect(),
            prices: ["open", "high", "low", "close"].map(|name| floats(&table, name)),
            volume: floats(&table, "volume"),
        }
    }

    fn rows(&self) -> usize {
        self.day.len()
    }

    fn has_bad_price(&self, row: usize) -> bool {
        let is_good = |price: Option<f64>| price.is_some_and(|price| price.is_finite() && price > 0.0);
        !self.prices.iter().all(|column| is_good(column[row]))
    }

    fn has_bad_volume(&self, row: usize) -> bool {
        !self.volume[row].is_some_and(|volume| volume.is_finite() && volume >= 0.0)
    }

    fn is_repaired(&self, row: usize) -> bool {
        let [open, high, low, close] = [0, 1, 2, 3].map(|column: usize| self.prices[column][row].expect("a kept row"));
        open.max(close).max(low) > high || open.min(close).min(high) < low
    }

    /// The sessions of the whole input, and how many dates it has.
    fn sessions(&self) -> (BTreeSet<i32>, usize) {
        let mut traded: BTreeMap<i32, HashSet<&str>> = BTreeMap::new();
        for row in 0..self.rows() {
            let symbols = traded.entry(self.day[row]).or_default();
            if self.volume[row].is_some_and(|volume| volume > 0.0) {
                symbols.insert(&self.symbol[row]);
            }
        }
        let counts: Vec<(i32, usize)> = traded.into_iter().map(|(day, symbols)| (day, symbols.len())).collect();
        let is_session = |at: &usize| {
            let window = &counts[at.saturating_sub(LOOK_BACK)..=*at];
            let most = window.iter().map(|(_, count)| *count).max().unwrap_or_default();
            counts[*at].1 as f64 >= SESSION_MIN_FRAC * most as f64
        };
        let sessions = (0..counts.len()).filter(is_session).map(|at| counts[at].0);
        (sessions.collect(), counts.len())
    }
}

/// One spelling of a ticker: upper case, a single letter after the last separator set off by a point.
fn canonical(symbol: &str) -> String {
    let symbol = symbol.trim().to_uppercase();
    match symbol.rsplit_once(['.', '-', '/', '_', ' ']) {
        Some((stem, class)) if class.len() == 1 && class.chars().all(char::is_alphabetic) => format!("{stem}.{class}"),
        _ => symbol,
    }
}

/// Canonical symbols of the universe file, in its order.
fn universe_symbols(path: &Path) -> Vec<String> {
    let mut reader = csv::Reader::from_path(path).expect("the universe can be opened");
    let records = reader.records().map(|record| record.expect("the universe is CSV"));
    records.map(|record| canonical(&record[0])).collect()
}

#[test]
fn the_funnel_of_the_whole_data_set_equals_plain_counts() {
    let (Some(bars_path), Some(universe_path)) = (
        data("scan/us_daily_2015_2016h1.parquet"),
        data("scan/universe_technic.csv"),
    ) else {
        return;
    };
    let out = tempfile::tempdir().expect("a temporary folder can be made");
    let paths = [&bars_path, &universe_path, &out.path().to_owned()].map(|path| path.display().to_string());
    let folder = format!("{}/", paths[2]);
    let args = [
        "submit",
        "scan",
        "--quiet",
        "--bars",
        &paths[0],
        "--universe",
        &paths[1],
        "--out",
        &folder,
    ];
    let _ = coordinator(args).run().success();
    let funnel = Funnel::read(out.path());
    assert_adds_up(&funnel, out.path());
    assert_counts(
        &funnel,
        &Bars::read(&bars_path),
        &universe_symbols(&universe_path),
        out.path(),
    );
}

#[track_caller]
fn assert_adds_up(funnel: &Funnel, out: &Path) {
    let (candidates, passed) = (funnel.get("universe", "candidates"), funnel.get("universe", "passed"));
    assert_eq!(
        candidates,
        funnel.rest("universe", "candidates"),
        "candidates are rejects and passed"
    );
    assert_eq!(
        funnel.get("rows", "read"),
        funnel.rest("rows", "read"),
        "rows read are drops and kept"
    );
    assert_eq!(passed, funnel.rest("data", ""), "passed are rejects and scored");
    let scored = funnel.get("data", "passed");
    assert_eq!(scored, funnel.rest("rank", ""), "scored are statuses");
    let rows = ["scored", "rejected", "ranked"].map(|table| read_parquet(&out.join(format!("{table}.parquet"))));
    let rows = rows.map(|table| i64::try_from(table.num_rows()).expect("few rows"));
    assert_eq!(
        rows,
        [scored, candidates - scored, funnel.get("rank", "ranked")],
        "rows of the tables"
    );
}

#[track_caller]
fn assert_counts(funnel: &Funnel, bars: &Bars, universe: &[String], out: &Path) {
    assert_eq!(bars.rows(), 1_967_116, "rows of the data set");
    let (sessions, dates) = bars.sessions();
    assert_eq!(
        (sessions.len(), dates),
        (324, 335),
        "sessions and dates of the data set"
    );
    let with_bars: HashSet<&String> = bars.symbol.iter().collect();
    assert_eq!(with_bars.len(), 6_695, "symbols of the data set");
    let listed: HashSet<&String> = universe.iter().collect();
    let count = |count: usize| i64::try_from(count).expect("counts are small");
    assert_eq!(
        funnel.get("universe", "candidates"),
        count(with_bars.union(&listed).count())
    );
    assert_eq!(
        funnel.get("universe", "not_in_universe"),
        count(with_bars.difference(&listed).count())
    );
    assert_eq!(
        funnel.get("note", "universe_duplicate"),
        count(universe.len() - listed.len())
    );
    let passed = passed(out);
    assert_eq!(funnel.get("universe", "passed"), count(passed.len()));
    let barless = passed.iter().filter(|symbol| !with_bars.contains(symbol));
    assert_eq!(funnel.get("data", "no_bars"), count(barless.count()));
    let mut rows: BTreeMap<&str, i64> = BTreeMap::new();
    let mut valid: HashSet<(&str, i32)> = HashSet::new();
    for row in (0..bars.rows()).rev().filter(|row| passed.contains(&bars.symbol[*row])) {
        *rows.entry("read").or_default() += 1;
        // From the last row on, so that of two valid rows the later one is met first and kept.
        let fate = if bars.has_bad_price(row) {
            "bad_price"
        } else if bars.has_bad_volume(row) {
            "bad_volume"
        } else if !sessions.contains(&bars.day[row]) {
            "ghost_session"
        } else if !valid.insert((&bars.symbol[row], bars.day[row])) {
            "duplicate"
        } else {
            "kept"
        };
        *rows.entry(fate).or_default() += 1;
        if fate == "kept" {
            *rows.entry("zero_volume").or_default() += i64::from(bars.volume[row] == Some(0.0));
            *rows.entry("ohlc_repaired").or_default() += i64::from(bars.is_repaired(row));
        }
    }
    for reason in ["read", "bad_price", "bad_volume", "ghost_session", "duplicate", "kept"] {
        assert_eq!(
            funnel.get("rows", reason),
            rows.get(reason).copied().unwrap_or_default(),
            "rows {reason}"
        );
    }
    for note in ["zero_volume", "ohlc_repaired"] {
        assert_eq!(
            funnel.get("note", note),
            rows.get(note).copied().unwrap_or_default(),
            "note {note}"
        );
    }
}

/// The symbols that passed the universe stage: scored, or rejected by the data stage.
fn passed(out: &Path) -> HashSet<String> {
    let (scored, rejected) = (
        read_parquet(&out.join("scored.parquet")),
        read_parquet(&out.join("rejected.parquet")),
    );
    let stages = texts(&rejected, "stage");
    let rejected = known_texts(&rejected, "symbol").into_iter().zip(stages);
    let by_data = rejected
        .filter(|(_, stage)| stage.as_deref() == Some("data"))
        .map(|(symbol, _)| symbol);
    known_texts(&scored, "symbol").into_iter().chain(by_data).collect()
}
