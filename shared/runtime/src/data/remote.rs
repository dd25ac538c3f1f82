//! Files in object storage and on web servers: one by its name, those under a prefix, or those that a pattern matches.
//!
//! A bucket is listed page by page, and no further than the bound on files. A web server cannot be listed: it gives the
//! one file that is named. Read next: [`super::file`], [`crate::objects`].

use std::path::Path as FilePath;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::error::DataError;
use super::file::StoredFile;
use super::found::{is_data, stored};
use super::locate::{FILES_MAX, is_wild, matches, store_error};
use crate::objects::{self, Place};

/// Most names that a listing looks at: files of other kinds count too.
const LISTED_MAX: usize = 10 * FILES_MAX;
/// Files of an unknown ending that are looked into side by side.
const LOOKING: usize = 8;

/// The files of a place, in no particular order.
///
/// # Errors
/// Nothing is there, it cannot be reached or read, or the server cannot list.
pub(super) async fn locate(table: &'static str, place: &Place) -> Result<Vec<StoredFile>, DataError> {
    let uri = place.to_string();
    let is_bucket = place.scheme().is_bucket();
    let is_pattern = is_wild(place.path().as_ref());
    if !is_bucket && (place.is_folder() || is_pattern) {
        return Err(DataError::NoListing { table, uri });
    }
    let store = objects::open(place)?;
    let metas = if is_pattern {
        matching(table, &uri, &store, place).await?
    } else {
        named(table, &uri, &store, place).await?
    };
    let name = |meta: &ObjectMeta| {
        if is_bucket {
            place.uri_of(&meta.location)
        } else {
            uri.clone()
        }
    };
    let files = stream::iter(metas).map(|meta| {
        let name = name(&meta);
        stored(&store, meta, name)
    });
    files.buffered(LOOKING).try_collect().await
}

/// The object of that name, else all data files below it.
async fn named(
    table: &'static str,
    uri: &str,
    store: &Arc<dyn ObjectStore>,
    place: &Place,
) -> Result<Vec<ObjectMeta>, DataError> {
    let not_found = || DataError::NotFound {
        table,
        uri: uri.to_owned(),
    };
    if !place.is_folder() {
        match store.head(place.path()).await {
            Ok(meta) => return Ok(vec![meta]),
            Err(object_store::Error::NotFound { .. }) if place.scheme().is_bucket() => {}
            Err(object_store::Error::NotFound { .. }) => return Err(not_found()),
            Err(source) => return Err(store_error(uri, source)),
        }
    }
    let (seen, found) = listed(uri, store, place.path(), |_| true).await?;
    if seen == 0 {
        return Err(not_found());
    }
    Ok(found)
}

async fn matching(
    table: &'static str,
    uri: &str,
    store: &Arc<dyn ObjectStore>,
    place: &Place,
) -> Result<Vec<ObjectMeta>, DataError> {
    let pattern = glob::Pattern::new(place.path().as_ref()).map_err(|error| DataError::Pattern {
        table,
        uri: uri.to_owned(),
        why: error.msg.to_owned(),
    })?;
    let fixed = place.path().parts().take_while(|part| !is_wild(part.as_ref()));
    let hit = |meta: &ObjectMeta| matches(&pattern, FilePath::new(meta.location.as_ref()));
    Ok(listed(uri, store, &Path::from_iter(fixed), hit).await?.1)
}

/// How many names a prefix has, and the data files among them that are wanted.
async fn listed(
    uri: &str,
    store: &Arc<dyn ObjectStore>,
    prefix: &Path,
    wanted: impl Fn(&ObjectMeta) -> bool,
) -> Result<(usize, Vec<ObjectMeta>), DataError> {
    let mut names = store.list(Some(prefix)).take(LISTED_MAX);
    let (mut seen, mut found) = (0, Vec::new());
    while let Some(meta) = names.try_next().await.map_err(|source| store_error(uri, source))? {
        seen += 1;
        if is_data(FilePath::new(meta.location.as_ref())) && wanted(&meta) {
            found.push(meta);
        }
        if found.len() > FILES_MAX {
            break;
        }
    }
    Ok((seen, found))
}
