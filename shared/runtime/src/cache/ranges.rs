//! Ranges of input files on disk, by URI, version and range: what is far away is read once on each machine.
//!
//! Files in object storage and on web servers are kept, and local ones on another device than the cache's folder (network
//! mounts, slower disks): a copy beside the original would cost a write and save nothing. The queue's server is passed over: it holds the queue in memory, and
//! blocks of bars would drive it out. Decoded blocks are a tier above, in [`crate::data::inputs`].

use std::fs;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::counts::{Counters, Tier, TierCounts};
use super::{DiskTier, Key};
use crate::objects::is_remote;

/// Which files are worth a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those on no disk of this machine, or on another device than the cache's folder.
    Far,
    /// All.
    All,
}

/// Ranges of input files.
#[derive(Debug)]
pub struct Ranges {
    disk: Option<(Arc<DiskTier>, Reach)>,
    source: Counters,
}

impl Ranges {
    /// Ranges on a disk tier; without one, all are read at the source.
    #[must_use]
    pub fn new(disk: Option<(Arc<DiskTier>, Reach)>) -> Self {
        Self {
            disk,
            source: Counters::new(Tier::Source),
        }
    }

    /// Whether ranges of a file are kept. Asks the system: not for async code.
    #[must_use]
    pub fn keeps(&self, uri: &str) -> bool {
        let file = Path::new(uri);
        match &self.disk {
            None => false,
            Some((_, Reach::All)) => true,
            Some(_) if is_remote(uri) => true,
            // What cannot be asked is left alone.
            Some((disk, Reach::Far)) => device(file).zip(device(disk.folder())).is_some_and(|(a, b)| a != b),
        }
    }

    /// A range of a file in one version, if it is there whole.
    pub async fn get(&self, uri: &str, version: &str, range: &Range<u64>) -> Option<Bytes> {
        let (disk, _) = self.disk.as_ref()?;
        let found = disk.get(Key::range(uri, version, range)).await?;
        (found.len() as u64 == range.end - range.start).then_some(found)
    }

    /// Keeps a range of a file.
    pub fn put(&self, uri: &str, version: &str, range: &Range<u64>, bytes: Bytes) {
        if let Some((disk, _)) = &self.disk {
            disk.put(Key::range(uri, version, range), bytes);
        }
    }

    /// Notes a read of the source: the bytes it gave, or that it failed.
    pub fn note_source(&self, bytes: Option<usize>) {
        match bytes {
            Some(bytes) => self.source.hit(bytes),
            None => self.source.error(),
        }
    }

    /// What was read at the source so far.
    #[must_use]
    pub fn counts(&self) -> (Tier, TierCounts) {
        (Tier::Source, self.source.counts())
    }
}

/// The device of a path, or of the nearest folder above it that exists.
fn device(path: &Path) -> Option<u64> {
    let metadata = path.ancestors().find_map(|path| fs::metadata(path).ok())?;
    Some(metadata.dev())
}
