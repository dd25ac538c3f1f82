//! A broker and the pure queue side by side, through a random sequence of operations that a seed repeats.
//!
//! The broker chooses which jobs to deliver and draws the tokens; the model is told of each delivery, refuses those
//! that break a rule, and has to answer everything else as the broker does. A failing seed replays: the panic names it.

mod compare;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use tickfleet_protocol::{
    ids::{Identity, JobIndex, Millis, RunId, Token},
    state::{self, Deliver, Failed, Queue, Submit, Tick, Transition},
};

use super::{
    Harness, LEASE_MS,
    dice::Dice,
    kit::{advance_ms, commit_of, kind, new_run, request, result_of, worker},
};
use crate::broker::{Broker, ClaimRequest, CommitOutcome, FailOutcome, Failure, Held, NewRun, bounds};

/// One step of the clock: neither leases nor backoffs end near a multiple of it.
const TICK_MS: u64 = 10_000;

/// More rounds than it can take to work off what a game leaves.
const WORK_OFF_ROUNDS: usize = 1_000;

/// One in so many steps is followed by an audit of every run.
const AUDITED: usize = 8;

/// Plays `steps` operations of this seed on a fresh broker, then works off what is left, and compares throughout.
pub async fn against_model(harness: &dyn Harness, seed: u64, steps: usize) {
    let mut game = Game {
        seed,
        broker: harness.broker().await,
        model: Queue::default(),
        now: Millis(0),
        dice: Dice::new(seed),
        held: Vec::new(),
        runs: Vec::new(),
        results: BTreeMap::new(),
    };
    for step in 0..steps {
        game.play(harness).await;
        game.compare().await;
        if step % AUDITED == 0 {
            game.compare_audits().await;
        }
    }
    game.work_off(harness).await;
    game.compare().await;
    game.compare_audits().await;
    game.compare_results().await;
}

struct Game {
    seed: u64,
    broker: Arc<dyn Broker>,
    model: Queue,
    now: Millis,
    dice: Dice,
    /// Every claim so far, live or not.
    held: Vec<Held>,
    runs: Vec<RunId>,
    results: BTreeMap<Identity, Bytes>,
}

impl Game {
    async fn play(&mut self, harness: &dyn Harness) {
        match self.dice.roll(24) {
            0 | 1 => self.submit().await,
            2..=6 => self.claim().await,
            7..=11 => self.commit().await,
            12..=14 => self.fail().await,
            15 | 16 => self.hand_back().await,
            17 | 18 => self.beat().await,
            19 | 20 => self.advance(harness).await,
            21 => self.replay().await,
            22 => self.drop_dead().await,
            _ => self.cancel().await,
        }
    }

    fn model<T: Transition>(&mut self, transition: T) -> T::Outcome {
        self.model.step(transition, self.now).0
    }

    /// A few claims, mostly recent ones, at times one with a forged token, at times one twice.
    fn pick(&mut self) -> Vec<Held> {
        let recent = self.held[self.held.len().saturating_sub(10)..].to_vec();
        let mut picked = Vec::new();
        for _ in 0..=self.dice.roll(4) {
            let Some(&held) = recent.get(self.dice.roll(10) as usize) else {
                continue;
            };
            let is_forged = self.dice.roll(12) == 0;
            picked.push(if is_forged {
                Held {
                    token: Token(held.token.0 ^ 1),
                    ..held
                }
            } else {
                held
            });
        }
        picked
    }

    fn pick_run(&mut self) -> Option<RunId> {
        let n = self.dice.roll(self.runs.len().max(1) as u64);
        self.runs.get(n as usize).copied()
    }

    async fn submit(&mut self) {
        let key = self.dice.roll(6);
        let stages: Vec<u64> = (0..=key % 3).map(|stage| (key * 5 + stage * 3) % 11).collect();
        let run = NewRun {
            weight: 1 + key as u32,
            kind: kind(["a", "b"][key as usize % 2]),
            ..new_run(&format!("key-{key}"), &stages)
        };
        let terms = bounds::terms(&run).expect("the game's runs are within bounds");
        let submitted = self.broker.submit(run).await.expect("submit");
        let accepted = self
            .model(Submit {
                id: submitted.run,
                terms,
            })
            .expect("submit");
        assert_eq!(
            (submitted.run, submitted.created),
            (accepted.run, accepted.created),
            "seed {}",
            self.seed
        );
        if accepted.created {
            self.runs.push(accepted.run);
        }
    }

    async fn claim(&mut self) {
        let worker = worker(&format!("w{}", self.dice.roll(3)));
        let max = 1 + self.dice.roll(5) as usize;
        let kinds = match self.dice.roll(4) {
            0 => vec![kind("a")],
            1 => vec![kind("b"), kind("c")],
            _ => vec![kind("b"), kind("a"), kind("b")],
        };
        self.claim_as(ClaimRequest {
            worker,
            kinds,
            ..request(max)
        })
        .await;
    }

    /// Claims, tells the model, and gives what was claimed.
    async fn claim_as(&mut self, request: ClaimRequest) -> Vec<Held> {
        let worker = &request.worker;
        let mut claims = self.broker.claim(request.clone()).await.expect("claim");
        assert!(claims.len() <= request.max);
        let any = state::Feed {
            worker,
            kinds: &request.kinds,
            tokens: &[Token(0)],
            lease_ms: LEASE_MS,
        };
        let is_dry = self.model.clone().step(any, self.now).0.is_empty();
        assert_eq!(
            claims.is_empty(),
            is_dry,
            "seed {}: a claim is empty only where there is no job",
            self.seed
        );
        claims.sort_by_key(|claim| claim.job);
        for claim in &claims {
            let deliver = Deliver {
                job: claim.job,
                token: claim.token,
                worker,
                lease_ms: LEASE_MS,
            };
            let expected = self.model(deliver);
            let expected = expected.unwrap_or_else(|| panic!("seed {}: {} was not available", self.seed, claim.job));
            let run = self
                .model
                .run(claim.job.run)
                .expect("a run of a delivered job")
                .summary();
            assert!(
                request.kinds.contains(&run.kind),
                "seed {}: {} is for others",
                self.seed,
                claim.job
            );
            let seen = (claim.attempts, claim.kills, claim.solo);
            assert_eq!(
                seen,
                (expected.attempts, expected.kills, expected.solo),
                "seed {}: {}",
                self.seed,
                claim.job
            );
        }
        let held: Vec<Held> = claims.iter().map(state::Claim::held).collect();
        self.held.extend(&held);
        held
    }

    async fn commit(&mut self) {
        let picked = self.pick();
        self.commit_all(&picked).await;
    }

    async fn commit_all(&mut self, held: &[Held]) {
        let outcomes = self
            .broker
            .commit(held.iter().copied().map(commit_of).collect())
            .await
            .expect("commit");
        assert_eq!(
            outcomes,
            self.model(state::Commit { held }),
            "seed {}: {held:?}",
            self.seed
        );
        let committed = held
            .iter()
            .zip(outcomes)
            .filter(|(_, outcome)| *outcome == CommitOutcome::Committed);
        self.results.extend(committed.map(|(held, _)| result_of(held.job)));
    }

    async fn fail(&mut self) {
        let picked = self.pick();
        let retryable = self.dice.roll(4) > 0;
        let failure = |held: &Held| Failure {
            job: held.job,
            token: held.token,
            reason: "dice".to_owned(),
            retryable,
        };
        let outcomes = self
            .broker
            .fail(picked.iter().map(failure).collect())
            .await
            .expect("fail");
        let failed: Vec<_> = picked
            .iter()
            .map(|&held| Failed {
                held,
                reason: "dice",
                retryable,
            })
            .collect();
        let expected = self.model(state::Fail { failures: &failed });
        let kind = |outcome: &FailOutcome| std::mem::discriminant(outcome);
        assert!(
            outcomes.iter().map(kind).eq(expected.iter().map(kind)),
            "seed {}: {outcomes:?}, {expected:?}",
            self.seed
        );
    }

    async fn hand_back(&mut self) {
        let picked = self.pick();
        self.broker.hand_back(&picked).await.expect("hand back");
        self.model(state::HandBack { held: &picked });
    }

    async fn beat(&mut self) {
        let picked = self.pick();
        let revoked = self.broker.beat(&picked, LEASE_MS).await.expect("beat");
        assert_eq!(
            revoked,
            self.model(state::Beat {
                held: &picked,
                lease_ms: LEASE_MS
            }),
            "seed {}",
            self.seed
        );
    }

    async fn advance(&mut self, harness: &dyn Harness) {
        let ticks = 1 + self.dice.roll(3);
        advance_ms(harness, ticks * TICK_MS).await;
        self.now = self.now.plus_ms(ticks * TICK_MS);
        self.model(Tick);
        self.claim().await;
    }

    async fn replay(&mut self) {
        let Some(run) = self.pick_run() else { return };
        let count = self.broker.replay_dead(run, None).await;
        assert_eq!(
            count.ok(),
            self.model(state::ReplayDead { run, jobs: None }).ok(),
            "seed {}",
            self.seed
        );
    }

    async fn drop_dead(&mut self) {
        let Some(run) = self.pick_run() else { return };
        let jobs = [JobIndex(self.dice.roll(4)), JobIndex(self.dice.roll(4))];
        let count = self.broker.drop_dead(run, Some(&jobs)).await;
        assert_eq!(
            count.ok(),
            self.model(state::DropDead { run, jobs: Some(&jobs) }).ok(),
            "seed {}",
            self.seed
        );
    }

    async fn cancel(&mut self) {
        if self.dice.roll(3) > 0 {
            return;
        }
        let Some(run) = self.pick_run() else { return };
        let was_running = self.broker.cancel(run).await.expect("cancel");
        assert_eq!(
            Some(was_running),
            self.model(state::Cancel { run }),
            "seed {}",
            self.seed
        );
    }

    /// Commits all there is, and lets time pass where there is nothing, until no run is running.
    async fn work_off(&mut self, harness: &dyn Harness) {
        for _ in 0..WORK_OFF_ROUNDS {
            if self.model.summaries().all(|summary| summary.state.is_ended()) {
                return;
            }
            let both = ClaimRequest {
                kinds: vec![kind("a"), kind("b")],
                ..request(32)
            };
            let held = self.claim_as(both).await;
            self.commit_all(&held).await;
            if held.is_empty() {
                self.advance(harness).await;
            }
        }
        panic!("seed {}: some run never ends", self.seed);
    }
}
