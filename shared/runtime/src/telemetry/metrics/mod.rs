//! What a process counts and measures, read by two readers: Prometheus' text and, where there is a collector, OTLP.
//!
//! Counts are atomics that readers look at; nothing that happens per job allocates or waits. Attributes come from short
//! lists, never from runs, jobs, symbols or paths. [`catalogue`] describes every instrument. Read next: [`Metrics`].

pub mod catalogue;
mod cluster;
mod jobs;
mod meters;

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;

pub use cluster::ClusterLevels;
pub use jobs::{JobMetrics, JobTable};
pub(super) use meters::Meters;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Counts `n` more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Level(AtomicI64);

impl Level {
    /// Sets it; what no `i64` holds counts as the largest one.
    pub fn set(&self, value: u64) {
        self.0
            .store(i64::try_from(value).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// One more until the guard is dropped.
    pub fn hold(&'static self) -> Held {
        self.0.fetch_add(1, Ordering::Relaxed);
        Held(self)
    }

    /// The number.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of what a [`Level`] counts, as long as it lives.
#[derive(Debug)]
pub struct Held(&'static Level);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A tier of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Memory of the process.
    Memory,
    /// Disk of the machine.
    Disk,
    /// Redis.
    Redis,
    /// The store of results that are too large for Redis.
    Store,
    /// Where the data lives.
    Source,
}

impl Tier {
    /// All tiers, from the nearest.
    pub const ALL: [Self; 5] = [Self::Memory, Self::Disk, Self::Redis, Self::Store, Self::Source];

    /// Its name in attributes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Redis => "redis",
            Self::Store => "store",
            Self::Source => "source",
        }
    }
}

/// What happened at a tier of the cache.
#[derive(Debug, Default)]
pub struct TierCounts {
    /// Look-ups that found.
    pub hits: Count,
    /// Look-ups that did not.
    pub misses: Count,
    /// Bytes that were read from it.
    pub bytes: Count,
}

/// What became of spans.
#[derive(Debug, Default)]
pub struct SpanCounts {
    /// The collector took them.
    pub exported: Count,
    /// The collector did not take them.
    pub failed: Count,
    /// The queue was full.
    pub dropped: Count,
}

/// How many claims of a worker are how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClaimLevels {
    /// Their jobs have not begun.
    pub waiting: u64,
    /// Their jobs compute.
    pub computing: u64,
    /// Their jobs compute longer than they may.
    pub stuck: u64,
}

/// What a worker is doing.
#[derive(Default)]
pub struct WorkerLevels {
    /// Lanes that it has.
    pub lanes: Level,
    /// Lanes that compute.
    pub busy: Level,
    /// Jobs that hung.
    pub hung: Count,
    claims: OnceLock<Box<dyn Fn() -> ClaimLevels + Send + Sync>>,
}

impl WorkerLevels {
    /// Names where the claims are looked up when someone reads; the first word holds.
    pub fn claims_from(&self, look: impl Fn() -> ClaimLevels + Send + Sync + 'static) {
        let _ = self.claims.set(Box::new(look));
    }

    fn claims(&self) -> Option<ClaimLevels> {
        self.claims.get().map(|look| look())
    }
}

impl fmt::Debug for WorkerLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerLevels")
            .field("lanes", &self.lanes)
            .field("busy", &self.busy)
            .field("hung", &self.hung)
            .finish_non_exhaustive()
    }
}

/// Everything that a process counts.
#[derive(Debug, Default)]
pub struct Metrics {
    /// By kind and stage of jobs.
    pub jobs: JobTable,
    /// By tier of the cache.
    tiers: [TierCounts; Tier::ALL.len()],
    /// Of a worker.
    pub worker: WorkerLevels,
    /// Of a coordinator.
    pub cluster: ClusterLevels,
    /// Of telemetry itself.
    pub spans: Arc<SpanCounts>,
    durations: OnceLock<Durations>,
}

/// The histograms of a process whose metrics are read.
#[derive(Debug)]
struct Durations {
    process: Histogram<f64>,
    fetch: Histogram<f64>,
    wait: Histogram<f64>,
    operation: Histogram<f64>,
    call: Histogram<f64>,
}

/// What this process counts.
pub fn shared() -> &'static Metrics {
    static SHARED: LazyLock<Metrics> = LazyLock::new(Metrics::default);
    &SHARED
}

impl Metrics {
    /// The counts of a tier.
    pub const fn tier(&self, tier: Tier) -> &TierCounts {
        &self.tiers[tier as usize]
    }

    /// A delivery of a job has ended, `took` after its claim; `error` names what went wrong.
    pub fn processed(&self, job: &JobMetrics, took: Duration, error: Option<&'static str>) {
        if let Some(durations) = self.durations.get() {
            match error {
                None => durations.process.record(took.as_secs_f64(), job.process_attributes()),
                Some(error) => {
                    let mut attributes = job.process_attributes().to_vec();
                    attributes.push(KeyValue::new(catalogue::ERROR_TYPE, error));
                    durations.process.record(took.as_secs_f64(), &attributes);
                }
            }
        }
    }

    /// A job's input was read.
    pub fn fetched(&self, job: &JobMetrics, took: Duration) {
        if let Some(durations) = self.durations.get() {
            durations.fetch.record(took.as_secs_f64(), job.attributes());
        }
    }

    /// A job was claimed `waited` after its run was submitted.
    pub fn waited(&self, job: &JobMetrics, waited: Duration) {
        if let Some(durations) = self.durations.get() {
            durations.wait.record(waited.as_secs_f64(), job.attributes());
        }
    }

    /// The broker answered a call.
    pub(super) fn operated(&self, operation: &'static str, took: Duration, error: Option<&'static str>) {
        if let Some(durations) = self.durations.get() {
            let system = KeyValue::new(catalogue::MESSAGING_SYSTEM, super::trace::SYSTEM);
            let operation = KeyValue::new(catalogue::MESSAGING_OPERATION, operation);
            let took = took.as_secs_f64();
            match error {
                None => durations.operation.record(took, &[system, operation]),
                Some(error) => {
                    let error = KeyValue::new(catalogue::ERROR_TYPE, error);
                    durations.operation.record(took, &[system, operation, error]);
                }
            }
        }
    }

    /// The server answered a call: `method` must be one that it has, `status` a name of gRPC's, such as `OK`.
    pub fn served(&self, method: &str, status: &'static str, took: Duration) {
        if let Some(durations) = self.durations.get() {
            let attributes = [
                KeyValue::new(catalogue::RPC_SYSTEM, "grpc"),
                KeyValue::new(catalogue::RPC_METHOD, method.to_owned()),
                KeyValue::new(catalogue::RPC_STATUS, status),
            ];
            durations.call.record(took.as_secs_f64(), &attributes);
        }
    }
}
