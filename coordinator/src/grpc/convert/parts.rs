//! Results in pieces: tables cut so that every message is small, and put together again, never more than a date's.

use arrow::record_batch::RecordBatch;
use bytes::{Bytes, BytesMut};
use thiserror::Error;
use tickfleet_proto::convert::{FirstRejects, WireError, invalid, parsed};
use tickfleet_proto::wire;
use tickfleet_proto::wire::results_reply::Part as WirePart;
use tickfleet_protocol::limits::MAX_RESULT_BYTES;
use tickfleet_runtime::tables::{TableError, decode, encode};

use crate::cluster::{DayTables, Head, Part};
use crate::grpc::limits::PIECE_BYTES;
use crate::report::Note;

/// The tables of a date, in the order in which they travel.
const TABLES: [wire::ResultTable; 4] = [
    wire::ResultTable::Ranked,
    wire::ResultTable::Scored,
    wire::ResultTable::Rejected,
    wire::ResultTable::Funnel,
];

/// Results that are not what they should be.
#[derive(Debug, Error)]
pub(crate) enum PartError {
    /// A message.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A message out of its order.
    #[error("the parts of the results came out of order")]
    Order,
    /// A table that grows and grows.
    #[error("a table is larger than {MAX_RESULT_BYTES} bytes")]
    TooLarge,
}

/// The messages of a part.
///
/// # Errors
/// A table can't be encoded.
pub(crate) fn pieces(part: Part) -> Result<Vec<wire::ResultsReply>, TableError> {
    let parts = match part {
        Part::Head(head) => vec![WirePart::Head(wire::ResultsHead {
            run: head.run.to_string(),
            metadata: head.metadata.into_iter().collect(),
            as_of: head.as_of,
            unplaced_rows: head.unplaced_rows,
        })],
        Part::Day(day) => of_day(&day)?,
        Part::Notes(notes) => {
            let note = |note: Note| wire::Note {
                reason: note.reason,
                place: note.place,
                why: note.why,
            };
            let notes = notes.into_iter().map(note).collect();
            vec![WirePart::Notes(wire::ResultsNotes { notes })]
        }
    };
    let reply = |part| wire::ResultsReply { part: Some(part) };
    Ok(parts.into_iter().map(reply).collect())
}

fn of_day(day: &DayTables) -> Result<Vec<WirePart>, TableError> {
    let mut parts = vec![WirePart::Day(wire::ResultsDay {
        date: u32::try_from(day.date).expect("dates of a run are numbered in 32 bits"),
        first_rejects: Some(day.first_rejects.into()),
    })];
    for (table, batch) in TABLES
        .into_iter()
        .zip([&day.ranked, &day.scored, &day.rejected, &day.funnel])
    {
        let bytes = encode(&batch.schema(), std::slice::from_ref(batch))?;
        let mut start = 0;
        while start < bytes.len() {
            let end = bytes.len().min(start + PIECE_BYTES);
            parts.push(WirePart::Piece(wire::TablePiece {
                table: table.into(),
                data: bytes.slice(start..end),
                is_last: end == bytes.len(),
            }));
            start = end;
        }
    }
    Ok(parts)
}

/// Puts parts together again.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    day: Option<(usize, FirstRejects)>,
    /// Tables of the open date that are complete.
    tables: Vec<RecordBatch>,
    /// Bytes of the table that is not.
    pending: BytesMut,
}

impl Assembly {
    /// Takes the next message; gives the part that it completes.
    ///
    /// # Errors
    /// What is no part, or comes when it should not.
    pub(crate) fn take(&mut self, reply: wire::ResultsReply) -> Result<Option<Part>, PartError> {
        let part = reply.part.ok_or_else(|| invalid("ResultsReply", "part"))?;
        match part {
            WirePart::Piece(piece) => self.piece(&piece),
            _ if self.day.is_some() => Err(PartError::Order),
            WirePart::Head(head) => Ok(Some(Part::Head(Head {
                run: parsed("ResultsHead", "run", &head.run)?,
                metadata: head.metadata.into_iter().collect(),
                as_of: head.as_of,
                unplaced_rows: head.unplaced_rows,
            }))),
            WirePart::Day(day) => {
                let date = usize::try_from(day.date).map_err(|_| invalid("ResultsDay", "date"))?;
                self.day = Some((date, day.first_rejects.unwrap_or_default().into()));
                Ok(None)
            }
            WirePart::Notes(notes) => {
                let note = |note: wire::Note| Note {
                    reason: note.reason,
                    place: note.place,
                    why: note.why,
                };
                Ok(Some(Part::Notes(notes.notes.into_iter().map(note).collect())))
            }
        }
    }

    fn piece(&mut self, piece: &wire::TablePiece) -> Result<Option<Part>, PartError> {
        let expected = TABLES[self.tables.len()];
        let Some((date, first_rejects)) = self.day.filter(|_| piece.table == i32::from(expected)) else {
            return Err(PartError::Order);
        };
        if self.pending.len() + piece.data.len() > MAX_RESULT_BYTES {
            return Err(PartError::TooLarge);
        }
        self.pending.extend_from_slice(&piece.data);
        if !piece.is_last {
            return Ok(None);
        }
        let whole: Bytes = self.pending.split().freeze();
        self.tables.push(decode(&whole)?);
        if self.tables.len() < TABLES.len() {
            return Ok(None);
        }
        self.day = None;
        let mut tables = std::mem::take(&mut self.tables).into_iter();
        let mut table = || tables.next().ok_or(PartError::Order);
        Ok(Some(Part::Day(Box::new(DayTables {
            date,
            ranked: table()?,
            scored: table()?,
            rejected: table()?,
            funnel: table()?,
            first_rejects,
        }))))
    }
}
