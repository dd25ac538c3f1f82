//! The way to an OTLP collector: threads of its own, a bounded queue, and a count of what did not get through.
//!
//! The library batches and sends; what it lacks is added around it: a runtime for its connections that outlives the
//! program's own, a bound in time for each export, and drops that are counted. Whoever ends a span never waits.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, RetryPolicy, SpanExporter, WithExportConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor,
    TracerProviderBuilder,
};
use tokio::runtime::{Builder, Handle, Runtime};

use super::TelemetryError;
use super::delivery::{MAX_READ_LINKS, is_returned};
use super::ids::Ids;
use super::metrics::{Meters, SpanCounts};
use crate::settings::mask;

/// Most spans that wait to be sent, those being sent among them: what a worker ends in some tenths of a second at its
/// best, in a few tens of megabytes at most.
pub(super) const QUEUE_SPANS: usize = 32_768;
/// Most spans of one export: with all their links below the 4 MiB that collectors accept.
const BATCH_SPANS: usize = 512;
/// Longest wait of a span for its batch to fill.
const BATCH_DELAY: Duration = Duration::from_secs(1);
/// Longest time for one export, tries included.
const EXPORT_MAX: Duration = Duration::from_secs(5);
/// Tries after the first: a collector that restarts is back later than this, one that was busy is not.
const RETRIES_MAX: usize = 2;
/// Links of a span: those to what it reads, to its creation and to the attempt before.
const LINKS_MAX: u32 = MAX_READ_LINKS as u32 + 2;

/// The exporters of a process, and the threads that they work on.
#[derive(Debug)]
pub(super) struct Exporters {
    endpoint: String,
    runtime: Runtime,
    tracers: SdkTracerProvider,
}

impl Exporters {
    /// Starts what exports spans to `endpoint`; a collector that is not there is tried again with each batch.
    pub(super) fn start(endpoint: &str, resource: &Resource, counts: Arc<SpanCounts>) -> Result<Self, TelemetryError> {
        if !["http://", "https://"]
            .iter()
            .any(|scheme| endpoint.starts_with(scheme))
        {
            return Err(TelemetryError::Endpoint {
                endpoint: mask(endpoint),
                why: "it does not begin with http:// or https://".to_owned(),
            });
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("telemetry")
            .enable_all()
            .build()
            .map_err(TelemetryError::Threads)?;
        let exporter = {
            let _within = runtime.enter();
            let builder = SpanExporter::builder().with_tonic().with_endpoint(endpoint);
            builder.with_timeout(EXPORT_MAX).with_retry_policy(retries()).build()
        };
        let exporter = exporter.map_err(|error| unusable(endpoint, &error))?;
        let waiting = Arc::new(AtomicUsize::new(0));
        let batches = batches(Counted {
            exporter,
            runtime: runtime.handle().clone(),
            counts: counts.clone(),
            waiting: waiting.clone(),
        });
        let tracers = tracers(Bounded {
            batches,
            counts,
            waiting,
        });
        let tracers = tracers.with_resource(resource.clone()).build();
        Ok(Self {
            endpoint: endpoint.to_owned(),
            runtime,
            tracers,
        })
    }

    /// What starts spans.
    pub(super) fn tracer(&self) -> SdkTracer {
        self.tracers.tracer("tickfleet")
    }

    /// What sends metrics to the same collector.
    pub(super) fn metric_exporter(&self) -> Result<impl PushMetricExporter + use<>, TelemetryError> {
        let _within = self.runtime.enter();
        let builder = MetricExporter::builder().with_tonic().with_endpoint(&self.endpoint);
        let exporter = builder
            .with_temporality(Temporality::Cumulative)
            .with_timeout(EXPORT_MAX)
            .with_retry_policy(retries())
            .build();
        Ok(Within {
            exporter: exporter.map_err(|error| unusable(&self.endpoint, &error))?,
            runtime: self.runtime.handle().clone(),
        })
    }

    /// Sends what waits, for at most `bound`.
    pub(super) fn shutdown(self, meters: Option<Meters>, bound: Duration) {
        let Self { runtime, tracers, .. } = self;
        let (ended, end) = mpsc::sync_channel(1);
        // The library waits without a bound of its own in places, and hangs where it is waited for on a task.
        let thread = std::thread::Builder::new().name("telemetry-end".to_owned());
        let started = thread.spawn(move || {
            let spans = tracers.shutdown_with_timeout(bound);
            let metrics = meters.map_or(Ok(()), |meters| meters.shutdown(bound));
            // Nobody waits any longer when the bound is past.
            let _ = ended.send(spans.and(metrics));
        });
        match started.map(|_| end.recv_timeout(bound)) {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::debug!(%error, "telemetry could not be sent in the end"),
            Ok(Err(_)) => tracing::debug!("telemetry was not sent in time"),
            Err(error) => tracing::debug!(%error, "telemetry could not be ended"),
        }
        runtime.shutdown_background();
    }
}

/// What starts spans, with ids that may follow from the job, and room for their links.
pub(super) fn tracers(processor: impl SpanProcessor + 'static) -> TracerProviderBuilder {
    SdkTracerProvider::builder()
        .with_id_generator(Ids::default())
        .with_max_links_per_span(LINKS_MAX)
        .with_span_processor(processor)
}

fn batches(exporter: Counted) -> BatchSpanProcessor {
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE_SPANS)
        .with_max_export_batch_size(BATCH_SPANS)
        .with_scheduled_delay(BATCH_DELAY)
        .build();
    BatchSpanProcessor::builder(exporter).with_batch_config(config).build()
}

/// Hands spans to the batches while there is room, and counts those for which there is none.
#[derive(Debug)]
struct Bounded {
    batches: BatchSpanProcessor,
    counts: Arc<SpanCounts>,
    waiting: Arc<AtomicUsize>,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &opentelemetry::Context) {
        self.batches.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() || is_returned(&span) {
            return;
        }
        // The queue behind has room for all that are counted here, so only this line drops.
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= QUEUE_SPANS {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.counts.dropped.add(1);
            return;
        }
        self.batches.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// Sends batches within a bound, on the runtime of the exporters, and counts what became of their spans.
#[derive(Debug)]
struct Counted {
    exporter: SpanExporter,
    runtime: Handle,
    counts: Arc<SpanCounts>,
    waiting: Arc<AtomicUsize>,
}

impl opentelemetry_sdk::trace::SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let sent = within(&self.runtime, self.exporter.export(batch)).await;
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        match &sent {
            Ok(()) => self.counts.exported.add(spans as u64),
            Err(error) => {
                self.counts.failed.add(spans as u64);
                tracing::debug!(%error, spans, "the collector did not take spans");
            }
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Sends metrics within a bound, on the runtime of the exporters.
struct Within {
    exporter: MetricExporter,
    runtime: Handle,
}

impl PushMetricExporter for Within {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let sent = within(&self.runtime, self.exporter.export(metrics)).await;
        if let Err(error) = &sent {
            tracing::debug!(%error, "the collector did not take metrics");
        }
        sent
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}

/// Polls an export of the library, which does so on threads without a runtime, within one, and bounds it.
async fn within(runtime: &Handle, export: impl Future<Output = OTelSdkResult>) -> OTelSdkResult {
    let bounded = {
        let _within = runtime.enter();
        tokio::time::timeout(EXPORT_MAX, export)
    };
    let mut bounded = pin!(bounded);
    let ended = poll_fn(|context| {
        let _within = runtime.enter();
        bounded.as_mut().poll(context)
    });
    ended.await.unwrap_or(Err(OTelSdkError::Timeout(EXPORT_MAX)))
}

fn retries() -> RetryPolicy {
    RetryPolicy::recommended()
        .with_max_retries(RETRIES_MAX)
        .with_initial_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_millis(400))
}

fn unusable(endpoint: &str, error: &ExporterBuildError) -> TelemetryError {
    TelemetryError::Endpoint {
        endpoint: mask(endpoint),
        why: mask(&error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use opentelemetry::trace::Tracer as _;

    use super::*;

    fn exporters(port: u16) -> (Exporters, Arc<SpanCounts>) {
        let counts = Arc::new(SpanCounts::default());
        let endpoint = format!("http://127.0.0.1:{port}");
        let exporters = Exporters::start(&endpoint, &Resource::builder_empty().build(), counts.clone());
        (exporters.unwrap(), counts)
    }

    fn end_spans(exporters: &Exporters, count: usize) {
        let tracer = exporters.tracer();
        (0..count).for_each(|_| drop(tracer.start("a span")));
    }

    #[test]
    fn a_collector_that_is_down_costs_its_spans_and_nothing_else() {
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = closed.local_addr().unwrap().port();
        drop(closed);
        let (exporters, counts) = exporters(port);
        end_spans(&exporters, 3 * BATCH_SPANS);
        exporters.shutdown(None, Duration::from_secs(60));
        assert_eq!(
            (counts.exported.get(), counts.failed.get(), counts.dropped.get()),
            (0, 3 * BATCH_SPANS as u64, 0)
        );
    }

    #[test]
    fn a_collector_that_hangs_fills_the_queue_and_the_rest_is_dropped() {
        // It takes connections and never answers.
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (exporters, counts) = exporters(silent.local_addr().unwrap().port());
        let ended = 2 * QUEUE_SPANS;
        end_spans(&exporters, ended);
        let dropped = counts.dropped.get();
        assert!(dropped > 0, "the queue has a bound");
        assert!(dropped <= (ended - QUEUE_SPANS) as u64, "the queue holds what it says");
        assert_eq!(counts.exported.get(), 0);
        exporters.shutdown(None, Duration::from_millis(10));
    }

    #[tokio::test]
    async fn it_ends_within_its_bound_even_on_a_task() {
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (exporters, _) = exporters(silent.local_addr().unwrap().port());
        end_spans(&exporters, 1);
        exporters.shutdown(None, Duration::from_millis(10));
    }

    #[test]
    fn a_collector_may_be_behind_tls() {
        let counts = Arc::new(SpanCounts::default());
        let resource = Resource::builder_empty().build();
        let exporters = Exporters::start("https://127.0.0.1:1", &resource, counts);
        exporters.unwrap().shutdown(None, Duration::from_secs(60));
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_its_secrets() {
        for endpoint in ["not an address", "collector:4317", "http://user:secret@[::1"] {
            let counts = Arc::new(SpanCounts::default());
            let resource = Resource::builder_empty().build();
            let error = Exporters::start(endpoint, &resource, counts).unwrap_err();
            let failure = crate::failure::Failure::from(error).render(false);
            let expect = format!("error: `{}` is no address of an OTLP collector", mask(endpoint));
            assert!(failure.starts_with(&expect), "{failure}");
            assert!(failure.contains("why") && !failure.contains("secret"), "{failure}");
        }
    }
}
