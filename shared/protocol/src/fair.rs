//! Which run is fed next: start-time fair queueing (Goyal, Vin and Cheng, 1996) over runs with waiting jobs, for workers
//! of which each can compute jobs of some kinds only.
//!
//! Each delivery moves its run's start tag on by [`COST_UNIT`] over the run's weight, and the run with the least tag is
//! next; ties go to the lower id. A run that is new, or waits again after it had nothing to give, starts no earlier
//! than the current virtual time, so nobody saves up a share by sleeping, and nobody gets ahead by waking.
//!
//! Every kind has a clock of its own, since it has workers of its own. Where a delivery is open to several kinds, those
//! behind are first moved up, all runs of a kind together, until none starts before the furthest of the clocks: a kind
//! that few workers compute saves up nothing either. Ties between kinds go to the one that was served longest ago.
//! Where many jobs are asked for at once, a turn is several jobs of a run, which count as one packet of their length: a
//! claim that took one job of each of a hundred runs would cost a hundred times what it is worth, in the queue and in the
//! worker. Fairness over a longer stretch is the same; it is within a claim that it is coarser.
//!
//! Whole numbers throughout, and the decision is the same on every machine. Read next: [`crate::state::Queue`].

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ids::{JobKind, RunId},
    limits::MAX_WEIGHT,
};

/// Virtual time that a delivery costs a run of weight 1: divisible by 1 to 12, and small enough that a broker which
/// keeps tags in doubles (exact to 2^53) feeds 300 billion jobs before it has to start its clock again.
pub const COST_UNIT: u64 = 27_720;

/// Turns that a claim is shared between at least, where as many runs wait.
pub const TURNS_PER_CLAIM: usize = 8;

/// Jobs that a run gives in a row, at its turn, where `wanted` are asked for.
pub const fn in_a_row(wanted: usize) -> usize {
    if wanted < 2 * TURNS_PER_CLAIM {
        1
    } else {
        wanted / TURNS_PER_CLAIM
    }
}

/// The order in which runs are fed.
#[derive(Clone, Debug, Default)]
pub struct FairFeed {
    /// Every known run; one without waiting jobs keeps its tag.
    shares: BTreeMap<RunId, Share>,
    /// Every kind of which a run is known.
    lines: BTreeMap<JobKind, Line>,
}

#[derive(Clone, Debug)]
struct Share {
    kind: JobKind,
    start: u64,
    cost: u64,
    is_waiting: bool,
}

/// The runs of one kind. What tags and clock say counts from `offset` where kinds are compared.
#[derive(Clone, Debug, Default)]
struct Line {
    /// The start tag of the last delivery.
    virtual_time: u64,
    offset: u64,
    /// Greater than that of every kind that competed for this one's last delivery.
    turn: u64,
    /// How many runs are known.
    runs: usize,
    /// The runs with waiting jobs, by start tag.
    waiting: BTreeSet<(u64, RunId)>,
}

impl FairFeed {
    /// Notes that `run` has waiting jobs. Weights are held within 1 to [`MAX_WEIGHT`]; the first weight and kind that
    /// were given count.
    pub fn wake(&mut self, run: RunId, kind: &JobKind, weight: u32) {
        let lines = &mut self.lines;
        let share = self.shares.entry(run).or_insert_with(|| {
            lines.entry(kind.clone()).or_default().runs += 1;
            Share {
                kind: kind.clone(),
                start: 0,
                cost: COST_UNIT / u64::from(weight.clamp(1, MAX_WEIGHT)),
                is_waiting: false,
            }
        });
        if !share.is_waiting {
            let line = lines.get_mut(&share.kind).expect("a known run has its line");
            share.is_waiting = true;
            share.start = share.start.max(line.virtual_time);
            line.waiting.insert((share.start, run));
        }
    }

    /// Notes that `run` has no waiting jobs for now.
    pub fn sleep(&mut self, run: RunId) {
        if let Some(share) = self.shares.get_mut(&run).filter(|share| share.is_waiting) {
            share.is_waiting = false;
            let line = self.lines.get_mut(&share.kind).expect("a known run has its line");
            line.waiting.remove(&(share.start, run));
        }
    }

    /// Forgets `run`.
    pub fn remove(&mut self, run: RunId) {
        self.sleep(run);
        let Some(Share { kind, .. }) = self.shares.remove(&run) else {
            return;
        };
        let line = self.lines.get_mut(&kind).expect("a known run has its line");
        line.runs -= 1;
        if line.runs == 0 {
            self.lines.remove(&kind);
        }
    }

    /// Whether `run` has waiting jobs.
    pub fn is_waiting(&self, run: RunId) -> bool {
        self.shares.get(&run).is_some_and(|share| share.is_waiting)
    }

    /// The run to feed next among those of `kinds`, which is charged for one delivery.
    pub fn feed(&mut self, kinds: &[JobKind]) -> Option<RunId> {
        self.level(kinds);
        let firsts = || kinds.iter().filter_map(|kind| self.lines.get(kind)?.first());
        let turn = 1 + firsts().map(|(_, turn, _)| turn).max()?;
        let (_, _, run) = firsts().min()?;
        self.charge(run);
        let kind = &self.shares[&run].kind;
        self.lines.get_mut(kind).expect("a known run has its line").turn = turn;
        Some(run)
    }

    /// Charges `run` for one more delivery of the turn that [`FairFeed::feed`] gave it.
    pub fn feed_more(&mut self, run: RunId) {
        self.move_on(run);
    }

    /// Charges `run` for one delivery that was no turn of its; a run without waiting jobs is not charged.
    pub fn charge(&mut self, run: RunId) {
        if let Some(share) = self.shares.get(&run).filter(|share| share.is_waiting) {
            let line = self.lines.get_mut(&share.kind).expect("a known run has its line");
            line.virtual_time = line.virtual_time.max(share.start);
            self.move_on(run);
        }
    }

    /// Moves the tag of a waiting run on by one delivery.
    fn move_on(&mut self, run: RunId) {
        if let Some(share) = self.shares.get_mut(&run).filter(|share| share.is_waiting) {
            let line = self.lines.get_mut(&share.kind).expect("a known run has its line");
            line.waiting.remove(&(share.start, run));
            share.start = share.start.saturating_add(share.cost);
            line.waiting.insert((share.start, run));
        }
    }

    /// Moves the kinds that are behind up to the furthest of the clocks.
    fn level(&mut self, kinds: &[JobKind]) {
        let waiting = |kind| self.lines.get(kind).filter(|line: &&Line| !line.waiting.is_empty());
        let clock = |line: &Line| line.virtual_time.saturating_add(line.offset);
        let Some(furthest) = kinds.iter().filter_map(waiting).map(clock).max() else {
            return;
        };
        for kind in kinds {
            if let Some(line) = self.lines.get_mut(kind)
                && let Some(&(start, _)) = line.waiting.first()
            {
                line.offset = line.offset.max(furthest.saturating_sub(start));
            }
        }
    }
}

impl Line {
    /// The first run, behind what decides between it and the first ones of other kinds.
    fn first(&self) -> Option<(u64, u64, RunId)> {
        let &(start, run) = self.waiting.first()?;
        Some((start.saturating_add(self.offset), self.turn, run))
    }
}

#[cfg(test)]
mod tests;
