//! A block's rows into the table, in one transaction with its line in the ledger.

use bytes::BytesMut;
use futures::SinkExt;
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use super::counts::{Counts, Valid, counts_of};
use super::{LEDGER, LOCK};
use crate::data::inputs::{Block, Inputs};
use crate::database::fault::DatabaseError;
use crate::database::name::TableName;
use crate::database::session::{Database, Session, timed};
use crate::database::wire::{self, RowCells};

/// Bytes of rows that are sent at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// Rows that are merged with one statement: each has an answer in seconds, whatever the size of a block.
const PIECE_ROWS: usize = 1 << 17;

/// Where a block goes.
pub(super) struct Into<'a> {
    /// The table.
    pub(super) table: &'a TableName,
    /// The load.
    pub(super) id: &'a str,
    /// The block, counted over all files.
    pub(super) ordinal: i64,
}

/// Writes a block and its line in the ledger, both or neither.
pub(super) async fn write(
    mut session: Session,
    into: &Into<'_>,
    block: &Block,
    valid: &Valid,
    inputs: &Inputs,
) -> Result<(Session, Counts), DatabaseError> {
    let database = session.database();
    let transaction = timed(&database, "begin a transaction", session.client_mut().transaction()).await?;
    let lock = transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]);
    timed(&database, "wait for other loads", lock).await?;
    // An answer that was lost may have been a commit, and another process may be at the same load.
    let query = format!("SELECT rows FROM {LEDGER} WHERE load = $1 AND block = $2");
    let asked: [&(dyn ToSql + Sync); 2] = [&into.id, &into.ordinal];
    let known = timed(
        &database,
        "read the ledger of loads",
        transaction.query_opt(&query, &asked),
    )
    .await?;
    if let Some(rows) = known.as_ref().and_then(counts_of) {
        timed(&database, "end a transaction", transaction.rollback()).await?;
        return Ok((session, rows));
    }
    let mut counts = valid.counts;
    for rows in valid.rows.chunks(PIECE_ROWS) {
        copy(&database, &transaction, block, rows, inputs).await?;
        merge(&database, &transaction, into.table, &mut counts).await?;
    }
    let line = format!("INSERT INTO {LEDGER} (load, block, rows) VALUES ($1, $2, $3)");
    let columns = counts.columns().to_vec();
    let asked: [&(dyn ToSql + Sync); 3] = [&into.id, &into.ordinal, &columns];
    timed(
        &database,
        "write the ledger of loads",
        transaction.execute(&line, &asked),
    )
    .await?;
    timed(&database, "commit the rows", transaction.commit()).await?;
    Ok((session, counts))
}

/// Sends the rows into a temporary table.
async fn copy(
    database: &Database,
    transaction: &Transaction<'_>,
    block: &Block,
    rows: &[(u32, u32)],
    inputs: &Inputs,
) -> Result<(), DatabaseError> {
    const TAKE: &str = "take the rows";
    let make = "CREATE TEMPORARY TABLE IF NOT EXISTS tickfleet_rows (ordinal bigint, symbol text, date date, \
                open float8, high float8, low float8, close float8, volume float8, adj_close float8) \
                ON COMMIT DELETE ROWS; TRUNCATE tickfleet_rows";
    timed(database, TAKE, transaction.batch_execute(make)).await?;
    let sink = transaction.copy_in("COPY tickfleet_rows FROM STDIN (FORMAT binary)");
    let mut sink = Box::pin(timed(database, TAKE, sink).await?);
    let prices = block.prices.as_ref().expect("a load reads prices");
    let mut chunk = BytesMut::with_capacity(CHUNK_BYTES + 256);
    wire::begin(&mut chunk);
    for rows in rows.chunk_by(|a, b| a.1 == b.1) {
        let symbol = inputs.names().name(rows[0].1);
        for &(row, _) in rows {
            let at = row as usize;
            let number = |value: f64| value.is_finite().then_some(value);
            let adjusted = prices.adj_close.as_ref().and_then(|values| number(values[at]));
            let cells = RowCells {
                symbol: &symbol,
                day: block.keys.days[at],
                numbers: [
                    number(prices.open[at]),
                    number(prices.high[at]),
                    number(prices.low[at]),
                    number(prices.close[at]),
                    number(block.keys.volume[at]),
                    adjusted,
                ],
            };
            wire::put(&mut chunk, i64::from(row), &cells);
            if chunk.len() >= CHUNK_BYTES {
                timed(database, TAKE, sink.send(chunk.split().freeze())).await?;
            }
        }
    }
    wire::end(&mut chunk);
    timed(database, TAKE, sink.send(chunk.freeze())).await?;
    timed(database, TAKE, sink.as_mut().finish()).await.map(drop)
}

/// Brings the temporary rows into the table, the last of each symbol and date.
async fn merge(
    database: &Database,
    transaction: &Transaction<'_>,
    table: &TableName,
    counts: &mut Counts,
) -> Result<(), DatabaseError> {
    const MERGE: &str = "merge the rows";
    let table = table.sql();
    let last = "SELECT DISTINCT ON (symbol COLLATE \"C\", date) * FROM tickfleet_rows \
                ORDER BY symbol COLLATE \"C\", date, ordinal DESC";
    let there = "(t.open, t.high, t.low, t.close, t.volume, t.adj_close)";
    let new = "(n.open, n.high, n.low, n.close, n.volume, n.adj_close)";
    let count = format!(
        "SELECT (SELECT count(*) FROM tickfleet_rows), count(*) FILTER (WHERE t.symbol IS NULL), \
         count(*) FILTER (WHERE t.symbol IS NOT NULL AND {there} IS DISTINCT FROM {new}), \
         count(*) FILTER (WHERE t.symbol IS NOT NULL AND {there} IS NOT DISTINCT FROM {new}) \
         FROM ({last}) n LEFT JOIN {table} t ON t.symbol = n.symbol AND t.date = n.date"
    );
    let row = timed(database, MERGE, transaction.query_one(&count, &[])).await?;
    let of = |at: usize| u64::try_from(row.get::<_, i64>(at)).unwrap_or(0);
    let (inserted, updated, unchanged) = (of(1), of(2), of(3));
    counts.duplicate += of(0).saturating_sub(inserted + updated + unchanged);
    counts.inserted += inserted;
    counts.updated += updated;
    counts.unchanged += unchanged;
    let columns = "symbol, date, open, high, low, close, volume, adj_close";
    let merge = format!(
        "INSERT INTO {table} AS t ({columns}) SELECT {columns} FROM ({last}) n \
         ON CONFLICT (symbol, date) DO UPDATE SET open = excluded.open, high = excluded.high, low = excluded.low, \
         close = excluded.close, volume = excluded.volume, adj_close = excluded.adj_close WHERE {there} \
         IS DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, \
         excluded.adj_close)"
    );
    timed(database, MERGE, transaction.execute(&merge, &[])).await.map(drop)
}
