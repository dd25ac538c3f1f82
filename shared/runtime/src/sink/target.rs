//! What `--out` means: one file whose ending names the format, or a folder that gets a Parquet file for each table.
//!
//! Only looks at paths, probes folders, and begins and gives up uploads; never opens a result. Read next: `file`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::file::temporary_beside;
use super::{Format, SinkError};
use crate::objects::{self, Place, upload};

/// Where results go. A place in object storage is spelled as its URI, `s3://bucket/results/ranked.parquet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One table, in the format that the ending names.
    File(PathBuf, Format),
    /// One `.parquet` file for each table.
    Folder(PathBuf),
}

impl Target {
    /// Reads an output path or URI: a folder if it ends in a slash or is one, else a file.
    ///
    /// # Errors
    /// The text is empty, has another scheme, holds a secret, or ends in no known format.
    pub fn parse(text: &str) -> Result<Self, SinkError> {
        let path = if objects::is_remote(text) {
            let place = Place::parse(text).map_err(|error| SinkError::Upload(error.into()))?;
            PathBuf::from(place.to_string().trim_end_matches('/'))
        } else {
            local_path(text)?
        };
        if text.ends_with(std::path::is_separator) || path.is_dir() {
            return Ok(Self::Folder(path));
        }
        let format = Format::of_path(&path)?;
        Ok(Self::File(path, format))
    }

    /// The file that a table goes to; a single file takes whichever table is written to it.
    #[must_use]
    pub fn table(&self, name: &str) -> (PathBuf, Format) {
        match self {
            Self::File(path, format) => (path.clone(), *format),
            Self::Folder(folder) => (
                folder.join(format!("{name}.{}", Format::Parquet.ending())),
                Format::Parquet,
            ),
        }
    }

    /// Makes sure that results can be written: creates a folder target, and probes the folder with a temporary file.
    ///
    /// Call it before any work starts, so that an hour's run does not end in a typing error.
    ///
    /// # Errors
    /// The folder is missing (of a file), can't be created, is a file, or refuses new files.
    pub fn check_writable(&self) -> Result<(), SinkError> {
        if let Some(uri) = remote_uri(&self.table("probe").0) {
            return upload::check(uri).map_err(SinkError::Upload);
        }
        match self {
            Self::File(path, _) => temporary_beside(path).map(drop),
            Self::Folder(folder) => {
                create_folder(folder)?;
                temporary_beside(&folder.join("probe"))
                    .map(drop)
                    .map_err(|error| about_folder(error, folder))
            }
        }
    }
}

/// [`Target::parse`], then [`Target::check_writable`].
///
/// # Errors
/// Those of both.
pub fn check_writable(text: &str) -> Result<Target, SinkError> {
    let target = Target::parse(text)?;
    target.check_writable()?;
    Ok(target)
}

/// The URI of a place in object storage; `None` for a local path.
pub(super) fn remote_uri(path: &Path) -> Option<&str> {
    path.to_str().filter(|uri| objects::is_remote(uri))
}

fn create_folder(folder: &Path) -> Result<(), SinkError> {
    fs::create_dir_all(folder).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => SinkError::NotAFolder {
            path: folder
                .ancestors()
                .find(|path| path.is_file())
                .unwrap_or(folder)
                .to_owned(),
        },
        _ => SinkError::io("create the folder", folder, error),
    })
}

/// An error of the probe file, told of the folder.
fn about_folder(error: SinkError, folder: &Path) -> SinkError {
    match error {
        SinkError::ReadOnly { source, .. } => SinkError::ReadOnly {
            path: folder.to_owned(),
            source,
        },
        SinkError::NoSpace { source, .. } => SinkError::NoSpace {
            path: folder.to_owned(),
            source,
        },
        SinkError::Io { source, .. } => SinkError::Io {
            action: "write into",
            path: folder.to_owned(),
            source,
        },
        other => other,
    }
}

fn local_path(text: &str) -> Result<PathBuf, SinkError> {
    if text.is_empty() {
        return Err(SinkError::EmptyPath);
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Ok(PathBuf::from(text));
    };
    if !is_scheme(scheme) {
        return Ok(PathBuf::from(text));
    }
    if !scheme.eq_ignore_ascii_case("file") {
        return Err(SinkError::UnsupportedScheme {
            uri: text.to_owned(),
            scheme: scheme.to_owned(),
        });
    }
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let decoded = if path.starts_with('/') {
        percent_decoded(path)
    } else {
        None
    };
    decoded
        .map(PathBuf::from)
        .ok_or_else(|| SinkError::BadFileUri { uri: text.to_owned() })
}

/// A URI scheme by RFC 3986: a letter, then letters, digits, `+`, `-` or `.`.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let (digits, tail) = tail.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits)
            .ok()
            .filter(|digits| !digits.starts_with('+'))?;
        let byte = u8::from_str_radix(digits, 16).ok().filter(|byte| *byte != 0)?;
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_is_a_file_or_a_folder() {
        let check = |text: &str, expect: &str| {
            let found = match Target::parse(text) {
                Ok(Target::File(path, format)) => format!("{} {}", format.ending(), path.display()),
                Ok(Target::Folder(path)) => format!("folder {}", path.display()),
                Err(error) => error.to_string(),
            };
            assert!(found.starts_with(expect), "{text}: {found}");
        };
        check("ranked.parquet", "parquet ranked.parquet");
        check("a/b.csv", "csv a/b.csv");
        check("results/", "folder results/");
        check("results.csv/", "folder results.csv/");
        check(".", "folder .");
        check("file:///data/a%20b.json", "json /data/a b.json");
        check("FILE://localhost/data/", "folder /data/");
        check("file:///a%2", "cannot read file:///a%2 as a local path");
        check("file:///a%+1.csv", "cannot read file:///a%+1.csv as a local path");
        check("file://host/a.csv", "cannot read file://host/a.csv as a local path");
        check("s3://bucket/a.parquet", "parquet s3://bucket/a.parquet");
        check("s3://bucket/june/", "folder s3://bucket/june");
        check("s3://bucket/june", "cannot tell the format of s3://bucket/june");
        check("https://me:x@h/a.csv", "https://***@h/a.csv has a user name");
        check(
            "postgres://u@h/db",
            "cannot write to postgres://u@h/db: results are written",
        );
        check("results", "cannot tell the format of results");
        check("a.parquet.gz", "cannot tell the format of a.parquet.gz");
        check("", "the output path is empty");
    }

    #[test]
    fn an_existing_folder_needs_no_slash() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().to_str().unwrap();
        assert_eq!(Target::parse(text).unwrap(), Target::Folder(folder.path().to_owned()));
        let (path, format) = Target::parse(text).unwrap().table("ranked");
        assert_eq!((path, format), (folder.path().join("ranked.parquet"), Format::Parquet));
    }

    #[test]
    fn checking_creates_the_folder_and_leaves_it_empty() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::Folder(folder.path().join("a/b"));
        target.check_writable().unwrap();
        assert_eq!(fs::read_dir(folder.path().join("a/b")).unwrap().count(), 0);
        Target::File(folder.path().join("x.csv"), Format::Csv)
            .check_writable()
            .unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn checking_says_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path();
        fs::write(base.join("plain"), "").unwrap();
        fs::create_dir(base.join("d.csv")).unwrap();
        let check = |target: &Target, expect: &str| {
            let text = target
                .check_writable()
                .unwrap_err()
                .to_string()
                .replace(base.to_str().unwrap(), "~");
            assert_eq!(text, expect);
        };
        check(
            &Target::File(base.join("none/x.csv"), Format::Csv),
            "cannot write ~/none/x.csv: the folder ~/none does not exist; create it or choose another",
        );
        check(
            &Target::File(base.join("plain/x.csv"), Format::Csv),
            "cannot write below ~/plain: it is a file, not a folder; choose another path",
        );
        check(
            &Target::Folder(base.join("plain/sub")),
            "cannot write below ~/plain: it is a file, not a folder; choose another path",
        );
        check(
            &Target::File(base.join("d.csv"), Format::Csv),
            "cannot write ~/d.csv: it is a folder; add a / to its end to write into it, or choose another path",
        );
    }
}
