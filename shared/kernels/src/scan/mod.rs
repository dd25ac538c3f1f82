//! The scan's kernels: a symbol's bars in, indicators out; a day's rows in, ranked tables out.
//!
//! Reading, in the order of a run: `cells`, `civil`, `ticker`, `sector` and `session` give meaning to input; `hygiene`,
//! `adjust`, `indicators` and `score` make up `map`; `universe`, `filter` and `rank` make up `reduce`, whose tables are
//! `table`. `compare` holds the arithmetic of thresholds, `columns` the list of what the map computes, `options` what
//! decides values.

pub mod adjust;
pub mod cells;
pub mod civil;
pub mod columns;
pub mod compare;
pub mod filter;
pub mod hygiene;
pub mod indicators;
pub mod map;
pub mod options;
pub mod rank;
pub mod reduce;
pub mod score;
pub mod sector;
pub mod session;
pub mod ticker;
pub mod universe;

pub use crate::table;
