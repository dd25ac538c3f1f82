//! From what the user named to files: a path, a folder (recursive), a glob, `file://`, or a place in object storage or on
//! a web server, always in order of URI bytes.
//!
//! Reads no more of a file than the first bytes of one whose ending tells nothing. Read next: [`super::file`], and
//! `remote` and `table` beside it for what is not on this machine.

use std::path::{Component, Path, PathBuf, absolute};
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tickfleet_protocol::facts::{FileFacts, FileFormat};

use super::error::DataError;
use super::file::StoredFile;
use super::found::{is_data, stored};
use super::{remote, table};
use crate::database::{self, TableName};
use crate::objects::{self, Place, StoreFault};

/// Most files of one input.
pub const FILES_MAX: usize = 200_000;

/// Lists the files of an input in order of URI bytes.
///
/// # Errors
/// The place does not exist, holds no file of a known format, or has a scheme that this version cannot read.
pub async fn locate(table: &'static str, uri: &str) -> Result<Vec<StoredFile>, DataError> {
    let mut files = if database::is_database(uri) {
        table::locate(table, uri).await?
    } else if objects::is_remote(uri) {
        remote::locate(table, &Place::parse(uri)?).await?
    } else {
        local(table, uri).await?
    };
    if files.is_empty() {
        return Err(DataError::NoFiles {
            table,
            uri: uri.to_owned(),
        });
    }
    if files.len() > FILES_MAX {
        let what = format!("the number of files ({})", files.len());
        return Err(DataError::TooLarge {
            uri: uri.to_owned(),
            what,
            limit: FILES_MAX.to_string(),
        });
    }
    files.sort_by(|a, b| a.facts.uri.as_bytes().cmp(b.facts.uri.as_bytes()));
    Ok(files)
}

async fn local(table: &'static str, uri: &str) -> Result<Vec<StoredFile>, DataError> {
    let place = local_path(table, uri)?;
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
    let metas = if is_pattern(&place) {
        matching(table, uri, &store, &place).await?
    } else if place.is_dir() {
        listed(uri, &store, &place)
            .await?
            .into_iter()
            .filter(|meta| is_data(&path_of(meta)))
            .collect()
    } else if place.exists() {
        vec![head(uri, &store, &place).await?]
    } else {
        return Err(DataError::NotFound {
            table,
            uri: uri.to_owned(),
        });
    };
    let mut files = Vec::with_capacity(metas.len());
    for meta in metas {
        let uri = path_of(&meta).to_string_lossy().into_owned();
        files.push(stored(&store, meta, uri).await?);
    }
    Ok(files)
}

/// The one spelling of what a user named: absolute, without `.` and `..`.
///
/// # Errors
/// A scheme that this version cannot read.
pub fn canonical_uri(table: &'static str, uri: &str) -> Result<String, DataError> {
    if database::is_database(uri) {
        return Ok(TableName::parse(uri)?.0.to_string());
    }
    if objects::is_remote(uri) {
        return Ok(Place::parse(uri)?.to_string());
    }
    Ok(local_path(table, uri)?.display().to_string())
}

/// Opens a file that facts name, as a worker does: no listing, and no other version of it.
///
/// # Errors
/// The credentials of this process do not reach its store.
pub fn reopen(facts: &FileFacts) -> Result<StoredFile, DataError> {
    if facts.format == FileFormat::Database {
        return Ok(StoredFile::of_table(facts.clone()));
    }
    if objects::is_remote(&facts.uri) {
        let place = Place::parse(&facts.uri)?;
        let store = objects::open(&place)?;
        return Ok(StoredFile::new(facts.clone(), store, place.path().clone()));
    }
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
    let location = location(Path::new(&facts.uri)).map_err(|source| store_error(&facts.uri, source))?;
    Ok(StoredFile::new(facts.clone(), store, location))
}

/// The absolute local path of a URI.
fn local_path(table: &'static str, uri: &str) -> Result<PathBuf, DataError> {
    let path = match uri.split_once("://") {
        Some(("file", path)) => path,
        Some((scheme, rest)) => {
            let shown = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            let uri = format!("{scheme}://{shown}");
            return Err(DataError::Scheme {
                table,
                uri,
                scheme: scheme.to_owned(),
            });
        }
        None => uri,
    };
    let path = absolute(path).map_err(|_| DataError::NotFound {
        table,
        uri: uri.to_owned(),
    })?;
    Ok(without_parents(path))
}

/// The path without `..`: the part up to the last one is resolved by the system, links included.
fn without_parents(path: PathBuf) -> PathBuf {
    let Some(last) = path
        .components()
        .collect::<Vec<_>>()
        .iter()
        .rposition(|part| *part == Component::ParentDir)
    else {
        return path;
    };
    let head: PathBuf = path.components().take(last + 1).collect();
    let tail: PathBuf = path.components().skip(last + 1).collect();
    // What does not exist keeps its name, for the message that says so.
    std::fs::canonicalize(head).map_or(path, |head| head.join(tail))
}

/// A path with wildcards that does not name something as it stands.
fn is_pattern(place: &Path) -> bool {
    place.to_string_lossy().contains(['*', '?', '[']) && !place.exists()
}

async fn matching(
    table: &'static str,
    uri: &str,
    store: &Arc<dyn ObjectStore>,
    place: &Path,
) -> Result<Vec<ObjectMeta>, DataError> {
    let text = place.to_string_lossy();
    let bad = |why: String| DataError::Pattern {
        table,
        uri: uri.to_owned(),
        why,
    };
    let pattern = glob::Pattern::new(&text).map_err(|error| bad(error.msg.to_owned()))?;
    let root: PathBuf = place
        .components()
        .take_while(|part| !is_wild(&part.as_os_str().to_string_lossy()))
        .collect();
    if !root.is_dir() {
        return Err(DataError::NotFound {
            table,
            uri: uri.to_owned(),
        });
    }
    let all = listed(uri, store, &root).await?;
    Ok(all
        .into_iter()
        .filter(|meta| is_data(&path_of(meta)) && matches(&pattern, &path_of(meta)))
        .collect())
}

/// Whether a pattern matches a path, or a folder above it, which then is read whole.
pub(super) fn matches(pattern: &glob::Pattern, path: &Path) -> bool {
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    path.ancestors().any(|part| pattern.matches_path_with(part, options))
}

/// Whether a part of a path has wildcards.
pub(super) fn is_wild(part: &str) -> bool {
    part.contains(['*', '?', '['])
}

async fn listed(uri: &str, store: &Arc<dyn ObjectStore>, folder: &Path) -> Result<Vec<ObjectMeta>, DataError> {
    let prefix = location(folder).map_err(|source| store_error(uri, source))?;
    store
        .list(Some(&prefix))
        .try_collect()
        .await
        .map_err(|source| store_error(uri, source))
}

async fn head(uri: &str, store: &Arc<dyn ObjectStore>, file: &Path) -> Result<ObjectMeta, DataError> {
    let location = location(file).map_err(|source| store_error(uri, source))?;
    store.head(&location).await.map_err(|source| store_error(uri, source))
}

fn location(path: &Path) -> Result<object_store::path::Path, object_store::Error> {
    Ok(object_store::path::Path::from_absolute_path(path)?)
}

pub(super) fn store_error(uri: &str, source: object_store::Error) -> DataError {
    DataError::Store {
        uri: uri.to_owned(),
        source: StoreFault(source),
    }
}

fn path_of(meta: &ObjectMeta) -> PathBuf {
    Path::new("/").join(meta.location.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lists_files_folders_and_patterns_in_byte_order() {
        let root = tempfile::tempdir().unwrap();
        for name in ["b/2.csv", "b/10.csv", "a.parquet", "b/_skip.csv", "b/notes.txt"] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let names = async |uri: String| -> Vec<String> {
            let files = locate("bars", &uri).await.unwrap();
            let prefix = format!("{}/", root.path().display());
            files
                .into_iter()
                .map(|file| file.facts.uri.replace(&prefix, ""))
                .collect()
        };
        let at = |name: &str| root.path().join(name).display().to_string();
        assert_eq!(names(at("")).await, ["a.parquet", "b/10.csv", "b/2.csv"]);
        assert_eq!(names(at("*/1*.csv")).await, ["b/10.csv"]);
        assert_eq!(names(at("b/../a.parquet")).await, ["a.parquet"]);
        assert_eq!(names(at("**/*.csv")).await, ["b/10.csv", "b/2.csv"]);
        assert_eq!(names(format!("file://{}", at("b/2.csv"))).await, ["b/2.csv"]);
        assert!(matches!(
            locate("bars", &at("none.csv")).await,
            Err(DataError::NotFound { .. })
        ));
        assert!(matches!(
            locate("bars", &at("*.gz")).await,
            Err(DataError::NoFiles { .. })
        ));
        assert!(matches!(
            locate("bars", &at("b/notes.txt")).await,
            Err(DataError::Format { .. })
        ));
        assert!(matches!(
            locate("bars", "ftp://host/x").await,
            Err(DataError::Scheme { .. })
        ));
    }
}
