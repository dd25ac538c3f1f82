//! The results a memory broker keeps: write-once by identity, bounded in bytes, let go with the last run that
//! committed them; those that belong to no run, when they expire or their room is needed, the oldest first.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use bytes::Bytes;
use tickfleet_protocol::ids::{Identity, Millis, RunId};

use super::spill::{HOT_BYTES, Place, Spill};

/// What an entry costs beside its bytes: key, counters, and its share of the tree.
const ENTRY_BYTES: u64 = 128;

/// What it costs that a run has committed an identity.
const CLAIM_BYTES: u64 = 64;

/// Results by identity.
#[derive(Debug)]
pub(super) struct ResultStore {
    spill: Spill,
    bytes_max: u64,
    bytes_used: u64,
    /// Those of [`ResultStore::spare`], which are among those used.
    bytes_droppable: u64,
    entries: BTreeMap<Identity, Entry>,
    by_run: BTreeMap<RunId, BTreeSet<Identity>>,
    /// The results that belong to no run, by when they expire.
    spare: BTreeSet<(Millis, Identity)>,
}

#[derive(Debug)]
struct Entry {
    place: Place,
    len: usize,
    runs: usize,
    /// When it expires, where it belongs to no run.
    spare_until: Option<Millis>,
}

impl ResultStore {
    /// An empty store that takes `bytes_max` bytes, its own overhead included.
    pub(super) fn new(bytes_max: u64) -> Self {
        Self {
            spill: Spill::new(HOT_BYTES),
            bytes_max,
            bytes_used: 0,
            bytes_droppable: 0,
            entries: BTreeMap::new(),
            by_run: BTreeMap::new(),
            spare: BTreeSet::new(),
        }
    }

    /// The result under `identity`.
    ///
    /// # Errors
    /// It is in the scratch file, and that cannot be read.
    pub(super) fn get(&mut self, identity: &Identity) -> io::Result<Option<Bytes>> {
        let entry = self.entries.get(identity);
        entry.map(|entry| self.spill.get(&entry.place)).transpose()
    }

    /// Whether there is a result under `identity`.
    pub(super) fn has(&self, identity: &Identity) -> bool {
        self.entries.contains_key(identity)
    }

    /// Bytes in use and the most allowed.
    pub(super) const fn usage(&self) -> (u64, u64) {
        (self.bytes_used, self.bytes_max)
    }

    /// Bytes in use that are let go where their room is needed.
    pub(super) const fn droppable(&self) -> u64 {
        self.bytes_droppable
    }

    /// As [`ResultStore::droppable`], of one result.
    pub(super) fn droppable_cost(&self, identity: &Identity) -> u64 {
        let entry = self.entries.get(identity).filter(|entry| entry.spare_until.is_some());
        entry.map_or(0, |entry| entry_cost(entry.len))
    }

    /// Bytes that it would add for `run` to commit `identity`, the result itself apart.
    pub(super) fn claim_cost(&self, run: RunId, identity: &Identity) -> u64 {
        let is_claimed = self.by_run.get(&run).is_some_and(|known| known.contains(identity));
        if is_claimed { 0 } else { CLAIM_BYTES }
    }

    /// Keeps `bytes` under `identity` until `run` is gone. The bytes that came first stay.
    pub(super) fn insert(&mut self, run: RunId, identity: Identity, bytes: Bytes) {
        self.bytes_used += self.claim_cost(run, &identity);
        self.unspare(&identity);
        let entry = self.entries.entry(identity).or_insert_with(|| {
            self.bytes_used += entry_cost(bytes.len());
            Entry {
                len: bytes.len(),
                place: self.spill.put(bytes),
                runs: 0,
                spare_until: None,
            }
        });
        if self.by_run.entry(run).or_default().insert(identity) {
            entry.runs += 1;
        }
    }

    /// Keeps `bytes` under `identity` for no run, until `until` at most. The bytes that came first stay. Says whether
    /// there was room.
    pub(super) fn keep(&mut self, identity: Identity, bytes: Bytes, until: Millis) -> bool {
        if self.entries.get(&identity).is_some_and(|entry| entry.runs > 0) {
            return true;
        }
        self.unspare(&identity);
        let cost = entry_cost(bytes.len());
        if !self.entries.contains_key(&identity) {
            if self.bytes_used + cost > self.bytes_max + self.bytes_droppable {
                return false;
            }
            self.make_room(cost, &BTreeSet::new());
            self.bytes_used += cost;
        }
        let entry = self.entries.entry(identity).or_insert_with(|| Entry {
            len: bytes.len(),
            place: self.spill.put(bytes),
            runs: 0,
            spare_until: None,
        });
        entry.spare_until = Some(until);
        self.bytes_droppable += entry_cost(entry.len);
        self.spare.insert((until, identity));
        true
    }

    /// Lets go results that belong to no run until `bytes` more fit, but not those in `wanted`.
    pub(super) fn make_room(&mut self, bytes: u64, wanted: &BTreeSet<Identity>) {
        let mut passed_over = BTreeSet::new();
        while self.bytes_used + bytes > self.bytes_max
            && let Some(&(until, identity)) = self.spare.first()
        {
            if wanted.contains(&identity) {
                self.spare.remove(&(until, identity));
                passed_over.insert((until, identity));
            } else {
                self.drop_spare(identity);
            }
        }
        self.spare.append(&mut passed_over);
    }

    /// Lets go what has expired.
    pub(super) fn expire(&mut self, now: Millis) {
        while let Some(&(_, identity)) = self.spare.first().filter(|&&(until, _)| until <= now) {
            self.drop_spare(identity);
        }
    }

    /// Lets go what only `run` has committed.
    pub(super) fn release(&mut self, run: RunId) {
        for identity in self.by_run.remove(&run).unwrap_or_default() {
            self.bytes_used -= CLAIM_BYTES;
            let entry = self.entries.get_mut(&identity).expect("what a run committed is kept");
            entry.runs -= 1;
            if entry.runs == 0 {
                self.bytes_used -= entry_cost(entry.len);
                self.spill.remove(&entry.place);
                self.entries.remove(&identity);
            }
        }
    }

    /// Takes a result out of those that belong to no run.
    fn unspare(&mut self, identity: &Identity) {
        if let Some(entry) = self.entries.get_mut(identity)
            && let Some(until) = entry.spare_until.take()
        {
            self.bytes_droppable -= entry_cost(entry.len);
            self.spare.remove(&(until, *identity));
        }
    }

    fn drop_spare(&mut self, identity: Identity) {
        self.unspare(&identity);
        if let Some(entry) = self.entries.remove(&identity) {
            self.bytes_used -= entry_cost(entry.len);
            self.spill.remove(&entry.place);
        }
    }
}

/// Bytes that a result under a new identity adds.
pub(super) const fn entry_cost(len: usize) -> u64 {
    ENTRY_BYTES + len as u64
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
            (store.get(&x).unwrap(), store.get(&y).unwrap()),
            (Some(bytes), None),
            "the first bytes stay, for the run left"
        );
        store.release(a);
        store.release(b);
        assert_eq!((store.has(&x), store.usage().0), (false, 0));
    }
    #[test]
    fn results_of_no_run_make_room_and_expire() {
        let run = RunId::from_parts(Millis(1), [1; 10]);
        let id = |n| Identity([n; 32]);
        let bytes = || Bytes::from_static(&[0; 872]);
        let mut store = ResultStore::new(3_000);
        for n in 1..=4 {
            assert!(store.keep(id(n), bytes(), Millis(100 + u64::from(n))));
        }
        let found = |store: &ResultStore| -> Vec<u8> { (1..=9).filter(|&n| store.has(&id(n))).collect() };
        assert_eq!((found(&store), store.droppable()), (vec![2, 3, 4], 3_000));
        assert!(
            store.keep(id(2), Bytes::from_static(b"other"), Millis(200)),
            "it lives on"
        );
        assert!(
            !store.keep(id(5), Bytes::from_static(&[0; 2_873]), Millis(200)),
            "it can't fit"
        );
        store.make_room(1_000, &BTreeSet::from([id(3)]));
        assert_eq!(found(&store), [2, 3]);
        store.insert(run, id(3), bytes());
        assert_eq!(store.droppable(), 1_000);
        assert!(store.keep(id(3), bytes(), Millis(1)), "it belongs to a run");
        store.expire(Millis(199));
        assert_eq!(found(&store), [2, 3]);
        store.expire(Millis(200));
        assert_eq!((found(&store), store.droppable()), (vec![3], 0));
        store.release(run);
        assert_eq!((found(&store), store.usage().0), (vec![], 0));
    }
}
