//! The settings as flags: made from the registry, read by it.
//!
//! clap only splits the command line here; a value is read by its setting, so a flag, a variable and a file refuse it in
//! the same words.

use std::marker::PhantomData;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

use super::registry::{self, Fallback, Setting};
use super::value::Kind;
use super::{Layer, SettingsError, Sources, load};

/// What a verb takes as flags. Any setting may stand in a file or in the environment, whatever the verb.
pub trait Takes: std::fmt::Debug + Clone + Send + Sync + 'static {
    /// Whether this setting is a flag of the verb.
    fn takes(setting: &Setting) -> bool;
}

/// Every setting.
#[derive(Debug, Clone)]
pub struct Every;

impl Takes for Every {
    fn takes(_: &Setting) -> bool {
        true
    }
}

/// The flags of a verb that were given, as text.
#[derive(Debug, Clone)]
pub struct SettingFlags<V: Takes = Every> {
    given: Vec<(&'static Setting, Vec<String>)>,
    config: Option<PathBuf>,
    verb: PhantomData<V>,
}

impl<V: Takes> SettingFlags<V> {
    /// The layers of this process, the strongest first.
    ///
    /// # Errors
    /// Settings that can't be read.
    pub fn layers(&self) -> Result<Vec<Layer>, SettingsError> {
        load(Layer::from_flags(&self.given)?, self.sources())
    }

    /// Where the settings of this process are looked for.
    #[must_use]
    pub fn sources(&self) -> Sources {
        Sources::of_process(self.config.clone())
    }
}

impl<V: Takes> Args for SettingFlags<V> {
    fn augment_args(command: Command) -> Command {
        let command = registry::ALL
            .iter()
            .filter(|setting| V::takes(setting))
            .fold(command, |command, setting| command.arg(flag(setting)));
        command.arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Settings file [default: ./tickfleet.toml where it exists]")
                .help_heading("Machine"),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<V: Takes> FromArgMatches for SettingFlags<V> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self {
            given: Vec::new(),
            config: None,
            verb: PhantomData,
        };
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for setting in registry::ALL.iter().filter(|setting| V::takes(setting)) {
            if let Some(texts) = matches.get_many::<String>(setting.key) {
                self.given.push((setting, texts.cloned().collect()));
            }
        }
        self.config = matches.get_one::<PathBuf>("config").cloned().or(self.config.take());
        Ok(())
    }
}

fn flag(setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.key)
        .long(setting.long())
        .value_name(setting.kind.value_name())
        .help(help(setting))
        .help_heading(setting.heading)
        .allow_negative_numbers(true);
    match setting.kind {
        Kind::List => arg.action(ArgAction::Append),
        Kind::Choice(words) => arg.value_parser(PossibleValuesParser::new(words)),
        Kind::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
        _ => arg,
    }
}

/// The help text: the sentence, then range and default.
fn help(setting: &Setting) -> String {
    let default = match setting.default {
        Fallback::Nothing | Fallback::Value("") => None,
        Fallback::Value(text) | Fallback::Found(text) => Some(format!("default: {text}")),
    };
    let facts: Vec<String> = [setting.kind.range(), default].into_iter().flatten().collect();
    if facts.is_empty() {
        setting.help.to_owned()
    } else {
        format!("{} [{}]", setting.help, facts.join("; "))
    }
}
