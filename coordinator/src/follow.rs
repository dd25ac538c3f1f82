//! Follows a run by its events until it ends; whoever comes late or leaves misses nothing that counts.

use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::BoxStream;
use tickfleet_protocol::ids::{EventId, Millis, RunId, StageIndex};
use tickfleet_protocol::plan::stage_name;
use tickfleet_runtime::broker::{Counts, Progress, ProgressKind, RunState, RunSummary};
use tickfleet_runtime::failure::{ExitStatus, Failure, FailureKind};
use tokio::time::MissedTickBehavior;

use crate::cluster::{self, Cluster, ProvisionalDay};
use crate::events::{Event, Events};
use crate::view::progress::Snapshot;

/// How often what is shown moves on without news.
const TICK: Duration = Duration::from_secs(1);
/// How many ticks pass between two looks at the workers.
const TICKS_A_LOOK: u64 = 5;
/// How long a look at the workers may take: it only decides what is shown.
const LOOK: Duration = Duration::from_secs(2);
/// How long the last rows before the end may take: the final ones are there by then.
const LAST_ROWS: Duration = Duration::from_secs(10);

/// Whose lanes compute a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// This process's: so many.
    Here(u64),
    /// The cluster's workers', who come and go.
    OfWorkers,
}

impl Lanes {
    /// How many there are now; `None` where the cluster does not say.
    pub async fn count(self, cluster: &dyn Cluster) -> Option<u64> {
        match self {
            Self::Here(lanes) => Some(lanes),
            Self::OfWorkers => {
                let workers = tokio::time::timeout(LOOK, cluster.workers()).await.ok()?.ok()?;
                Some(workers.iter().map(|worker| u64::from(worker.card.lanes)).sum())
            }
        }
    }
}

/// Which events are printed where events are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// All that are kept.
    FromStart,
    /// Those that come, and the end.
    News,
}

/// What is shown of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Which of its events, where events are printed.
    pub told: Told,
    /// Whether its rows so far are.
    pub rows: bool,
}

/// Shows a run's progress until it ends, and says how it did. What was before is read too: it makes the progress right.
///
/// # Errors
/// The cluster does not answer, or no longer has the run. Rows that cannot be had are a note.
pub async fn follow(
    cluster: &dyn Cluster,
    run: RunId,
    shown: Shown,
    lanes: Lanes,
    events: &mut Events,
) -> Result<RunState, Failure> {
    let known = cluster.get(run).await?;
    let mut stage = OpenStage::of(&known);
    let mut rows = SoFar::open(cluster, run, shown.rows, events).await;
    let mut news = cluster.watch(run, EventId::START).await?;
    let mut count = lanes.count(cluster).await.unwrap_or_default();
    let (mut ended, mut ticks) = (None, 0);
    let mut ticker = tokio::time::interval(TICK);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let progress = tokio::select! {
            // News are few; behind them, rows wait for the eye and the clock for both.
            biased;
            next = news.next() => match next {
                Some(next) => Some(next.map_err(|failure| lost(run, failure))?.1),
                None => break,
            },
            day = rows.next() => {
                rows.show(day, run, events)?;
                continue;
            }
            _ = ticker.tick() => None,
        };
        if let Some(progress) = progress {
            stage.take(&progress);
            if shown.told == Told::FromStart || is_news(&progress, known.counts()) {
                events.emit(&Event::Progress { run, what: &progress })?;
            }
            if let ProgressKind::Ended { state } = progress.kind {
                ended = Some(state);
            }
        } else {
            ticks += 1;
            if ticks % TICKS_A_LOOK == 0 {
                count = lanes.count(cluster).await.unwrap_or(count);
            }
        }
        // After each event, so that a stage's end is seen even if the next one opened meanwhile.
        events.progress(&stage.snapshot(count));
    }
    let state = match ended {
        Some(state) => state,
        // Its events have expired or were dropped: its state is kept longer.
        None => cluster.get(run).await.map_err(|failure| lost(run, failure))?.state,
    };
    if state == RunState::Succeeded {
        rows.last(run, events).await?;
    }
    Ok(state)
}

/// A run's rows so far, where they are wanted and can be had. They are an extra: whatever keeps them away is said, and
/// the run is followed without them.
struct SoFar(Option<BoxStream<'static, cluster::Result<ProvisionalDay>>>);

impl SoFar {
    async fn open(cluster: &dyn Cluster, run: RunId, is_wanted: bool, events: &mut Events) -> Self {
        if !is_wanted {
            return Self(None);
        }
        match cluster.provisional(run).await {
            Ok(days) => Self(Some(days)),
            Err(failure) => {
                events.note(&missing(&failure));
                Self(None)
            }
        }
    }

    /// The next date that changed, `None` at the end; waits for ever where no rows are to come.
    async fn next(&mut self) -> Option<cluster::Result<ProvisionalDay>> {
        match &mut self.0 {
            Some(days) => days.next().await,
            None => std::future::pending().await,
        }
    }

    fn show(
        &mut self,
        day: Option<cluster::Result<ProvisionalDay>>,
        run: RunId,
        events: &mut Events,
    ) -> Result<(), Failure> {
        match day {
            Some(Ok(day)) => return events.rows(run, &day),
            Some(Err(failure)) => events.note(&missing(&failure)),
            None => {}
        }
        self.0 = None;
        Ok(())
    }

    /// Shows what came between the last look and the run's end.
    async fn last(&mut self, run: RunId, events: &mut Events) -> Result<(), Failure> {
        let until = tokio::time::Instant::now() + LAST_ROWS;
        while self.0.is_some() {
            let Ok(day) = tokio::time::timeout_at(until, self.next()).await else {
                return Ok(());
            };
            self.show(day, run, events)?;
        }
        Ok(())
    }
}

fn missing(failure: &Failure) -> String {
    let why = failure.why.first().map(|why| format!(": {why}")).unwrap_or_default();
    format!("no rows before the run's end: {}{why}", failure.what)
}

/// A run that was there and is no longer was not asked for wrongly: the queue has lost it.
fn lost(run: RunId, failure: Failure) -> Failure {
    if failure.kind != FailureKind::NotFound {
        return failure;
    }
    Failure::new(
        ExitStatus::Failed,
        format!("run {run} is lost: it was followed, and the queue no longer has it"),
    )
    .why("the queue's Redis was emptied, or came back without what it had accepted")
    .help("submit it again; coordinator status says whether this Redis keeps what it accepts")
}

/// Whether an event may have come after the counts were these: of what a run does over and over, only more tells.
fn is_news(progress: &Progress, known: Counts) -> bool {
    match progress.kind {
        ProgressKind::Submitted | ProgressKind::StageOpened { .. } | ProgressKind::Committed { .. } => {
            progress.counts.done > known.done
        }
        _ => progress.counts.done >= known.done,
    }
}

/// The stage whose jobs are computed, told by counts: whoever missed events still has the right numbers.
struct OpenStage {
    /// Jobs of each stage.
    totals: Vec<u64>,
    open: usize,
    done: u64,
    retries: u64,
    /// When it opened, and when its last event came, by the queue's clock.
    opened_at: Millis,
    last_at: Millis,
    /// When that event was heard, by this machine's.
    heard: Instant,
}

impl OpenStage {
    fn of(run: &RunSummary) -> Self {
        Self {
            totals: run.stages.iter().map(|stage| stage.total).collect(),
            open: 0,
            done: 0,
            retries: 0,
            opened_at: run.submitted_at,
            last_at: run.submitted_at,
            heard: Instant::now(),
        }
    }

    fn take(&mut self, progress: &Progress) {
        (self.last_at, self.heard) = (progress.at, Instant::now());
        match progress.kind {
            ProgressKind::StageOpened { stage, .. } | ProgressKind::Committed { stage, .. } => {
                self.enter(stage, progress.at);
            }
            ProgressKind::Retried { .. } => self.retries += 1,
            _ => {}
        }
        self.count(progress.counts);
    }

    fn enter(&mut self, stage: StageIndex, at: Millis) {
        let stage = usize::from(stage.0);
        if stage != self.open {
            self.open = stage;
            self.opened_at = at;
        }
    }

    /// Stages before the open one are complete, so the rest of what is done is the open one's.
    fn count(&mut self, counts: Counts) {
        let before: u64 = self.totals.iter().take(self.open).sum();
        self.done = counts.done.saturating_sub(before);
    }

    fn snapshot(&self, lanes: u64) -> Snapshot {
        Snapshot {
            stage: stage_name(u32::try_from(self.open).unwrap_or(u32::MAX)).to_owned(),
            done: self.done,
            total: self.totals.get(self.open).copied().unwrap_or_default(),
            retries: self.retries,
            lanes,
            elapsed: Duration::from_millis(self.last_at.since_ms(self.opened_at)) + self.heard.elapsed(),
        }
    }
}
