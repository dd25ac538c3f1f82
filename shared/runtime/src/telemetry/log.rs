//! Where log lines and spans go: lines to standard error, spans to the exporter where there is one.
//!
//! Log lines are made of events only; spans are the exporter's, so that without one none is made. Of other crates only
//! warnings are logged, and nothing is traced: what carries the traces must not trace itself.

use std::io::IsTerminal;

use opentelemetry_sdk::trace::SdkTracer;
use tracing::Subscriber;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{FilterExt, FilterFn, LevelFilter, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::Options;
use super::log_format::{JsonLines, TracedFields};

/// What the targets of this project's crates begin with.
const OURS: &str = "tickfleet";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: a JSON object a line.
    Json,
}

impl LogFormat {
    /// The format of this name.
    pub fn find(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Sends this process' log lines and spans on their ways. A process keeps the first settings that it was given.
pub(super) fn install(options: &Options, tracer: Option<SdkTracer>) {
    let ansi = std::io::stderr().is_terminal();
    let _ = subscriber(options, tracer, std::io::stderr, ansi).try_init();
}

/// The ways of log lines and spans, with the lines to `writer`.
pub(super) fn subscriber<W>(
    options: &Options,
    tracer: Option<SdkTracer>,
    writer: W,
    ansi: bool,
) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // A list, because an absent layer would be taken for one that wants every span.
    let layers = tracer.map(spans).into_iter().chain(lines(options, writer, ansi));
    tracing_subscriber::registry().with(layers.collect::<Vec<_>>())
}

/// A way that lines or spans take.
type Way = Box<dyn Layer<Registry> + Send + Sync>;

fn spans(tracer: SdkTracer) -> Way {
    let layer = tracing_opentelemetry::layer().with_tracer(tracer);
    let layer = layer.with_location(false).with_threads(false).with_target(false);
    let layer = layer.with_level(false).with_tracked_inactivity(false);
    layer
        .with_filter(Targets::new().with_target(OURS, LevelFilter::INFO))
        .boxed()
}

fn lines<W>(options: &Options, writer: W, ansi: bool) -> Option<Way>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    if options.log == LevelFilter::OFF {
        return None;
    }
    let wanted = targets(options.log).and(events());
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    Some(match options.log_format {
        LogFormat::Text => {
            let lines = lines.with_ansi(ansi).fmt_fields(TracedFields::default());
            lines.with_filter(wanted).boxed()
        }
        LogFormat::Json => lines
            .with_ansi(false)
            .event_format(JsonLines)
            .with_filter(wanted)
            .boxed(),
    })
}

/// Our own crates at this level, others from warnings on; at `trace`, everything.
fn targets(level: LevelFilter) -> Targets {
    let others = if level == LevelFilter::TRACE {
        level
    } else {
        level.min(LevelFilter::WARN)
    };
    Targets::new().with_default(others).with_target(OURS, level)
}

fn events() -> FilterFn {
    filter_fn(|metadata| metadata.is_event())
}

#[cfg(test)]
mod tests {
    use super::super::kept::keep;
    use super::super::{Program, trace};
    use super::*;

    fn options(log: LevelFilter, log_format: LogFormat) -> Options {
        Options {
            log,
            log_format,
            ..Options::quiet(Program::Worker)
        }
    }

    /// The messages that are logged at a level, of a line of each target and level.
    fn logged(log: LevelFilter) -> Vec<String> {
        let kept = keep(&options(log, LogFormat::Json), true, || {
            tracing::error!(target: "tickfleet_worker::claim", "our error");
            tracing::info!(target: "tickfleet_worker::claim", "our info");
            tracing::debug!(target: "tickfleet_worker::claim", "our debug");
            tracing::error!(target: "h2::client", "their error");
            tracing::debug!(target: "h2::client", "their debug");
        });
        let lines = kept.lines.lines();
        let messages = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["message"].take());
        messages.map(|message| message.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_level_is_for_our_own_crates() {
        for (log, expect) in [
            (LevelFilter::OFF, vec![]),
            (LevelFilter::ERROR, vec!["our error", "their error"]),
            (LevelFilter::INFO, vec!["our error", "our info", "their error"]),
            (
                LevelFilter::DEBUG,
                vec!["our error", "our info", "our debug", "their error"],
            ),
            (
                LevelFilter::TRACE,
                vec!["our error", "our info", "our debug", "their error", "their debug"],
            ),
        ] {
            assert_eq!(logged(log), expect, "{log}");
        }
    }

    #[test]
    fn a_line_names_the_span_that_it_was_written_in() {
        for log_format in [LogFormat::Text, LogFormat::Json] {
            let kept = keep(&options(LevelFilter::INFO, log_format), true, || {
                tracing::info!("outside");
                trace::submit("scan", None).in_scope(|| tracing::info!(n = 3, "inside"));
            });
            let span = &kept.span("submit scan").span_context;
            let lines: Vec<_> = kept.lines.lines().collect();
            assert!(!lines[0].contains("trace_id"), "{}", lines[0]);
            let (trace, span) = (span.trace_id(), span.span_id());
            match log_format {
                LogFormat::Text => {
                    let expect = format!("inside n=3 trace_id={trace} span_id={span}");
                    assert!(lines[1].ends_with(&expect), "{}", lines[1]);
                }
                LogFormat::Json => {
                    let line: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
                    assert_eq!(line["trace_id"], trace.to_string());
                    assert_eq!(line["span_id"], span.to_string());
                    assert_eq!((&line["level"], &line["message"]), (&"INFO".into(), &"inside".into()));
                    assert_eq!(line["fields"]["n"], 3);
                }
            }
        }
    }

    #[test]
    fn other_crates_are_not_traced() {
        let kept = keep(&options(LevelFilter::TRACE, LogFormat::Text), true, || {
            for span in [
                tracing::error_span!(target: "h2::proto", "theirs"),
                tracing::info_span!(target: "tickfleet_runtime::broker", "ours"),
                tracing::debug_span!(target: "tickfleet_runtime::broker", "detail"),
            ] {
                span.in_scope(|| ());
            }
        });
        assert_eq!(kept.names(), ["ours"]);
    }
}
