//! One run in full: where it is, since when, how fast, and each stage with its counts.

use tickfleet_protocol::plan::stage_name;
use tickfleet_protocol::state::{RunSummary, StageCounts};

use super::colour::Tone;
use super::frame::Frame;
use super::number::{count, plural};
use super::runs::{state_name, tone};
use super::sheet::Sheet;
use super::table::{Cell, Column, table};
use super::unit::{ago, rate, span, until, utc};

/// A run, and how many of its dead letters are kept.
#[must_use]
pub fn run(run: &RunSummary, dead: u64, frame: &Frame) -> String {
    let end = run.ended_at.unwrap_or(frame.now);
    let both = |at| format!("{} ({} UTC)", ago(frame.now, at), utc(at));
    let letters = if dead > 0 { Tone::Bad } else { Tone::Plain };
    let sheet = Sheet::default()
        .line("run", run.run.to_string())
        .toned("state", state_name(run.state), tone(run.state))
        .line("kind", run.kind.as_str())
        .line("key", run.key.as_str())
        .maybe("trace", run.trace.as_deref())
        .line("weight", run.weight.to_string())
        .line("submitted", both(run.submitted_at))
        .maybe("ended", run.ended_at.map(both))
        .maybe("deadline", run.deadline.map(|at| until(frame.now, at)))
        .line("took", span(run.submitted_at, end))
        .maybe("rate", rate(run.counts().done, end.since_ms(run.submitted_at)))
        .toned("dead", plural(dead, "letter", "letters"), letters);
    format!("{}\n{}", sheet.render(frame), stages(run, frame))
}

/// The stages, the open one marked.
fn stages(run: &RunSummary, frame: &Frame) -> String {
    let counts = |header, priority, value: fn(&StageCounts) -> u64| {
        Column::number(header, priority, run.stages.iter().map(|stage| count(value(stage))))
    };
    let names = (0_u32..).zip(&run.stages).map(|(at, _)| {
        let is_open = at == u32::from(run.open_stage.0) && !run.state.is_ended();
        Cell::from(stage_name(at)).tone(if is_open { Tone::Strong } else { Tone::Plain })
    });
    let shown = [
        Column::text("stage", 0, names),
        counts("jobs", 1, |stage| stage.total),
        counts("fed", 4, |stage| stage.fed),
        counts("done", 2, |stage| stage.done),
        counts("failed", 3, |stage| stage.failed),
    ];
    table(&shown, frame.columns, frame.colours)
}
