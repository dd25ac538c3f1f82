//! Which entries a folder holds and when each was last used, as far as this process knows. Pure.
//!
//! It is a view: other processes write and remove files too, so an entry may be there without being known, or known
//! without being there. A scan brings it up to date.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::cache::Key;

/// Moments are milliseconds since the Unix epoch.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: HashMap<Key, Known>,
    by_use: BTreeSet<(u64, Key)>,
    bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    bytes: u64,
    used_ms: u64,
}

impl Index {
    /// Bytes of the files known.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Files known.
    pub(super) fn count(&self) -> usize {
        self.entries.len()
    }

    /// Whether an entry is known.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.entries.contains_key(key)
    }

    /// Notes that an entry's file of so many bytes was used.
    pub(super) fn used(&mut self, key: Key, bytes: u64, at_ms: u64) {
        self.forget(&key);
        self.entries.insert(key, Known { bytes, used_ms: at_ms });
        self.by_use.insert((at_ms, key));
        self.bytes += bytes;
    }

    /// Forgets an entry.
    pub(super) fn forget(&mut self, key: &Key) {
        if let Some(known) = self.entries.remove(key) {
            self.by_use.remove(&(known.used_ms, *key));
            self.bytes -= known.bytes;
        }
    }

    /// Forgets the entry that was not used for the longest time, and gives it.
    pub(super) fn take_oldest(&mut self) -> Option<Key> {
        let (_, key) = *self.by_use.first()?;
        self.forget(&key);
        Some(key)
    }

    /// Takes over what a scan found: (key, bytes, time of writing). What was used since it was written keeps that time;
    /// what is no longer there is forgotten, unless it was used after the scan began.
    pub(super) fn refresh(&mut self, found: impl IntoIterator<Item = (Key, u64, u64)>, began_ms: u64) {
        let mut there = HashSet::new();
        for (key, bytes, written_ms) in found {
            there.insert(key);
            let used_ms = self
                .entries
                .get(&key)
                .map_or(written_ms, |known| known.used_ms.max(written_ms));
            self.used(key, bytes, used_ms);
        }
        let gone = self
            .entries
            .iter()
            .filter(|(key, known)| !there.contains(*key) && known.used_ms < began_ms);
        for key in gone.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.forget(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u64) -> Key {
        Key::range("x", "1", &(0..n))
    }

    #[test]
    fn the_oldest_leaves_first() {
        let mut index = Index::default();
        for n in 1..=3 {
            index.used(key(n), 10 * n, n);
        }
        index.used(key(1), 10, 4);
        assert_eq!((index.bytes(), index.count()), (60, 3));
        assert_eq!(index.take_oldest(), Some(key(2)));
        assert_eq!(index.take_oldest(), Some(key(3)));
        assert_eq!(index.take_oldest(), Some(key(1)));
        assert_eq!((index.take_oldest(), index.bytes()), (None, 0));
    }

    #[test]
    fn a_scan_brings_in_others_files_and_lets_go_what_is_gone() {
        let mut index = Index::default();
        for n in 1..=3 {
            index.used(key(n), 10, 100 * n);
        }
        // Number 1 is gone, 3 was written while the scan ran, 4 is another process's.
        index.refresh([(key(2), 20, 150), (key(4), 40, 50)], 250);
        assert_eq!((index.has(&key(1)), index.has(&key(3))), (false, true));
        assert_eq!(index.bytes(), 20 + 10 + 40);
        assert_eq!(index.take_oldest(), Some(key(4)), "by its time of writing");
        assert_eq!(index.take_oldest(), Some(key(2)), "by its last use");
    }
}
