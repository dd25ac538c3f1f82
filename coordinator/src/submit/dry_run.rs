//! `--dry-run`: the shard plan with its estimated cost; nothing is submitted.

use tickfleet_kernels::scan::cells::format_date;
use tickfleet_protocol::plan::{COST_PER_ROW_NS, COST_PER_WINDOW_NS, Job, MAP};
use tickfleet_worker::run::Run;

use crate::events::{Event, Events, PlannedJob};
use crate::view::number::plural;
use tickfleet_runtime::failure::Failure;

/// Jobs printed on a terminal; `--json` prints them all.
const SHOWN: usize = 10;

/// Prints the plan.
pub(super) fn print(run: &Run, events: &mut Events) -> Result<(), Failure> {
    let facts = &run.record.facts;
    let jobs: Vec<PlannedJob> = (0..run.plan.stages()[MAP as usize])
        .filter_map(|index| planned(run, index))
        .collect();
    let (first, last) = (facts.as_of[0], facts.as_of[facts.as_of.len() - 1]);
    let bars = facts.symbols.iter().map(|symbol| u64::from(symbol.rows)).sum();
    let mut text = format!(
        "{} of {} in {}; to map: {} on {}, {} to {}\n",
        plural(bars, "bar", "bars"),
        symbols(facts.symbols.len()),
        plural(facts.files.len() as u64, "file", "files"),
        symbols(facts.mapped.len()),
        sessions(facts.as_of.len()),
        format_date(first),
        format_date(last),
    );
    let cpu_ms: f64 = jobs.iter().map(|job| job.cpu_ms).sum();
    text += &format!(
        "{}, {}, about {cpu_ms:.1} ms of CPU\n",
        plural(jobs.len() as u64, "map job", "map jobs"),
        plural(facts.as_of.len() as u64, "reduce job", "reduce jobs"),
    );
    for job in jobs.iter().take(SHOWN) {
        text += &format!(
            "  map {}: {} ({} to {}) on {}, {} in {}, {:.1} ms\n",
            job.index,
            symbols(job.symbols),
            job.first_symbol,
            job.last_symbol,
            sessions(job.sessions),
            plural(job.bars, "bar", "bars"),
            plural(job.blocks as u64, "block", "blocks"),
            job.cpu_ms
        );
    }
    if jobs.len() > SHOWN {
        text += &format!("  and {} more: --json prints them all\n", jobs.len() - SHOWN);
    }
    events.emit(&Event::Plan {
        stages: run.plan.stages(),
        jobs,
    })?;
    events.print(&text)
}

fn symbols(number: usize) -> String {
    plural(number as u64, "symbol", "symbols")
}

fn sessions(number: usize) -> String {
    plural(number as u64, "session", "sessions")
}

fn planned(run: &Run, index: u64) -> Option<PlannedJob> {
    let facts = &run.record.facts;
    let Job::Map { symbols, dates } = run.plan.job(MAP, index)? else {
        return None;
    };
    let mapped = &facts.mapped[symbols];
    let (first, last) = (*mapped.first()?, *mapped.last()?);
    let name = |ordinal: u32| facts.symbols[ordinal as usize].symbol.clone();
    let bars: u64 = mapped
        .iter()
        .map(|&ordinal| u64::from(facts.symbols[ordinal as usize].rows))
        .sum();
    let windows = (mapped.len() * dates.len()) as u64;
    Some(PlannedJob {
        index,
        symbols: mapped.len(),
        first_symbol: name(first),
        last_symbol: name(last),
        sessions: dates.len(),
        bars,
        blocks: facts.blocks_of((first, last), facts.as_of[dates.end - 1]).count(),
        cpu_ms: (bars * COST_PER_ROW_NS + windows * COST_PER_WINDOW_NS) as f64 / 1e6,
    })
}
