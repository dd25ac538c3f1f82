//! A cluster that answers what it was given and remembers what it was asked to change, for the tests of the verbs.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use tickfleet_protocol::fleet::{WorkerCard, WorkerEntry};
use tickfleet_protocol::ids::{
    Digest, EventId, IdempotencyKey, JobIndex, JobKind, JobRef, Millis, RunId, StageIndex, WorkerId,
};
use tickfleet_protocol::state::{
    Counts, DeadCause, DeadLetter, Progress, ProgressKind, RunState, RunSummary, StageCounts,
};
use tickfleet_runtime::broker::Audit;
use tickfleet_runtime::failure::{ExitStatus, Failure};

use crate::cluster::{Accepted, Cluster, Opening, Part, Planned, ProvisionalDay, Request, Result, Status};
use crate::view::frame::Frame;
use crate::view::streams::Streams;

/// The moment of every test: 2023-11-14 22:13:20 UTC.
pub(super) const NOW: Millis = Millis(1_700_000_000_000);

/// A cluster by heart.
#[derive(Default)]
pub(super) struct Fake {
    /// The oldest first.
    pub(super) runs: Vec<RunSummary>,
    pub(super) dead: Vec<DeadLetter>,
    /// What each look at the workers sees; the last look lasts.
    pub(super) looks: Vec<Vec<WorkerEntry>>,
    pub(super) events: Vec<Progress>,
    /// The number of the first event that is kept.
    pub(super) first_event: u64,
    /// The rows so far of any run.
    pub(super) provisional: Vec<ProvisionalDay>,
    /// The results of any run.
    pub(super) parts: Vec<Part>,
    pub(super) audits: BTreeMap<RunId, Audit>,
    pub(super) status: Option<Status>,
    /// What was changed, in order.
    pub(super) changes: Mutex<Vec<String>>,
    pub(super) looked: Mutex<usize>,
}

impl Fake {
    pub(super) fn of(runs: Vec<RunSummary>) -> Self {
        Self {
            runs,
            ..Self::default()
        }
    }

    /// What was changed since this was asked last.
    pub(super) fn take_changes(&self) -> Vec<String> {
        std::mem::take(&mut self.changes.lock().unwrap())
    }

    fn change(&self, text: String) {
        self.changes.lock().unwrap().push(text);
    }
}

#[async_trait]
impl Cluster for Fake {
    async fn submit(&self, _: Request, _: &mut (dyn FnMut(Opening) + Send)) -> Result<Accepted> {
        unreachable!("no verb here submits")
    }

    async fn plan(&self, _: Request, _: &mut (dyn FnMut(Opening) + Send)) -> Result<Planned> {
        unreachable!("no verb here plans")
    }

    async fn get(&self, run: RunId) -> Result<RunSummary> {
        let found = self.runs.iter().find(|known| known.run == run).cloned();
        found.ok_or_else(|| Failure::new(ExitStatus::BadInput, "no such run"))
    }

    async fn list(&self) -> Result<Vec<RunSummary>> {
        Ok(self.runs.clone())
    }

    async fn watch(&self, _: RunId, after: EventId) -> Result<BoxStream<'static, Result<(EventId, Progress)>>> {
        let first = self.first_event.max(1);
        let events: Vec<_> = (first..).map(EventId).zip(self.events.clone()).collect();
        let ends = events
            .last()
            .is_some_and(|(_, event)| matches!(event.kind, ProgressKind::Ended { .. }));
        let told = stream::iter(events.into_iter().filter(move |(id, _)| *id > after).map(Ok));
        Ok(if ends {
            told.boxed()
        } else {
            told.chain(stream::pending()).boxed()
        })
    }

    async fn provisional(&self, _: RunId) -> Result<BoxStream<'static, Result<ProvisionalDay>>> {
        Ok(stream::iter(self.provisional.clone().into_iter().map(Ok)).boxed())
    }

    async fn results(&self, _: RunId) -> Result<BoxStream<'static, Result<Part>>> {
        Ok(stream::iter(self.parts.clone().into_iter().map(Ok)).boxed())
    }

    async fn cancel(&self, run: RunId) -> Result<bool> {
        self.change(format!("cancel {run}"));
        Ok(self.get(run).await?.state == RunState::Running)
    }

    async fn forget(&self, _: RunId) -> Result<()> {
        unreachable!("no verb here forgets")
    }

    async fn dead(&self, run: RunId) -> Result<Vec<DeadLetter>> {
        Ok(self
            .dead
            .iter()
            .filter(|letter| letter.job.run == run)
            .cloned()
            .collect())
    }

    async fn retry(&self, run: RunId, jobs: Option<Vec<JobIndex>>) -> Result<u64> {
        let count = jobs.as_ref().map_or(self.dead(run).await?.len(), Vec::len);
        self.change(format!("retry {run} {}", named(jobs.as_deref())));
        Ok(count as u64)
    }

    async fn drop_dead(&self, run: RunId, jobs: Option<Vec<JobIndex>>) -> Result<u64> {
        let count = jobs.as_ref().map_or(self.dead(run).await?.len(), Vec::len);
        self.change(format!("drop {run} {}", named(jobs.as_deref())));
        Ok(count as u64)
    }

    async fn workers(&self) -> Result<Vec<WorkerEntry>> {
        let mut looked = self.looked.lock().unwrap();
        let look = self.looks.get(*looked).or(self.looks.last());
        *looked += 1;
        Ok(look.cloned().unwrap_or_default())
    }

    async fn drain(&self, worker: WorkerId, is_draining: bool) -> Result<bool> {
        self.change(format!("drain {worker} {is_draining}"));
        Ok(self.looks.iter().flatten().any(|entry| entry.card.id == worker))
    }

    async fn audit(&self, run: RunId, repair: bool) -> Result<Audit> {
        if repair {
            self.change(format!("repair {run}"));
        }
        let mut audit = self.audits.get(&run).cloned().expect("a run that has an audit");
        audit
            .faults
            .iter_mut()
            .for_each(|fault| fault.is_mended = repair && fault.job.is_some());
        Ok(audit)
    }

    async fn status(&self) -> Result<Status> {
        Ok(self.status.clone().expect("a cluster that has a status"))
    }
}

fn named(jobs: Option<&[JobIndex]>) -> String {
    let indexes = |jobs: &[JobIndex]| jobs.iter().map(|job| job.0.to_string()).collect::<Vec<_>>().join(" ");
    jobs.map_or("all".to_owned(), indexes)
}

/// Streams that keep what they take.
#[derive(Clone, Default)]
pub(super) struct Taken {
    pub(super) stdout: Text,
    pub(super) stderr: Text,
}

impl Streams for Taken {
    fn stdout(&self) -> Box<dyn Write + Send> {
        Box::new(self.stdout.clone())
    }

    fn stderr(&self) -> Box<dyn Write + Send> {
        Box::new(self.stderr.clone())
    }

    fn is_live(&self) -> bool {
        false
    }
}

/// A writer that keeps what it takes.
#[derive(Clone, Default)]
pub(super) struct Text(Arc<Mutex<Vec<u8>>>);

impl Text {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A terminal of this width, at the moment of the tests, without colours.
pub(super) fn frame(columns: usize) -> Frame {
    Frame {
        now: NOW,
        columns,
        colours: false,
    }
}

/// A run that was submitted so many seconds ago: map with 528 jobs, 120 of them done, and reduce with one.
pub(super) fn run(seconds_ago: u64, state: RunState) -> RunSummary {
    let submitted_at = Millis(NOW.0 - seconds_ago * 1_000);
    let succeeded = state == RunState::Succeeded;
    let failed = u64::from(state == RunState::Failed) * 2;
    let stages = [
        (528, if succeeded { 528 } else { 120 }, failed),
        (1, u64::from(succeeded), 0),
    ];
    RunSummary {
        run: RunId::from_parts(submitted_at, [seconds_ago as u8; 10]),
        key: IdempotencyKey::new("nightly").unwrap(),
        digest: Digest([0xe1; 32]),
        kind: JobKind::new("scan/1").unwrap(),
        trace: None,
        state,
        open_stage: StageIndex(u16::from(succeeded)),
        stages: stages
            .map(|(total, done, failed)| StageCounts {
                total,
                fed: done + failed,
                done,
                failed,
            })
            .to_vec(),
        weight: 10,
        deadline: None,
        submitted_at,
        ended_at: state.is_ended().then(|| submitted_at.plus_ms(6_800)),
    }
}

/// A map job of a run.
pub(super) fn job(run: &RunSummary, index: u64) -> JobRef {
    JobRef {
        run: run.run,
        stage: StageIndex(0),
        index: JobIndex(index),
    }
}

/// A dead letter of a map job.
pub(super) fn letter(run: &RunSummary, index: u64) -> DeadLetter {
    DeadLetter {
        job: job(run, index),
        cause: DeadCause::AttemptsExhausted,
        reason: "reading bars.parquet: row group 3\npermission denied".to_owned(),
        worker: worker("host-1:4711").card.id,
        attempts: 5,
        kills: 1,
        at: run.submitted_at.plus_ms(6_000),
    }
}

/// A worker that was seen two seconds ago.
pub(super) fn worker(name: &str) -> WorkerEntry {
    WorkerEntry {
        card: WorkerCard {
            id: WorkerId::new(name).unwrap(),
            kinds: vec![JobKind::new("scan/1").unwrap()],
            host: "host-1".to_owned(),
            pid: 4711,
            version: "0.1.0".to_owned(),
            cores: 12,
            performance_cores: Some(8),
            efficiency_cores: Some(4),
            lanes: 12,
            memory_bytes: 16_000_000_000,
            started_at: Millis(NOW.0 - 3_600_000),
            is_draining: false,
            jobs: Vec::new(),
            held: 14,
            done: 1_204,
            failed: 0,
        },
        seen_at: Millis(NOW.0 - 2_000),
        is_told_to_drain: false,
    }
}

/// An event so many milliseconds after the submit of a run.
pub(super) fn event(run: &RunSummary, millis: u64, done: u64, kind: ProgressKind) -> Progress {
    Progress {
        at: run.submitted_at.plus_ms(millis),
        counts: Counts {
            total: 529,
            done,
            failed: 0,
        },
        kind,
    }
}

/// A cluster that is well and idle.
pub(super) fn well() -> Status {
    Status {
        version: "0.1.0".to_owned(),
        broker: "redis 7.0.15, append-only file every second".to_owned(),
        advice: Vec::new(),
        workers: 2,
        lanes: 24,
        running: 0,
        runs: 3,
        backlog: 0,
        dead: 0,
    }
}
