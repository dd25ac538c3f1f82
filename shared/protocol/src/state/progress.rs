//! What can be seen of a run from outside: its state, its counts, and the events of its history.
//!
//! Plain data: nothing here decides. Read next: [`super::Queue`].

use serde::{Deserialize, Serialize};

use crate::{
    ids::{Digest, IdempotencyKey, JobKind, JobRef, Millis, RunId, StageIndex},
    state::DeadCause,
};

/// Where a run is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Its jobs are fed and computed.
    Running,
    /// Every job of every stage is done.
    Succeeded,
    /// Some jobs are dead and nothing else of their stage is left to do, or too many are dead. Later stages never
    /// opened. Replaying the dead letters sets it running again.
    Failed,
    /// Someone cancelled it.
    Cancelled,
    /// Its deadline passed first.
    DeadlineExceeded,
}

impl RunState {
    /// Whether the run is over.
    pub const fn is_ended(self) -> bool {
        !matches!(self, Self::Running)
    }
}

/// The counts of one stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCounts {
    /// Jobs it has.
    pub total: u64,
    /// Jobs delivered at least once.
    pub fed: u64,
    /// Jobs committed.
    pub done: u64,
    /// Jobs given up.
    pub failed: u64,
}

/// The counts of a run over all its stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Jobs it has.
    pub total: u64,
    /// Jobs committed.
    pub done: u64,
    /// Jobs given up.
    pub failed: u64,
}

/// A run without its payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Its id.
    pub run: RunId,
    /// The key it was submitted under.
    pub key: IdempotencyKey,
    /// The digest it was submitted with.
    pub digest: Digest,
    /// What its workers must be able to compute.
    pub kind: JobKind,
    /// The W3C `traceparent` it was submitted under.
    pub trace: Option<String>,
    /// Where it is in its life.
    pub state: RunState,
    /// The stage whose jobs are fed; once it succeeded, the last.
    pub open_stage: StageIndex,
    /// Counts by stage, in order.
    pub stages: Vec<StageCounts>,
    /// Its share of the workers against other runs.
    pub weight: u32,
    /// When it is given up, if ever.
    pub deadline: Option<Millis>,
    /// When it was submitted.
    pub submitted_at: Millis,
    /// When it ended, if it has.
    pub ended_at: Option<Millis>,
}

impl RunSummary {
    /// The sums over its stages.
    pub fn counts(&self) -> Counts {
        self.stages.iter().fold(Counts::default(), |sum, stage| Counts {
            total: sum.total + stage.total,
            done: sum.done + stage.done,
            failed: sum.failed + stage.failed,
        })
    }
}

/// One event of a run's history. The counts are those after it, so whoever reads only the last one is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// When, by the broker's clock.
    #[serde(rename = "at_ms")]
    pub at: Millis,
    /// The run's counts after it.
    pub counts: Counts,
    /// What happened.
    #[serde(flatten)]
    pub kind: ProgressKind,
}

/// What happened to a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum ProgressKind {
    /// It was accepted.
    Submitted,
    /// The jobs of a stage can now be claimed.
    StageOpened {
        /// The stage.
        stage: StageIndex,
        /// Its number of jobs.
        jobs: u64,
    },
    /// Jobs were committed, in one step.
    Committed {
        /// Their stage.
        stage: StageIndex,
        /// How many.
        jobs: u64,
    },
    /// A job failed and is tried again.
    Retried {
        /// The job.
        job: JobRef,
        /// Its failures so far.
        attempts: u32,
        /// When it is tried again.
        retry_at: Millis,
        /// The failure in words.
        reason: String,
    },
    /// A job's lease ended: its worker is taken for dead and the job runs again.
    LeaseExpired {
        /// The job.
        job: JobRef,
        /// Workers that died holding it so far.
        kills: u32,
    },
    /// A job was given up.
    DeadLettered {
        /// The job.
        job: JobRef,
        /// The rule that gave it up.
        cause: DeadCause,
        /// The last failure in words.
        reason: String,
    },
    /// Dead letters were made ready again.
    Replayed {
        /// How many.
        jobs: u64,
    },
    /// The run is over.
    Ended {
        /// How it ended; never [`RunState::Running`].
        state: RunState,
    },
}
