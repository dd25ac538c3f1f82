//! Audit: every invariant broken by hand is named, mended, and the run finishes as if nothing had happened; a healthy
//! run is never blamed, whatever goes on in it. [`broken`] has the faults of one run, [`whole`] the rest.

mod broken;
mod whole;

use std::time::Duration;

use redis::Value;
use tickfleet_protocol::ids::RunId;
use tickfleet_runtime::broker::{Audit, Broker, Claim, CommitOutcome, Failure, Held, RunState, redis::RedisBroker};
use tickfleet_tests::redis_server::RedisServer;
use tokio::sync::watch;

use crate::kit::{commit_of, options, query, request, standing, submit};

const ROOT: &str = "tf:{0}";

/// A broker on a server of its own, at a time that the test moves.
struct Ward {
    server: RedisServer,
    broker: RedisBroker,
    offset_ms: watch::Sender<u64>,
    run: RunId,
}

impl Ward {
    /// With a run of two stages, 20 jobs and 2: of the first, 0 to 5 are done, 6 and 7 claimed, 8 is delayed with a
    /// failure on its account, 9 dead, 10 was handed back, and the rest was never delivered.
    async fn with_patient() -> Self {
        let mut ward = Self::with_run(&[20, 2]).await;
        let claims = ward.claim(11).await;
        ward.commit(&claims[..6]).await;
        let failure = |claim: &Claim, retryable| Failure {
            job: claim.job,
            token: claim.token,
            reason: "no such file".to_owned(),
            retryable,
        };
        let failures = vec![failure(&claims[8], true), failure(&claims[9], false)];
        ward.broker.fail(failures).await.expect("fail");
        ward.broker.hand_back(&[claims[10].held()]).await.expect("hand back");
        ward
    }

    async fn with_run(stages: &[u64]) -> Self {
        let server = RedisServer::start();
        let offset_ms = watch::Sender::new(0);
        let broker = RedisBroker::connect_with_offset(&options(&server), offset_ms.subscribe()).await;
        let broker = broker.expect("the server is fit");
        let run = submit(&broker, "patient", stages).await;
        Self {
            server,
            broker,
            offset_ms,
            run,
        }
    }

    async fn claim(&mut self, max: usize) -> Vec<Claim> {
        self.broker.claim(request(max, Duration::ZERO)).await.expect("claim")
    }

    async fn commit(&self, claims: &[Claim]) {
        let outcomes = self.broker.commit(claims.iter().map(commit_of).collect()).await;
        let outcomes = outcomes.expect("commit");
        assert!(
            outcomes.iter().all(|&outcome| outcome == CommitOutcome::Committed),
            "{outcomes:?}"
        );
    }

    /// Sends a command in which `RUN` stands for the run's keys, `ID` for its id and `ROOT` for the shard's keys.
    async fn send(&self, command: &str) {
        let id = self.run.to_string();
        let words = command.split(' ').map(|word| {
            let word = word.replace("RUN", &format!("{ROOT}:run:{id}"));
            word.replace("ROOT", ROOT).replace("ID", &id)
        });
        let words: Vec<String> = words.collect();
        let _: Value = query(&self.server, &words.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }

    async fn audit(&self, repair: bool) -> Audit {
        self.broker.audit(self.run, repair).await.expect("audit")
    }

    /// Replays what is dead and works everything off, time moving where nothing is left to do; every job is done then.
    async fn finish(&mut self, jobs: u64) {
        self.broker.replay_dead(self.run, None).await.expect("replay");
        for _ in 0..50 {
            let claims = self.claim(7).await;
            self.commit(&claims).await;
            if claims.is_empty() {
                self.offset_ms.send_modify(|offset_ms| *offset_ms += 30_000);
            }
            if standing(&self.broker, self.run).await.0 != RunState::Running {
                break;
            }
        }
        assert_eq!(standing(&self.broker, self.run).await, (RunState::Succeeded, jobs, 0));
        assert_eq!(faults(&self.audit(false).await), Vec::<String>::new());
    }
}

/// The faults as `index: words`, or words alone.
fn faults(audit: &Audit) -> Vec<String> {
    let fault = |fault: &tickfleet_runtime::broker::AuditFault| match fault.job {
        Some(job) => format!("{}: {}", job.index.0, fault.what),
        None => fault.what.clone(),
    };
    audit.faults.iter().map(fault).collect()
}

/// The claims of some jobs.
fn held(claims: &[Claim]) -> Vec<Held> {
    claims.iter().map(Claim::held).collect()
}
