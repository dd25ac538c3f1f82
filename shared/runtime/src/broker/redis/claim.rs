//! Claim: jobs from the shards in turn, and rest until the bell rings where there are none.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use tickfleet_protocol::{
    ids::{JobIndex, JobRef, Millis, RunId, StageIndex, Token},
    limits::KILLS_BEFORE_SOLO,
};
use tokio::sync::watch;

use super::{
    RedisBroker,
    bell::LOOK_AGAIN,
    decode::{Words, due_in},
    fault::malformed,
    recall::Outstanding,
    scripts,
};
use crate::broker::{Claim, ClaimRequest, Result, bounds};

impl RedisBroker {
    /// Claims jobs, and waits for the first as long as asked.
    pub(super) async fn claim_jobs(&self, request: ClaimRequest) -> Result<Vec<Claim>> {
        let mut left = Left::new(bounds::claim(&request)?, self.server.offset_ms.clone());
        let mut request = request;
        request.kinds.sort_unstable();
        request.kinds.dedup();
        let mut waiter = None;
        loop {
            let (claims, due) = self.claim_now(&request).await?;
            if !claims.is_empty() || left.is_over() {
                return Ok(claims);
            }
            let waiter = waiter.get_or_insert_with(|| self.bell.join(&request.kinds));
            let at_most = due.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
            left.rest(waiter.rest(at_most)).await;
        }
    }

    /// Claims what there is, and says in how long time next changes something. The shard after the one that gave jobs
    /// is asked first the next time, so shards with jobs take turns.
    async fn claim_now(&self, request: &ClaimRequest) -> Result<(Vec<Claim>, Option<Duration>)> {
        let shards = self.server.layout.shards();
        let first = self.next_shard.load(Ordering::Relaxed);
        let mut claims = Vec::new();
        let mut outstanding = Vec::new();
        let mut due = None::<Duration>;
        for shard in shards.clone().map(|n| (first + n) % shards.end) {
            let tokens = self.tokens().tokens(request.max - claims.len());
            let call = outstanding.push_mut(Outstanding::new(self, shard, tokens, request.lease_ms));
            let (more, shard_due) = self.claim_from(shard, request, call.tokens()).await?;
            due = due.into_iter().chain(shard_due).min();
            if !more.is_empty() {
                self.next_shard.store((shard + 1) % shards.end, Ordering::Relaxed);
            }
            claims.extend(more);
            if claims.len() == request.max {
                break;
            }
        }
        outstanding.into_iter().for_each(Outstanding::settle);
        Ok((claims, due))
    }

    async fn claim_from(
        &self,
        shard: u16,
        request: &ClaimRequest,
        tokens: &[Token],
    ) -> Result<(Vec<Claim>, Option<Duration>)> {
        let mut call = self.server.call(&scripts::CLAIM, shard);
        call.arg(request.worker.as_str()).arg(request.lease_ms);
        call.arg(request.kinds.len());
        for kind in &request.kinds {
            call.arg(kind.as_str());
        }
        for token in tokens {
            call.arg(token.to_string());
        }
        let reply: Vec<String> = self.server.run("claim", &scripts::CLAIM, &call).await?;
        let mut words = Words::new("claim", &reply);
        let lease_until = Millis(words.number()?).plus_ms(request.lease_ms);
        let due = due_in(words.number()?);
        Ok((claims(&mut words, tokens, lease_until)?, due))
    }
}

/// The jobs of a claim in the order of its tokens: `RUN:STAGE` before those of a run, then `INDEX` or
/// `INDEX/ATTEMPTS/KILLS` for each.
fn claims(words: &mut Words<'_>, tokens: &[Token], lease_until: Millis) -> Result<Vec<Claim>> {
    let bad = |word: &str| malformed("claim", word);
    let (mut claims, mut of_run) = (Vec::new(), None);
    while !words.is_empty() {
        let word = words.word()?;
        if let Some((run, stage)) = word.rsplit_once(':') {
            let run: RunId = run.parse().map_err(|_| bad(word))?;
            of_run = Some((run, StageIndex(stage.parse().map_err(|_| bad(word))?)));
            continue;
        }
        let (run, stage) = of_run.ok_or_else(|| bad(word))?;
        let mut numbers = word.split('/').map(str::parse::<u64>);
        let mut number = || numbers.next().transpose().map_err(|_| bad(word));
        let count = |number: Option<u64>| u32::try_from(number.unwrap_or(0)).map_err(|_| bad(word));
        let index = JobIndex(number()?.ok_or_else(|| bad(word))?);
        let (attempts, kills) = (count(number()?)?, count(number()?)?);
        claims.push(Claim {
            job: JobRef { run, stage, index },
            token: *tokens.get(claims.len()).ok_or_else(|| bad(word))?,
            attempts,
            kills,
            solo: kills >= KILLS_BEFORE_SOLO,
            lease_until,
        });
    }
    Ok(claims)
}

/// What is left of a time to wait, by the monotonic clock and the offset together.
pub(super) struct Left {
    started: Instant,
    offset_at_start_ms: u64,
    wait_ms: u64,
    offset_ms: watch::Receiver<u64>,
}

impl Left {
    pub(super) fn new(wait_ms: u64, mut offset_ms: watch::Receiver<u64>) -> Self {
        let offset_at_start_ms = *offset_ms.borrow_and_update();
        Self {
            started: Instant::now(),
            offset_at_start_ms,
            wait_ms,
            offset_ms,
        }
    }

    /// Whether nothing is left.
    pub(super) fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// Waits for `event`, for the end of what is left, or until the offset moves.
    pub(super) async fn rest(&mut self, event: impl Future<Output = ()>) {
        let left = self.left();
        let moved = async {
            if self.offset_ms.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = event => {}
            () = moved => {}
            () = tokio::time::sleep(left) => {}
        }
    }

    fn left(&self) -> Duration {
        let moved_ms = self.offset_ms.borrow().saturating_sub(self.offset_at_start_ms);
        Duration::from_millis(self.wait_ms.saturating_sub(moved_ms)).saturating_sub(self.started.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn read(reply: &str) -> Result<Vec<(String, u128, u32, u32)>> {
        let words: Vec<String> = reply.split_whitespace().map(str::to_owned).collect();
        let claims = claims(
            &mut Words::new("claim", &words),
            &[Token(7), Token(8), Token(9)],
            Millis(5),
        )?;
        let seen = |claim: Claim| (claim.job.to_string(), claim.token.0, claim.attempts, claim.kills);
        Ok(claims.into_iter().map(seen).collect())
    }

    #[test]
    fn each_job_is_read_with_its_run_and_its_token() {
        let job = |stage: u16, index: u64| format!("{RUN}/{stage}/{index}");
        assert!(read("").unwrap().is_empty());
        let seen = read(&format!("{RUN}:0 4 17/1/2 {RUN}:3 9")).unwrap();
        let expected = [(job(0, 4), 7, 0, 0), (job(0, 17), 8, 1, 2), (job(3, 9), 9, 0, 0)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for reply in [
            "4",
            "x:0 4",
            "RUN:x 4",
            "RUN:0 x",
            "RUN:0 4/x/0",
            "RUN:0 4/1/-1",
            "RUN:0 1 2 3 4",
        ] {
            assert!(read(&reply.replace("RUN", RUN)).is_err(), "{reply} was taken");
        }
    }
}
