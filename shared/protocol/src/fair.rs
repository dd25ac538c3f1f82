//! Which run is fed next: start-time fair queueing (Goyal, Vin and Cheng, 1996) over runs with waiting jobs.
//!
//! Each delivery moves its run's start tag on by [`COST_UNIT`] over the run's weight, and the run with the least tag is
//! next; ties go to the lower id. A run that is new, or waits again after it had nothing to give, starts no earlier
//! than the current virtual time, so nobody saves up a share by sleeping, and nobody gets ahead by waking. Whole
//! numbers throughout, and the decision is the same on every machine. Read next: [`crate::state::Queue`].

use std::collections::{BTreeMap, BTreeSet};

use crate::{ids::RunId, limits::MAX_WEIGHT};

/// Virtual time that a delivery costs a run of weight 1: divisible by 1 to 12, and small enough that a broker which
/// keeps tags in doubles (exact to 2^53) feeds 300 billion jobs before it has to start its clock again.
pub const COST_UNIT: u64 = 27_720;

/// The order in which runs are fed.
#[derive(Clone, Debug, Default)]
pub struct FairFeed {
    /// The start tag of the last delivery.
    virtual_time: u64,
    /// Every known run; one without waiting jobs keeps its tag.
    shares: BTreeMap<RunId, Share>,
    /// The runs with waiting jobs, by start tag.
    waiting: BTreeSet<(u64, RunId)>,
}

#[derive(Clone, Copy, Debug)]
struct Share {
    start: u64,
    cost: u64,
    is_waiting: bool,
}

impl FairFeed {
    /// Notes that `run` has waiting jobs. Weights are held within 1 to [`MAX_WEIGHT`]; the first one given counts.
    pub fn wake(&mut self, run: RunId, weight: u32) {
        let cost = COST_UNIT / u64::from(weight.clamp(1, MAX_WEIGHT));
        let share = self.shares.entry(run).or_insert(Share {
            start: 0,
            cost,
            is_waiting: false,
        });
        if !share.is_waiting {
            share.is_waiting = true;
            share.start = share.start.max(self.virtual_time);
            self.waiting.insert((share.start, run));
        }
    }

    /// Notes that `run` has no waiting jobs for now.
    pub fn sleep(&mut self, run: RunId) {
        if let Some(share) = self.shares.get_mut(&run).filter(|share| share.is_waiting) {
            share.is_waiting = false;
            self.waiting.remove(&(share.start, run));
        }
    }

    /// Forgets `run`.
    pub fn remove(&mut self, run: RunId) {
        self.sleep(run);
        self.shares.remove(&run);
    }

    /// Whether `run` has waiting jobs.
    pub fn is_waiting(&self, run: RunId) -> bool {
        self.shares.get(&run).is_some_and(|share| share.is_waiting)
    }

    /// The run to feed next.
    pub fn next(&self) -> Option<RunId> {
        self.waiting.first().map(|&(_, run)| run)
    }

    /// Charges `run` for one delivery; a run without waiting jobs is not charged.
    pub fn charge(&mut self, run: RunId) {
        if let Some(share) = self.shares.get_mut(&run).filter(|share| share.is_waiting) {
            self.waiting.remove(&(share.start, run));
            self.virtual_time = self.virtual_time.max(share.start);
            share.start = share.start.saturating_add(share.cost);
            self.waiting.insert((share.start, run));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::Millis;

    fn run(n: u8) -> RunId {
        RunId::from_parts(Millis(0), [n; 10])
    }

    fn feed(feed: &mut FairFeed) -> Option<RunId> {
        let next = feed.next()?;
        feed.charge(next);
        Some(next)
    }

    #[test]
    fn weights_share_the_deliveries() {
        let mut fair = FairFeed::default();
        fair.wake(run(1), 1);
        fair.wake(run(2), 3);
        let fed: Vec<_> = (0..400).filter_map(|_| feed(&mut fair)).collect();
        assert_eq!(fed.iter().filter(|&&id| id == run(1)).count(), 100);
        assert_eq!(fed[..5], [run(1), run(2), run(2), run(2), run(1)]);
    }

    #[test]
    fn late_and_waking_runs_start_now() {
        let mut fair = FairFeed::default();
        fair.wake(run(1), 1);
        fair.wake(run(3), 1);
        fair.sleep(run(3));
        for _ in 0..1_000 {
            feed(&mut fair);
        }
        fair.wake(run(2), 1);
        fair.wake(run(3), 1);
        let fed: Vec<_> = (0..6).filter_map(|_| feed(&mut fair)).collect();
        let of = |n| fed.iter().filter(|&&id| id == run(n)).count();
        assert_eq!(
            (of(1), of(2), of(3)),
            (2, 2, 2),
            "neither starved nor caught up: {fed:?}"
        );
    }

    #[test]
    fn sleeping_does_not_lower_the_bill() {
        let mut fair = FairFeed::default();
        fair.wake(run(1), 1);
        fair.wake(run(2), 1);
        let mut fed = [0, 0];
        for _ in 0..100 {
            let next = feed(&mut fair).unwrap();
            fed[usize::from(next == run(2))] += 1;
            fair.sleep(run(1));
            fair.wake(run(1), 1);
        }
        assert_eq!(fed, [50, 50]);
    }

    #[test]
    fn removed_runs_are_not_fed() {
        let mut fair = FairFeed::default();
        fair.wake(run(1), 1);
        fair.remove(run(1));
        fair.charge(run(1));
        assert_eq!(fair.next(), None);
        assert!(!fair.is_waiting(run(1)));
    }

    proptest! {
        /// Over any stretch in which two runs wait throughout, what each was fed, over its weight, differs by no more
        /// than one delivery of each.
        #[test]
        fn waiting_runs_stay_within_the_bound(weights in prop::collection::vec(1_u32..=MAX_WEIGHT, 2..6), skip in 0_usize..300, take in 1_usize..500) {
            let mut fair = FairFeed::default();
            for (n, &weight) in (0_u8..).zip(&weights) {
                fair.wake(run(n), weight);
            }
            for _ in 0..skip {
                feed(&mut fair);
            }
            let fed: Vec<_> = (0..take).filter_map(|_| feed(&mut fair)).collect();
            let served: Vec<(u64, u64)> = (0_u8..).zip(&weights).map(|(n, &weight)| {
                let cost = COST_UNIT / u64::from(weight);
                (cost * fed.iter().filter(|&&id| id == run(n)).count() as u64, cost)
            }).collect();
            for (a, cost_a) in &served {
                for (b, cost_b) in &served {
                    prop_assert!(a.abs_diff(*b) <= cost_a + cost_b, "{served:?}");
                }
            }
        }
    }
}
