//! What the cluster looks like from a coordinator: runs by state, what is left to do, how long it has waited.

use std::sync::atomic::{AtomicU8, Ordering};

use tickfleet_protocol::fleet::WorkerEntry;
use tickfleet_protocol::ids::Millis;
use tickfleet_protocol::state::{Counts, RunState, RunSummary};

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
    look: AtomicU8,
    /// Runs that are kept, in the order of [`STATES`].
    pub(super) runs: [Level; STATES.len()],
    /// Jobs of the runs that are kept, done and given up.
    pub(super) jobs: [Level; 2],
    /// Jobs of running runs that are neither done nor given up.
    pub(super) backlog: Level,
    /// Age of the oldest running run, in seconds.
    pub(super) oldest_age_s: Level,
    /// Workers whose cards have not expired.
    pub(super) workers: Level,
    /// Their lanes.
    pub(super) lanes: Level,
    /// The jobs that they hold.
    pub(super) held: Level,
}

/// What came of the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Look {
    /// There was none.
    Never,
    /// The queue answered.
    Answered,
    /// The queue did not answer: old numbers would mislead.
    Silent,
}

impl ClusterLevels {
    /// Notes what a look at `now` found: the runs that are kept, and the workers that are there.
    pub fn set(&self, runs: &[RunSummary], workers: &[WorkerEntry], now: Millis) {
        for ((state, _), level) in STATES.iter().zip(&self.runs) {
            level.set(runs.iter().filter(|run| run.state == *state).count() as u64);
        }
        let sum = |part: fn(Counts) -> u64| runs.iter().map(|run| part(run.counts())).sum();
        self.jobs[0].set(sum(|counts| counts.done));
        self.jobs[1].set(sum(|counts| counts.failed));
        let running = || runs.iter().filter(|run| run.state == RunState::Running);
        let left = running().map(|run| {
            let counts = run.counts();
            counts.total.saturating_sub(counts.done + counts.failed)
        });
        self.backlog.set(left.sum());
        let ages_ms = running().map(|run| now.since_ms(run.submitted_at));
        self.oldest_age_s.set(ages_ms.max().unwrap_or(0) / 1_000);
        self.workers.set(workers.len() as u64);
        let lanes = workers.iter().map(|worker| u64::from(worker.card.lanes));
        self.lanes.set(lanes.sum());
        self.held.set(workers.iter().map(|worker| worker.card.held).sum());
        self.look.store(Look::Answered as u8, Ordering::Relaxed);
    }

    /// Notes that the queue did not answer.
    pub fn unknown(&self) {
        self.look.store(Look::Silent as u8, Ordering::Relaxed);
    }

    /// Whether the queue answered the last look; none where there was none.
    pub(super) fn is_up(&self) -> Option<bool> {
        let look = self.look.load(Ordering::Relaxed);
        (look != Look::Never as u8).then_some(look == Look::Answered as u8)
    }
}

#[cfg(test)]
mod tests {
    use tickfleet_protocol::fleet::WorkerCard;
    use tickfleet_protocol::ids::{Digest, IdempotencyKey, JobKind, RunId, StageIndex, WorkerId};
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

    fn worker(lanes: u32, held: u64) -> WorkerEntry {
        WorkerEntry {
            card: WorkerCard {
                id: WorkerId::new("w").unwrap(),
                kinds: Vec::new(),
                host: "h".to_owned(),
                pid: 1,
                version: "0".to_owned(),
                cores: 8,
                performance_cores: None,
                efficiency_cores: None,
                lanes,
                memory_bytes: 0,
                started_at: Millis(0),
                is_draining: false,
                jobs: Vec::new(),
                held,
                done: 0,
                failed: 0,
            },
            seen_at: Millis(0),
            is_told_to_drain: false,
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
            let jobs = levels.jobs.iter().map(Level::get).collect::<Vec<_>>();
            let others = [
                &levels.backlog,
                &levels.oldest_age_s,
                &levels.workers,
                &levels.lanes,
                &levels.held,
            ];
            (runs, jobs, others.map(Level::get))
        };
        assert_eq!(levels.is_up(), None);
        levels.set(&runs, &[worker(2, 3), worker(8, 1)], Millis(12_500));
        assert_eq!(levels.is_up(), Some(true));
        let expect = (vec![2, 1, 1, 0, 0], vec![69, 3], [58 + 5 + 1, 8, 2, 10, 4]);
        assert_eq!(seen(&levels), expect);
        levels.set(&[], &[], Millis(12_500));
        assert_eq!(seen(&levels), (vec![0; 5], vec![0, 0], [0; 5]));
        levels.unknown();
        assert_eq!(levels.is_up(), Some(false));
    }
}
