//! The coordinator of tickfleet: submit, follow, results, and the embedded cluster.
//!
//! The files are the path of a run: [`cli`] parses, [`settings`] resolves, [`submit`] opens, plans and enqueues,
//! [`mod@follow`] watches, [`results`] collects and writes. [`embedded`] is the cluster of one process.

pub mod bench;
pub mod cli;
pub mod cluster;
pub mod embedded;
pub mod events;
pub mod follow;
pub mod log;
pub mod ops;
pub mod report;
pub mod results;
pub mod sample;
pub mod settings;
pub mod submit;
pub mod view;
