//! Why settings are refused. Each variant carries what [`Failure`] needs to say what, where, why and how to mend it.

use std::io;

use thiserror::Error;

use super::layer::Origin;
use super::mask::mask;
use super::registry::{self, Setting, Table};
use super::value::Kind;
use crate::failure::{Excerpt, ExitStatus, Failure, Place};

/// Settings that can't be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A settings file can't be read.
    #[error("the settings file {path} can't be read")]
    ReadFile {
        /// As the user named it.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A settings file is no TOML.
    #[error("the settings file is not valid TOML")]
    NotToml {
        /// What the parser expected.
        why: String,
        /// Where.
        place: Place,
    },
    /// A table that no settings file has.
    #[error("unknown table [{name}]")]
    UnknownTable {
        /// The table's name, masked.
        name: String,
        /// Where.
        excerpt: Excerpt,
    },
    /// A table's name with a plain value.
    #[error("{name} is a table, not a value")]
    NotATable {
        /// The table's name.
        name: &'static str,
        /// Where.
        excerpt: Excerpt,
    },
    /// A key that its table doesn't have.
    #[error("unknown key `{key}` {}", .table.map_or_else(|| "outside of a table".to_owned(), |table| format!("in [{}]", table.name())))]
    UnknownKey {
        /// The table, or none for a key before the first table.
        table: Option<Table>,
        /// The key.
        key: String,
        /// Where.
        excerpt: Excerpt,
    },
    /// An environment variable that looks like a setting and is none.
    #[error("unknown environment variable {name}")]
    UnknownVariable {
        /// The variable.
        name: String,
    },
    /// An environment variable that is no Unicode text.
    #[error("the environment variable {name} is not Unicode text")]
    NotUnicode {
        /// The variable.
        name: String,
    },
    /// A value of the wrong type or out of range.
    #[error("bad value for {}: {found}", .setting.key)]
    BadValue {
        /// The setting.
        setting: &'static Setting,
        /// The value, masked.
        found: String,
        /// What a good one is.
        expected: String,
        /// A known value that is spelled nearly so.
        nearest: Option<&'static str>,
        /// Where.
        origin: Box<Origin>,
    },
    /// Two settings that exclude each other or are out of step.
    #[error("{what}")]
    Conflict {
        /// The rule.
        what: String,
        /// Where they are set.
        origins: Vec<Origin>,
        /// What to do.
        help: &'static str,
    },
    /// No daily bars are named.
    #[error("no daily bars are named, so there is nothing to scan")]
    NoBars,
    /// A flag that only a cluster can heed, and no coordinator is named.
    #[error("{flag} needs a cluster, and none is configured")]
    NeedsCluster {
        /// The flag.
        flag: &'static str,
    },
}

impl SettingsError {
    /// A value that its setting's kind doesn't read.
    pub fn bad_value(setting: &'static Setting, found: &str, origin: Origin) -> Self {
        let nearest = match setting.kind {
            Kind::Choice(words) => nearest(found.trim(), words.iter().copied()),
            _ => None,
        };
        let expected = setting.kind.expected();
        Self::BadValue {
            setting,
            found: shorten(&mask(found)),
            expected,
            nearest,
            origin: Box::new(origin),
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let failure = Self::from_error(ExitStatus::BadInput, &error);
        match error {
            SettingsError::ReadFile { .. } => failure.help("name another file with --config FILE, or mend this one"),
            SettingsError::NotToml { why, place } => failure
                .at_place(place)
                .why(why)
                .help("mend the line; texts and dates stand in quotes: bars = \"bars.csv\""),
            SettingsError::UnknownTable { name, excerpt } => unknown_table(failure, &name, excerpt),
            SettingsError::NotATable { name, excerpt } => failure
                .at_place(Place::Excerpt(excerpt))
                .help(format!("begin the table with a line [{name}]")),
            SettingsError::UnknownKey { table, key, excerpt } => unknown_key(failure, table, &key, excerpt),
            SettingsError::UnknownVariable { name } => unknown_variable(failure, &name),
            SettingsError::NotUnicode { name } => failure.help(format!("set {name} to UTF-8 text, or unset it")),
            SettingsError::BadValue {
                setting,
                expected,
                nearest,
                origin,
                ..
            } => {
                let failure = failure.at_place(origin.place()).why(format!("expected {expected}"));
                match nearest {
                    Some(word) => failure.help(format!("did you mean {word}?")),
                    None => failure.help(format!("{} --help describes {}", described_by(setting), setting.flag())),
                }
            }
            // A default is no place that a user could mend.
            SettingsError::Conflict { origins, help, .. } => origins
                .iter()
                .filter(|origin| !matches!(origin, Origin::Default(_) | Origin::Unset))
                .fold(failure, |failure, origin| failure.at_place(origin.place()))
                .help(help),
            SettingsError::NoBars => failure
                .help(format!(
                    "name them with --bars URI, {}, or bars in [scan] of a file",
                    registry::BARS.variable()
                ))
                .help("or try the built-in sample: coordinator submit scan --sample"),
            SettingsError::NeedsCluster { flag } => failure
                .why("an embedded run lives only as long as this command")
                .help(format!(
                    "name a coordinator with {} URL, or drop {flag}",
                    registry::COORDINATOR.flag()
                )),
        }
    }
}

/// The program whose help shows a setting.
fn described_by(setting: &Setting) -> &'static str {
    match setting.key {
        "name" | "kinds" | "lease_ms" | "job_max_s" | "job_memory" | "health" | "inline_result" => "worker",
        "listen" | "http" => "coordinator serve",
        _ => "coordinator submit scan",
    }
}

fn unknown_table(failure: Failure, name: &str, excerpt: Excerpt) -> Failure {
    let names = Table::ALL.map(Table::name);
    let failure = failure
        .at_place(Place::Excerpt(excerpt))
        .why(format!("this version knows [{}]", names.join("], [")));
    match nearest(name, names) {
        Some(name) => failure.help(format!("did you mean [{name}]?")),
        None => failure.help("remove the table, or keep it in another file"),
    }
}

fn unknown_key(failure: Failure, table: Option<Table>, key: &str, excerpt: Excerpt) -> Failure {
    let failure = failure.at_place(Place::Excerpt(excerpt));
    if let Some(setting) = registry::ALL.iter().find(|setting| setting.key == key) {
        return failure.help(format!("{key} belongs below a line [{}]", setting.table.name()));
    }
    let Some(table) = table else {
        return failure.help("put it below the line of its table, such as [scan]");
    };
    let known: Vec<&str> = registry::ALL
        .iter()
        .filter(|setting| setting.table == table)
        .map(|setting| setting.key)
        .collect();
    match nearest(key, known.iter().copied()) {
        Some(key) => failure.help(format!("did you mean {key}?")),
        None => failure.why(format!("[{}] has {}", table.name(), known.join(", "))),
    }
}

fn unknown_variable(failure: Failure, name: &str) -> Failure {
    let known: Vec<String> = registry::ALL.iter().map(|setting| setting.variable()).collect();
    match nearest(name, known.iter().map(String::as_str)) {
        Some(known) => failure.help(format!("did you mean {known}?")),
        None => failure.help(format!("unset {name}; coordinator config lists the settings")),
    }
}

/// The known word that is spelled most like this one, if it is close enough to be meant: one slip for every three
/// letters, or the beginning of the word.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let letters = word.chars().count();
    known
        .into_iter()
        .filter_map(|known| {
            let lower = known.to_lowercase();
            let slips = strsim::osa_distance(&word, &lower);
            let is_start = letters > 2 && lower.starts_with(&word);
            let length_change = letters.abs_diff(lower.chars().count());
            (is_start || slips <= (letters / 3).max(1)).then_some((slips, length_change, known))
        })
        .min_by_key(|&(slips, length_change, _)| (slips, length_change))
        .map(|(.., known)| known)
}

/// The first line of a value, cut at 60 characters.
fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    if short.is_empty() { "(empty)".to_owned() } else { short }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_word_is_suggested_only_if_it_can_be_meant() {
        let known = ["top", "to", "min_price", "min_dollar_volume", "Information Technology"];
        let check = |word: &str, expect: Option<&str>| assert_eq!(nearest(word, known), expect, "{word}");
        check("tpo", Some("top"));
        check("Top", Some("top"));
        check("min_prise", Some("min_price"));
        check("min_dollar", Some("min_dollar_volume"));
        check("information tehcnolgy", Some("Information Technology"));
        check("foo", None);
        check("", None);
        check("price", None);
    }
}
