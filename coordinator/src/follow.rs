//! Follows a run by its events until it ends; whoever comes late or leaves misses nothing that counts.

use std::time::{Duration, Instant};

use tickfleet_protocol::ids::{EventId, RunId};
use tickfleet_protocol::plan::{MAP, stage_name};
use tickfleet_runtime::broker::{Broker, BrokerError, ProgressKind, RunState};

use crate::events::{Event, Events};
use crate::view::progress::Snapshot;
use tickfleet_runtime::failure::{ExitStatus, Failure};

/// How long one look at the events waits.
const WAIT: Duration = Duration::from_secs(1);

/// Shows a run's progress until it ends, and says how it did.
///
/// # Errors
/// The broker does not answer, or no longer has the run.
pub async fn follow(broker: &dyn Broker, run: RunId, lanes: usize, events: &mut Events) -> Result<RunState, Failure> {
    let (mut after, mut stage) = (EventId::START, Stage::new());
    loop {
        let news = broker
            .events(run, after, WAIT)
            .await
            .map_err(|error| unanswered(&error))?;
        for (id, progress) in news {
            after = id;
            stage.take(&progress.kind);
            events.emit(&Event::Progress { run, what: &progress })?;
            // After each event, so that a stage's end is seen even if the next one opened meanwhile.
            events.progress(&stage.snapshot(lanes));
            if let ProgressKind::Ended { state } = progress.kind {
                return Ok(state);
            }
        }
        events.progress(&stage.snapshot(lanes));
    }
}

/// The stage that is open.
struct Stage {
    name: &'static str,
    done: u64,
    total: u64,
    retries: u64,
    since: Instant,
}

impl Stage {
    fn new() -> Self {
        Self {
            name: stage_name(MAP),
            done: 0,
            total: 0,
            retries: 0,
            since: Instant::now(),
        }
    }

    fn take(&mut self, kind: &ProgressKind) {
        match kind {
            ProgressKind::StageOpened { stage, jobs } => {
                let name = stage_name(u32::from(stage.0));
                *self = Self {
                    name,
                    total: *jobs,
                    retries: self.retries,
                    ..Self::new()
                };
            }
            ProgressKind::Committed { jobs, .. } => self.done += jobs,
            ProgressKind::Retried { .. } => self.retries += 1,
            _ => {}
        }
    }

    fn snapshot(&self, lanes: usize) -> Snapshot {
        Snapshot {
            stage: self.name.to_owned(),
            done: self.done,
            total: self.total,
            retries: self.retries,
            lanes: lanes as u64,
            elapsed: self.since.elapsed(),
        }
    }
}

fn unanswered(error: &BrokerError) -> Failure {
    Failure::from_error(ExitStatus::Unreachable, error)
}
