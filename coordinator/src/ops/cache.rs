//! `cache`: what the cache holds, and clearing it.
//!
//! The disk cache is this machine's; results in the queue's server and in the store are everybody's, so dropping them
//! asks first, and is refused while runs need them. Read next: [`tickfleet_runtime::cache`].

use std::path::PathBuf;

use serde::Serialize;
use tickfleet_protocol::state::RunState;
use tickfleet_runtime::broker::redis::{KeptResults, RedisBroker};
use tickfleet_runtime::broker::{Broker, BrokerError};
use tickfleet_runtime::cache::disk::{self, DiskUsage};
use tickfleet_runtime::cache::store::StoreUsage;
use tickfleet_runtime::cache::{ResultStore, StoreError};
use tickfleet_runtime::failure::{ExitStatus, Failure};

use super::dlq::Consent;
use super::output::Output;
use crate::cluster::Result;
use crate::view::number::plural;
use crate::view::sheet::Sheet;
use crate::view::unit::bytes;

/// The parts of the cache that this process can reach.
pub struct Parts {
    /// Folder and bound of this machine's disk cache, bytes; none without a home folder.
    pub disk: Option<(PathBuf, u64)>,
    /// The queue's server and its address, secrets masked, where one is named.
    pub queue: Option<(RedisBroker, String)>,
    /// The store of large results, where one is named.
    pub store: Option<ResultStore>,
}

/// What to clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct What {
    /// This machine's disk cache.
    pub disk: bool,
    /// Results in the queue's server and in the store.
    pub results: bool,
}

/// What a part of the cache holds; its JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "tier")]
enum Holds<'a> {
    Disk {
        folder: String,
        entries: u64,
        bytes: u64,
        bound_bytes: u64,
        unfinished: u64,
    },
    Redis {
        redis: &'a str,
        results: u64,
        bytes: u64,
        is_whole: bool,
    },
    Store {
        store: &'a str,
        results: u64,
        bytes: u64,
    },
}

/// What was cleared; its JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
struct Cleared {
    cleared: &'static str,
    entries: u64,
    bytes: u64,
}

/// Shows what each part of the cache holds.
///
/// # Errors
/// A part cannot be read; standard output cannot be written.
pub async fn stats(parts: &Parts, out: &mut Output) -> Result<ExitStatus> {
    let mut holds = Vec::new();
    if let Some((folder, bound)) = &parts.disk {
        let usage = DiskUsage::of(folder).map_err(|error| unread("the disk cache", &error, folder))?;
        holds.push(Holds::Disk {
            folder: folder.display().to_string(),
            entries: usage.entries,
            bytes: usage.bytes,
            bound_bytes: *bound,
            unfinished: usage.unfinished,
        });
    }
    if let Some((queue, redis)) = &parts.queue {
        let KeptResults {
            results,
            bytes,
            is_whole,
        } = queue.kept_results().await.map_err(|error| unanswered(&error))?;
        holds.push(Holds::Redis {
            redis,
            results,
            bytes,
            is_whole,
        });
    }
    if let Some(store) = &parts.store {
        let StoreUsage { results, bytes } = store.usage().await.map_err(|error| store_failure(&error))?;
        let store = store.uri();
        holds.push(Holds::Store { store, results, bytes });
    }
    let sheet = holds.iter().fold(Sheet::default(), shown);
    out.answer(holds, |frame| sheet.render(frame))?;
    if parts.queue.is_none() {
        out.note("name the queue with --redis to see the results that it keeps");
    }
    Ok(ExitStatus::Succeeded)
}

/// Clears parts of the cache, asking first where others lose something.
///
/// # Errors
/// Runs are running that need their results; no queue is named; the user did not consent; a part cannot be cleared;
/// standard output cannot be written.
pub async fn clear(parts: &Parts, what: What, consent: Consent<'_>, out: &mut Output) -> Result<ExitStatus> {
    if what.results {
        clear_results(parts, consent, out).await?;
    }
    if what.disk
        && let Some((folder, _)) = &parts.disk
    {
        let usage = disk::clear(folder).map_err(|error| unread("the disk cache", &error, folder))?;
        told("disk", usage.entries, usage.bytes, "entry", "entries", out)?;
    }
    Ok(ExitStatus::Succeeded)
}

async fn clear_results(parts: &Parts, consent: Consent<'_>, out: &mut Output) -> Result<()> {
    let Some((queue, redis)) = &parts.queue else {
        return Err(Failure::new(
            ExitStatus::BadInput,
            "no queue is named, so there are no results to clear",
        )
        .help("name it with --redis, or TICKFLEET_REDIS"));
    };
    let runs = queue.list().await.map_err(|error| unanswered(&error))?;
    let running = runs.iter().filter(|run| run.state == RunState::Running).count() as u64;
    if running > 0 {
        let what = plural(running, "run is running and needs", "runs are running and need");
        return Err(Failure::new(ExitStatus::Failed, format!("{what} its results"))
            .help("wait for the end, or cancel with coordinator cancel RUN; coordinator list shows them"));
    }
    let kept = plural(runs.len() as u64, "ended run", "ended runs");
    if !consent(&format!("drop all results in {redis}, those of {kept} among them?"))? {
        return Err(Failure::new(ExitStatus::Failed, "nothing was cleared"));
    }
    // Pointers first: one must not outlive what it points to.
    let dropped = queue.drop_results().await.map_err(|error| unanswered(&error))?;
    told("redis", dropped.results, dropped.bytes, "result", "results", out)?;
    if let Some(store) = &parts.store {
        let removed = store.clear().await.map_err(|error| store_failure(&error))?;
        told("store", removed.results, removed.bytes, "result", "results", out)?;
    }
    Ok(())
}

fn shown(sheet: Sheet, holds: &Holds<'_>) -> Sheet {
    let unfinished = |count: u64| match count {
        0 => String::new(),
        count => format!(", {}", plural(count, "file unfinished", "files unfinished")),
    };
    match holds {
        Holds::Disk {
            folder,
            entries,
            bytes: size,
            bound_bytes,
            unfinished: left,
        } => {
            let entries = plural(*entries, "entry", "entries");
            let bound = match bound_bytes {
                0 => "off".to_owned(),
                bound => format!("at most {}", bytes(*bound)),
            };
            sheet.line(
                "disk",
                format!("{folder}\n{entries}, {} ({bound}){}", bytes(*size), unfinished(*left)),
            )
        }
        Holds::Redis {
            redis,
            results,
            bytes: size,
            is_whole,
        } => {
            let least = if *is_whole { "" } else { "at least " };
            let results = plural(*results, "result", "results");
            sheet.line("redis", format!("{redis}\n{least}{results}, {}", bytes(*size)))
        }
        Holds::Store {
            store,
            results,
            bytes: size,
        } => {
            let results = plural(*results, "result", "results");
            sheet.line("store", format!("{store}\n{results}, {}", bytes(*size)))
        }
    }
}

fn told(cleared: &'static str, entries: u64, size: u64, one: &str, many: &str, out: &mut Output) -> Result<()> {
    let record = Cleared {
        cleared,
        entries,
        bytes: size,
    };
    out.answer([record], |_| {
        format!("{cleared}: {} cleared, {}\n", plural(entries, one, many), bytes(size))
    })
}

fn unread(what: &str, error: &std::io::Error, folder: &std::path::Path) -> Failure {
    Failure::new(ExitStatus::Failed, format!("{what} cannot be read or cleared"))
        .at(folder.display().to_string())
        .because(error)
        .help("name its folder with --cache-dir")
}

fn unanswered(error: &BrokerError) -> Failure {
    Failure::from_error(ExitStatus::Unreachable, error)
}

fn store_failure(error: &StoreError) -> Failure {
    Failure::from_error(ExitStatus::Failed, error).help(error.help())
}
