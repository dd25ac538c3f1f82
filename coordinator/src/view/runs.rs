//! Many runs as a table, the newest first as they are given; where each is, how far, and since when.
//!
//! Read next: `run`, for one of them.

use tickfleet_protocol::ids::RunId;
use tickfleet_protocol::plan::stage_name;
use tickfleet_protocol::state::{RunState, RunSummary};

use super::colour::Tone;
use super::frame::Frame;
use super::number::count;
use super::table::{Cell, Column, table};
use super::unit::span;

/// The runs, their ids cut to `id_length` characters, which is enough to name them.
#[must_use]
pub fn runs(runs: &[RunSummary], id_length: usize, frame: &Frame) -> String {
    let cells = |value: fn(&RunSummary) -> Cell| runs.iter().map(value);
    let done = |run: &RunSummary| {
        let counts = run.counts();
        format!("{}/{}", count(counts.done), count(counts.total))
    };
    let failed = |run: &RunSummary| {
        let failed = run.counts().failed;
        let tone = if failed > 0 { Tone::Bad } else { Tone::Plain };
        Cell::from(count(failed)).tone(tone)
    };
    let took = |run: &RunSummary| span(run.submitted_at, run.ended_at.unwrap_or(frame.now));
    let shown = [
        Column::text("run", 0, runs.iter().map(|run| short(run.run, id_length))),
        Column::text("state", 1, cells(|run| state(run.state))),
        Column::text("stage", 4, cells(|run| stage_name(u32::from(run.open_stage.0)).into())),
        Column::number("done", 2, runs.iter().map(done)),
        Column::number("failed", 3, cells(failed)),
        Column::number("age", 5, runs.iter().map(|run| span(run.submitted_at, frame.now))),
        Column::number("took", 6, runs.iter().map(took)),
        Column::text("kind", 7, cells(|run| run.kind.as_str().into())),
    ];
    table(&shown, frame.columns, frame.colours)
}

/// The first characters of a run's id.
#[must_use]
pub fn short(run: RunId, length: usize) -> String {
    let mut text = run.to_string();
    text.truncate(length);
    text
}

/// A state in its colour.
#[must_use]
pub fn state(state: RunState) -> Cell {
    Cell::from(state_name(state)).tone(tone(state))
}

/// The colour of a state.
#[must_use]
pub const fn tone(state: RunState) -> Tone {
    match state {
        RunState::Running => Tone::Plain,
        RunState::Succeeded => Tone::Good,
        RunState::Failed | RunState::DeadlineExceeded => Tone::Bad,
        RunState::Cancelled => Tone::Notice,
    }
}

/// The name of a state, on the terminal as in JSON and on the command line.
#[must_use]
pub const fn state_name(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Succeeded => "succeeded",
        RunState::Failed => "failed",
        RunState::Cancelled => "cancelled",
        RunState::DeadlineExceeded => "deadline_exceeded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_their_colours() {
        let check = |of: RunState, expect: &str| {
            let cell = state(of);
            let text = cell.text.unwrap_or_default();
            assert_eq!(cell.tone.paint(&text, true), expect);
            assert_eq!(cell.tone.paint(&text, false), state_name(of));
        };
        check(RunState::Running, "running");
        check(RunState::Succeeded, "\u{1b}[32msucceeded\u{1b}[0m");
        check(RunState::Failed, "\u{1b}[31mfailed\u{1b}[0m");
        check(RunState::Cancelled, "\u{1b}[33mcancelled\u{1b}[0m");
        check(RunState::DeadlineExceeded, "\u{1b}[31mdeadline_exceeded\u{1b}[0m");
    }

    #[test]
    fn the_names_are_those_of_json() {
        for of in [
            RunState::Running,
            RunState::Succeeded,
            RunState::Failed,
            RunState::Cancelled,
            RunState::DeadlineExceeded,
        ] {
            let json = serde_json::to_string(&of).unwrap();
            assert_eq!(json, format!("{:?}", state_name(of)));
        }
    }
}
