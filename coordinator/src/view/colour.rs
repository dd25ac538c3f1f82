//! Whether to colour, and the few colours there are.
//!
//! The decision is made once, at the edge, by [`colours`]; formatters are told. Read next: `table`.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};

use clap::builder::styling::{AnsiColor, Style};

/// A standard stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output: results.
    Stdout,
    /// Standard error: progress and messages.
    Stderr,
}

/// What a text means, which decides its colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    /// No colour.
    #[default]
    Plain,
    /// Green: a long signal, a success.
    Good,
    /// Yellow: worth a look.
    Notice,
    /// Red: a short signal, a failure.
    Bad,
    /// Bold: headings and totals.
    Strong,
    /// Dim: secondary text.
    Faint,
}

impl Tone {
    /// The text in this tone, or as it is without colours.
    #[must_use]
    pub fn paint(self, text: &str, colours: bool) -> String {
        let style = self.style();
        if colours && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Notice => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
        }
    }
}

/// Whether a stream gets colours: it is a terminal, `NO_COLOR` is unset or empty, and `TERM` is not `dumb`.
#[must_use]
pub fn colours(stream: Stream) -> bool {
    let is_terminal = match stream {
        Stream::Stdout => io::stdout().is_terminal(),
        Stream::Stderr => io::stderr().is_terminal(),
    };
    decide(
        is_terminal,
        env::var_os("NO_COLOR").as_deref(),
        env::var_os("TERM").as_deref(),
    )
}

fn decide(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty) && term != Some(OsStr::new("dumb"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_only_on_a_terminal_that_wants_them() {
        let check = |is_terminal, no_color: Option<&str>, term: Option<&str>, expect| {
            assert_eq!(
                decide(is_terminal, no_color.map(OsStr::new), term.map(OsStr::new)),
                expect
            );
        };
        check(true, None, Some("xterm"), true);
        check(true, None, None, true);
        check(true, Some(""), None, true);
        check(true, Some("1"), None, false);
        check(true, None, Some("dumb"), false);
        check(false, None, Some("xterm"), false);
    }

    #[test]
    fn paint_closes_what_it_opens() {
        assert_eq!(Tone::Good.paint("Long", true), "\u{1b}[32mLong\u{1b}[0m");
        assert_eq!(Tone::Good.paint("Long", false), "Long");
        assert_eq!(Tone::Plain.paint("x", true), "x");
        assert_eq!(Tone::Bad.paint("", true), "");
    }
}
