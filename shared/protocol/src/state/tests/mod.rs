//! Tests of the queue: its rules one by one ([`rules`], [`failure`]), and what holds in any sequence of events
//! ([`random`]).

mod failure;
mod forms;
mod random;
mod rules;

use super::*;
use crate::{
    ids::{Digest, IdempotencyKey, JobIndex, JobKind, JobRef, Millis, RunId, StageIndex, Token, WorkerId},
    limits::DEFAULT_WEIGHT,
    retry::RetryPolicy,
};

/// Lease of the tests' claims, longer than any of their backoffs.
const LEASE_MS: u64 = 25_000;

/// Backoffs of at most four seconds.
const RETRY: RetryPolicy = RetryPolicy {
    max_attempts: 3,
    max_kills: 3,
    backoff_base_ms: 1_000,
    backoff_cap_ms: 4_000,
};

/// A queue with a clock and a supply of tokens, whose every step is audited.
#[derive(Default)]
struct World {
    queue: Queue,
    now: Millis,
    drawn: u128,
    effects: Vec<Effect>,
}

impl World {
    fn step<T: Transition>(&mut self, transition: T) -> T::Outcome {
        let (outcome, effects) = self.queue.step(transition, self.now);
        self.audit(&effects);
        self.effects = effects;
        outcome
    }

    /// Every job is in one place, and the events say what the counters say.
    fn audit(&self, effects: &[Effect]) {
        for summary in self.queue.summaries() {
            let census = self.queue.audit(summary.run).unwrap().unwrap();
            let counts = summary.counts();
            assert_eq!((census.done, census.dead), (counts.done, counts.failed));
            let places = census.unfed + census.ready + census.claimed + census.delayed + census.dead + census.done;
            assert_eq!(places, counts.total, "{census:?}");
            let last = effects.iter().rev().find_map(|effect| match effect {
                Effect::Progress { run, progress } if *run == summary.run => Some(progress),
                _ => None,
            });
            assert!(
                last.is_none_or(|progress| progress.counts == counts),
                "{last:?}, but {counts:?}"
            );
        }
    }

    fn submit(&mut self, n: u8, stages: &[u64]) -> RunId {
        self.step(Submit {
            id: run_id(n),
            terms: terms(n, stages),
        })
        .unwrap()
        .run
    }

    fn feed(&mut self, max: usize) -> Vec<Claim> {
        self.feed_kinds(&[kind(0), kind(1)], max)
    }

    fn feed_kinds(&mut self, kinds: &[JobKind], max: usize) -> Vec<Claim> {
        let tokens: Vec<Token> = (0..max).map(|_| self.token()).collect();
        self.step(Feed {
            worker: &worker(),
            kinds,
            tokens: &tokens,
            lease_ms: LEASE_MS,
        })
    }

    fn token(&mut self) -> Token {
        self.drawn += 1;
        Token(self.drawn)
    }

    /// Claims one job, which there must be.
    fn claim(&mut self) -> Claim {
        self.feed(1).pop().expect("a job is available")
    }

    fn commit(&mut self, held: Held) -> CommitOutcome {
        self.step(Commit { held: &[held] })[0]
    }

    fn fail(&mut self, held: Held, retryable: bool) -> FailOutcome {
        self.step(Fail {
            failures: &[Failed {
                held,
                reason: "no such file",
                retryable,
            }],
        })[0]
    }

    fn advance(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        self.step(Tick);
    }

    fn summary(&self, run: RunId) -> RunSummary {
        self.queue.run(run).unwrap().summary()
    }

    fn state(&self, run: RunId) -> RunState {
        self.summary(run).state
    }

    /// Commits everything until no run is running; each round commits something or moves time to what is due.
    fn drain(&mut self) {
        while self.queue.summaries().any(|summary| !summary.state.is_ended()) {
            let claims = self.feed(64);
            if claims.is_empty() {
                self.now = self
                    .now
                    .max(self.queue.next_due().expect("a run that can't go on is over"));
                self.step(Tick);
            }
            for claim in claims {
                assert_eq!(self.commit(claim.held()), CommitOutcome::Committed);
            }
        }
    }

    /// The kinds of the events of the last step.
    fn events(&self) -> Vec<ProgressKind> {
        let kind = |effect: &Effect| match effect {
            Effect::Progress { progress, .. } => Some(progress.kind.clone()),
            _ => None,
        };
        self.effects.iter().filter_map(kind).collect()
    }
}

fn run_id(n: u8) -> RunId {
    RunId::from_parts(Millis(u64::from(n)), [n; 10])
}

fn worker() -> WorkerId {
    WorkerId::new("w1").unwrap()
}

fn kind(n: u8) -> JobKind {
    JobKind::new(&format!("test/{n}")).unwrap()
}

fn terms(n: u8, stages: &[u64]) -> Terms {
    Terms {
        key: IdempotencyKey::new(&format!("key-{n}")).unwrap(),
        digest: Digest([n; 32]),
        kind: kind(0),
        trace: None,
        stages: stages.to_vec(),
        weight: DEFAULT_WEIGHT,
        deadline: None,
        retry: RETRY,
    }
}

fn job(run: RunId, stage: u16, index: u64) -> JobRef {
    JobRef {
        run,
        stage: StageIndex(stage),
        index: JobIndex(index),
    }
}
