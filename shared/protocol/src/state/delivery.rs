//! What passes between a queue and a worker: claims, and the outcomes of what a worker reports about them.
//!
//! Plain data: nothing here decides. Read next: [`super::Queue`].

use serde::{Deserialize, Serialize};

use crate::ids::{JobRef, Millis, Token, WorkerId};

/// A job and the token it is held by: what every write about a claim names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Held {
    /// The job.
    pub job: JobRef,
    /// The token of the delivery.
    pub token: Token,
}

/// One delivery of a job to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The job to compute.
    pub job: JobRef,
    /// Fresh for this delivery.
    pub token: Token,
    /// Failures of its own that the job had before.
    pub attempts: u32,
    /// Workers that died holding it before.
    pub kills: u32,
    /// It has killed workers often enough that it must run alone, in a process that may die.
    pub solo: bool,
    /// When the claim ends unless it is renewed, by the broker's clock.
    pub lease_until: Millis,
}

impl Claim {
    /// The name of this claim in later calls.
    pub const fn held(&self) -> Held {
        Held {
            job: self.job,
            token: self.token,
        }
    }
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommitOutcome {
    /// The job is now done, by this commit.
    Committed,
    /// The job was done before: by an earlier try of this very commit, or by another worker.
    AlreadyDone,
    /// The token is not live: the lease ended, the run ended, or the token never was. The run is
    /// as it was.
    Lost,
    /// The commit named a stored result, and there is none. The claim is still live: compute it.
    ResultMissing,
}

/// What became of a reported failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailOutcome {
    /// It is tried again, not before this moment.
    Retry {
        /// By the broker's clock.
        at: Millis,
    },
    /// It is in the dead letters.
    Dead,
    /// The token is not live: nothing was recorded.
    Lost,
}

/// Why a job was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadCause {
    /// It failed as often as the run allows.
    AttemptsExhausted,
    /// It failed in a way that trying again can't mend.
    NotRetryable,
    /// As many workers died holding it as the run allows.
    WorkersLost,
}

/// A job that was given up, kept until it is replayed or dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The job.
    pub job: JobRef,
    /// The rule that gave it up.
    pub cause: DeadCause,
    /// The last failure in words, cut at [`crate::limits::MAX_REASON_BYTES`].
    pub reason: String,
    /// The worker that held it last.
    pub worker: WorkerId,
    /// Failures of its own.
    pub attempts: u32,
    /// Workers that died holding it.
    pub kills: u32,
    /// When it was given up.
    pub at: Millis,
}
