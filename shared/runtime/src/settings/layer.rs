//! One source of settings, and where each of its values came from.

use std::fmt;

use serde::Serialize;

use super::SettingsError;
use super::registry::Setting;
use super::value::Value;
use crate::failure::{Excerpt, Place};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A flag of the command line.
    Flag(String),
    /// An environment variable.
    Environment(String),
    /// A line of a settings file.
    File(Excerpt),
    /// The profile of this name.
    Profile(String),
    /// The built-in default; if it depends on another setting, because of what.
    Default(Option<&'static str>),
    /// Not set, and no default is needed.
    Unset,
}

impl Origin {
    /// The place to show in a refusal.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::File(excerpt) => Place::Excerpt(excerpt.clone()),
            other => Place::Named(other.to_string()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Environment(variable) => write!(f, "environment variable {variable}"),
            Self::File(Excerpt { file, line, .. }) => write!(f, "{file}:{line}"),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Default(None) => f.write_str("default"),
            Self::Default(Some(because)) => write!(f, "default, because {because}"),
            Self::Unset => f.write_str("not set"),
        }
    }
}

/// A value that a source gives.
#[derive(Debug, Clone)]
pub struct Given {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value, checked by itself.
    pub value: Value,
    /// Where it stands.
    pub origin: Origin,
}

/// What one source gives: each setting at most once.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    /// In the order of the source.
    pub given: Vec<Given>,
}

impl Layer {
    /// The layer of the command line, from each flag's texts.
    ///
    /// # Errors
    /// A text that its setting can't read.
    pub fn from_flags(flags: &[(&'static Setting, Vec<String>)]) -> Result<Self, SettingsError> {
        let given = flags.iter().map(|(setting, texts)| {
            let text = texts.join(",");
            read(setting, &text, Origin::Flag(setting.flag()))
        });
        Ok(Self {
            given: given.collect::<Result<_, _>>()?,
        })
    }

    /// What this layer gives for a setting.
    #[must_use]
    pub fn get(&self, setting: &Setting) -> Option<&Given> {
        self.given.iter().find(|given| given.setting.key == setting.key)
    }
}

/// Reads the text of a flag or a variable.
pub(super) fn read(setting: &'static Setting, text: &str, origin: Origin) -> Result<Given, SettingsError> {
    match setting.kind.read_text(text) {
        Some(value) => Ok(Given { setting, value, origin }),
        None => Err(SettingsError::bad_value(setting, text, origin)),
    }
}
