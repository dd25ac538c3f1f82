//! Beat, fail and hand back: what else a worker says about the claims that it holds.

use std::collections::{BTreeMap, btree_map::Entry};

use tickfleet_protocol::{
    ids::{Millis, RunId, Token},
    limits::MAX_REASON_BYTES,
    retry::RetryPolicy,
};

use super::{RedisBroker, decode::Words, fault::malformed, scripts};
use crate::broker::{FailOutcome, Failure, Held, Result, bounds};

impl RedisBroker {
    /// Renews claims; gives the tokens that are not live, in the order of the claims.
    pub(super) async fn renew(&self, held: &[Held], lease_ms: u64) -> Result<Vec<Token>> {
        bounds::batch("beat", held.len())?;
        bounds::lease("beat", lease_ms)?;
        let by_shard = self.server.by_shard(held, |held| held.job.run);
        let calls = by_shard.iter().map(|(&shard, places)| {
            let mut call = self.server.call(&scripts::BEAT, shard);
            call.arg(lease_ms);
            places.iter().for_each(|&place| name_claim(&mut call, held[place]));
            call
        });
        let replies: Vec<Vec<usize>> = self
            .server
            .run_all("beat", &scripts::BEAT, &calls.collect::<Vec<_>>())
            .await?;
        let mut revoked = Vec::new();
        for (places, numbers) in by_shard.values().zip(replies) {
            for number in numbers {
                let place = number.checked_sub(1).and_then(|nth| places.get(nth));
                revoked.push(*place.ok_or_else(|| malformed("beat", "the number of a claim"))?);
            }
        }
        revoked.sort_unstable();
        Ok(revoked.into_iter().map(|place| held[place].token).collect())
    }

    /// Returns jobs without a verdict.
    pub(super) async fn return_jobs(&self, held: &[Held]) -> Result<()> {
        bounds::batch("hand back", held.len())?;
        let by_shard = self.server.by_shard(held, |held| held.job.run);
        let calls = by_shard.iter().map(|(&shard, places)| {
            let mut call = self.server.call(&scripts::HAND_BACK, shard);
            places.iter().for_each(|&place| name_claim(&mut call, held[place]));
            call
        });
        let calls: Vec<_> = calls.collect();
        self.server
            .run_all::<u64>("hand back", &scripts::HAND_BACK, &calls)
            .await?;
        Ok(())
    }

    /// Reports failures. Scripts lack the 64-bit numbers of the backoff, so each failure takes along all the delays
    /// that its run's terms could ask for; terms never change, so they are read before.
    pub(super) async fn fail_jobs(&self, failures: &[Failure]) -> Result<Vec<FailOutcome>> {
        bounds::batch("fail", failures.len())?;
        let by_shard = self.server.by_shard(failures, |failure| failure.job.run);
        let mut policies = BTreeMap::new();
        for failure in failures {
            if let Entry::Vacant(entry) = policies.entry(failure.job.run) {
                entry.insert(self.retry_policy(failure.job.run).await?);
            }
        }
        let calls = by_shard.iter().map(|(&shard, places)| {
            let mut call = self.server.call(&scripts::FAIL, shard);
            for &place in places {
                let failure = &failures[place];
                name_claim(&mut call, failure.held());
                let reason = &failure.reason[..failure.reason.floor_char_boundary(MAX_REASON_BYTES)];
                let policy = &policies[&failure.job.run];
                let delays = (1..policy.max_attempts).map(|attempts| policy.delay_ms(&failure.job, attempts));
                call.arg(u8::from(failure.retryable))
                    .arg(reason)
                    .arg(policy.max_attempts.saturating_sub(1));
                call.arg(delays.collect::<Vec<u64>>());
            }
            call
        });
        let replies: Vec<Vec<String>> = self
            .server
            .run_all("fail", &scripts::FAIL, &calls.collect::<Vec<_>>())
            .await?;
        let mut outcomes = vec![FailOutcome::Lost; failures.len()];
        for (places, reply) in by_shard.values().zip(&replies) {
            let mut words = Words::new("fail", reply);
            for &place in places {
                outcomes[place] = fail_outcome(&mut words)?;
            }
        }
        Ok(outcomes)
    }

    /// The terms under which a run's jobs are tried again; the defaults for a run that there is not, whose claims are
    /// lost anyway.
    async fn retry_policy(&self, run: RunId) -> Result<RetryPolicy> {
        let mut read = redis::cmd("HMGET");
        read.arg(self.server.layout.run(&run));
        read.arg(&["max_attempts", "max_kills", "backoff_base_ms", "backoff_cap_ms"]);
        let fields = self.server.query::<Vec<Option<String>>>(&read).await;
        let fields: Option<Vec<String>> = fields.map_err(|fault| fault.during("fail"))?.into_iter().collect();
        let Some(fields) = fields else {
            return Ok(RetryPolicy::default());
        };
        let mut words = Words::new("fail", &fields);
        Ok(RetryPolicy {
            max_attempts: words.number()?,
            max_kills: words.number()?,
            backoff_base_ms: words.number()?,
            backoff_cap_ms: words.number()?,
        })
    }
}

fn name_claim(call: &mut redis::Cmd, Held { job, token }: Held) {
    call.arg(job.run.to_string())
        .arg(job.stage.0)
        .arg(job.index.0)
        .arg(token.to_string());
}

fn fail_outcome(words: &mut Words<'_>) -> Result<FailOutcome> {
    match words.word()? {
        "D" => Ok(FailOutcome::Dead),
        "L" => Ok(FailOutcome::Lost),
        at => {
            let at = at.parse().map_err(|_| malformed("fail", at))?;
            Ok(FailOutcome::Retry { at: Millis(at) })
        }
    }
}
