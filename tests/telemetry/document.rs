//! The document's tables are those that the code describes itself by.

use tickfleet_runtime::telemetry::metrics::catalogue::{self, Form};
use tickfleet_runtime::telemetry::spans;
use tickfleet_tests::workspace_root;

const DOCUMENT: &str = "docs/telemetry.md";

fn spans_table() -> Vec<String> {
    let rows = spans::ALL.iter().map(|span| {
        let attributes = listed(span.attributes);
        format!("| `{}` | {} | {attributes} | {} |", span.name, span.kind, span.covers)
    });
    rows.collect()
}

fn metrics_table() -> Vec<String> {
    let rows = catalogue::ALL.iter().map(|it| {
        let form = match it.form {
            Form::Counter => "counter",
            Form::Gauge => "gauge",
            Form::Histogram => "histogram",
        };
        let attributes = listed(it.attributes);
        format!(
            "| `{}` | {form} | `{}` | {attributes} | {} |",
            it.name, it.unit, it.help
        )
    });
    rows.collect()
}

fn listed(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(" ")
}

/// The rows of the table under a heading.
fn table<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let under = text.lines().skip_while(|line| *line != heading).skip(1);
    let rows = under.skip_while(|line| !line.starts_with('|'));
    rows.take_while(|line| line.starts_with('|')).skip(2).collect()
}

#[test]
fn the_document_lists_every_span_and_every_metric_as_it_is() {
    let text = std::fs::read_to_string(workspace_root().join(DOCUMENT)).expect("the document is there");
    for (heading, expect) in [("## Spans", spans_table()), ("## Metrics", metrics_table())] {
        let (found, expect) = (table(&text, heading).join("\n"), expect.join("\n"));
        assert!(
            found == expect,
            "the rows under {heading} in {DOCUMENT} should be:\n{expect}\n"
        );
    }
}
