//! The house rules that a compiler does not hold: which crate may lean on which, what the pure crates may touch, how
//! large a file may grow, what may enter the build, and that the documents name only what is there.
//!
//! Each module is a checker over plain facts, tested on small fixtures that break its rule, and a test that gives it
//! the facts of this checkout. A checker returns every violation at once. Read [`layers`] next.

mod documents;
mod graph;
mod layers;
mod purity;
mod rust_code;
mod sources;
mod supply;
mod tree;
mod unused;
mod words;

/// Fails with every violation, one a line.
#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{} violation(s):\n  {}\n",
        violations.len(),
        violations.join("\n  ")
    );
}
