//! Shares by weight, within a kind and between kinds, and that nobody starves.

use proptest::prelude::*;

use super::*;
use crate::ids::Millis;

fn run(n: u8) -> RunId {
    RunId::from_parts(Millis(0), [n; 10])
}

fn kind(n: u8) -> JobKind {
    JobKind::new(&format!("test/{n}")).unwrap()
}

/// Runs 1, 2, … of these kinds and weights.
fn waiting(runs: &[(u8, u32)]) -> FairFeed {
    let mut fair = FairFeed::default();
    for (n, &(of, weight)) in (1_u8..).zip(runs) {
        fair.wake(run(n), &kind(of), weight);
    }
    fair
}

/// The runs of a few deliveries to workers of these kinds, by number.
fn feed(fair: &mut FairFeed, kinds: &[u8], times: usize) -> Vec<u8> {
    let kinds: Vec<JobKind> = kinds.iter().copied().map(kind).collect();
    let fed = (0..times).filter_map(|_| fair.feed(&kinds));
    fed.map(|id| (0..=u8::MAX).find(|&n| run(n) == id).unwrap()).collect()
}

/// The runs of one claim of `wanted` jobs by a worker of these kinds, by number; no run has fewer.
fn claim(fair: &mut FairFeed, kinds: &[u8], wanted: usize) -> Vec<u8> {
    let mut fed = Vec::new();
    while fed.len() < wanted
        && let Some(n) = feed(fair, kinds, 1).pop()
    {
        let jobs = in_a_row(wanted).min(wanted - fed.len());
        (1..jobs).for_each(|_| fair.feed_more(run(n)));
        fed.extend(std::iter::repeat_n(n, jobs));
    }
    fed
}

fn count(fed: &[u8], n: u8) -> usize {
    fed.iter().filter(|&&id| id == n).count()
}

#[test]
fn weights_share_the_deliveries() {
    let mut fair = waiting(&[(0, 1), (0, 3)]);
    let fed = feed(&mut fair, &[0], 400);
    assert_eq!(count(&fed, 1), 100);
    assert_eq!(fed[..5], [1, 2, 2, 2, 1]);
}

#[test]
fn weights_share_the_deliveries_between_kinds() {
    let mut fair = waiting(&[(0, 1), (1, 3), (1, 1), (2, 5)]);
    let fed = feed(&mut fair, &[0, 1, 2], 1_000);
    assert_eq!([1, 2, 3, 4].map(|n| count(&fed, n)), [100, 300, 100, 500]);
}

#[test]
fn only_the_kinds_asked_for_are_fed() {
    let mut fair = waiting(&[(0, 1), (1, 100)]);
    assert_eq!(feed(&mut fair, &[0], 3), [1, 1, 1]);
    assert_eq!(feed(&mut fair, &[1, 7], 2), [2, 2]);
    assert!(feed(&mut fair, &[7], 1).is_empty() && feed(&mut fair, &[], 1).is_empty());
}

#[test]
fn late_and_waking_runs_start_now() {
    let mut fair = waiting(&[(0, 1)]);
    fair.wake(run(3), &kind(0), 1);
    fair.sleep(run(3));
    feed(&mut fair, &[0], 1_000);
    fair.wake(run(2), &kind(0), 1);
    fair.wake(run(3), &kind(0), 1);
    let fed = feed(&mut fair, &[0], 6);
    assert_eq!(
        [1, 2, 3].map(|n| count(&fed, n)),
        [2, 2, 2],
        "neither starved nor caught up: {fed:?}"
    );
}

/// A kind that had fewer workers, or none, catches up with nobody when it gets more.
#[test]
fn a_kind_that_was_left_behind_starts_now() {
    let mut fair = waiting(&[(0, 1), (1, 1)]);
    feed(&mut fair, &[0], 1_000);
    feed(&mut fair, &[1], 10);
    let fed = feed(&mut fair, &[0, 1], 100);
    assert_eq!([1, 2].map(|n| count(&fed, n)), [50, 50]);
    fair.wake(run(3), &kind(2), 1);
    let fed = feed(&mut fair, &[0, 1, 2], 99);
    assert_eq!([1, 2, 3].map(|n| count(&fed, n)), [33, 33, 33]);
}

/// One kind has workers of its own and is always ahead: those that share the other workers take turns there.
#[test]
fn kinds_that_are_moved_up_together_take_turns() {
    let mut fair = waiting(&[(0, 1), (1, 1), (2, 1)]);
    let mut shared = Vec::new();
    for _ in 0..30 {
        feed(&mut fair, &[2], 50);
        shared.extend(feed(&mut fair, &[0, 1, 2], 1));
    }
    assert_eq!([1, 2, 3].map(|n| count(&shared, n)), [15, 15, 0]);
}

#[test]
fn sleeping_does_not_lower_the_bill() {
    let mut fair = waiting(&[(0, 1), (0, 1)]);
    let mut fed = Vec::new();
    for _ in 0..100 {
        fed.extend(feed(&mut fair, &[0], 1));
        fair.sleep(run(1));
        fair.wake(run(1), &kind(0), 1);
    }
    assert_eq!([1, 2].map(|n| count(&fed, n)), [50, 50]);
}

#[test]
fn removed_runs_are_not_fed_and_leave_nothing() {
    let mut fair = waiting(&[(0, 1), (1, 1)]);
    fair.remove(run(1));
    fair.remove(run(1));
    fair.charge(run(1));
    assert_eq!(feed(&mut fair, &[0, 1], 2), [2, 2]);
    assert!(!fair.is_waiting(run(1)));
    fair.remove(run(2));
    assert!(fair.shares.is_empty() && fair.lines.is_empty());
}

#[test]
fn a_large_claim_takes_several_jobs_of_a_run_in_a_row_and_leaves_nobody_out() {
    let mut fair = waiting(&[(0, 1), (0, 1), (1, 1)]);
    let fed = claim(&mut fair, &[0, 1], 15);
    assert_eq!(
        [1, 2, 3].map(|n| count(&fed, n)),
        [5, 5, 5],
        "one by one where few are wanted: {fed:?}"
    );
    let mut fair = waiting(&[(0, 1); 20]);
    let fed = claim(&mut fair, &[0], 256);
    let mut first = fed.clone();
    first.dedup();
    assert!(
        first.len() == 8 && first.iter().all(|&n| count(&fed, n) == 32),
        "{fed:?}"
    );
    let mut second = claim(&mut fair, &[0], 256);
    second.dedup();
    assert!(
        second.iter().all(|n| !first.contains(n)),
        "the next claim goes on with the next runs"
    );
}

/// A turn counts from its first job, so it moves nobody up: neither a kind that waits meanwhile nor a run that wakes.
#[test]
fn a_turn_of_many_jobs_takes_no_share_from_others() {
    let mut fair = waiting(&[(0, 1), (1, 1)]);
    let fed: Vec<u8> = (0..40).flat_map(|_| claim(&mut fair, &[0, 1], 24)).collect();
    assert_eq!([1, 2].map(|n| count(&fed, n)), [480, 480]);
    fair.wake(run(3), &kind(0), 1);
    let fed = claim(&mut fair, &[0, 1], 24);
    assert!(count(&fed, 3) >= 6, "the new run has its turn at once: {fed:?}");
}

proptest! {
    /// Over any claims by which runs wait throughout, what each was fed, over its weight, differs by no more than one turn
    /// of each.
    #[test]
    fn turns_stay_within_the_bound(
        runs in prop::collection::vec((0_u8..3, 1_u32..=MAX_WEIGHT), 2..6),
        wanted in prop::collection::vec(1_usize..300, 1..12),
    ) {
        let mut fair = waiting(&runs);
        let fed: Vec<u8> = wanted.iter().flat_map(|&wanted| claim(&mut fair, &[0, 1, 2], wanted)).collect();
        let turn = wanted.iter().map(|&wanted| in_a_row(wanted)).max().unwrap() as u64;
        let served: Vec<(u64, u64)> = (1_u8..).zip(&runs).map(|(n, &(_, weight))| {
            let cost = COST_UNIT / u64::from(weight);
            (cost * count(&fed, n) as u64, cost * turn)
        }).collect();
        for (a, turn_a) in &served {
            for (b, turn_b) in &served {
                prop_assert!(a.abs_diff(*b) <= turn_a + turn_b, "{served:?}");
            }
        }
    }

    /// Over any stretch in which runs wait throughout and every worker computes all their kinds, what each was fed,
    /// over its weight, differs by no more than one delivery of each.
    #[test]
    fn waiting_runs_stay_within_the_bound(
        runs in prop::collection::vec((0_u8..3, 1_u32..=MAX_WEIGHT), 2..6),
        skip in 0_usize..300,
        take in 1_usize..500,
    ) {
        let mut fair = waiting(&runs);
        feed(&mut fair, &[0, 1, 2], skip);
        let fed = feed(&mut fair, &[0, 1, 2], take);
        let served: Vec<(u64, u64)> = (1_u8..).zip(&runs).map(|(n, &(_, weight))| {
            let cost = COST_UNIT / u64::from(weight);
            (cost * count(&fed, n) as u64, cost)
        }).collect();
        for (a, cost_a) in &served {
            for (b, cost_b) in &served {
                prop_assert!(a.abs_diff(*b) <= cost_a + cost_b, "{served:?}");
            }
        }
    }

    /// Whatever kinds the workers compute, a run waits for a bounded number of deliveries that could have been its own:
    /// those that its kind's share and its own within that let go before it.
    #[test]
    fn no_run_starves_whatever_the_workers_compute(
        kinds in prop::collection::vec(0_u8..4, 1..8),
        workers in prop::collection::vec((prop::collection::btree_set(0_u8..4, 1..4), 1_usize..4), 1..5),
        turns in prop::collection::vec(0_usize..5, 1..400),
    ) {
        let runs: Vec<(u8, u32)> = kinds.iter().map(|&of| (of, 1)).collect();
        let mut fair = waiting(&runs);
        let mut passed_over = vec![0; runs.len()];
        for turn in turns {
            let (kinds, batch) = &workers[turn % workers.len()];
            let kinds: Vec<u8> = kinds.iter().copied().collect();
            for fed in feed(&mut fair, &kinds, *batch) {
                for (n, &(of, _)) in (1_u8..).zip(&runs) {
                    let passed = &mut passed_over[usize::from(n) - 1];
                    if n == fed {
                        *passed = 0;
                    } else if kinds.contains(&of) {
                        *passed += 1;
                    }
                    prop_assert!(*passed <= 4 * runs.len() * 2, "run {n} was passed over {passed} times");
                }
            }
        }
    }
}
