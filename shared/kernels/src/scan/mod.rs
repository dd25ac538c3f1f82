//! The scan's kernels: a symbol's bars in, indicators out; a day's rows in, ranked tables out.
//!
//! Reading: `cells`, `civil`, `ticker`, `sector`, `session` give meaning to input; `compare` holds the arithmetic of thresholds.

pub mod cells;
pub mod civil;
pub mod compare;
pub mod options;
pub mod sector;
pub mod session;
pub mod ticker;
