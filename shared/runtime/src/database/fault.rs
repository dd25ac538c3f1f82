//! What can go wrong with a database, in words that help and without a password.

use std::error::Error;
use std::fmt;

use thiserror::Error;
use tickfleet_kernels::scan::cells::format_date;
use tokio_postgres::error::SqlState;

/// A database that cannot be used, or rows that make no bars.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// Not a name of a table.
    #[error("{uri} names no table: {why}")]
    Name {
        /// The name, without secrets.
        uri: String,
        /// What is wrong with it.
        why: String,
    },
    /// No connection.
    #[error("{uri}: no connection to the database")]
    Connect {
        /// The database.
        uri: String,
        /// Why.
        #[source]
        source: Said,
    },
    /// The database did not do it.
    #[error("{uri}: the database did not {operation}")]
    Failed {
        /// What was asked, as a verb.
        operation: &'static str,
        /// The table.
        uri: String,
        /// What it said.
        #[source]
        source: Said,
    },
    /// An answer took too long.
    #[error("{uri}: the database did not {operation} within {seconds} s")]
    Slow {
        /// What was asked, as a verb.
        operation: &'static str,
        /// The table.
        uri: String,
        /// How long was waited.
        seconds: u64,
    },
    /// There is no such table.
    #[error("{uri}: there is no such table")]
    NoTable {
        /// The table.
        uri: String,
    },
    /// A table without rows.
    #[error("{uri}: the table has no row")]
    Empty {
        /// The table.
        uri: String,
    },
    /// Rows without a symbol or a date.
    #[error("{uri}: {rows} rows have no symbol or no date")]
    NoKey {
        /// The table.
        uri: String,
        /// How many.
        rows: i64,
    },
    /// Two rows of one key (specification: scan, section 1).
    #[error("{uri}: {symbol} has two rows on {}", format_date(*.day))]
    Duplicate {
        /// The table.
        uri: String,
        /// The canonical symbol.
        symbol: String,
        /// Days since 1970-01-01.
        day: i32,
    },
    /// Rows that are not in the form that was asked for.
    #[error("{uri}: the rows came damaged: {why}")]
    Damaged {
        /// The table.
        uri: String,
        /// What is wrong.
        why: &'static str,
    },
}

/// What the server or the connection said.
#[derive(Debug)]
pub struct Said(pub tokio_postgres::Error);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = self.0.as_db_error() {
            return write!(f, "{} ({})", error.message(), error.code().code());
        }
        match std::iter::successors(self.0.source(), |&error| error.source()).last() {
            Some(cause) => write!(f, "{cause}"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Error for Said {}

impl Said {
    fn code(&self) -> Option<&SqlState> {
        self.0.code()
    }

    /// Whether the server cannot be reached or cannot now: another try may do.
    pub(super) fn may_pass(&self) -> bool {
        match self.code() {
            None => self.0.is_closed() || self.is_io(),
            Some(code) => [
                SqlState::CANNOT_CONNECT_NOW,
                SqlState::TOO_MANY_CONNECTIONS,
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::T_R_DEADLOCK_DETECTED,
            ]
            .contains(code),
        }
    }

    fn is_io(&self) -> bool {
        std::iter::successors(self.0.source(), |&error| error.source()).any(|error| {
            let error = error.downcast_ref::<std::io::Error>();
            // A certificate that does not fit comes as invalid data: it never fits.
            error.is_some_and(|error| error.kind() != std::io::ErrorKind::InvalidData)
        })
    }
}

impl DatabaseError {
    /// What mends it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        let of_said = |said: &Said| match said.code() {
            Some(code)
                if *code == SqlState::INVALID_PASSWORD || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION =>
            {
                "set PGUSER and PGPASSWORD, or a line of the password file, where the program that connects runs"
            }
            Some(code) if *code == SqlState::INVALID_CATALOG_NAME => "check the name of the database",
            Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
                "grant the user what it needs: docs/data.md lists it"
            }
            Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => {
                "try again later: the server has no connection left"
            }
            None if said.to_string().contains("password") => {
                "set PGPASSWORD, or a line of the password file, where the program that connects runs"
            }
            None if said.to_string().contains("certificate") => {
                "name the server as its certificate does, or add ?sslmode=disable on a private network"
            }
            _ => "check host, port and database, and that the server runs",
        };
        match self {
            Self::Name { .. } => "name it as postgres://user@host:5432/database?table=daily_bars",
            Self::Connect { source, .. } | Self::Failed { source, .. } => of_said(source),
            Self::Slow { .. } => "try again, or allow more time: --source-timeout-s",
            Self::NoTable { .. } | Self::Empty { .. } => {
                "fill it first: coordinator data load --bars PATH --to postgres://…"
            }
            Self::NoKey { .. } => "remove these rows, and declare both columns NOT NULL",
            Self::Duplicate { .. } => "remove one of them, and declare PRIMARY KEY (symbol, date)",
            Self::Damaged { .. } => "check what is between this program and the server: the rows must pass unchanged",
        }
    }

    /// Whether the server never answered, or only that it cannot now.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Connect { source, .. } | Self::Failed { source, .. } => source.may_pass(),
            Self::Slow { .. } => true,
            _ => false,
        }
    }
}
