//! What the terminal shows: tables, the funnel, progress, and standard output itself.
//!
//! The formatting is pure: plain data, a width and a yes or no for colours go in, text comes out. Nothing here calls a
//! broker or reads an Arrow batch. Read next: `ranked` (the scan's table), `funnel`, `progress`; `runs` and its
//! neighbours for the verbs that operate a cluster.

pub mod audits;
pub mod colour;
pub mod differences;
pub mod explained;
pub mod fleet;
pub mod frame;
pub mod funnel;
pub mod health;
pub mod history;
pub mod letters;
pub mod number;
pub mod progress;
pub mod provisional;
pub mod ranked;
pub mod run;
pub mod runs;
pub mod sheet;
pub mod stdout;
pub mod streams;
pub mod table;
pub mod terminal;
mod text;
pub mod unit;
