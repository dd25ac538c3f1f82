//! The feature pipeline's kernels: order-book records in; bars, levels, episodes, approach features and vectors out.
//!
//! Reading, in the order of a day: `record` and `reorder` make an ordered stream; `book`, `band` and `wall` give a book's
//! measures; `clock` cuts time into bars; `bars` is the first pass over records, with `quality` and `levels` beside it.
//! `episodes` finds the touches of levels, `profile` what earlier sessions traded; `around` is the second pass, near the
//! levels; `approach` and `vectors` make features of all that. `columns` is the list of what is computed, by which
//! `rows` builds every table; `numbers` holds the arithmetic.

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
