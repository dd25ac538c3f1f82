//! `submit scan`: open every input, plan, enqueue, follow, and write what came out.
//!
//! What decides a value is the same wherever the run goes; `here` is this process, `there` a cluster. Nothing is
//! enqueued before every input is opened and the output is known to be writable. Read next: [`crate::follow`] and
//! [`crate::results`].

mod dry_run;
mod here;
mod interrupt;
mod sample;
mod there;
mod warm;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tickfleet_protocol::ids::{IdempotencyKey, Millis};
use tickfleet_runtime::broker::token::TokenSource;
use tickfleet_runtime::data::survey::OPENING;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::objects;
use tickfleet_runtime::sink::Target;
use tickfleet_runtime::telemetry::{self, trace};
use tracing::{Instrument, Span};

use crate::cluster::{Opening, Request};
use crate::events::Events;
use crate::follow::{Shown, Told};
use crate::settings::{Place, Resolved};
use crate::view::progress::Snapshot;

use interrupt::Interrupts;
pub use warm::Warmed;

/// Threads that read files. Each keeps memory of its own, so there are few; see [`OPENING`] for the least.
const BLOCKING_THREADS: usize = 2 * OPENING;
/// How long the process waits for async tasks when it ends.
const SHUTDOWN: Duration = Duration::from_millis(200);

/// Runs a scan and says how it ended.
///
/// # Errors
/// Whatever kept the run from ending well, as the user reads it.
pub fn scan(resolved: &Resolved) -> Result<ExitStatus, Failure> {
    aimed(resolved, Aim::Tables)
}

/// Runs a scan on a cluster for its cache alone, and says what it computed.
///
/// # Errors
/// As [`scan`]; there is no cluster.
pub fn warm(resolved: &Resolved) -> Result<ExitStatus, Failure> {
    aimed(resolved, Aim::Cache)
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// Its tables.
    Tables,
    /// The results that later runs find.
    Cache,
}

fn aimed(resolved: &Resolved, aim: Aim) -> Result<ExitStatus, Failure> {
    let options = telemetry::Options::from_settings(telemetry::Program::Coordinator, &resolved.settings);
    let telemetry = telemetry::start(&options)?;
    objects::configure(&resolved.settings);
    // A program that starts this one may trace, and says so as other tools do.
    let surrounding = std::env::var("TRACEPARENT").ok();
    let submit = trace::submit("scan", surrounding.as_deref());
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let builder = builder.worker_threads(2).max_blocking_threads(BLOCKING_THREADS);
    let runtime = builder.enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(ExitStatus::Failed, "no threads").because(&error))?;
    let ended = async {
        let interrupts = Interrupts::listen();
        let mut events = Events::new(&resolved.run);
        let ended = tokio::select! {
            ended = run(resolved, aim, &mut events, interrupts.first()) => ended,
            () = interrupts.second() => Err(interrupted()),
        };
        if let Err(failure) = &ended {
            events.failed(failure);
        }
        ended
    };
    let ended = runtime.block_on(ended.instrument(submit.clone()));
    if let Err(failure) = &ended {
        trace::fail(&submit, failure.status.name(), failure);
    }
    drop(submit);
    runtime.shutdown_timeout(SHUTDOWN);
    telemetry.shutdown(telemetry::SHUTDOWN_MAX);
    ended
}

/// What is submitted, and what becomes of its results.
struct Task<'a> {
    resolved: &'a Resolved,
    request: Request,
    out: Option<Target>,
    started: Instant,
}

impl Task<'_> {
    /// What is shown of the run while it goes.
    fn shown(&self) -> Shown {
        Shown {
            told: Told::FromStart,
            rows: self.resolved.run.stream,
        }
    }
}

async fn run(
    resolved: &Resolved,
    aim: Aim,
    events: &mut Events,
    stop: impl Future<Output = ()> + Send,
) -> Result<ExitStatus, Failure> {
    tokio::pin!(stop);
    let started = Instant::now();
    let out = resolved.run.out.as_deref().map(output).transpose()?;
    let spec = sample::materialise(&resolved.spec, &resolved.run, events, &mut stop).await?;
    let request = Request {
        spec,
        shard_size: resolved.run.shard_size,
        key: resolved.run.key.clone().unwrap_or_else(fresh_key),
        weight: resolved.run.weight,
        durability: resolved.run.place.durability(),
        trace: trace::traceparent(&Span::current()),
    };
    let task = Task {
        resolved,
        request,
        out,
        started,
    };
    if aim == Aim::Cache {
        return warm::run(task, events, stop).await;
    }
    match resolved.run.place {
        Place::Here => here::run(task, events, stop).await,
        Place::Cluster => there::run(task, events, stop).await,
    }
}

/// Where results go, known to be writable before any work starts.
fn output(text: &str) -> Result<Target, Failure> {
    tickfleet_runtime::sink::check_writable(text).map_err(|error| error.failure(ExitStatus::BadInput))
}

/// A key of this invocation's own: only its own tries again mean the same run.
fn fresh_key() -> IdempotencyKey {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    let id = TokenSource::random().run_id(now).to_string();
    IdempotencyKey::new(&id).expect("a UUID is a valid key")
}

/// Shows how far the opening of the inputs is.
fn opening(events: &mut Events, lanes: u64) -> impl FnMut(Opening) + Send {
    let started = Instant::now();
    move |Opening { done, total }| {
        events.progress(&Snapshot {
            stage: "reading rows".to_owned(),
            done,
            total,
            retries: 0,
            lanes,
            elapsed: started.elapsed(),
        });
    }
}

fn interrupted() -> Failure {
    Failure::new(ExitStatus::Detached, "interrupted: nothing was written").help("run the same command again")
}
