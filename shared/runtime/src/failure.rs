//! What a user sees when something goes wrong: one [`Failure`], whatever the error was.
//!
//! A failure says what failed, where (file, row, column, option), why (the error chain, each link once) and what mends it.
//! Modules keep their own error enums; they become a `Failure` only at the edge of the program.
//! It must never print a secret: callers pass URIs through [`crate::settings::mask`].

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write as _};
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

/// How a command ended, as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitStatus {
    /// 0: the run succeeded.
    Succeeded,
    /// 1: the run failed or lost jobs.
    Failed,
    /// 2: bad usage or bad input, found before anything was enqueued.
    BadInput,
    /// 3: the cluster could not be reached.
    Unreachable,
    /// 130: detached by Ctrl-C.
    Detached,
}

impl ExitStatus {
    /// The number the shell gets.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Succeeded => 0,
            Self::Failed => 1,
            Self::BadInput => 2,
            Self::Unreachable => 3,
            Self::Detached => 130,
        }
    }
}

impl ExitStatus {
    /// The status in one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::BadInput => "bad_input",
            Self::Unreachable => "unreachable",
            Self::Detached => "detached",
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

/// What kind of refusal a failure is: finer than the exit status, for programs that decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailureKind {
    /// None of those below.
    #[default]
    Other,
    /// What was named is not there.
    NotFound,
    /// What was to be made is there already, and is another.
    Exists,
    /// It is there, but not in a state in which this can be done.
    Precondition,
    /// A bound is reached.
    Exhausted,
}

/// A place in a text file, with the line itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// The file, as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The whole line.
    pub text: String,
    /// How many characters of the line are meant, at least 1.
    pub width: usize,
}

/// Where something failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In words: an option, an environment variable, a file with row and column.
    Named(String),
    /// A marked line of a text file.
    Excerpt(Excerpt),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Excerpt(Excerpt { file, line, column, .. }) => write!(f, "{file}:{line}:{column}"),
        }
    }
}

/// Any error, ready for a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What the shell gets.
    pub status: ExitStatus,
    /// What kind of refusal it is.
    #[serde(skip)]
    pub kind: FailureKind,
    /// What failed, in one sentence.
    pub what: String,
    /// Where: none, one or several places.
    pub places: Vec<Place>,
    /// Why: the causes, outermost first, none said twice.
    pub why: Vec<String>,
    /// The commands or settings that mend it.
    pub help: Vec<String>,
}

impl Failure {
    /// A failure that says what failed and nothing else yet.
    #[must_use]
    pub fn new(status: ExitStatus, what: impl Into<String>) -> Self {
        Self {
            status,
            kind: FailureKind::Other,
            what: what.into(),
            places: Vec::new(),
            why: Vec::new(),
            help: Vec::new(),
        }
    }

    /// The error as what failed, its sources as why.
    #[must_use]
    pub fn from_error(status: ExitStatus, error: &(dyn Error + 'static)) -> Self {
        let failure = Self::new(status, error.to_string());
        match error.source() {
            Some(source) => failure.because(source),
            None => failure,
        }
    }

    /// Says what kind of refusal it is.
    #[must_use]
    pub fn of_kind(mut self, kind: FailureKind) -> Self {
        self.kind = kind;
        self
    }

    /// Adds where it failed, in words.
    #[must_use]
    pub fn at(self, place: impl Into<String>) -> Self {
        self.at_place(Place::Named(place.into()))
    }

    /// Adds where it failed.
    #[must_use]
    pub fn at_place(mut self, place: Place) -> Self {
        self.places.push(place);
        self
    }

    /// Adds an error and its chain of sources as why. A cause that the text before it already ends with is not repeated.
    #[must_use]
    pub fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self = self.why(error.to_string());
            cause = error.source();
        }
        self
    }

    /// Adds a cause in words, unless the text before it already ends with it.
    #[must_use]
    pub fn why(mut self, cause: impl Into<String>) -> Self {
        let cause = cause.into();
        let said = self.why.last().unwrap_or(&self.what);
        if !cause.is_empty() && !said.ends_with(&cause) {
            self.why.push(cause);
        }
        self
    }

    /// Adds a command or setting that mends it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The text for a terminal, with a newline at the end; colours when `coloured`.
    #[must_use]
    pub fn render(&self, coloured: bool) -> String {
        let paint = Paint { coloured };
        let mut text = format!("{} {}\n", paint.error("error:"), visible(&self.what));
        for place in &self.places {
            push(&mut text, &paint.label("  at"), &place.to_string());
            if let Place::Excerpt(excerpt) = place {
                text.push_str(&excerpt_lines(excerpt, paint));
            }
        }
        for cause in &self.why {
            push(&mut text, &paint.label(" why"), cause);
        }
        for help in &self.help {
            push(&mut text, &paint.help("help"), help);
        }
        text
    }

    /// Prints it on standard error, in colour on a terminal unless `NO_COLOR` is set.
    pub fn print(&self) {
        let coloured = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        // With standard error closed there is nobody left to tell.
        let _ = io::stderr().lock().write_all(self.render(coloured).as_bytes());
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Failure {}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint {
    coloured: bool,
}

impl Paint {
    fn error(self, text: &str) -> String {
        self.style(AnsiColor::Red.on_default().bold(), text)
    }

    fn label(self, text: &str) -> String {
        self.style(AnsiColor::Blue.on_default().bold(), text)
    }

    fn help(self, text: &str) -> String {
        self.style(AnsiColor::Green.on_default(), text)
    }

    fn style(self, style: Style, text: &str) -> String {
        if self.coloured {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

/// One labelled entry; the lines after its first are indented under it.
fn push(text: &mut String, label: &str, entry: &str) {
    for (index, line) in entry.lines().enumerate() {
        let written = if index == 0 {
            writeln!(text, "  {label}: {line}")
        } else {
            writeln!(text, "        {line}")
        };
        written.expect("writing to a String never fails");
    }
}

/// The marked line of a file: number, text, and carets under what is meant. Tabs stay aligned because they are copied.
fn excerpt_lines(excerpt: &Excerpt, paint: Paint) -> String {
    let number = excerpt.line.to_string();
    let gutter = " ".repeat(number.len());
    let pad: String = excerpt
        .text
        .chars()
        .take(excerpt.column.saturating_sub(1))
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    let carets = paint.error(&"^".repeat(excerpt.width.max(1)));
    format!(
        "      {number} | {}\n      {gutter} | {pad}{carets}\n",
        visible(&excerpt.text)
    )
}

/// Foreign text must not steer the terminal: control characters become a visible mark.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("reading bars.csv")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("permission denied")]
    struct Inner;

    #[derive(Debug, thiserror::Error)]
    #[error("reading bars.csv: {0}")]
    struct Repeating(#[source] Inner);

    #[test]
    fn a_failure_reads_what_where_why_how() {
        let failure = Failure::from_error(ExitStatus::Failed, &Outer(Inner))
            .at("row 3")
            .help("chmod +r bars.csv");
        let expect = "error: reading bars.csv\n    at: row 3\n   why: permission denied\n  help: chmod +r bars.csv\n";
        assert_eq!(failure.render(false), expect);
    }

    #[test]
    fn a_cause_is_said_once() {
        let failure = Failure::from_error(ExitStatus::Failed, &Repeating(Inner));
        assert_eq!(failure.render(false), "error: reading bars.csv: permission denied\n");
    }

    #[test]
    fn an_excerpt_marks_its_columns() {
        let excerpt = Excerpt {
            file: "a.toml".into(),
            line: 12,
            column: 2,
            text: "\tx = 1".into(),
            width: 1,
        };
        let text = Failure::new(ExitStatus::BadInput, "no")
            .at_place(Place::Excerpt(excerpt))
            .render(false);
        assert_eq!(
            text,
            "error: no\n    at: a.toml:12:2\n      12 | \tx = 1\n         | \t^\n"
        );
    }

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        let text = Failure::new(ExitStatus::BadInput, "\u{1b}[2Jx").render(false);
        assert_eq!(text, "error: \u{fffd}[2Jx\n");
    }

    #[test]
    fn colour_changes_nothing_but_escapes() {
        let failure = Failure::new(ExitStatus::Unreachable, "no cluster").help("start one");
        let coloured = failure.render(true);
        assert!(coloured.contains("\u{1b}["));
        let mut plain = String::new();
        let mut escaped = false;
        for c in coloured.chars() {
            match (escaped, c) {
                (false, '\u{1b}') => escaped = true,
                (true, 'm') => escaped = false,
                (false, c) => plain.push(c),
                _ => {}
            }
        }
        assert_eq!(plain, failure.render(false));
    }

    #[test]
    fn statuses_have_the_documented_codes() {
        let statuses = [
            (ExitStatus::Succeeded, 0),
            (ExitStatus::Failed, 1),
            (ExitStatus::BadInput, 2),
            (ExitStatus::Unreachable, 3),
            (ExitStatus::Detached, 130),
        ];
        for (status, code) in statuses {
            assert_eq!(status.code(), code);
        }
    }
}
