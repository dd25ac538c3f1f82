//! The one list of what the pipeline computes: every column of every table with its type, unit, family and formula.
//!
//! Tables are built by these lists, in their order, and the printed list of features is made from them. A name pattern
//! stands for the names that its braces expand to, the last brace fastest. Read the tables' own files next.

mod approach;
mod around;
mod bars;
mod expand;
mod tables;
mod vectors;

use std::sync::LazyLock;

pub use tables::{EPISODES, LEVELS, PROFILES, QUALITY};
pub(crate) use vectors::VECTOR_KEYS;
pub use vectors::{VECTOR_DIMENSIONS, VECTOR_NAMES, VECTOR_WIDTH_MAX, VECTORS};

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

/// The columns of `approach`.
pub static APPROACH: LazyLock<Vec<ColumnSpec>> = LazyLock::new(|| {
    let mut columns = specs(approach::KEYS);
    columns.extend(BARS.iter().filter(|column| taken_over(&column.name)).cloned());
    columns.extend(specs(approach::FEATURES));
    columns.extend(specs(around::FEATURES));
    columns
});

/// Every table with its columns, in the order of the pipeline.
#[must_use]
pub fn tables() -> [(&'static str, &'static [ColumnSpec]); 7] {
    [
        ("bars", &BARS),
        ("levels", &LEVELS),
        ("episodes", &EPISODES),
        ("approach", &APPROACH),
        ("profiles", &PROFILES),
        ("vectors", &VECTORS[..VECTOR_KEYS + VECTOR_DIMENSIONS]),
        ("quality", &QUALITY),
    ]
}

/// Whether `approach` takes over this column of `bars`: none of the keys, of the last ten, or of the far bands.
pub(crate) fn taken_over(name: &str) -> bool {
    let at = BARS.iter().position(|column| column.name == name);
    let by_band = ["bar5s_state_cdi_", "bar5s_depth_", "bar5s_flow_"]
        .iter()
        .any(|family| name.starts_with(family));
    let far = by_band && (name.contains("p3_5") || name.contains("p5_10"));
    at.is_some_and(|at| (2..257).contains(&at)) && !far
}

fn specs(patterns: &[Pattern]) -> Vec<ColumnSpec> {
    let expand = |pattern: &Pattern| {
        let names = expand::names(pattern.names).into_iter().enumerate();
        let kinds = pattern.kinds;
        let (unit, family, formula) = (pattern.unit, pattern.family, pattern.formula);
        names
            .map(|(at, name)| ColumnSpec {
                name,
                kind: kinds[at % kinds.len()],
                unit,
                family,
                formula,
            })
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
                assert!(
                    !spec.unit.is_empty() && !spec.family.is_empty(),
                    "{table}: {}",
                    spec.name
                );
                assert!(spec.formula.ends_with('.'), "{table}: {}", spec.name);
            }
        }
    }

    #[test]
    fn tables_have_the_columns_of_the_specification() {
        let counts = tables().map(|(table, specs)| (table, specs.len()));
        assert_eq!(
            counts,
            [
                ("bars", 267),
                ("levels", 11),
                ("episodes", 22),
                ("approach", 580),
                ("profiles", 27),
                ("vectors", 159),
                ("quality", 42)
            ]
        );
    }
}
