//! The environment's layer. Takes the variables as they are passed in and reads none by itself.

use std::ffi::OsString;

use super::SettingsError;
use super::layer::{Layer, Origin, read};
use super::registry::{self, Setting, Table};

/// The settings among the variables. An empty variable counts as unset.
///
/// Unknown `TICKFLEET_SCAN_…` names are refused, because a misspelt one would silently give another result; other
/// `TICKFLEET_…` names may belong to other programs of a deployment.
pub fn layer(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Layer, SettingsError> {
    let mut ours: Vec<(String, OsString)> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, value)| name.starts_with("TICKFLEET_") && !value.is_empty())
        .collect();
    ours.sort();
    let mut layer = Layer::default();
    for (name, value) in ours {
        let Some(setting) = find(&name) else {
            if name.starts_with(Table::Scan.variable_prefix()) {
                return Err(SettingsError::UnknownVariable { name });
            }
            continue;
        };
        let Ok(text) = value.into_string() else {
            return Err(SettingsError::NotUnicode { name });
        };
        layer.given.push(read(setting, &text, Origin::Environment(name))?);
    }
    Ok(layer)
}

fn find(name: &str) -> Option<&'static Setting> {
    registry::ALL.iter().copied().find(|setting| setting.variable() == name)
}
