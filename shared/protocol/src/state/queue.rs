//! All runs together: time, fairness and keys, and the one door through which anything changes.
//!
//! A change is a [`Transition`] taken by [`Queue::step`]: state × event × now → state, outcome, effects. Nothing here
//! reads a clock, draws a random number or does I/O; tokens and run ids come with the events. Each transition costs
//! O(log n) an item, in the number of runs and of jobs in flight, whatever the size of a run.

use std::collections::{BTreeMap, BTreeSet};

use super::{Progress, Run, RunState, RunSummary, Standing, run::Holding};
use crate::{
    fair::FairFeed,
    ids::{IdempotencyKey, Millis, RunId},
    state::Held,
};

/// Something that follows from a step and is for the broker to carry out, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// To append to the run's events.
    Progress {
        /// The run.
        run: RunId,
        /// The event.
        progress: Progress,
    },
    /// Jobs became available, or something is due earlier than before: whoever waits for work should look again.
    Wake,
    /// The run is gone: whatever is kept for it can be let go.
    Forgotten {
        /// The run.
        run: RunId,
    },
}

/// An event that changes the queue. The set of them is closed.
pub trait Transition: sealed::Apply {}

impl<T: sealed::Apply> Transition for T {}

pub(super) mod sealed {
    /// How a transition is carried out, at a moment to which time has been brought up.
    pub trait Apply {
        /// What the transition answers.
        type Outcome;

        /// Carries it out.
        fn apply(self, queue: &mut super::Queue, now: super::Millis) -> Self::Outcome;
    }
}

/// Time passing, and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Tick;

impl sealed::Apply for Tick {
    type Outcome = ();

    fn apply(self, _: &mut Queue, _: Millis) {}
}

/// Every run that is kept.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    pub(super) runs: BTreeMap<RunId, Run>,
    pub(super) keys: BTreeMap<IdempotencyKey, RunId>,
    pub(super) fair: FairFeed,
    /// Each run that time will change, by when.
    timers: BTreeSet<(Millis, RunId)>,
    now: Millis,
    effects: Vec<Effect>,
}

impl Queue {
    /// Lets time come to `now`, then takes the transition. Time does not run back: a `now` before an earlier one counts
    /// as that.
    pub fn step<T: Transition>(&mut self, transition: T, now: Millis) -> (T::Outcome, Vec<Effect>) {
        self.now = self.now.max(now);
        self.expire();
        let outcome = transition.apply(self, self.now);
        (outcome, std::mem::take(&mut self.effects))
    }

    /// The next moment at which time alone changes something.
    pub fn next_due(&self) -> Option<Millis> {
        self.timers.first().map(|&(at, _)| at)
    }

    /// A run.
    pub fn run(&self, run: RunId) -> Option<&Run> {
        self.runs.get(&run)
    }

    /// All runs, by id.
    pub fn summaries(&self) -> impl Iterator<Item = RunSummary> {
        self.runs.values().map(Run::summary)
    }

    /// Where a token stands with its job, as of the last step.
    pub fn standing(&self, held: Held) -> Standing {
        self.run(held.job.run)
            .map_or(Standing::Lost, |run| run.standing(held.job, held.token))
    }

    /// Takes a live claim away from its run, which the caller settles once the job has a new place.
    pub(super) fn release(&mut self, held: Held) -> Option<(&mut Run, Holding)> {
        let run = self.runs.get_mut(&held.job.run)?;
        let claim = run.release(held.job, held.token)?;
        Some((run, claim))
    }

    /// Draws the conclusions of changes to a run: its own, then its place among the others.
    pub(super) fn settle(&mut self, id: RunId) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.settle(self.now);
        self.effects.extend(
            run.news
                .drain(..)
                .map(|progress| Effect::Progress { run: id, progress }),
        );
        let (before, after) = (run.timer, run.next_due());
        run.timer = after;
        let is_sooner = after.is_some_and(|after| before.is_none_or(|before| after < before));
        let has_work = run.has_work();
        if is_sooner || (has_work && !self.fair.is_waiting(id)) {
            self.effects.push(Effect::Wake);
        }
        if has_work {
            self.fair.wake(id, &run.terms.kind, run.terms.weight);
        } else {
            self.fair.sleep(id);
        }
        if before != after {
            before.map(|at| self.timers.remove(&(at, id)));
            after.map(|at| self.timers.insert((at, id)));
        }
    }

    /// Settles every run that these claims are of, each once.
    pub(super) fn settle_all(&mut self, held: impl IntoIterator<Item = Held>) {
        let runs: BTreeSet<RunId> = held.into_iter().map(|held| held.job.run).collect();
        runs.into_iter().for_each(|run| self.settle(run));
    }

    /// Lets a run go, with all that is known of it.
    pub(super) fn remove(&mut self, id: RunId) {
        if let Some(run) = self.runs.remove(&id) {
            self.keys.remove(&run.terms.key);
            self.fair.remove(id);
            run.timer.map(|at| self.timers.remove(&(at, id)));
            self.effects.push(Effect::Forgotten { run: id });
        }
    }

    /// Whether the timers know the run by the moment at which time changes it.
    pub(super) fn knows_timer(&self, run: &Run) -> bool {
        let due = run.next_due();
        due == run.timer && due.is_none_or(|at| self.timers.contains(&(at, run.id)))
    }

    fn expire(&mut self) {
        while let Some(&(_, id)) = self.timers.first().filter(|&&(at, _)| at <= self.now) {
            let run = self.runs.get_mut(&id).expect("each timer is that of a run");
            if run.state == RunState::Running {
                run.expire(self.now);
                self.settle(id);
            } else {
                self.remove(id);
            }
        }
    }
}
