//! The workers as a table: what each may use, what it holds, and when it was last heard of.

use tickfleet_protocol::fleet::WorkerEntry;

use super::colour::Tone;
use super::frame::Frame;
use super::number::count;
use super::table::{Cell, Column, table};
use super::unit::{ago, bytes};

/// A worker whose card is older than this many milliseconds has missed a renewal.
const LATE_MS: u64 = 10_000;

/// The workers in the order in which they are given.
#[must_use]
pub fn workers(workers: &[WorkerEntry], frame: &Frame) -> String {
    let counts = |header, priority, value: fn(&WorkerEntry) -> u64| {
        Column::number(header, priority, workers.iter().map(|worker| count(value(worker))))
    };
    let text =
        |header, priority, value: fn(&WorkerEntry) -> String| Column::text(header, priority, workers.iter().map(value));
    let failed = |worker: &WorkerEntry| {
        let tone = if worker.card.failed > 0 {
            Tone::Notice
        } else {
            Tone::Plain
        };
        Cell::from(count(worker.card.failed)).tone(tone)
    };
    let seen = |worker: &WorkerEntry| {
        let is_late = frame.now.since_ms(worker.seen_at) >= LATE_MS;
        Cell::from(ago(frame.now, worker.seen_at)).tone(if is_late { Tone::Bad } else { Tone::Plain })
    };
    let shown = [
        text("worker", 0, |worker| worker.card.id.to_string()),
        Column::text("state", 1, workers.iter().map(state)),
        counts("lanes", 2, |worker| u64::from(worker.card.lanes)),
        counts("held", 3, |worker| worker.card.held),
        counts("done", 4, |worker| worker.card.done),
        Column::number("failed", 5, workers.iter().map(failed)),
        Column::text("seen", 6, workers.iter().map(seen)),
        Column::number("cores", 8, workers.iter().map(cores)),
        Column::number(
            "memory",
            9,
            workers.iter().map(|worker| bytes(worker.card.memory_bytes)),
        ),
        text("version", 10, |worker| worker.card.version.clone()),
        text("host", 7, |worker| worker.card.host.clone()).at_most(28),
        text("kinds", 11, kinds).at_most(32),
    ];
    table(&shown, frame.columns, frame.colours)
}

/// What a worker is about: told to drain, it may still claim until it has heard of it.
fn state(worker: &WorkerEntry) -> Cell {
    let (name, tone) = match (worker.card.is_draining, worker.is_told_to_drain) {
        (true, _) => ("draining", Tone::Notice),
        (false, true) => ("told to drain", Tone::Notice),
        (false, false) => ("working", Tone::Good),
    };
    Cell::from(name).tone(tone)
}

/// Cores, by their kind where the machine tells: `8P+4E`.
fn cores(worker: &WorkerEntry) -> String {
    let card = &worker.card;
    match (card.performance_cores, card.efficiency_cores) {
        (Some(performance), Some(efficiency)) => format!("{performance}P+{efficiency}E"),
        _ => card.cores.to_string(),
    }
}

fn kinds(worker: &WorkerEntry) -> String {
    let kinds: Vec<&str> = worker.card.kinds.iter().map(|kind| kind.as_str()).collect();
    kinds.join(" ")
}
