//! For tests: spans and log lines that are kept in memory, under a subscriber of the test's own.

use std::io::Write;
use std::sync::{Arc, Mutex};

use opentelemetry::Key;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SimpleSpanProcessor, SpanData, SpanExporter};
use tracing_subscriber::fmt::MakeWriter;

use super::{Options, Program, export, log};

/// What a piece of code traced and logged.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) spans: Vec<SpanData>,
    pub(super) lines: String,
}

impl Kept {
    /// The only span of this name.
    pub(super) fn span(&self, name: &str) -> &SpanData {
        let mut found = self.spans.iter().filter(|span| span.name == name);
        let span = found.next();
        assert!(found.next().is_none(), "there are several spans named {name}");
        span.unwrap_or_else(|| panic!("there is no span {name} among {:?}", self.names()))
    }

    /// The names of all spans, in the order of their ends.
    pub(super) fn names(&self) -> Vec<&str> {
        self.spans.iter().map(|span| span.name.as_ref()).collect()
    }
}

/// An attribute of a span as text.
pub(super) fn attribute(span: &SpanData, key: &'static str) -> Option<String> {
    let found = span.attributes.iter().find(|it| it.key == Key::new(key));
    found.map(|it| it.value.to_string())
}

/// Runs `code` as a program that traces (or not) and logs as `options` say.
pub(super) fn keep(options: &Options, traces: bool, code: impl FnOnce()) -> Kept {
    let (spans, lines) = (Spans::default(), Lines::default());
    let provider = export::tracers(SimpleSpanProcessor::new(spans.clone())).build();
    let tracer: Option<SdkTracer> = traces.then(|| provider.tracer("test"));
    let subscriber = log::subscriber(options, tracer, lines.clone(), false);
    tracing::subscriber::with_default(subscriber, code);
    Kept {
        spans: std::mem::take(&mut spans.0.lock().unwrap()),
        lines: String::from_utf8(std::mem::take(&mut lines.0.lock().unwrap())).unwrap(),
    }
}

/// Runs `code` as a program that traces and logs nothing but errors.
pub(super) fn traced(code: impl FnOnce()) -> Kept {
    keep(&Options::quiet(Program::Worker), true, code)
}

#[derive(Debug, Clone, Default)]
struct Spans(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Spans {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
