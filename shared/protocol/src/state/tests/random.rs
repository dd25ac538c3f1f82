//! What holds in any sequence of events: no job is lost or counted twice, each step passes the audit, runs end, none
//! starves.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// An event, with numbers that choose among what there is at the time.
#[derive(Clone, Debug)]
enum Event {
    Submit { n: u8, stages: Vec<u64>, weight: u32 },
    Feed { kinds: u8, max: usize },
    Commit { picks: Vec<usize> },
    Forge { pick: usize },
    Fail { picks: Vec<usize>, retryable: bool },
    HandBack { picks: Vec<usize> },
    Beat { picks: Vec<usize> },
    Advance { ms: u64 },
    Cancel { pick: usize },
    Replay { pick: usize },
    Drop { pick: usize, index: u64 },
    Forget { pick: usize },
}

fn event() -> impl Strategy<Value = Event> {
    let picks = || prop::collection::vec(any::<usize>(), 1..5);
    let stages = prop::collection::vec(0_u64..9, 1..4);
    prop_oneof![
        2 => (0_u8..4, stages, 1_u32..20).prop_map(|(n, stages, weight)| Event::Submit { n, stages, weight }),
        6 => (0_u8..4, 0_usize..6).prop_map(|(kinds, max)| Event::Feed { kinds, max }),
        6 => picks().prop_map(|picks| Event::Commit { picks }),
        1 => any::<usize>().prop_map(|pick| Event::Forge { pick }),
        3 => (picks(), any::<bool>()).prop_map(|(picks, retryable)| Event::Fail { picks, retryable }),
        2 => picks().prop_map(|picks| Event::HandBack { picks }),
        2 => picks().prop_map(|picks| Event::Beat { picks }),
        4 => prop_oneof![0_u64..1_500, 0_u64..30_000].prop_map(|ms| Event::Advance { ms }),
        1 => any::<usize>().prop_map(|pick| Event::Cancel { pick }),
        1 => any::<usize>().prop_map(|pick| Event::Replay { pick }),
        1 => (any::<usize>(), 0_u64..9).prop_map(|(pick, index)| Event::Drop { pick, index }),
        1 => any::<usize>().prop_map(|pick| Event::Forget { pick }),
    ]
}

/// None, one or both of the kinds that there are.
fn some_kinds(bits: u8) -> Vec<JobKind> {
    (0..2).filter(|n| bits >> n & 1 == 1).map(kind).collect()
}

/// A queue and a ledger of what was said to its workers, kept apart from it.
#[derive(Default)]
struct Checked {
    world: World,
    /// Every claim ever made; recent ones are picked more often.
    held: Vec<Held>,
    committed: BTreeMap<RunId, BTreeSet<JobRef>>,
    /// When a failed job may run again at the earliest.
    not_before: BTreeMap<JobRef, Millis>,
    /// Until when a token is live unless its worker ends the claim.
    leases: BTreeMap<Token, Millis>,
}

impl Checked {
    fn pick(&self, picks: &[usize]) -> Vec<Held> {
        let recent = &self.held[self.held.len().saturating_sub(12)..];
        picks
            .iter()
            .filter_map(|pick| recent.get(pick % recent.len().max(1)))
            .copied()
            .collect()
    }

    fn pick_run(&self, pick: usize) -> RunId {
        let runs: Vec<RunId> = self.world.queue.summaries().map(|summary| summary.run).collect();
        runs.get(pick % runs.len().max(1)).copied().unwrap_or(run_id(99))
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Submit { n, stages, weight } => self.submit(n, &stages, weight),
            Event::Feed { kinds, max } => self.feed(&some_kinds(kinds), max),
            Event::Commit { picks } => self.commit(&self.pick(&picks)),
            Event::Forge { pick } => self.forge(pick),
            Event::Fail { picks, retryable } => self.fail(&self.pick(&picks), retryable),
            Event::HandBack { picks } => self.hand_back(&self.pick(&picks)),
            Event::Beat { picks } => self.beat(&self.pick(&picks)),
            Event::Advance { ms } => self.advance(ms),
            Event::Cancel { pick } => self.cancel(self.pick_run(pick)),
            Event::Replay { pick } => {
                let _ = self.world.step(ReplayDead {
                    run: self.pick_run(pick),
                    jobs: None,
                });
            }
            Event::Drop { pick, index } => {
                let _ = self.world.step(DropDead {
                    run: self.pick_run(pick),
                    jobs: Some(&[JobIndex(index)]),
                });
            }
            Event::Forget { pick } => self.forget(self.pick_run(pick)),
        }
        for summary in self.world.queue.summaries() {
            let committed = self.committed.get(&summary.run).map_or(0, BTreeSet::len) as u64;
            assert_eq!(
                summary.counts().done,
                committed,
                "the ledger counts what the queue counts"
            );
        }
    }

    fn submit(&mut self, n: u8, stages: &[u64], weight: u32) {
        let known = self.world.queue.run(run_id(n)).map(Run::summary);
        let accepted = self
            .world
            .step(Submit {
                id: run_id(n),
                terms: Terms {
                    weight,
                    kind: kind(n % 2),
                    ..terms(n, stages)
                },
            })
            .unwrap();
        assert_eq!(
            accepted,
            Accepted {
                run: run_id(n),
                created: known.is_none()
            }
        );
        if let Some(known) = known {
            assert_eq!(
                self.world.summary(accepted.run),
                known,
                "a repeated submission changes nothing"
            );
        }
    }

    fn feed(&mut self, kinds: &[JobKind], max: usize) {
        let had_work = self.has_work(kinds);
        let claims = self.world.feed_kinds(kinds, max);
        assert_eq!(claims.is_empty(), max == 0 || !had_work, "{kinds:?}");
        for claim in claims {
            let JobRef { run, stage, .. } = claim.job;
            assert!(
                kinds.contains(&self.world.summary(run).kind),
                "{} is for others",
                claim.job
            );
            let committed = self.committed.entry(run).or_default();
            assert!(!committed.contains(&claim.job), "{} is done", claim.job);
            let due = self.not_before.remove(&claim.job).unwrap_or_default();
            assert!(due <= self.world.now, "{} runs again before its time", claim.job);
            let stages = &self.world.queue.run(run).unwrap().summary().stages;
            let before: u64 = stages[..usize::from(stage.0)].iter().map(|stage| stage.total).sum();
            let done_before = committed.iter().filter(|job| job.stage < stage).count() as u64;
            assert_eq!(
                done_before, before,
                "{} was delivered before its stage opened",
                claim.job
            );
            let others = self.held.iter().filter(|held| held.job == claim.job);
            assert!(
                others
                    .into_iter()
                    .all(|held| self.world.queue.standing(*held) == Standing::Lost)
            );
            assert_eq!(self.world.queue.standing(claim.held()), Standing::Live);
            self.leases.insert(claim.token, claim.lease_until);
            self.held.push(claim.held());
        }
    }

    /// Whether a run of these kinds has jobs that can be delivered, once time is where it is.
    fn has_work(&mut self, kinds: &[JobKind]) -> bool {
        self.world.step(Tick);
        let ready = |summary: &RunSummary| {
            let census = self.world.queue.run(summary.run).unwrap().audit().unwrap();
            let unfed = summary.stages[usize::from(summary.open_stage.0)];
            census.ready > 0 || unfed.fed < unfed.total
        };
        let mut runs = self.world.queue.summaries();
        runs.any(|summary| !summary.state.is_ended() && kinds.contains(&summary.kind) && ready(&summary))
    }

    fn commit(&mut self, held: &[Held]) {
        let standings: Vec<Standing> = held.iter().map(|held| self.world.queue.standing(*held)).collect();
        let outcomes = self.world.step(Commit { held });
        for ((held, outcome), standing) in held.iter().zip(outcomes).zip(standings) {
            let committed = self.committed.entry(held.job.run).or_default();
            match outcome {
                CommitOutcome::Committed => {
                    assert_eq!(standing, Standing::Live);
                    assert!(committed.insert(held.job), "{} counts twice", held.job);
                }
                CommitOutcome::AlreadyDone => assert!(committed.contains(&held.job)),
                CommitOutcome::Lost => {
                    assert_eq!(standing, Standing::Lost);
                    assert!(!committed.contains(&held.job));
                }
                CommitOutcome::ResultMissing => panic!("the queue knows no results"),
            }
        }
    }

    fn forge(&mut self, pick: usize) {
        for held in self.pick(&[pick]) {
            let forged = Held {
                token: Token(u128::MAX),
                ..held
            };
            assert_ne!(self.world.commit(forged), CommitOutcome::Committed);
            assert_eq!(self.world.fail(forged, true), FailOutcome::Lost);
        }
    }

    fn fail(&mut self, held: &[Held], retryable: bool) {
        let failures: Vec<_> = held
            .iter()
            .map(|&held| Failed {
                held,
                reason: "x",
                retryable,
            })
            .collect();
        let was_live: Vec<bool> = held
            .iter()
            .map(|held| self.world.queue.standing(*held) == Standing::Live)
            .collect();
        let outcomes = self.world.step(Fail { failures: &failures });
        for ((outcome, was_live), held) in outcomes.into_iter().zip(was_live).zip(held) {
            assert!(was_live || outcome == FailOutcome::Lost);
            if let FailOutcome::Retry { at } = outcome {
                assert!(retryable);
                self.not_before.insert(held.job, at);
            }
        }
        assert!(
            held.iter()
                .all(|held| self.world.queue.standing(*held) != Standing::Live)
        );
    }

    fn hand_back(&mut self, held: &[Held]) {
        self.world.step(HandBack { held });
        assert!(
            held.iter()
                .all(|held| self.world.queue.standing(*held) != Standing::Live)
        );
    }

    fn beat(&mut self, held: &[Held]) {
        let revoked = self.world.step(Beat {
            held,
            lease_ms: LEASE_MS,
        });
        for held in held.iter().filter(|held| !revoked.contains(&held.token)) {
            self.leases.insert(held.token, self.world.now.plus_ms(LEASE_MS));
        }
        for held in held {
            assert_eq!(
                revoked.contains(&held.token),
                self.world.queue.standing(*held) != Standing::Live
            );
        }
    }

    /// Time ends those leases that it has come to, and no others.
    fn advance(&mut self, ms: u64) {
        let is_live = |world: &World, held: &Held| world.queue.standing(*held) == Standing::Live;
        let live: Vec<Held> = self
            .held
            .iter()
            .filter(|held| is_live(&self.world, held))
            .copied()
            .collect();
        self.world.advance(ms);
        for held in live.iter().filter(|held| !self.world.state(held.job.run).is_ended()) {
            assert_eq!(
                is_live(&self.world, held),
                self.world.now < self.leases[&held.token],
                "{held:?}"
            );
        }
    }

    fn cancel(&mut self, run: RunId) {
        if self.world.step(Cancel { run }).is_some() {
            assert!(self.world.state(run).is_ended());
            assert!(self.is_still(run), "an ended run has no live token");
            self.feed(&some_kinds(3), 3);
            assert!(self.is_still(run), "an ended run is not fed");
        }
    }

    fn is_still(&self, run: RunId) -> bool {
        let of_run = self.held.iter().filter(|held| held.job.run == run);
        of_run
            .into_iter()
            .all(|held| self.world.queue.standing(*held) != Standing::Live)
    }

    fn forget(&mut self, run: RunId) {
        if self.world.step(Forget { run }) == Some(true) {
            self.committed.remove(&run);
            self.not_before.retain(|job, _| job.run != run);
        }
    }

    /// Lets all that can succeed succeed: no run hangs, and only cancelled ones and those with dropped jobs fail.
    fn finish(mut self) {
        for _ in 0..2 {
            self.world.drain();
            let runs: Vec<RunId> = self.world.queue.summaries().map(|summary| summary.run).collect();
            for run in runs {
                let _ = self.world.step(ReplayDead { run, jobs: None });
            }
        }
        for summary in self.world.queue.summaries() {
            let counts = summary.counts();
            match summary.state {
                RunState::Succeeded => assert_eq!((counts.done, counts.failed), (counts.total, 0)),
                RunState::Failed => assert!(counts.failed > 0, "only dropped jobs are left"),
                RunState::Cancelled => {}
                state => panic!("{state:?} after everything was done"),
            }
        }
    }
}

proptest! {
    #[test]
    fn no_job_is_lost_or_counted_twice(events in prop::collection::vec(event(), 1..120)) {
        let mut checked = Checked::default();
        for event in events {
            checked.take(event);
        }
        checked.finish();
    }

    /// A run that comes late to a busy queue has its jobs delivered within the share that its weight buys, however
    /// large the others are and whatever the size of the batches.
    #[test]
    fn no_run_starves(
        weights in prop::collection::vec(1_u32..=100, 1..6),
        late_weight in 1_u32..=100,
        late_jobs in 1_u64..20,
        warm_up in 0_usize..2_000,
        batch in 1_usize..40,
    ) {
        let mut world = World::default();
        for (n, &weight) in (1_u8..).zip(&weights) {
            world.step(Submit { id: run_id(n), terms: Terms { weight, ..terms(n, &[20_000]) } }).unwrap();
        }
        world.feed(warm_up);
        let late = Terms { weight: late_weight, ..terms(0, &[late_jobs]) };
        let late = world.step(Submit { id: run_id(0), terms: late }).unwrap().run;
        let others: u64 = weights.iter().map(|&weight| (late_jobs * u64::from(weight)).div_ceil(u64::from(late_weight)) + 2).sum();
        let (mut delivered, mut of_late) = (0, 0);
        while of_late < late_jobs {
            let claims = world.feed(batch);
            delivered += claims.len() as u64;
            of_late += claims.iter().filter(|claim| claim.job.run == late).count() as u64;
            prop_assert!(delivered <= late_jobs + others + batch as u64, "{of_late} of {late_jobs} after {delivered}");
        }
    }

    /// The same events give the same outcomes and effects.
    #[test]
    fn steps_are_deterministic(events in prop::collection::vec(event(), 1..60)) {
        let play = || {
            let mut checked = Checked::default();
            let steps = events.iter().map(|event| {
                checked.take(event.clone());
                checked.world.effects.clone()
            });
            let effects: Vec<_> = steps.collect();
            (effects, checked.held)
        };
        prop_assert_eq!(play(), play());
    }
}
