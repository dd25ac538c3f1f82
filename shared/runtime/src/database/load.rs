//! Bars into a table: block by block, each in a transaction with a line in a ledger, so that a load that was killed goes
//! on where it was, and one that is done again changes nothing.
//!
//! A block's rows go by COPY into a temporary table and from there into the target, where the last row of a symbol and
//! date wins. Every row that is read is counted once: inserted, updated, unchanged, or rejected for a reason.

use std::ops::AddAssign;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::SinkExt;
use serde::Serialize;
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_protocol::digest::{Digest, Digester};
use tickfleet_protocol::facts::BlockPart;
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use super::fault::DatabaseError;
use super::name::TableName;
use super::session::{self, Database, Session, timed};
use super::wire::{self, RowCells};
use crate::data::DataError;
use crate::data::file::StoredFile;
use crate::data::inputs::{BarFile, Block, Inputs, Want};
use crate::pool::Pool;

/// Bytes of rows that are sent at a time.
const CHUNK_BYTES: usize = 1 << 20;
/// What the ledger is called.
const LEDGER: &str = "tickfleet_loads";
/// The lock that parts loads from each other.
const LOCK: i64 = 0x7469_636b_666c_6565;

/// What became of the rows of a load, or of a block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rows that were read: the sum of all others.
    pub read: u64,
    /// New in the table.
    pub inserted: u64,
    /// In place of another row of their symbol and date.
    pub updated: u64,
    /// There already.
    pub unchanged: u64,
    /// Without symbol or date.
    pub unplaced: u64,
    /// With a price that is missing, not finite or not positive.
    pub bad_price: u64,
    /// With a volume that is missing, not finite or negative.
    pub bad_volume: u64,
    /// Followed in their block by another valid row of their symbol and date.
    pub duplicate: u64,
}

impl Counts {
    /// Rows that are in the table now.
    #[must_use]
    pub fn loaded(&self) -> u64 {
        self.inserted + self.updated + self.unchanged
    }

    fn columns(&self) -> [i64; 8] {
        let all = [
            self.read,
            self.inserted,
            self.updated,
            self.unchanged,
            self.unplaced,
            self.bad_price,
            self.bad_volume,
            self.duplicate,
        ];
        all.map(|count| i64::try_from(count).expect("a block has fewer than 2^32 rows"))
    }

    fn of_columns(columns: [i64; 8]) -> Self {
        let count = |at: usize| u64::try_from(columns[at]).unwrap_or(0);
        Self {
            read: count(0),
            inserted: count(1),
            updated: count(2),
            unchanged: count(3),
            unplaced: count(4),
            bad_price: count(5),
            bad_volume: count(6),
            duplicate: count(7),
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        let (mine, others) = (self.columns(), other.columns());
        *self = Self::of_columns(std::array::from_fn(|at| mine[at] + others[at]));
    }
}

/// A load that came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// The table, without secrets.
    pub table: String,
    /// Whether it is a hypertable of TimescaleDB.
    pub is_hypertable: bool,
    /// Blocks that an earlier load, which did not come to its end, had done.
    pub resumed_blocks: u64,
    /// Rows, those of the earlier load among them.
    #[serde(flatten)]
    pub rows: Counts,
}

/// Loads files of bars into a table, which is made where it is not there. `progress` hears of the rows after each block,
/// and of rows in all, which is 0 where only reading tells.
///
/// # Errors
/// A file that cannot be read; a database that does not take the rows. What was loaded stays, and the same load goes on
/// from there.
pub async fn load(
    inputs: &Arc<Inputs>,
    pool: &Pool,
    files: Vec<StoredFile>,
    to: &str,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Loaded, DataError> {
    let (table, database) = session::open(to)?;
    let id = load_id(&table, &files);
    let mut open = Vec::with_capacity(files.len());
    for file in files {
        open.push(inputs.bars(file).await?);
    }
    let total = open.iter().map(|file| file.rows()).sum::<Option<u64>>().unwrap_or(0);
    let is_hypertable = database.retried(|session| prepare(session, &table)).await?;
    let mut load = Load {
        inputs,
        pool,
        database,
        table,
        id,
        next: 0,
        resumed_blocks: 0,
        rows: Counts::default(),
    };
    for file in &open {
        match file.as_ref() {
            BarFile::Parquet(parquet) => {
                for group in 0..u32::try_from(parquet.groups()).expect("row groups are numbered in 32 bits") {
                    load.block(file, BlockPart::RowGroup(group), None).await?;
                    progress(load.rows.read, total);
                }
            }
            BarFile::Table(_) => load.block(file, BlockPart::RowGroup(0), None).await?,
            BarFile::Text(text) => {
                let mut blocks = text.blocks();
                while let Some((part, bytes)) = blocks.next().await? {
                    load.block(file, part, Some(bytes)).await?;
                    progress(load.rows.read, total);
                }
            }
        }
        progress(load.rows.read, total);
    }
    load.database.retried(|session| settle(session, &load.id)).await?;
    Ok(Loaded {
        table: load.table.to_string(),
        is_hypertable,
        resumed_blocks: load.resumed_blocks,
        rows: load.rows,
    })
}

struct Load<'a> {
    inputs: &'a Arc<Inputs>,
    pool: &'a Pool,
    database: Arc<Database>,
    table: TableName,
    id: String,
    next: i64,
    resumed_blocks: u64,
    rows: Counts,
}

impl Load<'_> {
    async fn block(&mut self, file: &Arc<BarFile>, part: BlockPart, text: Option<Bytes>) -> Result<(), DataError> {
        let ordinal = self.next;
        self.next += 1;
        let known = self.database.retried(|session| in_ledger(session, &self.id, ordinal)).await?;
        if let Some(rows) = known {
            self.resumed_blocks += 1;
            self.rows += rows;
            return Ok(());
        }
        // Symbols go in as they are spelled: which spellings are one symbol is the scan's to say.
        let rule = TickerRule::Any;
        let fetched = match (text, file.as_ref()) {
            (Some(text), _) => self.inputs.fetched_text(file.clone(), part, rule, text),
            (None, BarFile::Table(_)) => self.inputs.fetch(file.clone(), part, rule, Want::Survey).await?,
            (None, _) => self.inputs.fetch(file.clone(), part, rule, Want::All).await?,
        };
        let (inputs, uri) = (self.inputs.clone(), file.file().facts.uri.clone());
        let decoded = self.pool.run(move || inputs.decode(&fetched)).await;
        let block = decoded.map_err(|error| DataError::Panicked {
            uri,
            message: error.to_string(),
        })??;
        let valid = Valid::of(&block);
        let into = Into {
            table: &self.table,
            id: &self.id,
            ordinal,
        };
        let names = self.inputs;
        let written = self.database.retried(|session| write(session, &into, &block, &valid, names)).await?;
        self.rows += written;
        Ok(())
    }
}

/// Which rows of a block go into the table, and why the others do not.
struct Valid {
    /// (row, number of its symbol), in row order.
    rows: Vec<(u32, u32)>,
    counts: Counts,
}

impl Valid {
    fn of(block: &Block) -> Self {
        let keys = &block.keys;
        let prices = block.prices.as_ref().expect("a load reads prices");
        let mut counts = Counts {
            read: keys.rows() as u64,
            unplaced: (keys.rows() - keys.placed()) as u64,
            ..Counts::default()
        };
        let mut rows = Vec::with_capacity(keys.placed());
        for run in &keys.runs {
            for row in run.start..run.end {
                let at = row as usize;
                let ohlc = [prices.open[at], prices.high[at], prices.low[at], prices.close[at]];
                let volume = keys.volume[at];
                if !ohlc.iter().all(|price| price.is_finite() && *price > 0.0) {
                    counts.bad_price += 1;
                } else if !(volume.is_finite() && volume >= 0.0) {
                    counts.bad_volume += 1;
                } else {
                    rows.push((row, run.name));
                }
            }
        }
        rows.sort_unstable();
        Self { rows, counts }
    }
}

/// Where a block goes.
struct Into<'a> {
    table: &'a TableName,
    id: &'a str,
    ordinal: i64,
}

/// The same files into the same table are the same load.
fn load_id(table: &TableName, files: &[StoredFile]) -> String {
    let mut digester = Digester::new("load of bars");
    digester.part(table.to_string().as_bytes());
    for file in files {
        digester.part(file.facts.uri.as_bytes());
        digester.part(file.facts.version.as_bytes());
        digester.part(&file.facts.size.to_le_bytes());
    }
    let digest: Digest = digester.finish();
    digest.to_string()
}

/// Makes the table and the ledger where they are not there, and says whether the table is a hypertable.
async fn prepare(mut session: Session, table: &TableName) -> Result<(Session, bool), DatabaseError> {
    let (database, sql) = (session.database(), table.sql());
    let asked = "make the table";
    let transaction = timed(&database, asked, session.client_mut().transaction()).await?;
    let lock = transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]);
    timed(&database, asked, lock).await?;
    let is_new = "SELECT to_regclass($1) IS NULL";
    let is_new: bool = timed(&database, asked, transaction.query_one(is_new, &[&sql])).await?.get(0);
    let make = format!(
        "CREATE TABLE IF NOT EXISTS {sql} (\
         symbol text COLLATE \"C\" NOT NULL, date date NOT NULL, \
         open float8 NOT NULL, high float8 NOT NULL, low float8 NOT NULL, close float8 NOT NULL, \
         volume float8 NOT NULL, adj_close float8, PRIMARY KEY (symbol, date)); \
         CREATE TABLE IF NOT EXISTS {LEDGER} (\
         load text NOT NULL, block bigint NOT NULL, rows bigint[] NOT NULL, \
         loaded_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (load, block))"
    );
    timed(&database, asked, transaction.batch_execute(&make)).await?;
    let extension = "SELECT count(*) > 0 FROM pg_extension WHERE extname = 'timescaledb'";
    let is_timescale: bool = timed(&database, asked, transaction.query_one(extension, &[])).await?.get(0);
    let mut is_hypertable = false;
    if is_timescale && is_new {
        let make = "SELECT create_hypertable($1::text::regclass, 'date', \
                    chunk_time_interval => INTERVAL '1 year', if_not_exists => true)";
        timed(&database, "make a hypertable", transaction.execute(make, &[&sql])).await?;
        is_hypertable = true;
    } else if is_timescale {
        let known = "SELECT count(*) > 0 FROM timescaledb_information.hypertables \
                     WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = $1::text::regclass";
        is_hypertable = timed(&database, asked, transaction.query_one(known, &[&sql])).await?.get(0);
    }
    timed(&database, asked, transaction.commit()).await?;
    Ok((session, is_hypertable))
}

async fn in_ledger(session: Session, id: &str, ordinal: i64) -> Result<(Session, Option<Counts>), DatabaseError> {
    let database = session.database();
    let query = format!("SELECT rows FROM {LEDGER} WHERE load = $1 AND block = $2");
    let asked: [&(dyn ToSql + Sync); 2] = [&id, &ordinal];
    let found = timed(&database, "read the ledger of loads", session.client().query_opt(&query, &asked)).await?;
    Ok((session, found.as_ref().and_then(counts_of)))
}

fn counts_of(row: &tokio_postgres::Row) -> Option<Counts> {
    let columns: Vec<i64> = row.try_get(0).ok()?;
    Some(Counts::of_columns(columns.try_into().ok()?))
}

/// The load is done: its lines in the ledger have served.
async fn settle(session: Session, id: &str) -> Result<(Session, ()), DatabaseError> {
    let database = session.database();
    let query = format!("DELETE FROM {LEDGER} WHERE load = $1");
    let asked: [&(dyn ToSql + Sync); 1] = [&id];
    timed(&database, "settle the ledger of loads", session.client().execute(&query, &asked)).await?;
    Ok((session, ()))
}

/// Writes a block and its line in the ledger, both or neither.
async fn write(
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
    let known = timed(&database, "read the ledger of loads", transaction.query_opt(&query, &asked)).await?;
    if let Some(rows) = known.as_ref().and_then(counts_of) {
        timed(&database, "end a transaction", transaction.rollback()).await?;
        return Ok((session, rows));
    }
    copy(&database, &transaction, block, valid, inputs).await?;
    let counts = merge(&database, &transaction, into.table, valid.counts).await?;
    let line = format!("INSERT INTO {LEDGER} (load, block, rows) VALUES ($1, $2, $3)");
    let columns = counts.columns().to_vec();
    let asked: [&(dyn ToSql + Sync); 3] = [&into.id, &into.ordinal, &columns];
    timed(&database, "write the ledger of loads", transaction.execute(&line, &asked)).await?;
    timed(&database, "commit the rows", transaction.commit()).await?;
    Ok((session, counts))
}

/// Sends the rows into a temporary table.
async fn copy(
    database: &Database,
    transaction: &Transaction<'_>,
    block: &Block,
    valid: &Valid,
    inputs: &Inputs,
) -> Result<(), DatabaseError> {
    const TAKE: &str = "take the rows";
    let make = "CREATE TEMPORARY TABLE IF NOT EXISTS tickfleet_rows (ordinal bigint, symbol text, date date, \
                open float8, high float8, low float8, close float8, volume float8, adj_close float8) \
                ON COMMIT DELETE ROWS";
    timed(database, TAKE, transaction.batch_execute(make)).await?;
    let sink = transaction.copy_in("COPY tickfleet_rows FROM STDIN (FORMAT binary)");
    let mut sink = Box::pin(timed(database, TAKE, sink).await?);
    let prices = block.prices.as_ref().expect("a load reads prices");
    let mut chunk = BytesMut::with_capacity(CHUNK_BYTES + 256);
    wire::begin(&mut chunk);
    for rows in valid.rows.chunk_by(|a, b| a.1 == b.1) {
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
    mut counts: Counts,
) -> Result<Counts, DatabaseError> {
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
    (counts.inserted, counts.updated, counts.unchanged) = (of(1), of(2), of(3));
    counts.duplicate = of(0).saturating_sub(counts.loaded());
    let columns = "symbol, date, open, high, low, close, volume, adj_close";
    let merge = format!(
        "INSERT INTO {table} AS t ({columns}) SELECT {columns} FROM ({last}) n \
         ON CONFLICT (symbol, date) DO UPDATE SET open = excluded.open, high = excluded.high, low = excluded.low, \
         close = excluded.close, volume = excluded.volume, adj_close = excluded.adj_close WHERE {there} \
         IS DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, \
         excluded.adj_close)"
    );
    timed(database, MERGE, transaction.execute(&merge, &[])).await?;
    Ok(counts)
}
