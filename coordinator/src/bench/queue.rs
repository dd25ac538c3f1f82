//! `bench queue`: how many jobs a second go through the queue, how soon they are dispatched, and what they cost Redis.
//!
//! Real workers claim, compute, commit and store results over a real Redis. Every measurement ends with the counts of
//! its run held against what was asked for; an answer that does not add up is a failure, not a number.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tickfleet_protocol::digest::digest_of;
use tickfleet_protocol::ids::{EventId, IdempotencyKey, RunId, WorkerId};
use tickfleet_protocol::limits::{DEFAULT_LEASE_MS, DEFAULT_WEIGHT};
use tickfleet_protocol::retry::RetryPolicy;
use tickfleet_runtime::broker::redis::{RedisBroker, RedisOptions, RedisUrl};
use tickfleet_runtime::broker::{Broker, BrokerError, Durability, NewRun, RunState};
use tickfleet_runtime::data::inputs::Inputs;
use tickfleet_runtime::failure::{ExitStatus, Failure};
use tickfleet_runtime::pool::{Machine, Pool};
use tickfleet_runtime::shutdown::{Shutdown, Stop};
use tickfleet_worker::error::WorkerError;
use tickfleet_worker::jobs::Kind;
use tickfleet_worker::jobs::noop::Noop;
use tickfleet_worker::{Worker, WorkerOptions};
use tokio::task::JoinHandle;

use super::server::Server;
use super::timed::Timed;

pub use super::report::{AtRest, Dispatch, Report};

/// Jobs of the run whose size at rest is measured.
const AT_REST_JOBS: u64 = 10_000_000;
/// Jobs of each small run while dispatch is timed.
const PACED_RUN_JOBS: u64 = 100;
/// Deliveries that are timed.
const TIMED_MAX: usize = 1 << 20;
/// How long dispatch is timed.
const PACED: Duration = Duration::from_secs(5);
/// Cache of the workers' input, of which these jobs have none.
const CACHE_BYTES: u64 = 1 << 20;
/// Longest a job may compute.
const JOB_MAX: Duration = Duration::from_secs(60);
/// Fixed-cost jobs cost so much processor time.
const FIXED_COST_US: u64 = 1_000;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// A Redis that is there, or none to start one.
    pub redis: Option<String>,
    /// No-op jobs of the throughput run.
    pub jobs: u64,
    /// Bytes of each result.
    pub result_bytes: u64,
    /// Workers, each with a connection pool and a loop of its own.
    pub workers: usize,
    /// Lanes of each worker.
    pub lanes: usize,
}

/// Measures.
///
/// # Errors
/// Redis can't be reached or started; a count that does not add up.
pub async fn measure(options: &Options, note: &mut (dyn FnMut(&str) + Send)) -> Result<Report, Failure> {
    let mut server = match &options.redis {
        Some(url) => Server::given(url).await?,
        None => Server::start().await?,
    };
    let prefix = format!("tf-bench-{}", std::process::id());
    let measured = Bench::new(&server, &prefix, options).measure(&mut server, note).await;
    // A server of the measurement's own goes with its keys.
    if !server.is_own() {
        server.clear(&prefix).await?;
    }
    measured
}

struct Bench<'a> {
    url: String,
    prefix: &'a str,
    options: &'a Options,
}

impl<'a> Bench<'a> {
    fn new(server: &Server, prefix: &'a str, options: &'a Options) -> Self {
        Self {
            url: server.url.clone(),
            prefix,
            options,
        }
    }

    async fn measure(&self, server: &mut Server, note: &mut (dyn FnMut(&str) + Send)) -> Result<Report, Failure> {
        let broker = self.connect().await?;
        let redis = format!("Redis {}", broker.report().version);
        note("the limit of this server");
        let limit = server.limit();
        note("a run of ten million jobs at rest");
        let at_rest = at_rest(self, &broker, server).await?;
        note(&format!("{} no-op jobs", self.options.jobs));
        let cpu_before = server.cpu_seconds().await?;
        let noop = self.drain(self.options.jobs, 0).await?;
        let redis_cpu_us = (server.cpu_seconds().await? - cpu_before) * 1e6 / self.options.jobs as f64;
        note("dispatch at half of that load");
        let rate = self.options.jobs as f64 / noop.as_secs_f64();
        let dispatch = self.paced(rate / 2.0).await?;
        note("jobs of one millisecond");
        let fixed_jobs = 2_000 * (self.options.workers * self.options.lanes) as u64;
        let fixed = self.drain(fixed_jobs, FIXED_COST_US).await?;
        Ok(Report {
            redis,
            cores: Machine::detect().cores,
            workers: self.options.workers,
            jobs: self.options.jobs,
            result_bytes: self.options.result_bytes,
            jobs_per_second: rate,
            redis_cpu_us_per_job: redis_cpu_us,
            dispatch,
            fixed_cost_jobs: fixed_jobs,
            fixed_cost_us: FIXED_COST_US,
            fixed_cost_jobs_per_second: fixed_jobs as f64 / fixed.as_secs_f64(),
            at_rest,
            redis_benchmark_per_second: limit,
        })
    }

    async fn connect(&self) -> Result<RedisBroker, Failure> {
        let url: RedisUrl = self
            .url
            .parse()
            .map_err(|error| Failure::from_error(ExitStatus::BadInput, &error))?;
        let mut options = RedisOptions::new(url);
        self.prefix.clone_into(&mut options.prefix);
        let connected = RedisBroker::connect(&options).await;
        connected.map_err(|error| Failure::from_error(ExitStatus::Unreachable, &error))
    }

    /// Time from the submission of a run to its end, by workers that are waiting for it.
    async fn drain(&self, jobs: u64, cost_us: u64) -> Result<Duration, Failure> {
        let broker: Arc<dyn Broker> = Arc::new(self.connect().await?);
        let fleet = Fleet::start(self, |_| broker.clone())?;
        let run = self.noop(&format!("drain-{cost_us}"), jobs, cost_us);
        let started = Instant::now();
        let submitted = broker.submit(run).await.map_err(|error| refused(&error))?;
        ended(broker.as_ref(), submitted.run, jobs).await?;
        let elapsed = started.elapsed();
        fleet.stop().await;
        broker.forget(submitted.run).await.map_err(|error| refused(&error))?;
        Ok(elapsed)
    }

    /// Small runs submitted at a steady rate; the latency from each submission to the delivery of each of its jobs.
    async fn paced(&self, jobs_per_second: f64) -> Result<Dispatch, Failure> {
        let broker = Arc::new(Timed::new(self.connect().await?, TIMED_MAX));
        let shared: Arc<dyn Broker> = broker.clone();
        let fleet = Fleet::start(self, |_| shared.clone())?;
        let every = Duration::from_secs_f64(PACED_RUN_JOBS as f64 / jobs_per_second);
        let (started, mut next) = (Instant::now(), Instant::now());
        let mut submitted = Vec::new();
        while started.elapsed() < PACED {
            tokio::time::sleep_until(next.into()).await;
            let run = self.noop(&format!("paced-{}", submitted.len()), PACED_RUN_JOBS, 0);
            let at = Instant::now();
            let run = broker.submit(run).await.map_err(|error| refused(&error))?.run;
            submitted.push((run, at));
            next += every;
        }
        for (run, _) in &submitted {
            ended(broker.as_ref(), *run, PACED_RUN_JOBS).await?;
        }
        fleet.stop().await;
        let latencies = broker.latencies(&submitted);
        for (run, _) in &submitted {
            broker.forget(*run).await.map_err(|error| refused(&error))?;
        }
        Dispatch::of(
            &latencies,
            submitted.len() as f64 * PACED_RUN_JOBS as f64 / started.elapsed().as_secs_f64(),
        )
        .ok_or_else(|| Failure::new(ExitStatus::Failed, "no dispatch was timed"))
    }

    fn noop(&self, key: &str, jobs: u64, cost_us: u64) -> NewRun {
        let key = format!("{}-{key}", self.prefix);
        let digest = digest_of(key.as_bytes());
        // Results are stored by identity: each run needs identities of its own, or nothing would be computed.
        let seed = u64::from_le_bytes(digest.0[..8].try_into().expect("a digest has 32 bytes"));
        let payload = Noop {
            cost_us,
            result_bytes: self.options.result_bytes,
            seed,
        }
        .encode();
        NewRun {
            digest,
            key: IdempotencyKey::new(&key).expect("a valid key"),
            kind: Kind::Noop.job_kind(),
            trace: None,
            payload,
            stages: vec![jobs],
            weight: DEFAULT_WEIGHT,
            deadline: None,
            retry: RetryPolicy::default(),
            durability: Durability::Memory,
        }
    }
}

/// Workers of this process.
struct Fleet {
    stop: Stop,
    workers: Vec<JoinHandle<Result<(), WorkerError>>>,
}

impl Fleet {
    fn start(bench: &Bench<'_>, broker: impl Fn(usize) -> Arc<dyn Broker>) -> Result<Self, Failure> {
        let stop = Stop::default();
        let inputs = Arc::new(Inputs::new(CACHE_BYTES));
        let mut workers = Vec::new();
        for nth in 0..bench.options.workers {
            let pool =
                Pool::new(bench.options.lanes).map_err(|error| Failure::from_error(ExitStatus::Failed, &error))?;
            let options = WorkerOptions {
                id: WorkerId::new(&format!("bench-{nth}")).expect("a valid name"),
                read_ahead: bench.options.lanes,
                lease: Duration::from_millis(DEFAULT_LEASE_MS),
                job_max: JOB_MAX,
                drain_max: JOB_MAX,
                kinds: Kind::ALL.map(Kind::job_kind).to_vec(),
                solo: None,
            };
            let worker = Worker::new(broker(nth), inputs.clone(), pool, options);
            workers.push(tokio::spawn(worker.run(stop.asked())));
        }
        Ok(Self { stop, workers })
    }

    async fn stop(self) {
        self.stop.ask(Shutdown::Draining);
        for worker in self.workers {
            if let Ok(Err(error)) = worker.await {
                tracing::warn!(%error, "a worker of the measurement failed");
            }
        }
    }
}

/// Waits for a run's end and holds its counts against what was asked for.
async fn ended(broker: &dyn Broker, run: RunId, jobs: u64) -> Result<(), Failure> {
    let mut after = EventId::START;
    loop {
        let news = broker
            .events(run, after, Duration::from_secs(1))
            .await
            .map_err(|error| refused(&error))?;
        after = news.last().map_or(after, |(id, _)| *id);
        let summary = match broker.run(run).await.map_err(|error| refused(&error))? {
            Some(record) => record.summary,
            None => return Err(Failure::new(ExitStatus::Failed, "a measured run is lost")),
        };
        if summary.state.is_ended() {
            let counts = summary.counts();
            let is_whole = summary.state == RunState::Succeeded && (counts.done, counts.failed) == (jobs, 0);
            return if is_whole {
                Ok(())
            } else {
                let what = format!(
                    "a measured run ended with {} of {jobs} jobs done, {} failed",
                    counts.done, counts.failed
                );
                Err(Failure::new(ExitStatus::Failed, what))
            };
        }
    }
}

/// Submits a run that nobody computes, and asks what it takes.
async fn at_rest(bench: &Bench<'_>, broker: &dyn Broker, server: &mut Server) -> Result<AtRest, Failure> {
    let before = server.memory_bytes().await?;
    let mut run = bench.noop("at-rest", AT_REST_JOBS, 0);
    run.weight = 1;
    let started = Instant::now();
    let submitted = broker.submit(run).await.map_err(|error| refused(&error))?;
    let submit = started.elapsed();
    let bytes = server.memory_bytes().await?.saturating_sub(before);
    broker.cancel(submitted.run).await.map_err(|error| refused(&error))?;
    broker.forget(submitted.run).await.map_err(|error| refused(&error))?;
    Ok(AtRest {
        jobs: AT_REST_JOBS,
        bytes,
        submit_ms: submit.as_secs_f64() * 1e3,
    })
}

fn refused(error: &BrokerError) -> Failure {
    Failure::from_error(ExitStatus::Unreachable, error)
}
