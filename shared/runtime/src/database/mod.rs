//! PostgreSQL and TimescaleDB: daily bars read from a table, and loaded into one.
//!
//! The files: [`name`] spells databases without secrets, [`session`] connects (few connections, bounded waits, tries
//! again), [`wire`] is PostgreSQL's binary form of rows, [`ranges`] cuts a table into ranges of symbols and reads them,
//! [`load`] fills one. Read next: [`ranges`].

pub mod fault;
pub mod load;
pub mod name;
pub mod ranges;
mod secrets;
pub mod session;
pub mod wire;

pub use fault::DatabaseError;
pub use name::{TableName, is_database};
