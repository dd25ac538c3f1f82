//! Commit in memory: results first, then the done bits, all under one lock and at one moment.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use tickfleet_protocol::{
    ids::{Identity, RunId},
    state::{self, Held, Standing, Tick},
};

use super::{MemoryBroker, Shelf, results::entry_cost};
use crate::broker::{BrokerError, Commit, CommitOutcome, Result};

impl MemoryBroker {
    /// Carries out a batch, or nothing of it where its results do not fit.
    pub(super) fn commit_now(&self, commits: &[Commit]) -> Result<Vec<CommitOutcome>> {
        let mut shelf = self.lock();
        let now = self.clock.now();
        self.step_at(&mut shelf, Tick, now);
        shelf.results.expire(now);
        let Plan {
            writes,
            needed,
            is_missing,
        } = shelf.plan_writes(commits)?;
        let kept: BTreeSet<Identity> = writes.keys().map(|&(_, identity)| identity).collect();
        shelf.results.make_room(needed, &kept);
        for ((run, identity), bytes) in writes {
            shelf.results.insert(run, identity, bytes);
        }
        let present = commits.iter().zip(&is_missing).filter(|(_, is_missing)| !**is_missing);
        let held: Vec<Held> = present.map(|(commit, _)| commit.held()).collect();
        let mut outcomes = self.step_at(&mut shelf, state::Commit { held: &held }, now).into_iter();
        let mut outcome = || outcomes.next().expect("each commit has an outcome");
        Ok(is_missing
            .iter()
            .map(|&missing| {
                if missing {
                    CommitOutcome::ResultMissing
                } else {
                    outcome()
                }
            })
            .collect())
    }
}

/// What a batch of commits writes.
struct Plan {
    /// The results to keep, by the run that commits them and their identity.
    writes: BTreeMap<(RunId, Identity), Bytes>,
    /// Bytes that they add.
    needed: u64,
    /// For each commit, whether it is live but names a result that there is not.
    is_missing: Vec<bool>,
}

impl Shelf {
    /// What live commits write. Fails where it does not fit, results that belong to no run let go.
    fn plan_writes(&self, commits: &[Commit]) -> Result<Plan> {
        let (bytes_used, bytes_max) = self.results.usage();
        let mut fresh = BTreeMap::<Identity, Bytes>::new();
        let mut writes = BTreeMap::new();
        let mut needed = 0;
        let mut droppable = self.results.droppable();
        let mut is_missing = Vec::with_capacity(commits.len());
        for commit in commits {
            let is_live = self.queue.standing(commit.held()) == Standing::Live;
            let is_known = self.results.has(&commit.identity) || fresh.contains_key(&commit.identity);
            let entry = match &commit.result {
                Some(bytes) if !is_known => entry_cost(bytes.len()),
                _ => 0,
            };
            is_missing.push(is_live && !is_known && commit.result.is_none());
            if !is_live || (!is_known && commit.result.is_none()) {
                continue;
            }
            if writes.contains_key(&(commit.job.run, commit.identity)) {
                continue;
            }
            if !fresh.contains_key(&commit.identity) {
                droppable -= self.results.droppable_cost(&commit.identity);
            }
            needed += entry + self.results.claim_cost(commit.job.run, &commit.identity);
            if bytes_used + needed > bytes_max + droppable {
                return Err(BrokerError::ResultsFull {
                    operation: "commit",
                    job: Some(commit.job),
                    needed,
                    used: bytes_used,
                    limit: bytes_max,
                });
            }
            // What is stored stays: its bytes need not be at hand.
            let bytes = fresh.get(&commit.identity).or(commit.result.as_ref());
            let bytes = bytes.cloned().unwrap_or_default();
            fresh.insert(commit.identity, bytes.clone());
            writes.insert((commit.job.run, commit.identity), bytes);
        }
        Ok(Plan {
            writes,
            needed,
            is_missing,
        })
    }
}
