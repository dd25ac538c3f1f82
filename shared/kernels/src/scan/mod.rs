//! The scan's kernels: a symbol's bars in, indicators out; a day's rows in, ranked tables out.
//!
//! Reading, in the order of a run: `cells`, `civil`, `ticker`, `sector` and `session` give meaning to input; `hygiene`,
//! `adjust`, `indicators` and `score` make up `map`; `universe`, `filter`, the tables `fundamentals`, `events` and
//! `predictions`, then `factors`, `section` (by `cross`), `plan`, `flags`, `merit` and `rank` make up `reduce`, whose
//! tables are `table`. `features` is what a model reads between its two steps. `compare` holds the arithmetic of
//! thresholds, `columns` the list of what the map computes, `result` the list of all that is written, `options` what
//! decides values. Beside the path: `provisional` ranks while map jobs are under way, `explain` takes a scored row apart,
//! `diff` compares two rankings.

pub mod adjust;
pub mod cells;
pub mod civil;
pub mod columns;
pub mod compare;
pub mod cross;
pub mod diff;
pub mod events;
pub mod explain;
pub mod factors;
pub mod features;
pub mod filter;
pub mod flags;
pub mod fundamentals;
pub mod hygiene;
pub mod indicators;
pub mod map;
pub mod merit;
pub mod options;
pub mod plan;
pub mod predictions;
pub mod provisional;
pub mod rank;
pub mod reduce;
pub mod result;
pub mod score;
pub mod section;
pub mod sector;
pub mod session;
pub mod ticker;
pub mod universe;

pub use crate::table;
