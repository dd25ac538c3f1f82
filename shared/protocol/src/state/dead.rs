//! Replay and drop: what becomes of dead letters when someone has looked at them.

use super::{
    ProgressKind, RunState,
    queue::{Queue, sealed::Apply},
    run::{Run, Strikes},
};
use crate::ids::{JobIndex, Millis, RunId};

/// Makes dead jobs available again with clean counters, and sets a failed run running.
#[derive(Clone, Copy, Debug)]
pub struct ReplayDead<'a> {
    /// The run.
    pub run: RunId,
    /// Which jobs of the open stage; `None` for all that are dead. Those that are not dead are passed over.
    pub jobs: Option<&'a [JobIndex]>,
}

/// Why dead letters could not be replayed or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeadError {
    /// There is no such run.
    #[error("there is no such run")]
    UnknownRun,
    /// The run is over, and not by failing.
    #[error("the run is over")]
    RunOver,
}

impl Apply for ReplayDead<'_> {
    type Outcome = Result<u64, DeadError>;

    fn apply(self, queue: &mut Queue, now: Millis) -> Self::Outcome {
        let run = queue.runs.get_mut(&self.run).ok_or(DeadError::UnknownRun)?;
        let is_late = run.terms.deadline.is_some_and(|deadline| deadline <= now);
        if !matches!(run.state, RunState::Running | RunState::Failed) || is_late {
            return Err(DeadError::RunOver);
        }
        let indexes = run.dead_among(self.jobs);
        if indexes.is_empty() {
            return Ok(0);
        }
        if run.state == RunState::Failed {
            run.reopen();
        }
        for index in &indexes {
            run.dead.remove(index);
            run.ready.insert(*index, Strikes::default());
        }
        let jobs = indexes.len() as u64;
        run.stage_mut().failed -= jobs;
        run.note(ProgressKind::Replayed { jobs }, now);
        queue.settle(self.run);
        Ok(jobs)
    }
}

/// Drops dead letters: the jobs stay failed for good.
#[derive(Clone, Copy, Debug)]
pub struct DropDead<'a> {
    /// The run.
    pub run: RunId,
    /// Which jobs of the open stage; `None` for all that are dead. Those that are not dead are passed over.
    pub jobs: Option<&'a [JobIndex]>,
}

impl Apply for DropDead<'_> {
    type Outcome = Result<u64, DeadError>;

    fn apply(self, queue: &mut Queue, _: Millis) -> Self::Outcome {
        let run = queue.runs.get_mut(&self.run).ok_or(DeadError::UnknownRun)?;
        let indexes = run.dead_among(self.jobs);
        for index in &indexes {
            run.dead.remove(index);
            run.dropped.insert(*index);
        }
        Ok(indexes.len() as u64)
    }
}

impl Run {
    /// The dead jobs among those named, each once.
    fn dead_among(&self, jobs: Option<&[JobIndex]>) -> Vec<u64> {
        let Some(jobs) = jobs else {
            return self.dead.keys().copied().collect();
        };
        let mut indexes: Vec<u64> = jobs
            .iter()
            .map(|job| job.0)
            .filter(|index| self.dead.contains_key(index))
            .collect();
        indexes.sort_unstable();
        indexes.dedup();
        indexes
    }

    /// Sets a failed run running again. Claims that were open when it failed were lost with it, so their jobs are ready.
    fn reopen(&mut self) {
        self.state = RunState::Running;
        self.ended_at = None;
        self.leases.clear();
        let orphans = std::mem::take(&mut self.claims);
        self.ready
            .extend(orphans.into_iter().map(|(index, claim)| (index, claim.strikes)));
    }
}
