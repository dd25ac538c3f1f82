//! The first tier: entries in this process's memory, the least recently used leaving first.

use std::sync::Arc;

use bytes::Bytes;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::Key;
use super::counts::{Counters, Tier, TierCounts};

/// What an entry costs beside its bytes.
const ENTRY_BYTES: usize = 128;

/// Entries in memory, bounded in bytes.
#[derive(Debug)]
pub struct MemoryTier {
    entries: Cache<Key, Bytes>,
    counters: Arc<Counters>,
}

impl MemoryTier {
    /// A tier that takes `bytes_max` bytes of entries, their overhead included.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        let counters = Arc::new(Counters::new(Tier::Memory));
        let counted = counters.clone();
        let entries = Cache::builder()
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|_, bytes: &Bytes| u32::try_from(ENTRY_BYTES + bytes.len()).unwrap_or(u32::MAX))
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    counted.evicted();
                }
            })
            .max_capacity(bytes_max)
            .build();
        Self { entries, counters }
    }

    /// The entry of a key.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Bytes> {
        let found = self.entries.get(key);
        self.counters.look_up(found.as_ref().map(Bytes::len));
        found
    }

    /// Keeps an entry.
    pub fn put(&self, key: Key, bytes: Bytes) {
        self.counters.written(bytes.len());
        self.entries.insert(key, bytes);
    }

    /// What it has done so far.
    #[must_use]
    pub fn counts(&self) -> TierCounts {
        self.counters.counts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_leave_when_there_is_no_room() {
        let tier = MemoryTier::new(10_000);
        let key = |n: u64| Key::range("x", "1", &(0..n));
        for n in 0..20 {
            tier.put(key(n), Bytes::from(vec![0; 1_000]));
            tier.entries.run_pending_tasks();
        }
        assert_eq!(tier.get(&key(19)).map(|bytes| bytes.len()), Some(1_000));
        assert_eq!(tier.get(&key(0)), None);
        let counts = tier.counts();
        assert_eq!((counts.hits, counts.misses, counts.bytes_read), (1, 1, 1_000));
        assert_eq!(counts.evictions, 12, "eight entries of 1,128 bytes fit");
    }
}
