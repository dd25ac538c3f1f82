//! The worker of tickfleet: it claims jobs, fetches their input, computes, publishes, and holds nothing that matters.
//!
//! The files are the path of a job: [`claim`], [`fetch`], [`compute`], [`publish`], with [`heartbeat`] beside them.
//! Kernels run on the pool; async threads only move bytes; one OS thread renews leases. Kill it at any instant and
//! nothing is lost. Read next: [`claim::Worker::run`].

pub mod claim;
pub mod compute;
pub mod error;
pub mod fetch;
pub mod heartbeat;
pub mod publish;
pub mod run;

pub use claim::{Worker, WorkerOptions};
