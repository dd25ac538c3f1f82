//! Which value of each setting holds: the first layer that gives it, else the profile, else the built-in default.

use super::layer::{Layer, Origin};
use super::profile::Profile;
use super::registry::{self, Fallback, MAX_PER_SECTOR, PROFILE, SECTORS, SYMBOLS, Setting, UNLISTED};
use super::value::Value;

/// One setting as it holds.
#[derive(Debug, Clone)]
pub struct Held {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value; `None` if it isn't set and needs no default.
    pub value: Option<Value>,
    /// Where the value came from.
    pub origin: Origin,
}

/// Every setting, as it holds.
#[derive(Debug, Clone)]
pub struct InForce {
    held: Vec<Held>,
}

impl InForce {
    /// Merges layers, the strongest first.
    #[must_use]
    pub fn merge(layers: &[Layer]) -> Self {
        let held =
            registry::ALL
                .iter()
                .copied()
                .map(|setting| match layers.iter().find_map(|layer| layer.get(setting)) {
                    Some(given) => Held {
                        setting,
                        value: Some(given.value.clone()),
                        origin: given.origin.clone(),
                    },
                    None => Held {
                        setting,
                        value: None,
                        origin: Origin::Unset,
                    },
                });
        let mut in_force = Self { held: held.collect() };
        in_force.fill_profile();
        in_force.fill_defaults();
        in_force
    }

    /// All settings, in the order of the help text.
    #[must_use]
    pub fn all(&self) -> &[Held] {
        &self.held
    }

    /// A setting as it holds.
    ///
    /// # Panics
    /// If the setting is not in the registry.
    #[must_use]
    pub fn get(&self, setting: &Setting) -> &Held {
        let found = self.held.iter().find(|held| held.setting.key == setting.key);
        found.expect("every setting is held")
    }

    /// Where a setting's value came from.
    #[must_use]
    pub fn origin(&self, setting: &Setting) -> &Origin {
        &self.get(setting).origin
    }

    /// A text, a location or a word.
    #[must_use]
    pub fn text(&self, setting: &Setting) -> Option<&str> {
        match &self.get(setting).value {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A day.
    #[must_use]
    pub fn day(&self, setting: &Setting) -> Option<i32> {
        match self.get(setting).value {
            Some(Value::Day(day)) => Some(day),
            _ => None,
        }
    }

    /// A list; none if it isn't set.
    #[must_use]
    pub fn list(&self, setting: &Setting) -> &[String] {
        match &self.get(setting).value {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// A number that has a default.
    #[must_use]
    pub fn number(&self, setting: &Setting) -> f64 {
        match self.get(setting).value {
            Some(Value::Number(number)) => number,
            _ => panic!("{} is a number with a default", setting.key),
        }
    }

    /// A whole number or a size in bytes, if it is set.
    #[must_use]
    pub fn count(&self, setting: &Setting) -> Option<u64> {
        match self.get(setting).value {
            Some(Value::Count(count)) => Some(count),
            _ => None,
        }
    }

    /// A switch; off if it isn't set.
    #[must_use]
    pub fn switch(&self, setting: &Setting) -> bool {
        matches!(self.get(setting).value, Some(Value::Switch(true)))
    }

    fn fill_profile(&mut self) {
        let Some(profile) = self.text(&PROFILE).and_then(Profile::find) else {
            return;
        };
        for (setting, number) in &profile.values {
            self.fill(
                setting,
                Value::Number(*number),
                Origin::Profile(profile.name.to_owned()),
            );
        }
    }

    /// Defaults in the order in which they depend on each other.
    fn fill_defaults(&mut self) {
        if !self.list(&SYMBOLS).is_empty() {
            let because = Origin::Default(Some("symbols are given"));
            self.fill(&SECTORS, Value::List(vec!["all".to_owned()]), because.clone());
            self.fill(&UNLISTED, Value::Text("keep".to_owned()), because);
        }
        if names_sectors(self.list(&SECTORS)) {
            self.fill(
                &MAX_PER_SECTOR,
                Value::Count(0),
                Origin::Default(Some("sectors is a list")),
            );
        }
        for setting in self.held.iter().map(|held| held.setting).collect::<Vec<_>>() {
            if let Fallback::Value(default) = setting.default {
                let value = setting
                    .kind
                    .read_text(default)
                    .expect("the registry's defaults can be read");
                self.fill(setting, value, Origin::Default(None));
            }
        }
    }

    /// Sets what isn't set yet.
    fn fill(&mut self, setting: &Setting, value: Value, origin: Origin) {
        let held = self.held.iter_mut().find(|held| held.setting.key == setting.key);
        let held = held.expect("every setting is held");
        if held.value.is_none() {
            held.value = Some(value);
            held.origin = origin;
        }
    }
}

/// Whether `sectors` is a list of names, and neither `liquid` nor `all`.
pub fn names_sectors(items: &[String]) -> bool {
    match items {
        [] => false,
        [only] => !["liquid", "all"].contains(&only.to_lowercase().as_str()),
        _ => true,
    }
}
