//! What the broker shows and what the model shows, held against each other.

use tickfleet_protocol::{
    ids::{Identity, JobKind},
    state::{Counts, RunSummary},
};

use super::Game;
use crate::broker::RunState;

impl Game {
    /// Everything that can be seen, moments apart.
    pub(super) async fn compare(&self) {
        let seed = self.seed;
        for &id in &self.runs {
            let modelled = self.model.run(id).expect("the game forgets no run");
            modelled
                .audit()
                .unwrap_or_else(|error| panic!("seed {seed}: the model is broken: {error}"));
            let expected = modelled.summary();
            let found = self
                .broker
                .run(id)
                .await
                .expect("run")
                .expect("the run is kept")
                .summary;
            assert_eq!(view(&found), view(&expected), "seed {seed}: {id}");
            let letters = self.broker.dead(id).await.expect("dead");
            let letters = letters
                .iter()
                .map(|letter| (letter.job, letter.cause, letter.attempts, letter.kills));
            let expected = modelled
                .dead_letters()
                .map(|letter| (letter.job, letter.cause, letter.attempts, letter.kills));
            assert!(letters.eq(expected), "seed {seed}: dead letters of {id}");
        }
    }

    /// Every job is where the model has it.
    pub(super) async fn compare_audits(&self) {
        for &id in &self.runs {
            let audit = self.broker.audit(id, false).await.expect("audit");
            let expected = self.model.audit(id).expect("the game forgets no run");
            assert_eq!(
                (&*audit.faults, Ok(audit.census)),
                (&[][..], expected),
                "seed {}: {id}",
                self.seed
            );
        }
    }

    /// What was committed is stored.
    pub(super) async fn compare_results(&self) {
        let identities: Vec<Identity> = self.results.keys().copied().collect();
        let found = self.broker.results(&identities).await.expect("results");
        assert!(
            found.iter().flatten().eq(self.results.values()),
            "seed {}: results",
            self.seed
        );
    }
}

/// What two brokers must agree on; how far a run is fed is theirs.
fn view(summary: &RunSummary) -> (JobKind, RunState, u16, Vec<Counts>, bool) {
    let stages = summary.stages.iter();
    let counts = stages
        .map(|stage| Counts {
            total: stage.total,
            done: stage.done,
            failed: stage.failed,
        })
        .collect();
    let (kind, has_ended) = (summary.kind.clone(), summary.ended_at.is_some());
    (kind, summary.state, summary.open_stage.0, counts, has_ended)
}
