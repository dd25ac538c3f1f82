//! Bars into a table: block by block, each in a transaction with a line in a ledger, so that a load that was killed goes
//! on where it was, and one that is done again changes nothing.
//!
//! A block's rows go by COPY into a temporary table and from there into the target, where the last row of a symbol and
//! date wins. Every row that is read is counted once: inserted, updated, unchanged, or rejected for a reason.

mod counts;
mod merge;

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use tickfleet_kernels::scan::options::TickerRule;
use tickfleet_protocol::digest::{Digest, Digester};
use tickfleet_protocol::facts::BlockPart;
use tokio_postgres::types::ToSql;

pub use self::counts::Counts;

use self::counts::{Valid, counts_of};
use self::merge::{Into, write};
use super::fault::DatabaseError;
use super::name::TableName;
use super::session::{self, Database, Session, timed};
use crate::data::DataError;
use crate::data::file::StoredFile;
use crate::data::inputs::{BarFile, Inputs, Want};
use crate::pool::Pool;

/// What the ledger is called.
const LEDGER: &str = "tickfleet_loads";
/// The lock that parts loads from each other.
const LOCK: i64 = 0x7469_636b_666c_6565;

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
        let known = self
            .database
            .retried(|session| in_ledger(session, &self.id, ordinal))
            .await?;
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
        let written = self
            .database
            .retried(|session| write(session, &into, &block, &valid, names))
            .await?;
        self.rows += written;
        Ok(())
    }
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
    let is_new: bool = timed(&database, asked, transaction.query_one(is_new, &[&sql]))
        .await?
        .get(0);
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
    let is_timescale: bool = timed(&database, asked, transaction.query_one(extension, &[]))
        .await?
        .get(0);
    let mut is_hypertable = false;
    if is_timescale && is_new {
        let make = "SELECT create_hypertable($1::text::regclass, 'date', \
                    chunk_time_interval => INTERVAL '1 year', if_not_exists => true)";
        timed(&database, "make a hypertable", transaction.execute(make, &[&sql])).await?;
        is_hypertable = true;
    } else if is_timescale {
        let known = "SELECT count(*) > 0 FROM timescaledb_information.hypertables \
                     WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = $1::text::regclass";
        is_hypertable = timed(&database, asked, transaction.query_one(known, &[&sql]))
            .await?
            .get(0);
    }
    timed(&database, asked, transaction.commit()).await?;
    Ok((session, is_hypertable))
}

async fn in_ledger(session: Session, id: &str, ordinal: i64) -> Result<(Session, Option<Counts>), DatabaseError> {
    let database = session.database();
    let query = format!("SELECT rows FROM {LEDGER} WHERE load = $1 AND block = $2");
    let asked: [&(dyn ToSql + Sync); 2] = [&id, &ordinal];
    let found = timed(
        &database,
        "read the ledger of loads",
        session.client().query_opt(&query, &asked),
    )
    .await?;
    Ok((session, found.as_ref().and_then(counts_of)))
}

/// The load is done: its lines in the ledger have served.
async fn settle(session: Session, id: &str) -> Result<(Session, ()), DatabaseError> {
    let database = session.database();
    let query = format!("DELETE FROM {LEDGER} WHERE load = $1");
    let asked: [&(dyn ToSql + Sync); 1] = [&id];
    timed(
        &database,
        "settle the ledger of loads",
        session.client().execute(&query, &asked),
    )
    .await?;
    Ok((session, ()))
}
