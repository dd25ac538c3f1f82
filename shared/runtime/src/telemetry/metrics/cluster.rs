//! What the cluster looks like from a coordinator: runs by state, what is left to do, how long it has waited.

use std::sync::atomic::{AtomicBool, Ordering};

use tickfleet_protocol::ids::Millis;
use tickfleet_protocol::state::{RunState, RunSummary};

use super::Level;

/// Every state of a run, with its name in attributes.
pub(super) const STATES: [(RunState, &str); 5] = [
    (RunState::Running, "running"),
    (RunState::Succeeded, "succeeded"),
    (RunState::Failed, "failed"),
    (RunState::Cancelled, "cancelled"),
    (RunState::DeadlineExceeded, "deadline_exceeded"),
];

/// The last look at a cluster.
#[derive(Debug, Default)]
pub struct ClusterLevels {
    is_known: AtomicBool,
    /// Runs that are kept, in the order of [`STATES`].
    pub(super) runs: [Level; STATES.len()],
    /// Jobs of running runs that are neither done nor given up.
    pub(super) backlog: Level,
    /// Age of the oldest running run, in seconds.
    pub(super) oldest_age_s: Level,
    /// Workers whose cards have not expired.
    pub(super) workers: Level,
}

impl ClusterLevels {
    /// Notes what a look at `now` found: the runs that are kept, and how many workers there are.
    pub fn set(&self, runs: &[RunSummary], workers: usize, now: Millis) {
        for ((state, _), level) in STATES.iter().zip(&self.runs) {
            level.set(runs.iter().filter(|run| run.state == *state).count() as u64);
        }
        let running = || runs.iter().filter(|run| run.state == RunState::Running);
        let left = running().map(|run| {
            let counts = run.counts();
            counts.total.saturating_sub(counts.done + counts.failed)
        });
        self.backlog.set(left.sum());
        let ages_ms = running().map(|run| now.since_ms(run.submitted_at));
        self.oldest_age_s.set(ages_ms.max().unwrap_or(0) / 1_000);
        self.workers.set(workers as u64);
        self.is_known.store(true, Ordering::Relaxed);
    }

    /// Notes that nobody knows any longer: the queue does not answer, and old numbers would mislead.
    pub fn forget(&self) {
        self.is_known.store(false, Ordering::Relaxed);
    }

    /// Whether there is something to tell.
    pub(super) fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use tickfleet_protocol::ids::{Digest, IdempotencyKey, JobKind, RunId, StageIndex};
    use tickfleet_protocol::state::StageCounts;

    use super::*;

    fn run(state: RunState, submitted_at: u64, stages: &[(u64, u64, u64)]) -> RunSummary {
        let stages = stages.iter().map(|&(total, done, failed)| StageCounts {
            total,
            fed: total,
            done,
            failed,
        });
        RunSummary {
            run: RunId::from_parts(Millis(submitted_at), [0; 10]),
            key: IdempotencyKey::new("key").unwrap(),
            digest: Digest([0; 32]),
            kind: JobKind::new("scan/1").unwrap(),
            trace: None,
            state,
            open_stage: StageIndex(0),
            stages: stages.collect(),
            weight: 1,
            deadline: None,
            submitted_at: Millis(submitted_at),
            ended_at: None,
        }
    }

    #[test]
    fn a_look_counts_runs_and_what_is_left_of_them() {
        let levels = ClusterLevels::default();
        let runs = [
            run(RunState::Running, 10_000, &[(100, 40, 2), (5, 0, 0)]),
            run(RunState::Running, 4_000, &[(10, 10, 0), (1, 0, 0)]),
            run(RunState::Succeeded, 1_000, &[(10, 10, 0)]),
            run(RunState::Failed, 2_000, &[(10, 9, 1), (1, 0, 0)]),
        ];
        let seen = |levels: &ClusterLevels| {
            let runs = levels.runs.iter().map(Level::get).collect::<Vec<_>>();
            (
                runs,
                levels.backlog.get(),
                levels.oldest_age_s.get(),
                levels.workers.get(),
            )
        };
        assert!(!levels.is_known());
        levels.set(&runs, 3, Millis(12_500));
        assert!(levels.is_known());
        assert_eq!(seen(&levels), (vec![2, 1, 1, 0, 0], 58 + 5 + 1, 8, 3));
        levels.set(&[], 0, Millis(12_500));
        assert_eq!(seen(&levels), (vec![0; 5], 0, 0, 0));
        levels.forget();
        assert!(!levels.is_known());
    }
}
