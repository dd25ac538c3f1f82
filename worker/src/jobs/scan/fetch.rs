//! A job's input: bytes of the blocks it reads, or the results it builds on. Moves bytes, computes nothing.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use tickfleet_kernels::scan::universe::Universe;
use tickfleet_protocol::plan::Job;
use tickfleet_runtime::data::inputs::{Fetched, Inputs, Want};
use tickfleet_runtime::data::joined::Joined;
use tickfleet_runtime::data::locate::reopen;
use tickfleet_runtime::data::select::{LoadedBlock, Wanted};
use tickfleet_runtime::pool::Pool;

use super::Tools;
use super::run::Run;
use crate::error::JobError;
use crate::model::Model;

/// Packed bytes that a map job holds before it decodes them; most jobs hold less in all.
const PACKED_BYTES: usize = 32 << 20;

/// What a job computes from.
#[derive(Debug)]
pub enum Input {
    /// Blocks.
    Map(MapInput),
    /// Published map results, and what is joined to them.
    Reduce(ReduceInput),
}

/// What a reduce job computes from.
#[derive(Debug)]
pub struct ReduceInput {
    /// Published map results, in symbol order.
    pub results: Vec<Bytes>,
    /// The universe.
    pub universe: Option<Arc<Universe>>,
    /// The tables that are joined to scored rows.
    pub joined: Joined,
    /// The model that predicts.
    pub model: Option<Arc<Model>>,
}

/// The blocks of a map job, in input order: the first ones reduced to the rows it wants, the last ones still packed.
#[derive(Debug, Default)]
pub struct MapInput {
    /// Decoded.
    pub loaded: Vec<LoadedBlock>,
    /// Fetched, each with its ordinal in the facts.
    pub packed: Vec<(u32, Fetched)>,
}

impl MapInput {
    /// Decodes what is packed and keeps the rows of `symbols`. CPU only: call it on the pool.
    ///
    /// # Errors
    /// Damaged blocks.
    pub fn unpack(&mut self, inputs: &Inputs, symbols: &[&str]) -> Result<(), JobError> {
        // Counted before: a symbol that another lane names meanwhile makes the list be made again.
        let mut known = inputs.names().count();
        let mut wanted = Wanted::new(inputs.names(), symbols);
        for (ordinal, fetched) in self.packed.drain(..) {
            let block = inputs.decode(&fetched)?;
            let now = inputs.names().count();
            if now > known {
                known = now;
                wanted = Wanted::new(inputs.names(), symbols);
            }
            self.loaded.push(LoadedBlock::select(ordinal, block, &wanted));
        }
        Ok(())
    }
}

/// Fetches what a job computes from.
///
/// # Errors
/// Storage, the queue, results that have expired; damaged blocks of a job whose input is too large to wait packed.
pub async fn fetch(run: &Arc<Run>, job: &Job, tools: &Tools) -> Result<Input, JobError> {
    match job {
        Job::Map { symbols, dates } => Ok(Input::Map(
            blocks(run, &tools.inputs, &tools.pool, symbols.clone(), dates.clone()).await?,
        )),
        Job::Reduce { date } => reduce(run, tools, *date).await,
    }
}

/// Fetches the blocks that may hold rows of some mapped symbols up to the last of some dates.
///
/// # Errors
/// Storage; damaged blocks where there are too many to wait packed.
pub async fn blocks(
    run: &Arc<Run>,
    inputs: &Arc<Inputs>,
    pool: &Pool,
    symbols: Range<usize>,
    dates: Range<usize>,
) -> Result<MapInput, JobError> {
    let facts = &run.record.facts;
    let mapped = &facts.mapped[symbols.clone()];
    let mut input = MapInput::default();
    let (Some(&first), Some(&last)) = (mapped.first(), mapped.last()) else {
        return Ok(input);
    };
    let mut held = 0;
    for ordinal in facts.blocks_of((first, last), facts.as_of[dates.end - 1]) {
        if held > PACKED_BYTES {
            let (run, inputs, symbols) = (run.clone(), inputs.clone(), symbols.clone());
            let unpacked = pool.run(move || input.unpack(&inputs, &run.symbols(symbols)).map(|()| input));
            input = unpacked.await??;
            held = 0;
        }
        let block = &facts.blocks[ordinal as usize];
        let file = inputs.bars(reopen(&facts.files[block.file as usize])?).await?;
        let rule = run.record.spec.map.ticker_rule;
        let fetched = inputs.fetch(file, block.part, rule, Want::All).await?;
        held += fetched.bytes();
        input.packed.push((ordinal, fetched));
    }
    Ok(input)
}

async fn reduce(run: &Run, tools: &Tools, date: usize) -> Result<Input, JobError> {
    let identities = run.identities().maps_of(date);
    let found = tools.results.read(&identities).await?;
    let missing = found.iter().filter(|result| result.is_none()).count();
    if missing > 0 {
        return Err(JobError::ResultsGone {
            missing,
            all: identities.len(),
        });
    }
    Ok(Input::Reduce(ReduceInput {
        results: found.into_iter().flatten().collect(),
        universe: run.universe().await?,
        joined: run.joined().await?,
        model: run.model(&tools.pool).await?,
    }))
}
