//! The process that runs one job alone: it takes an order from standard input, computes, and answers on standard output.
//!
//! It limits its own memory before it reads anything large, asks the system to end it before others where memory is
//! short, and ends when the worker that started it is gone. A panic is an answer; anything worse is its death.

use std::collections::HashMap;
use std::io::{self, Read};
use std::process::ExitCode;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, setrlimit};
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::fault;
use tickfleet_runtime::pool::Pool;

use super::frame::{Answer, Failed, Order};
use crate::error::JobError;
use crate::jobs::{Fetched, Run, Tools};
use crate::lane;
use crate::results::Results;

/// Threads that read files: one job reads few at once.
const BLOCKING_THREADS: usize = 4;

/// Runs the job on standard input.
#[must_use]
pub fn main() -> ExitCode {
    match answer().and_then(|answer| answer.send(&mut io::stdout().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The worker that started it reads this.
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn answer() -> io::Result<Answer> {
    fault::arm().map_err(io::Error::other)?;
    let order = Order::receive(&mut io::stdin().lock(), limit_memory)?;
    end_with_worker()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()?;
    let answer = match runtime.block_on(compute(order)) {
        Ok(result) => Answer::Result(result),
        Err(error) => Answer::Failure(Failed {
            reason: error.chain(),
            is_retryable: error.retryable(),
        }),
    };
    runtime.shutdown_background();
    Ok(answer)
}

async fn compute(order: Order) -> Result<bytes::Bytes, JobError> {
    let Order { head, payload, results } = order;
    let run = Run::decode(&head.kind, payload)?;
    let given: HashMap<_, _> = head.identities.into_iter().zip(results).collect();
    let tools = Tools {
        inputs: Arc::new(Inputs::new(head.cache_bytes)),
        pool: Pool::new(1)?,
        results: Results::Given(Arc::new(given)),
        work: Arc::default(),
    };
    let computation = match run.fetch(&head.job, &tools).await? {
        Fetched::Computation(computation) => computation,
        Fetched::Result(result) => return Ok(result),
    };
    tools.pool.run(move || lane::compute(&head.job, computation)).await?
}

fn limit_memory(bytes: u64) -> io::Result<()> {
    let limit = Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    setrlimit(Resource::Data, limit)?;
    // Where the system does not count what is mapped as data, the whole address space is what can be limited.
    if !cfg!(target_os = "linux") {
        // Some systems refuse a limit below what is reserved already; the time limit still holds then.
        let _ = setrlimit(Resource::As, limit);
    }
    // The highest score: where memory is short, this process goes first. Only Linux knows it, and may refuse.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// Ends the process when its standard input ends: then the worker is gone, and nobody waits for an answer.
fn end_with_worker() -> io::Result<()> {
    let watch = || {
        let mut byte = [0];
        while matches!(io::stdin().read(&mut byte), Ok(1..)) {}
        std::process::exit(1);
    };
    std::thread::Builder::new()
        .name("worker-watch".to_owned())
        .spawn(watch)?;
    Ok(())
}
