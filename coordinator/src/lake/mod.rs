//! A lake of daily bars: a folder with one Parquet file a session, `year=2024/2024-01-02.parquet`, filled day by day.
//!
//! [`days`] says which days are wanted and not there, [`sync`] fetches them. A file appears when all of it is written, so
//! a sync that is killed goes on where it was.

pub mod days;
pub mod sync;
