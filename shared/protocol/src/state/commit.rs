//! Commit: the one place where a job becomes done, once, by the token that holds it.

use std::collections::BTreeMap;

use super::{
    CommitOutcome, Held, ProgressKind, Standing,
    queue::{Queue, sealed::Apply},
};
use crate::ids::{Millis, RunId};

/// Marks held jobs done. Whoever stores results does so before, in the same atomic step, for those whose
/// [`Queue::standing`] is live.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// The claims.
    pub held: &'a [Held],
}

impl Apply for Commit<'_> {
    type Outcome = Vec<CommitOutcome>;

    fn apply(self, queue: &mut Queue, now: Millis) -> Vec<CommitOutcome> {
        let mut committed = BTreeMap::<RunId, u64>::new();
        let outcomes = self.held.iter().map(|&held| {
            let outcome = commit(queue, held);
            if outcome == CommitOutcome::Committed {
                *committed.entry(held.job.run).or_default() += 1;
            }
            outcome
        });
        let outcomes = outcomes.collect();
        for (id, jobs) in committed {
            let run = queue.runs.get_mut(&id).expect("the run had a live claim");
            run.note(
                ProgressKind::Committed {
                    stage: run.open_stage_index(),
                    jobs,
                },
                now,
            );
            queue.settle(id);
        }
        outcomes
    }
}

fn commit(queue: &mut Queue, held: Held) -> CommitOutcome {
    match queue.standing(held) {
        Standing::Done => CommitOutcome::AlreadyDone,
        Standing::Lost => CommitOutcome::Lost,
        Standing::Live => {
            let (run, _) = queue.release(held).expect("the token is live");
            let was_clear = run.done.insert(held.job.index.0);
            assert!(was_clear, "a claimed job is not done");
            run.stage_mut().done += 1;
            CommitOutcome::Committed
        }
    }
}
