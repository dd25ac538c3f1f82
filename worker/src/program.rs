//! The `worker` program: joins the queue, works until it is told to end, and says how it goes.
//!
//! A queue that cannot be reached is waited for: a worker may be started before its Redis, and joins by itself. One that
//! will never take it (a wrong address, a refused password, a policy that loses jobs) ends it at once, with the reason.

mod caches;
mod config;
mod join;
mod tell;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tickfleet_runtime::broker::Broker;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::pool::Pool;
use tickfleet_runtime::settings::InForce;
use tickfleet_runtime::settings::registry::HEALTH;
use tickfleet_runtime::shutdown::{Shutdown, Stop};
use tickfleet_runtime::{fault, objects, telemetry};
use tokio::task::JoinSet;

use self::caches::Caches;
use self::config::Config;
use crate::claim::Worker;
use crate::error::WorkerError;
use crate::health::{self, Health};
use crate::memory;
use crate::registry::{ANNOUNCE_INTERVAL, Registry};
use crate::say::{Event, Say};
use crate::status::Observer;

/// Threads that move bytes: none of them computes.
const ASYNC_THREADS: usize = 2;
/// Threads that read files and records.
const BLOCKING_THREADS: usize = 32;
/// How long the process waits for async tasks when it ends.
const SHUTDOWN: Duration = Duration::from_millis(500);

/// Works until it is told to end.
///
/// # Errors
/// Whatever kept it from working, or from ending well, as the user reads it.
pub(crate) fn run(settings: &InForce, say: Say) -> Result<(), Failure> {
    let config = Config::of(settings)?;
    let armed = fault::arm().map_err(|error| {
        Failure::from_error(ExitStatus::BadInput, &error).at(format!("environment variable {}", fault::VARIABLE))
    })?;
    if let Some(faults) = armed {
        eprintln!("warning: {} has this worker fail on purpose: {faults}", fault::VARIABLE);
    }
    let options = telemetry::Options {
        instance: Some(config.id.to_string()),
        serves_metrics: config.health.is_some(),
        ..telemetry::Options::from_settings(telemetry::Program::Worker, settings)
    };
    let telemetry = telemetry::start(&options)?;
    objects::configure(settings);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let builder = builder
        .worker_threads(ASYNC_THREADS)
        .max_blocking_threads(BLOCKING_THREADS);
    let runtime = builder.enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(ExitStatus::Failed, "no threads").because(&error))?;
    let ended = runtime.block_on(Program::new(config, say).run(settings));
    runtime.shutdown_timeout(SHUTDOWN);
    telemetry.shutdown(telemetry::SHUTDOWN_MAX);
    ended
}

/// A worker process.
struct Program {
    config: Config,
    say: Say,
    state: Arc<State>,
    /// What runs beside the worker, and ends with it.
    beside: JoinSet<()>,
}

/// What its health is told from.
struct State {
    queue: String,
    stop: Stop,
    worker: OnceLock<Observer>,
}

impl Program {
    fn new(config: Config, say: Say) -> Self {
        let state = State {
            queue: config.redis.url.to_string(),
            stop: Stop::default(),
            worker: OnceLock::new(),
        };
        Self {
            config,
            say,
            state: Arc::new(state),
            beside: JoinSet::new(),
        }
    }

    async fn run(mut self, settings: &InForce) -> Result<(), Failure> {
        let signals = self.state.stop.on_signals();
        signals.map_err(|error| Failure::new(ExitStatus::Failed, "signals cannot be handled").because(&error))?;
        let caches = Caches::open(settings).await?;
        self.serve_health().await?;
        let joining = join::join(&self.config, &self.state.stop, self.say);
        let Some(broker) = joining.await? else {
            return Ok(());
        };
        let ended = self.work(telemetry::observed(broker), &caches).await;
        ended.map_err(|error| failure(&error))
    }

    async fn serve_health(&mut self) -> Result<(), Failure> {
        let Some(address) = &self.config.health else {
            return Ok(());
        };
        let (listener, http) = health::listen(address).await.map_err(|error| {
            Failure::new(ExitStatus::BadInput, format!("can't listen on {address}"))
                .at(HEALTH.flag())
                .because(&error)
        })?;
        let state = Arc::clone(&self.state);
        self.beside.spawn(async move {
            if let Err(error) = health::serve(listener, state).await {
                tracing::error!(%error, "health is no longer served");
            }
        });
        self.say.say(&Event::Listening { http });
        Ok(())
    }

    async fn work(&mut self, broker: Arc<dyn Broker>, caches: &Caches) -> Result<(), WorkerError> {
        let pool = Pool::new(self.config.lanes).map_err(WorkerError::Pool)?;
        let (inputs, options) = (Arc::new(caches.inputs()), self.config.worker_options());
        let results = Arc::new(caches.results(Arc::clone(&broker)));
        let worker = Worker::with_results(Arc::clone(&broker), results, inputs, pool, options);
        let (observer, stop) = (worker.observer(), self.state.stop.clone());
        let registry = Registry::new(broker, observer.clone(), self.config.machine, stop.clone());
        let registry = Arc::new(registry);
        let announcing = Arc::clone(&registry);
        self.beside.spawn(async move { announcing.announce().await });
        self.beside.spawn(memory::watch(observer.clone()));
        let queue = self.state.queue.clone();
        self.beside.spawn(tell::queue(observer.clone(), queue, self.say));
        let claims = observer.clone();
        telemetry::metrics::shared().worker.claims_from(move || claims.claims());
        let _ = self.state.worker.set(observer.clone());
        let ended = tokio::select! {
            // In this order: a worker that has nothing to do drains at once.
            biased;
            never = tell::draining(&observer, &stop, self.say) => match never {},
            ended = worker.run(stop.asked()) => ended,
        };
        stop.ask(Shutdown::Draining);
        self.beside.shutdown().await;
        registry.retire().await;
        tell::ended(&observer, self.say);
        ended
    }
}

impl Health for State {
    fn readiness(&self) -> Result<(), String> {
        if *self.stop.asked().borrow() > Shutdown::Running {
            return Err("it is draining".to_owned());
        }
        match self.worker.get() {
            Some(worker) => worker.is_in_touch(ANNOUNCE_INTERVAL),
            None => Err(format!("it waits for the queue {}", self.queue)),
        }
    }

    fn metrics(&self) -> String {
        telemetry::metrics_text()
    }
}

fn failure(error: &WorkerError) -> Failure {
    match error {
        WorkerError::Untold { .. } => Failure::from_error(ExitStatus::Unreachable, error),
        WorkerError::AllStuck { .. } => Failure::from_error(ExitStatus::Failed, error)
            .help("start it again: the jobs that hang run elsewhere, and alone after that")
            .help("--job-max-s says how long a job may compute"),
        _ => Failure::from_error(ExitStatus::Failed, error),
    }
}
