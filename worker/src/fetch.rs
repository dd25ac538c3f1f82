//! A job's input: bytes of the blocks it reads, or the results it builds on. Moves bytes, computes nothing.

use std::sync::Arc;

use bytes::Bytes;
use tickfleet_kernels::scan::universe::Universe;
use tickfleet_protocol::plan::Job;
use tickfleet_runtime::broker::Broker;
use tickfleet_runtime::data::inputs::{Fetched, Inputs, Want};
use tickfleet_runtime::data::locate::reopen;

use crate::error::JobError;
use crate::run::Run;

/// What a job computes from.
#[derive(Debug)]
pub enum Input {
    /// Blocks, with their ordinals, in input order.
    Map(Vec<(u32, Fetched)>),
    /// Published map results in symbol order, and the universe.
    Reduce(Vec<Bytes>, Option<Arc<Universe>>),
}

/// Fetches what a job computes from.
///
/// # Errors
/// Storage, the queue, results that have expired.
pub async fn fetch(run: &Run, inputs: &Inputs, broker: &dyn Broker, job: &Job) -> Result<Input, JobError> {
    match job {
        Job::Map { symbols, dates } => {
            let facts = &run.record.facts;
            let mapped = &facts.mapped[symbols.clone()];
            let (Some(&first), Some(&last)) = (mapped.first(), mapped.last()) else {
                return Ok(Input::Map(Vec::new()));
            };
            let last_day = facts.as_of[dates.end - 1];
            let mut blocks = Vec::new();
            for ordinal in facts.blocks_of((first, last), last_day) {
                let block = &facts.blocks[ordinal as usize];
                let file = inputs.bars(reopen(&facts.files[block.file as usize])?).await?;
                let rule = run.record.spec.map.ticker_rule;
                blocks.push((ordinal, inputs.fetch(file, block.part, rule, Want::All).await?));
            }
            Ok(Input::Map(blocks))
        }
        Job::Reduce { date } => {
            let identities = run.identities().maps_of(*date);
            let found = broker.results(&identities).await?;
            let missing = found.iter().filter(|result| result.is_none()).count();
            if missing > 0 {
                return Err(JobError::ResultsGone {
                    missing,
                    all: identities.len(),
                });
            }
            Ok(Input::Reduce(
                found.into_iter().flatten().collect(),
                run.universe().await?,
            ))
        }
    }
}
