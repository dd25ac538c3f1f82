//! `submit scan`: open every input, plan, enqueue, follow, and write what came out.
//!
//! The files are the path: `open`, `dry_run`, then [`crate::follow`] and [`crate::results`]. Nothing is enqueued
//! before every input is opened and the output is known to be writable.

mod dry_run;
mod interrupt;
mod open;
mod sample;

use std::time::{Duration, Instant};

use tickfleet_protocol::digest::digest_of;
use tickfleet_protocol::identity::{KERNEL_VERSION, canonical};
use tickfleet_protocol::ids::{IdempotencyKey, JobKind, RunId};
use tickfleet_protocol::limits::DEFAULT_WEIGHT;
use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_runtime::broker::{Durability, NewRun, RunState};
use tickfleet_runtime::data::survey::OPENING;
use tickfleet_runtime::sink::Target;
use tickfleet_worker::run::Run;

use crate::embedded::Embedded;
use crate::events::{Event, Events};
use crate::follow::follow;
use crate::results;
use crate::settings::Resolved;
use tickfleet_runtime::failure::{ExitStatus, Failure};

use interrupt::Interrupts;

/// Threads that read files. Each keeps memory of its own, so there are few; see [`OPENING`] for the least.
const BLOCKING_THREADS: usize = 2 * OPENING;
/// How long the process waits for async tasks when it ends.
const SHUTDOWN: Duration = Duration::from_millis(200);

/// Runs a scan and says how it ended.
///
/// # Errors
/// Whatever kept the run from ending well, as the user reads it.
pub fn scan(resolved: &Resolved) -> Result<ExitStatus, Failure> {
    crate::log::start(&resolved.run.log)?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let builder = builder.worker_threads(2).max_blocking_threads(BLOCKING_THREADS);
    let runtime = builder.enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(ExitStatus::Failed, "no threads").because(&error))?;
    let ended = runtime.block_on(async {
        let interrupts = Interrupts::listen();
        let mut events = Events::new(&resolved.run);
        let ended = tokio::select! {
            ended = run(resolved, &mut events, interrupts.first()) => ended,
            () = interrupts.second() => Err(detached()),
        };
        if let Err(failure) = &ended {
            events.failed(failure);
        }
        ended
    });
    runtime.shutdown_timeout(SHUTDOWN);
    ended
}

async fn run(
    resolved: &Resolved,
    events: &mut Events,
    stop: impl Future<Output = ()> + Send,
) -> Result<ExitStatus, Failure> {
    tokio::pin!(stop);
    let started = Instant::now();
    let out = resolved.run.out.as_deref().map(output).transpose()?;
    resolved.notices.iter().for_each(|notice| events.note(notice));
    let spec = sample::materialise(&resolved.spec, &resolved.run, events, &mut stop).await?;
    let mut cluster = Embedded::start(resolved.run.lanes, resolved.run.memory_bytes)?;
    let opened = tokio::select! {
        opened = open::open(&spec, &resolved.run, &cluster, events) => opened?,
        () = &mut stop => return Err(detached()),
    };
    let run = Run::new(opened);
    if resolved.run.dry_run {
        dry_run::print(&run, events)?;
        cluster.stop().await?;
        return Ok(ExitStatus::Succeeded);
    }
    let id = enqueue(&cluster, &run).await?;
    events.emit(&Event::Submitted {
        run: id,
        stages: run.plan.stages(),
        lanes: cluster.pool.lanes(),
    })?;
    let (broker, lanes) = (cluster.broker.clone(), cluster.pool.lanes());
    let state = tokio::select! {
        state = follow(broker.as_ref(), id, lanes, events) => state?,
        ended = cluster.ended() => return ended.and_then(|()| Err(unfinished())),
        () = &mut stop => {
            events.note("stopping: Ctrl-C again ends at once");
            broker.cancel(id).await.map_err(|error| Failure::from_error(ExitStatus::Failed, &error))?;
            cluster.stop().await?;
            return Err(detached());
        }
    };
    if state != RunState::Succeeded {
        return Err(results::failure(broker.as_ref(), id, state).await);
    }
    let report = tokio::select! {
        report = results::collect(&cluster, id, &run, out.as_ref(), events) => report?,
        () = &mut stop => return Err(detached()),
    };
    cluster.stop().await?;
    events.finish(&report, started.elapsed())?;
    Ok(ExitStatus::Succeeded)
}

/// Where results go, known to be writable before any work starts.
fn output(text: &str) -> Result<Target, Failure> {
    tickfleet_runtime::sink::check_writable(text).map_err(|error| Failure::from_error(ExitStatus::BadInput, &error))
}

async fn enqueue(cluster: &Embedded, run: &Run) -> Result<RunId, Failure> {
    let digest = digest_of(&canonical(&run.record.spec));
    let new = NewRun {
        key: IdempotencyKey::new(&digest.to_string()).expect("hexadecimal digits are a valid key"),
        digest,
        kind: JobKind::new(KERNEL_VERSION).expect("a valid name"),
        trace: None,
        payload: run.record.encode(),
        stages: run.plan.stages(),
        weight: DEFAULT_WEIGHT,
        deadline: None,
        retry: RetryPolicy::default(),
        durability: Durability::Memory,
    };
    let submitted = cluster.broker.submit(new).await;
    Ok(submitted
        .map_err(|error| Failure::from_error(ExitStatus::BadInput, &error))?
        .run)
}

fn unfinished() -> Failure {
    Failure::new(ExitStatus::Failed, "the worker ended before the run")
}

fn detached() -> Failure {
    Failure::new(ExitStatus::Detached, "interrupted: nothing was written")
        .why("the run lived in this process and ended with it")
        .help("run the same command again")
}
