//! The store for results that are too large for the queue's server: objects under the identity of their result.
//!
//! Coordinators and workers name the same store. An object is written once and never changed; readers check its length
//! and digest. What expires results is the store's own lifecycle rule: it must keep objects at least as long as the
//! queue keeps results, a week. A store is a folder that all machines share, or a place in object storage.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::Serialize;
use thiserror::Error;
use tickfleet_protocol::digest::digest_of;
use tickfleet_protocol::ids::Identity;

use super::counts::{Counters, Tier, TierCounts};
use super::envelope::Pointer;
use crate::objects::{self, ObjectsError, Place, StoreFault};
use crate::settings::mask;

/// What every object's name begins with.
const PREFIX: &str = "results";
/// Longest time for one object: the largest takes seconds on a slow network.
const PATIENCE: Duration = Duration::from_secs(60);

/// A store that cannot be used, or an operation on it that was not done.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A kind of store that this version does not know.
    #[error(
        "the store {uri} is none that this version can use: `{scheme}` is not supported, only folders and object storage"
    )]
    Scheme {
        /// The store.
        uri: String,
        /// What its URI begins with.
        scheme: String,
    },
    /// The place in object storage cannot be used.
    #[error("the store cannot be used")]
    Objects(#[from] ObjectsError),
    /// The store cannot be written.
    #[error("the store {uri} cannot be written")]
    Unwritable {
        /// The store.
        uri: String,
        /// What the store said.
        #[source]
        source: StoreFault,
    },
    /// The folder cannot be made.
    #[error("the folder of the store {uri} cannot be made")]
    Folder {
        /// The store.
        uri: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// An operation failed.
    #[error("{operation} {uri}: the store did not do it")]
    Failed {
        /// What was tried.
        operation: &'static str,
        /// The object, or the store.
        uri: String,
        /// What the store said.
        #[source]
        source: StoreFault,
    },
    /// An operation took too long.
    #[error("{operation} {uri}: the store did not answer within {seconds} s")]
    Slow {
        /// What was tried.
        operation: &'static str,
        /// The object.
        uri: String,
        /// How long was waited.
        seconds: u64,
    },
    /// A result lies in another store than the one that this process uses.
    #[error("the result lies in {uri}, outside of the store {store}")]
    Elsewhere {
        /// The object.
        uri: String,
        /// The store in use.
        store: String,
    },
}

impl StoreError {
    /// What mends it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Scheme { .. } => {
                "--store takes a path or a file:// URI of a folder that all machines share, or s3://, gs:// or az://"
            }
            Self::Objects(error) => error.help(),
            Self::Unwritable { uri, source } if objects::is_remote(uri) => source.cause().help(),
            Self::Unwritable { .. } | Self::Folder { .. } => {
                "name a folder that this user may write: --store DIR, or TICKFLEET_STORE"
            }
            Self::Failed { .. } | Self::Slow { .. } => "check that the store is reachable and has room",
            Self::Elsewhere { .. } => "give every coordinator and worker the same --store, at the same path",
        }
    }
}

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreUsage {
    /// Results.
    pub results: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A store.
#[derive(Debug)]
pub struct ResultStore {
    objects: Arc<dyn ObjectStore>,
    /// `file:///shared/results-of-tickfleet`, without a slash at its end.
    uri: String,
    counters: Counters,
}

impl ResultStore {
    /// Opens a store and makes sure that it can be written.
    ///
    /// # Errors
    /// [`StoreError::Scheme`], [`StoreError::Objects`], [`StoreError::Folder`] and [`StoreError::Unwritable`].
    pub async fn open(uri: &str) -> Result<Self, StoreError> {
        let (objects, uri) = if objects::is_remote(uri) {
            remote(uri)?
        } else {
            shared_folder(uri)?
        };
        let unwritable = |source| StoreError::Unwritable {
            uri: uri.clone(),
            source: StoreFault(source),
        };
        let probe = Path::from(format!("{PREFIX}/probe-{}", std::process::id()));
        objects.put(&probe, PutPayload::default()).await.map_err(unwritable)?;
        objects.delete(&probe).await.map_err(unwritable)?;
        Ok(Self {
            objects,
            uri,
            counters: Counters::new(Tier::Store),
        })
    }

    /// Its URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// What it has done so far.
    #[must_use]
    pub fn counts(&self) -> TierCounts {
        self.counters.counts()
    }

    /// Stores a result under its identity, unless it is there already.
    pub(super) async fn put(&self, identity: &Identity, result: Bytes) -> Result<Pointer, StoreError> {
        let location = location(identity);
        let pointer = Pointer {
            uri: format!("{}/{location}", self.uri),
            length: result.len() as u64,
            digest: digest_of(&result),
        };
        let create = PutOptions::from(PutMode::Create);
        let put = self.objects.put_opts(&location, result.clone().into(), create);
        match self.timed("write", &pointer.uri, put).await {
            Ok(_) => {}
            Err(StoreError::Failed {
                source: StoreFault(object_store::Error::AlreadyExists { .. }),
                ..
            }) => {
                if self.get(&pointer).await?.is_some() {
                    return Ok(pointer);
                }
                // What is there is damaged; the same identity has the same bytes, so nothing is lost.
                let put = self.objects.put(&location, result.into());
                self.timed("write", &pointer.uri, put).await?;
            }
            Err(error) => {
                self.counters.error();
                return Err(error);
            }
        }
        self.counters
            .written(usize::try_from(pointer.length).unwrap_or(usize::MAX));
        Ok(pointer)
    }

    /// The result that a pointer points to; `None` where it is gone, or is another.
    pub(super) async fn get(&self, pointer: &Pointer) -> Result<Option<Bytes>, StoreError> {
        let location = self.location_of(pointer)?;
        let read = async {
            let got = self.objects.get(&location).await?;
            if got.meta.size != pointer.length {
                return Ok(None);
            }
            got.bytes().await.map(Some)
        };
        let found = match self.timed("read", &pointer.uri, read).await {
            Err(StoreError::Failed {
                source: StoreFault(object_store::Error::NotFound { .. }),
                ..
            }) => None,
            Err(error) => {
                self.counters.error();
                return Err(error);
            }
            Ok(found) => {
                let sound = found.filter(|bytes| digest_of(bytes) == pointer.digest);
                if sound.is_none() {
                    self.counters.error();
                    tracing::warn!(uri = pointer.uri, "a stored result is not what its pointer says");
                }
                sound
            }
        };
        self.counters.look_up(found.as_ref().map(Bytes::len));
        Ok(found)
    }

    /// Whether the object that a pointer points to is there, by its length.
    pub(super) async fn has(&self, pointer: &Pointer) -> Result<bool, StoreError> {
        let location = self.location_of(pointer)?;
        match self.timed("look at", &pointer.uri, self.objects.head(&location)).await {
            Ok(meta) => Ok(meta.size == pointer.length),
            Err(StoreError::Failed {
                source: StoreFault(object_store::Error::NotFound { .. }),
                ..
            }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What it holds.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub async fn usage(&self) -> Result<StoreUsage, StoreError> {
        let listed = self.objects.list(Some(&Path::from(PREFIX)));
        let counted = listed.try_fold(StoreUsage::default(), async |usage, meta| {
            Ok(StoreUsage {
                results: usage.results + 1,
                bytes: usage.bytes + meta.size,
            })
        });
        counted.await.map_err(|source| self.failed("list", source))
    }

    /// Removes every result, and gives what there was.
    ///
    /// # Errors
    /// [`StoreError::Failed`]; some may be gone by then.
    pub async fn clear(&self) -> Result<StoreUsage, StoreError> {
        let usage = self.usage().await?;
        let mut listed = self.objects.list(Some(&Path::from(PREFIX)));
        while let Some(meta) = listed.try_next().await.map_err(|source| self.failed("list", source))? {
            match self.objects.delete(&meta.location).await {
                Err(object_store::Error::NotFound { .. }) => {}
                deleted => deleted.map_err(|source| self.failed("remove from", source))?,
            }
        }
        Ok(usage)
    }

    fn location_of(&self, pointer: &Pointer) -> Result<Path, StoreError> {
        let relative = pointer
            .uri
            .strip_prefix(&self.uri)
            .and_then(|rest| rest.strip_prefix('/'));
        relative.map(Path::from).ok_or_else(|| StoreError::Elsewhere {
            uri: pointer.uri.clone(),
            store: self.uri.clone(),
        })
    }

    fn failed(&self, operation: &'static str, source: object_store::Error) -> StoreError {
        StoreError::Failed {
            operation,
            uri: self.uri.clone(),
            source: StoreFault(source),
        }
    }

    async fn timed<T>(
        &self,
        operation: &'static str,
        uri: &str,
        call: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, StoreError> {
        let done = tokio::time::timeout(PATIENCE, call).await;
        let done = done.map_err(|_| StoreError::Slow {
            operation,
            uri: uri.to_owned(),
            seconds: PATIENCE.as_secs(),
        })?;
        done.map_err(|source| StoreError::Failed {
            operation,
            uri: uri.to_owned(),
            source: StoreFault(source),
        })
    }
}

/// Object storage below a place, and its URI without a slash at the end.
fn remote(uri: &str) -> Result<(Arc<dyn ObjectStore>, String), StoreError> {
    let place = Place::parse(uri)?;
    if !place.scheme().is_bucket() {
        return Err(scheme_error(uri));
    }
    let objects = PrefixStore::new(objects::open(&place)?, place.path().clone());
    let uri = place.uri_of(place.path());
    Ok((Arc::new(objects), uri.trim_end_matches('/').to_owned()))
}

/// A folder, made if it is not there, and its URI.
fn shared_folder(uri: &str) -> Result<(Arc<dyn ObjectStore>, String), StoreError> {
    let folder = folder(uri)?;
    let made = fs::create_dir_all(&folder).and_then(|()| folder.canonicalize());
    let folder = made.map_err(|source| StoreError::Folder {
        uri: uri.to_owned(),
        source,
    })?;
    let uri = format!("file://{}", folder.display());
    let objects = LocalFileSystem::new_with_prefix(folder).map_err(|source| StoreError::Unwritable {
        uri: uri.clone(),
        source: StoreFault(source),
    })?;
    Ok((Arc::new(objects), uri))
}

/// The absolute folder of a store's URI.
fn folder(uri: &str) -> Result<PathBuf, StoreError> {
    let path = match uri.split_once("://") {
        None => uri,
        Some(("file", path)) => path,
        Some(_) => return Err(scheme_error(uri)),
    };
    std::path::absolute(path).map_err(|source| StoreError::Folder {
        uri: uri.to_owned(),
        source,
    })
}

fn scheme_error(uri: &str) -> StoreError {
    StoreError::Scheme {
        uri: mask(uri),
        scheme: uri.split_once("://").map_or("", |(scheme, _)| scheme).to_owned(),
    }
}

/// Where a result lies, in a folder of its own first digits: folders stay small.
fn location(identity: &Identity) -> Path {
    let name = identity.to_string();
    Path::from(format!("{PREFIX}/{}/{name}", &name[..2]))
}

#[cfg(test)]
mod tests;
