//! A table cut into ranges of symbols, and the rows of a range.
//!
//! One query counts the rows of each symbol; ranges hold whole symbols, in the order of UTF-8 bytes, so that a job reads
//! few of them. Rows come in the order of symbol and date: the same rows give the same bytes.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, pin_mut};
use tokio_postgres::types::ToSql;

use super::fault::DatabaseError;
use super::name::TableName;
use super::session::{self, Database, Session, timed};
use crate::data::columns::{BARS, find};

/// Rows of a range, unless one symbol has more.
const RANGE_ROWS: u64 = 65_536;
/// Most bytes of a range: a symbol with more rows than it holds has two a minute.
const RANGE_BYTES_MAX: usize = 1 << 30;
/// Types of the columns of a row, in the order of [`BARS`].
const TYPES: [&str; 8] = [
    "text", "date", "float8", "float8", "float8", "float8", "float8", "float8",
];

/// A range of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// Its name.
    pub name: TableName,
    /// Its rows when they were counted.
    pub rows: u64,
}

/// The ranges of a table, in the order of symbols.
///
/// # Errors
/// The table cannot be read, has no columns of bars, or rows without symbol or date.
pub async fn ranges(uri: &str) -> Result<Vec<Range>, crate::data::DataError> {
    let (name, database) = session::open(uri)?;
    let columns = Columns::of(&name, &database).await?;
    let counted = database.retried(|session| count(session, &name, &columns)).await?;
    if counted.is_empty() {
        return Err(DatabaseError::Empty { uri: name.to_string() }.into());
    }
    Ok(cut(&name, &counted))
}

/// The rows of a range in binary form.
///
/// # Errors
/// As [`ranges`].
pub async fn read(uri: &str) -> Result<Bytes, crate::data::DataError> {
    let (name, database) = session::open(uri)?;
    let columns = Columns::of(&name, &database).await?;
    let query = format!("COPY ({}) TO STDOUT (FORMAT binary)", columns.select(&name));
    Ok(database.retried(|session| copied(session, &name, &query)).await?)
}

/// Names of a table's columns.
async fn header(session: Session, name: &TableName) -> Result<(Session, Vec<String>), DatabaseError> {
    const QUERY: &str = "SELECT attname::text FROM pg_attribute \
                         WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    let database = session.database();
    let table = name.sql();
    let asked: [&(dyn ToSql + Sync); 1] = [&table];
    let rows = session.client().query(QUERY, &asked);
    let rows = timed(&database, "tell the table's columns", rows).await?;
    if rows.is_empty() {
        return Err(DatabaseError::NoTable { uri: name.to_string() });
    }
    let names = rows.iter().map(|row| row.get(0)).collect();
    Ok((session, names))
}

/// What stands for each column of bars in a query.
struct Columns {
    expressions: Vec<String>,
}

impl Columns {
    async fn of(name: &TableName, database: &Arc<Database>) -> Result<Self, crate::data::DataError> {
        let header = database.retried(|session| header(session, name)).await?;
        Self::find(name, &header)
    }

    fn find(name: &TableName, header: &[String]) -> Result<Self, crate::data::DataError> {
        let found = find("bars", &name.to_string(), &BARS, header)?;
        let expression = |(place, kind): (&Option<usize>, &str)| match place {
            Some(at) => format!("\"{}\"::{kind}", header[*at].replace('"', "\"\"")),
            None => format!("NULL::{kind}"),
        };
        let expressions = found.iter().zip(TYPES).map(expression).collect();
        Ok(Self { expressions })
    }

    /// The symbol, compared by its bytes.
    fn symbol(&self) -> String {
        format!("({}) COLLATE \"C\"", self.expressions[0])
    }

    /// The rows that a name means.
    fn within(&self, name: &TableName) -> String {
        let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let within = name.symbols().map(|(first, last)| {
            let symbol = self.symbol();
            format!(" WHERE {symbol} >= {} AND {symbol} <= {}", text(first), text(last))
        });
        format!("{}{}", name.sql(), within.unwrap_or_default())
    }

    fn select(&self, name: &TableName) -> String {
        let (columns, rows) = (self.expressions.join(", "), self.within(name));
        format!(
            "SELECT {columns} FROM {rows} ORDER BY {}, {}",
            self.symbol(),
            self.expressions[1]
        )
    }
}

/// Symbols, as spelled, with their rows.
async fn count(
    session: Session,
    name: &TableName,
    columns: &Columns,
) -> Result<(Session, Vec<(String, u64)>), DatabaseError> {
    let (symbol, date, rows) = (columns.symbol(), &columns.expressions[1], columns.within(name));
    let query =
        format!("SELECT {symbol}, count(*), count(*) FILTER (WHERE {date} IS NULL) FROM {rows} GROUP BY 1 ORDER BY 1");
    let database = session.database();
    let rows = session.client().query(&query, &[]);
    let rows = timed(&database, "count the table's rows", rows).await?;
    let (mut counted, mut keyless) = (Vec::with_capacity(rows.len()), 0i64);
    for row in &rows {
        let (symbol, count, undated): (Option<String>, i64, i64) = (row.get(0), row.get(1), row.get(2));
        match symbol {
            Some(symbol) => counted.push((symbol, u64::try_from(count).unwrap_or(0))),
            None => keyless += count,
        }
        keyless += undated;
    }
    if keyless > 0 {
        return Err(DatabaseError::NoKey {
            uri: name.to_string(),
            rows: keyless,
        });
    }
    Ok((session, counted))
}

fn cut(name: &TableName, counted: &[(String, u64)]) -> Vec<Range> {
    let mut ranges = Vec::new();
    let (mut first, mut rows) = (0, 0);
    for (at, (symbol, count)) in counted.iter().enumerate() {
        rows += count;
        if rows >= RANGE_ROWS || at + 1 == counted.len() {
            let name = name.range(&counted[first].0, symbol);
            ranges.push(Range { name, rows });
            (first, rows) = (at + 1, 0);
        }
    }
    ranges
}

async fn copied(session: Session, name: &TableName, query: &str) -> Result<(Session, Bytes), DatabaseError> {
    const READ: &str = "give the rows";
    let database = session.database();
    let rows = session.client().copy_out(query);
    let rows = timed(&database, READ, rows).await?;
    pin_mut!(rows);
    let mut bytes = BytesMut::new();
    while let Some(part) = timed(&database, READ, async { rows.next().await.transpose() }).await? {
        bytes.extend_from_slice(&part);
        if bytes.len() > RANGE_BYTES_MAX {
            let why = "a symbol has more rows than days";
            return Err(DatabaseError::Damaged {
                uri: name.to_string(),
                why,
            });
        }
    }
    Ok((session, bytes.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> TableName {
        TableName::parse("postgres://h/db?table=s.bars").unwrap().0
    }

    #[test]
    fn ranges_hold_whole_symbols() {
        let counted = |rows: &[u64]| -> Vec<(String, u64)> {
            let symbols = ('A'..).map(String::from);
            symbols.zip(rows.iter().copied()).collect()
        };
        let cut = |rows: &[u64]| -> Vec<(String, u64)> {
            let ranges = cut(&name(), &counted(rows));
            let show = |range: Range| {
                let (first, last) = range.name.symbols().unwrap();
                (format!("{first}-{last}"), range.rows)
            };
            ranges.into_iter().map(show).collect()
        };
        assert_eq!(cut(&[]), []);
        assert_eq!(cut(&[1, 2]), [("A-B".into(), 3)]);
        assert_eq!(cut(&[40_000, 40_000, 5]), [("A-B".into(), 80_000), ("C-C".into(), 5)]);
        assert_eq!(cut(&[100_000, 1]), [("A-A".into(), 100_000), ("B-B".into(), 1)]);
    }

    #[test]
    fn texts_in_queries_are_quoted() {
        let header = ["Ticker", "day", "o", "h", "l", "c", "v"].map(str::to_owned);
        let columns = Columns::find(&name(), &header).unwrap();
        let query = columns.select(&name().range("O'X", "O'Y"));
        for part in [r#""Ticker"::text"#, "NULL::float8", "'O''X'", r#"FROM "s"."bars""#] {
            assert!(query.contains(part), "{part} in {query}");
        }
    }
}
