//! What both programs tell of themselves: log lines on standard error, traces and metrics to an OTLP collector, metrics
//! as Prometheus text.
//!
//! It must never slow, stop or fail work: queues are bounded, a full one drops and counts, a collector that is down is a
//! debug line. Without a collector no span is made, not even in memory.
//! Read next: [`trace`] for the spans of a run, [`delivery`] for those of a job, [`metrics`] for what is counted.

mod broker;
pub mod delivery;
mod export;
pub mod ids;
#[cfg(test)]
mod kept;
mod log;
mod log_format;
pub mod metrics;
mod options;
mod resource;
pub mod spans;
pub mod trace;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prometheus::TextEncoder;
use thiserror::Error;

pub use broker::observed;
pub use log::LogFormat;
pub use options::{Options, Program};

use crate::failure::{ExitStatus, Failure};
use crate::settings::registry::OTLP;
use export::Exporters;
use metrics::Meters;
use options::STANDARD_ENDPOINT;

/// Longest wait for a collector at the end of a program, unless the caller says otherwise.
pub const SHUTDOWN_MAX: Duration = Duration::from_secs(3);

/// What keeps telemetry from starting: a setting that cannot be followed.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The collector's address cannot be used.
    #[error("`{endpoint}` is no address of an OTLP collector")]
    Endpoint {
        /// The address, its secrets masked.
        endpoint: String,
        /// What is wrong with it, in words.
        why: String,
    },
    /// The threads that export could not be started.
    #[error("telemetry cannot start its threads")]
    Threads(#[source] std::io::Error),
    /// The metrics cannot be served as text.
    #[error("metrics cannot be collected")]
    Metrics(#[source] opentelemetry_sdk::error::OTelSdkError),
}

impl From<TelemetryError> for Failure {
    fn from(error: TelemetryError) -> Self {
        let failure = Self::from_error(ExitStatus::Failed, &error);
        match error {
            TelemetryError::Endpoint { why, .. } => Self {
                status: ExitStatus::BadInput,
                ..failure
            }
            .at(format!("{} or {STANDARD_ENDPOINT}", OTLP.flag()))
            .why(why)
            .help("name a collector that takes OTLP over gRPC, such as http://127.0.0.1:4317, or none"),
            TelemetryError::Threads(_) | TelemetryError::Metrics(_) => failure,
        }
    }
}

/// Telemetry of this process, from [`start`] to [`Telemetry::shutdown`].
#[derive(Debug)]
pub struct Telemetry {
    exporters: Option<Exporters>,
    meters: Option<Meters>,
}

/// Starts logging, and the export of traces and metrics where a collector is named. Once a process: what a second start
/// says of logs and traces is passed over.
///
/// # Errors
/// A setting that cannot be followed; a collector that is down is none.
pub fn start(options: &Options) -> Result<Telemetry, TelemetryError> {
    let resource = resource::resource(options);
    let metrics = metrics::shared();
    let exporters = options
        .otlp
        .as_deref()
        .map(|endpoint| Exporters::start(endpoint, &resource, metrics.spans.clone()))
        .transpose()?;
    log::install(options, exporters.as_ref().map(Exporters::tracer));
    if exporters.is_some() {
        delivery::set_policy(options.job_spans);
        EXPORTS.store(true, Ordering::Relaxed);
    }
    let meters = if options.serves_metrics || exporters.is_some() {
        let push = exporters.as_ref().map(Exporters::metric_exporter).transpose()?;
        Some(Meters::start(metrics, &resource, push)?)
    } else {
        None
    };
    if let Some(meters) = &meters {
        // A process has one text of metrics, that of its first start.
        let _ = SERVED.set(meters.registry().clone());
    }
    Ok(Telemetry { exporters, meters })
}

/// Whether this process sends traces and metrics to a collector.
pub fn is_exporting() -> bool {
    EXPORTS.load(Ordering::Relaxed)
}

/// What this process counts, in Prometheus' text format; empty before [`start`].
pub fn metrics_text() -> String {
    SERVED.get().map(text).unwrap_or_default()
}

impl Telemetry {
    /// What this process counts, in Prometheus' text format.
    pub fn metrics_text(&self) -> String {
        self.meters
            .as_ref()
            .map(|meters| text(meters.registry()))
            .unwrap_or_default()
    }

    /// Sends what waits to be sent, for at most `bound`, and ends. Spans that are still open are lost: close them first.
    ///
    /// The work is done by threads of its own, so it may be called from anywhere; it blocks its caller.
    pub fn shutdown(self, bound: Duration) {
        let Self { exporters, meters } = self;
        let Some(exporters) = exporters else { return };
        exporters.shutdown(meters, bound);
    }
}

/// What [`is_exporting`] says.
static EXPORTS: AtomicBool = AtomicBool::new(false);

/// The registry behind [`metrics_text`].
static SERVED: OnceLock<prometheus::Registry> = OnceLock::new();

fn text(registry: &prometheus::Registry) -> String {
    let families = registry.gather();
    TextEncoder::new().encode_to_string(&families).unwrap_or_else(|error| {
        tracing::warn!(%error, "metrics could not be written as text");
        String::new()
    })
}
