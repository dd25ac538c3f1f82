//! Results of a run that succeeded, from the queue: head, the tables of each date, notes. Memory holds one date.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use tickfleet_kernels::scan::cells::format_date;
use tickfleet_proto::convert::{FirstRejects, ReduceOutput, ScanRun};
use tickfleet_protocol::identity::{KERNEL_VERSION, canonical};
use tickfleet_protocol::ids::RunId;
use tickfleet_protocol::plan::Job;
use tickfleet_runtime::broker::{RunRecord, RunState};
use tickfleet_runtime::cache::ResultsError;
use tickfleet_runtime::data::describe::{RowFault, describe};
use tickfleet_runtime::failure::{ExitStatus, Failure, FailureKind};
use tickfleet_runtime::settings::mask;
use tickfleet_runtime::tables::decode;
use tickfleet_worker::run::Run;

use super::fault::{refusal, unknown_run};
use super::{Cluster, Local, Part, Result};
use crate::cluster::{DayTables, Head};
use crate::report::Note;

/// The parts of a run's results, each fetched when it is asked for, from the date at `from` on.
///
/// # Errors
/// There is no such run, or it did not succeed.
pub(super) async fn results(local: Local, id: RunId, from: usize) -> Result<BoxStream<'static, Result<Part>>> {
    let run = local.succeeded(id).await?;
    let next = Next::Head;
    let first = FirstRejects::default();
    let reader = Reader {
        local,
        id,
        run,
        from,
        next,
        first,
    };
    let parts = stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        match reader.part().await {
            Ok(part) => Some((Ok(part?), Some(reader))),
            Err(failure) => Some((Err(failure), None)),
        }
    });
    Ok(parts.boxed())
}

impl Local {
    /// The record of a run that succeeded.
    async fn succeeded(&self, id: RunId) -> Result<Arc<Run>> {
        let state = self.get(id).await?.state;
        if state != RunState::Succeeded {
            return Err(no_results(id, state));
        }
        self.record(id).await
    }

    /// The record of a run.
    pub(super) async fn record(&self, id: RunId) -> Result<Arc<Run>> {
        if let Some(run) = self.runs.get(id) {
            return Ok(run);
        }
        let record: Option<RunRecord> = self.broker.run(id).await.map_err(|error| refusal(&error))?;
        let payload = record.ok_or_else(|| unknown_run(id))?.payload;
        let decoded = ScanRun::decode(payload).map_err(|error| {
            Failure::from_error(ExitStatus::Failed, &error)
                .at(format!("run {id}"))
                .help("it was submitted by another version: read its results with that one")
        })?;
        let run = Arc::new(Run::new(decoded));
        self.runs.remember(id, run.clone());
        Ok(run)
    }
}

fn no_results(run: RunId, state: RunState) -> Failure {
    let (what, help) = match state {
        RunState::Running => ("has not ended", format!("coordinator watch {run} waits for its end")),
        RunState::Failed => (
            "failed",
            format!("coordinator retry {run} computes its failed jobs again"),
        ),
        RunState::Cancelled => ("was cancelled", "submit it again".to_owned()),
        RunState::DeadlineExceeded => ("ended at its deadline", "submit it again".to_owned()),
        RunState::Succeeded => unreachable!("runs that succeeded have results"),
    };
    Failure::new(ExitStatus::BadInput, format!("run {run} {what}, so it has no results"))
        .of_kind(FailureKind::Precondition)
        .help(help)
}

/// Which part comes next.
enum Next {
    Head,
    Day(usize),
    Notes,
    End,
}

/// Reads parts in their order.
struct Reader {
    local: Local,
    id: RunId,
    run: Arc<Run>,
    /// The first date that is wanted.
    from: usize,
    next: Next,
    /// The first row of each fault, over the dates read.
    first: FirstRejects,
}

impl Reader {
    async fn part(&mut self) -> Result<Option<Part>> {
        let dates = self.run.record.facts.as_of.len();
        let after = |date: usize| if date < dates { Next::Day(date) } else { Next::Notes };
        match self.next {
            Next::Head => {
                self.next = after(self.from);
                Ok(Some(Part::Head(head(self.id, &self.run.record))))
            }
            Next::Day(date) => {
                let day = self.day(date).await?;
                self.first = self.first.merge(day.first_rejects);
                self.next = after(date + 1);
                Ok(Some(Part::Day(Box::new(day))))
            }
            Next::Notes => {
                self.next = Next::End;
                Ok(Some(Part::Notes(self.notes().await)))
            }
            Next::End => Ok(None),
        }
    }

    async fn day(&self, date: usize) -> Result<DayTables> {
        let lost = |error: &(dyn std::error::Error + 'static)| {
            let as_of = format_date(self.run.record.facts.as_of[date]);
            Failure::new(ExitStatus::Failed, format!("the result of {as_of} cannot be read")).because(error)
        };
        let identity = self.run.identities().of(&Job::Reduce { date });
        let found = self.local.stored.get(&[identity]).await;
        let found = found.map_err(|error| match &error {
            ResultsError::Queue(error) if error.is_retryable() => refusal(error),
            _ => lost(&error),
        })?;
        let bytes = found.into_iter().next().flatten();
        let bytes = bytes.ok_or_else(|| lost(&std::io::Error::other("it has expired")).help("submit the run again"))?;
        let output = ReduceOutput::decode(bytes).map_err(|error| lost(&error))?;
        let table = |bytes| decode(bytes).map_err(|error| lost(&error));
        Ok(DayTables {
            date,
            ranked: table(&output.ranked)?,
            scored: table(&output.scored)?,
            rejected: table(&output.rejected)?,
            funnel: table(&output.funnel)?,
            first_rejects: output.first_rejects,
        })
    }

    /// Rows that were not used, in words: of each fault the first. An input that has changed or gone since is said so;
    /// the tables stand without it.
    async fn notes(&self) -> Vec<Note> {
        let record = &self.run.record;
        let places = [
            (RowFault::Unplaced, "unplaced", record.facts.first_unplaced),
            (RowFault::BadPrice, "bad_price", self.first.bad_price),
            (RowFault::BadVolume, "bad_volume", self.first.bad_volume),
            (RowFault::GhostSession, "ghost_session", self.first.ghost_session),
            (RowFault::Duplicate, "duplicate", self.first.duplicate),
        ];
        let inputs = self.local.reading.inputs();
        let mut notes = Vec::new();
        for (fault, reason, place) in places {
            let Some(place) = place else { continue };
            let rule = record.spec.map.ticker_rule;
            let (place, why) = match describe(&inputs, &record.facts, rule, place, fault).await {
                Ok(row) => (row.place, row.why),
                Err(error) => {
                    let block = &record.facts.blocks[place.block as usize];
                    let file = record.facts.files[block.file as usize].uri.clone();
                    (file, format!("the row can no longer be shown: {error}"))
                }
            };
            let reason = reason.to_owned();
            notes.push(Note { reason, place, why });
        }
        notes
    }
}

/// What is known before the first table: above all, what any result file says of its origin.
fn head(id: RunId, record: &ScanRun) -> Head {
    let mut spec = record.spec.clone();
    spec.bars = mask(&spec.bars);
    spec.universe = spec.universe.map(|uri| mask(&uri));
    spec.joined.given_mut().for_each(|(_, uri)| *uri = mask(uri));
    let spec = String::from_utf8(canonical(&spec)).expect("JSON is UTF-8");
    let metadata = [
        ("tickfleet.run_id", id.to_string()),
        ("tickfleet.spec", spec),
        ("tickfleet.kernel_version", KERNEL_VERSION.to_owned()),
        ("tickfleet.input_digest", record.facts.input_digest().to_string()),
    ];
    Head {
        run: id,
        metadata: metadata.map(|(key, value)| (key.to_owned(), value)).into(),
        as_of: record.facts.as_of.clone(),
        unplaced_rows: record.facts.unplaced_rows_of_all(),
    }
}
