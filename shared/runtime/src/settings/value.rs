//! What a setting's value looks like, and how text and TOML become one.
//!
//! Reading checks type and range, so a [`Value`] that exists is good. Rules that need two settings are in
//! the programs that use them. It must never fall back to a guess: what can't be read is refused with what was expected.

use std::fmt;

use serde::{Serialize, Serializer};
use tickfleet_kernels::scan::cells;
use tickfleet_protocol::spec::scan::Day;
use toml::de::DeValue;

/// The type and range of a setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// One line of text, not empty.
    Text,
    /// A path or URI; a relative path in a file starts at the file's folder.
    Location,
    /// A calendar day.
    Day,
    /// A list of texts: commas in a flag or variable, an array in a file.
    List,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A finite number.
    Number(Bounds),
    /// A whole number from the first to the second.
    Count(u64, u64),
    /// Bytes, at least so many (whole megabytes).
    Size(u64),
    /// true or false.
    Switch,
    /// Known by name, but the part that would read it (named here) is not computed by this version.
    NotComputed(&'static str),
}

/// The range of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bounds {
    /// This or more.
    AtLeast(f64),
    /// Strictly more.
    MoreThan(f64),
    /// From the first to the second, both included.
    Between(f64, f64),
    /// Zero, or strictly more than this.
    ZeroOrMoreThan(f64),
}

/// A checked value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of [`Kind::Text`], [`Kind::Location`] and [`Kind::Choice`].
    Text(String),
    /// Of [`Kind::Day`].
    Day(Day),
    /// Of [`Kind::List`].
    List(Vec<String>),
    /// Of [`Kind::Number`].
    Number(f64),
    /// Of [`Kind::Count`], and of [`Kind::Size`] in bytes.
    Count(u64),
    /// Of [`Kind::Switch`].
    Switch(bool),
    /// Of [`Kind::NotComputed`], whose value nobody reads.
    Unread,
}

impl Kind {
    /// Reads a flag's or a variable's text; `None` if it isn't what [`Kind::expected`] says.
    #[must_use]
    pub fn read_text(self, text: &str) -> Option<Value> {
        let text = text.trim();
        match self {
            Self::Text | Self::Location => (!text.is_empty()).then(|| Value::Text(text.to_owned())),
            Self::Day => cells::date(text).map(Value::Day),
            Self::List => Some(Value::List(text.split(',').filter_map(item).collect())),
            Self::Choice(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
            Self::Number(bounds) => bounded(text.parse().ok()?, bounds),
            Self::Count(least, most) => counted(text.parse().ok()?, least, most),
            Self::Size(least) => counted(bytes(text)?, least, u64::MAX),
            Self::Switch => text.parse().ok().map(Value::Switch),
            Self::NotComputed(_) => Some(Value::Unread),
        }
    }

    /// Reads a value of a TOML file; `None` if it isn't what [`Kind::expected`] says. Text is no number here.
    #[must_use]
    pub fn read_toml(self, value: &DeValue<'_>) -> Option<Value> {
        match (self, value) {
            (Self::NotComputed(_), _) => Some(Value::Unread),
            (Self::Number(_) | Self::Count(..) | Self::Switch, DeValue::String(_)) => None,
            (_, DeValue::String(text)) => self.read_text(text),
            (Self::Number(bounds), DeValue::Float(number)) => bounded(number.as_str().parse().ok()?, bounds),
            (Self::Number(_) | Self::Count(..) | Self::Size(_), DeValue::Integer(number)) if number.radix() == 10 => {
                self.read_text(number.as_str())
            }
            (Self::Switch, DeValue::Boolean(switch)) => Some(Value::Switch(*switch)),
            (Self::Day, DeValue::Datetime(date)) if date.time.is_none() => self.read_text(&date.to_string()),
            (Self::List, DeValue::Array(items)) => {
                let texts: Option<Vec<&str>> = items.iter().map(|value| value.get_ref().as_str()).collect();
                Some(Value::List(texts?.into_iter().filter_map(item).collect()))
            }
            _ => None,
        }
    }

    /// What a good value is, in words.
    #[must_use]
    pub fn expected(self) -> String {
        match self {
            Self::Text => "a text that is not empty".to_owned(),
            Self::Location => "a path or a URI".to_owned(),
            Self::Day => "a date, YYYY-MM-DD or YYYYMMDD".to_owned(),
            Self::List => "a list of texts".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Number(bounds) => format!("a number, {bounds}"),
            Self::Count(..) => format!("a whole number, {}", self.range().expect("a count has a range")),
            Self::Size(_) => format!(
                "a size such as 256MB or 2GiB, {}",
                self.range().expect("a size has a range")
            ),
            Self::Switch => "true or false".to_owned(),
            Self::NotComputed(_) => "no value".to_owned(),
        }
    }

    /// The range of a number, as the help text says it.
    #[must_use]
    pub fn range(self) -> Option<String> {
        match self {
            Self::Number(bounds) => Some(bounds.to_string()),
            Self::Count(least, most) if most >= u64::from(u32::MAX) => Some(format!("{least} or more")),
            Self::Count(least, most) => Some(format!("{least} to {most}")),
            Self::Size(least) => Some(format!("{}MB or more", least / 1_000_000)),
            _ => None,
        }
    }

    /// What the help text calls the value.
    #[must_use]
    pub const fn value_name(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Location => "URI",
            Self::Day => "DATE",
            Self::List => "LIST",
            Self::Choice(_) => "NAME",
            Self::Number(_) => "X",
            Self::Count(..) => "N",
            Self::Size(_) => "SIZE",
            Self::Switch => "BOOL",
            Self::NotComputed(_) => "VALUE",
        }
    }
}

impl Bounds {
    fn contains(self, x: f64) -> bool {
        match self {
            Self::AtLeast(least) => x >= least,
            Self::MoreThan(bound) => x > bound,
            Self::Between(least, most) => (least..=most).contains(&x),
            Self::ZeroOrMoreThan(bound) => (0.0..=0.0).contains(&x) || x > bound,
        }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "{least} or more"),
            Self::MoreThan(bound) => write!(f, "more than {bound}"),
            Self::Between(least, most) => write!(f, "{least} to {most}"),
            Self::ZeroOrMoreThan(bound) => write!(f, "0 or more than {bound}"),
        }
    }
}

/// As a TOML value: `coordinator config` prints what a file may hold.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", toml::Value::from(text.as_str())),
            Self::Day(day) => f.write_str(&cells::format_date(*day)),
            Self::List(items) => write!(f, "{}", toml::Value::from(items.clone())),
            Self::Number(number) => write!(f, "{number}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Switch(switch) => write!(f, "{switch}"),
            Self::Unread => Ok(()),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Day(day) => serializer.serialize_str(&cells::format_date(*day)),
            Self::List(items) => items.serialize(serializer),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Switch(switch) => serializer.serialize_bool(*switch),
            Self::Unread => serializer.serialize_none(),
        }
    }
}

/// A list's item without the blanks around it; an empty one is no item.
fn item(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Adding 0 turns -0 into 0, so one number has one spelling in the canonical spec.
fn bounded(number: f64, bounds: Bounds) -> Option<Value> {
    (number.is_finite() && bounds.contains(number)).then_some(Value::Number(number + 0.0))
}

fn counted(count: u64, least: u64, most: u64) -> Option<Value> {
    (least..=most).contains(&count).then_some(Value::Count(count))
}

/// Bytes of `N`, or of `N` with a decimal (KB, MB, GB, TB) or binary (KiB, MiB, GiB, TiB) unit in any case.
fn bytes(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATIO: Kind = Kind::Number(Bounds::ZeroOrMoreThan(1.0));

    #[test]
    fn text_is_read_by_kind() {
        let list = |items: &[&str]| Some(Value::List(items.iter().map(|&item| item.to_owned()).collect()));
        let cases: &[(Kind, &str, Option<Value>)] = &[
            (Kind::Text, "  ", None),
            (Kind::Location, " a b.csv ", Some(Value::Text("a b.csv".into()))),
            (Kind::Day, "2016-06-30", Some(Value::Day(16982))),
            (Kind::Day, "20160630", Some(Value::Day(16982))),
            (Kind::Day, "2016-02-30", None),
            (Kind::Day, "30.6.2016", None),
            (Kind::List, "A, B,,C ", list(&["A", "B", "C"])),
            (Kind::List, "", list(&[])),
            (
                Kind::Choice(&["long", "short"]),
                "short",
                Some(Value::Text("short".into())),
            ),
            (Kind::Choice(&["long", "short"]), "Short", None),
            (RATIO, "0", Some(Value::Number(0.0))),
            (RATIO, "1", None),
            (RATIO, "1.5", Some(Value::Number(1.5))),
            (RATIO, "-1", None),
            (RATIO, "inf", None),
            (RATIO, "nan", None),
            (Kind::Number(Bounds::MoreThan(0.0)), "0", None),
            (
                Kind::Number(Bounds::Between(0.0, 26.0)),
                "26",
                Some(Value::Number(26.0)),
            ),
            (Kind::Number(Bounds::Between(0.0, 26.0)), "26.1", None),
            (Kind::Number(Bounds::AtLeast(0.0)), "10e6", Some(Value::Number(10e6))),
            (Kind::Count(60, 5000), "60", Some(Value::Count(60))),
            (Kind::Count(60, 5000), "59", None),
            (Kind::Count(60, 5000), "5001", None),
            (Kind::Count(60, 5000), "60.0", None),
            (Kind::Size(1_000_000), "256MB", Some(Value::Count(256_000_000))),
            (Kind::Size(1_000_000), "2 gib", Some(Value::Count(2 << 30))),
            (Kind::Size(1_000_000), "1KB", None),
            (Kind::Size(1_000_000), "99999999999TB", None),
            (Kind::Size(1_000_000), "MB", None),
            (Kind::Switch, "true", Some(Value::Switch(true))),
            (Kind::Switch, "yes", None),
        ];
        for (kind, text, expect) in cases {
            assert_eq!(kind.read_text(text), *expect, "{kind:?} from {text:?}");
        }
    }

    #[test]
    fn negative_zero_is_zero() {
        let Some(Value::Number(number)) = Kind::Number(Bounds::AtLeast(0.0)).read_text("-0") else {
            panic!("-0 is >= 0")
        };
        assert!(number.is_sign_positive());
    }

    #[test]
    fn a_value_prints_as_toml() {
        let cases = [
            (Value::Text("a\"b".into()), "'a\"b'"),
            (Value::Day(16982), "2016-06-30"),
            (Value::List(vec!["A".into(), "B".into()]), r#"["A", "B"]"#),
            (Value::Number(500_000.0), "500000"),
            (Value::Switch(false), "false"),
        ];
        for (value, expect) in cases {
            assert_eq!(value.to_string(), expect);
        }
    }
}
