//! Sources that are not files of this machine: object storage, web servers, PostgreSQL, a market-data service.
//!
//! Each is a real server of the test's own: [`shop`] speaks enough of S3 and HTTP and fails as it is told, PostgreSQL is
//! PostgreSQL. The programs are run as a user runs them, and what they compute must be what they compute from local
//! files.

mod answers;
mod database;
mod files;
mod market;
mod objects;
mod service;
mod shop;
mod store;
mod sync;
