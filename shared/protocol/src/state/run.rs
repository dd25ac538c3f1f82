//! One run: its stages, and where each job of the open stage is.
//!
//! A job is in exactly one place: not yet fed, ready, claimed, delayed, dead, or done; [`super::audit`] proves it. A job
//! that is not yet fed costs nothing, and a done one costs a bit; jobs of closed stages are done, those of later stages
//! not yet fed. A run never looks at other runs, and whoever changes it settles it afterwards through
//! [`super::Queue`]. Read next: [`super::feed`].

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Claim, Counts, DeadCause, DeadLetter, Progress, ProgressKind, RunState, RunSummary, StageCounts, bitmap::Bitmap,
    submit::Terms,
};
use crate::{
    ids::{JobIndex, JobRef, Millis, RunId, StageIndex, Token, WorkerId},
    limits::{KILLS_BEFORE_SOLO, MAX_DEAD_PER_RUN, MAX_REASON_BYTES, RUN_RETENTION_MS},
};

/// What a job has had against it so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Strikes {
    pub(super) attempts: u32,
    pub(super) kills: u32,
}

/// A claim that has not ended. It is live while its run is running.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub(super) token: Token,
    pub(super) worker: WorkerId,
    pub(super) strikes: Strikes,
    pub(super) lease_until: Millis,
}

/// Where a token stands with its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds the job, and its writes count.
    Live,
    /// The job is done, by whatever token.
    Done,
    /// It does not hold the job, which is not done.
    Lost,
}

/// The state of a run.
#[derive(Clone, Debug)]
pub struct Run {
    pub(super) id: RunId,
    pub(super) terms: Terms,
    pub(super) state: RunState,
    pub(super) submitted_at: Millis,
    pub(super) ended_at: Option<Millis>,
    pub(super) stages: Vec<StageCounts>,
    /// Index of the stage whose jobs are fed.
    pub(super) open: usize,
    /// Done jobs of the open stage.
    pub(super) done: Bitmap,
    /// Jobs that were delivered before and can be again.
    pub(super) ready: BTreeMap<u64, Strikes>,
    pub(super) claims: BTreeMap<u64, Holding>,
    /// The claims by the end of their lease.
    pub(super) leases: BTreeSet<(Millis, u64)>,
    /// Failed jobs by the moment at which they are ready again.
    pub(super) delayed: BTreeMap<(Millis, u64), Strikes>,
    pub(super) dead: BTreeMap<u64, DeadLetter>,
    /// Dead jobs whose letters were dropped.
    pub(super) dropped: BTreeSet<u64>,
    /// Events since the run was last settled.
    pub(super) news: Vec<Progress>,
    /// The moment under which the queue's timers know this run.
    pub(super) timer: Option<Millis>,
}

impl Run {
    /// A run with its first stage open; [`Run::settle`] goes past that where it has no jobs.
    pub(super) fn new(id: RunId, terms: Terms, now: Millis) -> Self {
        let stages = terms
            .stages
            .iter()
            .map(|&total| StageCounts {
                total,
                ..StageCounts::default()
            })
            .collect();
        let mut run = Self {
            id,
            state: RunState::Running,
            submitted_at: now,
            ended_at: None,
            stages,
            open: 0,
            done: Bitmap::default(),
            ready: BTreeMap::new(),
            claims: BTreeMap::new(),
            leases: BTreeSet::new(),
            delayed: BTreeMap::new(),
            dead: BTreeMap::new(),
            dropped: BTreeSet::new(),
            news: Vec::new(),
            timer: None,
            terms,
        };
        run.note(ProgressKind::Submitted, now);
        run.open_stage(0, now);
        run
    }

    /// What can be seen of the run from outside.
    pub fn summary(&self) -> RunSummary {
        RunSummary {
            run: self.id,
            key: self.terms.key.clone(),
            digest: self.terms.digest,
            kind: self.terms.kind.clone(),
            trace: self.terms.trace.clone(),
            state: self.state,
            open_stage: self.open_stage_index(),
            stages: self.stages.clone(),
            weight: self.terms.weight,
            deadline: self.terms.deadline,
            submitted_at: self.submitted_at,
            ended_at: self.ended_at,
        }
    }

    /// Where the run is in its life.
    pub const fn state(&self) -> RunState {
        self.state
    }

    /// The dead letters, in the order of their jobs.
    pub fn dead_letters(&self) -> impl Iterator<Item = &DeadLetter> {
        self.dead.values()
    }

    /// Where `token` stands with `job`, which is one of this run.
    pub fn standing(&self, job: JobRef, token: Token) -> Standing {
        if self.is_done(job) {
            Standing::Done
        } else if self.live(job, token).is_some() {
            Standing::Live
        } else {
            Standing::Lost
        }
    }

    /// Whether a job can be delivered now.
    pub(super) fn has_work(&self) -> bool {
        self.state == RunState::Running && (!self.ready.is_empty() || self.stage().fed < self.stage().total)
    }

    /// The next moment at which time alone changes the run.
    pub(super) fn next_due(&self) -> Option<Millis> {
        if let Some(ended_at) = self.ended_at {
            return Some(ended_at.plus_ms(RUN_RETENTION_MS));
        }
        let lease = self.leases.first().map(|&(at, _)| at);
        let retry = self.delayed.first_key_value().map(|(&(at, _), _)| at);
        [lease, retry, self.terms.deadline].into_iter().flatten().min()
    }

    /// The live claim of `token` on `job`.
    pub(super) fn live(&self, job: JobRef, token: Token) -> Option<&Holding> {
        let is_open = self.state == RunState::Running && job.stage == self.open_stage_index();
        self.claims
            .get(&job.index.0)
            .filter(|claim| is_open && claim.token == token)
    }

    /// Takes the live claim of `token` on `job` away, which leaves the job without a place: the caller gives it one.
    pub(super) fn release(&mut self, job: JobRef, token: Token) -> Option<Holding> {
        self.live(job, token)?;
        let claim = self.claims.remove(&job.index.0)?;
        self.leases.remove(&(claim.lease_until, job.index.0));
        Some(claim)
    }

    /// Lets `token` hold a job that has no place at the moment.
    pub(super) fn hold(
        &mut self,
        index: u64,
        strikes: Strikes,
        token: Token,
        worker: &WorkerId,
        lease_until: Millis,
    ) -> Claim {
        self.leases.insert((lease_until, index));
        self.claims.insert(
            index,
            Holding {
                token,
                worker: worker.clone(),
                strikes,
                lease_until,
            },
        );
        Claim {
            job: self.job(index),
            token,
            attempts: strikes.attempts,
            kills: strikes.kills,
            solo: strikes.kills >= KILLS_BEFORE_SOLO,
            lease_until,
        }
    }

    /// Buries a job that has no place at the moment.
    pub(super) fn bury(
        &mut self,
        index: u64,
        cause: DeadCause,
        reason: &str,
        strikes: Strikes,
        worker: WorkerId,
        now: Millis,
    ) {
        let Strikes { attempts, kills } = strikes;
        let job = self.job(index);
        let reason = clip(reason);
        self.stage_mut().failed += 1;
        self.note(
            ProgressKind::DeadLettered {
                job,
                cause,
                reason: reason.clone(),
            },
            now,
        );
        self.dead.insert(
            index,
            DeadLetter {
                job,
                cause,
                reason,
                worker,
                attempts,
                kills,
                at: now,
            },
        );
    }

    /// Lets time pass: the deadline, leases, and retries that are due.
    pub(super) fn expire(&mut self, now: Millis) {
        if self.state != RunState::Running {
            return;
        }
        if self.terms.deadline.is_some_and(|deadline| deadline <= now) {
            return self.end(RunState::DeadlineExceeded, now);
        }
        while let Some(&(until, index)) = self.leases.first().filter(|&&(until, _)| until <= now) {
            self.leases.remove(&(until, index));
            let claim = self.claims.remove(&index).expect("each lease is that of a claim");
            self.bereave(index, claim, now);
        }
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((_, index), strikes) = entry.remove_entry();
            self.ready.insert(index, strikes);
        }
    }

    /// Draws the conclusions of a change: opens stages whose predecessor is complete, ends the run where nothing is
    /// left to do.
    pub(super) fn settle(&mut self, now: Millis) {
        while self.state == RunState::Running {
            let stage = *self.stage();
            if stage.done == stage.total {
                if self.open + 1 == self.stages.len() {
                    self.end(RunState::Succeeded, now);
                } else {
                    self.open_stage(self.open + 1, now);
                }
            } else if stage.done + stage.failed == stage.total || stage.failed >= MAX_DEAD_PER_RUN as u64 {
                self.end(RunState::Failed, now);
            } else {
                return;
            }
        }
    }

    /// Ends the run. What is claimed stays where it is, no longer live, so that ending costs the same at any size.
    pub(super) fn end(&mut self, state: RunState, now: Millis) {
        self.state = state;
        self.ended_at = Some(now);
        self.note(ProgressKind::Ended { state }, now);
    }

    /// Writes an event, with the counts as they are.
    pub(super) fn note(&mut self, kind: ProgressKind, now: Millis) {
        self.news.push(Progress {
            at: now,
            counts: self.counts(),
            kind,
        });
    }

    /// The open stage.
    pub(super) fn stage(&self) -> &StageCounts {
        &self.stages[self.open]
    }

    /// The open stage, to count.
    pub(super) fn stage_mut(&mut self) -> &mut StageCounts {
        &mut self.stages[self.open]
    }

    /// The index of the open stage.
    pub(super) fn open_stage_index(&self) -> StageIndex {
        StageIndex(u16::try_from(self.open).expect("a run has at most MAX_STAGES stages"))
    }

    /// The job at `index` of the open stage.
    pub(super) fn job(&self, index: u64) -> JobRef {
        JobRef {
            run: self.id,
            stage: self.open_stage_index(),
            index: JobIndex(index),
        }
    }

    fn is_done(&self, job: JobRef) -> bool {
        let stage = usize::from(job.stage.0);
        let closed = stage < self.open && job.index.0 < self.stages[stage].total;
        closed || (stage == self.open && self.done.contains(job.index.0))
    }

    fn open_stage(&mut self, open: usize, now: Millis) {
        self.open = open;
        let jobs = self.stage().total;
        self.done = Bitmap::new(jobs);
        self.note(
            ProgressKind::StageOpened {
                stage: self.open_stage_index(),
                jobs,
            },
            now,
        );
    }

    /// The worker of a claim is taken for dead.
    fn bereave(&mut self, index: u64, claim: Holding, now: Millis) {
        let strikes = Strikes {
            kills: claim.strikes.kills + 1,
            ..claim.strikes
        };
        self.note(
            ProgressKind::LeaseExpired {
                job: self.job(index),
                kills: strikes.kills,
            },
            now,
        );
        if strikes.kills >= self.terms.retry.max_kills {
            let reason = format!("worker {} stopped renewing its lease", claim.worker);
            self.bury(index, DeadCause::WorkersLost, &reason, strikes, claim.worker, now);
        } else {
            self.ready.insert(index, strikes);
        }
    }

    fn counts(&self) -> Counts {
        self.stages.iter().fold(Counts::default(), |sum, stage| Counts {
            total: sum.total + stage.total,
            done: sum.done + stage.done,
            failed: sum.failed + stage.failed,
        })
    }
}

/// The start of a failure text, as long as is kept.
pub(super) fn clip(reason: &str) -> String {
    reason[..reason.floor_char_boundary(MAX_REASON_BYTES)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_cut_between_characters() {
        for (text, kept) in [("short".to_owned(), 5), ("x".repeat(5_000), MAX_REASON_BYTES)] {
            assert_eq!(clip(&text).len(), kept);
        }
        let wide = format!("x{}", "é".repeat(MAX_REASON_BYTES));
        assert_eq!(clip(&wide).len(), MAX_REASON_BYTES - 1);
    }
}
