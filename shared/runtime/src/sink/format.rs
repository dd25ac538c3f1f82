//! The formats of a result file and the endings that choose them.
//!
//! The ending alone decides; content is never looked at. Read next: `encode`.

use std::path::Path;

use super::SinkError;

/// How a result file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Parquet, zstd; carries metadata.
    Parquet,
    /// CSV with a header; null is an empty cell.
    Csv,
    /// One JSON array of objects; null is explicit.
    Json,
    /// One JSON object a line; null is explicit.
    Jsonl,
    /// Arrow IPC file; carries metadata.
    Arrow,
}

impl Format {
    /// Every format, in the order in which messages list them.
    pub const ALL: [Self; 5] = [Self::Parquet, Self::Csv, Self::Json, Self::Jsonl, Self::Arrow];

    /// The file name's ending, without the dot.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Arrow => "arrow",
        }
    }

    /// The format that a path's ending (any case) names.
    ///
    /// # Errors
    /// [`SinkError::UnknownEnding`] for any other ending or none.
    pub fn of_path(path: &Path) -> Result<Self, SinkError> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|format| ending.eq_ignore_ascii_case(format.ending()))
            .ok_or_else(|| SinkError::UnknownEnding { path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_names_the_format() {
        let check = |path: &str, expect: Option<Format>| {
            assert_eq!(Format::of_path(Path::new(path)).ok(), expect, "{path}");
        };
        check("a.parquet", Some(Format::Parquet));
        check("dir.csv/a.JSON", Some(Format::Json));
        check("a.b.jsonl", Some(Format::Jsonl));
        check("a.csv", Some(Format::Csv));
        check("a.arrow", Some(Format::Arrow));
        check("a.csv.gz", None);
        check("parquet", None);
        check(".parquet", None);
        check("a.", None);
    }

    #[test]
    fn a_refusal_lists_the_endings() {
        let error = Format::of_path(Path::new("out.xlsx")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot tell the format of out.xlsx: its name must end in .parquet, .csv, .json, .jsonl or .arrow \
             (or end in / for a folder of Parquet files)"
        );
    }
}
