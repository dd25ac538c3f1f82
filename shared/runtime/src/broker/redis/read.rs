//! Reads: runs, events and dead letters.

use std::time::Duration;

use bytes::Bytes;
use redis::Value;
use tickfleet_protocol::{
    ids::{EventId, RunId},
    limits::MAX_BATCH,
};

use super::{
    RedisBroker,
    blocking::SLICE,
    claim::Left,
    decode::{self, Piece, Words},
    life::unknown,
    scripts,
};
use crate::broker::{DeadLetter, Progress, Result, RunRecord, RunSummary, bounds};

/// Runs looked at in one call: a few milliseconds of the server's time.
const RUNS_AT_ONCE: usize = 128;

impl RedisBroker {
    /// A run with its payload.
    pub(super) async fn read_run(&self, run: RunId) -> Result<Option<RunRecord>> {
        let seen = self.view("run", true, &[run]).await?.pop();
        Ok(seen.map(|(summary, payload)| RunRecord { summary, payload }))
    }

    /// A run without its payload.
    pub(super) async fn read_summary(&self, run: RunId) -> Result<Option<RunSummary>> {
        let seen = self.view("run", false, &[run]).await?.pop();
        Ok(seen.map(|(summary, _)| summary))
    }

    /// Every run, in the order of their ids.
    pub(super) async fn read_runs(&self) -> Result<Vec<RunSummary>> {
        let mut summaries = Vec::new();
        for shard in self.server.layout.shards() {
            let mut members = redis::cmd("SMEMBERS");
            members.arg(self.server.layout.runs(shard));
            let members = self.server.query::<Vec<String>>(&members).await;
            let members = members.map_err(|fault| fault.during("list"))?;
            let mut words = Words::new("list", &members);
            let runs = members.iter().map(|_| words.parse()).collect::<Result<Vec<RunId>>>()?;
            for some in runs.chunks(RUNS_AT_ONCE) {
                summaries.extend(
                    self.view("list", false, some)
                        .await?
                        .into_iter()
                        .map(|(summary, _)| summary),
                );
            }
        }
        summaries.sort_by_key(|summary| summary.run);
        Ok(summaries)
    }

    /// Events after one, waited for as long as asked and as the run lives.
    pub(super) async fn read_events(
        &self,
        run: RunId,
        after: EventId,
        wait: Duration,
    ) -> Result<Vec<(EventId, Progress)>> {
        let mut left = Left::new(bounds::wait("events", wait)?, self.server.offset_ms.clone());
        loop {
            let piece = self.events_now(run, after).await?;
            if !piece.events.is_empty() || piece.has_ended || left.is_over() {
                return Ok(piece.events);
            }
            let at_most = piece.due.unwrap_or(SLICE).min(SLICE);
            let event = async {
                // Whether it came or not, the run is looked at again.
                let _ = tokio::time::timeout(at_most, self.await_event(run, after)).await;
            };
            left.rest(event).await;
        }
    }

    /// The dead letters of a run, in the order of their jobs.
    pub(super) async fn read_dead(&self, run: RunId) -> Result<Vec<DeadLetter>> {
        let mut call = self.server.call(&scripts::DEAD, self.server.layout.of_run(&run));
        call.arg(run.to_string());
        let reply: Option<Vec<String>> = self.server.run("dead letters", &scripts::DEAD, &call).await?;
        let reply = reply.ok_or_else(|| unknown("dead letters", run))?;
        decode::dead_letters(run, &reply)
    }

    /// What is there of some runs; those that there are not are left out.
    async fn view(
        &self,
        operation: &'static str,
        has_payload: bool,
        runs: &[RunId],
    ) -> Result<Vec<(RunSummary, Bytes)>> {
        let Some(first) = runs.first() else {
            return Ok(Vec::new());
        };
        let mut call = self.server.call(&scripts::VIEW, self.server.layout.of_run(first));
        call.arg(u8::from(has_payload));
        for run in runs {
            call.arg(run.to_string());
        }
        let reply: Vec<Option<Vec<Vec<u8>>>> = self.server.run(operation, &scripts::VIEW, &call).await?;
        let seen = runs.iter().zip(reply).filter_map(|(&run, fields)| Some((run, fields?)));
        seen.map(|(run, fields)| decode::summary(operation, run, fields))
            .collect()
    }

    /// The events that are there.
    async fn events_now(&self, run: RunId, after: EventId) -> Result<Piece> {
        let mut call = self.server.call(&scripts::EVENTS, self.server.layout.of_run(&run));
        call.arg(run.to_string()).arg(after.0).arg(MAX_BATCH);
        let reply: Option<Vec<Value>> = self.server.run("events", &scripts::EVENTS, &call).await?;
        decode::events(run, &reply.ok_or_else(|| unknown("events", run))?)
    }

    /// Returns when the run may have an event after this one.
    async fn await_event(&self, run: RunId, after: EventId) {
        let slice_ms = u64::try_from(SLICE.as_millis()).expect("a slice is short");
        let mut read = redis::cmd("XREAD");
        read.arg("COUNT").arg(1).arg("BLOCK").arg(slice_ms).arg("STREAMS");
        read.arg(self.server.layout.events(&run)).arg(format!("{}-0", after.0));
        if let Err(fault) = self.blocking.run::<Value>(&[&read]).await {
            tracing::debug!(%run, %fault, "waiting for an event failed");
            tokio::time::sleep(SLICE).await;
        }
    }
}
