//! What the terminal shows: tables, the funnel, progress, and standard output itself.
//!
//! The formatting is pure: plain data, a width and a yes or no for colours go in, text comes out. Nothing here knows a
//! run, a broker or an Arrow batch. Read next: `ranked` (the scan's table), `funnel`, `progress`.

pub mod colour;
pub mod funnel;
pub mod number;
pub mod progress;
pub mod ranked;
pub mod stdout;
pub mod table;
pub mod terminal;
mod text;
