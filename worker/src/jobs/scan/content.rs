//! A map job whose identity nobody has a result of, although another job computed the same: one changed row changes the
//! digest of its block, and with it the identity of every job that reads the block, but the rows of few of them.
//!
//! So the rows are decoded, their content gets an identity, and a record under that leads to the result of the job that
//! computed it. The map rows are taken over as they are; the dropped rows, which a result names by their places in the
//! input, are placed anew. The bytes are those that computing would give. Without a record the kernel runs, and leaves
//! one.

use std::sync::Arc;

use bytes::Bytes;
use tickfleet_proto::convert::{FirstRejects, MapContent, MapOutput, RejectedRow};
use tickfleet_protocol::ids::Identity;
use tickfleet_protocol::plan::Job;
use tickfleet_runtime::cache::Results;
use tickfleet_runtime::data::gather::{Scratch, gather};
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::data::select::Wanted;

use super::compute::{self, map, reject};
use super::fetch::{Input, MapInput};
use super::run::Run;
use super::{Fetched, Tools};
use crate::error::JobError;

/// A map job's result where another job computed it, else its computation.
pub(super) async fn fetched(
    run: &Arc<Run>,
    job: Job,
    input: Input,
    tools: &Tools,
    results: &Arc<Results>,
) -> Result<Fetched, JobError> {
    let Input::Map(input) = input else {
        unreachable!("the input of a map job are blocks");
    };
    let (naming, inputs) = (Arc::clone(run), Arc::clone(&tools.inputs));
    let identify = move || identify(&naming, &inputs, job, input);
    let (mut job, mut input, content) = tools.pool.run(identify).await??;
    if let Some(found) = recall(results, content).await {
        let (placing, inputs) = (Arc::clone(run), Arc::clone(&tools.inputs));
        let place = move || (placed(&placing, &inputs, &job, &input, found), job, input);
        let (result, job_again, input_again) = tools.pool.run(place).await?;
        if let Some(result) = result {
            tools.work.copied();
            return Ok(Fetched::Result(result));
        }
        (job, input) = (job_again, input_again);
    }
    let (run, inputs) = (Arc::clone(run), Arc::clone(&tools.inputs));
    let (results, work) = (Arc::clone(results), Arc::clone(&tools.work));
    Ok(Fetched::Computation(Box::new(move || {
        work.map();
        let (symbols, dates) = ranges(&job);
        let compute::Mapped { result, rejects } = map(&run, &inputs, symbols, dates, &input)?;
        if let Some(rejects) = rejects {
            let identity = run.identities().of(&job);
            results.note(content, MapContent { identity, rejects }.encode());
        }
        Ok(result)
    })))
}

/// Decodes a job's rows and names their content. CPU only.
fn identify(run: &Run, inputs: &Inputs, job: Job, mut input: MapInput) -> Result<(Job, MapInput, Identity), JobError> {
    let (symbols, dates) = ranges(&job);
    let names = run.symbols(symbols);
    input.unpack(inputs, &names)?;
    let gathered = gather(&input.loaded, &Wanted::new(inputs.names(), &names));
    let identities = run.identities();
    let (mut content, mut scratch) = (identities.content(dates), Scratch::default());
    for (symbol, name) in names.iter().enumerate() {
        content.symbol(name, &gathered.rows(symbol, &mut scratch).columns);
    }
    let content = content.finish();
    drop(gathered);
    Ok((job, input, content))
}

/// The result that a job computed from this content, and the rows that it dropped.
async fn recall(results: &Results, content: Identity) -> Option<(MapOutput, Vec<RejectedRow>)> {
    let record = MapContent::decode(results.recall(content).await?).ok()?;
    let output = MapOutput::decode(results.recall(record.identity).await?).ok()?;
    Some((output, record.rejects))
}

/// A result with the dropped rows where they lie in this job's input; `None` where the record does not fit it.
fn placed(
    run: &Run,
    inputs: &Inputs,
    job: &Job,
    input: &MapInput,
    (output, rejects): (MapOutput, Vec<RejectedRow>),
) -> Option<Bytes> {
    let names = run.symbols(ranges(job).0);
    let gathered = gather(&input.loaded, &Wanted::new(inputs.names(), &names));
    let (mut first, mut scratch) = (FirstRejects::default(), Scratch::default());
    for of_symbol in rejects.chunk_by(|a, b| a.symbol == b.symbol) {
        let symbol = usize::try_from(of_symbol.first()?.symbol).ok()?;
        let rows = (symbol < names.len()).then(|| gathered.rows(symbol, &mut scratch))?;
        for rejected in of_symbol {
            let row = usize::try_from(rejected.row).ok()?;
            if row >= rows.columns.date.len() {
                return None;
            }
            first = first.merge(reject(&rows, row, rejected.reason));
        }
    }
    let output = MapOutput {
        rows: output.rows,
        first_rejects: first,
    };
    Some(output.encode())
}

fn ranges(job: &Job) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    match job {
        Job::Map { symbols, dates } => (symbols.clone(), dates.clone()),
        Job::Reduce { .. } => unreachable!("only map jobs are looked for by content"),
    }
}
