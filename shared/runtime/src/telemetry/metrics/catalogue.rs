//! Every instrument: its name, unit, attributes, and what it says. The document of metrics is held against this list.
//!
//! Names follow OpenTelemetry's conventions where these have one for the matter (`messaging`, `rpc`, `otel.sdk`), and
//! begin with `tickfleet` otherwise.

/// Kind of a run's jobs, such as `scan/1`.
pub const KIND: &str = "tickfleet.kind";
/// Name of a stage, such as `map`.
pub const STAGE: &str = "tickfleet.stage";
/// Tier of the cache.
pub const TIER: &str = "tickfleet.cache.tier";
/// Outcome of a look-up: `hit` or `miss`.
pub const RESULT: &str = "tickfleet.cache.result";
/// How far a claim is: `waiting`, `computing`, or `stuck` where it computes longer than it may.
pub const CLAIM_STATE: &str = "tickfleet.claim.state";
/// How a job ended: `done` or `failed`.
pub const JOB_STATE: &str = "tickfleet.job.state";
/// State of a run.
pub const STATE: &str = "tickfleet.run.state";
/// What went wrong; absent where nothing did.
pub const ERROR_TYPE: &str = "error.type";
/// Always `tickfleet`.
pub const MESSAGING_SYSTEM: &str = "messaging.system";
/// Call of the broker, or `process`.
pub const MESSAGING_OPERATION: &str = "messaging.operation.name";
/// Kind and stage of the jobs, such as `scan/1/map`.
pub const MESSAGING_DESTINATION: &str = "messaging.destination.name";
/// Always `grpc`.
pub const RPC_SYSTEM: &str = "rpc.system.name";
/// Service and method, such as `cluster.v1.Cluster/Submit`.
pub const RPC_METHOD: &str = "rpc.method";
/// gRPC status, such as `OK`.
pub const RPC_STATUS: &str = "rpc.response.status_code";

/// What kind of number an instrument gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often which size occurred.
    Histogram,
}

/// An instrument.
#[derive(Debug, Clone, Copy)]
pub struct Instrument {
    /// Its name for OpenTelemetry; Prometheus writes `_` for `.` and appends the unit, and `_total` to counters.
    pub name: &'static str,
    /// What kind of number it gives.
    pub form: Form,
    /// Its unit in UCUM.
    pub unit: &'static str,
    /// Its attributes.
    pub attributes: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

macro_rules! instruments {
    ($($name:ident = $text:literal, $form:ident, $unit:literal, [$($attribute:expr),*], $help:literal;)*) => {
        $(
            #[doc = $help]
            pub static $name: Instrument = Instrument {
                name: $text, form: Form::$form, unit: $unit, attributes: &[$($attribute),*], help: $help,
            };
        )*

        /// Every instrument, in the order of the document.
        pub static ALL: &[&Instrument] = &[$(&$name),*];
    };
}

instruments! {
    CLAIMED = "tickfleet.jobs.claimed", Counter, "{job}", [KIND, STAGE],
        "Deliveries of jobs to this worker";
    COMMITTED = "tickfleet.jobs.committed", Counter, "{job}", [KIND, STAGE],
        "Jobs that became done by a commit of this worker";
    FAILED = "tickfleet.jobs.failed", Counter, "{job}", [KIND, STAGE],
        "Deliveries that ended in a failure of the job";
    RETRIED = "tickfleet.jobs.retried", Counter, "{job}", [KIND, STAGE],
        "Failures after which the job is tried again; the other failures are dead letters";
    LOST = "tickfleet.jobs.lost", Counter, "{job}", [KIND, STAGE],
        "Outcomes that came too late: the claim had ended, or another worker was first";
    RETURNED = "tickfleet.jobs.returned", Counter, "{job}", [KIND, STAGE],
        "Deliveries that were handed back without a verdict, and charged nothing";
    UNTOLD = "tickfleet.jobs.untold", Counter, "{job}", [KIND, STAGE],
        "Outcomes of which the queue could not be told: the leases return the jobs";
    REUSED = "tickfleet.results.reused", Counter, "{result}", [KIND, STAGE],
        "Jobs whose result was there already, and that computed nothing";
    EXECUTED = "tickfleet.kernels.executed", Counter, "{execution}", [KIND, STAGE],
        "Executions of a kernel";
    PROCESS = "messaging.process.duration", Histogram, "s",
        [MESSAGING_SYSTEM, MESSAGING_OPERATION, MESSAGING_DESTINATION, ERROR_TYPE],
        "Time from the claim of a job to its outcome at the queue";
    FETCH = "tickfleet.job.fetch.duration", Histogram, "s", [KIND, STAGE],
        "Time to read a job's input";
    WAIT = "tickfleet.job.wait.duration", Histogram, "s", [KIND, STAGE],
        "Time from the submission of a run to the claim of a job, by the broker's clock";
    OPERATION = "messaging.client.operation.duration", Histogram, "s",
        [MESSAGING_SYSTEM, MESSAGING_OPERATION, ERROR_TYPE],
        "Duration of calls to the broker; those that wait for work or events count only when some came";
    LANES = "tickfleet.worker.lanes", Gauge, "{lane}", [],
        "Lanes of this worker";
    LANES_BUSY = "tickfleet.worker.lanes.busy", Gauge, "{lane}", [],
        "Lanes of this worker that compute";
    CLAIMS = "tickfleet.worker.claims", Gauge, "{claim}", [CLAIM_STATE],
        "Claims of this worker whose outcome is not known";
    HUNG = "tickfleet.worker.jobs.hung", Counter, "{job}", [],
        "Jobs that computed longer than a job may: their lanes are lost, their leases left to end";
    LOOKUPS = "tickfleet.cache.lookups", Counter, "{lookup}", [TIER, RESULT],
        "Look-ups in a tier of the cache";
    READ = "tickfleet.cache.read", Counter, "By", [TIER],
        "Bytes read from a tier of the cache; the source is where the data lives";
    UP = "tickfleet.queue.up", Gauge, "", [],
        "Whether the queue answers this coordinator; where it does not, nothing else is known of the cluster";
    RUNS = "tickfleet.runs", Gauge, "{run}", [STATE],
        "Runs that are kept";
    JOBS = "tickfleet.jobs", Gauge, "{job}", [JOB_STATE],
        "Jobs of the runs that are kept, by how they ended";
    BACKLOG = "tickfleet.backlog.jobs", Gauge, "{job}", [],
        "Jobs of running runs that are neither done nor given up";
    OLDEST = "tickfleet.backlog.oldest_age", Gauge, "s", [],
        "Age of the oldest running run";
    WORKERS = "tickfleet.workers", Gauge, "{worker}", [],
        "Workers that are there";
    CLUSTER_LANES = "tickfleet.workers.lanes", Gauge, "{lane}", [],
        "Lanes of the workers that are there";
    CLUSTER_HELD = "tickfleet.workers.held", Gauge, "{job}", [],
        "Jobs that the workers hold";
    CALL = "rpc.server.call.duration", Histogram, "s", [RPC_SYSTEM, RPC_METHOD, RPC_STATUS],
        "Duration of calls to this coordinator; a stream's is its whole life";
    SPANS_PROCESSED = "otel.sdk.processor.span.processed", Counter, "{span}", [ERROR_TYPE],
        "Spans that did not get into the queue to the collector, because it was full";
    SPANS_EXPORTED = "otel.sdk.exporter.span.exported", Counter, "{span}", [ERROR_TYPE],
        "Spans that were sent to the collector; with an error type, those that it did not take";
}
