//! What is passed to and handed back by a [`Broker`](super::Broker): requests and records, no behaviour.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tickfleet_protocol::{
    ids::{Digest, IdempotencyKey, Identity, JobKind, JobRef, Millis, RunId, Token, WorkerId},
    retry::RetryPolicy,
    state::{Census, Held, RunSummary},
};

/// How safe an accepted run is, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// In the memory of one process or server: lost if that dies.
    Memory,
    /// Written to the server's append-only file.
    Logged,
    /// Acknowledged by a replica.
    Replicated,
}

/// A run to submit.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The same key and digest give the same run; the same key with another digest is refused.
    pub key: IdempotencyKey,
    /// Hash of what is asked for.
    pub digest: Digest,
    /// What its workers must be able to compute.
    pub kind: JobKind,
    /// The W3C `traceparent` that its spans belong under, at most
    /// [`MAX_TRACE_BYTES`](tickfleet_protocol::limits::MAX_TRACE_BYTES).
    pub trace: Option<String>,
    /// What workers need to plan jobs (canonical spec, catalog facts); opaque here, at most
    /// [`MAX_PAYLOAD_BYTES`](tickfleet_protocol::limits::MAX_PAYLOAD_BYTES).
    pub payload: Bytes,
    /// Number of jobs of each stage, in order: 1 to [`MAX_STAGES`](tickfleet_protocol::limits::MAX_STAGES) stages,
    /// [`MAX_JOBS_PER_RUN`](tickfleet_protocol::limits::MAX_JOBS_PER_RUN) jobs together.
    pub stages: Vec<u64>,
    /// Share of the workers against other runs, 1 to [`MAX_WEIGHT`](tickfleet_protocol::limits::MAX_WEIGHT).
    pub weight: u32,
    /// When to give it up, by the broker's clock.
    pub deadline: Option<Millis>,
    /// How its jobs are tried again.
    pub retry: RetryPolicy,
    /// How safe it should be before the call returns.
    pub durability: Durability,
}

/// An accepted run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its id.
    pub run: RunId,
    /// Whether this call made it; false where the key was known.
    pub created: bool,
    /// How safe it is now. May be less than was asked for; the caller decides whether that will do.
    pub durability: Durability,
}

/// A worker's wish for jobs.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// Who asks.
    pub worker: WorkerId,
    /// What it can compute: jobs of other kinds are left to others. 1 to
    /// [`MAX_KINDS`](tickfleet_protocol::limits::MAX_KINDS).
    pub kinds: Vec<JobKind>,
    /// How many jobs at most, 1 to [`MAX_CLAIMS_PER_CALL`](tickfleet_protocol::limits::MAX_CLAIMS_PER_CALL).
    pub max: usize,
    /// How long the claims live without a beat, in milliseconds, from
    /// [`MIN_LEASE_MS`](tickfleet_protocol::limits::MIN_LEASE_MS) to
    /// [`MAX_LEASE_MS`](tickfleet_protocol::limits::MAX_LEASE_MS).
    pub lease_ms: u64,
    /// How long to wait for a first job, at most [`MAX_WAIT_MS`](tickfleet_protocol::limits::MAX_WAIT_MS);
    /// zero does not wait.
    pub wait: Duration,
}

/// A computed job.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The job.
    pub job: JobRef,
    /// The token it is held by.
    pub token: Token,
    /// The identity of its result.
    pub identity: Identity,
    /// The result, at most [`MAX_RESULT_BYTES`](tickfleet_protocol::limits::MAX_RESULT_BYTES); `None` says that it
    /// is stored under the identity already.
    pub result: Option<Bytes>,
}

impl Commit {
    /// The claim that it ends.
    pub const fn held(&self) -> Held {
        Held {
            job: self.job,
            token: self.token,
        }
    }
}

/// A job that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The job.
    pub job: JobRef,
    /// The token it is held by.
    pub token: Token,
    /// What went wrong, for people; cut at [`MAX_REASON_BYTES`](tickfleet_protocol::limits::MAX_REASON_BYTES).
    pub reason: String,
    /// Whether trying again can help.
    pub retryable: bool,
}

impl Failure {
    /// The claim that it ends.
    pub const fn held(&self) -> Held {
        Held {
            job: self.job,
            token: self.token,
        }
    }
}

/// What an audit of a run found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// The run.
    pub run: RunId,
    /// Where its jobs are.
    pub census: Census,
    /// What is not as it should be, at most [`MAX_AUDIT_FAULTS`](tickfleet_protocol::limits::MAX_AUDIT_FAULTS).
    pub faults: Vec<AuditFault>,
    /// Faults beyond those listed.
    pub unlisted: u64,
}

/// Something that is not as it should be: a job in no place or in two, a counter that disagrees, an index without its
/// entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFault {
    /// The job, where it is about one.
    pub job: Option<JobRef>,
    /// What is wrong, in words.
    pub what: String,
    /// Whether this audit mended it.
    pub is_mended: bool,
}

/// What a sweep found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// What is not as it should be, at most [`MAX_AUDIT_FAULTS`](tickfleet_protocol::limits::MAX_AUDIT_FAULTS).
    pub faults: Vec<AuditFault>,
    /// Faults beyond those listed.
    pub unlisted: u64,
}

/// A run with all that workers and followers need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// State and counts.
    pub summary: RunSummary,
    /// The payload it was submitted with.
    pub payload: Bytes,
}
