//! One stored file: what is known of it, and ranged reads of exactly that version.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};
use tickfleet_protocol::facts::FileFacts;

use super::error::DataError;

/// A file in a store.
#[derive(Debug, Clone)]
pub struct StoredFile {
    /// Name, length, version and format.
    pub facts: FileFacts,
    store: Arc<dyn ObjectStore>,
    location: Path,
}

impl StoredFile {
    /// A file at `location` of `store`.
    pub fn new(facts: FileFacts, store: Arc<dyn ObjectStore>, location: Path) -> Self {
        Self { facts, store, location }
    }

    /// Reads a byte range.
    ///
    /// # Errors
    /// [`DataError::Changed`] when the stored content has another version; [`DataError::Store`] for the rest.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes, DataError> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            if_match: Some(self.facts.version.clone()),
            ..GetOptions::default()
        };
        let wrap = |source| match source {
            object_store::Error::Precondition { .. } => DataError::Changed {
                uri: self.facts.uri.clone(),
            },
            source => DataError::Store {
                uri: self.facts.uri.clone(),
                source,
            },
        };
        let got = self.store.get_opts(&self.location, options).await.map_err(wrap)?;
        got.bytes().await.map_err(wrap)
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
