//! A settings file's layer. Takes the text; [`super::load`] reads it from disk.

use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::SettingsError;
use super::layer::{Given, Layer, Origin};
use super::mask::mask;
use super::registry::{Setting, Table};
use super::value::{Kind, Value};
use crate::failure::{Excerpt, Place};

/// Reads the settings of a file. `name` is the file as the user named it; relative paths start at its folder.
pub fn layer(name: &Path, text: &str) -> Result<Layer, SettingsError> {
    let file = File { name, text };
    let root = DeTable::parse(text).map_err(|error| file.not_toml(&error))?;
    let mut layer = Layer::default();
    for (table_name, at, value) in entries(root.get_ref()) {
        let Some(table) = Table::ALL.into_iter().find(|table| table.name() == table_name) else {
            return Err(file.unknown_at_root(table_name, at, value.get_ref()));
        };
        let DeValue::Table(keys) = value.get_ref() else {
            return Err(SettingsError::NotATable {
                name: table.name(),
                excerpt: file.excerpt(at),
            });
        };
        for (key, at, value) in entries(keys) {
            let Some(setting) = Setting::find(table, key) else {
                let excerpt = file.excerpt(at);
                return Err(SettingsError::UnknownKey {
                    table: Some(table),
                    key: mask(key),
                    excerpt,
                });
            };
            layer.given.push(file.read(setting, at, value)?);
        }
    }
    Ok(layer)
}

/// A file and its text.
struct File<'a> {
    name: &'a Path,
    text: &'a str,
}

type Spanned<'a> = toml::Spanned<DeValue<'a>>;

impl File<'_> {
    fn read(&self, setting: &'static Setting, key: Range<usize>, value: &Spanned<'_>) -> Result<Given, SettingsError> {
        let Some(read) = setting.kind.read_toml(value.get_ref()) else {
            let value = bad_item(value);
            let found = self.text.get(value.span()).unwrap_or_default();
            return Err(SettingsError::bad_value(
                setting,
                found,
                Origin::File(self.excerpt(value.span())),
            ));
        };
        let value = match read {
            Value::Text(location) if setting.kind == Kind::Location => Value::Text(self.beside(location)),
            other => other,
        };
        Ok(Given {
            setting,
            value,
            origin: Origin::File(self.excerpt(key)),
        })
    }

    /// A relative path starts at the file's folder; absolute paths and URIs stay.
    fn beside(&self, location: String) -> String {
        let is_uri = location.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme));
        match self.name.parent() {
            Some(folder) if !is_uri => folder.join(&location).to_str().map_or(location, str::to_owned),
            _ => location,
        }
    }

    fn unknown_at_root(&self, name: &str, at: Range<usize>, value: &DeValue<'_>) -> SettingsError {
        let excerpt = self.excerpt(at);
        match value {
            DeValue::Table(_) => SettingsError::UnknownTable {
                name: mask(name),
                excerpt,
            },
            _ => SettingsError::UnknownKey {
                table: None,
                key: mask(name),
                excerpt,
            },
        }
    }

    fn not_toml(&self, error: &toml::de::Error) -> SettingsError {
        let place = error.span().map_or_else(
            || Place::Named(self.name.display().to_string()),
            |span| Place::Excerpt(self.excerpt(span)),
        );
        SettingsError::NotToml {
            why: error.message().to_owned(),
            place,
        }
    }

    /// The line of a byte range, marked as far as the range is on that line.
    fn excerpt(&self, span: Range<usize>) -> Excerpt {
        let start = floor(self.text, span.start);
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let text = mask(line);
        let column = before[line_start..].chars().count() + 1;
        let meant = self.text[start..floor(self.text, span.end.max(start))]
            .lines()
            .next()
            .unwrap_or_default();
        let room = (text.chars().count() + 1).saturating_sub(column).max(1);
        Excerpt {
            file: self.name.display().to_string(),
            line: before.matches('\n').count() + 1,
            column,
            width: meant.chars().count().clamp(1, room),
            text,
        }
    }
}

/// The entries of a table in the order of the file.
fn entries<'a, 'b>(table: &'a DeTable<'b>) -> Vec<(&'a str, Range<usize>, &'a Spanned<'b>)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
        .collect();
    entries.sort_by_key(|(_, span, _)| span.start);
    entries
}

/// The first item of an array that is no text, or the value itself.
fn bad_item<'a, 'b>(value: &'a Spanned<'b>) -> &'a Spanned<'b> {
    let items = value.get_ref().as_array().map(|items| items.iter());
    items
        .into_iter()
        .flatten()
        .find(|item| !item.get_ref().is_str())
        .unwrap_or(value)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// The last character border at or before a byte of the text.
fn floor(text: &str, byte: usize) -> usize {
    (0..=byte.min(text.len()))
        .rev()
        .find(|&byte| text.is_char_boundary(byte))
        .unwrap_or(0)
}
