//! Rows before a run's end on the wire and back.

use tickfleet_kernels::scan::provisional::ProvisionalRow;
use tickfleet_kernels::scan::score::Signal;
use tickfleet_proto::convert::{WireError, invalid};
use tickfleet_proto::wire;

use crate::cluster::{PROVISIONAL_ROWS_MAX, ProvisionalDay};

const MESSAGE: &str = "ProvisionalDay";

/// Each signal and its name on the wire.
const SIGNALS: [(Signal, wire::Signal); 5] = [
    (Signal::StrongShort, wire::Signal::StrongShort),
    (Signal::Short, wire::Signal::Short),
    (Signal::Avoid, wire::Signal::Avoid),
    (Signal::Long, wire::Signal::Long),
    (Signal::StrongLong, wire::Signal::StrongLong),
];

impl From<ProvisionalDay> for wire::ProvisionalDay {
    fn from(day: ProvisionalDay) -> Self {
        Self {
            as_of: day.as_of,
            done: day.done,
            total: day.total,
            rows: day.rows.into_iter().map(row_to_wire).collect(),
        }
    }
}

impl TryFrom<wire::ProvisionalDay> for ProvisionalDay {
    type Error = WireError;

    fn try_from(wire: wire::ProvisionalDay) -> Result<Self, WireError> {
        if wire.rows.len() > PROVISIONAL_ROWS_MAX {
            return Err(invalid(MESSAGE, "rows"));
        }
        let rows: Result<_, WireError> = wire.rows.into_iter().map(row_from_wire).collect();
        Ok(Self {
            as_of: wire.as_of,
            done: wire.done,
            total: wire.total,
            rows: rows?,
        })
    }
}

fn row_to_wire(row: ProvisionalRow) -> wire::ProvisionalRow {
    let signal = SIGNALS.into_iter().find(|(signal, _)| *signal == row.signal);
    wire::ProvisionalRow {
        symbol: row.symbol,
        signal: signal.map_or(wire::Signal::Unspecified, |(_, wire)| wire).into(),
        tech_rating: row.tech_rating,
        close: row.close,
    }
}

fn row_from_wire(wire: wire::ProvisionalRow) -> Result<ProvisionalRow, WireError> {
    let signal = SIGNALS.into_iter().find(|(_, named)| *named == wire.signal());
    let is_finite = wire.tech_rating.is_finite() && wire.close.is_finite();
    if !is_finite {
        return Err(invalid(MESSAGE, "rows"));
    }
    Ok(ProvisionalRow {
        signal: signal.ok_or_else(|| invalid(MESSAGE, "signal"))?.0,
        symbol: wire.symbol,
        tech_rating: wire.tech_rating,
        close: wire.close,
    })
}
