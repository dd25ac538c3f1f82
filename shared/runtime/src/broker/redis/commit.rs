//! Commit: results and done bits of a batch, one script a shard.

use std::collections::BTreeMap;

use bytes::Bytes;
use tickfleet_protocol::ids::{Identity, JobRef, RunId};

use super::{
    RedisBroker, Server,
    fault::{Fault, malformed},
    scripts,
};
use crate::broker::{BrokerError, Commit, CommitOutcome, Result, bounds};

impl RedisBroker {
    /// Commits a batch. A result that a commit only names may be on another shard than the job's: it is fetched then,
    /// and the commit sent with it.
    pub(super) async fn commit_jobs(&self, commits: &[Commit]) -> Result<Vec<CommitOutcome>> {
        bounds::commits(commits)?;
        let mut outcomes = self.commit_batch(commits).await?;
        if self.server.layout.shards().len() == 1 {
            return Ok(outcomes);
        }
        let mut found = Vec::new();
        for (place, commit) in self.fetch_missing(commits, &outcomes).await? {
            found.push((place, commit));
        }
        let batch: Vec<Commit> = found.iter().map(|(_, commit)| commit.clone()).collect();
        for ((place, _), outcome) in found.into_iter().zip(self.commit_batch(&batch).await?) {
            outcomes[place] = outcome;
        }
        Ok(outcomes)
    }

    async fn commit_batch(&self, commits: &[Commit]) -> Result<Vec<CommitOutcome>> {
        let by_shard = self.server.by_shard(commits, |commit| commit.job.run);
        let call = |(&shard, places): (&u16, &Vec<usize>)| {
            let mut call = self.server.call(&scripts::COMMIT, shard);
            call.arg(self.result_life_ms);
            let stage = |&place: &usize| (commits[place].job.run, commits[place].job.stage);
            for of_stage in places.chunk_by(|left, right| stage(left) == stage(right)) {
                name_results(&mut call, of_stage.iter().map(|&place| &commits[place]));
            }
            call
        };
        let calls: Vec<_> = by_shard.iter().map(call).collect();
        let replies: Vec<String> = match self.server.run_all("commit", &scripts::COMMIT, &calls).await {
            Err(error) if is_out_of_memory(&error) => {
                let sizes = commits.iter().filter_map(|commit| commit.result.as_ref());
                let needed = sizes.map(|result| result.len() as u64).sum();
                let job = commits.first().map(|commit| commit.job);
                return Err(self.results_full("commit", job, needed, error).await);
            }
            replies => replies?,
        };
        let mut outcomes = vec![CommitOutcome::Lost; commits.len()];
        for (places, reply) in by_shard.values().zip(&replies) {
            if reply.len() != places.len() {
                return Err(malformed("commit", "the number of outcomes"));
            }
            for (&place, letter) in places.iter().zip(reply.bytes()) {
                outcomes[place] = outcome(letter)?;
            }
        }
        Ok(outcomes)
    }

    /// The commits whose result is missing although another shard has it, with that result.
    async fn fetch_missing(&self, commits: &[Commit], outcomes: &[CommitOutcome]) -> Result<Vec<(usize, Commit)>> {
        let missing = (0..commits.len()).filter(|&place| outcomes[place] == CommitOutcome::ResultMissing);
        let missing: Vec<usize> = missing.collect();
        let identities: Vec<Identity> = missing.iter().map(|&place| commits[place].identity).collect();
        let results = self.read_results(&identities).await?;
        let found = missing
            .into_iter()
            .zip(results)
            .filter_map(|(place, result): (usize, Option<Bytes>)| {
                let result = Some(result?);
                Some((
                    place,
                    Commit {
                        result,
                        ..commits[place].clone()
                    },
                ))
            });
        Ok(found.collect())
    }

    /// What the server's memory says to results that did not fit; the error as it is where it says nothing.
    pub(super) async fn results_full(
        &self,
        operation: &'static str,
        job: Option<JobRef>,
        needed: u64,
        error: BrokerError,
    ) -> BrokerError {
        let mut ask = redis::cmd("INFO");
        ask.arg("memory");
        let info = self.server.query::<String>(&ask).await.unwrap_or_default();
        let field = |name: &str| {
            info.lines()
                .find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok())
        };
        let (Some(used), Some(limit)) = (field("used_memory:"), field("maxmemory:")) else {
            return error;
        };
        BrokerError::ResultsFull {
            operation,
            job,
            needed,
            used,
            limit,
        }
    }
}

impl Server {
    /// The places of a batch's items, by the shard of their run.
    pub(super) fn by_shard<T>(&self, items: &[T], run: impl Fn(&T) -> RunId) -> BTreeMap<u16, Vec<usize>> {
        let mut by_shard = BTreeMap::<u16, Vec<usize>>::new();
        for (place, item) in items.iter().enumerate() {
            by_shard.entry(self.layout.of_run(&run(item))).or_default().push(place);
        }
        by_shard
    }
}

/// Whether the server had no memory left for a call.
pub(super) fn is_out_of_memory(error: &BrokerError) -> bool {
    match error {
        BrokerError::Unavailable { source, .. } => matches!(source.downcast_ref(), Some(Fault::OutOfMemory(_))),
        _ => false,
    }
}

/// Names jobs of one stage with their results; there is at least one.
fn name_results<'a>(call: &mut redis::Cmd, commits: impl ExactSizeIterator<Item = &'a Commit>) {
    let count = commits.len();
    for (nth, commit) in commits.enumerate() {
        let JobRef { run, stage, index } = commit.job;
        if nth == 0 {
            call.arg(run.to_string()).arg(stage.0).arg(count);
        }
        call.arg(index.0)
            .arg(commit.token.to_string())
            .arg(commit.identity.to_string());
        call.arg(u8::from(commit.result.is_some()))
            .arg(commit.result.as_deref().unwrap_or_default());
    }
}

fn outcome(letter: u8) -> Result<CommitOutcome> {
    match letter {
        b'C' => Ok(CommitOutcome::Committed),
        b'A' => Ok(CommitOutcome::AlreadyDone),
        b'L' => Ok(CommitOutcome::Lost),
        b'M' => Ok(CommitOutcome::ResultMissing),
        _ => Err(malformed("commit", "an outcome")),
    }
}
