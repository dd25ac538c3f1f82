//! The figures as an aligned table, or as JSON.

use serde::Serialize;

use crate::cold::{Mode, Usage};
use crate::input::Input;
use crate::range::Range;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    input: &'static str,
    bars: String,
    cores: usize,
    /// Work of the whole machine over the last minute, before anything was measured; null where it is not told.
    load_before: Option<f64>,
    rows: Vec<Row>,
    ratios: Vec<(String, f64)>,
    /// Milliseconds of one lane, phase by phase.
    pub(crate) phases: Vec<(String, f64)>,
}

/// One measurement.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    what: &'static str,
    mode: &'static str,
    symbols: usize,
    best_s: f64,
    median_s: f64,
    /// User and system time of the run that used least.
    cpu_s: Option<f64>,
    /// Largest peak of resident memory.
    rss_bytes: Option<u64>,
    symbols_per_s: Option<f64>,
}

impl Row {
    /// A measurement within this process.
    pub(crate) fn single(what: &'static str, mode: &'static str, symbols: usize, mut runs_s: Vec<f64>) -> Self {
        runs_s.sort_by(f64::total_cmp);
        let best_s = runs_s[0];
        Self {
            what,
            mode,
            symbols,
            best_s,
            median_s: runs_s[runs_s.len() / 2],
            cpu_s: None,
            rss_bytes: None,
            symbols_per_s: (symbols > 0).then(|| symbols as f64 / best_s),
        }
    }

    fn process(what: &'static str, mode: &'static str, symbols: usize, runs: &[Usage]) -> Self {
        Self {
            cpu_s: runs.iter().map(|usage| usage.cpu_s).min_by(f64::total_cmp),
            rss_bytes: runs.iter().map(|usage| usage.rss_bytes).max(),
            ..Self::single(what, mode, symbols, runs.iter().map(|usage| usage.wall_s).collect())
        }
    }
}

impl Report {
    /// An empty report.
    pub(crate) fn new(input: &Input) -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").ok();
        Self {
            input: input.name,
            bars: input.bars.display().to_string(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load_before: load.and_then(|text| text.split(' ').next()?.parse().ok()),
            rows: Vec::new(),
            ratios: Vec::new(),
            phases: Vec::new(),
        }
    }

    /// Adds the runs of whole processes.
    pub(crate) fn add_cold(&mut self, modes: &[Mode]) {
        for mode in modes {
            self.rows
                .push(Row::process("cold scan", mode.name, mode.symbols.len(), &mode.scans));
            if !mode.peers.is_empty() {
                self.rows.push(Row::process("peer", mode.name, 0, &mode.peers));
            }
        }
    }

    /// Adds the runs over a range of dates.
    pub(crate) fn add_range(&mut self, range: &Range) {
        let what = if range.dates == 250 {
            "250 dates, one run"
        } else {
            "all dates, one run"
        };
        self.rows.push(Row::process(what, "listed", range.rows, &range.scans));
    }

    /// Adds a measurement.
    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The ratios of best times: the cold scan over its limits, and the peer over the cold scan.
    fn ratios(&self) -> Vec<(String, f64)> {
        let mut ratios = Vec::new();
        for cold in self.rows.iter().filter(|row| row.what == "cold scan") {
            let others = self.rows.iter().filter(|row| row.what != "cold scan");
            for other in others.filter(|row| row.mode.is_empty() || row.mode == cold.mode) {
                if other.what == "peer" {
                    ratios.push((format!("{}: peer / cold scan", cold.mode), other.best_s / cold.best_s));
                    if let (Some(peer), Some(own)) = (other.cpu_s, cold.cpu_s) {
                        ratios.push((format!("{}: peer / cold scan, CPU", cold.mode), peer / own));
                    }
                } else {
                    ratios.push((
                        format!("{}: cold scan / {}", cold.mode, other.what),
                        cold.best_s / other.best_s,
                    ));
                }
            }
        }
        ratios
    }

    /// As JSON, on one line.
    pub(crate) fn json(mut self) -> String {
        self.ratios = self.ratios();
        serde_json::to_string(&self).expect("numbers and texts are JSON")
    }

    /// As text for people.
    pub(crate) fn text(&self) -> String {
        let load = self
            .load_before
            .map_or("unknown".to_owned(), |load| format!("{load:.2}"));
        let mut text = format!(
            "{}: {}\n{} cores, load {load} before\n\n",
            self.input, self.bars, self.cores
        );
        let head = [
            "",
            "mode",
            "symbols",
            "best ms",
            "median ms",
            "CPU ms",
            "peak MB",
            "symbols/s",
        ]
        .map(str::to_owned);
        let ms = |seconds: f64| format!("{:.1}", seconds * 1e3);
        let cells = self.rows.iter().map(|row| {
            [
                row.what.to_owned(),
                row.mode.to_owned(),
                if row.symbols > 0 {
                    row.symbols.to_string()
                } else {
                    String::new()
                },
                ms(row.best_s),
                ms(row.median_s),
                row.cpu_s.map(ms).unwrap_or_default(),
                row.rss_bytes
                    .map(|bytes| format!("{:.0}", bytes as f64 / 1e6))
                    .unwrap_or_default(),
                row.symbols_per_s.map(|rate| format!("{rate:.0}")).unwrap_or_default(),
            ]
        });
        let lines: Vec<[String; 8]> = std::iter::once(head).chain(cells).collect();
        let width = |column: usize| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or_default()
        };
        for line in &lines {
            let (left, right) = line.split_at(2);
            let left = left
                .iter()
                .enumerate()
                .map(|(at, cell)| format!("{cell:<0$}", width(at)));
            let right = right.iter().zip(2..).map(|(cell, at)| format!("{cell:>0$}", width(at)));
            text.push_str(left.chain(right).collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text.push('\n');
        for (what, ratio) in self.ratios() {
            text.push_str(&format!("{what:<44}  {ratio:>7.2}\n"));
        }
        if !self.phases.is_empty() {
            text.push_str("\none lane, ms (best of each)\n");
        }
        for (what, ms) in &self.phases {
            text.push_str(&format!("{what:<44}  {ms:>7.1}\n"));
        }
        text
    }
}
