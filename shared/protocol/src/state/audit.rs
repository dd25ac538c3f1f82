//! The proof that no job is lost or doubled: every job of a run is in exactly one place, and the counters agree.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{StageCounts, queue::Queue, run::Run};
use crate::ids::{Millis, RunId, StageIndex};

/// Where the jobs of a run are, over all its stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// Not yet delivered.
    pub unfed: u64,
    /// Delivered before, available again.
    pub ready: u64,
    /// Held under a token; in an ended run, held when it ended.
    pub claimed: u64,
    /// Waiting for a retry.
    pub delayed: u64,
    /// Given up.
    pub dead: u64,
    /// Committed.
    pub done: u64,
}

/// A broken invariant: a defect of the program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// A job is in two places, or in one where it can't be.
    #[error("run {run}: job {index} of the open stage is {place} although it is elsewhere or was never fed")]
    Misplaced {
        /// The run.
        run: RunId,
        /// The open stage.
        stage: StageIndex,
        /// The job's index in it.
        index: u64,
        /// Where it was found.
        place: &'static str,
    },
    /// Something that leads to a run, or follows from it, does not.
    #[error("run {run}: {what}")]
    Unlinked {
        /// The run.
        run: RunId,
        /// What is wrong.
        what: &'static str,
    },
    /// Two ways of counting differ.
    #[error("run {run}: {what} is {found}, should be {expected}")]
    Miscounted {
        /// The run.
        run: RunId,
        /// What was counted.
        what: &'static str,
        /// The count.
        found: u64,
        /// What it should be.
        expected: u64,
    },
}

impl Queue {
    /// Audits a run, and holds what leads to it against its state; none where there is no such run.
    pub fn audit(&self, id: RunId) -> Option<Result<Census, AuditError>> {
        let run = self.run(id)?;
        let links = [
            (
                self.keys.get(&run.terms.key) == Some(&id),
                "its key does not lead to it",
            ),
            (self.knows_timer(run), "time does not come to it when it is due"),
            (
                self.fair.is_waiting(id) == run.has_work(),
                "whether it is fed is not whether it has work",
            ),
        ];
        let broken = links.iter().find(|(is_there, _)| !is_there);
        let broken = broken.map(|&(_, what)| AuditError::Unlinked { run: id, what });
        Some(run.audit().and_then(|census| broken.map_or(Ok(census), Err)))
    }
}

impl Run {
    /// Where the jobs are, by the counts.
    pub fn census(&self) -> Census {
        let sum = |count: fn(&StageCounts) -> u64| self.stages.iter().map(count).sum::<u64>();
        Census {
            unfed: sum(|stage| stage.total) - sum(|stage| stage.fed),
            ready: self.ready.len() as u64,
            claimed: self.claims.len() as u64,
            delayed: self.delayed.len() as u64,
            dead: self.stage().failed,
            done: sum(|stage| stage.done),
        }
    }

    /// Finds each job in exactly one place, or says what is wrong. Costs the jobs in flight and the bitmap.
    pub fn audit(&self) -> Result<Census, AuditError> {
        let stage = self.stage();
        let mut seen = BTreeSet::new();
        let places: [(&'static str, Vec<u64>); 5] = [
            ("ready", self.ready.keys().copied().collect()),
            ("claimed", self.claims.keys().copied().collect()),
            ("delayed", self.delayed.keys().map(|&(_, index)| index).collect()),
            ("dead", self.dead.keys().copied().collect()),
            ("dropped", self.dropped.iter().copied().collect()),
        ];
        for (place, indexes) in &places {
            for &index in indexes {
                if index >= stage.fed || self.done.contains(index) || !seen.insert(index) {
                    return Err(AuditError::Misplaced {
                        run: self.id,
                        stage: self.open_stage_index(),
                        index,
                        place,
                    });
                }
            }
        }
        self.expect("the open stage's done bits", self.done.count(), stage.done)?;
        self.expect("jobs fed or done", stage.fed.max(self.done.end()), stage.fed)?;
        self.expect("jobs fed", stage.fed, stage.done + seen.len() as u64)?;
        self.expect("dead jobs", (self.dead.len() + self.dropped.len()) as u64, stage.failed)?;
        self.audit_leases()?;
        self.audit_other_stages()?;
        Ok(self.census())
    }

    /// Each claim has its lease and no lease is without a claim.
    fn audit_leases(&self) -> Result<(), AuditError> {
        let of_claims: BTreeSet<(Millis, u64)> = self.claims.iter().map(|(&i, claim)| (claim.lease_until, i)).collect();
        self.expect(
            "leases that match a claim",
            self.leases.intersection(&of_claims).count() as u64,
            of_claims.len() as u64,
        )?;
        self.expect("leases", self.leases.len() as u64, of_claims.len() as u64)
    }

    /// Stages before the open one are complete, those after it untouched.
    fn audit_other_stages(&self) -> Result<(), AuditError> {
        for (i, stage) in self.stages.iter().enumerate().filter(|&(i, _)| i != self.open) {
            let expected = if i < self.open { stage.total } else { 0 };
            self.expect("jobs done of another stage", stage.done, expected)?;
            self.expect("jobs fed of another stage", stage.fed, expected)?;
            self.expect("jobs failed of another stage", stage.failed, 0)?;
        }
        Ok(())
    }

    fn expect(&self, what: &'static str, found: u64, expected: u64) -> Result<(), AuditError> {
        if found == expected {
            Ok(())
        } else {
            Err(AuditError::Miscounted {
                run: self.id,
                what,
                found,
                expected,
            })
        }
    }
}
