//! The tiers of this machine as one: memory, then disk.

use std::sync::Arc;

use bytes::Bytes;

use super::counts::{Tier, TierCounts};
use super::{DiskTier, Key, MemoryTier};

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

    /// Keeps an entry in both; returns at once.
    pub fn put(&self, key: Key, bytes: Bytes) {
        if let Some(disk) = &self.disk {
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
