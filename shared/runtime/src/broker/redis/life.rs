//! The life of a run from outside: submit, cancel, forget, and what becomes of its dead letters.

use std::time::Duration;

use redis::Cmd;
use tickfleet_protocol::{
    fair::COST_UNIT,
    ids::{IdempotencyKey, JobIndex, Millis, RunId},
    limits::MAX_RUNS,
    state::Terms,
};

use super::{RedisBroker, check, decode::Words, fault::malformed, scripts};
use crate::broker::{BrokerError, Durability, NewRun, Result, Submitted, bounds};

/// How long a submit waits for a replica, in milliseconds.
const REPLICA_WAIT_MS: u64 = 1_000;

/// How often a submit looks whether the log was written: with the pauses, past the two seconds after which the server
/// no longer puts that off.
const LOG_LOOKS: u32 = 60;

/// The pause between two looks.
const LOG_PAUSE: Duration = Duration::from_millis(50);

impl RedisBroker {
    /// Accepts a run, or gives the one that its key made before.
    pub(super) async fn submit_run(&self, run: NewRun) -> Result<Submitted> {
        let terms = bounds::terms(&run)?;
        let asked = run.durability;
        let shard = self.server.layout.of_key(&run.key);
        let id = self.draw_id(shard, self.server_time().await?);
        let mut call = self.server.call(&scripts::SUBMIT, shard);
        add_terms(&mut call, id, &terms, &run);
        let reply: Vec<String> = self.server.run("submit", &scripts::SUBMIT, &call).await?;
        let mut words = Words::new("submit", &reply);
        let verdict = words.word()?;
        let (run, created) = match verdict {
            "new" => (words.parse()?, true),
            "known" => (words.parse()?, false),
            "taken" => return Err(key_reused(run.key, words.parse()?)),
            "full" => return Err(BrokerError::TooManyRuns { max: MAX_RUNS }),
            _ => return Err(malformed("submit", verdict)),
        };
        let durability = self.secure(shard, asked).await;
        Ok(Submitted {
            run,
            created,
            durability,
        })
    }

    /// Ends a run; says whether it was running.
    pub(super) async fn cancel_run(&self, run: RunId) -> Result<bool> {
        match self.about("cancel", &scripts::CANCEL, run, |_| {}).await? {
            -1 => Err(unknown("cancel", run)),
            was_running => Ok(was_running == 1),
        }
    }

    /// Lets an ended run go.
    pub(super) async fn forget_run(&self, run: RunId) -> Result<()> {
        match self.about("forget", &scripts::FORGET, run, |_| {}).await? {
            -1 => Err(unknown("forget", run)),
            0 => Err(BrokerError::RunActive {
                operation: "forget",
                run,
            }),
            _ => Ok(()),
        }
    }

    /// Makes dead jobs available again.
    pub(super) async fn replay_jobs(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        bounds::batch("replay", jobs.map_or(0, <[_]>::len))?;
        match self
            .about("replay", &scripts::REPLAY, run, |call| name_jobs(call, jobs))
            .await?
        {
            -2 => Err(BrokerError::RunOver {
                operation: "replay",
                run,
            }),
            count => u64::try_from(count).map_err(|_| unknown("replay", run)),
        }
    }

    /// Drops dead letters.
    pub(super) async fn drop_jobs(&self, run: RunId, jobs: Option<&[JobIndex]>) -> Result<u64> {
        bounds::batch("drop", jobs.map_or(0, <[_]>::len))?;
        let count = self
            .about("drop", &scripts::DROP, run, |call| name_jobs(call, jobs))
            .await?;
        u64::try_from(count).map_err(|_| unknown("drop", run))
    }

    /// Runs a script about one run.
    async fn about(
        &self,
        operation: &'static str,
        script: &scripts::Script,
        run: RunId,
        complete: impl FnOnce(&mut Cmd),
    ) -> Result<i64> {
        let mut call = self.server.call(script, self.server.layout.of_run(&run));
        call.arg(run.to_string());
        complete(&mut call);
        self.server.run(operation, script, &call).await
    }

    /// An id on this shard: about as many draws as there are shards.
    fn draw_id(&self, shard: u16, now: Millis) -> RunId {
        let mut tokens = self.tokens();
        loop {
            let id = tokens.run_id(now);
            if self.server.layout.of_run(&id) == shard {
                return id;
            }
        }
    }

    /// The server's time, by which ids are ordered whatever the clocks of those who submit.
    async fn server_time(&self) -> Result<Millis> {
        let time = self.server.query::<(u64, u64)>(&redis::cmd("TIME")).await;
        let (seconds, micros) = time.map_err(|fault| fault.during("submit"))?;
        Ok(Millis(seconds * 1_000 + micros / 1_000).plus_ms(*self.server.offset_ms.borrow()))
    }

    /// How safe an accepted run is, no further than was asked for.
    async fn secure(&self, shard: u16, asked: Durability) -> Durability {
        if asked == Durability::Replicated && self.is_replicated(shard).await {
            return Durability::Replicated;
        }
        if asked >= Durability::Logged && self.report.durability >= Durability::Logged && self.is_logged().await {
            return Durability::Logged;
        }
        Durability::Memory
    }

    /// Whether a replica has acknowledged all that the server did so far. A cluster's client can't tell which node
    /// would wait, so there nothing is claimed of replicas.
    async fn is_replicated(&self, shard: u16) -> bool {
        if !self.has_replica_waits {
            return false;
        }
        let mut mark = redis::cmd("SET");
        mark.arg(format!("{}:marked", self.server.layout.root(shard))).arg(1);
        let mut wait = redis::cmd("WAIT");
        wait.arg(1).arg(REPLICA_WAIT_MS);
        self.blocking
            .run::<u64>(&[&mark, &wait])
            .await
            .is_ok_and(|replicas| replicas > 0)
    }

    /// Whether the server has handed its log to the system: it answers before that where it is busy flushing, and
    /// only servers later than the oldest supported one can be asked to wait for it.
    async fn is_logged(&self) -> bool {
        let mut ask = redis::cmd("INFO");
        ask.arg("persistence");
        for _ in 0..LOG_LOOKS {
            let Ok(info) = self.server.query::<redis::Value>(&ask).await else {
                return false;
            };
            if check::has_written_log(&info) {
                return true;
            }
            tokio::time::sleep(LOG_PAUSE).await;
        }
        false
    }
}

fn add_terms(call: &mut Cmd, id: RunId, terms: &Terms, run: &NewRun) {
    let stages: Vec<String> = terms.stages.iter().map(u64::to_string).collect();
    call.arg(id.to_string())
        .arg(terms.key.as_str())
        .arg(terms.digest.to_string())
        .arg(&*run.payload);
    call.arg(terms.weight).arg(COST_UNIT / u64::from(terms.weight));
    call.arg(
        terms
            .deadline
            .map_or_else(String::new, |deadline| deadline.0.to_string()),
    );
    call.arg(terms.retry.max_attempts).arg(terms.retry.max_kills);
    call.arg(terms.retry.backoff_base_ms)
        .arg(terms.retry.backoff_cap_ms)
        .arg(stages.join(","));
    call.arg(terms.kind.as_str())
        .arg(terms.trace.as_deref().unwrap_or_default());
}

fn name_jobs(call: &mut Cmd, jobs: Option<&[JobIndex]>) {
    call.arg(u8::from(jobs.is_none()));
    for job in jobs.unwrap_or_default() {
        call.arg(job.0);
    }
}

fn key_reused(key: IdempotencyKey, run: RunId) -> BrokerError {
    BrokerError::KeyReused { key, run }
}

/// The answer about a run that there is not.
pub(super) const fn unknown(operation: &'static str, run: RunId) -> BrokerError {
    BrokerError::UnknownRun { operation, run }
}
