//! Inputs: from what a user names to columns that kernels take.
//!
//! The way through: [`locate`] lists files, [`inputs`] opens, fetches and decodes blocks, [`survey`] reads the keys of
//! all blocks once at submit, [`gather`] picks a job's symbols out of its blocks, [`universe`] and [`joined`] read the
//! small tables. Nothing is read that a job does not need, and memory is bounded by the jobs in flight and the cache.

pub mod block;
pub mod columns;
pub mod convert;
pub mod describe;
pub mod error;
pub mod file;
mod found;
pub mod gather;
pub mod inputs;
pub mod joined;
pub mod locate;
pub mod model;
pub mod names;
pub mod parquet;
pub mod ranges;
mod remote;
pub mod select;
pub mod small_table;
pub mod survey;
mod surveys;
mod symbol_rows;
mod table;
pub mod text;
pub mod text_parse;
pub mod universe;

pub use error::DataError;
