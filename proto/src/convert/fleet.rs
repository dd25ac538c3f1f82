//! Workers, and where a run's jobs are, on the wire.

use tickfleet_protocol::fleet::{WorkerCard, WorkerEntry};
use tickfleet_protocol::ids::Millis;
use tickfleet_protocol::state::Census;

use super::{WireError, parsed};
use crate::wire;

impl From<&WorkerEntry> for wire::Worker {
    fn from(entry: &WorkerEntry) -> Self {
        let card = &entry.card;
        Self {
            id: card.id.to_string(),
            kinds: card.kinds.iter().map(ToString::to_string).collect(),
            host: card.host.clone(),
            pid: card.pid,
            version: card.version.clone(),
            cores: card.cores,
            performance_cores: card.performance_cores,
            efficiency_cores: card.efficiency_cores,
            lanes: card.lanes,
            memory_bytes: card.memory_bytes,
            started_at_ms: card.started_at.0,
            is_draining: card.is_draining,
            jobs: card.jobs.iter().map(ToString::to_string).collect(),
            held: card.held,
            done: card.done,
            failed: card.failed,
            seen_at_ms: entry.seen_at.0,
            is_told_to_drain: entry.is_told_to_drain,
        }
    }
}

impl TryFrom<wire::Worker> for WorkerEntry {
    type Error = WireError;

    fn try_from(wire: wire::Worker) -> Result<Self, WireError> {
        const MESSAGE: &str = "Worker";
        let kind = |kind: &String| parsed(MESSAGE, "kinds", kind);
        let job = |job: &String| parsed(MESSAGE, "jobs", job);
        let card = WorkerCard {
            id: parsed(MESSAGE, "id", &wire.id)?,
            kinds: wire.kinds.iter().map(kind).collect::<Result<_, _>>()?,
            host: wire.host,
            pid: wire.pid,
            version: wire.version,
            cores: wire.cores,
            performance_cores: wire.performance_cores,
            efficiency_cores: wire.efficiency_cores,
            lanes: wire.lanes,
            memory_bytes: wire.memory_bytes,
            started_at: Millis(wire.started_at_ms),
            is_draining: wire.is_draining,
            jobs: wire.jobs.iter().map(job).collect::<Result<_, _>>()?,
            held: wire.held,
            done: wire.done,
            failed: wire.failed,
        };
        Ok(Self {
            card,
            seen_at: Millis(wire.seen_at_ms),
            is_told_to_drain: wire.is_told_to_drain,
        })
    }
}

impl From<Census> for wire::Census {
    fn from(census: Census) -> Self {
        Self {
            unfed: census.unfed,
            ready: census.ready,
            claimed: census.claimed,
            delayed: census.delayed,
            dead: census.dead,
            done: census.done,
        }
    }
}

impl From<wire::Census> for Census {
    fn from(wire: wire::Census) -> Self {
        Self {
            unfed: wire.unfed,
            ready: wire.ready,
            claimed: wire.claimed,
            delayed: wire.delayed,
            dead: wire.dead,
            done: wire.done,
        }
    }
}
