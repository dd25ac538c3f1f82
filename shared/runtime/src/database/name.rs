//! Names of tables: `postgres://user@host:5432/db?table=daily_bars`.
//!
//! A password in a name is taken once, for this process, and is in no name that is shown or sent: [`fmt::Display`] has
//! none. A range of a table's symbols is a name too (`&from=A&to=C`), so that facts can name it as they name a file.

use std::fmt;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::fault::DatabaseError;
use crate::settings::mask;

/// The table where none is named.
const TABLE: &str = "daily_bars";

/// Whether a name is of a database.
#[must_use]
pub fn is_database(uri: &str) -> bool {
    uri.starts_with("postgres://") || uri.starts_with("postgresql://")
}

/// A table of a database, or the rows of some of its symbols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// `postgres://user@host:5432/db`, with `?sslmode=` where one is named.
    database: String,
    table: String,
    symbols: Option<(String, String)>,
}

impl TableName {
    /// Reads a name, and gives how to connect, with the password where the name has one.
    ///
    /// # Errors
    /// [`DatabaseError::Name`].
    pub fn parse(uri: &str) -> Result<(Self, Config), DatabaseError> {
        let bad = |why: &str| DatabaseError::Name {
            uri: mask(uri),
            why: why.to_owned(),
        };
        let (base, query) = uri.split_once('?').unwrap_or((uri, ""));
        // What the client says of a name it cannot read may repeat it.
        let mut config = Config::from_str(base).map_err(|_| bad("it is no URL of a database"))?;
        let [host] = config.get_hosts() else {
            return Err(bad("it names no host, or several"));
        };
        let host = match host {
            Host::Tcp(host) => host.clone(),
            Host::Unix(path) => escaped(&path.to_string_lossy()),
        };
        let database = config.get_dbname().filter(|name| !name.is_empty());
        let database = escaped(database.ok_or_else(|| bad("it names no database"))?);
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let user = config.get_user().map(|user| format!("{}@", escaped(user)));
        let mut name = Self {
            database: format!("postgres://{}{host}:{port}/{database}", user.unwrap_or_default()),
            table: TABLE.to_owned(),
            symbols: None,
        };
        let (mut from, mut to) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| bad("a parameter has no value"))?;
            let value = unescaped(value).ok_or_else(|| bad("a parameter is not UTF-8"))?;
            match key {
                "table" => name.table = value,
                "from" => from = Some(value),
                "to" => to = Some(value),
                "sslmode" => {
                    config.ssl_mode(match value.as_str() {
                        "disable" => SslMode::Disable,
                        "prefer" => SslMode::Prefer,
                        "require" | "verify-full" => SslMode::Require,
                        _ => return Err(bad("sslmode is disable, prefer, require or verify-full")),
                    });
                    name.database += &format!("?sslmode={value}");
                }
                _ => return Err(bad("it takes the parameters table and sslmode")),
            }
        }
        name.symbols = from.zip(to);
        Ok((name, config))
    }

    /// The database, without its table.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The table as SQL names it, each part quoted.
    #[must_use]
    pub fn sql(&self) -> String {
        let quoted = |part: &str| format!("\"{}\"", part.replace('"', "\"\""));
        self.table.split('.').map(quoted).collect::<Vec<_>>().join(".")
    }

    /// The first and last symbol, where not all are meant.
    #[must_use]
    pub fn symbols(&self) -> Option<(&str, &str)> {
        self.symbols.as_ref().map(|(from, to)| (from.as_str(), to.as_str()))
    }

    /// The rows of the symbols from `first` to `last`, in the order of UTF-8 bytes.
    #[must_use]
    pub fn range(&self, first: &str, last: &str) -> Self {
        Self {
            symbols: Some((first.to_owned(), last.to_owned())),
            ..self.clone()
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = if self.database.contains('?') { '&' } else { '?' };
        write!(f, "{}{join}table={}", self.database, escaped(&self.table))?;
        match &self.symbols {
            Some((from, to)) => write!(f, "&from={}&to={}", escaped(from), escaped(to)),
            None => Ok(()),
        }
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_spelling_and_no_password() {
        for (uri, expect) in [
            ("postgres://h/db", "postgres://h:5432/db?table=daily_bars"),
            (
                "postgresql://me:hush@h:81/db?table=s.t",
                "postgres://me@h:81/db?table=s.t",
            ),
            (
                "postgres://me@h/db?sslmode=disable&table=a%20b&from=A&to=BRK%2FB",
                "postgres://me@h:5432/db?sslmode=disable&table=a%20b&from=A&to=BRK%2FB",
            ),
            (
                "postgres://%2Frun%2Fpg/db",
                "postgres://%2Frun%2Fpg:5432/db?table=daily_bars",
            ),
        ] {
            let (name, _) = TableName::parse(uri).unwrap();
            assert_eq!(name.to_string(), expect);
            assert_eq!(TableName::parse(expect).unwrap().0, name);
        }
        let (_, config) = TableName::parse("postgres://me:hush@h/db").unwrap();
        assert_eq!(config.get_password(), Some(b"hush".as_slice()));
    }

    #[test]
    fn a_bad_name_is_refused_without_its_password() {
        for uri in [
            "postgres://me:hush@h",
            "postgres://me:hush@h,i/db",
            "postgres://me:hush@h:x/db",
            "postgres://me:hush@h/db?sslmode=maybe",
            "postgres://me:hush@h/db?password=hush",
            "postgres:///db",
        ] {
            let error = TableName::parse(uri).expect_err(uri).to_string();
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn identifiers_are_quoted() {
        let (name, _) = TableName::parse("postgres://h/db?table=s.a%22b").unwrap();
        assert_eq!(name.sql(), r#""s"."a""b""#);
    }
}
