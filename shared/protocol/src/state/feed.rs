//! Feed: jobs go out one by one, each to the run whose turn it is, and each with a fresh token.

use std::collections::BTreeSet;

use super::{
    Claim,
    queue::{Queue, sealed::Apply},
    run::{Run, Strikes},
};
use crate::fair::in_a_row;
use crate::ids::{JobKind, JobRef, Millis, Token, WorkerId};

/// Delivers at most as many jobs as there are tokens, in weighted-fair order among the runs of the kinds that the worker
/// can compute; within a run, jobs that come back before jobs that are new, each by index.
#[derive(Clone, Copy, Debug)]
pub struct Feed<'a> {
    /// Who gets them.
    pub worker: &'a WorkerId,
    /// What it can compute; jobs of other kinds are left to others.
    pub kinds: &'a [JobKind],
    /// Fresh tokens; those that are left over are void.
    pub tokens: &'a [Token],
    /// How long the claims live without a beat, in milliseconds.
    pub lease_ms: u64,
}

impl Apply for Feed<'_> {
    type Outcome = Vec<Claim>;

    fn apply(self, queue: &mut Queue, now: Millis) -> Vec<Claim> {
        let lease_until = now.plus_ms(self.lease_ms);
        let mut claims = Vec::new();
        let mut fed = BTreeSet::new();
        let mut tokens = self.tokens.iter().copied().peekable();
        while tokens.peek().is_some() {
            let Some(id) = queue.fair.feed(self.kinds) else { break };
            let run = queue.runs.get_mut(&id).expect("only known runs wait");
            let turn = tokens.by_ref().take(in_a_row(self.tokens.len()));
            for (nth, token) in turn.enumerate() {
                let (index, strikes) = run.take_next().expect("a waiting run has work");
                claims.push(run.hold(index, strikes, token, self.worker, lease_until));
                if nth > 0 {
                    queue.fair.feed_more(id);
                }
                if !run.has_work() {
                    queue.fair.sleep(id);
                    break;
                }
            }
            fed.insert(id);
        }
        fed.into_iter().for_each(|id| queue.settle(id));
        claims
    }
}

/// Delivers one job of the caller's choice, where that job is available: how a broker that picked in an order of its
/// own is followed by the model. It is charged to its run like any other delivery.
#[derive(Clone, Copy, Debug)]
pub struct Deliver<'a> {
    /// The job.
    pub job: JobRef,
    /// The token it is held by.
    pub token: Token,
    /// Who gets it.
    pub worker: &'a WorkerId,
    /// How long the claim lives without a beat, in milliseconds.
    pub lease_ms: u64,
}

impl Apply for Deliver<'_> {
    type Outcome = Option<Claim>;

    fn apply(self, queue: &mut Queue, now: Millis) -> Option<Claim> {
        let run = queue.runs.get_mut(&self.job.run)?;
        let (index, strikes) = run.take(self.job)?;
        let claim = run.hold(index, strikes, self.token, self.worker, now.plus_ms(self.lease_ms));
        queue.fair.charge(self.job.run);
        queue.settle(self.job.run);
        Some(claim)
    }
}

impl Run {
    /// Takes the next available job out of its place.
    fn take_next(&mut self) -> Option<(u64, Strikes)> {
        let next = self
            .ready
            .first_key_value()
            .map_or(self.stage().fed, |(&index, _)| index);
        self.take(self.job(next))
    }

    /// Takes one available job out of its place. New jobs are available in their order only.
    fn take(&mut self, job: JobRef) -> Option<(u64, Strikes)> {
        if !self.has_work() || job.stage != self.open_stage_index() {
            return None;
        }
        let index = job.index.0;
        if let Some(strikes) = self.ready.remove(&index) {
            return Some((index, strikes));
        }
        let stage = self.stage_mut();
        (index == stage.fed && index < stage.total).then(|| {
            stage.fed += 1;
            (index, Strikes::default())
        })
    }
}
