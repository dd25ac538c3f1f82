//! Files that become objects: seen by readers once they are whole, or never.
//!
//! A small file is put with one request, a large one in parts that a last request joins. The callers are blocking code
//! (they encode and sync files), so the requests run on a thread and a runtime of their own.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path as FilePath;
use std::sync::Arc;

use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, WriteMultipart};
use thiserror::Error;

use super::fault::{ObjectsError, StoreFault};
use super::{Place, open_alone};

/// Bytes of a part; an object has at most 10,000 of them.
const PART_BYTES: usize = 16 << 20;
/// Parts that are on their way side by side.
const PARTS_AT_ONCE: usize = 4;

/// An object that was not written.
#[derive(Debug, Error)]
pub enum UploadError {
    /// The place cannot be used.
    #[error(transparent)]
    Place(#[from] ObjectsError),
    /// Web servers are read from only.
    #[error("{uri}: results are not written to web servers")]
    ReadOnly {
        /// The place.
        uri: String,
    },
    /// The store did not take it.
    #[error("{uri} cannot be written")]
    Store {
        /// The object.
        uri: String,
        /// What the store said.
        #[source]
        source: StoreFault,
    },
    /// The file that holds the bytes cannot be read.
    #[error("{uri} cannot be written: its local copy cannot be read")]
    Local {
        /// The object.
        uri: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl UploadError {
    /// What mends it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Place(error) => error.help(),
            Self::ReadOnly { .. } => "name a place in object storage (s3://, gs://, az://) or a local path",
            Self::Store { source, .. } => source.cause().help(),
            Self::Local { .. } => "check the temporary folder (TMPDIR)",
        }
    }

    /// Whether the server never answered, or only that it cannot now.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Store { source, .. } if source.cause().is_outage())
    }
}

/// Makes sure that an object can be written, and leaves nothing: an upload in parts is begun and given up.
///
/// # Errors
/// It cannot.
pub fn check(uri: &str) -> Result<(), UploadError> {
    let place = writable(uri)?;
    waited(async {
        let store = open_alone(&place)?;
        let failed = |source| failed(uri, source);
        let mut upload = store.put_multipart(place.path()).await.map_err(failed)?;
        upload.abort().await.map_err(failed)
    })
}

/// Writes a file to its place.
///
/// # Errors
/// It was not written; nothing of it is seen.
pub fn put(file: &FilePath, uri: &str) -> Result<(), UploadError> {
    let place = writable(uri)?;
    let local = |source| UploadError::Local {
        uri: uri.to_owned(),
        source,
    };
    let mut file = File::open(file).map_err(local)?;
    let length = file.metadata().map_err(local)?.len();
    waited(async {
        let store = open_alone(&place)?;
        if length <= PART_BYTES as u64 {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(local)?;
            let put = store.put(place.path(), bytes.into()).await;
            return put.map(drop).map_err(|source| failed(uri, source));
        }
        in_parts(store, &place, &mut file, uri).await
    })
}

async fn in_parts(store: Arc<dyn ObjectStore>, place: &Place, file: &mut File, uri: &str) -> Result<(), UploadError> {
    let failed = |source| failed(uri, source);
    let upload = store.put_multipart(place.path()).await.map_err(failed)?;
    let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
    let mut chunk = vec![0; PART_BYTES];
    loop {
        let filled = file.read(&mut chunk);
        let ready = match &filled {
            Ok(_) => writer.wait_for_capacity(PARTS_AT_ONCE).await.map_err(failed),
            Err(error) => Err(UploadError::Local {
                uri: uri.to_owned(),
                source: io::Error::from(error.kind()),
            }),
        };
        if let Err(error) = ready {
            // The parts are of no use without the rest; what cannot be given up expires by the store's own rules.
            let _ = writer.abort().await;
            return Err(error);
        }
        match filled {
            Ok(0) => break,
            Ok(length) => writer.write(&chunk[..length]),
            Err(_) => unreachable!("failures were returned above"),
        }
    }
    writer.finish().await.map(drop).map_err(failed)
}

fn writable(uri: &str) -> Result<Place, UploadError> {
    let place = Place::parse(uri)?;
    if place.scheme().is_bucket() {
        Ok(place)
    } else {
        Err(UploadError::ReadOnly { uri: uri.to_owned() })
    }
}

fn failed(uri: &str, source: object_store::Error) -> UploadError {
    UploadError::Store {
        uri: uri.to_owned(),
        source: StoreFault(source),
    }
}

/// Waits for requests on a thread and a runtime of their own, wherever the caller stands.
fn waited<T: Send>(requests: impl Future<Output = Result<T, UploadError>> + Send) -> Result<T, UploadError> {
    std::thread::scope(|scope| {
        let driven = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime of one thread can be made").block_on(requests)
        });
        driven.join().expect("requests do not panic")
    })
}
