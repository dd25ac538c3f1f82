//! The scan's kernels: a symbol's bars in, indicators out; a day's rows in, ranked tables out.
pub mod options;
pub mod sector;
