//! Submissions, their answers, audits and the cluster's state on the wire.

use tickfleet_proto::convert::{WireError, invalid, parsed};
use tickfleet_proto::wire;
use tickfleet_protocol::identity::canonical;
use tickfleet_protocol::limits::MAX_TRACE_BYTES;
use tickfleet_runtime::broker::{Audit, AuditFault, Durability};

use crate::cluster::{Accepted, Opening, Request, Status};

impl From<&Request> for wire::SubmitRequest {
    fn from(request: &Request) -> Self {
        Self {
            spec: String::from_utf8(canonical(&request.spec)).expect("JSON is UTF-8"),
            shard_size: request
                .shard_size
                .map_or(0, |size| u32::try_from(size).unwrap_or(u32::MAX)),
            key: request.key.to_string(),
            weight: request.weight,
            durability: durability_to_wire(request.durability),
            traceparent: request.trace.clone().unwrap_or_default(),
        }
    }
}

impl TryFrom<wire::SubmitRequest> for Request {
    type Error = WireError;

    fn try_from(wire: wire::SubmitRequest) -> Result<Self, WireError> {
        const MESSAGE: &str = "SubmitRequest";
        if wire.traceparent.len() > MAX_TRACE_BYTES {
            return Err(invalid(MESSAGE, "traceparent"));
        }
        Ok(Self {
            spec: serde_json::from_str(&wire.spec).map_err(WireError::Spec)?,
            shard_size: usize::try_from(wire.shard_size).ok().filter(|&size| size > 0),
            key: parsed(MESSAGE, "key", &wire.key)?,
            weight: wire.weight,
            durability: durability_from_wire(MESSAGE, wire.durability)?,
            trace: Some(wire.traceparent).filter(|trace| !trace.is_empty()),
        })
    }
}

fn durability_to_wire(durability: Durability) -> i32 {
    match durability {
        Durability::Memory => wire::Durability::Memory,
        Durability::Logged => wire::Durability::Logged,
        Durability::Replicated => wire::Durability::Replicated,
    }
    .into()
}

fn durability_from_wire(message: &'static str, durability: i32) -> Result<Durability, WireError> {
    Ok(match wire::Durability::try_from(durability) {
        Ok(wire::Durability::Memory) => Durability::Memory,
        Ok(wire::Durability::Logged) => Durability::Logged,
        Ok(wire::Durability::Replicated) => Durability::Replicated,
        Ok(wire::Durability::Unspecified) | Err(_) => return Err(invalid(message, "durability")),
    })
}

impl From<Opening> for wire::Opening {
    fn from(Opening { done, total }: Opening) -> Self {
        Self { done, total }
    }
}

impl From<wire::Opening> for Opening {
    fn from(wire::Opening { done, total }: wire::Opening) -> Self {
        Self { done, total }
    }
}

impl From<Accepted> for wire::Accepted {
    fn from(accepted: Accepted) -> Self {
        Self {
            run: accepted.run.to_string(),
            created: accepted.created,
            durability: durability_to_wire(accepted.durability),
            stages: accepted.stages,
            notices: accepted.notices,
        }
    }
}

impl TryFrom<wire::Accepted> for Accepted {
    type Error = WireError;

    fn try_from(wire: wire::Accepted) -> Result<Self, WireError> {
        const MESSAGE: &str = "Accepted";
        Ok(Self {
            run: parsed(MESSAGE, "run", &wire.run)?,
            created: wire.created,
            durability: durability_from_wire(MESSAGE, wire.durability)?,
            stages: wire.stages,
            notices: wire.notices,
        })
    }
}

/// An audit on the wire.
pub(crate) fn audit_to_wire(audit: &Audit) -> wire::AuditReply {
    let fault = |fault: &AuditFault| wire::AuditFault {
        job: fault.job.map(|job| job.to_string()).unwrap_or_default(),
        what: fault.what.clone(),
        is_mended: fault.is_mended,
    };
    wire::AuditReply {
        run: audit.run.to_string(),
        census: Some(audit.census.into()),
        faults: audit.faults.iter().map(fault).collect(),
        unlisted: audit.unlisted,
    }
}

/// An audit from the wire.
pub(crate) fn audit_from_wire(wire: wire::AuditReply) -> Result<Audit, WireError> {
    const MESSAGE: &str = "AuditReply";
    let fault = |fault: wire::AuditFault| {
        let job = match fault.job.as_str() {
            "" => None,
            job => Some(parsed(MESSAGE, "job", job)?),
        };
        Ok(AuditFault {
            job,
            what: fault.what,
            is_mended: fault.is_mended,
        })
    };
    Ok(Audit {
        run: parsed(MESSAGE, "run", &wire.run)?,
        census: wire.census.unwrap_or_default().into(),
        faults: wire.faults.into_iter().map(fault).collect::<Result<_, _>>()?,
        unlisted: wire.unlisted,
    })
}

impl From<Status> for wire::StatusReply {
    fn from(status: Status) -> Self {
        Self {
            version: status.version,
            broker: status.broker,
            advice: status.advice,
            workers: status.workers,
            lanes: status.lanes,
            running: status.running,
            runs: status.runs,
            backlog: status.backlog,
            dead: status.dead,
        }
    }
}

impl From<wire::StatusReply> for Status {
    fn from(wire: wire::StatusReply) -> Self {
        Self {
            version: wire.version,
            broker: wire.broker,
            advice: wire.advice,
            workers: wire.workers,
            lanes: wire.lanes,
            running: wire.running,
            runs: wire.runs,
            backlog: wire.backlog,
            dead: wire.dead,
        }
    }
}
