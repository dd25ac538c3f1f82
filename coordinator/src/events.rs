//! What a run says while it goes: progress and notes for people on standard error, or events for programs, one JSON
//! object a line on standard output.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::value::RawValue;
use tickfleet_kernels::scan::cells::format_date;
use tickfleet_kernels::scan::provisional::ProvisionalRow;
use tickfleet_protocol::ids::RunId;
use tickfleet_protocol::spec::scan::Day;
use tickfleet_runtime::broker::Progress as RunProgress;

use crate::cluster::{Accepted, ProvisionalDay};
use crate::report::Report;
use crate::settings::RunOptions;
use crate::submit::Warmed;
use crate::view::colour::{Stream, Tone, colours};
use crate::view::progress::{Bar, Lines, Progress, Quiet, Snapshot};
use crate::view::provisional::{line_so_far, rows_so_far};
use crate::view::stdout::Out;
use crate::view::streams::{OfProcess, Streams};
use crate::view::terminal::{columns_of, rows_of};
use tickfleet_runtime::failure::{ExitStatus, Failure};

/// Between two plain progress lines.
const LINE_EVERY: Duration = Duration::from_secs(2);
/// Rows before a run's end that people are shown: more only flicker.
const ROWS_SHOWN: usize = 10;

/// One event of `--json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event<'a> {
    /// The shard plan of `--dry-run`.
    Plan {
        /// Jobs of each stage.
        stages: Vec<u64>,
        /// The map jobs.
        jobs: Vec<PlannedJob>,
    },
    /// The run was accepted.
    Submitted {
        /// The run, and how safe it is.
        #[serde(flatten)]
        accepted: &'a Accepted,
        /// Lanes that compute; null where the cluster does not say.
        lanes: Option<u64>,
    },
    /// Something happened to the run.
    Progress {
        /// The run.
        run: RunId,
        /// What, and the counts after it.
        #[serde(flatten)]
        what: &'a RunProgress,
    },
    /// Something worth knowing.
    Note {
        /// In words.
        text: &'a str,
    },
    /// A row before the run's end: it replaces what stood at its provisional rank of its date before.
    Row(ProvisionalLine<'a>),
    /// A ranked row, when no file was asked for.
    Ranked {
        /// The row, columns as in the result.
        row: &'a RawValue,
    },
    /// The cache is warm.
    Warmed {
        /// The run that warmed it.
        run: RunId,
        /// What became of its jobs.
        #[serde(flatten)]
        warmed: Warmed,
        /// From the command's start to the run's end.
        elapsed_ms: u64,
    },
    /// The run's end.
    Final(&'a Report),
    /// What kept the run from ending well.
    Error(&'a Failure),
}

/// A row before the run's end.
#[derive(Debug, Serialize)]
pub struct ProvisionalLine<'a> {
    /// The run.
    pub run: RunId,
    /// As-of date.
    pub as_of: &'a str,
    /// Canonical symbol.
    pub symbol: &'a str,
    /// Signal, as in the results.
    pub signal: &'static str,
    /// Rating.
    pub tech_rating: f64,
    /// Last close.
    pub close: f64,
    /// Always true: the run's tables may rank otherwise.
    pub provisional: bool,
    /// Its rank among the rows so far, from 1.
    pub provisional_rank: usize,
    /// Map jobs of the date that were read.
    pub done: u64,
    /// Map jobs of the date.
    pub total: u64,
}

/// A map job of the plan.
#[derive(Debug, Serialize)]
pub struct PlannedJob {
    /// Its index.
    pub index: u64,
    /// Symbols it covers.
    pub symbols: usize,
    /// The first of them.
    pub first_symbol: String,
    /// The last of them.
    pub last_symbol: String,
    /// Sessions it covers.
    pub sessions: usize,
    /// Bars of its symbols.
    pub bars: u64,
    /// Blocks it reads.
    pub blocks: usize,
    /// Estimated CPU, milliseconds.
    pub cpu_ms: f64,
}

/// What was told of rows before a run's end.
#[derive(Default)]
struct SoFar {
    /// As events: the last rows of each date that is under way.
    told: BTreeMap<Day, Vec<ProvisionalRow>>,
    /// To people: the latest date, and when.
    shown: Option<(Day, Instant)>,
    /// Between two times that people are shown rows.
    every: Duration,
}

impl SoFar {
    /// Whether people are shown this: one date, the latest, when it is complete or has not been shown for a while.
    fn is_due(&mut self, day: &ProvisionalDay) -> bool {
        let is_due = match self.shown {
            Some((latest, _)) if day.as_of < latest => false,
            Some((latest, at)) if day.as_of == latest => day.done == day.total || at.elapsed() >= self.every,
            Some((_, at)) => at.elapsed() >= self.every,
            None => true,
        };
        if is_due {
            self.shown = Some((day.as_of, Instant::now()));
        }
        is_due
    }
}

/// Where all of it goes.
pub struct Events {
    json: bool,
    quiet: bool,
    progress: Box<dyn Progress + Send>,
    last: Option<Snapshot>,
    so_far: SoFar,
    stdout: Out<Box<dyn Write + Send>>,
    stderr: Box<dyn Write + Send>,
}

impl Events {
    /// As the options and the terminal ask.
    pub fn new(options: &RunOptions) -> Self {
        Self::on(&OfProcess, options.json, options.quiet)
    }

    /// On any streams: objects instead of text with `json`, neither progress nor notes with `quiet`.
    pub fn on(streams: &dyn Streams, json: bool, quiet: bool) -> Self {
        let progress: Box<dyn Progress + Send> = if json || quiet {
            Box::new(Quiet)
        } else if streams.is_live() {
            Box::new(Bar::stderr())
        } else {
            Box::new(Lines::new(streams.stderr(), LINE_EVERY))
        };
        Self {
            json,
            quiet,
            progress,
            last: None,
            so_far: SoFar {
                // What is drawn over itself may follow every change.
                every: if streams.is_live() { Duration::ZERO } else { LINE_EVERY },
                ..SoFar::default()
            },
            stdout: Out::new(streams.stdout()),
            stderr: streams.stderr(),
        }
    }

    /// Events of a run that fails before its options are known.
    pub fn json_only() -> Self {
        Self::on(&OfProcess, true, true)
    }

    /// Whether events are printed instead of text.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints an event where events are printed.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn emit(&mut self, event: &Event<'_>) -> Result<(), Failure> {
        if !self.json {
            return Ok(());
        }
        let line = serde_json::to_string(event).expect("events are plain data") + "\n";
        self.write(&line)
    }

    /// Prints text where text is printed.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn print(&mut self, text: &str) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        self.clear();
        self.write(text)
    }

    /// Says something worth knowing.
    pub fn note(&mut self, text: &str) {
        if self.json {
            // A lost note must not end the run; a lost result does.
            let _ = self.emit(&Event::Note { text });
        } else if !self.quiet {
            self.progress.note(&Tone::Notice.paint(text, colours(Stream::Stderr)));
        }
    }

    /// Shows how far the run is.
    pub fn progress(&mut self, snapshot: &Snapshot) {
        self.progress.update(snapshot);
        self.last = Some(snapshot.clone());
    }

    /// Shows rows before the run's end: those that changed as events, or the last date's to people.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn rows(&mut self, run: RunId, day: &ProvisionalDay) -> Result<(), Failure> {
        if !self.json {
            if self.so_far.is_due(day) {
                let columns = columns_of(Stream::Stderr).saturating_sub(1);
                let rows = (rows_of(Stream::Stderr) / 2).clamp(1, ROWS_SHOWN);
                let table = rows_so_far(day, rows, columns, colours(Stream::Stderr));
                self.progress.rows(&table, &line_so_far(day));
            }
            return Ok(());
        }
        let before = self.so_far.told.remove(&day.as_of).unwrap_or_default();
        let as_of = format_date(day.as_of);
        for (at, row) in day.rows.iter().enumerate() {
            if before.get(at) == Some(row) {
                continue;
            }
            self.emit(&Event::Row(ProvisionalLine {
                run,
                as_of: &as_of,
                symbol: &row.symbol,
                signal: row.signal.name(),
                tech_rating: row.tech_rating,
                close: row.close,
                provisional: true,
                provisional_rank: at + 1,
                done: day.done,
                total: day.total,
            }))?;
        }
        if day.done < day.total {
            self.so_far.told.insert(day.as_of, day.rows.clone());
        }
        Ok(())
    }

    /// Prints the report of a run that ended well.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn finish(&mut self, report: &Report, elapsed: Duration) -> Result<(), Failure> {
        if self.json {
            return self.emit(&Event::Final(report));
        }
        self.clear();
        self.write(&report.table(colours(Stream::Stdout)))?;
        if !self.quiet {
            let summary = report.summary(elapsed, colours(Stream::Stderr));
            // Whoever closed standard error does not want the summary.
            let _ = self.stderr.write_all(summary.as_bytes());
        }
        Ok(())
    }

    /// Ends progress.
    pub fn end(&mut self) {
        self.clear();
    }

    /// Ends progress; with `--json`, the failure becomes an event too.
    pub fn failed(&mut self, failure: &Failure) {
        self.clear();
        // The failure itself is printed on standard error, whatever becomes of this.
        let _ = self.emit(&Event::Error(failure));
    }

    fn clear(&mut self) {
        if let Some(last) = self.last.take() {
            self.progress.finish(&last);
        }
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        let written = self
            .stdout
            .write_all(text.as_bytes())
            .and_then(|()| self.stdout.flush());
        written.map_err(|error| Failure::new(ExitStatus::Failed, "standard output can't be written").because(&error))
    }
}
