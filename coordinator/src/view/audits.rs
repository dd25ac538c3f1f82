//! What an audit found: where the jobs of each run are, and every fault with what it means.

use tickfleet_runtime::broker::{Audit, AuditFault, RunState};

use super::colour::Tone;
use super::frame::Frame;
use super::health::hang;
use super::letters::job;
use super::number::{count, plural};
use super::runs::{short, state};
use super::table::{Cell, Column, table};

/// Faults shown of one run; the rest are counted.
pub const FAULTS_SHOWN: usize = 10;

/// A run and what its audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// Where the run is in its life.
    pub state: RunState,
    /// What was found.
    pub audit: Audit,
    /// Faults found, listed or not.
    pub faults: u64,
    /// Faults among them that the audit mended, as far as they are listed.
    pub mended: u64,
}

impl Audited {
    /// Counts what an audit found.
    #[must_use]
    pub fn new(state: RunState, audit: Audit) -> Self {
        let faults = audit.faults.len() as u64 + audit.unlisted;
        let mended = audit.faults.iter().filter(|fault| fault.is_mended).count() as u64;
        Self {
            state,
            audit,
            faults,
            mended,
        }
    }

    /// The same without the faults that are not shown: the counts stay.
    #[must_use]
    pub fn shortened(mut self) -> Self {
        self.audit.faults.truncate(FAULTS_SHOWN);
        self
    }
}

/// A census of each run, then the faults of those that have some. Run ids are cut to `id_length` characters.
#[must_use]
pub fn audits(audited: &[Audited], id_length: usize, frame: &Frame) -> String {
    let mut text = census(audited, id_length, frame);
    for run in audited.iter().filter(|run| run.faults > 0) {
        let heading = format!(
            "run {}: {}, {} mended",
            run.audit.run,
            plural(run.faults, "fault", "faults"),
            count(run.mended)
        );
        text.push('\n');
        text += &hang("", &heading, Tone::Strong, frame);
        let shown = run.audit.faults.iter().take(FAULTS_SHOWN);
        let more = run.faults - shown.len() as u64;
        let mut said = "";
        for fault in shown {
            text += &hang("- ", &describe(fault), tone(fault), frame);
            // Faults of a kind come in rows: what they mean is said once.
            if meaning(fault) != said {
                said = meaning(fault);
                text += &hang("  ", said, Tone::Faint, frame);
            }
        }
        if more > 0 {
            let more = format!("and {}; --json lists them", plural(more, "more fault", "more faults"));
            text += &hang("  ", &more, Tone::Faint, frame);
        }
    }
    text
}

fn census(audited: &[Audited], id_length: usize, frame: &Frame) -> String {
    let counts = |header, priority, value: fn(&Audit) -> u64| {
        Column::number(header, priority, audited.iter().map(|run| count(value(&run.audit))))
    };
    let faults = |run: &Audited| {
        let tone = if run.faults > 0 { Tone::Bad } else { Tone::Good };
        Cell::from(count(run.faults)).tone(tone)
    };
    let shown = [
        Column::text("run", 0, audited.iter().map(|run| short(run.audit.run, id_length))),
        Column::text("state", 2, audited.iter().map(|run| state(run.state))),
        counts("unfed", 3, |audit| audit.census.unfed),
        counts("ready", 4, |audit| audit.census.ready),
        counts("held", 5, |audit| audit.census.claimed),
        counts("delayed", 6, |audit| audit.census.delayed),
        counts("dead", 7, |audit| audit.census.dead),
        counts("done", 8, |audit| audit.census.done),
        Column::number("faults", 1, audited.iter().map(faults)),
    ];
    table(&shown, frame.columns, frame.colours)
}

fn describe(fault: &AuditFault) -> String {
    let place = fault.job.map_or_else(String::new, |at| format!("{}: ", job(&at)));
    let mended = if fault.is_mended { "mended: " } else { "" };
    format!("{mended}{place}{}", fault.what)
}

/// What a fault would do to the run if nobody mended it.
const fn meaning(fault: &AuditFault) -> &'static str {
    match (fault.job.is_some(), fault.is_mended) {
        (_, true) => "it does no more harm",
        (true, false) => "the job may never run, or run twice; its run may not end",
        (false, false) => "progress may be shown wrongly, and the run may not end",
    }
}

const fn tone(fault: &AuditFault) -> Tone {
    if fault.is_mended { Tone::Notice } else { Tone::Bad }
}
