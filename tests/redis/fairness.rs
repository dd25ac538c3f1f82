//! Fairness: the claim script picks runs as the pure feed does, delivery by delivery.

use std::time::Duration;

use tickfleet_protocol::{
    fair::{FairFeed, in_a_row},
    ids::{JobKind, RunId},
};
use tickfleet_runtime::broker::{Broker, Claim, ClaimRequest, NewRun};
use tickfleet_tests::{random::Random, redis_server::RedisServer};

use crate::kit::{connect, new_run, query, request};

fn kind(n: usize) -> JobKind {
    JobKind::new(&format!("test/{n}")).expect("a test's names are well formed")
}

/// Runs of three kinds and any weights, more jobs each than are asked for.
async fn submit_all(broker: &dyn Broker, feed: &mut FairFeed, random: &mut Random, count: usize) -> Vec<RunId> {
    let mut runs = Vec::new();
    for n in 0..count {
        let (kind, weight) = (kind(random.below(3)), 1 + random.below(100) as u32);
        let run = NewRun {
            kind: kind.clone(),
            weight,
            ..new_run(&format!("run-{n}-{}", random.below(1 << 30)), &[1_000_000])
        };
        let id = broker.submit(run).await.expect("submit").run;
        feed.wake(id, &kind, weight);
        runs.push(id);
    }
    runs
}

/// The runs that the pure feed picks for a claim of `wanted` jobs, where every run has more than that.
fn fed(feed: &mut FairFeed, kinds: &[JobKind], wanted: usize) -> Vec<RunId> {
    let mut picked = Vec::new();
    while picked.len() < wanted
        && let Some(run) = feed.feed(kinds)
    {
        let jobs = in_a_row(wanted).min(wanted - picked.len());
        (1..jobs).for_each(|_| feed.feed_more(run));
        picked.extend(std::iter::repeat_n(run, jobs));
    }
    picked
}

#[tokio::test]
async fn runs_are_picked_as_the_pure_feed_picks_them() {
    let server = RedisServer::start();
    let broker = connect(&server).await;
    for seed in 0..6 {
        let (mut random, mut feed) = (Random::new(seed), FairFeed::default());
        let mut runs = submit_all(&broker, &mut feed, &mut random, 5).await;
        for round in 0..60 {
            if round % 20 == 10 {
                runs.extend(submit_all(&broker, &mut feed, &mut random, 2).await);
                let gone = runs.remove(random.below(runs.len()));
                broker.cancel(gone).await.expect("cancel");
                feed.remove(gone);
            }
            let mut kinds: Vec<JobKind> = (0..3).filter(|_| random.once_in(2)).map(kind).collect();
            kinds.push(kind(random.below(3)));
            let max = 1 + random.below(60);
            let asked = ClaimRequest {
                kinds: kinds.clone(),
                ..request(max, Duration::ZERO)
            };
            let claims = broker.claim(asked).await.expect("claim");
            let picked: Vec<RunId> = claims.iter().map(|claim| claim.job.run).collect();
            assert_eq!(picked, fed(&mut feed, &kinds, max), "seed {seed}, round {round}");
            let held: Vec<_> = claims.iter().map(Claim::held).collect();
            broker.hand_back(&held).await.expect("hand back");
        }
        for run in runs {
            broker.cancel(run).await.expect("cancel");
        }
        assert_eq!(server.command("FLUSHALL"), "+OK");
    }
}

/// A kind that nobody asked for in a day has lost its clock: what waits goes on in its order, and nobody gets ahead.
#[tokio::test]
async fn a_clock_that_expired_goes_on_where_the_runs_are() {
    let server = RedisServer::start();
    let broker = connect(&server).await;
    let submit = async |key: &str| broker.submit(new_run(key, &[1_000])).await.expect("submit").run;
    submit("early").await;
    let claims = broker.claim(request(200, Duration::ZERO)).await.expect("claim");
    assert_eq!(claims.len(), 200);
    let lost: u64 = query(&server, &["DEL", "tf:{0}:clock:test/1"]).await;
    assert_eq!(lost, 1, "there was a clock");
    let late = submit("late").await;
    let claims = broker.claim(request(40, Duration::ZERO)).await.expect("claim");
    assert_eq!(claims.iter().filter(|claim| claim.job.run == late).count(), 20);
}
