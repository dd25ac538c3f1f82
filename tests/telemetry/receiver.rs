//! A collector: it takes traces and metrics over OTLP and keeps them, at once or slowly.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::Link;
use tokio::runtime::Runtime;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// A span as it arrived, with who sent it.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) resource: BTreeMap<String, String>,
    pub(crate) span: Span,
}

impl Arrived {
    /// Which program sent it.
    pub(crate) fn service(&self) -> &str {
        &self.resource["service.name"]
    }

    pub(crate) fn name(&self) -> &str {
        &self.span.name
    }

    pub(crate) fn trace(&self) -> String {
        hex(&self.span.trace_id)
    }

    pub(crate) fn id(&self) -> String {
        hex(&self.span.span_id)
    }

    pub(crate) fn parent(&self) -> String {
        hex(&self.span.parent_span_id)
    }

    /// An attribute as text.
    pub(crate) fn attribute(&self, key: &str) -> Option<String> {
        attributes(&self.span.attributes).remove(key)
    }

    /// The names of its attributes.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.span.attributes.iter().map(|it| it.key.as_str())
    }

    /// Its links, each with the reason that it gives, and the trace and span that it names.
    pub(crate) fn links(&self) -> Vec<(String, String, String)> {
        let reason = |link: &Link| {
            attributes(&link.attributes)
                .remove("tickfleet.link")
                .unwrap_or_default()
        };
        let links = self.span.links.iter();
        links
            .map(|link| (reason(link), hex(&link.trace_id), hex(&link.span_id)))
            .collect()
    }
}

/// What a collector has taken.
#[derive(Debug, Default)]
struct Taken {
    spans: Vec<Arrived>,
    metrics: Vec<Metric>,
}

/// A collector on a port of this machine.
pub(crate) struct Receiver {
    taken: Arc<Mutex<Taken>>,
    port: u16,
    runtime: Option<Runtime>,
}

impl Receiver {
    /// Starts one that answers at once.
    pub(crate) fn start() -> Self {
        Self::start_slow(Duration::ZERO)
    }

    /// Starts one that takes this long for each export.
    pub(crate) fn start_slow(pause: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be started");
        let taken = Arc::<Mutex<Taken>>::default();
        let service = Service {
            taken: taken.clone(),
            pause,
        };
        let (incoming, port) = {
            let _within = runtime.enter();
            let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).expect("a free port can be bound");
            let port = incoming.local_addr().expect("a bound socket has an address").port();
            (incoming, port)
        };
        let server = Server::builder()
            .add_service(TraceServiceServer::new(service.clone()))
            .add_service(MetricsServiceServer::new(service));
        runtime.spawn(server.serve_with_incoming(incoming));
        Self {
            taken,
            port,
            runtime: Some(runtime),
        }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All spans that have arrived.
    pub(crate) fn spans(&self) -> Vec<Arrived> {
        self.lock().spans.clone()
    }

    /// The newest state of a metric: its points, each with its attributes and its sum, value or count.
    pub(crate) fn metric(&self, name: &str) -> Option<Vec<(BTreeMap<String, String>, u64)>> {
        let taken = self.lock();
        taken.metrics.iter().rev().find(|it| it.name == name).map(points)
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().expect("no collector panics")
    }
}

impl Drop for Receiver {
    /// A test that runs on a runtime may not wait for another one's end.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[derive(Debug, Clone)]
struct Service {
    taken: Arc<Mutex<Taken>>,
    pause: Duration,
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        tokio::time::sleep(self.pause).await;
        let mut taken = self.taken.lock().expect("no collector panics");
        for group in request.into_inner().resource_spans {
            let resource = attributes(&group.resource.unwrap_or_default().attributes);
            let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
            taken.spans.extend(spans.map(|span| Arrived {
                resource: resource.clone(),
                span,
            }));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Service {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let mut taken = self.taken.lock().expect("no collector panics");
        let groups = request.into_inner().resource_metrics.into_iter();
        let scopes = groups.flat_map(|group| group.scope_metrics);
        taken.metrics.extend(scopes.flat_map(|scope| scope.metrics));
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

fn points(metric: &Metric) -> Vec<(BTreeMap<String, String>, u64)> {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
    let number = |value: Option<Number>| match value {
        Some(Number::AsInt(number)) => u64::try_from(number).expect("nothing here is counted below 0"),
        other => panic!("{other:?} is no count"),
    };
    let data = metric.data.clone().expect("a metric has data");
    match data {
        Data::Gauge(gauge) => gauge
            .data_points
            .into_iter()
            .map(|it| (attributes(&it.attributes), number(it.value)))
            .collect(),
        Data::Sum(sum) => sum
            .data_points
            .into_iter()
            .map(|it| (attributes(&it.attributes), number(it.value)))
            .collect(),
        Data::Histogram(histogram) => {
            let points = histogram.data_points.into_iter();
            points.map(|it| (attributes(&it.attributes), it.count)).collect()
        }
        other => panic!("{} is of a form that is not used: {other:?}", metric.name),
    }
}

fn attributes(list: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|it| it.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        other => format!("{other:?}"),
    };
    list.iter().map(|it| (it.key.clone(), text(&it.value))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
