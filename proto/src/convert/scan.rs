//! A scan's record and the results of its jobs on the wire.

use bytes::Bytes;
use prost::Message;
use tickfleet_protocol::facts::{RowPlace, ScanFacts};
use tickfleet_protocol::identity::canonical;
use tickfleet_protocol::plan::Sharding;
use tickfleet_protocol::spec::scan::ScanSpec;

use super::{WireError, invalid};
use crate::wire;

/// What a scan's record holds: enough for any worker to plan and compute its jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanRun {
    /// What was asked for.
    pub spec: ScanSpec,
    /// What was found.
    pub facts: ScanFacts,
    /// How it is cut.
    pub sharding: Sharding,
}

/// The first row, in input order, that was dropped for each reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FirstRejects {
    /// A price is missing or not positive.
    pub bad_price: Option<RowPlace>,
    /// The volume is missing or negative.
    pub bad_volume: Option<RowPlace>,
    /// The date is no session.
    pub ghost_session: Option<RowPlace>,
    /// A later valid row has the same key.
    pub duplicate: Option<RowPlace>,
}

/// What a map job publishes.
#[derive(Debug, Clone, PartialEq)]
pub struct MapOutput {
    /// Arrow IPC file: one record batch per as-of date of the job.
    pub rows: Bytes,
    /// First dropped rows of the job's symbols.
    pub first_rejects: FirstRejects,
}

/// What a reduce job publishes: Arrow IPC files of one record batch each.
#[derive(Debug, Clone, PartialEq)]
pub struct ReduceOutput {
    /// Scored rows that have a rank, by rank.
    pub ranked: Bytes,
    /// Scored rows.
    pub scored: Bytes,
    /// Rejected symbols.
    pub rejected: Bytes,
    /// The funnel.
    pub funnel: Bytes,
    /// First dropped rows of the date's symbols.
    pub first_rejects: FirstRejects,
}

impl ScanRun {
    /// As wire bytes.
    pub fn encode(&self) -> Bytes {
        let spec = String::from_utf8(canonical(&self.spec)).expect("JSON is UTF-8");
        let sharding = wire::Sharding {
            symbols: self.sharding.symbols.unwrap_or_default(),
            dates: self.sharding.dates.unwrap_or_default(),
        };
        wire::ScanRun {
            spec,
            facts: Some((&self.facts).into()),
            sharding: Some(sharding),
        }
        .encode_to_vec()
        .into()
    }

    /// From wire bytes, checked.
    ///
    /// # Errors
    /// Bytes of another kind or version, and facts that contradict themselves.
    pub fn decode(bytes: Bytes) -> Result<Self, WireError> {
        const MESSAGE: &str = "ScanRun";
        let wire = wire::ScanRun::decode(bytes).map_err(|source| WireError::Decode {
            message: MESSAGE,
            source,
        })?;
        let sharding = wire.sharding.unwrap_or_default();
        Ok(Self {
            spec: serde_json::from_str(&wire.spec).map_err(WireError::Spec)?,
            facts: wire.facts.ok_or_else(|| invalid(MESSAGE, "facts"))?.try_into()?,
            sharding: Sharding {
                symbols: Some(sharding.symbols).filter(|&most| most > 0),
                dates: Some(sharding.dates).filter(|&most| most > 0),
            },
        })
    }
}

impl FirstRejects {
    /// The earlier of each, in input order.
    pub fn merge(self, other: Self) -> Self {
        let first = |a: Option<RowPlace>, b: Option<RowPlace>| a.into_iter().chain(b).min();
        Self {
            bad_price: first(self.bad_price, other.bad_price),
            bad_volume: first(self.bad_volume, other.bad_volume),
            ghost_session: first(self.ghost_session, other.ghost_session),
            duplicate: first(self.duplicate, other.duplicate),
        }
    }
}

impl MapOutput {
    /// As wire bytes.
    pub fn encode(&self) -> Bytes {
        let first_rejects = Some(self.first_rejects.into());
        wire::MapResult {
            rows: self.rows.clone(),
            first_rejects,
        }
        .encode_to_vec()
        .into()
    }

    /// From wire bytes; the rows share their memory.
    ///
    /// # Errors
    /// Bytes of another kind.
    pub fn decode(bytes: Bytes) -> Result<Self, WireError> {
        let decoded = wire::MapResult::decode(bytes);
        let wire = decoded.map_err(|source| WireError::Decode {
            message: "MapResult",
            source,
        })?;
        Ok(Self {
            rows: wire.rows,
            first_rejects: wire.first_rejects.unwrap_or_default().into(),
        })
    }
}

impl ReduceOutput {
    /// As wire bytes.
    pub fn encode(&self) -> Bytes {
        let wire = wire::ReduceResult {
            ranked: self.ranked.clone(),
            scored: self.scored.clone(),
            rejected: self.rejected.clone(),
            funnel: self.funnel.clone(),
            first_rejects: Some(self.first_rejects.into()),
        };
        wire.encode_to_vec().into()
    }

    /// From wire bytes; the tables share their memory.
    ///
    /// # Errors
    /// Bytes of another kind.
    pub fn decode(bytes: Bytes) -> Result<Self, WireError> {
        let decoded = wire::ReduceResult::decode(bytes);
        let wire = decoded.map_err(|source| WireError::Decode {
            message: "ReduceResult",
            source,
        })?;
        Ok(Self {
            ranked: wire.ranked,
            scored: wire.scored,
            rejected: wire.rejected,
            funnel: wire.funnel,
            first_rejects: wire.first_rejects.unwrap_or_default().into(),
        })
    }
}

impl From<FirstRejects> for wire::FirstRejects {
    fn from(first: FirstRejects) -> Self {
        Self {
            bad_price: first.bad_price.map(Into::into),
            bad_volume: first.bad_volume.map(Into::into),
            ghost_session: first.ghost_session.map(Into::into),
            duplicate: first.duplicate.map(Into::into),
        }
    }
}

impl From<wire::FirstRejects> for FirstRejects {
    fn from(wire: wire::FirstRejects) -> Self {
        Self {
            bad_price: wire.bad_price.map(Into::into),
            bad_volume: wire.bad_volume.map(Into::into),
            ghost_session: wire.ghost_session.map(Into::into),
            duplicate: wire.duplicate.map(Into::into),
        }
    }
}
