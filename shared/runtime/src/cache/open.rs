//! The cache of a process as its settings say.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcetera::BaseStrategy;

use super::{DiskTier, ResultStore, StoreError};
use crate::settings::{InForce, registry};

/// The folder of the disk cache; `None` where nobody named one and the user has no home.
#[must_use]
pub fn disk_folder(settings: &InForce) -> Option<PathBuf> {
    match settings.text(&registry::CACHE_DIR) {
        Some(named) => Some(Path::new(named.strip_prefix("file://").unwrap_or(named)).to_owned()),
        None => Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("tickfleet")),
    }
}

/// The bound of the disk cache, bytes; 0 = no disk cache.
///
/// # Panics
/// Never: the setting has a default.
#[must_use]
pub fn disk_bytes(settings: &InForce) -> u64 {
    settings.count(&registry::CACHE_DISK).expect("cache_disk has a default")
}

/// The disk cache, if there is to be one. Without it everything works as with it: where it can't be had, that is logged.
#[must_use]
pub fn disk(settings: &InForce) -> Option<Arc<DiskTier>> {
    let bytes_max = disk_bytes(settings);
    if bytes_max == 0 {
        return None;
    }
    let Some(folder) = disk_folder(settings) else {
        tracing::warn!("no disk cache: there is no home folder; --cache-dir names a place");
        return None;
    };
    match DiskTier::start(&folder, bytes_max) {
        Ok(disk) => Some(Arc::new(disk)),
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "no disk cache: its thread can't be started");
            None
        }
    }
}

/// The store of large results, where one is named.
///
/// # Errors
/// It can't be used, which a user wants to know before the first result is lost.
pub async fn store(settings: &InForce) -> Result<Option<Arc<ResultStore>>, StoreError> {
    match settings.text(&registry::STORE) {
        Some(uri) => Ok(Some(Arc::new(ResultStore::open(uri).await?))),
        None => Ok(None),
    }
}

/// Largest result kept in the queue's server where there is a store, bytes.
///
/// # Panics
/// Never: the setting has a default.
#[must_use]
pub fn inline_bytes(settings: &InForce) -> u64 {
    settings
        .count(&registry::INLINE_RESULT)
        .expect("inline_result has a default")
}
