//! What the cluster is made of, how it does, and what needs attention.

use super::colour::Tone;
use super::frame::Frame;
use super::number::{count, plural};
use super::sheet::{Sheet, wrap};
use super::text::spaces;
use crate::cluster::Status;

/// Something that an operator should act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concern {
    /// What is the matter, in one sentence.
    pub what: String,
    /// The command or setting that mends it.
    pub help: Option<String>,
}

/// The cluster and its concerns.
#[must_use]
pub fn health(status: &Status, concerns: &[Concern], frame: &Frame) -> String {
    let Status { workers, lanes, .. } = status;
    let tone = |is_bad| if is_bad { Tone::Bad } else { Tone::Plain };
    let sheet = Sheet::default()
        .line("coordinator", &status.version)
        .line("queue", &status.broker)
        .toned(
            "workers",
            format!("{}, {}", count(*workers), plural(*lanes, "lane", "lanes")),
            tone(*workers == 0 && status.backlog > 0),
        )
        .line(
            "runs",
            format!("{} running, {} kept", count(status.running), count(status.runs)),
        )
        .line("backlog", plural(status.backlog, "job", "jobs"))
        .toned("dead", plural(status.dead, "letter", "letters"), tone(status.dead > 0));
    let mut text = sheet.render(frame);
    if !concerns.is_empty() {
        text.push('\n');
        text += &hang("", "needs attention", Tone::Strong, frame);
    }
    for concern in concerns {
        text += &hang("- ", &concern.what, Tone::Notice, frame);
        if let Some(help) = &concern.help {
            text += &hang("  help: ", help, Tone::Plain, frame);
        }
    }
    text
}

/// A paragraph behind a mark, its further lines below its first.
pub(super) fn hang(mark: &str, paragraph: &str, tone: Tone, frame: &Frame) -> String {
    let indent = if mark.len() * 2 > frame.columns { 0 } else { mark.len() };
    let lines = wrap(paragraph, frame.columns.saturating_sub(indent));
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        text += &if at == 0 && indent > 0 {
            mark.to_owned()
        } else {
            spaces(indent)
        };
        text += &tone.paint(line, frame.colours);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use tickfleet_protocol::ids::Millis;

    use super::*;
    use crate::view::text::width;

    #[test]
    fn no_line_is_ever_wider_than_the_terminal() {
        let status = Status {
            version: "0.1.0".to_owned(),
            broker: "redis 7.0.15 at redis://:***@cache.internal:6379".to_owned(),
            advice: Vec::new(),
            workers: 0,
            lanes: 0,
            running: 12_000,
            runs: 12_000,
            backlog: u64::MAX,
            dead: 1,
        };
        let concern = Concern {
            what: "jobs wait and there are no workers".to_owned(),
            help: Some("start one; worker --help says how".to_owned()),
        };
        for columns in 1..60 {
            let frame = Frame {
                now: Millis(0),
                columns,
                colours: false,
            };
            let text = health(&status, std::slice::from_ref(&concern), &frame);
            for line in text.lines() {
                assert!(width(line) <= columns, "{columns}: {line:?}");
            }
        }
    }
}
