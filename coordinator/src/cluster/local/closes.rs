//! The closes behind one row, read again from the run's input: what a map job of one symbol would read, and no more.

use std::sync::Arc;

use tickfleet_kernels::scan::adjust::factors;
use tickfleet_kernels::scan::cells::format_date;
use tickfleet_kernels::scan::hygiene::{Kept, sift};
use tickfleet_protocol::ids::RunId;
use tickfleet_protocol::spec::scan::Day;
use tickfleet_runtime::data::gather::{Scratch, gather};
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::data::select::Wanted;
use tickfleet_runtime::failure::{ExitStatus, Failure, FailureKind};
use tickfleet_worker::error::JobError;
use tickfleet_worker::fetch::{MapInput, blocks};
use tickfleet_worker::run::Run;

use super::{Local, Result};

/// The last adjusted closes of a symbol's window.
pub(super) async fn closes(local: &Local, id: RunId, symbol: &str, as_of: Day, most: usize) -> Result<Vec<f64>> {
    let run = local.record(id).await?;
    let facts = &run.record.facts;
    let names = run.symbols(0..facts.mapped.len());
    let (Ok(at), Ok(date)) = (names.binary_search(&symbol), facts.as_of.binary_search(&as_of)) else {
        let what = format!("run {id} maps no symbol {symbol} as of {}", format_date(as_of));
        return Err(Failure::new(ExitStatus::BadInput, what).of_kind(FailureKind::NotFound));
    };
    let inputs = local.reading.inputs();
    let read = async {
        let input = blocks(&run, &inputs, &local.pool, at..at + 1, date..date + 1).await?;
        let (of, inputs) = (Arc::clone(&run), Arc::clone(&inputs));
        let task = move || window(&of, &inputs, at, as_of, input);
        local.pool.run(task).await?
    };
    let mut closes = read.await.map_err(|error: JobError| {
        Failure::new(ExitStatus::Failed, "the bars behind the row can't be read again").because(&error)
    })?;
    closes.drain(..closes.len().saturating_sub(most));
    Ok(closes)
}

/// The adjusted closes of the window of one mapped symbol. CPU only.
fn window(
    run: &Run,
    inputs: &Inputs,
    at: usize,
    as_of: Day,
    mut input: MapInput,
) -> std::result::Result<Vec<f64>, JobError> {
    let names = run.symbols(at..at + 1);
    input.unpack(inputs, &names)?;
    let gathered = gather(&input.loaded, &Wanted::new(inputs.names(), &names));
    let mut scratch = Scratch::default();
    let rows = gathered.rows(0, &mut scratch);
    let (mut kept, mut snapshots) = (Kept::default(), Vec::new());
    sift(
        &rows.columns,
        &run.calendar,
        &[as_of],
        &mut |_, _| {},
        &mut kept,
        &mut snapshots,
    );
    let bars = snapshots.first().map_or(0, |snapshot| snapshot.kept);
    let options = &run.record.spec.map;
    let window = bars.saturating_sub(options.lookback)..bars;
    let (close, adjusted) = (&kept.close[window.clone()], &kept.adj_close[window]);
    let mut factor = Vec::new();
    factors(options.adjust, close, adjusted, &mut factor);
    Ok(close.iter().zip(factor).map(|(close, factor)| close * factor).collect())
}
