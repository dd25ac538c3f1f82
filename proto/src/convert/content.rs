//! The record that finds a map result by the content of its rows.

use bytes::Bytes;
use prost::Message;
use tickfleet_kernels::scan::hygiene::RejectKind;
use tickfleet_protocol::ids::Identity;

use super::{WireError, invalid};
use crate::wire;

/// A row that a map job dropped, named so that the name does not hang on where the row lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RejectedRow {
    /// Ordinal of its symbol in the job.
    pub symbol: u32,
    /// Ordinal among the symbol's rows, by date and then input order.
    pub row: u32,
    /// Why it was dropped.
    pub reason: RejectKind,
}

/// A map result by content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapContent {
    /// Identity of the result that was computed.
    pub identity: Identity,
    /// Rows that were dropped, up to the last as-of date.
    pub rejects: Vec<RejectedRow>,
}

const MESSAGE: &str = "MapContent";
/// Reasons by their number on the wire.
const REASONS: [RejectKind; 4] = [
    RejectKind::BadPrice,
    RejectKind::BadVolume,
    RejectKind::GhostSession,
    RejectKind::Duplicate,
];

impl MapContent {
    /// As wire bytes.
    pub fn encode(&self) -> Bytes {
        let rejects = || self.rejects.iter();
        let number = |reason: RejectKind| match reason {
            RejectKind::BadPrice => 0,
            RejectKind::BadVolume => 1,
            RejectKind::GhostSession => 2,
            RejectKind::Duplicate => 3,
        };
        let wire = wire::MapContent {
            identity: Bytes::copy_from_slice(&self.identity.0),
            symbols: rejects().map(|reject| reject.symbol).collect(),
            rows: rejects().map(|reject| reject.row).collect(),
            reasons: rejects().map(|reject| number(reject.reason)).collect(),
        };
        wire.encode_to_vec().into()
    }

    /// From wire bytes, checked.
    ///
    /// # Errors
    /// Bytes of another kind, columns of different lengths, unknown reasons.
    pub fn decode(bytes: Bytes) -> Result<Self, WireError> {
        let wire = wire::MapContent::decode(bytes).map_err(|source| WireError::Decode {
            message: MESSAGE,
            source,
        })?;
        let identity = <[u8; 32]>::try_from(wire.identity.as_ref()).map_err(|_| invalid(MESSAGE, "identity"))?;
        if wire.symbols.len() != wire.rows.len() || wire.rows.len() != wire.reasons.len() {
            return Err(invalid(MESSAGE, "rows"));
        }
        let places = wire.symbols.into_iter().zip(wire.rows);
        let rejects = places.zip(wire.reasons).map(|((symbol, row), reason)| {
            let reason = usize::try_from(reason).ok().and_then(|at| REASONS.get(at));
            Some(RejectedRow {
                symbol,
                row,
                reason: *reason?,
            })
        });
        Ok(Self {
            identity: Identity(identity),
            rejects: rejects
                .collect::<Option<_>>()
                .ok_or_else(|| invalid(MESSAGE, "reasons"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_go_there_and_back_and_contradictions_are_refused() {
        let rejects = REASONS.iter().zip(0..).map(|(&reason, n)| RejectedRow {
            symbol: n,
            row: 1_000 * n,
            reason,
        });
        let record = MapContent {
            identity: Identity([7; 32]),
            rejects: rejects.collect(),
        };
        assert_eq!(MapContent::decode(record.encode()).unwrap(), record);
        let good = || wire::MapContent::decode(record.encode()).unwrap();
        let bad = [
            wire::MapContent {
                identity: Bytes::from_static(b"short"),
                ..good()
            },
            wire::MapContent {
                rows: vec![1],
                ..good()
            },
            wire::MapContent {
                reasons: vec![0, 1, 2, 4],
                ..good()
            },
        ];
        for wire in bad {
            assert!(MapContent::decode(wire.encode_to_vec().into()).is_err(), "{wire:?}");
        }
        assert!(MapContent::decode(Bytes::from_static(b"\xff")).is_err());
    }
}
