//! Dead letters: jobs that were given up, as a table, and one of them in full with its whole reason.

use tickfleet_protocol::ids::JobRef;
use tickfleet_protocol::plan::stage_name;
use tickfleet_protocol::state::{DeadCause, DeadLetter};

use super::colour::Tone;
use super::frame::Frame;
use super::number::count;
use super::runs::short;
use super::sheet::Sheet;
use super::table::{Cell, Column, table};
use super::unit::{ago, span, utc};

/// The letters in the order in which they are given, run ids cut to `id_length` characters.
#[must_use]
pub fn letters(letters: &[DeadLetter], id_length: usize, frame: &Frame) -> String {
    let text =
        |header, priority, value: fn(&DeadLetter) -> String| Column::text(header, priority, letters.iter().map(value));
    let counts = |header, priority, value: fn(&DeadLetter) -> u32| {
        let cells = letters.iter().map(|letter| count(u64::from(value(letter))));
        Column::number(header, priority, cells)
    };
    let first_line = |letter: &DeadLetter| letter.reason.lines().next().unwrap_or_default().to_owned();
    // A reason may be long: it leaves room for what names the job and, where there is some, for cause and age.
    let beside = id_length + if frame.columns < 80 { 12 } else { 40 };
    let reason_max = frame.columns.saturating_sub(beside).clamp(16, 96);
    let ages = letters.iter().map(|letter| span(letter.at, frame.now));
    let shown = [
        Column::text("run", 2, letters.iter().map(|letter| short(letter.job.run, id_length))),
        text("job", 0, |letter| job(&letter.job)),
        Column::text("cause", 3, letters.iter().map(|letter| cause(letter.cause))),
        counts("attempts", 6, |letter| letter.attempts),
        counts("kills", 7, |letter| letter.kills),
        Column::number("age", 4, ages),
        text("worker", 5, |letter| letter.worker.to_string()).at_most(24),
        Column::text("reason", 1, letters.iter().map(first_line)).at_most(reason_max),
    ];
    table(&shown, frame.columns, frame.colours)
}

/// One letter in full.
#[must_use]
pub fn letter(letter: &DeadLetter, frame: &Frame) -> String {
    let sheet = Sheet::default()
        .line("run", letter.job.run.to_string())
        .line("job", job(&letter.job))
        .toned("cause", cause_in_words(letter.cause), Tone::Bad)
        .line("attempts", count(u64::from(letter.attempts)))
        .line("kills", count(u64::from(letter.kills)))
        .line("worker", letter.worker.to_string())
        .line(
            "given up",
            format!("{} ({} UTC)", ago(frame.now, letter.at), utc(letter.at)),
        )
        .line("reason", &letter.reason);
    sheet.render(frame)
}

/// A job within its run, as the command line takes it: `map/17`.
#[must_use]
pub fn job(job: &JobRef) -> String {
    let stage = u32::from(job.stage.0);
    match stage_name(stage) {
        "stage" => format!("{stage}/{}", job.index.0),
        name => format!("{name}/{}", job.index.0),
    }
}

/// The name of a cause, on the terminal as in JSON.
#[must_use]
pub const fn cause_name(cause: DeadCause) -> &'static str {
    match cause {
        DeadCause::AttemptsExhausted => "attempts_exhausted",
        DeadCause::NotRetryable => "not_retryable",
        DeadCause::WorkersLost => "workers_lost",
    }
}

fn cause(cause: DeadCause) -> Cell {
    Cell::from(cause_name(cause)).tone(Tone::Bad)
}

const fn cause_in_words(cause: DeadCause) -> &'static str {
    match cause {
        DeadCause::AttemptsExhausted => "attempts_exhausted: it failed as often as the run allows",
        DeadCause::NotRetryable => "not_retryable: trying again cannot mend what failed",
        DeadCause::WorkersLost => "workers_lost: as many workers died holding it as the run allows",
    }
}
