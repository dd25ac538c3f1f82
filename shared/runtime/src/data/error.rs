//! What can go wrong with an input, in the words of the person who named it.

use std::{fmt, io};

use parquet::errors::ParquetError;
use thiserror::Error;

use crate::database::DatabaseError;
use crate::objects::{ObjectsError, StoreFault};

/// An input that cannot be read. Every variant names the place; [`DataError::help`] says what mends it.
#[derive(Debug, Error)]
pub enum DataError {
    /// Nothing is at the path.
    #[error("{table}: {uri} does not exist")]
    NotFound {
        /// Table the input was meant for.
        table: &'static str,
        /// Path or URI.
        uri: String,
    },
    /// A folder or pattern without a file of a known format.
    #[error("{table}: {uri} holds no Parquet or CSV file")]
    NoFiles {
        /// Table the input was meant for.
        table: &'static str,
        /// Path, pattern or URI.
        uri: String,
    },
    /// A URI scheme that this version cannot read.
    #[error("{table}: cannot read {uri}: no reader for `{scheme}://`")]
    Scheme {
        /// Table the input was meant for.
        table: &'static str,
        /// The URI, without secrets.
        uri: String,
        /// Its scheme.
        scheme: String,
    },
    /// A pattern that is no glob.
    #[error("{table}: {uri} is not a valid pattern: {why}")]
    Pattern {
        /// Table the input was meant for.
        table: &'static str,
        /// The pattern.
        uri: String,
        /// Reason.
        why: String,
    },
    /// A file whose name and first bytes tell no known format.
    #[error("{uri}: neither Parquet nor CSV")]
    Format {
        /// The file.
        uri: String,
    },
    /// A model that is not one ONNX file.
    #[error("model: {uri} is not one .onnx file")]
    NotModel {
        /// Path or URI.
        uri: String,
    },
    /// The store refused or broke off.
    #[error("{uri}: cannot be read")]
    Store {
        /// The file.
        uri: String,
        /// What the store said.
        #[source]
        source: StoreFault,
    },
    /// A name that is none of object storage, or a store that this process cannot open.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// A database that cannot be used, or rows that make no bars.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A table other than bars in a database.
    #[error("{table}: {uri}: only daily bars are read from databases")]
    OnlyBars {
        /// Table the input was meant for.
        table: &'static str,
        /// The URI.
        uri: String,
    },
    /// A folder or pattern of a server that gives files by name only.
    #[error("{table}: {uri}: a web server cannot be listed")]
    NoListing {
        /// Table the input was meant for.
        table: &'static str,
        /// The URI.
        uri: String,
    },
    /// The file's version is no longer the one the run was planned on.
    #[error("{uri}: changed since the run was submitted")]
    Changed {
        /// The file.
        uri: String,
    },
    /// A Parquet file that breaks its own format.
    #[error("{uri}: not a readable Parquet file{place}")]
    Parquet {
        /// The file.
        uri: String,
        /// ` (row group N)` or empty.
        place: String,
        /// What the decoder said.
        #[source]
        source: Undecodable,
    },
    /// Arrow could not build or convert a column.
    #[error("{uri}: column `{column}` cannot be converted")]
    Convert {
        /// The file.
        uri: String,
        /// The column.
        column: String,
        /// What the converter said.
        #[source]
        source: arrow::error::ArrowError,
    },
    /// A text file without a byte.
    #[error("{uri}: the file is empty: expected a header line")]
    Empty {
        /// The file.
        uri: String,
    },
    /// Text that is no CSV.
    #[error("{uri}:{line}: {why}")]
    Text {
        /// The file.
        uri: String,
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A required column is missing.
    #[error("{uri}: no column `{column}` for the {table} table (accepted names: {aliases}; the file has: {found})")]
    MissingColumn {
        /// Table.
        table: &'static str,
        /// The file.
        uri: String,
        /// The column.
        column: &'static str,
        /// Names that would do.
        aliases: String,
        /// Names in the file.
        found: String,
    },
    /// A column of a type that cannot hold its values.
    #[error("{uri}: column `{column}` has type {found}; expected {expected}")]
    ColumnType {
        /// The file.
        uri: String,
        /// The column.
        column: String,
        /// Type in the file.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// An input beyond a bound of this program.
    #[error("{uri}: {what} exceeds the limit of {limit}")]
    TooLarge {
        /// The file or input.
        uri: String,
        /// What is too large, with its size.
        what: String,
        /// The bound, with its unit.
        limit: String,
    },
    /// A compressed file could not be unpacked into scratch space.
    #[error("{uri}: cannot be unpacked")]
    Unpack {
        /// The file.
        uri: String,
        /// What the decompressor or the disk said.
        #[source]
        source: io::Error,
    },
    /// An archive that unpacks to far more than it can honestly hold.
    #[error("{uri}: unpacks to more than {limit_bytes} bytes, {ratio} times its size")]
    Bomb {
        /// The file.
        uri: String,
        /// Most unpacked bytes.
        limit_bytes: u64,
        /// The limit as a multiple of the packed size.
        ratio: u64,
    },
    /// An input without a single row that has symbol and date.
    #[error("{table}: {uri} has {}", no_rows(*.rows))]
    NoRows {
        /// Table.
        table: &'static str,
        /// The input.
        uri: String,
        /// Rows read.
        rows: u64,
    },
    /// A reader panicked: a damaged or hostile file.
    #[error("{uri}: the reader gave up on this file: {message}")]
    Panicked {
        /// The file.
        uri: String,
        /// The panic's message.
        message: String,
    },
}

/// What a decoder of Parquet said, without its own names for where it said so.
#[derive(Debug)]
pub struct Undecodable(pub ParquetError);

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.0.to_string();
        let mut text = said.as_str();
        while let Some(rest) = DECODER_LABELS.iter().find_map(|label| text.strip_prefix(label)) {
            text = rest;
        }
        f.write_str(text)
    }
}

impl std::error::Error for Undecodable {}

/// How the decoder's layers begin what they pass on.
const DECODER_LABELS: [&str; 6] = [
    "Parquet error: ",
    "Parquet argument error: ",
    "External: ",
    "EOF: ",
    "Arrow: ",
    "Invalid Parquet file. ",
];

fn no_rows(rows: u64) -> String {
    match rows {
        0 => "no row: its header is all there is".to_owned(),
        1 => "no readable symbol and date in its one row".to_owned(),
        rows => format!("no row with a readable symbol and date, of {rows}"),
    }
}

impl DataError {
    /// Whether the server of the input never answered, or only that it cannot now.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Store { source, .. } => source.cause().is_outage(),
            Self::Database(error) => error.is_outage(),
            _ => false,
        }
    }

    /// What mends it, in one sentence.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => {
                "check the path; relative paths start at the current folder, or at the settings file that names them"
            }
            Self::NoFiles { .. } => "name a file, a folder or a pattern with .parquet, .csv, .csv.gz or .csv.zst files",
            Self::Scheme { scheme, .. } if scheme == "polygon" => {
                "bring the bars into a folder first: coordinator data sync --to DIR --from DATE"
            }
            Self::Scheme { .. } => {
                "name a path, a folder, a glob, or a URI: file://, s3://, gs://, az://, http://, https://, postgres://"
            }
            Self::Pattern { .. } => "patterns take *, ?, [a-z] and **",
            Self::Format { .. } => "give the file one of the endings .parquet, .csv, .csv.gz, .csv.zst",
            Self::NotModel { .. } => "name one file that ends in .onnx",
            Self::Store { source, .. } => source.cause().help(),
            Self::Objects(error) => error.help(),
            Self::Database(error) => error.help(),
            Self::OnlyBars { .. } => "name a Parquet or CSV file",
            Self::NoListing { .. } => "name one file, or put the files into object storage",
            Self::Changed { .. } => "run it again when the input is complete",
            Self::Parquet { .. } | Self::Panicked { .. } => "the file is truncated or damaged: fetch or write it again",
            Self::Convert { .. } | Self::ColumnType { .. } => "store the column in the expected type",
            Self::Empty { .. } => "write the file again, or name another one",
            Self::Bomb { .. } => "if the archive is honest, unpack it and name the unpacked file",
            Self::Text { .. } => "mend the line, or write the file again with a CSV library",
            Self::MissingColumn { .. } => "rename a column, or name the right file",
            Self::TooLarge { .. } => "split the file into smaller ones",
            Self::Unpack { .. } => "check the archive, and the free space of the temporary folder (TMPDIR)",
            Self::NoRows { rows: 0, .. } => "write the file again, or name another one",
            Self::NoRows { .. } => "check that symbol and date columns hold what their names say",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_says_what_is_wrong_and_not_who_says_it() {
        let check = |error: ParquetError, expect: &str| assert_eq!(Undecodable(error).to_string(), expect);
        let nested = ParquetError::External(Box::new(ParquetError::General("pages overlap".into())));
        check(nested, "pages overlap");
        check(ParquetError::EOF("4 bytes".into()), "4 bytes");
        check(
            ParquetError::General("Invalid Parquet file. Corrupt footer".into()),
            "Corrupt footer",
        );
    }

    #[test]
    fn an_input_without_rows_is_told_by_their_number() {
        let text = |rows| {
            let (table, uri) = ("bars", "b.csv".to_owned());
            DataError::NoRows { table, uri, rows }.to_string()
        };
        assert_eq!(text(0), "bars: b.csv has no row: its header is all there is");
        assert_eq!(text(1), "bars: b.csv has no readable symbol and date in its one row");
        assert_eq!(text(7), "bars: b.csv has no row with a readable symbol and date, of 7");
    }
}
