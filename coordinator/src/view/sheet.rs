//! A sheet: labelled values, one below the other, such as all there is to say of one run.
//!
//! Long values are continued on the next line, never cut: a sheet is where one looks for the whole of it.
//! Read next: `table`, for many of a kind.

use super::colour::Tone;
use super::frame::Frame;
use super::text::{printable, spaces, width};

/// Spaces between label and value.
const GAP: usize = 2;
/// A value with less room than this goes below its label.
const VALUE_ROOM: usize = 12;

/// Labelled values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    lines: Vec<(&'static str, String, Tone)>,
}

impl Sheet {
    /// Adds a value.
    #[must_use]
    pub fn line(self, label: &'static str, value: impl Into<String>) -> Self {
        self.toned(label, value, Tone::Plain)
    }

    /// Adds a value in a tone.
    #[must_use]
    pub fn toned(mut self, label: &'static str, value: impl Into<String>, tone: Tone) -> Self {
        self.lines.push((label, value.into(), tone));
        self
    }

    /// Adds a value where there is one.
    #[must_use]
    pub fn maybe(self, label: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.line(label, value),
            None => self,
        }
    }

    /// The sheet as text, a newline after each line, none wider than the frame.
    #[must_use]
    pub fn render(&self, frame: &Frame) -> String {
        let columns = frame.columns.max(1);
        let labels = self.lines.iter().map(|(label, ..)| width(label)).max().unwrap_or(0);
        let beside = labels + GAP + VALUE_ROOM <= columns;
        let room = if beside { columns - labels - GAP } else { columns };
        let mut text = String::new();
        for (label, value, tone) in &self.lines {
            let values: Vec<String> = value.lines().flat_map(|line| wrap(line, room)).collect();
            if !beside {
                push(&mut text, "", wrap(label, room).iter(), Tone::Strong, frame);
                push(&mut text, "", values.iter(), *tone, frame);
                continue;
            }
            let padding = spaces(labels - width(label) + GAP);
            let label = Tone::Strong.paint(label, frame.colours);
            let (first, rest) = values
                .split_first()
                .map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
            text += format!("{label}{padding}{}", tone.paint(first, frame.colours)).trim_end();
            text.push('\n');
            push(&mut text, &spaces(labels + GAP), rest.iter(), *tone, frame);
        }
        text
    }
}

/// A text in lines of at most `columns`, broken at spaces where that goes. Control characters never pass.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = vec![String::new()];
    for word in printable(text).split(' ').filter(|word| !word.is_empty()) {
        let line = lines.last_mut().expect("there is a first line");
        if line.is_empty() {
            line.push_str(word);
        } else if width(line) + 1 + width(word) <= columns {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
        break_last(&mut lines, columns);
    }
    lines
}

/// Breaks the last line until it is no wider than `columns`.
fn break_last(lines: &mut Vec<String>, columns: usize) {
    while let Some(at) = lines.last().and_then(|line| break_at(line, columns)) {
        let line = lines.last_mut().expect("there is a last line");
        let rest = line.split_off(at);
        lines.push(rest);
    }
}

/// Where a line that is too wide is broken: after the most characters that fit, and after one at least.
fn break_at(line: &str, columns: usize) -> Option<usize> {
    if width(line) <= columns {
        return None;
    }
    let ends = line.char_indices().map(|(at, c)| at + c.len_utf8());
    let fitting = ends.clone().take_while(|&end| width(&line[..end]) <= columns).last();
    let at = fitting.or_else(|| ends.clone().next())?;
    (at < line.len()).then_some(at)
}

fn push<'a>(text: &mut String, indent: &str, lines: impl Iterator<Item = &'a String>, tone: Tone, frame: &Frame) {
    for line in lines {
        text.push_str(indent);
        text.push_str(&tone.paint(line, frame.colours));
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use tickfleet_protocol::ids::Millis;

    use super::*;

    fn frame(columns: usize) -> Frame {
        Frame {
            now: Millis(0),
            columns,
            colours: false,
        }
    }

    #[test]
    fn values_stand_beside_their_labels_or_below() {
        let sheet = Sheet::default()
            .line("run", "018bcfe5-6801-7000-8000-000000000000")
            .line("reason", "bars.parquet: permission denied\nsecond \u{1b}[2Jline")
            .line("worker", "");
        let check = |columns: usize, expect: &str| assert_eq!(sheet.render(&frame(columns)), expect, "{columns}");
        check(
            80,
            "run     018bcfe5-6801-7000-8000-000000000000\n\
             reason  bars.parquet: permission denied\n        second �[2Jline\n\
             worker\n",
        );
        check(
            24,
            "run     018bcfe5-6801-70\n        00-8000-00000000\n        0000\n\
             reason  bars.parquet:\n        permission\n        denied\n        second �[2Jline\n\
             worker\n",
        );
        check(
            12,
            "run\n018bcfe5-680\n1-7000-8000-\n000000000000\n\
             reason\nbars.parquet\n: permission\ndenied\nsecond\n�[2Jline\n\
             worker\n",
        );
    }

    #[test]
    fn no_line_is_ever_wider_than_the_terminal() {
        let sheet = Sheet::default()
            .line("日本", "語語語語 e\u{301}e\u{301} abc")
            .line("x", "yes");
        for columns in 2..40 {
            let text = sheet.render(&frame(columns));
            for line in text.lines() {
                assert!(width(line) <= columns, "{columns}: {line:?}");
            }
        }
    }
}
