//! The tiers of this machine as one: memory, then disk.

use std::sync::Arc;

use bytes::Bytes;

use super::counts::{Tier, TierCounts};
use super::{DiskTier, Key, MemoryTier};

/// Smallest entry that is worth a file, bytes: half of what a file takes on most disks.
const DISK_BYTES_MIN: usize = 2 << 10;

/// Memory, and disk where there is one.
#[derive(Debug)]
pub struct Local {
    memory: MemoryTier,
    disk: Option<Arc<DiskTier>>,
}

impl Local {
    /// A memory tier of `memory_bytes`, over a disk tier.
    #[must_use]
    pub fn new(memory_bytes: u64, disk: Option<Arc<DiskTier>>) -> Self {
        let memory = MemoryTier::new(memory_bytes);
        Self { memory, disk }
    }

    /// The entry of a key; one that was found on disk is kept in memory.
    pub async fn get(&self, key: Key) -> Option<Bytes> {
        if let Some(found) = self.memory.get(&key) {
            return Some(found);
        }
        let found = self.disk.as_ref()?.get(key).await?;
        self.memory.put(key, found.clone());
        Some(found)
    }

    /// The entry of a key, if this process knows that it has one: a look that costs nothing where it finds nothing, and
    /// that misses what another process wrote since the last scan.
    pub async fn get_known(&self, key: Key) -> Option<Bytes> {
        let is_on_disk = self.disk.as_ref().is_some_and(|disk| disk.knows(&key));
        if is_on_disk {
            self.get(key).await
        } else {
            self.memory.get(&key)
        }
    }

    /// Keeps an entry in both, a small one in memory only; returns at once.
    pub fn put(&self, key: Key, bytes: Bytes) {
        if let Some(disk) = &self.disk
            && bytes.len() >= DISK_BYTES_MIN
        {
            disk.put(key, bytes.clone());
        }
        self.memory.put(key, bytes);
    }

    /// What each tier has done so far.
    #[must_use]
    pub fn counts(&self) -> Vec<(Tier, TierCounts)> {
        let disk = self.disk.as_ref().map(|disk| (Tier::Disk, disk.counts()));
        std::iter::once((Tier::Memory, self.memory.counts()))
            .chain(disk)
            .collect()
    }
}
