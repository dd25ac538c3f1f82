//! The JSON of the verbs: one object a line, names that stay.
//!
//! Moments are milliseconds since 1970 and end in `_ms`, sizes are bytes and end in `_bytes`; what is missing is null.
//! Names may be added; none is ever taken away or given another meaning. `docs/operations.md` describes them for users.

use serde::Serialize;
use tickfleet_protocol::fleet::WorkerEntry;
use tickfleet_protocol::ids::{Digest, IdempotencyKey, JobKind, JobRef, Millis, RunId, WorkerId};
use tickfleet_protocol::plan::stage_name;
use tickfleet_protocol::state::{Census, DeadCause, DeadLetter, Progress, RunState, RunSummary};
use tickfleet_runtime::broker::AuditFault;

use crate::cluster::Status;
use crate::view::audits::Audited;
use crate::view::health::Concern;
use crate::view::history::Level;
use crate::view::letters::job;
use crate::view::unit::per_second;

/// A run, as `list` prints it.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct RunLine<'a> {
    pub run: RunId,
    pub state: RunState,
    pub kind: &'a JobKind,
    pub key: &'a IdempotencyKey,
    pub stage: u16,
    pub stage_name: &'static str,
    pub done: u64,
    pub total: u64,
    pub failed: u64,
    pub weight: u32,
    pub submitted_at_ms: Millis,
    pub ended_at_ms: Option<Millis>,
    pub deadline_ms: Option<Millis>,
}

impl<'a> From<&'a RunSummary> for RunLine<'a> {
    fn from(run: &'a RunSummary) -> Self {
        let counts = run.counts();
        Self {
            run: run.run,
            state: run.state,
            kind: &run.kind,
            key: &run.key,
            stage: run.open_stage.0,
            stage_name: stage_name(u32::from(run.open_stage.0)),
            done: counts.done,
            total: counts.total,
            failed: counts.failed,
            weight: run.weight,
            submitted_at_ms: run.submitted_at,
            ended_at_ms: run.ended_at,
            deadline_ms: run.deadline,
        }
    }
}

/// A run in full, as `get` prints it.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct RunSheet<'a> {
    #[serde(flatten)]
    pub line: RunLine<'a>,
    pub digest: Digest,
    pub trace: Option<&'a str>,
    pub dead_letters: u64,
    pub jobs_per_second: Option<f64>,
    pub stages: Vec<StageLine>,
}

/// A stage of a run.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct StageLine {
    pub stage: u32,
    pub stage_name: &'static str,
    pub total: u64,
    pub fed: u64,
    pub done: u64,
    pub failed: u64,
}

impl<'a> RunSheet<'a> {
    /// A run as it is at this moment, with the number of its dead letters that are kept.
    #[must_use]
    pub fn new(run: &'a RunSummary, dead_letters: u64, now: Millis) -> Self {
        let end = run.ended_at.unwrap_or(now);
        let stages = (0_u32..).zip(&run.stages).map(|(stage, counts)| StageLine {
            stage,
            stage_name: stage_name(stage),
            total: counts.total,
            fed: counts.fed,
            done: counts.done,
            failed: counts.failed,
        });
        Self {
            line: run.into(),
            digest: run.digest,
            trace: run.trace.as_deref(),
            dead_letters,
            jobs_per_second: per_second(run.counts().done, end.since_ms(run.submitted_at)),
            stages: stages.collect(),
        }
    }
}

/// What a verb did to a run: `cancel`, `retry`, `dlq replay`, `dlq drop`.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct RunDone {
    pub run: RunId,
    #[serde(flatten)]
    pub done: Done,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// Whether the run was running until now.
    Cancelled(bool),
    /// Dead letters that were made ready again.
    Replayed(u64),
    /// Dead letters that were dropped.
    Dropped(u64),
}

/// A dead letter.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct LetterLine<'a> {
    pub run: RunId,
    pub job: String,
    pub stage: u16,
    pub index: u64,
    pub cause: DeadCause,
    pub reason: &'a str,
    pub worker: &'a WorkerId,
    pub attempts: u32,
    pub kills: u32,
    pub at_ms: Millis,
}

impl<'a> From<&'a DeadLetter> for LetterLine<'a> {
    fn from(letter: &'a DeadLetter) -> Self {
        Self {
            run: letter.job.run,
            job: job(&letter.job),
            stage: letter.job.stage.0,
            index: letter.job.index.0,
            cause: letter.cause,
            reason: &letter.reason,
            worker: &letter.worker,
            attempts: letter.attempts,
            kills: letter.kills,
            at_ms: letter.at,
        }
    }
}

/// An event of a run's history.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct EventLine<'a> {
    pub run: RunId,
    pub id: u64,
    pub level: &'static str,
    #[serde(flatten)]
    pub event: &'a Progress,
}

impl<'a> EventLine<'a> {
    /// An event with its place in the history.
    #[must_use]
    pub fn new(run: RunId, id: u64, event: &'a Progress) -> Self {
        let level = Level::of(&event.kind).name();
        Self { run, id, level, event }
    }
}

/// A worker.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct WorkerLine<'a> {
    pub worker: &'a WorkerId,
    pub host: &'a str,
    pub pid: u32,
    pub version: &'a str,
    pub kinds: &'a [JobKind],
    pub cores: u32,
    pub performance_cores: Option<u32>,
    pub efficiency_cores: Option<u32>,
    pub lanes: u32,
    pub memory_bytes: u64,
    pub draining: bool,
    pub told_to_drain: bool,
    pub held: u64,
    pub jobs: &'a [JobRef],
    pub done: u64,
    pub failed: u64,
    pub started_at_ms: Millis,
    pub seen_at_ms: Millis,
}

impl<'a> From<&'a WorkerEntry> for WorkerLine<'a> {
    fn from(entry: &'a WorkerEntry) -> Self {
        let card = &entry.card;
        Self {
            worker: &card.id,
            host: &card.host,
            pid: card.pid,
            version: &card.version,
            kinds: &card.kinds,
            cores: card.cores,
            performance_cores: card.performance_cores,
            efficiency_cores: card.efficiency_cores,
            lanes: card.lanes,
            memory_bytes: card.memory_bytes,
            draining: card.is_draining,
            told_to_drain: entry.is_told_to_drain,
            held: card.held,
            jobs: &card.jobs,
            done: card.done,
            failed: card.failed,
            started_at_ms: card.started_at,
            seen_at_ms: entry.seen_at,
        }
    }
}

/// What `drain` did to a worker, or saw of it.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct DrainLine<'a> {
    pub worker: &'a WorkerId,
    pub told_to_drain: bool,
    /// Jobs that it holds; null once it has ended.
    pub held: Option<u64>,
}

/// What an audit found of a run.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct AuditLine {
    pub run: RunId,
    pub state: RunState,
    pub census: Census,
    pub faults: Vec<FaultLine>,
    pub unlisted: u64,
}

/// A fault of an audit.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct FaultLine {
    pub job: Option<String>,
    pub what: String,
    pub mended: bool,
}

impl From<&Audited> for AuditLine {
    fn from(audited: &Audited) -> Self {
        let fault = |fault: &AuditFault| FaultLine {
            job: fault.job.map(|at| job(&at)),
            what: fault.what.clone(),
            mended: fault.is_mended,
        };
        Self {
            run: audited.audit.run,
            state: audited.state,
            census: audited.audit.census,
            faults: audited.audit.faults.iter().map(fault).collect(),
            unlisted: audited.audit.unlisted,
        }
    }
}

/// The cluster and what needs attention.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct StatusLine<'a> {
    pub version: &'a str,
    pub broker: &'a str,
    pub advice: &'a [String],
    pub workers: u64,
    pub lanes: u64,
    pub running: u64,
    pub runs: u64,
    pub backlog: u64,
    pub dead_letters: u64,
    pub healthy: bool,
    pub attention: Vec<&'a str>,
}

impl<'a> StatusLine<'a> {
    /// The status with its concerns.
    #[must_use]
    pub fn new(status: &'a Status, concerns: &'a [Concern]) -> Self {
        Self {
            version: &status.version,
            broker: &status.broker,
            advice: &status.advice,
            workers: status.workers,
            lanes: status.lanes,
            running: status.running,
            runs: status.runs,
            backlog: status.backlog,
            dead_letters: status.dead,
            healthy: concerns.is_empty(),
            attention: concerns.iter().map(|concern| concern.what.as_str()).collect(),
        }
    }
}
