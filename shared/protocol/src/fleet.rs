//! What the cluster knows of its workers: the card that each one renews while it lives.
//!
//! Plain data, and [`Registry`], which says for how long it counts. A card that is no longer renewed expires; no job hangs
//! on it, only what people see.

mod registry;

pub use registry::Registry;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{JobKind, JobRef, Millis, WorkerId},
    limits::{MAX_CARD_JOBS, MAX_KINDS, MAX_NAME_BYTES, OutOfBounds, check_bounds},
};

/// A worker, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerCard {
    /// Its name in claims.
    pub id: WorkerId,
    /// What it can compute.
    pub kinds: Vec<JobKind>,
    /// Name of its machine.
    pub host: String,
    /// Its process.
    pub pid: u32,
    /// Version of the program.
    pub version: String,
    /// Cores that it may use.
    pub cores: u32,
    /// Performance cores among them, where the machine tells.
    pub performance_cores: Option<u32>,
    /// Efficiency cores among them, where the machine tells.
    pub efficiency_cores: Option<u32>,
    /// Jobs that it computes side by side.
    pub lanes: u32,
    /// Memory that it may use, bytes.
    pub memory_bytes: u64,
    /// When it joined, by the clock of its machine.
    pub started_at: Millis,
    /// Whether it claims nothing more.
    pub is_draining: bool,
    /// Jobs that it holds, at most [`crate::limits::MAX_CARD_JOBS`] of them.
    pub jobs: Vec<JobRef>,
    /// Jobs that it holds.
    pub held: u64,
    /// Jobs that it has committed since it joined.
    pub done: u64,
    /// Failures that it has reported since it joined.
    pub failed: u64,
}

impl WorkerCard {
    /// Holds what could be long against its bounds.
    pub fn check(&self) -> Result<(), OutOfBounds> {
        let name = |what, text: &str| check_bounds(what, text.len() as u64, 0, MAX_NAME_BYTES as u64);
        name("the worker's host in bytes", &self.host)?;
        name("the worker's version in bytes", &self.version)?;
        check_bounds("the worker's kinds", self.kinds.len() as u64, 0, MAX_KINDS as u64)?;
        check_bounds("the jobs on a card", self.jobs.len() as u64, 0, MAX_CARD_JOBS as u64)
    }
}

/// A worker as the cluster sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerEntry {
    /// Its newest card.
    #[serde(flatten)]
    pub card: WorkerCard,
    /// When the card came, by the broker's clock.
    pub seen_at: Millis,
    /// Whether it was told to drain.
    pub is_told_to_drain: bool,
}

/// What a worker is told when it shows its card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// Claim nothing more, finish or hand back what is held, and end.
    pub drain: bool,
}
