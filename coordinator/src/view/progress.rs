//! How far a run is: a bar on a terminal, plain lines elsewhere, nothing where events are printed instead.
//!
//! Time is told by the snapshots, never read here. Everything goes to standard error, so results can be piped.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::colour::Stream;
use super::number::{count, duration, plural};
use super::terminal::columns_of;
use super::text::printable;

/// A stage of a run at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The stage's name: `map`, `reduce`.
    pub stage: String,
    /// Jobs committed.
    pub done: u64,
    /// Jobs of the stage; 0 while it is unknown.
    pub total: u64,
    /// Attempts that failed and were repeated.
    pub retries: u64,
    /// Lanes at work.
    pub lanes: u64,
    /// Since the stage began.
    pub elapsed: Duration,
}

/// Something that shows snapshots.
pub trait Progress {
    /// Shows the latest state; may be called as often as there is news.
    fn update(&mut self, snapshot: &Snapshot);
    /// Shows rows above the progress, in place of those before, or a line that tells of them.
    fn rows(&mut self, table: &str, line: &str);
    /// Prints a line of text without disturbing what is shown.
    fn note(&mut self, line: &str);
    /// Hears the last state and stops: a bar is taken off the screen.
    fn finish(&mut self, snapshot: &Snapshot);
}

/// A live bar on standard error, which must be a terminal to be seen.
#[derive(Debug)]
pub struct Bar(ProgressBar);

/// Plain lines: at most one in an interval, and one at the end of each stage that had one before.
#[derive(Debug)]
pub struct Lines<W> {
    writer: W,
    every: Duration,
    last: Option<Snapshot>,
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Bar {
    /// A bar on standard error.
    #[must_use]
    pub fn stderr() -> Self {
        Self::on(ProgressDrawTarget::stderr())
    }

    /// A bar on any target.
    #[must_use]
    pub fn on(target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), target);
        Self(bar.with_style(style(columns_of(Stream::Stderr), false)))
    }
}

impl Progress for Bar {
    fn update(&mut self, snapshot: &Snapshot) {
        self.0.set_length(snapshot.total);
        self.0.set_position(snapshot.done.min(snapshot.total));
        self.0.set_message(describe(snapshot));
    }

    fn rows(&mut self, table: &str, _: &str) {
        self.0.set_style(style(columns_of(Stream::Stderr), true));
        self.0.set_prefix(table.trim_end().to_owned());
    }

    fn note(&mut self, line: &str) {
        self.0.println(printable(line));
    }

    fn finish(&mut self, snapshot: &Snapshot) {
        self.update(snapshot);
        // What comes after tells the end; a bar that stays would share its line with that.
        self.0.finish_and_clear();
    }
}

impl Lines<io::Stderr> {
    /// Lines on standard error, at most one each `every`.
    #[must_use]
    pub fn stderr(every: Duration) -> Self {
        Self::new(io::stderr(), every)
    }
}

impl<W: Write> Lines<W> {
    /// Lines on any writer, at most one each `every`.
    pub const fn new(writer: W, every: Duration) -> Self {
        Self {
            writer,
            every,
            last: None,
        }
    }

    fn print(&mut self, snapshot: &Snapshot) {
        self.note(&describe(snapshot));
        self.last = Some(snapshot.clone());
    }

    fn is_due(&self, snapshot: &Snapshot) -> bool {
        let last = self.last_of(snapshot);
        let since = last.map_or(Duration::ZERO, |last| last.elapsed);
        let is_end = snapshot.total > 0 && snapshot.done >= snapshot.total;
        let is_news = last.is_some_and(|last| last.done < snapshot.done);
        (is_end && is_news) || snapshot.elapsed.saturating_sub(since) >= self.every
    }

    /// The last line, if it was about the same stage.
    fn last_of(&self, snapshot: &Snapshot) -> Option<&Snapshot> {
        self.last.as_ref().filter(|last| last.stage == snapshot.stage)
    }
}

impl<W: Write> Progress for Lines<W> {
    fn update(&mut self, snapshot: &Snapshot) {
        if self.is_due(snapshot) {
            self.print(snapshot);
        }
    }

    fn rows(&mut self, _: &str, line: &str) {
        self.note(line);
    }

    fn note(&mut self, line: &str) {
        // A lost progress line must not end the run that it tells of.
        let _ = writeln!(self.writer, "{}", printable(line));
    }

    fn finish(&mut self, snapshot: &Snapshot) {
        if self.is_due(snapshot) || self.last_of(snapshot).is_some_and(|last| last.done != snapshot.done) {
            self.print(snapshot);
        }
    }
}

impl Progress for Quiet {
    fn update(&mut self, _: &Snapshot) {}
    fn rows(&mut self, _: &str, _: &str) {}
    fn note(&mut self, _: &str) {}
    fn finish(&mut self, _: &Snapshot) {}
}

/// A bar with its text, or the text alone on a terminal too narrow for both; below the rows, where there are some.
fn style(columns: usize, has_rows: bool) -> ProgressStyle {
    const ROOM: usize = 48;
    let template = match (columns < ROOM, has_rows) {
        (true, false) => "{wide_msg}",
        (false, false) => "{bar:20} {wide_msg}",
        (true, true) => "{prefix}\n{wide_msg}",
        (false, true) => "{prefix}\n{bar:20} {wide_msg}",
    };
    ProgressStyle::with_template(template).expect("the template is well-formed")
}

/// A snapshot in one line: `map 120/528 22%, 60.0/s, 2 lanes, 3 retries, 6.8s left`.
#[must_use]
pub fn describe(snapshot: &Snapshot) -> String {
    let Snapshot {
        stage,
        done,
        total,
        retries,
        lanes,
        elapsed,
    } = snapshot;
    let mut text = format!("{stage} {}", count(*done));
    if *total > 0 {
        text += &format!("/{}", count(*total));
    }
    if let Some(percent) = done.saturating_mul(100).checked_div(*total) {
        text += &format!(" {percent}%");
    }
    let rate = rate(*done, *elapsed);
    if let Some(rate) = rate {
        text += &format!(
            ", {}/s",
            if rate < 100.0 {
                format!("{rate:.1}")
            } else {
                count(rounded(rate))
            }
        );
    }
    text += &format!(", {}", plural(*lanes, "lane", "lanes"));
    if *retries > 0 {
        text += &format!(", {}", plural(*retries, "retry", "retries"));
    }
    match rate {
        _ if done >= total && *total > 0 => text += &format!(", took {}", duration(*elapsed)),
        Some(rate) if *total > 0 => text += &format!(", {} left", duration(left(total - done, rate))),
        _ => {}
    }
    text
}

/// Jobs a second; `None` before there is anything to divide.
fn rate(done: u64, elapsed: Duration) -> Option<f64> {
    // The display shows three digits; a u64 beyond 2^53 may lose its last ones.
    let rate = done as f64 / elapsed.as_secs_f64();
    (done > 0 && rate.is_finite()).then_some(rate)
}

fn left(jobs: u64, rate: f64) -> Duration {
    Duration::try_from_secs_f64(jobs as f64 / rate).unwrap_or(Duration::MAX)
}

/// A positive finite number to the nearest whole one; casts saturate.
#[allow(clippy::cast_sign_loss)]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
