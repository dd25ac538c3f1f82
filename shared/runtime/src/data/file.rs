//! One stored file: what is known of it, and ranged reads of exactly that version.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};
use tickfleet_protocol::facts::FileFacts;

use super::error::DataError;
use crate::cache::ranges::Ranges;
use crate::objects::StoreFault;
use crate::objects::fault::Cause;

/// What the version of content without an entity tag begins with.
const MODIFIED: &str = "modified ";

/// The version of a file's content: the store's entity tag, else what else changes with it.
pub(super) fn version_of(meta: &ObjectMeta) -> String {
    meta.e_tag
        .clone()
        .unwrap_or_else(|| format!("{MODIFIED}{} size {}", meta.last_modified.timestamp_micros(), meta.size))
}

/// A file in a store.
#[derive(Debug, Clone)]
pub struct StoredFile {
    /// Name, length, version and format.
    pub facts: FileFacts,
    place: Place,
    cache: Option<FileCache>,
}

/// Where a file is.
#[derive(Debug, Clone)]
enum Place {
    Stored(Arc<dyn ObjectStore>, Path),
    /// In a database, which gives rows and not bytes of a file.
    Table,
}

/// Where reads of a file are counted, and kept where that is worth it.
#[derive(Debug, Clone)]
struct FileCache {
    ranges: Arc<Ranges>,
    keeps: bool,
}

impl StoredFile {
    /// A file at `location` of `store`.
    pub fn new(facts: FileFacts, store: Arc<dyn ObjectStore>, location: Path) -> Self {
        Self {
            facts,
            place: Place::Stored(store, location),
            cache: None,
        }
    }

    /// A range of a database table.
    pub fn of_table(facts: FileFacts) -> Self {
        Self {
            facts,
            place: Place::Table,
            cache: None,
        }
    }

    /// The same file, its ranges read through a cache where they are worth keeping.
    #[must_use]
    pub async fn through(self, ranges: Arc<Ranges>) -> Self {
        let (asked, uri) = (ranges.clone(), self.facts.uri.clone());
        let keeps = tokio::task::spawn_blocking(move || asked.keeps(&uri)).await;
        let cache = FileCache {
            ranges,
            // What cannot be asked is not kept.
            keeps: keeps.unwrap_or(false),
        };
        Self {
            cache: Some(cache),
            ..self
        }
    }

    /// Reads a byte range, from the cache if that has it in this version.
    ///
    /// # Errors
    /// [`DataError::Changed`] when the stored content has another version; [`DataError::Store`] for the rest.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes, DataError> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let (uri, version) = (&self.facts.uri, &self.facts.version);
        let kept = self.cache.as_ref().filter(|cache| cache.keeps);
        if let Some(FileCache { ranges, .. }) = kept
            && let Some(found) = ranges.get(uri, version, &range).await
        {
            return Ok(found);
        }
        let read = self.read_source(range.clone()).await;
        if let Some(FileCache { ranges, .. }) = &self.cache {
            ranges.note_source(read.as_ref().ok().map(Bytes::len));
        }
        if let (Some(FileCache { ranges, .. }), Ok(bytes)) = (kept, &read) {
            ranges.put(uri, version, &range, bytes.clone());
        }
        read
    }

    async fn read_source(&self, range: Range<u64>) -> Result<Bytes, DataError> {
        let Place::Stored(store, location) = &self.place else {
            unreachable!("rows of a table are not read as bytes of a file")
        };
        let wanted = range.end - range.start;
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            if_match: self.tag(),
            ..GetOptions::default()
        };
        let got = store.get_opts(location, options).await;
        let got = got.map_err(|source| self.failed(source))?;
        // A server that knows no conditions is checked by what it says it sends.
        if version_of(&got.meta) != self.facts.version {
            return Err(self.changed());
        }
        let bytes = got.bytes().await.map_err(|source| self.failed(source))?;
        if bytes.len() as u64 == wanted {
            Ok(bytes)
        } else {
            Err(self.changed())
        }
    }

    /// The entity tag to ask for. A weak one never matches (RFC 9110, section 13.1.1).
    fn tag(&self) -> Option<String> {
        let version = &self.facts.version;
        let is_strong = !version.starts_with(MODIFIED) && !version.starts_with("W/");
        is_strong.then(|| version.clone())
    }

    fn changed(&self) -> DataError {
        DataError::Changed {
            uri: self.facts.uri.clone(),
        }
    }

    fn failed(&self, source: object_store::Error) -> DataError {
        let source = StoreFault(source);
        match source.cause() {
            Cause::Changed => self.changed(),
            _ => DataError::Store {
                uri: self.facts.uri.clone(),
                source,
            },
        }
    }

    /// Reads the whole file, if it is at most `limit` bytes long.
    ///
    /// # Errors
    /// As [`StoredFile::read`], and [`DataError::TooLarge`].
    pub async fn read_all(&self, limit: u64) -> Result<Bytes, DataError> {
        if self.facts.size > limit {
            return Err(DataError::TooLarge {
                uri: self.facts.uri.clone(),
                what: format!("the file ({} bytes)", self.facts.size),
                limit: format!("{limit} bytes"),
            });
        }
        self.read(0..self.facts.size).await
    }
}
