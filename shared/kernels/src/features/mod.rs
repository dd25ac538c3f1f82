//! The feature pipeline's kernels: order-book records in; bars, levels, episodes, approach features and vectors out.
//!
//! Reading, in the order of a day: `record` and `reorder` make an ordered stream; `book` and `band` give a book's
//! measures; `clock` cuts time into bars; `bars` is the one pass over records, with `quality` and `levels` beside it.
//! `columns` is the list of what is computed, by which every table is built through `rows`.

pub mod approach;
pub mod around;
pub mod band;
pub mod bars;
pub mod book;
pub mod clock;
pub mod columns;
pub mod episodes;
pub mod levels;
pub mod numbers;
pub mod profile;
pub mod quality;
pub mod record;
pub mod reorder;
pub mod rows;
#[cfg(test)]
mod testing;
pub mod vectors;
pub mod wall;
