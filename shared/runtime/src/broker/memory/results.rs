//! The results a memory broker keeps: write-once by identity, bounded in bytes, let go with the last run that
//! committed them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use tickfleet_protocol::ids::{Identity, RunId};

/// What an entry costs beside its bytes: key, counters, and its share of the tree.
const ENTRY_BYTES: u64 = 128;

/// What it costs that a run has committed an identity.
const CLAIM_BYTES: u64 = 64;

/// Results by identity.
#[derive(Debug)]
pub(super) struct ResultStore {
    bytes_max: u64,
    bytes_used: u64,
    entries: BTreeMap<Identity, Entry>,
    by_run: BTreeMap<RunId, BTreeSet<Identity>>,
}

#[derive(Debug)]
struct Entry {
    bytes: Bytes,
    runs: usize,
}

impl ResultStore {
    /// An empty store that takes `bytes_max` bytes, its own overhead included.
    pub(super) const fn new(bytes_max: u64) -> Self {
        Self {
            bytes_max,
            bytes_used: 0,
            entries: BTreeMap::new(),
            by_run: BTreeMap::new(),
        }
    }

    /// The result under `identity`.
    pub(super) fn get(&self, identity: &Identity) -> Option<&Bytes> {
        self.entries.get(identity).map(|entry| &entry.bytes)
    }

    /// Bytes in use and the most allowed.
    pub(super) const fn usage(&self) -> (u64, u64) {
        (self.bytes_used, self.bytes_max)
    }

    /// Bytes that it would add for `run` to commit `identity`, the result itself apart.
    pub(super) fn claim_cost(&self, run: RunId, identity: &Identity) -> u64 {
        let is_claimed = self.by_run.get(&run).is_some_and(|known| known.contains(identity));
        if is_claimed { 0 } else { CLAIM_BYTES }
    }

    /// Keeps `bytes` under `identity` until `run` is gone. The bytes that came first stay.
    pub(super) fn insert(&mut self, run: RunId, identity: Identity, bytes: Bytes) {
        self.bytes_used += self.claim_cost(run, &identity);
        let entry = self.entries.entry(identity).or_insert_with(|| {
            self.bytes_used += entry_cost(&bytes);
            Entry { bytes, runs: 0 }
        });
        if self.by_run.entry(run).or_default().insert(identity) {
            entry.runs += 1;
        }
    }

    /// Lets go what only `run` has committed.
    pub(super) fn release(&mut self, run: RunId) {
        for identity in self.by_run.remove(&run).unwrap_or_default() {
            self.bytes_used -= CLAIM_BYTES;
            let entry = self.entries.get_mut(&identity).expect("what a run committed is kept");
            entry.runs -= 1;
            if entry.runs == 0 {
                self.bytes_used -= entry_cost(&entry.bytes);
                self.entries.remove(&identity);
            }
        }
    }
}

/// Bytes that a result under a new identity adds.
pub(super) fn entry_cost(bytes: &Bytes) -> u64 {
    ENTRY_BYTES + bytes.len() as u64
}

#[cfg(test)]
mod tests {
    use tickfleet_protocol::ids::Millis;

    use super::*;

    #[test]
    fn results_live_as_long_as_a_run_that_committed_them() {
        let (a, b) = (
            RunId::from_parts(Millis(1), [1; 10]),
            RunId::from_parts(Millis(1), [2; 10]),
        );
        let (x, y) = (Identity([1; 32]), Identity([2; 32]));
        let bytes = Bytes::from_static(b"result");
        let mut store = ResultStore::new(10_000);
        for (run, identity) in [(a, x), (a, x), (a, y), (b, x)] {
            store.insert(run, identity, bytes.clone());
        }
        assert_eq!(store.usage().0, 2 * (ENTRY_BYTES + 6) + 3 * CLAIM_BYTES);
        store.insert(b, x, Bytes::from_static(b"other"));
        store.release(a);
        assert_eq!(
            (store.get(&x), store.get(&y)),
            (Some(&bytes), None),
            "the first bytes stay, for the run left"
        );
        store.release(a);
        store.release(b);
        assert_eq!((store.get(&x), store.usage().0), (None, 0));
    }
}
