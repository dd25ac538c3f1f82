//! The one list of what the pipeline computes: every column of every table with its type, unit, family and formula.
//!
//! Tables are built by these lists, in their order, and the printed list of features is made from them. A name pattern
//! stands for the names that its braces expand to, the last brace fastest. Read the tables' own files next.

mod bars;
mod expand;
mod tables;

use std::sync::LazyLock;

pub use tables::{EPISODES, LEVELS, PROFILES, QUALITY};

/// The type of a column; every column is nullable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Float64.
    F64,
    /// Int64.
    I64,
    /// Int8.
    I8,
    /// Boolean.
    Bool,
    /// Utf8.
    Utf8,
    /// Date32.
    Date,
}

/// A column: what a reader of a table needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Name in the table.
    pub name: String,
    /// Type.
    pub kind: Kind,
    /// Unit, or what kind of value it is.
    pub unit: &'static str,
    /// The family of features that it belongs to.
    pub family: &'static str,
    /// How it is computed.
    pub formula: &'static str,
}

/// Columns that share unit, family and formula; their types repeat in turn over the names.
struct Pattern {
    names: &'static str,
    kinds: &'static [Kind],
    unit: &'static str,
    family: &'static str,
    formula: &'static str,
}

/// The columns of `bars`.
pub static BARS: LazyLock<Vec<ColumnSpec>> = LazyLock::new(|| specs(bars::PATTERNS));

/// Every table with its columns, in the order of the pipeline.
#[must_use]
pub fn tables() -> [(&'static str, &'static [ColumnSpec]); 5] {
    [
        ("bars", &BARS),
        ("levels", &LEVELS),
        ("episodes", &EPISODES),
        ("profiles", &PROFILES),
        ("quality", &QUALITY),
    ]
}

fn specs(patterns: &[Pattern]) -> Vec<ColumnSpec> {
    let expand = |pattern: &Pattern| {
        let names = expand::names(pattern.names).into_iter().enumerate();
        let kinds = pattern.kinds;
        let (unit, family, formula) = (pattern.unit, pattern.family, pattern.formula);
        names
            .map(|(at, name)| ColumnSpec { name, kind: kinds[at % kinds.len()], unit, family, formula })
            .collect::<Vec<_>>()
    };
    patterns.iter().flat_map(expand).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_column_says_what_it_is() {
        for (table, specs) in tables() {
            for (at, spec) in specs.iter().enumerate() {
                let twice = specs[..at].iter().any(|earlier| earlier.name == spec.name);
                assert!(!twice, "{table}: {} twice", spec.name);
                assert!(!spec.unit.is_empty() && !spec.family.is_empty(), "{table}: {}", spec.name);
                assert!(spec.formula.ends_with('.'), "{table}: {}", spec.name);
            }
        }
    }

    #[test]
    fn tables_have_the_columns_of_the_specification() {
        let counts = tables().map(|(table, specs)| (table, specs.len()));
        assert_eq!(counts, [("bars", 267), ("levels", 11), ("episodes", 22), ("profiles", 27), ("quality", 42)]);
    }
}
