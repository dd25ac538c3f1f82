//! What telemetry of a program is asked to do, taken from its settings.

use tracing_subscriber::filter::LevelFilter;

use super::delivery::{JobParent, JobSpans};
use super::log::LogFormat;
use crate::settings::registry::{JOB_SPANS, JOB_SPANS_RATIO, LOG, LOG_FORMAT, OTLP};
use crate::settings::{InForce, Origin};

/// The variable by which any OpenTelemetry program is told its collector.
pub(super) const STANDARD_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Which of the two programs this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `coordinator`, whatever its verb.
    Coordinator,
    /// `worker`.
    Worker,
}

impl Program {
    /// Its `service.name`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Coordinator => "coordinator",
            Self::Worker => "worker",
        }
    }
}

/// What telemetry does.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which program this is.
    pub program: Program,
    /// Its `service.instance.id`: unique while the process lives. None = host name and process id.
    pub instance: Option<String>,
    /// What is logged.
    pub log: LevelFilter,
    /// How log lines look.
    pub log_format: LogFormat,
    /// The OTLP collector over gRPC, such as `http://127.0.0.1:4317`. None = nothing is exported.
    pub otlp: Option<String>,
    /// Whether metrics are served as text.
    pub serves_metrics: bool,
    /// Which deliveries of jobs get spans, and where these hang.
    pub job_spans: JobSpans,
}

impl Options {
    /// A program that logs errors as text and tells nobody else.
    pub fn quiet(program: Program) -> Self {
        Self {
            program,
            instance: None,
            log: LevelFilter::ERROR,
            log_format: LogFormat::Text,
            otlp: None,
            serves_metrics: false,
            job_spans: JobSpans::default(),
        }
    }

    /// What the settings say. Where they name no collector, the standard variable of OpenTelemetry may.
    ///
    /// # Panics
    /// When a setting is not as the registry describes it.
    pub fn from_settings(program: Program, settings: &InForce) -> Self {
        let word = |setting| settings.text(setting).expect("the setting has a default");
        let standard = || std::env::var(STANDARD_ENDPOINT).ok().filter(|text| !text.is_empty());
        let is_set = !matches!(settings.origin(&OTLP), Origin::Unset);
        let named = settings.text(&OTLP).map(str::to_owned).filter(|text| !text.is_empty());
        Self {
            log: word(&LOG).parse().expect("the setting is one of the levels"),
            log_format: LogFormat::find(word(&LOG_FORMAT)).expect("the setting is one of the formats"),
            otlp: if is_set { named } else { standard() },
            job_spans: JobSpans {
                parent: JobParent::find(word(&JOB_SPANS)).expect("the setting is one of the parents"),
                ratio: settings.number(&JOB_SPANS_RATIO),
            },
            ..Self::quiet(program)
        }
    }
}
