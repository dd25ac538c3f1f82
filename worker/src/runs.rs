//! The runs that a worker has met: each record is fetched and read once, however many jobs of it are claimed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tickfleet_protocol::ids::{Millis, RunId};
use tickfleet_runtime::broker::{Broker, RunRecord};
use tickfleet_runtime::telemetry::delivery::RunTrace;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::backoff::persist;
use crate::error::JobError;
use crate::jobs::Run;

/// Runs that a worker remembers; the one that was not asked for longest makes room, and is fetched again.
const RUNS_MAX: usize = 64;

/// The runs that a worker has met.
#[derive(Debug, Default)]
pub struct Runs {
    remembered: Mutex<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    /// Each with the number of the question that was the last for it.
    runs: HashMap<RunId, (u64, Arc<OnceCell<Known>>)>,
    questions: u64,
}

/// A run that a worker has met.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its record, read.
    pub run: Run,
    /// What the spans of its jobs have in common.
    pub(crate) trace: Arc<RunTrace>,
    /// When it was submitted.
    pub(crate) submitted_at: Millis,
}

impl Known {
    fn read(record: RunRecord) -> Result<Self, JobError> {
        let RunRecord { summary, payload } = record;
        Ok(Self {
            run: Run::decode(&summary.kind, payload)?,
            trace: Arc::new(RunTrace::new(summary.run, summary.kind, summary.trace.as_deref())),
            submitted_at: summary.submitted_at,
        })
    }
}

/// Why there is no run.
enum Missing {
    /// The broker does not have it, or no longer.
    Gone,
    Failed(JobError),
}

impl Runs {
    /// A run, from memory or from the broker, which is asked at most `tries` times. `None` when the broker no longer has it.
    ///
    /// # Errors
    /// The broker, or a record of another version.
    pub async fn get(
        &self,
        broker: &dyn Broker,
        run: RunId,
        tries: u32,
        cut: &CancellationToken,
    ) -> Result<Option<Known>, JobError> {
        let cell = self.cell(run);
        let read = async || {
            let (record, _) = persist("run", tries, cut, || broker.run(run)).await.map_err(failed)?;
            let record = record.ok_or(Missing::Gone)?;
            // A large record takes a while to read: that is nothing for a thread that moves bytes.
            let read = tokio::task::spawn_blocking(move || Known::read(record)).await;
            read.map_err(failed)?.map_err(Missing::Failed)
        };
        match cell.get_or_try_init(read).await {
            Ok(known) => Ok(Some(known.clone())),
            Err(Missing::Gone) => Ok(None),
            Err(Missing::Failed(error)) => Err(error),
        }
    }

    fn cell(&self, run: RunId) -> Arc<OnceCell<Known>> {
        // The map is plain data, valid after any panic.
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let Remembered { runs, questions } = &mut *remembered;
        *questions += 1;
        if runs.len() >= RUNS_MAX && !runs.contains_key(&run) {
            let oldest = runs.iter().min_by_key(|(_, (asked, _))| *asked).map(|(run, _)| *run);
            oldest.and_then(|oldest| runs.remove(&oldest));
        }
        let (asked, cell) = runs.entry(run).or_default();
        *asked = *questions;
        Arc::clone(cell)
    }
}

fn failed(error: impl Into<JobError>) -> Missing {
    Missing::Failed(error.into())
}
