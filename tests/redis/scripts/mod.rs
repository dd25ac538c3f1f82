//! The contract of each script, called as its opening says, without the broker around it: those about jobs in [`jobs`],
//! about runs in [`runs`], about workers in [`fleet`].

mod fleet;
mod jobs;
mod runs;

use redis::FromRedisValue;
use tickfleet_runtime::broker::redis::scripts::{self, Script};
use tickfleet_tests::redis_server::RedisServer;

use crate::kit::query;

const ROOT: &str = "tf:{0}";
const RUN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const OTHER: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
const LEASE: &str = "10000";
const KIND: &str = "test/1";

/// A server on which scripts are called, at a time that the test moves.
struct Bench {
    server: RedisServer,
    offset_ms: u64,
}

impl Bench {
    /// With a run of these stages.
    async fn with_run(stages: &str) -> Self {
        let bench = Self {
            server: RedisServer::start(),
            offset_ms: 0,
        };
        let reply: Vec<String> = bench.call(&scripts::SUBMIT, &terms(RUN, "key", "digest", stages)).await;
        assert_eq!(reply, ["new", RUN]);
        bench
    }

    async fn call<T: FromRedisValue>(&self, script: &Script, args: &[&str]) -> T {
        let offset = self.offset_ms.to_string();
        let mut words = vec!["EVAL", script.source(), "1", ROOT, &offset];
        words.extend(args);
        query(&self.server, &words).await
    }

    /// The jobs of a claim: run, stage, index, attempts, kills.
    async fn claim(&self, tokens: &[&str]) -> Vec<Vec<String>> {
        let mut args = vec!["w1", LEASE, "1", KIND];
        args.extend(tokens);
        let reply: Vec<String> = self.call(&scripts::CLAIM, &args).await;
        let (mut jobs, mut of_run) = (Vec::new(), Vec::new());
        for word in &reply[2..] {
            match word.rsplit_once(':') {
                Some((run, stage)) => of_run = vec![run.to_owned(), stage.to_owned()],
                None => {
                    let mut numbers: Vec<String> = word.split('/').map(str::to_owned).collect();
                    numbers.resize(3, "0".to_owned());
                    jobs.push([of_run.clone(), numbers].concat());
                }
            }
        }
        jobs
    }

    async fn commit(&self, index: &str, token: &str) -> String {
        let args = ["100000", RUN, "0", "1", index, token, "id", "1", "bytes"];
        self.call(&scripts::COMMIT, &args).await
    }

    async fn fail(&self, index: &str, token: &str, can_retry: &str) -> Vec<String> {
        self.call(
            &scripts::FAIL,
            &[RUN, "0", index, token, can_retry, "no such file", "1", "500"],
        )
        .await
    }

    async fn field(&self, name: &str) -> String {
        query(&self.server, &["HGET", &format!("{ROOT}:run:{RUN}"), name]).await
    }

    async fn count(&self, command: &str, part: &str) -> u64 {
        query(&self.server, &[command, &format!("{ROOT}:run:{RUN}:{part}")]).await
    }

    /// Keys of the run.
    async fn keys(&self) -> Vec<String> {
        query(&self.server, &["KEYS", &format!("*{RUN}*")]).await
    }
}

/// Two attempts and two kills at most.
fn terms<'a>(run: &'a str, key: &'a str, digest: &'a str, stages: &'a str) -> [&'a str; 14] {
    [
        run,
        key,
        digest,
        "payload",
        "1",
        "27720",
        "",
        "2",
        "2",
        "500",
        "500",
        stages,
        KIND,
        "00-1-2-01",
    ]
}
