//! The best rows so far while a run's map jobs finish: their results are read by identity as they appear, and each is
//! read once.
//!
//! It follows the run and has no part in it: nothing here is written, and who reads slowly only has fewer looks taken.
//! Memory holds the identities of one window of jobs, the result of one job, and the leaders of each date that is under
//! way. Read next: [`tickfleet_kernels::scan::provisional`], which ranks.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use tickfleet_kernels::scan::provisional::{Leaders, Wanted};
use tickfleet_kernels::scan::universe::{Universe, stage};
use tickfleet_proto::convert::MapOutput;
use tickfleet_protocol::facts::bar_symbols;
use tickfleet_protocol::ids::{EventId, Identity, RunId};
use tickfleet_protocol::plan::{Job, MAP};
use tickfleet_runtime::broker::{BrokerError, ProgressKind, RunState};
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::tables::{decode_at, map_rows};
use tickfleet_worker::error::JobError;
use tickfleet_worker::run::Run;

use super::{Local, Result};
use crate::cluster::backoff::Backoff;
use crate::cluster::{Cluster, PROVISIONAL_ROWS_MAX, ProvisionalDay};

/// Jobs whose results are looked for at once; jobs finish roughly in order, so later ones are seldom there.
const WINDOW: usize = 256;
/// Rows that are held over all dates.
const ROWS_HELD: usize = 1 << 16;
/// Between two looks: an eye follows no faster.
const PACE: Duration = Duration::from_millis(200);
/// How long one look goes on before what it found is told.
const LOOK: Duration = Duration::from_millis(500);
/// How long one wait for news of the run lasts.
const WAIT: Duration = Duration::from_secs(5);
/// How long the queue may be away before the rows end with the failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// The best rows of each date, as they change.
pub(super) async fn provisional(local: Local, id: RunId) -> Result<BoxStream<'static, Result<ProvisionalDay>>> {
    let state = local.get(id).await?.state;
    let run = local.record(id).await?;
    let reader = Reader::new(local, id, run, state);
    let days = stream::unfold(Some(reader), move |reader| async move {
        let mut reader = reader?;
        match reader.next().await {
            Ok(day) => Some((Ok(day?), Some(reader))),
            Err(error) => Some((Err(unreadable(id, &error)), None)),
        }
    });
    Ok(days.boxed())
}

fn unreadable(id: RunId, error: &JobError) -> Failure {
    Failure::new(ExitStatus::Failed, "the rows so far cannot be read")
        .at(format!("run {id}"))
        .because(error)
}

/// What is known of one date.
#[derive(Default)]
struct Day {
    leaders: Leaders,
    /// Map jobs read.
    done: u64,
}

struct Reader {
    local: Local,
    id: RunId,
    run: Arc<Run>,
    universe: Option<Arc<Universe>>,
    /// The last event heard.
    after: EventId,
    state: RunState,
    days: Vec<Day>,
    /// Dates of which something is to be told.
    changed: BTreeSet<usize>,
    /// Map jobs whose results are looked for, the first not yet in it next.
    window: Vec<(u64, Identity)>,
    next_job: u64,
    /// Whether the last look may have left results that are there.
    has_more: bool,
    looked: Option<Instant>,
}

impl Reader {
    fn new(local: Local, id: RunId, run: Arc<Run>, state: RunState) -> Self {
        let dates = run.record.facts.as_of.len();
        let held = (ROWS_HELD / dates.max(1)).clamp(1, PROVISIONAL_ROWS_MAX);
        let most = run.record.spec.rank.top.min(held);
        let day = || Day {
            leaders: Leaders::new(most),
            done: 0,
        };
        Self {
            local,
            id,
            run,
            universe: None,
            after: EventId::START,
            state,
            days: (0..dates).map(|_| day()).collect(),
            changed: BTreeSet::new(),
            window: Vec::new(),
            next_job: 0,
            has_more: true,
            looked: None,
        }
    }

    /// The next date that changed; `None` when all is told.
    async fn next(&mut self) -> std::result::Result<Option<ProvisionalDay>, JobError> {
        let (mut backoff, mut away_since) = (Backoff::default(), None);
        loop {
            // The latest first: it is the one that people are shown.
            if let Some(date) = self.changed.pop_last() {
                return Ok(Some(self.told(date)));
            }
            if self.is_over() {
                return Ok(None);
            }
            match self.step().await {
                Ok(()) => away_since = None,
                Err(error) if is_outage(&error) => {
                    if away_since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
                        return Err(error);
                    }
                    backoff.pause().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether nothing more can be found: all is read, or the run has ended and left nothing else.
    fn is_over(&self) -> bool {
        let is_read = self.window.is_empty() && self.next_job >= self.jobs();
        let has_failed = self.state.is_ended() && self.state != RunState::Succeeded;
        is_read || has_failed || (self.state == RunState::Succeeded && !self.has_more)
    }

    /// Waits for news unless some is there, then looks.
    async fn step(&mut self) -> std::result::Result<(), JobError> {
        if self.run.record.spec.universe_stage.max_symbols > 0 && self.universe.is_none() {
            self.universe = self.run.universe().await?;
        }
        if let Some(looked) = self.looked {
            tokio::time::sleep(PACE.saturating_sub(looked.elapsed())).await;
        }
        if !self.has_more && !self.hear().await? {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        self.look().await
    }

    /// Waits for events. Gives whether a result may have come.
    async fn hear(&mut self) -> std::result::Result<bool, BrokerError> {
        let events = self.local.broker.events(self.id, self.after, WAIT).await?;
        let Some((last, _)) = events.last() else {
            let summary = self.local.broker.summary(self.id).await?;
            self.state = summary.map_or(RunState::Cancelled, |summary| summary.state);
            // It may have succeeded since the last look.
            self.has_more = self.state == RunState::Succeeded;
            return Ok(self.has_more);
        };
        self.after = *last;
        let is_map = |kind: &ProgressKind| {
            matches!(kind, ProgressKind::Committed { stage, .. } if u32::from(stage.0) == MAP)
                || matches!(kind, ProgressKind::Ended { .. })
        };
        Ok(events.iter().any(|(_, event)| is_map(&event.kind)))
    }

    /// Reads results that are there, one at a time, until none is or it has taken long enough to tell.
    async fn look(&mut self) -> std::result::Result<(), JobError> {
        let began = Instant::now();
        loop {
            self.fill();
            let identities: Vec<Identity> = self.window.iter().map(|(_, identity)| *identity).collect();
            let stored = self.local.stored.stored(&identities).await?;
            let window = std::mem::take(&mut self.window);
            let (mut there, mut missing) = (Vec::new(), Vec::new());
            for (job, is_stored) in window.into_iter().zip(stored) {
                if is_stored { there.push(job) } else { missing.push(job) }
            }
            self.window = missing;
            self.has_more = !there.is_empty();
            if there.is_empty() {
                return Ok(());
            }
            let mut there = there.into_iter();
            while let Some((job, identity)) = there.next() {
                let read = self.read(job, identity).await;
                let is_late = began.elapsed() >= LOOK;
                if read.is_err() || is_late {
                    if read.is_err() {
                        self.window.push((job, identity));
                    }
                    self.window.extend(there);
                    self.window.sort_unstable_by_key(|(job, _)| *job);
                    return read;
                }
            }
        }
    }

    /// Puts the next jobs into the window.
    fn fill(&mut self) {
        let jobs = self.jobs();
        while self.window.len() < WINDOW && self.next_job < jobs {
            let job = self
                .run
                .plan
                .job(MAP, self.next_job)
                .expect("a job below the stage's count");
            self.window.push((self.next_job, self.run.identities().of(&job)));
            self.next_job += 1;
        }
    }

    fn jobs(&self) -> u64 {
        self.run.plan.stages()[MAP as usize]
    }

    /// Takes in the result of one map job; one that has expired since counts as read.
    async fn read(&mut self, job: u64, identity: Identity) -> std::result::Result<(), JobError> {
        let Some(Job::Map { dates, .. }) = self.run.plan.job(MAP, job) else {
            unreachable!("the map stage holds map jobs");
        };
        let found = self.local.stored.get(&[identity]).await?;
        let Some(bytes) = found.into_iter().next().flatten() else {
            return Ok(());
        };
        let leaders = self.days[dates.clone()].iter_mut();
        let leaders: Vec<Leaders> = leaders.map(|day| std::mem::take(&mut day.leaders)).collect();
        let (run, universe) = (Arc::clone(&self.run), self.universe.clone());
        let of = dates.clone();
        let take = move || take(&run, universe.as_deref(), of, &bytes, leaders);
        let taken = self.local.pool.run(take).await??;
        for (date, (leaders, is_news)) in dates.zip(taken) {
            let total = self.total(date);
            let day = &mut self.days[date];
            day.leaders = leaders;
            day.done += 1;
            if is_news || day.done == total {
                self.changed.insert(date);
            }
        }
        Ok(())
    }

    /// Map jobs of a date.
    fn total(&self, date: usize) -> u64 {
        let jobs = self.run.plan.maps_of(date);
        jobs.end - jobs.start
    }

    /// What is told of a date. One that is complete is told for the last time, and let go.
    fn told(&mut self, date: usize) -> ProvisionalDay {
        let total = self.total(date);
        let day = &mut self.days[date];
        let rows = day.leaders.rows().to_vec();
        if day.done == total {
            day.leaders = Leaders::default();
        }
        ProvisionalDay {
            as_of: self.run.record.facts.as_of[date],
            done: day.done,
            total,
            rows,
        }
    }
}

/// Takes the rows of a map result, date by date, into the leaders of these dates; says of which they are news. CPU only.
fn take(
    run: &Run,
    universe: Option<&Universe>,
    dates: Range<usize>,
    result: &Bytes,
    leaders: Vec<Leaders>,
) -> std::result::Result<Vec<(Leaders, bool)>, JobError> {
    let (spec, facts) = (&run.record.spec, &run.record.facts);
    let wanted = Wanted::from(&spec.rank);
    let output = MapOutput::decode(result.clone())?;
    let mut taken = Vec::with_capacity(leaders.len());
    for (at, (date, mut leaders)) in dates.zip(leaders).enumerate() {
        let passing = passing(run, universe, facts.as_of[date]);
        let (symbols, rows) = map_rows(&decode_at(&output.rows, at)?)?;
        let mut is_news = false;
        for (symbol, row) in symbols.iter().zip(&rows) {
            let passes = passing.as_ref().is_none_or(|passing| passing.contains(symbol.as_str()));
            if passes {
                is_news |= leaders.offer(symbol, row.indicators.as_ref(), &spec.data_stage, wanted);
            }
        }
        taken.push((leaders, is_news));
    }
    Ok(taken)
}

/// Symbols that pass the universe stage as of a date; `None` where every mapped one does. Only a cap on their number
/// makes the stage depend on the date of a symbol that has bars.
fn passing<'a>(run: &'a Run, universe: Option<&'a Universe>, as_of: i32) -> Option<BTreeSet<&'a str>> {
    let options = &run.record.spec.universe_stage;
    if options.max_symbols == 0 {
        return None;
    }
    let bars = bar_symbols(&run.record.facts.symbols);
    let candidates = stage(universe, &bars, as_of, options);
    let passing = candidates.iter().filter(|candidate| candidate.reason.is_none());
    Some(passing.map(|candidate| candidate.symbol).collect())
}

/// Whether the queue or the store is away, rather than the rows damaged.
fn is_outage(error: &JobError) -> bool {
    match error {
        JobError::Broker(error) => error.is_retryable(),
        JobError::Results(error) => error.is_retryable(),
        _ => false,
    }
}
