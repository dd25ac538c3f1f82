//! Beat and hand back: a worker keeps what it holds, or returns it without a verdict.

use super::{
    Held,
    queue::{Queue, sealed::Apply},
    run::Run,
};
use crate::ids::{Millis, Token};

/// Renews live claims; answers the tokens that are not live.
#[derive(Clone, Copy, Debug)]
pub struct Beat<'a> {
    /// The claims.
    pub held: &'a [Held],
    /// How long they live from now on, in milliseconds.
    pub lease_ms: u64,
}

impl Apply for Beat<'_> {
    type Outcome = Vec<Token>;

    fn apply(self, queue: &mut Queue, now: Millis) -> Vec<Token> {
        let until = now.plus_ms(self.lease_ms);
        let renewed = |held: &Held, queue: &mut Queue| {
            queue
                .runs
                .get_mut(&held.job.run)
                .is_some_and(|run| run.renew(*held, until))
        };
        let revoked = self
            .held
            .iter()
            .filter(|held| !renewed(held, queue))
            .map(|held| held.token)
            .collect();
        queue.settle_all(self.held.iter().copied());
        revoked
    }
}

/// Returns jobs: they are available at once, and nothing is charged. Tokens that are not live are passed over.
#[derive(Clone, Copy, Debug)]
pub struct HandBack<'a> {
    /// The claims.
    pub held: &'a [Held],
}

impl Apply for HandBack<'_> {
    type Outcome = ();

    fn apply(self, queue: &mut Queue, _: Millis) {
        for &held in self.held {
            if let Some((run, claim)) = queue.release(held) {
                run.ready.insert(held.job.index.0, claim.strikes);
            }
        }
        queue.settle_all(self.held.iter().copied());
    }
}

impl Run {
    /// Moves the end of a live lease; says whether it was live.
    fn renew(&mut self, held: Held, until: Millis) -> bool {
        if self.live(held.job, held.token).is_none() {
            return false;
        }
        let index = held.job.index.0;
        let claim = self.claims.get_mut(&index).expect("a live claim is a claim");
        self.leases.remove(&(claim.lease_until, index));
        claim.lease_until = until;
        self.leases.insert((until, index))
    }
}
